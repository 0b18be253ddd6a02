"""What is recommended for a contact, while it can still help: when the customer queues, is connected, or writes.

What to do is `advice`; here is when it is told, and what is kept for it: what profiles say of the person, promises that
are open, and of the contacts that are kept what was told last. It is told on the live line alone, since nobody can be
helped in a replay; and only where it differs from what was told before.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import Gone
from streams.base.links import is_customer
from streams.base.records import LIVE, CustomerEvent, Profile
from streams.base.times import iso
from streams.contacts.acts import is_his
from streams.contacts.contact import Contact
from streams.contacts.lifecycle import END
from streams.contacts.steps import Step
from streams.customers import advice
from streams.customers.advice import Now, Person, Standing
from streams.customers.follow import After, Change, Ease, Follower, Leaving, Out, View, own_out
from streams.customers.journey_state import KnownJourneys
from streams.customers.journeys import Journeys
from streams.customers.segments import KnownSegment, Segments
from streams.customers.services import NONE
from streams.policies.policy import Policy

TOPIC = "recommendations"
QUEUED, CONNECTED, MESSAGE, TIER, LEFT = "queued", "connected", "message", "tier", "left"
CURRENT, WITHDRAWN = "current", "withdrawn"
TOLD_AS = (*((because, CURRENT) for because in (QUEUED, CONNECTED, MESSAGE, TIER)), (LEFT, WITHDRAWN))
"""What ``because`` and ``status`` of a record may say together."""
_BY_TYPE = {"contact.queued": QUEUED, "contact.connected": CONNECTED, "message.sent": MESSAGE, "post.made": MESSAGE}
MAX_NAME = 100
MAX_PREFERENCES = 500
"""JSON bytes of preferences that are told; more of them are left out, by name."""
MAX_PROMISES = 8
"""Open ones, and kept ones, of which it may still be told that they were made; of more, kept ones go, then the
earliest."""
MAX_TOLD = 20
"""Contacts of which is known what was told, or for which something is to be told, the latest."""
TOLD_BYTES = 80
"""JSON bytes of that for each beside its name, twice, and of what is to be told."""
Word = tuple[int, str, Any]
"""(time, id of the profile event, value)."""


class Promise(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """``due``, ms: None = it was kept, and nobody said yet that it was made."""

    name: str
    time: int
    due: int | None
    what: str | None = None


class Wanted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A contact for which something is to be told."""

    key: str
    at: int
    because: str


