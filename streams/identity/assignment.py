"""Who owns a contact: its customer, else the anonymous customer behind its strongest identifier, else the contact
itself.

A contact is named by its channel and its id. The owner is a function of the *set* of its events, so the order of
arrival does not matter in the end:

1. a customer id beats every identifier. The source of the earliest event with one decides, and of its customer ids the
   one on its latest event holds, of one moment the one that came last;
2. else the strongest kind of identifier (email > phone > social > account > device > cookie); of two values of one kind
   the one on the earlier event, so that a contact in order changes its owner only when it becomes better known;
3. else the contact.

When an event changes the owner, the old one gets ``Left`` (it takes back all the contact brought), and the new one gets
the contact's events so far with the new event in its place: by event time, and of one time as they arrived.

What is refused is told, once each (`streams.identity.refusals`).

A stub with which the customer begins anew after an end is handed over like any other contact, but only from there on:
its events are gone, and what they contributed stays where it is. So it is with an id that is used again, by
``contact.initiated`` after an end, for another customer of the same source; or, where nobody said a customer, by a
customer with another identifier of the owner's kind. ``since`` of the change says from when.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from streams.base.claims import CONTACT, CUSTOMER, Claim, claim_of, mark_of
from streams.base.links import Label, Ref
from streams.base.records import Event, Left
from streams.identity import evidence, owners, placing
from streams.identity.owners import ContactOwner
from streams.identity.placing import Labels, Placed
from streams.identity.refusals import OTHER_SOURCE, TOO_LATE, TOO_LONG, TOO_MANY_CHANGES, of_crowd, told_once
from streams.identity.rules import SHIPPED, IdentityRules
from streams.identity.telling import IdentityChange, of_contact

SHORT_HISTORY = 8
"""Events of a contact that changes its owner as often as its events say: sending them again costs next to nothing."""
MAX_CORRECTIONS = 3
"""Changes of owner of a longer contact that do not make it better known; those that do are seven by nature."""
MAX_NOBODY = 16
"""Identifiers of one contact that are remembered as nobody's; any further one is taken for somebody's."""


_time = attrgetter("time")

Gather = Callable[[str, bool], int]
"""How many contacts an identifier has beyond its limit; with ``True``, after one more was counted."""


def _alone(identifier: str, more: bool) -> int:
    """No identifier is crowded."""
    return 0


class Judge(NamedTuple):
    """By what a contact is given to somebody."""

    gather: Gather = _alone
    rules: IdentityRules = SHIPPED


NOBODY_CROWDED = Judge()


Output = Event | Left | IdentityChange
EventKey = tuple[int, str, str, str]
"""(time, id, source, channel): the name of an event, with its time. It is named on its channel's topic."""


def event_key(event: Event) -> EventKey:
    """Which event it is."""
    return event.time, event.id, event.source, event.channel


class Decision(NamedTuple):
    """What becomes of an event's claim."""

    best: Claim
    """The one that holds from now on."""
    first: tuple[int, str] | None
    """The state's ``first`` by that."""
    corrects: bool = False
    """It is a correction."""
    refused: tuple[str, Claim] | None = None
    """What was refused, by which rule."""


_Said = tuple[Decision, tuple[str, ...], Claim | None]
"""What becomes of an event's claim without identifiers that name nobody; their marks; the one of them to tell of."""


def assign(
    state: ContactOwner | None,
    event: Event,
    size: int | None = None,
    judge: Judge = NOBODY_CROWDED,
    apart: bool = True,
    labels: Labels = MappingProxyType({}),
) -> tuple[ContactOwner, list[Output]]:
    """The contact's next state and what to send: the event with its owner, or what a change of owner needs.

    An event that is in the history already changes nothing and sends nothing. ``size``: JSON bytes of the event, where
    the caller knows them. ``judge.gather`` is asked once for each contact and identifier that would own it.
    ``apart``: of a stub, whether the event is another part of the contact (`owners.found_by`). ``labels``: of the
    identifiers that were asked for it.
    """
    kept = owners.lean(event, owners.encoded(event) if size is None else size)
    if state is None:
        (claim, *_), nobody, crowded = _said(None, event, judge)
        fresh, _ = _placed(owners.begun(claim, *kept, nobody), event, labels, judge.rules)
        return fresh, [_owned(event, fresh.owner), *of_crowd(crowded, fresh, event)]
    place = _place(state.history, event)
    if place is None:
        return state, []
    if not state.history and not (apart and owners.begins_anew(state, event)):
        return _afterwards(state, event, labels, judge.rules)
    decision, nobody, crowded = _said(state, event, judge)
    best, first, corrects, refused = decision
    grown = owners.grown(state, kept, place, (best, first, state.corrections + corrects, nobody))
    told = (*state.history[:place], event, *state.history[place:])
    if best.owner != state.claim.owner:
        start = _used_again(told, state.claim, best)
        if start and told[start - 1].time < told[start].time:
            told, grown = told[start:], owners.since(grown, told[start].time, judge.rules.ranks)
        elif grown.resumed and best.rank == state.claim.rank and _begins(told[0], state.claim, best):
            grown = owners.anew(grown, judge.rules.ranks)
    grown, why = _placed(grown, event, labels, judge.rules)
    if grown.owner == state.owner:
        outputs: list[Output] = [_owned(event, grown.owner)]
    else:
        outputs = _moved(state.owner, grown, told, event, why, (best.time, best.id, best.source))
    if refused is not None:
        grown, refusals = told_once(grown, event, refused)
        outputs += refusals
    outputs += of_crowd(crowded, grown, event)
    return grown, outputs


