"""Microsoft Teams: an adaptive card for the webhook of a workflow ("post to a channel when a webhook request is
received")."""

from dataclasses import dataclass
from typing import Any

from streams.base.units import FROM_FILES
from streams.notify.formats.parts import Request, cut, link, posted
from streams.notify.message import OVER, Message, values
from streams.notify.secrets import SecretAt

CARD = "application/vnd.microsoft.card.adaptive"
TITLE, TEXT, FACT = 300, 8000, 500
"""Characters; a card with all its parts stays below the 28 KB that Teams takes."""
_SIGNS = str.maketrans({"[": "(", "]": ")", "<": "(", ">": ")"})
_COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent"}
_FACTS = ("state", "severity", "value", "limit", "because", "acknowledged_by", "assigned_to", "owner", "episode")


@dataclass(frozen=True, slots=True)
class Teams:
    url: SecretAt
    """The address of the workflow, which is a secret as a whole."""

    __pydantic_config__ = FROM_FILES


def request(message: Message, url: str) -> Request:
    """One card in the workflow's channel."""
    return posted(url, content(message))


def content(message: Message) -> dict[str, Any]:
    """A message with one card."""
    body: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": plain(cut(message.title, TITLE)),
            "size": "Medium",
            "weight": "Bolder",
            "wrap": True,
            "color": _colour(message),
        }
    ]
    if message.text:
        body.append({"type": "TextBlock", "text": plain(cut(message.text, TEXT)), "wrap": True})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if message.kind == "step":
        known = values(message.event)
        facts = [
            {"title": name.replace("_", " "), "value": plain(cut(known[name], FACT))} for name in _FACTS if known[name]
        ]
        body.append({"type": "FactSet", "facts": facts})
        if to := link(message.event.alert.runbook):
            card["actions"] = [{"type": "Action.OpenUrl", "title": "Runbook", "url": cut(to, 2000)}]
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def plain(text: str) -> str:
    """Cards read a little Markdown: no link and no mention is made of what customers wrote."""
    return text.translate(_SIGNS).replace("\n", "\n\n")


def _colour(message: Message) -> str:
    worst = [each.alert.severity for each in message.latest if each.alert.state not in OVER]
    return next((_COLOURS[name] for name in _COLOURS if name in worst), "Good")
