"""What a stage notes while it works, and what it tells of itself when it is asked. The worker's metrics count the one
and show the other.
"""

from collections.abc import Mapping


class Notes:
    """Takes notes, and does nothing with them. ``stage``: the name of the one that notes."""

    def dead_letter(self, reason: str) -> None:
        """A record became a dead letter."""

    def duplicate(self) -> None:
        """An event was dropped because it was seen before."""

    def sieved(self, texts: int) -> None:
        """Texts had so many numbers that all were masked without asking."""

    def unused_identifier(self, kind: str, why: str) -> None:
        """An identifier was left out."""

    def released(self, topic: str, times: int = 1) -> None:
        """Live time went on without the unread records of a topic; 0 times: it may."""

    def plugin_failed(self, plugin: str, why: str) -> None:
        """A plug-in raised, hung or gave nonsense, and what it was asked for is left out."""

    def late(self, stage: str) -> None:
        """Something came after its time had passed."""

    def limited(self, stage: str, what: str) -> None:
        """State or an output met its bound and was made smaller."""

    def erased(self) -> None:
        """A customer was erased."""

    def left_out(self, stage: str) -> None:
        """Something was left out because it names somebody who was erased later."""

    def illegal(self, event_type: str) -> None:
        """An event cannot happen in its contact's state."""

    def alert(self, rule: str, state: str) -> None:
        """A live alert took a step, and stands so now."""

    def ruled(self, severities: Mapping[str, str]) -> None:
        """Alerts go by these rules from now on: their severities, by name."""

    def quiet(self, verdict: str, status: str) -> None:
        """A live record of a silence was published."""

    def outreach(self, rule: str, what: str) -> None:
        """A live outreach was decided: ``send``, or by what it was held back."""

    def recommendation(self, because: str, status: str) -> None:
        """A recommendation was published, or withdrawn."""

    def saturated(self, readings: int) -> None:
        """Readings were published with the largest number there is."""


class Gauged:
    """What the gauges ask of an agent between two batches; one that has nothing of the kind tells nothing."""

    def live_time(self) -> int | None:
        """Stream time of the live line, ms; None = not known yet."""
        return None

    def held(self) -> Mapping[str, float]:
        """Topic → for how long its unread records have held live time in vain, s."""
        return {}

    def readings(self) -> Mapping[tuple[str, ...], float]:
        """Newest live readings by label values."""
        return {}

    def queues_now(self) -> Mapping[tuple[str, str], tuple[int, float, float | None]]:
        """(channel, queue) → (waiting, longest wait in s, expected wait of the next one in s; None = unknown), live."""
        return {}

    def open_alerts(self) -> Mapping[tuple[str, str, str], int]:
        """Alerts of the live line that are not over, by rule, state and severity."""
        return {}

    def rules_version(self) -> str | None:
        """Of the rules by which alerts are handled."""
        return None

    def firing_signals(self) -> Mapping[str, int]:
        """Early signals of a defect that fire now on the live line, by kind of subject."""
        return {}
