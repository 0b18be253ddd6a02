"""Alerts that fire, found by what they have to do with each other: which lie over others, and which are held back.

All of it follows from how alerts stand; it is made anew when it is not known.
"""

from collections.abc import Iterator, Mapping

from streams.alerts.handling import Inhibition
from streams.alerts.machine import CAP, Standing
from streams.alerts.matching import OF_SUBJECT, fit
from streams.base.records import SEP

Place = tuple[str, int, tuple[str, ...]]
"""Line, number of an inhibition, values that are equal."""
Names = dict[str, None]
"""Fingerprints, in order."""


def attributes(known: Standing) -> dict[str, str]:
    """What matchers may ask for."""
    condition, subject = known.condition, known.condition.subject
    found: dict[str, str | None] = {"rule": condition.rule, "kind": condition.what, "severity": known.severity}
    found |= {name: getattr(subject, field.removesuffix("_id")) for name, field in OF_SUBJECT.items()}
    return {**known.labels, **{name: value for name, value in found.items() if value is not None}}


def rule_key(known: Standing) -> str:
    """Line and rule."""
    return f"{known.line}{SEP}{known.condition.rule}"


class Covering:
    """``standings`` is how all alerts stand now."""

    def __init__(self, inhibitions: tuple[Inhibition, ...], standings: Mapping[str, Standing]) -> None:
        self.inhibitions = inhibitions
        self._active: dict[str, Names] = {}
        """By line."""
        self._held: dict[str, Names] = {}
        """By line and rule."""
        self._sources: dict[Place, Names] = {}
        self._targets: dict[Place, Names] = {}
        for standing in standings.values():
            self._put(standing)

    def active(self, line: str) -> list[str]:
        """Those of a line that fire."""
        return sorted(self._active.get(line, ()))

    def held(self, key: str) -> Names:
        """Those of a rule (`rule_key`) that are held back."""
        return self._held.get(key, {})

    def targets(self, place: Place) -> list[str]:
        """Over which those lie that have this place."""
        return sorted(self._targets.get(place, ()))

    def inhibitor(self, known: Standing) -> str | None:
        """What lies over an alert: the one that does so already, as long as it does."""
        found = {
            fingerprint
            for place in self._places(known, source=False)
            for fingerprint in self._sources.get(place, ())
            if fingerprint != known.condition.fingerprint
        }
        return known.inhibited_by if known.inhibited_by in found else min(found, default=None)

    def moved(self, before: Standing | None, after: Standing | None) -> list[Place]:
        """An alert stands otherwise; where others lie over fewer or more alerts now."""
        had = self._places(before, source=True) if before is not None and before.active else []
        has = self._places(after, source=True) if after is not None and after.active else []
        if before is not None and before.active:
            for names in self._homes(before):
                names.pop(before.condition.fingerprint, None)
            self._swept(before)
        if after is not None:
            self._put(after)
        return sorted({*had} ^ {*has})

    def _put(self, standing: Standing) -> None:
        if standing.active:
            for names in self._homes(standing):
                names[standing.condition.fingerprint] = None

    def _homes(self, standing: Standing) -> Iterator[Names]:
        """Wherever it is to be found."""
        yield self._active.setdefault(standing.line, {})
        if standing.inhibited_by == CAP:
            yield self._held.setdefault(rule_key(standing), {})
        for place in self._places(standing, source=True):
            yield self._sources.setdefault(place, {})
        for place in self._places(standing, source=False):
            yield self._targets.setdefault(place, {})

    def _swept(self, standing: Standing) -> None:
        """No place is kept for nobody: there may be one for each customer."""
        for homes, places in ((self._sources, True), (self._targets, False)):
            for place in self._places(standing, source=places):
                if not homes.get(place):
                    homes.pop(place, None)

    def _places(self, known: Standing, *, source: bool) -> list[Place]:
        if not self.inhibitions:
            return []
        found = attributes(known)
        return [
            (known.line, number, tuple(found.get(name, "") for name in each.equal))
            for number, each in enumerate(self.inhibitions)
            if fit(each.source if source else each.target, found)
        ]
