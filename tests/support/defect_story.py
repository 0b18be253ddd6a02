"""A product that goes bad, as events: enough of a history, and two days later contacts that are all given up."""

from collections.abc import Iterator
from typing import Any

from tests.support.system import event

DAY_S = 86_400


def story(start: float, product: str = "reader", **last: Any) -> Iterator[tuple[float, dict[str, Any]]]:
    """(when it is published, event); ``start``: s since the epoch. A signal fires within ``DAYS`` after it. ``last``: what
    the last of the contacts that are given up say beside.
    """
    for number in range(220):
        yield from _contact(f"good-{number}", start + number, product, {"by": "agent"})
    for number in range(40):
        given_up = {"by": "customer", "reason": "abandoned"}
        more = last if number >= 38 else {}
        yield from _contact(f"bad-{number}", start + 2 * DAY_S + number, product, given_up, **more)


DAYS = 3


def _contact(
    name: str, at: float, product: str, end: dict[str, Any], **more: Any
) -> Iterator[tuple[float, dict[str, Any]]]:
    yield at, event("contact.queued", name, at, queue="q", product=product, **more)
    yield at + 30, event("contact.ended", name, at + 30, **end)
