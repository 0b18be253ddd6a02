"""The quality of each contact, as a capability: scored when the contact is over, and again when something changes it,
or what it is held against: an answer to a survey, a late event, a contact of ours that keeps a promise, another tier.

A record is ``provisional`` for half of the time for which a contact is known (`ContactRules.horizon`), and ``final``
then. In that half nothing that counts can be forgotten: an earlier contact counts for what is usual as long as it ended
less than the other half before this one did. So a score is a function of the events, whatever their order. What was
usual is kept with a final score, to which only answers to surveys may still come.

A record lies under the owner's name and a mark of the contact, so that no two tasks write one key: a contact that goes
to another customer is taken back here and told there. It stays for as long as that of a journey, and is then removed.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.base.claims import mark_of
from streams.base.links import is_customer
from streams.base.records import output_key
from streams.contacts import histories
from streams.contacts.contact import Contact
from streams.contacts.rules import ContactRules
from streams.contacts.service import NOTHING
from streams.customers import facts
from streams.customers.follow import After, Change, Follower, Leaving, Out, View
from streams.customers.journey_names import KEPT_MS
from streams.customers.quality_records import said, sides
from streams.customers.segments import KnownSegment
from streams.customers.services import NONE
from streams.policies.policy import Policy
from streams.quality.rules import QualityRules
from streams.quality.scoring import (
    Around,
    due_ms,
    is_over,
    promises,
    quality,
    usual_wait,
    waited_ms,
)

TOPIC = "contact.quality"
PROVISIONAL, FINAL = "provisional", "final"
MAX_TOLD = 50
"""Contacts of which a record stands; of more, those that ended first have none."""
TOLD_BYTES, LOOK_BYTES = 140, 20
"""JSON bytes of one of them, and of one that is to be looked at, at most."""


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of a contact; times in ms."""

    digest: int
    started: int
    ended: int
    due: int
    """When stream time passes this, it is scored again; once it is final, its record is removed."""
    final: bool = False
    usual: int | None = None
    """The customer's usual wait before, of a final one."""
    kind: str = NONE
    """The customer's type of service."""


