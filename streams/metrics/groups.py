"""Groups: KPIs by one or two dimensions alone, such as tier, or channel and agent group, where `kpis.yaml` asks for it.

A fact is told once more for each group, at the place of its values, so that all of one group's value is added up by one
task, and no task has all of a dimension. In the key of a row a group is written in the place of the tier, behind marks
that no name can have; what is not in the group is `ALL`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from streams.base.channels import WITHOUT_ABANDONMENT
from streams.base.records import NO_QUEUE, SEP, Fact

ALL = "all"
"""What a dimension says in records that are of all its values; no tier counts under this name."""
NONE = NO_QUEUE
"""The service type or agent group of a contact of which none is known."""
Dimension = Literal["channel", "queue", "tier", "service_type", "agent_group"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
MARK = "\x1e"
"""Between the parts of a group in a key: the record separator cannot stand in a name."""


def name_of(group: Sequence[str]) -> str:
    """``channel+tier``."""
    return "+".join(each for each in DIMENSIONS if each in group)


def value_of(fact: Fact, dimension: str) -> str:
    """What the fact says of a dimension."""
    value: str | None = getattr(fact, dimension)
    return NONE if value is None else value


def key_of(fact: Fact, group: str) -> str:
    """The key of a fact of a group on ``contact.measurements``: ``channel+tier|voice|gold``."""
    return "|".join((group, *[value_of(fact, each) for each in group.split("+")]))


def dimensions_of(fact: Fact, group: str = "") -> str:
    """Where a fact counts: ``line ␟ channel ␟ queue ␟ tier``, and of a group, in place of the tier, ``tier ␞ group ␞
    service type ␞ agent group``."""
    if not group:
        return f"{fact.line}{SEP}{fact.channel}{SEP}{fact.queue}{SEP}{fact.tier}"
    names = group.split("+")
    channel, queue, tier, kind, team = (value_of(fact, each) if each in names else ALL for each in DIMENSIONS)
    return f"{fact.line}{SEP}{channel}{SEP}{queue}{SEP}{tier}{MARK}{group}{MARK}{kind}{MARK}{team}"


def in_key(dims: Mapping[str, str], by: Sequence[str] | None) -> str:
    """What stands in the place of the tier, from what `named` says."""
    if not by:
        return dims["tier"]
    return MARK.join((dims["tier"], name_of(by), *[dims.get(each, ALL) for each in DIMENSIONS[3:]]))


def is_group(dims: str) -> bool:
    """Whether a key is of a group."""
    return MARK in dims


def can_abandon(channel: str, by: Sequence[str]) -> bool:
    """Whether rates of abandonment can be told. A group of all channels has those without abandonment, too, and no
    rate of it is right."""
    return channel not in WITHOUT_ABANDONMENT and not (by and channel == ALL)


def named(dims: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a record says of the dimensions of a key, and by which of them it is; of none that is not a group's it says
    that."""
    _, channel, queue, rest = dims.split(SEP, 3)
    tier, *more = rest.split(MARK)
    found = {"channel": channel, "queue": queue, "tier": tier}
    if not more:
        return found, ()
    by = tuple(more[0].split("+"))
    return found | {each: value for each, value in zip(DIMENSIONS[3:], more[1:], strict=True) if each in by}, by
