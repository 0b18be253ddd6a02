"""Needs of a customer: calls, and what became of a case."""

from typing import Any

from hypothesis import strategies as st

from streams.base.records import Event
from tests.support.track_story import D, H, M, S, connected, ended, event, queued


def call(at: int, contact: str, **more: Any) -> list[Event]:
    """A call that is answered after 10 s, and solved by its end after a minute."""
    its = {"contact": contact} | more
    return [queued(at, **its), connected(at + 10 * S, **its), ended(at + M, **its)]


def case(what: str, at: int, contact: str, **more: Any) -> Event:
    return event(f"case.{what}", at, contact, case="K", **more)


@st.composite
def needs(draw: st.DrawFn) -> list[Event]:
    """Calls, some given up, and what became of a case; minutes to days apart."""
    at, found = 0, []
    for number in range(draw(st.integers(1, 5))):
        at += draw(st.sampled_from([5 * M, 5 * H, 3 * D, 8 * D])) + number
        about = draw(st.sampled_from([{}, {"topic": "loan"}, {"case": "K"}]))
        if draw(st.booleans()):
            found += call(at, f"c{number}", **about)
        else:
            found += [queued(at, contact=f"c{number}", **about), ended(at + M, contact=f"c{number}", **about)]
        for what in draw(st.lists(st.sampled_from(["solved", "reopened"]), max_size=2)):
            found.append(case(what, at + draw(st.integers(2, 600)) * M + len(found), f"c{number}"))
    return found
