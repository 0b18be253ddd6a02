"""Contacts of somebody who is erased are no examples any more: not in the rows, and not in what was published.

Figures stay, and so does the signal: how many contacts there were, and how many of them were negative, names nobody.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from streams.base.records import SEP, Unnamed, contact_key
from streams.signals.tables import Example, Tables, examples_of

MAX_TOLD = 1000
"""Published signals whose examples are known."""


class Named(NamedTuple):
    """Whom examples name: so of most who are erased it is known at once that none does."""

    owners: frozenset[str]
    contacts: frozenset[tuple[str, str]]
    """(line, key of the contact)."""

    def has(self, told: Unnamed) -> bool:
        """Is somebody among them?"""
        return told.owner in self.owners or not self.contacts.isdisjoint(told.contacts)


def named(tables: Tables) -> Named:
    """By all examples there are."""
    owners, contacts = set[str](), set[tuple[str, str]]()
    for rows in (tables.hours, tables.subjects, tables.told):
        for key, row in rows.items():
            line = key.partition(SEP)[0]
            for each in examples_of(row):
                owners.add(each.owner)
                contacts.add((line, contact_key(each.channel, each.contact)))
    return Named(frozenset(owners), frozenset(contacts))


def unname(tables: Tables, told: Unnamed) -> Iterator[dict[str, Any]]:
    """Gives the signals that have to be published once more."""
    contacts = {*told.contacts}

    def left(key: str, examples: tuple[Example, ...]) -> tuple[Example, ...]:
        line = key.partition(SEP)[0]
        if not (told.every or line == told.line):
            return examples
        kept = tuple([each for each in examples if not _is_of(each, line, told, contacts)])
        return examples if len(kept) == len(examples) else kept

    for key, hour in list(tables.hours.items()):
        if (examples := left(key, hour.examples)) is not hour.examples:
            tables.hours[key] = replace(hour, examples=examples)
    for key, subject in list(tables.subjects.items()):
        examples, episode = left(key, subject.examples), subject.episode
        if episode is not None and (fewer := left(key, episode.examples)) is not episode.examples:
            episode = replace(episode, examples=fewer)
        if examples is not subject.examples or episode is not subject.episode:
            tables.subjects[key] = replace(subject, examples=examples, episode=episode)
    for key, known in list(tables.told.items()):
        if (examples := left(key, known.examples)) is not known.examples:
            yield tables.tell(key, known.record, examples)


def _is_of(each: Example, line: str, told: Unnamed, contacts: set[tuple[str, str]]) -> bool:
    """By its owner when it was counted, or because the owner has the contact now."""
    if each.owner == told.owner and each.time <= told.time:
        return True
    return (line, contact_key(each.channel, each.contact)) in contacts


def withdraw(tables: Tables) -> Iterator[dict[str, Any]]:
    """Take the examples out of the oldest signals where more than ``MAX_TOLD`` have some: what is no longer known could
    not be taken out when somebody is erased.
    """
    while len(tables.told) > MAX_TOLD:
        key, oldest = min(tables.told.items(), key=lambda item: item[1].number)
        yield tables.tell(key, oldest.record, ())
