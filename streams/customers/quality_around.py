"""What a contact's quality is held against beside itself: the customer's other contacts.

They count as far as they were heard of in a span before its end, half of the time for which a contact is known: none of
them is forgotten before its scores are final.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from streams.base.claims import mark_of
from streams.base.records import contact_key
from streams.contacts import histories
from streams.contacts.contact import Contact
from streams.contacts.rules import ContactRules
from streams.customers.follow import Change, View
from streams.quality.scoring import is_over, waited_ms

Found = tuple[str, Contact]
"""A contact by its key."""


class Beside(NamedTuple):
    """Of all contacts of a customer."""

    waits: list[tuple[int, str, int, int]]
    """(end, contact, ms, when it was heard of last) of those that are over."""
    called: list[tuple[int, str]]
    """(when it began, contact) of those that our side opened."""


ALONE = Beside([], [])


def contact_of(key: str, view: View, rules: ContactRules) -> Contact:
    """A contact's last life; of one at rest, as it was taken for over."""
    history = view.histories.get(key)
    if history is not None:
        return history.lives[-1]
    contact = view.rested[key]
    return contact if contact.closed_at is None else histories.revived(contact, rules).lives[-1]


def every(view: View, rules: ContactRules) -> list[Found]:
    """All that are known, and before them those that had the name of one."""
    found = [(key, contact_of(key, view, rules)) for key in (*view.histories, *view.rested)]
    for key, history in view.histories.items():
        if len(history.lives) > 1:
            found[:0] = [(key, a) for a, b in pairwise(history.lives) if a.started != b.started]
    return found


def beside(every: Sequence[Found]) -> Beside:
    """What the customer's contacts are to each other."""
    over = [(each.ended, key, waited_ms(each), each.last) for key, each in every if each.ended is not None]
    return Beside(
        [(ended, key, waited, last) for ended, key, waited, last in over if waited is not None],
        sorted((each.started, key) for key, each in every if each.ours),
    )


def closed(view: View, change: Change, rules: ContactRules) -> View:
    """With the change, and with every contact over that was idle for too long as of stream time, whether or not its
    turn to be closed has come: what is told of one must not hang on which of them is closed first.
    """
    if view.now is None:
        return view
    by_now = {key: histories.expire(each, view.now, rules) for key, each in view.histories.items()}
    if change.key is not None and change.after is not None:
        by_now[change.key] = change.after
    return replace(view, histories=by_now)


def to_others(contact: Contact | None) -> tuple[int | None, int | None] | None:
    """What a contact is to those that come later."""
    return (contact.ended, waited_ms(contact)) if contact is not None and is_over(contact) else None


def waits_before(key: str, started: int, since: int, beside: Beside) -> list[tuple[int, str, int]]:
    """The waits that were over before a contact began, of those that were heard of since a time: by when a contact is
    forgotten goes by that, and not by its end."""
    return [each[:3] for each in beside.waits if since <= each[3] and each[0] <= started and each[1] != key]


def called(key: str, since: int, beside: Beside) -> tuple[int, ...]:
    """When others began that our side opened, from a time on."""
    return tuple([started for started, other in beside.called if other != key and started >= since])


def outlived(lives: Sequence[Contact], view: View) -> list[tuple[str, str, Contact]]:
    """Those whose name another contact has by now, each as it was in the end: mark, key, contact; ``lives`` in order of
    time.
    """
    found: list[tuple[str, str, Contact]] = []
    behind: dict[str, list[Contact]] = {}
    for life in reversed(lives):
        key = contact_key(life.channel, life.id)
        if key not in behind:
            history, resting = view.histories.get(key), view.rested.get(key)
            known = (*(history.lives if history else ()), *((resting,) if resting else ()))
            behind[key] = [each for each in known if all(each is not other for other in lives)]
        later = behind[key]
        after = any(each.started > (life.ended or life.last) for each in later)
        if after and all(each.started != life.started for each in later):
            found.append((mark_of(key), key, life))
        later.append(life)
    return found[::-1]
