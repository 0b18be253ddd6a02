"""Events of a contact that wait until the identifiers they name have said whom they stand for: a moment, as a rule."""

import msgspec
from msgspec.structs import replace

from streams.base.links import Label
from streams.base.records import Event


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """The row of such a contact. JSON by msgspec."""

    events: tuple[Event, ...] = ()
    """In the order of their arrival."""
    sizes: tuple[int, ...] = ()
    """Their JSON bytes."""
    asked: frozenset[str] = frozenset()
    """The identifiers that have not answered."""
    labels: dict[str, Label] = {}
    """The answers of the others."""
    asked_at: int = 0
    """When the first of them was asked, by the clock, ms."""

    @property
    def since(self) -> int:
        """The earliest event time, ms."""
        return min(event.time for event in self.events)

    def with_event(self, event: Event, size: int, asked: list[str]) -> "Waiting":
        """One more event, for which some more identifiers are asked."""
        return replace(self, events=(*self.events, event), sizes=(*self.sizes, size), asked=self.asked.union(asked))

    def with_label(self, identifier: str, label: Label) -> "Waiting":
        """An answer, or a later one."""
        return replace(self, asked=self.asked - {identifier}, labels=self.labels | {identifier: label})
