"""One history of a theme through the product and through the reference."""

import time
from collections.abc import Callable

from tests.reference.compare import Difference, differences, smallest
from tests.reference.drive import Outcome, live, replayed
from tests.reference.events import History
from tests.reference.histories import make
from tests.reference.model import truth

WAYS: dict[str, Callable[[History], Outcome]] = {
    "replay": replayed,
    "paced replay": lambda told: replayed(told, paced=True),
    "live": live,
    "restarts": lambda told: replayed(told, paced=True, restart=4),
}
SHRINK_S = 8.0
"""For one history that is made smaller; all of a process share ``BUDGET_S``."""
BUDGET_S = 90.0
_SPENT: list[float] = []


def way(seed: int) -> str:
    return list(WAYS)[seed % len(WAYS)]


def check(theme: str, seed: int, how: str | None = None) -> tuple[int, str, tuple[Difference, ...]]:
    """Seed, how it was run, what differs."""
    how = how or way(seed)
    told = make(theme, seed)
    return seed, how, tuple(differences(truth(told), WAYS[how](told)))


def report(theme: str, seed: int, how: str, kind: str, head: str = "") -> str:
    """The smallest history that still shows a difference of that kind."""

    def of_kind(told: History) -> list[Difference]:
        return [one for one in differences(truth(told), WAYS[how](told)) if one.kind == kind]

    first = of_kind(make(theme, seed))[0]

    def still(told: History) -> bool:
        """The first difference is there, in whatever place and of whatever amount."""
        return any(one.name == first.name and one.sign == first.sign for one in of_kind(told))

    told = shorter(make(theme, seed), still)
    lines = [head, f"{theme}, seed {seed}, {how}:", str(told), *(str(one) for one in of_kind(told))]
    return "\n".join(lines)


def shorter(told: History, still: Callable[[History], bool]) -> History:
    begun = time.monotonic()
    found = smallest(told, still, min(SHRINK_S, max(0.0, BUDGET_S - sum(_SPENT))))
    _SPENT.append(time.monotonic() - begun)
    return found


def disagreements(told: History) -> list[str]:
    """Where a way of running it says something else than the first one."""
    said = {how: essence(run(told)) for how, run in WAYS.items()}
    (first, its), *others = said.items()
    return [
        f"{name}: {first} {its.get(name)}, {how} {other.get(name)}"
        for how, other in others
        for name in sorted({*its, *other})
        if its.get(name) != other.get(name)
    ]


def shown(theme: str, seed: int) -> str:
    told = shorter(make(theme, seed), lambda some: bool(disagreements(some)))
    return "\n".join([f"{theme}, seed {seed}:", str(told), *disagreements(told)])


STATE = ("backlog.open", "backlog.age_p50", "backlog.age_p90", "service_level.reached_threshold")
"""What a day says of who waits or is open at its end: a line that ends has ends of days that a live one has not come to,
and in between journeys grow older without a word."""


def essence(came: Outcome) -> dict[str, object]:
    """What does not depend on when it was asked, by name."""
    happened = {figure[:-1] for figure in came.days if figure[-1] not in STATE}
    said: dict[str, object] = {
        "|".join(map(str, figure)): ratio
        for figure, ratio in came.days.items()
        if figure[:-1] in happened and not figure[-1].startswith("backlog.age")
    }
    for who, one in came.journeys.items():
        for contact in one["contacts"]:
            said[f"{who} {contact['channel']} {contact['contact_id']} {contact['started']}"] = contact
    for one in came.alerts:
        if one["reason"] not in ("withdrawn", "moved"):
            name = f"{one['rule']} {one['customer']} {one['contact_id']} {one['since']}"
            said[name] = (one["status"], one["reason"])
    for (channel, queue), state in came.queues.items():
        if state["depth"]:
            said[f"queue {channel} {queue}"] = (state["depth"], state["oldest_entered"], state["by_tier"])
    return said
