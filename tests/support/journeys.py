"""Records of ``journeys``, which has one for each, by whose they are."""

from collections.abc import Iterable
from typing import Any

import pytest

from streams.customers import journey_names, journeys


def current(standing: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of the records that stand on the topic the one of each customer's journey that was heard of last; by customer, of a
    replay as ``<line>/<customer>``.
    """
    found: dict[str, dict[str, Any]] = {}
    for each in standing:
        name = f"{each['line']}/{each['customer']}" if each["line"] else each["customer"]
        if name not in found or _heard(found[name]) < _heard(each):
            found[name] = each
    return found


def nothing_is_removed(patch: pytest.MonkeyPatch) -> None:
    """Records of journeys that are over stay, so that they can be looked at after a long time."""
    patch.setattr(journeys, "KEPT_MS", 1 << 60)
    patch.setattr(journey_names, "MAX_KEPT", 1 << 60)


def _heard(journey: dict[str, Any]) -> tuple[str, str, str]:
    return journey["updated"], journey["started"], journey["journey_id"]
