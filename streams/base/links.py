"""What identifiers tell each other: the records of ``identity.links``, keyed by the node they are for.

A *node* is one identifier of one line, ``<kind>:<value>``; see docs/identity.md for what follows from their links.
"""

import msgspec

from streams.base.claims import STRENGTH
from streams.base.records import LIVE, SEP, Event, Normalised, Record

Ref = tuple[int, str, str]
"""(time, id, source) of the event that is the evidence."""
_RANK = {kind: rank for rank, kind in enumerate(("customer", *STRENGTH))}


class Label(msgspec.Struct, frozen=True, array_like=True):
    """What a node is by its links."""

    hops: int = 0
    """Links to the closest customers; 0 for a customer itself, and where none is in reach."""
    customers: tuple[str, ...] = ()
    """Those customers, sorted, the first few: one = the node stands for it, more = it is shared."""
    path: tuple[tuple[str, Ref], ...] = ()
    """(node, evidence) from here to the customer: each with the event that showed the link to it."""
    name: str = ""
    """The strongest identifier of the anonymous customer that it is part of; empty = there is none."""
    away: int = 0
    """Links to that."""
    shared: str = ""
    """Why it stands for nobody and passes nothing on; empty = it does not."""


class Linking(Record, frozen=True):
    """Base of what is told to a node, or by a node to a contact."""

    node: str
    line: str

    @property
    def key(self) -> bytes:
        """The record's key, and the key of the node's row."""
        return row_key(self.node, self.line).encode()


class Shown(Linking, tag="shown", frozen=True):
    """A contact or a profile shows that the node and a stronger identifier are of one person, or does so no more."""

    other: str
    ref: Ref
    on: bool = True


class Word(Linking, tag="word", frozen=True):
    """A person's word: the two are linked (``on``), or are not, whatever the evidence. The latest word holds."""

    other: str
    ref: Ref
    on: bool
    by: str | None = None
    reason: str | None = None


class Joined(Linking, tag="joined", frozen=True):
    """The link to a weaker identifier holds now, or does no more."""

    other: str
    ref: Ref
    """Its evidence; of one that holds no more, what ended it."""
    on: bool


class Said(Linking, tag="said", frozen=True):
    """The label of a neighbour."""

    other: str
    label: Label
    ref: Ref
    """What it follows from."""


class Watched(Linking, tag="watched", frozen=True):
    """A contact wants to be told the node's label now and at each change, or no more."""

    contact: str
    """Key of the contact's row."""
    on: bool = True


class Told(Record, tag="told", frozen=True):
    """The label of an identifier of a contact, for the contact."""

    contact: str
    identifier: str
    label: Label
    ref: Ref | None = None
    """What a change follows from; None = it is the answer to a question."""


class Again(Record, tag="again", frozen=True):
    """An event that waited too long for an answer: it is placed by what is known."""

    event: Event
    labels: dict[str, Label]


class Hurried(Record, tag="hurried", frozen=True):
    """All that waited too long of a contact has come again."""

    contact: str
    """The key of its row."""


GROUP = "group:"
"""How the name of a group of contacts begins, where identifiers have their kind."""


class Rests(Linking, tag="rests", frozen=True):
    """A contact that came by these identifiers is over; ``owner`` has it (`streams.identity.groups`)."""

    names: tuple[str, ...]
    owner: str


class Round(Record, tag="round", frozen=True):
    """A task says that nothing of a replay waits in it (`streams.identity.ending`)."""

    origin: str
    """Name of the task, ``identify-<partition>``."""
    of: int
    """How many tasks there are."""
    line: str
    number: int
    quiet: bool
    """It has handled nothing of the replay since the round before."""


class Forget(Linking, tag="forget", frozen=True):
    """Who is linked with the node, ``other``, is erased; without it the node itself, as far as it is nobody else's
    (`streams.identity.forgetting`).
    """

    of: str
    """The customer who is erased."""
    time: int
    """What came later is of somebody else, ms."""
    other: str = ""
    hops: int = 0
    """Links from the customer to the node."""


class ForgetContact(Record, tag="forget-contact", frozen=True):
    """A contact of somebody who is erased, or a group of contacts."""

    contact: str
    """Key of its row."""
    of: str
    time: int

    @property
    def key(self) -> bytes:
        """Of the record: a contact's as its events have it, a group's that of its row."""
        whole = self.contact.startswith(GROUP)
        return (self.contact if whole else self.contact.partition(SEP)[0]).encode()


class Erased(Record, tag="erased", frozen=True):
    """Names that are erased, for all tasks, as keyed hashes (`streams.identity.erased`)."""

    marks: tuple[str, ...]
    time: int


class Worded(Linking, tag="worded", frozen=True):
    """A weaker identifier keeps a person's word on the node."""

    other: str
    time: int
    """Of the word, ms."""


ToNode = Shown | Word | Joined | Said | Watched
Erasing = Forget | ForgetContact | Erased | Worded
Link = ToNode | Told | Again | Hurried | Rests | Round | Erasing
Read = Normalised | Link
"""What `identify` reads."""


def row_key(node: str, line: str = LIVE) -> str:
    return f"{node}{SEP}{line}" if line else node


def kind_of(node: str) -> str:
    return node.partition(":")[0]


def rank_of(node: str) -> int:
    """0 = a customer, then by `STRENGTH`."""
    return _RANK[kind_of(node)]


def order_of(node: str) -> tuple[int, str]:
    """The stronger is less."""
    return rank_of(node), node


def is_customer(node: str) -> bool:
    return node.startswith("customer:")
