"""Slack: blocks for an incoming webhook."""

from dataclasses import dataclass
from typing import Any

from streams.base.units import FROM_FILES
from streams.notify.formats.parts import Request, cut, link, posted
from streams.notify.message import OVER, Message, values
from streams.notify.secrets import SecretAt

TITLE, TEXT, FIELD = 150, 3000, 2000
"""Characters that Slack takes."""
_SIGNS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
_FIELDS = ("value", "limit", "because", "acknowledged_by", "assigned_to", "owner")


@dataclass(frozen=True, slots=True)
class Slack:
    url: SecretAt
    """The address of the incoming webhook, which is a secret as a whole."""

    __pydantic_config__ = FROM_FILES


def request(message: Message, url: str) -> Request:
    """One message in the webhook's channel."""
    return posted(url, content(message))


def content(message: Message) -> dict[str, Any]:
    """Blocks, and a line for notifications."""
    title = f"{_sign(message)} {message.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(title, TITLE), "emoji": True}}
    ]
    if message.text:
        blocks.append({"type": "section", "text": _text(message.text, TEXT)})
    if message.kind == "step":
        known = values(message.event)
        shown = [_text(f"*{name.replace('_', ' ')}*\n", FIELD, known[name]) for name in _FIELDS if known[name]]
        blocks.append({"type": "section", "fields": shown})
        if to := link(message.event.alert.runbook):
            button = {"type": "button", "text": {"type": "plain_text", "text": "Runbook"}, "url": cut(to, 3000)}
            blocks.append({"type": "actions", "elements": [button]})
        ids = escaped(cut(message.event.alert.episode_id, 300))
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": ids}]})
    return {"text": escaped(cut(title, TEXT)), "blocks": blocks}


def escaped(text: str) -> str:
    """As Slack asks for: nothing in it is a mention, a link or a channel. A zero-width space keeps marks apart."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(text: str, most: int, more: str = "") -> dict[str, str]:
    return {"type": "mrkdwn", "text": cut(text if more else escaped(text), most) + escaped(cut(more, most - 100))}


def _sign(message: Message) -> str:
    """The worst of those that are not over."""
    worst = [each.alert.severity for each in message.latest if each.alert.state not in OVER]
    return next((_SIGNS[name] for name in _SIGNS if name in worst), "✅")
