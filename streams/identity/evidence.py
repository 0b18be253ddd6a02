"""What a contact shows of its identifiers: all that its events named are of one person, and of its customer.

The links of a contact are a function of its events, as its owner is. So they are not told event by event: what its
links are after an event is compared with what they were before, and the difference is shown to the identifiers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from streams.base.claims import CONTACT, CUSTOMER, STRENGTH, Claim, mark_of
from streams.base.links import Ref, Shown, is_customer, kind_of, order_of
from streams.base.records import Event

MAX_KNOWN = 8
"""Identifiers of a contact that are evidence, the strongest: 28 links at most."""

Known = Mapping[str, Ref]
"""Identifier, a customer id included → the earliest event that named it."""
Pair = tuple[str, str]
"""Two identifiers, the weaker first."""


def known_of(
    known: dict[str, Ref], event: Event, nobody: tuple[str, ...] = (), kinds: Collection[str] = STRENGTH
) -> dict[str, Ref]:
    """With what one more event names of these kinds; without those whose marks are among ``nobody``. The same object
    where nothing is new.
    """
    ref = event.time, event.id, event.source
    named = [f"{kind}:{value}" for kind, value in event.identifiers if kind in kinds]
    if event.customer is not None:
        named.append(f"customer:{event.customer}")
    if all(identifier in known and known[identifier] <= ref for identifier in named):
        return known
    found = dict(known)
    for identifier in named:
        found[identifier] = min(found.get(identifier, ref), ref)
    if nobody:
        found = {identifier: each for identifier, each in found.items() if mark_of(identifier) not in nobody}
    return found if len(found) <= MAX_KNOWN else {name: found[name] for name in sorted(found, key=order_of)[:MAX_KNOWN]}


def all_of(events: Iterable[Event], nobody: tuple[str, ...] = (), kinds: Collection[str] = STRENGTH) -> dict[str, Ref]:
    """What some events name."""
    known: dict[str, Ref] = {}
    for event in events:
        known = known_of(known, event, nobody, kinds)
    return known


def of_one(known: Known, claim: Claim) -> dict[str, Ref]:
    """The identifiers that are of one person with the claim. Two systems that name their contacts alike show by two
    values of one kind, or two customers: then only those of the source that decides are.
    """
    known = _with_claim(known, claim)
    named: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for identifier, (_, _, source) in known.items():
        named[source][kind_of(identifier)].add(identifier)
    ours = named[claim.source]
    strangers = {
        source
        for source, kinds in named.items()
        if any(kind in ours and not values & ours[kind] for kind, values in kinds.items())
    }
    return {name: ref for name, ref in known.items() if ref[2] not in strangers and not is_customer(name)}


def _with_claim(known: Known, claim: Claim) -> Known:
    """The claim may be of a time whose events are gone."""
    if claim.rank == CONTACT or claim.identifier in known:
        return known
    return {**known, claim.identifier: claim.order}


def links_of(known: Known, claim: Claim) -> dict[Pair, Ref]:
    """Every two of the identifiers, and each with the customer: proved by the event with which both were known."""
    if not known:
        return {}
    named = of_one(known, claim)
    if claim.rank == CUSTOMER:
        named[claim.identifier] = known.get(claim.identifier, claim.order)  # of its events the first, not the latest
    names = sorted(named, key=order_of)
    return {
        (weak, strong): max(named[weak], named[strong])
        for place, strong in enumerate(names)
        for weak in names[place + 1 :]
    }


def shown(before: Mapping[Pair, Ref], after: Mapping[Pair, Ref], line: str) -> Iterator[Shown]:
    """The records that take the links ``before`` back, and show those ``after``, where they differ. A link that another
    event shows now is shown before it is taken back: at no moment does it not hold.
    """
    for (weak, strong), ref in before.items():
        if (weak, strong) not in after:
            yield Shown(weak, line, strong, ref, on=False)
    for (weak, strong), ref in after.items():
        known = before.get((weak, strong))
        if known != ref:
            yield Shown(weak, line, strong, ref)
            if known is not None:
                yield Shown(weak, line, strong, known, on=False)
