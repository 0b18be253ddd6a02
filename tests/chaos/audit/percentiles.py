"""Percentiles of durations, by nearest rank, from the facts of a window."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.chaos.audit.contacts import Fact
from tests.chaos.audit.logs import Difference, Rec


def _of(kind: str, took: Callable[[Fact], int], **its: str) -> Callable[[list[Fact]], list[int]]:
    """The durations of the facts of a kind that have these fields."""

    def durations(facts: list[Fact]) -> list[int]:
        some = (fact for fact in facts if fact.fact == kind)
        return [took(fact) for fact in some if all(getattr(fact, name) == said for name, said in its.items())]

    return durations


def _value(fact: Fact) -> int:
    return fact.value or 0


def _since(fact: Fact) -> int:
    return fact.time - (fact.entered or 0)


DURATIONS: dict[tuple[str, str], Callable[[list[Fact]], list[int]]] = {
    ("speed_of_answer", ""): _of("leg_closed", _since, outcome="answered"),
    ("speed_of_answer", "all_contacts"): _of("contact_offered", _value, outcome="answered"),
    ("handle_time", "all"): _of("contact_handled", lambda fact: fact.talk_ms + fact.hold_ms + fact.wrap_ms),
    ("handle_time", "talk"): _of("contact_handled", lambda fact: fact.talk_ms),
    ("handle_time", "hold"): _of("contact_handled", lambda fact: fact.hold_ms),
    ("handle_time", "wrap"): _of("contact_handled", lambda fact: fact.wrap_ms),
    **{
        ("first_response", variant): _of("first_response", _value, variant=variant)
        for variant in ("any", "human_from_start", "human_from_handoff", "after_reopen")
    },
    ("next_response", "human"): _of("next_response", _value),
    ("resolution_time", "first"): _of("journey_solved", _since),
    ("resolution_time", "full"): _of("journey_resolved", _since),
}
"""KPI, and the variant of which they are percentiles."""


OF_DAYS = {
    ("speed_of_answer", "all_contacts"), ("first_response", "any"), ("first_response", "after_reopen"),
    ("handle_time", "all"), ("handle_time", "talk"), ("handle_time", "hold"), ("handle_time", "wrap"),
    ("resolution_time", "first"), ("resolution_time", "full"),
}  # fmt: skip
"""Told of days alone."""


def check(key: str, rec: Rec, facts: list[Fact], day: bool, ages: list[int]) -> Iterator[Difference]:
    """Each is the duration of its rank, within 1 %, and all are told; ``ages``: of the journeys open at the end."""
    told = {(each["kpi"], each["variant"]): each for each in rec.doc["readings"] if each["numerator"] is None}
    some = {
        which: sorted(durations(facts)) if day or which not in OF_DAYS else [] for which, durations in DURATIONS.items()
    }
    for (kpi, of), took in [*some.items(), (("backlog", "age"), ages)]:
        for percent in (50, 90) if kpi == "backlog" else (50, 90, 95):
            variant = f"{of}_p{percent}" if of else f"p{percent}"
            exact = took[-(-len(took) * percent // 100) - 1] if took else None
            each = told.pop((kpi, variant), {"value": None, "denominator": 0})
            if each["denominator"] != len(took) or not _near(each["value"], exact):
                got = each["value"], each["denominator"]
                what = f"{key}: {kpi} {variant} is {got}, not {(exact, len(took))}"
                yield Difference("readings", what, (key,), rec)
    for kpi, variant in told:
        yield Difference("readings", f"{key}: {kpi} {variant} is told", (key,), rec)


def _near(value: Any, exact: int | None) -> bool:
    return value == exact or (value is not None and exact is not None and abs(value - exact) * 100 <= exact)
