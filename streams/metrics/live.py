"""What the live line looks like now, for the metrics: the newest readings, and who waits.

A window that reads like the one before has no record, so a reading stands until another record of its kind comes: of a
rolling window at most for the window's length, as all that is in it is gone by then. It is not shown longer: an alert
on yesterday's service level wakes somebody for nothing.
"""

from collections.abc import Mapping
from typing import Any

from streams.base.records import LIVE, SEP
from streams.base.times import MINUTE_MS, SECOND_MS, calendar_unit, to_ms
from streams.metrics.forecast import UNKNOWN, rates
from streams.metrics.groups import ALL, is_group
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import LineState, Tables, of_line

Labels = tuple[str, ...]
"""kpi, variant, channel, queue, tier, window; and of a group by which dimensions, service type and agent group."""

Where = tuple[str, str, str, str, str, str, str]
"""channel, queue, tier, window, by, service type, agent group."""
Name = tuple[str, str]
"""kpi, variant."""


class LiveReadings:
    """The newest reading by label values. Feed it every live record of `windows.advance`, in any order."""

    def __init__(self, policy: KpiPolicy) -> None:
        self._every = policy.calendar
        self._shown: dict[Where, dict[Name, float]] = {}
        self._stands: dict[Where, tuple[str, int]] = {}
        """Where → the end of the window that is shown, and until when it is."""

    def remember(self, record: Mapping[str, Any]) -> None:
        """Take in a record of ``kpis``: it replaces the one before it of its dimensions and length. An amendment of an
        older window does not replace a newer one.
        """
        dimensions, window = record["dimensions"], record["window"]
        where = (
            dimensions["channel"],
            dimensions["queue"],
            dimensions["tier"],
            window_label(window["length_ms"]),
            "+".join(record.get("by", ())),
            dimensions.get("service_type", ""),
            dimensions.get("agent_group", ""),
        )
        end: str = window["end"]
        known = self._stands.get(where)
        if known is not None and known[0] > end:
            return
        values = {
            (each["kpi"], each["variant"] or ""): each["value"]
            for each in record["readings"]
            if each["value"] is not None
        }
        if values:
            self._shown[where] = values
        else:
            self._shown.pop(where, None)
        self._stands[where] = end, self._until(window)

    def current(self, now: int | None) -> dict[Labels, float]:
        """Label values → value of the readings that stand at stream time ``now`` (ms); forgets the others."""
        if now is not None:
            for where in [where for where, (_, until) in self._stands.items() if now >= until]:
                del self._stands[where]
                self._shown.pop(where, None)
        return {(*name, *where): value for where, values in self._shown.items() for name, value in values.items()}

    def _until(self, window: Mapping[str, Any]) -> int:
        """The stream time at which nothing of the window is left, and a record was due that says so."""
        length: int = window["length_ms"]
        unit = calendar_unit(length)
        return to_ms(window["end"]) + (length if unit is None else self._every.get(unit, 0))


def window_label(length_ms: int) -> str:
    """``1m``, ``60m``, ``day``, ``week``, ``month``: the value of the label ``window``; seconds where it is no whole
    minutes."""
    if unit := calendar_unit(length_ms):
        return unit
    minutes, rest = divmod(length_ms, MINUTE_MS)
    return f"{length_ms // SECOND_MS}s" if rest else f"{minutes}m"


def queues_now(tables: Tables, now: int) -> dict[tuple[str, str], tuple[int, float, float | None]]:
    """(channel, queue) → (customers waiting, longest wait in seconds at stream time ``now``, what one who enters now
    and has to wait is to expect, in seconds; ``None``: unknown), live.

    Read off the tables, so it is whole after a restart too. Queues of the last days in which nobody waits are 0.
    """
    waiting: dict[tuple[str, str], tuple[int, float]] = {}
    for key in of_line(tables.days, LIVE):
        _, channel, queue, _ = key.split(SEP, 3)
        if channel != ALL and not is_group(key):  # agents serve a queue on all channels, and nobody waits on all
            waiting[channel, queue] = (0, 0.0)
    for key in of_line(tables.queues, LIVE):
        _, channel, queue = key.split(SEP)
        shown = tables.queues[key]
        depth = sum(waiting for _, waiting in shown.by_tier)
        waiting[channel, queue] = (depth, max(now - shown.oldest, 0) / SECOND_MS)
    at = (tables.lines.get(LIVE) or LineState()).sealed
    found: dict[tuple[str, str], tuple[int, float, float | None]] = {}
    for (channel, queue), (depth, longest) in waiting.items():
        flow = tables.flows.get(SEP.join((LIVE, channel, queue)))
        wait = rates(flow.points, at).wait(depth + 1) if flow else UNKNOWN
        found[channel, queue] = depth, longest, None if wait == UNKNOWN else wait / SECOND_MS
    return found
