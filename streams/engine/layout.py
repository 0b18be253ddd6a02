"""What an application is made of, as the engine sees it: its inlets, and the topics they read and write."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from streams.engine.inlet import Inlet


@dataclass(frozen=True)
class Layout:
    """``inlets`` by name; ``outputs``: every topic that one of them may send to."""

    app_id: str
    inlets: Mapping[str, Inlet]
    outputs: tuple[str, ...] = ()

    @classmethod
    def of(cls, app_id: str, inlets: Iterable[Inlet], outputs: Iterable[str] = ()) -> "Layout":
        return cls(app_id, {inlet.name: inlet for inlet in inlets}, tuple(outputs))

    @cached_property
    def inlet_of(self) -> Mapping[str, Inlet]:
        """Topic → who reads it."""
        return {topic: inlet for inlet in self.inlets.values() for topic in inlet.topics}

    @property
    def changelogs(self) -> list[str]:
        """Of all inlets."""
        return [inlet.changelog(self.app_id) for inlet in self.inlets.values()]
