"""Kinds of values in the rule files, and what all files have in common."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from streams.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_UNITS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")


def _milliseconds(value: object) -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a duration: a whole number and ms, s, m, h or d, such as 120s")
    return int(found[1]) * _UNITS[found[2]]


def _positive(value: int) -> int:
    if value <= 0:
        raise ValueError("the duration must be longer than 0")
    return value


Duration = Annotated[int, BeforeValidator(_milliseconds)]
"""``120s`` → milliseconds."""
Span = Annotated[int, BeforeValidator(_milliseconds), AfterValidator(_positive)]
"""A duration longer than 0."""
RuleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
TierName = Annotated[str, Field(min_length=1, max_length=200)]
Percent = Annotated[float, Field(ge=0, le=100)]
Sentiment = Annotated[float, Field(ge=-1, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class File(BaseModel):
    """Base of all: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def names(self) -> list[str]:
        """Names that other files may use."""
        return []
