"""What `identify` keeps of identifiers, of all lines: their links, and what persons said of them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from streams.base.links import Ref
from streams.base.records import SEP
from streams.identity.graph import Node
from streams.inspect.changelogs import Tell, partitions, read
from streams.inspect.rows import decoded
from streams.settings import Settings

Place = tuple[str, str]
"""An identifier and a line."""


@dataclass
class Word:
    """A person's word on two identifiers, the latest one."""

    identifier: str
    other: str
    linked: bool
    """False = they are not linked, whatever is seen of them."""
    event_id: str
    source: str
    time: int
    said: str | None = None
    """By whom and why, as ``identity.changes`` tells it; None = it does so no more."""

    @property
    def pair(self) -> frozenset[str]:
        return frozenset((self.identifier, self.other))


@dataclass
class Nodes:
    """Rows of identifiers."""

    known: dict[Place, Node] = field(default_factory=dict)
    keepers: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    """Identifier → the weaker ones that keep a person's word on it."""

    def lines(self, name: str) -> set[str]:
        """Those on which something is known of an identifier."""
        return {line for each, line in (*self.known, *self.keepers) if each == name}

    def words(self, name: str, line: str) -> Iterator[Word]:
        """What persons said of an identifier, whichever of the two keeps it."""
        node = self.known.get((name, line), Node())
        for other, edge in sorted(node.edges.items()):
            if edge.word is not None:
                yield _word((name, other), *edge.word)
        for keeper in self.keepers.get((name, line), ()):
            edges = self.known.get((keeper, line), Node()).edges
            if name in edges and (told := edges[name].word) is not None:
                yield _word((keeper, name), *told)


def _word(pair: Place, ref: Ref, linked: bool) -> Word:
    time, event_id, source = ref
    return Word(*pair, linked, event_id, source, time)


async def look(settings: Settings, names: Collection[str], found: Nodes, tell: Tell) -> None:
    """Read the rows of identifiers, of all lines. Raises `StateError`, `BrokerError`."""

    def keep(table: str, key: str) -> bool:
        return table in ("nodes", "worded") and key.partition(SEP)[0] in names

    for partition in range((await partitions(settings))["identify"]):
        contents = await read(settings, "identify", partition, keep=keep, tell=tell)
        for row in decoded(contents, None):
            name, _, line = row.key.partition(SEP)
            if row.table == "nodes":
                found.known[name, line] = row.value
            else:
                found.keepers[name, line] = row.value
