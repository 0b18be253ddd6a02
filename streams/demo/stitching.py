"""The journeys of the pipeline against who the people really were. Pure.

A contact is *right* when exactly one owner's journeys have it, and that owner is the one that follows from what was
told. Whom it follows to and who the person was are two things: an identifier that nothing links with its customer stays
anonymous, whoever used it; but a customer must never get a contact of somebody else.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from streams.demo.figure import Check
from streams.demo.state import BoardState
from streams.demo.truth import Truth

GROUP = "whose contacts are"
SAID = "contacts that said their customer"
LINKED = "contacts whose customer follows from links"
SHARED = "contacts by what several share, nobody's"
UNKNOWN = "contacts of customers whom no link names"
STRANGERS = "contacts of strangers, anonymous"
NAMELESS = "contacts that name nobody, on their own"
SORTS = (SAID, LINKED, SHARED, UNKNOWN, STRANGERS, NAMELESS)


def stitched(truth: Truth, state: BoardState) -> list[Check]:
    """Contacts by whose they are, and customers whose journeys have their contacts and no others."""
    owners, counts, theirs = state.owners_of(), state.contacts_of(), _by_owner(truth)

    def is_right(contact: str, owner: str) -> bool:
        """One that left the list of a long journey is known by the count alone."""
        found = owners.get(contact)
        return found == {owner} if found is not None else counts[owner] == len(theirs[owner])

    right = {contact for contact, owner in truth.people.items() if is_right(contact, owner)}
    customers = [owner for owner in theirs if owner.startswith("customer:")]
    whole = [owner for owner in customers if theirs[owner] <= right and counts[owner] == len(theirs[owner])]
    sorts = {contact: _sort(truth, contact) for contact in truth.people}
    return [
        *(Check(sort, None, _count(sorts, sorts, sort), _count(sorts, right, sort), GROUP) for sort in SORTS),
        Check("contacts with a wrong owner", None, 0, len(truth.people) - len(right), GROUP),
        Check("contacts with a customer who is somebody else", None, 0, _mistaken(truth, owners), GROUP),
        Check("customers whose journeys are theirs alone", None, len(customers), len(whole), GROUP),
    ]


def _by_owner(truth: Truth) -> dict[str, set[str]]:
    theirs: dict[str, set[str]] = defaultdict(set)
    for contact, owner in truth.people.items():
        theirs[owner].add(contact)
    return theirs


def _sort(truth: Truth, contact: str) -> str:
    spoken, owner = truth.told.contacts[contact], truth.people[contact]
    if owner.startswith("customer:"):
        return LINKED if spoken.customer is None else SAID
    if owner.startswith("anonymous:"):
        return UNKNOWN if spoken.is_customer else STRANGERS
    return SHARED if contact in truth.shared else NAMELESS


def _count(sorts: Mapping[str, str], contacts: Iterable[str], sort: str) -> int:
    return sum(sorts[contact] == sort for contact in contacts)


def _mistaken(truth: Truth, owners: Mapping[str, set[str]]) -> int:
    """Contacts that a customer has who is not the person."""
    return sum(
        any(owner.startswith("customer:") and owner != f"customer:{spoken.person}" for owner in owners.get(contact, ()))
        for contact, spoken in truth.told.contacts.items()
    )
