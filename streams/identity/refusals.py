"""What is refused of a contact, or told of it, once each: its owner is the same before and after.

- ``OTHER_SOURCE``: a source that is not the one that decides says another customer id, or, where an identifier is the
  owner, another one of its kind; once per source and kind. Two systems that name their contacts alike show by that.
- ``TOO_MANY_CHANGES``: so that few events cannot make many, a contact of more than ``SHORT_HISTORY`` events is given
  from one customer to another (or from one identifier to another of the same kind) at most ``MAX_CORRECTIONS`` times
  (`streams.identity.assignment`). After that it stays, unless it becomes better known; here alone the order of arrival
  decides.
- ``CROWDED``: an identifier that has more contacts in a day than a person names nobody (`streams.identity.crowds`); the
  contacts it has by then stay.
- ``TOO_LATE``: a word about a stub (see `streams.identity.owners`) names a better owner, or an act of ours that goes on
  with it, or anything at all that goes on with one that was only idle. What it belongs to was counted with the owner so
  far, and so is the word: an act of ours begins no contact.
- ``TOO_LONG``: a contact of which events are no longer kept, because there are too many, stays where it is.
"""

from msgspec.structs import replace

from streams.base.claims import CUSTOMER, Claim, mark_of
from streams.base.records import Event
from streams.identity.owners import ContactOwner
from streams.identity.placing import Placed
from streams.identity.telling import IdentityChange, of_contact

TOO_MANY_CHANGES = "too-many-changes"
OTHER_SOURCE = "other-source"
CROWDED = "crowded-identifier"
TOO_LATE = "too-late"
TOO_LONG = "too-long"

MAX_TOLD = 10
"""Things told of one contact once; what else is refused of it is not told."""


def told_once(
    state: ContactOwner, event: Event, refused: tuple[str, Claim] | None
) -> tuple[ContactOwner, list[IdentityChange]]:
    """What was refused is told, unless it was told before."""
    if refused is None:
        return state, []
    rule, claim = refused
    mark = rule
    if rule == OTHER_SOURCE:
        mark += f" {mark_of(claim.source if claim.rank == CUSTOMER else f'{claim.source} {claim.rank}')}"
    if mark in state.told or len(state.told) >= MAX_TOLD:
        return state, []
    change = _refusal(state, claim, event, rule)
    return replace(state, told=(*state.told, mark)), [change]


def of_crowd(crowded: Claim | None, state: ContactOwner, event: Event) -> list[IdentityChange]:
    """An identifier that was found to name nobody is told with the contact that showed it."""
    return [_refusal(state, crowded, event, CROWDED)] if crowded else []


def _refusal(state: ContactOwner, claim: Claim, event: Event, rule: str) -> IdentityChange:
    """The contact stays, although ``claim`` says something else."""
    why = Placed(state.owner, rule, claim.identifier)
    return of_contact(state.owner, state.owner, why, event, (claim.time, claim.id, claim.source))
