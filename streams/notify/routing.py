"""Which targets a step goes to, and how: at once, with others of its group, or with a digest."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.alerts import Alert, AlertEvent
from streams.alerts.matching import OF_SUBJECT, Matcher, fit
from streams.hours.clock import BusinessClock
from streams.notify.message import OVER

REMEMBERED = 20_000
"""Episodes of which is known that a target was told of them."""


def attributes(alert: Alert) -> dict[str, str]:
    """What matchers and group_by may name: labels of the rule, and of the alert what is not empty."""
    found = {
        "rule": alert.rule,
        "kind": alert.kind,
        "state": alert.state,
        "severity": alert.severity,
        "because": alert.because,
        "owner": alert.owner,
        "assigned_to": alert.assigned_to,
        "acknowledged_by": alert.acknowledged_by,
        "fingerprint": alert.fingerprint,
        "episode": alert.episode_id,
        **{name: getattr(alert.subject, field) for name, field in OF_SUBJECT.items()},
    }
    return {**alert.labels, **{name: value for name, value in found.items() if value}}


@dataclass(frozen=True, slots=True)
class Way:
    """How a step goes to a target."""

    route: str
    """The route's name."""
    group: str | None = None
    """Steps with the same one are one message; None = each is its own."""
    wait_ms: int = 0
    digest_ms: int = 0
    """0 = it is no digest."""


@dataclass(frozen=True, slots=True)
class Path:
    """One route, ready to judge alerts."""

    name: str
    targets: tuple[str, ...]
    match: tuple[Matcher, ...] = ()
    severities: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    open: BusinessClock | None = None
    closed: BusinessClock | None = None
    group_by: tuple[str, ...] | None = None
    wait_ms: int = 0
    digest_ms: int = 0
    goes_on: bool = False

    def takes(self, alert: Alert, known: Mapping[str, str], at: int) -> bool:
        """Is it for this route, at this moment (ms)?"""
        return (
            (not self.severities or alert.severity in self.severities)
            and (not self.tiers or alert.subject.tier in self.tiers)
            and (self.open is None or self.open.is_open(at))
            and (self.closed is None or not self.closed.is_open(at))
            and fit(self.match, known)
        )

    def way(self, known: Mapping[str, str]) -> Way:
        """How it goes."""
        if self.group_by is None:
            return Way(self.name, None, 0, self.digest_ms)
        group = "\n".join((self.name, *(known.get(name, "") for name in self.group_by)))
        return Way(self.name, group, self.wait_ms)


def ways(paths: Iterable[Path], alert: Alert, at: int) -> dict[str, Way]:
    """Target → how the alert goes there: the first route that fits decides, and those after it where it goes on; of a
    target the first that names it."""
    found: dict[str, Way] = {}
    known = attributes(alert)
    for path in paths:
        if path.takes(alert, known, at):
            for target in path.targets:
                found.setdefault(target, path.way(known))
            if not path.goes_on:
                break
    return found


class Told:
    """The episodes that one target was told of and that are not over: their end goes there too, whatever the hour and
    the severity by then. A fold of the log; the oldest are forgotten beyond `REMEMBERED`."""

    def __init__(self, target: str, paths: Iterable[Path], *, digest: str | None = None) -> None:
        """``digest``: the route whose digest it is; None = what goes out at once."""
        self._target, self._paths, self._digest = target, tuple(paths), digest
        self._told: OrderedDict[str, Way] = OrderedDict()
        self._over: OrderedDict[str, None] = OrderedDict()

    def way(self, event: AlertEvent, at: int) -> Way | None:
        """How a step goes to the target; ``None``: not."""
        episode, over = event.alert.episode_id, event.alert.state in OVER
        if event.line or event.alert.line:
            return None
        if over:
            self._over[episode] = None
            if len(self._over) > REMEMBERED:
                self._over.popitem(last=False)
        if not event.notify:
            return None
        found = ways(self._paths, event.alert, at).get(self._target)
        mine = found if found is not None and self._is_mine(found) else None
        before = self._told.pop(episode, None)
        way = mine or (before if over else None)
        if not over and (kept := way or before) is not None:
            self._told[episode] = kept
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        return way

    def is_over(self, episode: str) -> bool:
        """Is it known that an episode is over?"""
        return episode in self._over

    def _is_mine(self, way: Way) -> bool:
        return (way.route if way.digest_ms else None) == self._digest