def relabelled(
    state: ContactOwner, identifier: str, label: Label, ref: Ref | None, rules: IdentityRules = SHIPPED
) -> tuple[ContactOwner, list[Output]]:
    """The contact's next state when one of its identifiers stands for somebody else, and what to send. One without its
    events, a stub or a truncated one, stays where it is.
    """
    if identifier not in state.labels or not state.history:
        return state, []
    labels = state.labels | {identifier: label}
    latest = state.history[-1]
    grown, why = _placed(replace(state, labels=labels), latest, rules=rules)
    if grown.owner == state.owner or state.truncated:
        return replace(state, labels=labels), []
    proof = ref or state.known.get(identifier, (latest.time, latest.id, latest.source))
    return grown, _moved(state.owner, grown, state.history, latest, why, proof)


def _placed(
    state: ContactOwner, event: Event, labels: Labels = MappingProxyType({}), rules: IdentityRules = SHIPPED
) -> tuple[ContactOwner, Placed]:
    """The state with what the event names, and with the owner that follows."""
    known = _known(state, event, rules)
    held = {**state.labels, **labels} if labels or state.labels else {}
    if held:
        ours = evidence.of_one(known, state.claim) if state.claim.rank != CUSTOMER else {}
        held = {each: held[each] for each in ours if each in held}
    why = placing.place(state.claim, held, f"contact:{event.channel}:{event.contact}", state.nobody, rules)
    stands = "" if why.owner == state.claim.owner else why.owner
    if known is state.known and held == state.labels and stands == state.stands:
        return state, why
    return replace(state, known=known, labels=held, stands=stands), why


def _known(state: ContactOwner, event: Event, rules: IdentityRules) -> dict[str, Ref]:
    """What the contact's events name. Nothing is kept of one without identifiers, as most are."""
    if state.known:
        return evidence.known_of(state.known, event, state.nobody, rules.ranks)
    if not event.identifiers:
        return state.known
    return evidence.all_of((*state.history, event), state.nobody, rules.ranks)


def _moved(
    old: str, state: ContactOwner, told: tuple[Event, ...], event: Event, why: Placed, proof: Ref
) -> list[Output]:
    """The contact leaves its owner, its events so far go to the one that it has now, and that is told."""
    since = told[0].time if state.resumed else 0
    left = Left(old, event.contact, event.channel, state.owner, event.time, event.line, since)
    change = of_contact(old, state.owner, why, event, proof, since or None)
    return [left, *(_owned(past, state.owner) for past in told), change]


def _used_again(told: tuple[Event, ...], held: Claim, best: Claim) -> int:
    """Where another customer's contact begins under the id of one that had ended; 0 = it is one contact."""
    if held.rank != best.rank:
        return 0
    ended = next((number for number, each in enumerate(told) if each.type == "contact.ended"), len(told))
    again = (number for number in range(len(told) - 1, ended, -1) if _begins(told[number], held, best))
    return next(again, 0)


def _begins(event: Event, held: Claim, best: Claim) -> bool:
    """Is it the beginning of another contact, of whom ``best`` says? A call back is none: it may go to another number
    of the same person.
    """
    if event.type != "contact.initiated" or not held.time < event.time <= best.time:
        return False
    theirs = event.data.get("direction") != "outbound" and event.data.get("opened_by") in (None, "customer")
    return best.rank == CUSTOMER or theirs


def _anew(state: ContactOwner, event: Event, claim: Claim) -> bool:
    """Is the claim that of another caller, whose contact began when the one under this id was over?"""
    place = _place(state.history, event) or 0
    told = (*state.history[:place], event, *state.history[place:])
    over = state.resumed or not state.history
    return _used_again(told, state.claim, claim) > 0 or (over and _begins(told[0], state.claim, claim))


