"""What an Alertmanager is to be told: pure. A fold of the topic `alerts`, the latest state of every alert."""

from collections.abc import Callable, Iterable

from schemas.alerts import Alert
from streams.base.times import MINUTE_MS
from streams.notify.formats.alertmanager import Firing, Labels, labels

FIRES = frozenset({"firing", "acknowledged", "escalated"})
ENDED_KEPT_MS = 15 * MINUTE_MS
"""So long an end is repeated: Alertmanager may have been away."""


class Board:
    """The alerts of one target."""

    def __init__(self, takes: Callable[[Alert, int], bool], *, each: bool) -> None:
        """``takes``: does an alert go to this target (at a time, ms); ``each``: is every alert one by itself."""
        self._takes, self._each = takes, each
        self._open: dict[str, tuple[Labels, Alert]] = {}
        self._by_labels: dict[Labels, dict[str, Alert]] = {}
        self._ended: dict[Labels, Firing] = {}
        self.changed: set[Labels] = set()
        """Of which Alertmanager was not told yet."""

    def __len__(self) -> int:
        return len(self._open)

    def apply(self, alert: Alert, now: int) -> None:
        """The latest state of an alert."""
        if alert.line:
            return
        fired = now if alert.fired_at is None else round(alert.fired_at.timestamp() * 1000)
        before = self._open.pop(alert.fingerprint, None)
        if before is not None:
            del self._by_labels[before[0]][alert.fingerprint]
        if alert.state in FIRES and (before is not None or self._takes(alert, fired)):
            found = labels(alert, each=self._each)
            self._open[alert.fingerprint] = found, alert
            self._by_labels.setdefault(found, {})[alert.fingerprint] = alert
            self._ended.pop(found, None)
            self.changed.add(found)
            if before is not None and before[0] != found:
                self._close(before[0], before[1], now)
        elif before is not None:
            self._close(before[0], before[1], _over(alert, now))
        elif alert.resolved_at is not None and now - _over(alert, now) < ENDED_KEPT_MS and self._takes(alert, fired):
            self._close(labels(alert, each=self._each), alert, _over(alert, now))

    def remove(self, fingerprint: str, now: int) -> None:
        """An alert of which nothing is left."""
        if (before := self._open.pop(fingerprint, None)) is not None:
            del self._by_labels[before[0]][fingerprint]
            self._close(before[0], before[1], now)

    def _close(self, found: Labels, alert: Alert, at: int) -> None:
        """The last of these labels may be over; while others fire, only their number changes."""
        self.changed.add(found)
        if not self._by_labels.get(found):
            self._by_labels.pop(found, None)
            self._ended[found] = Firing(found, (alert,), at)

    def firing(self, now: int, only: Iterable[Labels] | None = None) -> list[Firing]:
        """What fires, and what ended lately: all of it, or that of some labels."""
        for found in [each for each, firing in self._ended.items() if now - (firing.ended or 0) >= ENDED_KEPT_MS]:
            del self._ended[found]
        chosen = [*self._by_labels, *self._ended] if only is None else list(only)
        told: list[Firing] = []
        for each in chosen:
            if some := self._by_labels.get(each):
                told.append(Firing(each, tuple(some.values())))
            elif each in self._ended:
                told.append(self._ended[each])
        return told


def _over(alert: Alert, now: int) -> int:
    return now if alert.resolved_at is None else round(alert.resolved_at.timestamp() * 1000)
