"""E-mail: one message per step, the steps of an episode in one thread."""

import hashlib
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict

from streams.base.units import FROM_FILES, Text
from streams.notify.formats.parts import cut
from streams.notify.message import Message, values
from streams.notify.secrets import SecretAt

SUBJECT, TEXT = 200, 100_000
_FIELDS = (
    *("state", "severity", "rule", "about", "value", "limit", "because", "by", "note", "since", "at"),
    *("acknowledged_by", "assigned_to", "owner", "runbook", "episode"),
)


def _mailbox(value: str) -> str:
    try:
        if Address(addr_spec=value).domain:
            return value
    except (ValueError, IndexError):
        pass
    raise ValueError("expected an e-mail address such as desk@example.com")


Mailbox = Annotated[str, Strict(), AfterValidator(_mailbox)]


@dataclass(frozen=True, slots=True)
class Email:
    host: Text
    sender: Mailbox
    to: Annotated[tuple[Mailbox, ...], Field(min_length=1, max_length=100)]
    port: Annotated[int, Strict(), Field(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """starttls: the connection is encrypted or not used; none: only without a password."""
    user: Text | None = None
    password: SecretAt | None = None
    ca: Path | None = None
    """Certificates by which the server is known; empty: those of the system."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together: give both or none")
        if self.password is not None and self.tls == "none":
            raise ValueError("tls: none would send the password in clear; starttls and tls are allowed with one")


def mail(message: Message, options: Email, at: str) -> EmailMessage:
    """``at``: of the message, as RFC 5322 has it."""
    found = EmailMessage()
    found["Subject"] = cut(message.title, SUBJECT)
    found["From"] = options.sender
    found["To"] = ", ".join(options.to)
    found["Date"] = at
    found["Message-ID"] = message_id(options, message.id)
    found["Auto-Submitted"] = "auto-generated"
    found["X-Contact-Streams-Id"] = _hash(message.id)
    if message.kind == "step":
        root = message_id(options, message.event.alert.episode_id)
        found["In-Reply-To"] = found["References"] = root
    found.set_content(cut(body(message), TEXT))
    return found


def body(message: Message) -> str:
    """Plain text."""
    if message.kind != "step":
        return f"{message.title}\n\n{message.text}\n"
    known = values(message.event)
    rows = (f"{name.replace('_', ' '):16}{known[name]}" for name in _FIELDS if known[name])
    return "\n".join((message.title, "", message.text, "", *rows, ""))


def message_id(options: Email, name: str) -> str:
    """The same for the same name, so that a mail that comes twice can be told by it."""
    return f"<{_hash(name)}@{options.sender.rpartition('@')[2]}>"


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:40]
