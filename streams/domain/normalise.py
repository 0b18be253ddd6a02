"""From a contract-checked CloudEvent to the internal record: identifiers in one form, text masked, times as
milliseconds.

``event_record`` is on the path of every event: about 5 µs for one without text.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import idna
import phonenumbers

from schemas.events import FIELDS, TEXTS
from streams.domain.detectors import Budget
from streams.domain.masking import mask
from streams.domain.records import AgentState, Command, Event, Profile
from streams.domain.sentiment import SCORED, Scorer

STRENGTH = ("email", "phone", "social", "account", "device", "cookie")
"""Kinds of identifiers from the strongest to the weakest; a customer id is stronger than all of them."""

_RANK = {"customer": -1} | {kind: rank for rank, kind in enumerate(STRENGTH)}
_WEAKEST = len(STRENGTH)
_TIMES = ("scheduled_for", "until")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

REMEMBERED = 64
"""Characters of an identifier whose form is kept in memory; what is longer is no number or address that comes again,
and must not fill the memory.
"""
_SHORTEST = len(
    "+683400"
)  # the shortest numbers in use have 7 digits; what is shorter is an extension inside a company

# What telephone systems send as the number of a caller who hides it: it names nobody, and must not join strangers.
_WITHHELD = frozenset({"anonymous", "blocked", "private", "restricted", "unavailable", "unknown", "withheld"})


class Policy(NamedTuple):
    """How a deployment normalises."""

    region: str | None = None
    """ISO 3166-1 alpha-2 code of the country whose phone numbers come without a country code; ``None`` = there is none.
    """
    scorer: Scorer | None = None
    """Sentiment of customer messages for which the connector gave none; ``None`` = they stay without."""


def phone(value: str, region: str | None = None) -> str:
    """The number in E.164 (``+4917012345``), an extension as ``;ext=5`` (RFC 3966); what is no possible number:
    trimmed, as given.

    *Possible* (length) rather than *valid* (number ranges): ranges change faster than libraries, and a number that is
    in use identifies its owner all the same.
    """
    value = value.strip()
    return (_phone if len(value) <= REMEMBERED else _phone.__wrapped__)(value, region)


@lru_cache(65_536)
def _phone(value: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return value
    if not phonenumbers.is_possible_number(number):
        return value
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if len(plain) <= _SHORTEST:
        return value
    return f"{plain};ext={number.extension}" if number.extension else plain


def email(value: str) -> str:
    """Trimmed, lower case, the domain in ASCII (IDNA 2008 after UTS 46); a domain IDNA refuses stays as it is."""
    return (_email if len(value) <= REMEMBERED else _email.__wrapped__)(value)


@lru_cache(65_536)
def _email(value: str) -> str:
    value = value.strip().removeprefix("mailto:").lower()
    local, at, domain = value.rpartition("@")
    if not at or domain.isascii():
        return value
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except (idna.IDNAError, UnicodeError):
        return value


def social(value: str) -> str:
    """A social handle: trimmed, lower case, without the leading ``@``."""
    return value.strip().lstrip("@").lower()


def identifier(kind: str, value: str, region: str | None = None) -> str | None:
    """The value in its one form; ``None`` when nothing is left of it or it names nobody (a withheld phone number)."""
    if kind == "email":
        return email(value) or None
    if kind == "phone":
        number = phone(value, region)
        return None if not number or number.lower() in _WITHHELD else number
    return (social(value) if kind == "social" else value.strip()) or None


def identifiers(given: Iterable[Mapping[str, str]], region: str | None = None) -> tuple[tuple[str, str], ...]:
    """(kind, value) pairs, each once, the strongest kind first and inside a kind as given. Unknown kinds come last."""
    pairs: dict[tuple[str, str], None] = {}
    for item in given:
        kind = item["kind"]
        value = identifier(kind, item["value"], region)
        if value is not None:
            pairs[kind, value] = None
    if len(pairs) < 2:
        return tuple(pairs)
    return tuple(sorted(pairs, key=lambda pair: _RANK.get(pair[0], _WEAKEST)))


def to_ms(value: str | datetime | int) -> int:
    """RFC 3339 text (or a datetime with a zone) as milliseconds since the epoch, cut to the millisecond; an int stays.

    Raises ``ValueError`` for what is no time or has no zone.
    """
    if isinstance(value, int):
        return value
    moment = value if isinstance(value, datetime) else _moment(value.strip().upper())
    if moment.tzinfo is None:
        raise ValueError(f"time {value!r} has no zone: write it with 'Z' or an offset such as '+01:00'")
    return (moment - _EPOCH) // _MILLISECOND


def _moment(text: str) -> datetime:
    # A leap second exists in RFC 3339 and not in datetime: 23:59:60 is the second after 23:59:59.
    if text[16:19] == ":60":
        return datetime.fromisoformat(f"{text[:16]}:59{text[19:]}") + timedelta(seconds=1)
    return datetime.fromisoformat(text)


# The record of an event


def event_record(
    obj: dict[str, Any], time_ms: int, line: str, policy: Policy, budget: Budget | None = None
) -> Event | Profile | AgentState | Command:
    """The internal record of a CloudEvent as a plain dict (``id``, ``source``, ``type``, ``data``) that passed the
    contract.

    ``obj`` is not changed. ``budget`` pays for the masking of its texts and knows afterwards how it went; ``None`` = a
    whole one. Raises ``ValueError`` for a marker of a replay (it becomes no record) and for a time inside ``data``
    that cannot be read.
    """
    kind: str = obj["type"]
    build = _BUILDERS.get(kind)
    if build is not None:
        return build(obj, time_ms, line, policy)
    if kind.startswith("replay."):
        raise ValueError(f"{kind} is a marker for watermarks: it has no record")
    return _contact_event(obj, time_ms, line, policy, Budget() if budget is None else budget)


def _contact_event(obj: dict[str, Any], time_ms: int, line: str, policy: Policy, budget: Budget) -> Event:
    data: dict[str, Any] = obj["data"]
    given = data.get("identifiers")
    found = identifiers(given, policy.region) if given else ()
    customer = _trimmed(data.get("customer_id"))
    if found and found[0][0] == "customer":
        # Only other customer ids stay among the identifiers: they are evidence that two customers share a contact.
        customer = customer or found[0][1]
        found = tuple(pair for pair in found if pair != ("customer", customer))
    return Event(
        id=obj["id"],
        source=obj["source"],
        type=obj["type"],
        time=time_ms,
        contact=data["contact_id"],
        channel=data["channel"],
        line=line,
        queue=data.get("queue"),
        customer=customer,
        tier=data.get("tier"),
        agent=data.get("agent_id"),
        identifiers=found,
        data=_specific(obj["type"], data, policy, budget),
    )


def _specific(kind: str, data: dict[str, Any], policy: Policy, budget: Budget) -> dict[str, Any]:
    """What the type adds, ready to be passed on. What the contract does not know ends here: nobody reads it, and no
    state behind the door has room for it.
    """
    rest = {name: data[name] for name in FIELDS[kind] if name in data}
    if not rest:
        return rest
    for name in TEXTS[kind]:
        if isinstance(rest.get(name), str):
            rest[name] = mask(rest[name], policy.region, budget)
    for name in _TIMES:
        if rest.get(name) is not None:
            rest[name] = to_ms(rest[name])
    if isinstance(rest.get("phone"), str):
        rest["phone"] = phone(rest["phone"], policy.region)
    if policy.scorer is not None and rest.get("sentiment") is None and is_customer_text(kind, rest):
        score = policy.scorer(rest["text"][:SCORED], rest.get("language"))
        if score is not None:
            rest["sentiment"] = score
    return rest


def is_customer_text(kind: str, data: Mapping[str, Any]) -> bool:
    """Is it a text whose sentiment is the customer's? A message the customer wrote, or a post (answers to it are
    another type).
    """
    wrote = kind == "post.made" or (kind == "message.sent" and data.get("author") == "customer")
    return wrote and isinstance(data.get("text"), str)


def _profile(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> Profile:
    data: dict[str, Any] = obj["data"]
    return Profile(
        id=obj["id"],
        source=obj["source"],
        customer=data["customer_id"].strip(),
        time=time_ms,
        line=line,
        tier=data.get("tier"),
        value_cents=data.get("value_cents"),
        language=data.get("language"),
        preferences=data.get("preferences"),
        consent=data.get("consent"),
    )


def _agent_state(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> AgentState:
    data: dict[str, Any] = obj["data"]
    return AgentState(
        id=obj["id"],
        source=obj["source"],
        agent=data["agent_id"],
        state=data["state"],
        time=time_ms,
        line=line,
        queues=tuple(data.get("queues") or ()),
        capacity={channel: (slots["free"], slots["of"]) for channel, slots in (data.get("capacity") or {}).items()},
    )


def _command(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> Command:
    data: dict[str, Any] = obj["data"]
    until = data.get("until")
    return Command(
        id=obj["id"],
        source=obj["source"],
        alert=data["alert_id"],
        action=data["action"],
        time=time_ms,
        line=line,
        by=data.get("by"),
        until=None if until is None else to_ms(until),
    )


_BUILDERS: dict[str, Callable[[dict[str, Any], int, str, Policy], Event | Profile | AgentState | Command]] = {
    "customer.profile_changed": _profile,
    "agent.state_changed": _agent_state,
    "alert.commanded": _command,
}


def _trimmed(value: str | None) -> str | None:
    return value.strip() or None if value is not None else None
