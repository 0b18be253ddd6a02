"""The one transition table of all channels: what an event does to a contact's state, as data.

A *trigger* is the event type, with a suffix where the type alone does not decide: ``contact.connected`` means a human,
a bot or self-service connecting is ``contact.connected:bot`` or ``:self-service``; ``contact.wrapped_up:other`` is the
after-contact work of an agent who no longer has the contact, ``contact.left_queue:other`` the leaving of a queue in
which the contact does not wait (any more); ``message.sent:customer`` and ``post.answered:customer`` are the customer's
own words. Events may be missing or come out of order, so much is *tolerated*; what cannot be is *illegal*: it changes
nothing and is reported.

An end is not for ever: what the customer does next, and whoever then takes care of it, goes on with the same contact.
Words about it that come late (a survey, after-contact work, what became of its case or of a message) leave it ended.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

STATES = (
    "new", "self-service", "bot", "queued", "offered", "connected", "held", "transferring", "callback", "wrapping",
    "ended",
)  # fmt: skip
"""new: nobody has it yet, or again nobody after an end; transferring: between two parties, or out of a queue and not
yet elsewhere; callback: waits to be called back; wrapping: wrapped up, its end not yet reported."""

START, END = "new", "ended"


class Verdict(StrEnum):
    LEGAL = "legal"
    TOLERATED = "tolerated"
    ILLEGAL = "illegal"


class Move(NamedTuple):
    """The state after the event (the same one where it is illegal) and what to think of it."""

    state: str
    verdict: Verdict


class Illegal(NamedTuple):
    """An event that cannot happen in the state its contact was in; it has been left out."""

    contact: str
    state: str
    type: str


STAY = "="
"""The state does not change."""

# trigger → verdict → {states: next state}; "*" = every state not named in the trigger's row;
# a state in no row: illegal.
_Row = dict[str, dict[str, str]]
_ANY_TIME: _Row = {"legal": {"*": STAY}, "tolerated": {"ended": STAY}}
_EVEN_AFTER: _Row = {"legal": {"*": STAY}}
_REOPENS: _Row = {"legal": {"*": STAY, "ended": START}}

_ROWS: dict[str, _Row] = {
    "contact.initiated": {"legal": {"new": STAY, "ended": START}, "tolerated": {"*": STAY}},
    "contact.reopened": {"legal": {"ended": START}, "tolerated": {"wrapping": START, "*": STAY}},
    "contact.connected:self-service": {
        "legal": {"new bot transferring ended": "self-service"},
        "tolerated": {"self-service queued offered connected held callback wrapping": STAY},
    },
    "contact.connected:bot": {
        "legal": {"new self-service transferring ended": "bot"},
        "tolerated": {"bot queued offered connected held callback wrapping": STAY},
    },
    "contact.handed_off": {
        "legal": {"bot self-service ended": "transferring"},
        "tolerated": {"new": "transferring", "queued offered connected held transferring callback wrapping": STAY},
    },
    "contact.queued": {
        "legal": {"new self-service bot queued offered transferring callback ended": "queued"},
        "tolerated": {"connected held wrapping": "queued"},
    },
    "contact.queued:late": {"tolerated": {"*": STAY}},
    "contact.left_queue": {
        "legal": {"queued offered": "transferring"},
        "tolerated": {"new": "transferring", "*": STAY},
    },
    "contact.left_queue:other": {"legal": {"queued offered": STAY}, "tolerated": {"*": STAY}},
    "contact.turned_away": {
        "legal": {"new self-service bot queued offered transferring callback": STAY},
        "tolerated": {"*": STAY},
    },
    "contact.assigned": _EVEN_AFTER,
    "contact.offered": {
        "legal": {"queued transferring callback": "offered", "offered": STAY},
        "tolerated": {"new self-service bot wrapping ended": "offered", "connected held": STAY},
    },
    "contact.missed": {"legal": {"offered": "queued"}, "tolerated": {"*": STAY}},
    "contact.connected": {
        "legal": {"new queued offered transferring callback ended": "connected", "connected": STAY},
        "tolerated": {"self-service bot held wrapping": "connected"},
    },
    "contact.held": {"legal": {"connected": "held"}, "tolerated": {"held transferring": STAY}},
    "contact.resumed": {"legal": {"held": "connected"}, "tolerated": {"connected transferring": STAY}},
    "contact.transferred": {
        "legal": {"queued offered connected held": "transferring", "transferring": STAY},
        "tolerated": {"new self-service bot wrapping": "transferring", "callback ended": STAY},
    },
    "contact.callback_requested": {
        "legal": {"new self-service bot queued offered transferring": "callback", "connected held": STAY},
        "tolerated": {"callback wrapping ended": STAY},
    },
    "contact.wrapped_up": {
        "legal": {"connected held": "wrapping", "queued offered transferring ended": STAY},
        "tolerated": {"*": STAY},
    },
    "contact.wrapped_up:other": {
        "legal": {"queued offered connected held transferring wrapping ended": STAY},
        "tolerated": {"*": STAY},
    },
    "contact.ended": {"legal": {"*": END}, "tolerated": {"ended": STAY}},
    "message.sent": _ANY_TIME,
    "message.sent:customer": _REOPENS,
    "message.changed": _EVEN_AFTER,
    "post.made": _REOPENS,
    "post.answered": _ANY_TIME,
    "post.answered:customer": _REOPENS,
    "article.viewed": _ANY_TIME,
    "search.failed": _ANY_TIME,
    "visit.made": _ANY_TIME,
    "feedback.given": _EVEN_AFTER,
    "case.opened": _EVEN_AFTER,
    "case.solved": _EVEN_AFTER,
    "case.reopened": _EVEN_AFTER,
}

TRIGGERS = tuple(_ROWS)


def _moves(row: _Row) -> dict[str, Move]:
    given = {
        state: Move(state if target == STAY else target, Verdict(verdict))
        for verdict, targets in row.items()
        for states, target in targets.items()
        for state in states.split()
    }
    rest = given.pop("*", None)
    other = {
        state: Move(state, Verdict.ILLEGAL)
        if rest is None
        else Move(state if rest.state == "*" else rest.state, rest.verdict)
        for state in STATES
    }
    return other | given


TABLE: Mapping[tuple[str, str], Move] = {
    (state, trigger): move for trigger, row in _ROWS.items() for state, move in _moves(row).items()
}
"""(state, trigger) → move, for every state and every trigger."""


def move(state: str, trigger: str) -> Move:
    """What the trigger does in the state. A trigger the table does not know changes nothing and is illegal."""
    return TABLE.get((state, trigger)) or Move(state, Verdict.ILLEGAL)


def markdown() -> str:
    """The table as Markdown, a row per trigger: ``→ state`` where it changes, ``·`` stays, (in brackets) tolerated,
    ``✗`` illegal."""
    lines = ["| event | " + " | ".join(STATES) + " |", "|---|" + "---|" * len(STATES)]
    lines += [
        f"| `{trigger}` | " + " | ".join(_cell(state, trigger) for state in STATES) + " |" for trigger in TRIGGERS
    ]
    return "\n".join(lines) + "\n"


def _cell(state: str, trigger: str) -> str:
    target, verdict = TABLE[state, trigger]
    if verdict is Verdict.ILLEGAL:
        return "✗"
    text = "·" if target == state else f"→ {target}"
    return f"({text})" if verdict is Verdict.TOLERATED else text
