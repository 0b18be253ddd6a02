"""Answers to surveys: on which scale they lie, and which of them are bad."""

from schemas.data import SCALES
from streams.contacts.rules import ContactRules
from streams.contacts.steps import Step

_SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
"""Metric → the scale on which `Negative` says what is bad."""


def scale_of(metric: str | None, rules: ContactRules) -> tuple[int, int] | None:
    """Lowest and highest answer as we keep it; None = it is no survey of ours."""
    return {"csat": rules.csat_scale, "ces": rules.ces_scale}.get(metric or "", _SCALES.get(metric or ""))


def answer(step: Step, rules: ContactRules) -> int | None:
    """The answer in thousandths of our scale: one on another scale keeps its place between the ends. NPS has no other
    scale.
    """
    ends = scale_of(step.detail, rules)
    given = SCALES.get(step.scale or "")
    if step.value is None or ends is None or given is None or step.detail == "nps":
        return step.value
    return round(_placed(step.value, given, ends))


def is_low(metric: str | None, value: int | None, rules: ContactRules) -> bool:
    """Is an answer (thousandths of our scale) a bad one?"""
    ends = scale_of(metric, rules)
    limit: int | None = getattr(rules.negative, f"{metric}_at_or_below", None)
    if metric is None or value is None or ends is None or limit is None:
        return False
    return value <= _placed(1000 * limit, _SCALES[metric], ends)


def part(metric: str | None, value: int | None, rules: ContactRules) -> float | None:
    """Its place between the ends of our scale, from 0 (worst) to 1; None = there is none."""
    ends = scale_of(metric, rules)
    return None if value is None or ends is None else _placed(value, ends, (0, 1)) / 1000


def _placed(milli: int, given: tuple[int, int], ends: tuple[int, int]) -> float:
    """The same place on another scale."""
    (least, most), (low, high) = given, ends
    return milli if given == ends else low * 1000 + (milli - least * 1000) * (high - low) / (most - least)
