"""What the live line looks like now, for the metrics: the newest readings, and who waits.

A window without data has no record, so the newest reading of a quiet queue may be hours old. It is shown until its
successor was due, no longer: an alert on yesterday's service level wakes somebody for nothing.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from streams.base.records import LIVE, SEP
from streams.base.times import HOUR_MS, MINUTE_MS, SECOND_MS, to_ms
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import Tables, of_line

Labels = tuple[str, ...]
"""kpi, variant, channel, queue, tier, window."""

_LONGEST_ROLLING_MS = 12 * HOUR_MS
"""No rolling window is longer (`KpiPolicy` holds that), no day is shorter."""


class _Shown(NamedTuple):
    value: float
    end: str
    until: int


class LiveReadings:
    """The newest reading by label values. Feed it every live record of `windows.advance`, in any order."""

    def __init__(self, policy: KpiPolicy) -> None:
        self._every = {window.length_ms: window.every_ms for window in policy.windows}
        self._shown: dict[Labels, _Shown] = {}

    def remember(self, record: Mapping[str, Any]) -> None:
        """Take in the readings of a record of ``kpis``. An amendment of an older window does not replace a newer
        one; a reading without a value takes the place of an older one by leaving nothing.
        """
        dimensions, window = record["dimensions"], record["window"]
        where = (dimensions["channel"], dimensions["queue"], dimensions["tier"], window_label(window["length_ms"]))
        end: str = window["end"]
        until = self._until(window)
        for reading in record["readings"]:
            labels = (reading["kpi"], reading["variant"] or "", *where)
            known = self._shown.get(labels)
            if known is not None and known.end > end:
                continue
            if reading["value"] is None:
                self._shown.pop(labels, None)
            else:
                self._shown[labels] = _Shown(reading["value"], end, until)

    def current(self, now: int | None) -> dict[Labels, float]:
        """Label values → value of the readings that stand at stream time ``now`` (ms); forgets the others."""
        if now is not None:
            self._shown = {labels: shown for labels, shown in self._shown.items() if now < shown.until}
        return {labels: shown.value for labels, shown in self._shown.items()}

    def _until(self, window: Mapping[str, Any]) -> int:
        """The stream time at which the next window of its kind ends."""
        length: int = window["length_ms"]
        every = self._every.get(length if length <= _LONGEST_ROLLING_MS else None, length)
        return to_ms(window["end"]) + every


def window_label(length_ms: int) -> str:
    """``1m``, ``60m``, ``day``: the value of the label ``window``; seconds where it is no whole minutes."""
    if length_ms > _LONGEST_ROLLING_MS:
        return "day"
    minutes, rest = divmod(length_ms, MINUTE_MS)
    return f"{length_ms // SECOND_MS}s" if rest else f"{minutes}m"


def queues_now(tables: Tables, now: int) -> dict[tuple[str, str], tuple[int, float]]:
    """(channel, queue) → (customers waiting, longest wait in seconds at stream time ``now``), live.

    Read off the tables, so it is whole after a restart too. Queues of the last days in which nobody waits are 0.
    """
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for key in of_line(tables.days, LIVE):
        _, channel, queue, _ = key.split(SEP, 3)
        found[channel, queue] = (0, 0.0)
    for key in of_line(tables.queues, LIVE):
        _, channel, queue = key.split(SEP)
        shown = tables.queues[key]
        depth = sum(waiting for _, waiting in shown.by_tier)
        found[channel, queue] = (depth, max(now - shown.oldest, 0) / SECOND_MS)
    return found