def _place(history: tuple[Event, ...], event: Event) -> int | None:
    """Where the event goes in a history, behind those of its time; None = it is there."""
    if not history or history[-1].time < event.time:
        return len(history)
    start, end = (bisect(history, event.time, key=_time) for bisect in (bisect_left, bisect_right))
    key = event_key(event)
    return None if any(event_key(each) == key for each in history[start:end]) else end


def _said(state: ContactOwner | None, event: Event, judge: Judge) -> _Said:
    """`Judge.gather` counts for an identifier that would own the contact from now on, and is asked about the others."""
    nobody: tuple[str, ...] = () if state is None else state.nobody
    crowded: Claim | None = None
    gather, ranks = judge.gather, judge.rules.ranks
    while True:
        claim = claim_of(event, nobody, ranks)
        decision = Decision(claim, None) if state is None else _decided(state, event, claim)
        if claim.rank in (CUSTOMER, CONTACT) or (state is not None and decision.best.owner == state.claim.owner):
            break
        over = gather(claim.identifier, True)
        if over <= 0 or len(nobody) >= MAX_NOBODY:
            break
        nobody = (*nobody, mark_of(claim.identifier))
        if over == 1:
            crowded = claim
    others = (f"{kind}:{value}" for kind, value in event.identifiers if f"{kind}:{value}" != claim.identifier)
    marks = [mark_of(each) for each in others if gather(each, False) > 0]
    nobody = (*nobody, *(mark for mark in marks if mark not in nobody))[:MAX_NOBODY]
    return decision, nobody, crowded


def _decided(state: ContactOwner, event: Event, claim: Claim) -> Decision:
    """Which claim holds, the state's or the event's."""
    held = state.claim
    if claim.rank < held.rank:
        return Decision(held, state.first, refused=(TOO_LONG, claim)) if state.truncated else Decision(claim, None)
    beaten = None
    if claim.rank > held.rank:
        return Decision(held, state.first)
    since = (held.time, held.id) if state.first is None else state.first
    if claim.rank != CUSTOMER:
        before = state.resumed and claim.time < state.history[0].time  # late, of the contact before
        best, other = (claim, held) if claim.time < held.time and not before else (held, claim)
        if claim.owner != held.owner and claim.source != held.source:
            beaten = (OTHER_SOURCE, other)
        elif claim.owner != held.owner and best is held and _anew(state, event, claim):
            best = claim
    elif claim.source == held.source:
        best = claim if claim.time >= held.time else held
        since = min(since, (claim.time, claim.id))
    elif claim.time < since[0]:
        best, since = _latest(state, event), (claim.time, claim.id)
        beaten = _beaten(state, best)
    else:
        return Decision(held, state.first, refused=None if claim.owner == held.owner else (OTHER_SOURCE, claim))
    first = since if claim.rank == CUSTOMER and since != (best.time, best.id) else None
    if best.identifier == held.identifier:
        return Decision(best, first, refused=beaten)
    corrects = len(state.history) >= SHORT_HISTORY
    if corrects and state.corrections >= MAX_CORRECTIONS:
        return Decision(held, state.first, refused=(TOO_MANY_CHANGES, best))
    if state.truncated:
        return Decision(held, state.first, refused=(TOO_LONG, best))
    return Decision(best, first, corrects, beaten)


def _latest(state: ContactOwner, event: Event) -> Claim:
    """Of the customer ids that the event's source said so far, the latest; of one moment, the one that came last."""
    said = (each for each in (event, *reversed(state.history)) if each.customer is not None)
    return max((claim_of(each) for each in said if each.source == event.source), key=_time)


def _beaten(state: ContactOwner, best: Claim) -> tuple[str, Claim] | None:
    """Whom another source had named than the one that decides from now on."""
    said = (claim_of(each) for each in state.history if each.customer is not None and each.source != best.source)
    return next(((OTHER_SOURCE, each) for each in (state.claim, *said) if each.owner != best.owner), None)


def _afterwards(
    state: ContactOwner, event: Event, labels: Labels, rules: IdentityRules
) -> tuple[ContactOwner, list[Output]]:
    """A word about a stub, or an act that goes on with it and begins nothing."""
    claim = claim_of(event, state.nobody, rules.ranks)
    decision = _decided(state, event, claim)
    if state.group:
        better = decision.best.owner if decision.best.rank == CUSTOMER else state.owner
    else:
        better = _placed(replace(state, claim=decision.best), event, labels, rules)[0].owner
    refused = (TOO_LATE, claim) if better != state.owner else decision.refused
    heard, refusals = told_once(owners.told(state, event), event, refused)
    return heard, [replace(_owned(event, state.owner), group=state.group), *refusals]


def _owned(event: Event, owner: str) -> Event:
    return replace(event, owner=owner)
