"""What identifiers, contacts and tasks of ``identify`` tell each other on ``identity.links``; what it means:
`streams.base.links`.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.fields import Bool, Integer, Line, Model, String, Whole
from schemas.internal import EventRecord, LinkingRecord, Reference

LabelFields = tuple[
    Annotated[Whole, Field(description="links to the closest customers")],
    Annotated[list[String], Field(description="those customers; several share the identifier")],
    Annotated[list[tuple[String, Reference]], Field(description="identifiers and evidence on the way there")],
    Annotated[str, Field(description="the strongest identifier of its anonymous customer")],
    Annotated[Whole, Field(description="links to that")],
    Annotated[str, Field(description="why it is shared; empty = it is not")],
]
"""Whom an identifier stands for."""


class ShownRecord(LinkingRecord):
    """A contact shows that two identifiers are of one person, or does so no more."""

    kind: Literal["shown"]
    other: String
    """The stronger identifier."""
    ref: Reference
    on: Bool = True


class JoinedRecord(LinkingRecord):
    """A link to a weaker identifier holds now, or does no more."""

    kind: Literal["joined"]
    other: String
    ref: Reference
    on: Bool


class SaidRecord(LinkingRecord):
    """Whom a linked identifier stands for."""

    kind: Literal["said"]
    other: String
    label: LabelFields
    ref: Reference


class WatchedRecord(LinkingRecord):
    """A contact asks whom the identifier stands for, now and at each change; or no more."""

    kind: Literal["watched"]
    contact: String
    on: Bool = True


class ToldRecord(Model):
    """The answer, for the contact."""

    kind: Literal["told"]
    contact: String
    identifier: String
    label: LabelFields
    ref: Reference | None = None
    """What a change follows from; null = it is the answer to a question."""


class AgainRecord(Model):
    """An event that waited too long for an answer: it is placed by what is known."""

    kind: Literal["again"]
    event: EventRecord
    labels: dict[str, LabelFields]


class HurriedRecord(Model):
    """All that waited too long of a contact has come again."""

    kind: Literal["hurried"]
    contact: String
    """The key of its row."""


class RestsRecord(LinkingRecord):
    """A contact that came by these identifiers is over; node is the name of their group."""

    kind: Literal["rests"]
    names: list[String]
    owner: String


class RoundRecord(Model):
    """A task says that nothing of a replay waits in it. A round in which all are quiet ends the replay."""

    kind: Literal["round"]
    origin: String
    """Name of the task, identify-<partition>."""
    of: Whole
    """How many tasks there are."""
    line: Line
    number: Whole
    quiet: Bool
    """It has handled nothing of the replay since the round before."""


class ForgetRecord(LinkingRecord):
    """Who is linked with a node is erased, or, without other, the node itself."""

    kind: Literal["forget"]
    of: String | Literal[""]
    """The customer who is erased; empty where an identifier alone is known to be."""
    time: Integer
    other: String | Literal[""] = ""
    hops: Whole = 0
    """Links from the customer to the node."""


class ForgetContactRecord(Model):
    """A contact, or a group of contacts, of somebody who is erased."""

    kind: Literal["forget-contact"]
    contact: String
    of: String | Literal[""]
    time: Integer


class ErasedRecord(Model):
    """Keyed hashes of names that are erased, for all tasks."""

    kind: Literal["erased"]
    marks: list[String]
    time: Integer


class WordedRecord(LinkingRecord):
    """Another node keeps a person's word on this one."""

    kind: Literal["worded"]
    other: String
    time: Integer


LinkRecord = (
    ShownRecord
    | JoinedRecord
    | SaidRecord
    | WatchedRecord
    | ToldRecord
    | AgainRecord
    | HurriedRecord
    | RestsRecord
    | RoundRecord
    | ForgetRecord
    | ForgetContactRecord
    | ErasedRecord
    | WordedRecord
)
"""What identity.links carries."""
