"""The quality of each contact, as a capability: scored when the contact is over, and again when something changes it,
or what it is held against: an answer to a survey, a late event, a contact of ours that keeps a promise, another tier.

A record is ``provisional`` for half of the time for which a contact is known (`ContactRules.horizon`), and ``final``
then. In that half nothing that counts can be forgotten: an earlier contact counts for what is usual as long as it ended
less than the other half before this one did. So a score is a function of the events, whatever their order. What was
usual is kept with a final score, to which only answers to surveys may still come.

A record lies under the owner's name and a mark of the contact, so that no two tasks write one key: a contact that goes
to another customer is taken back here and told there. It stays for as long as that of a journey, and is then removed.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.base.claims import mark_of
from streams.base.links import is_customer
from streams.base.records import NO_QUEUE, NO_TIER, output_key
from streams.base.times import iso
from streams.contacts import histories
from streams.contacts.contact import Contact
from streams.contacts.rules import ContactRules
from streams.contacts.service import NOTHING
from streams.customers import facts
from streams.customers.follow import After, Change, Follower, Leaving, Out, View
from streams.customers.journey_names import KEPT_MS
from streams.customers.segments import KnownSegment
from streams.customers.services import NONE
from streams.policies.policy import Policy
from streams.quality.rules import QualityRules
from streams.quality.scoring import (
    Around,
    Quality,
    Score,
    due_ms,
    is_over,
    promises,
    quality,
    queue_of,
    took_ms,
    usual_wait,
    waited_ms,
)

TOPIC = "contact.quality"
PROVISIONAL, FINAL = "provisional", "final"
SURVEYS = ("csat", "nps", "ces")
MAX_TOLD = 50
"""Contacts of which a record stands; of more, those that ended first have none."""
TOLD_BYTES, LOOK_BYTES = 90, 20
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


class KnownQuality(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a customer's contacts, by `mark_of` their keys."""

    told: dict[str, Told] = {}
    look: tuple[str, ...] = ()
    """Those that are to be scored."""
    revision: int = 0


Found = tuple[str, Contact]
"""A contact by its key."""


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
        if over:
            since = min(each.ended or each.last for each in over)
            marks = [mark for mark in _provisional(state) if state.told[mark].started >= since]
        if now is not None and now.ours and state.told and (was is None or not was.ours or was.started != now.started):
            marks += _provisional(state)
        if over:
            marks.append(mark_of(change.key))
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

    def passed(self, state: KnownQuality, view: View) -> After[KnownQuality]:
        now = view.now or 0
        look = [mark for mark, told in state.told.items() if not told.final and now > told.due]
        return _looking(state, look) or After(state, look=True)

    def due(self, state: KnownQuality, view: View) -> int | None:
        return min((told.due for told in state.told.values()), default=None)

    # What

    def concludes(self, state: KnownQuality, states: Callable[[str], Any], view: View) -> After[KnownQuality] | None:
        told, out, revision = dict(state.told), list[Out](), state.revision
        segment: KnownSegment = states("segments")
        kind = NONE if segment.score is None else segment.score.type
        for mark, found in self._looked(state, view):
            if found is None or not is_over(found[1]):
                if told.pop(mark, None) is not None:
                    out.append(_tombstone(mark, view))
                continue
            after, record = self._record(found, told.get(mark), view)
            if mark not in told or told[mark].digest != after.digest:
                revision += 1
                record |= {"service_type": kind, "revision": revision}
                out.append(Out(TOPIC, _key(mark, view), record))
            told[mark] = after
        over = [mark for mark, each in told.items() if each.final and view.now is not None and view.now > each.due]
        surplus = len(told) - len(over) - MAX_TOLD
        if surplus > 0:
            over += sorted(told.keys() - {*over}, key=lambda mark: (told[mark].ended, mark))[:surplus]
        for mark in over:
            del told[mark]
            out.append(_tombstone(mark, view))
        if not out and not state.look:
            return None
        return After(KnownQuality(told, (), revision), tuple(out))

    def _looked(self, state: KnownQuality, view: View) -> Iterable[tuple[str, Found | None]]:
        """The contacts to be scored. One that is no longer known stays as it was told, if it was."""
        if not state.look:
            return
        known = {mark_of(key): key for key in (*view.histories, *view.rested)}
        for mark in state.look:
            key = known.get(mark)
            if key is not None:
                yield mark, (key, self._contact(key, view))
            elif mark not in state.told:
                yield mark, None

    def _contact(self, key: str, view: View) -> Contact:
        """Its last life; of one at rest, as it was taken for over."""
        history = view.histories.get(key)
        if history is not None:
            return history.lives[-1]
        contact = view.rested[key]
        if contact.closed_at is None:
            return contact
        return histories.revived(contact, self.contacts).lives[-1]

    def _record(self, found: Found, told: Told | None, view: View) -> tuple[Told, dict[str, Any]]:
        """What is kept, and what is told but for type of service and revision."""
        key, contact = found
        ended = contact.ended or contact.last
        final = view.now is not None and view.now > ended + self.half_ms
        kept = told is not None and told.final and told.ended == ended
        usual = told.usual if told and kept else usual_wait(self._before(key, contact, ended, view))
        tier = facts.tier_of(contact, view.tiers)
        around = Around(self._promised(contact, view), usual, self._called(key, view), view.now)
        scored = quality(contact, self.rules, around)
        record = {
            **_said(mark_of(key), contact, tier, view),
            "status": FINAL if final else PROVISIONAL,
            **_sides(scored),
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

    def _before(self, key: str, contact: Contact, ended: int, view: View) -> list[tuple[int, str, int]]:
        """The waits of the customer's contacts that were over before this one began: (end, contact, ms)."""
        found = []
        for name, each in self._all(view):
            end = each.ended
            if name == key or end is None or not ended - self.half_ms <= end <= contact.started:
                continue
            waited = waited_ms(each)
            if waited is not None:
                found.append((end, name, waited))
        return found

    def _called(self, key: str, view: View) -> tuple[int, ...]:
        """When contacts began that our side opened."""
        return tuple(sorted(each.started for name, each in self._all(view) if each.ours and name != key))

    def _all(self, view: View) -> Iterable[tuple[str, Contact]]:
        yield from ((key, self._contact(key, view)) for key in (*view.histories, *view.rested))

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


def _said(mark: str, contact: Contact, tier: str, view: View) -> dict[str, Any]:
    """What the record says of the contact."""
    answers = {mark.variant: mark.value for mark in contact.marks if mark.fact == "feedback"}
    return {
        "quality_id": f"{view.owner}/{mark}",
        "contact_id": contact.id,
        "customer_id": view.owner,
        "line": view.line,
        "channel": contact.channel,
        "queue": queue_of(contact) or NO_QUEUE,
        "tier": tier or NO_TIER,
        "service_type": NONE,
        "agent_group": None,
        "began_at": iso(contact.started),
        "ended_at": iso(contact.ended or contact.last),
        "wait_ms": waited_ms(contact),
        "time_ms": took_ms(contact),
        "transfers": contact.transfers,
        **{name: _answer(answers.get(name)) for name in SURVEYS},
    }


def _answer(value: int | None) -> float | None:
    return None if value is None else value / 1000


def _sides(scored: Quality) -> Mapping[str, Any]:
    return {name: _side(score) for name, score in scored._asdict().items()}


def _side(score: Score) -> dict[str, Any]:
    evidence = [{"what": what, "weight": weight, "event_ids": list(events)} for what, weight, events in score.evidence]
    return {"score": score.score, "evidence": evidence}