class KnownQuality(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a customer's contacts, by `mark_of` their keys."""

    told: dict[str, Told] = {}
    look: tuple[str, ...] = ()
    """Those that are to be scored."""
    revision: int = 0


Found = tuple[str, Contact]
"""A contact by its key."""


class Beside(NamedTuple):
    """Of all contacts of a customer."""

    waits: list[tuple[int, str, int]]
    """(end, contact, ms) of those that are over."""
    called: list[tuple[int, str]]
    """(when it began, contact) of those that our side opened."""


class Qualities(Follower[KnownQuality]):
    """State: what was told, and what is to be looked at."""

    name = "quality"
    empty = KnownQuality()

    def __init__(self, rules: QualityRules, policy: Policy | None, contacts: ContactRules) -> None:
        self.rules, self.policy, self.contacts = rules, policy, contacts
        self.half_ms = min((contacts.horizon, *contacts.channel_horizons.values())) // 2

    # When

    def changed(self, state: KnownQuality, change: Change, view: View) -> After[KnownQuality] | None:
        if change.key is None:
            return _looking(state, _provisional(state)) if state.told else None
        was = change.before.lives[-1] if change.before and change.before.lives else None
        now = change.after.lives[-1] if change.after else None
        over = [each for each in (was, now) if each is not None and is_over(each)]
        marks: list[str] = []
        if _counted(was) != _counted(now):
            since = min(each.ended or each.last for each in over)
            marks = [mark for mark in _provisional(state) if state.told[mark].started >= since]
        if now is not None and now.ours and state.told and (was is None or not was.ours or was.started != now.started):
            marks += _provisional(state)
        if over:
            marks.append(mark_of(change.key))
        if change.step is None and now is not None and view.now is not None and view.now > now.last + 2 * self.half_ms:
            after, out = self._tell(state, marks, view)  # it is about to be forgotten
            return After(after, out)
        return _looking(state, marks) if marks else None

    def left(self, state: KnownQuality, leaving: Leaving, view: View) -> After[KnownQuality] | None:
        mark = mark_of(leaving.key)
        if not state.told and mark not in state.look:
            return None
        if leaving.key in view.histories:
            return _looking(state, [mark, *_provisional(state)])
        told = {each: known for each, known in state.told.items() if each != mark}
        look = tuple(each for each in dict.fromkeys((*state.look, *_provisional(state))) if each != mark)
        gone = (_tombstone(mark, view),) if mark in state.told else ()
        return After(replace(state, told=told, look=look[-MAX_TOLD:]), gone, look=True)

    def regrouped(self, state: KnownQuality, view: View) -> After[KnownQuality] | None:
        """Contacts that went are taken back as long as they would be known here; those that came are told."""
        known = {mark_of(key): key for key in (*view.histories, *view.rested)}
        gone = [
            mark
            for mark, told in state.told.items()
            if mark not in known and (view.now is None or view.now <= told.ended + 2 * self.half_ms)
        ]
        told = {mark: each for mark, each in state.told.items() if mark not in gone}
        look = {*state.look, *_provisional(state), *(known.keys() - told.keys())}
        kept = tuple(sorted(mark for mark in look if mark in known))[-MAX_TOLD:]
        if not gone and kept == state.look:
            return None
        return After(replace(state, told=told, look=kept), tuple(_tombstone(mark, view) for mark in gone), look=True)

    def passed(self, state: KnownQuality, view: View) -> After[KnownQuality] | None:
        """At once, while contacts are known that time has passed, too."""
        now = view.now or 0
        due = [mark for mark, told in state.told.items() if not told.final and now > told.due]
        after, out = self._tell(state, due, view)
        over = [mark for mark, told in after.told.items() if told.final and now > told.due]
        after = replace(after, told={mark: told for mark, told in after.told.items() if mark not in over})
        return After(after, (*out, *(_tombstone(mark, view) for mark in over)), look=bool(over))

    def due(self, state: KnownQuality, view: View) -> int | None:
        return min((told.due for told in state.told.values()), default=None)

    # What

    def concludes(self, state: KnownQuality, states: Callable[[str], Any], view: View) -> After[KnownQuality] | None:
        if not state.look:
            return None
        segment: KnownSegment = states("segments")
        kind = NONE if segment.score is None else segment.score.type
        after, out = self._tell(state, state.look, view, kind)
        return After(replace(after, look=()), out)

    def _tell(
        self, state: KnownQuality, marks: Collection[str], view: View, kind: str | None = None
    ) -> tuple[KnownQuality, tuple[Out, ...]]:
        """Scores contacts, and tells what is new. ``kind``: the customer's type of service; None = as it was told."""
        if not marks:
            return state, ()
        told, out, revision = dict(state.told), list[Out](), state.revision
        beside = self._beside(view)
        for mark, found in self._looked(marks, view):
            was = told.get(mark)
            if found is None and was is not None:
                told[mark] = replace(was, final=True, due=was.ended + KEPT_MS)  # it is known no more, and stays so
            elif found is not None and is_over(found[1]):
                after, record = self._record(found, was, beside, view)
                after = replace(after, kind=kind or (was.kind if was else NONE))
                if was is None or was.digest != after.digest:
                    revision += 1
                    out.append(
                        Out(TOPIC, _key(mark, view), record | {"service_type": after.kind, "revision": revision})
                    )
                told[mark] = after
            elif was is not None:
                del told[mark]
                out.append(_tombstone(mark, view))
        for mark in sorted(told, key=lambda mark: (told[mark].ended, mark))[: max(0, len(told) - MAX_TOLD)]:
            del told[mark]
            out.append(_tombstone(mark, view))
        return replace(state, told=told, revision=revision), tuple(out)

    def _looked(self, marks: Iterable[str], view: View) -> Iterable[tuple[str, Found | None]]:
        """The contacts of these marks, where they are known."""
        known = {mark_of(key): key for key in (*view.histories, *view.rested)}
        for mark in marks:
            key = known.get(mark)
            yield mark, None if key is None else (key, self._contact(key, view))

    def _contact(self, key: str, view: View) -> Contact:
        """Its last life; of one at rest, as it was taken for over."""
        history = view.histories.get(key)
        if history is not None:
            return history.lives[-1]
        contact = view.rested[key]
        if contact.closed_at is None:
            return contact
        return histories.revived(contact, self.contacts).lives[-1]

    def _record(self, found: Found, told: Told | None, beside: Beside, view: View) -> tuple[Told, dict[str, Any]]:
        """What is kept, and what is told but for type of service and revision."""
        key, contact = found
        ended = contact.ended or contact.last
        final = view.now is not None and view.now > ended + self.half_ms
        kept = told is not None and told.final and told.ended == ended
        usual = told.usual if told and kept else usual_wait(_before(key, contact.started, ended - self.half_ms, beside))
        tier = facts.tier_of(contact, view.tiers)
        around = Around(self._promised(contact, view), usual, _called(key, beside), view.now)
        scored = quality(contact, self.rules, around)
        record = {
            **said(mark_of(key), contact, tier, view),
            "status": FINAL if final else PROVISIONAL,
            **sides(scored),
        }
        record["behaviours"] = self._behaviours(contact)
        digest = crc32(msgspec.json.encode(record)) or 1
        due = ended + (KEPT_MS if final else self.half_ms)
        if not final:
            made = promises(contact.service or NOTHING, self.rules, around)
            due = min([due, *(each.last + (due_ms(each.name, self.rules) or 0) for each, kept in made if kept is None)])
        return Told(digest, contact.started, ended, due, final, usual if final else None), record

    def _behaviours(self, contact: Contact) -> dict[str, bool]:
        """None of them where no text was read."""
        service = contact.service
        if service is None or not service.read:
            return {}
        seen = {each.name for each in service.seen}
        return {name: name in seen for name in self.rules.human}

    def _promised(self, contact: Contact, view: View) -> int | None:
        if self.policy is None:
            return None
        tier = facts.tier_of(contact, view.tiers)
        return self.policy.service_of(tier, known=is_customer(view.owner)).wait_limit_ms

    def _beside(self, view: View) -> Beside:
        """What the customer's contacts are to each other."""
        every = [(key, self._contact(key, view)) for key in (*view.histories, *view.rested)]
        over = [(each.ended, key, waited_ms(each)) for key, each in every if each.ended is not None]
        return Beside(
            [(ended, key, waited) for ended, key, waited in over if waited is not None],
            sorted((each.started, key) for key, each in every if each.ours),
        )

    # What is kept

    def unpublished(self, state: KnownQuality) -> KnownQuality:
        return self.empty

    def shown_bytes(self, state: KnownQuality, view: View) -> int:
        return MAX_TOLD * (TOLD_BYTES + LOOK_BYTES)

    def stands(self, state: KnownQuality, owner: str) -> bool:
        return False

    def names(self, state: KnownQuality) -> int:
        return len(state.told)

    def rest(self, state: KnownQuality) -> KnownQuality:
        return KnownQuality(state.told, (), state.revision) if state.told else self.empty

    def removed(self, state: KnownQuality, view: View) -> Iterable[Out]:
        return [_tombstone(mark, view) for mark in state.told]


def _before(key: str, started: int, since: int, beside: Beside) -> list[tuple[int, str, int]]:
    """The waits that were over before a contact began, but not before ``since``."""
    return [each for each in beside.waits if since <= each[0] <= started and each[1] != key]


def _called(key: str, beside: Beside) -> tuple[int, ...]:
    """When others began that our side opened."""
    return tuple([started for started, other in beside.called if other != key])


def _counted(contact: Contact | None) -> tuple[int | None, int | None] | None:
    """What it is to the contacts that come later."""
    return (contact.ended, waited_ms(contact)) if contact is not None and is_over(contact) else None


def _provisional(state: KnownQuality) -> list[str]:
    return [mark for mark, told in state.told.items() if not told.final]


def _looking(state: KnownQuality, marks: Iterable[str]) -> After[KnownQuality] | None:
    """The state with more to look at."""
    look = tuple(dict.fromkeys((*state.look, *marks)))[-MAX_TOLD:]
    return None if look == state.look else After(replace(state, look=look), look=True)


def _key(mark: str, view: View) -> bytes:
    return output_key(view.line, f"{view.owner}/{mark}")


def _tombstone(mark: str, view: View) -> Out:
    return Out(TOPIC, _key(mark, view), None)