class KnownAdvice(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a customer."""

    person: dict[str, Word] = {}
    """``name``, ``language`` and ``preferences``, each as it was said last."""
    promises: tuple[Promise, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    told: dict[str, int] = {}
    """Contact → a number for what was told of it."""
    revision: int = 0


class Recommendations(Follower[KnownAdvice]):
    """State: the person, open promises, and what was told."""

    name = "recommendations"
    empty = KnownAdvice()

    def __init__(self, policy: Policy | None, journeys: Journeys, segments: Segments) -> None:
        self.policy, self.journeys, self.segments = policy, journeys, segments

    # When

    def changed(self, state: KnownAdvice, change: Change, view: View) -> After[KnownAdvice] | None:
        if view.line != LIVE or self.policy is None:
            return None
        step = change.step
        if change.key is None:
            return self._tiers_changed(state, change, view)
        if step is None or change.after is None or (because := _because(step, change.after.lives[-1])) is None:
            return None
        return After(_wanting(state, Wanted(change.key, step.time, because)), look=True)

    def _tiers_changed(self, state: KnownAdvice, change: Change, view: View) -> After[KnownAdvice] | None:
        """Who waits, or is being served, may be somebody else now."""
        after = state
        for key in state.told:
            if key in view.histories:
                after = _wanting(after, Wanted(key, max(change.gone.at, view.histories[key].last), TIER))
        return None if after is state else After(after, look=True)

    def told(self, state: KnownAdvice, record: Profile | CustomerEvent, view: View) -> After[KnownAdvice] | None:
        if self.policy is None or view.line != LIVE:
            return None
        if isinstance(record, Profile):
            person = _with_words(state.person, record)
            return None if person is state.person else After(replace(state, person=person))
        if not record.type.startswith("promise."):
            return None
        return After(replace(state, promises=_with_promise(state.promises, record)))

    def left(self, state: KnownAdvice, leaving: Leaving, view: View) -> After[KnownAdvice] | None:
        wanted = tuple(each for each in state.wanted if each.key != leaving.key)
        if leaving.key in view.histories or leaving.key not in state.told:
            return None if len(wanted) == len(state.wanted) else After(replace(state, wanted=wanted))
        told = {key: each for key, each in state.told.items() if key != leaving.key}
        after = replace(state, wanted=wanted, told=told, revision=state.revision + 1)
        return After(after, out=own_out(TOPIC, [_withdrawn(leaving.key, leaving.gone.at, after.revision, view)], view))

    # What

    def concludes(self, state: KnownAdvice, states: Callable[[str], Any], view: View) -> After[KnownAdvice] | None:
        gone = [key for key in state.told if key not in view.histories]
        if not state.wanted and not gone:
            return None
        told, records, revision = {key: each for key, each in state.told.items() if key not in gone}, [], state.revision
        for wanted in state.wanted:
            contact = view.histories[wanted.key].lives[-1] if wanted.key in view.histories else None
            if contact is None or contact.state == END or self.policy is None:
                continue
            found = self._advice(self.policy, state, contact, (states, view))
            digest = crc32(msgspec.json.encode(found)) or 1
            if told.get(wanted.key) == digest:
                continue
            revision += 1
            told = {key: each for key, each in told.items() if key != wanted.key} | {wanted.key: digest}
            records.append(_record(wanted, revision, view, found))
        for key in list(told)[: max(0, len(told) - MAX_TOLD)]:  # of whom it is remembered no more, none may stand
            del told[key]
            revision += 1
            records.append(_withdrawn(key, max(each.at for each in state.wanted), revision, view))
        return After(replace(state, wanted=(), told=told, revision=revision), out=own_out(TOPIC, records, view))

    def _advice(
        self, policy: Policy, state: KnownAdvice, contact: Contact, seen: tuple[Callable[[str], Any], View]
    ) -> dict[str, Any]:
        states, view = seen
        segment: KnownSegment = states("segments")
        journey: KnownJourneys = states("journeys")
        known, score = is_customer(view.owner), segment.score
        tier = contact.tier if score is None else score.tier
        standing = Standing(
            tier or NONE,
            NONE if score is None else score.type,
            0.0 if score is None else score.confidence / 1000,
            known,
        )
        tried = advice.before(
            self.journeys.of_contact(journey, contact.channel, contact.id, view), contact.channel, contact.id
        )
        failed = contact.failed + sum(point.failed for point in tried)
        agents = self.segments.whole(segment, view).behaviour.agents if advice.wants_agent(policy, standing) else {}
        agent = max(agents, key=lambda each: (agents[each], each), default=None)
        now = Now(contact.channel, _intent(contact), tried, failed, agent)
        return advice.advice(policy, standing, _person(state), now)

    # What is kept

    def eased(self, state: KnownAdvice, ease: Ease, view: View) -> KnownAdvice:
        if ease is Ease.UNNEEDED:
            return state
        return replace(state, promises=state.promises[-2:])

    def unpublished(self, state: KnownAdvice) -> KnownAdvice:
        return KnownAdvice(state.person, state.promises)

    def shown_bytes(self, state: KnownAdvice, view: View) -> int:
        if view.line != LIVE:
            return 0
        names = sorted((len(key.encode()) for key in view.histories), reverse=True)[:MAX_TOLD]
        return sum(2 * name + TOLD_BYTES for name in names)

    def stands(self, state: KnownAdvice, owner: str) -> bool:
        return bool(state.person or state.promises)

    def erased(self, state: KnownAdvice, gone: Gone, view: View) -> Iterable[Out]:
        numbered = enumerate(state.told, state.revision + 1)
        return own_out(TOPIC, [_withdrawn(key, gone.at, revision, view) for revision, key in numbered], view)


def _because(step: Step, contact: Contact) -> str | None:
    """Why something may be told now."""
    because = _BY_TYPE.get(step.type)
    if because == MESSAGE and not is_his(step, contact.channel, contact.ours):
        return None
    return because


def _wanting(state: KnownAdvice, wanted: Wanted) -> KnownAdvice:
    if any(each.key == wanted.key and each.at > wanted.at for each in state.wanted):
        return state
    kept = tuple(each for each in state.wanted if each.key != wanted.key)
    return replace(state, wanted=(*kept, wanted)[-MAX_TOLD:])


def _with_words(person: Mapping[str, Word], profile: Profile) -> Mapping[str, Word]:
    """With what a profile says; the latest holds, whatever the order in which they come."""
    said = {"name": profile.name, "language": profile.language, "preferences": profile.preferences}
    found = person
    for what, value in said.items():
        if value is None:
            continue
        told = value[:MAX_NAME] if isinstance(value, str) else _bounded(value)
        known = found.get(what)
        if known is None or (known[0], known[1]) < (profile.time, profile.id):
            found = {**found, what: (profile.time, profile.id, told)}
    return found


def _bounded(preferences: Mapping[str, Any]) -> dict[str, Any]:
    """As many of them as are told, by name."""
    found: dict[str, Any] = {}
    room = MAX_PREFERENCES
    for name in sorted(preferences):
        room -= len(msgspec.json.encode({name: preferences[name]}))
        if room >= 0:
            found[name] = preferences[name]
    return found


def _with_promise(promises: Collection[Promise], told: CustomerEvent) -> tuple[Promise, ...]:
    """With one that was made, put off or kept: of each the latest word holds."""
    name = told.about
    due = None if told.type == "promise.kept" else told.due or told.time
    said = [each for each in promises if each.name == name] + [Promise(name, told.time, due, told.what)]
    last = max(said, key=lambda each: (each.time, each.due is None, each.due or 0))
    others = [each for each in promises if each.name != name]
    return tuple(sorted([*others, last], key=lambda each: (each.due is not None, each.time, each.name))[-MAX_PROMISES:])


def _person(state: KnownAdvice) -> Person:
    said = {what: word[2] for what, word in state.person.items()}
    open_ones = sorted((each.due, each.name, each.what) for each in state.promises if each.due is not None)
    promises = tuple((name, due, what) for due, name, what in open_ones)
    return Person(said.get("name"), said.get("language"), said.get("preferences"), promises)


def _intent(contact: Contact) -> str | None:
    """What the customer wants: as the connector says; else what was found in the text last, as far as it counts."""
    found = max(contact.intents, key=lambda each: each[1], default=None)
    return contact.intent or (found[0] if found else None)


def _record(wanted: Wanted, revision: int, view: View, said: Mapping[str, Any] | None) -> dict[str, Any]:
    """``said``: None = what was said before is withdrawn."""
    channel, _, contact = wanted.key.partition("|")
    return {
        "recommendation_id": f"{view.owner}/{wanted.key}",
        "contact_id": contact,
        "channel": channel,
        "customer": view.owner,
        "status": WITHDRAWN if said is None else CURRENT,
        "because": wanted.because,
        "at": iso(wanted.at),
        "revision": revision,
        **(dict.fromkeys(advice.FIELDS) if said is None else said),
    }


def _withdrawn(key: str, at: int, revision: int, view: View) -> dict[str, Any]:
    return _record(Wanted(key, at, LEFT), revision, view, None)
