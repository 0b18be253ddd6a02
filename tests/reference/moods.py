"""Alerts on what a customer's latest messages sound like."""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from tests.reference.events import HOUR, MIN, Event

HALF_LIFE = 30 * MIN
QUIET = 2 * HOUR
LEAST = 3
FIRE, RECOVER = -450, -200
"""Thousandths."""


def moods(events: list[Event], until: int) -> Iterable[tuple[int, str]]:
    """(since, firing, recovered or quiet) of each episode."""
    scored = [(e.at, round(e.data["sentiment"] * 1000)) for e in sorted(events, key=lambda e: e.at) if is_scored(e)]
    since: int | None = None
    for number, (at, _) in enumerate(scored):
        if since is not None and at - scored[number - 1][0] > QUIET:
            yield since, "quiet"
            since = None
        heard = scored[: number + 1]
        if since is None and len(heard) >= LEAST and above(heard, at, FIRE) <= 0:
            since = at
        elif since is not None and above(heard, at, RECOVER) >= 0:
            yield since, "recovered"
            since = None
    if since is not None:
        yield since, "quiet" if until - scored[-1][0] > QUIET else "firing"


def is_scored(event: Event) -> bool:
    return (
        event.kind == "message.sent" and event.data["author"] == "customer" and event.data.get("sentiment") is not None
    )


def above(heard: list[tuple[int, int]], now: int, limit: int) -> Decimal:
    """How far the mean lies above a limit, times the weights; exact where all lie on it."""
    with localcontext(prec=60):
        return sum((Decimal(2) ** (Decimal(at - now) / HALF_LIFE) * (mood - limit) for at, mood in heard), Decimal(0))
