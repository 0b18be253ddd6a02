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

    spent = sum(_SPENT)
    begun = time.monotonic()
    told = smallest(make(theme, seed), still, min(SHRINK_S, max(0.0, BUDGET_S - spent)))
    _SPENT.append(time.monotonic() - begun)
    lines = [head, f"{theme}, seed {seed}, {how}:", str(told), *(str(one) for one in of_kind(told))]
    return "\n".join(lines)
