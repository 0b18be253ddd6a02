"""Alerts: how each stands (``alerts``), and every step that one takes (``alert.events``)."""

from typing import Literal

from schemas.fields import Bool, Line, Model, Number, Revision, String, UtcTime, Whole

AlertState = Literal["pending", "firing", "acknowledged", "escalated", "silenced", "suppressed", "resolved", "expired"]
"""pending = its condition holds, not yet for as long as the rule says; silenced = by a person's silence; suppressed =
another alert that fires speaks for it, or its rule has told more than its share this minute; expired = it fired for as
long as its rule lets it."""
Because = Literal[
    "began", "fired", "acknowledged", "assigned", "commented", "escalated", "unanswered", "silenced", "silence_over",
    "inhibited", "inhibition_over", "capped", "cap_over", "came_back", "amended", "rule_changed", "cleared",
    "answered", "abandoned", "flow_out", "recovered", "quiet", "moved", "withdrawn", "closed", "rule_removed",
    "expired", "erased",
]  # fmt: skip
"""Why a step was taken."""


class AlertSubject(Model):
    """What an alert is about; null where that does not apply."""

    type: Literal["contact", "customer", "journey", "queue", "kpi", "connector", "system"]
    customer: String | None = None
    """The owner."""
    contact_id: String | None = None
    journey_id: String | None = None
    channel: String | None = None
    queue: String | None = None
    tier: String | None = None
    """The customer's, as it was when the condition began."""
    service_type: String | None = None
    kpi: String | None = None
    """Name in the catalogue of KPIs, with its variant behind a slash where it has several."""
    source: String | None = None
    """The connector, as its events name it."""
    agent_group: String | None = None


class Alert(Model):
    """One condition that a rule watches and that holds, or held. A later revision replaces an earlier one; what begins
    anew once it was over is another episode under the same fingerprint."""

    fingerprint: String
    """Rule, line and what it is about: stable; the record's key. At most one episode of it goes on at a time."""
    episode_id: String
    """Stable name of this time that the condition holds."""
    rule: String
    """The rule."""
    rule_version: String
    """Which state of the rules it was judged by last."""
    kind: String
    """What is watched, such as waiting or sentiment; see `contact-streams rules fields`."""
    state: AlertState
    """How it stands."""
    severity: Literal["info", "warning", "critical"]
    """From the rule, or from the step of escalation that was reached."""
    subject: AlertSubject
    """What it is about."""
    value: Number | None
    """What was measured when the condition began."""
    limit: Number | None
    """What it crossed."""
    clear_limit: Number | None
    """What it has to cross to be over; null where that is the limit."""
    unit: String
    """Unit of value and limits: ms, count, ratio, sentiment, points, per_minute."""
    since: UtcTime
    """Event time at which the condition began to hold."""
    fired_at: UtcTime | None
    """Stream time at which it was raised; null while pending."""
    resolved_at: UtcTime | None
    """Event time at which it was over; null before."""
    because: Because
    """Why it took its last step."""
    acknowledged_by: String | None
    """Who has it in hand."""
    acknowledged_at: UtcTime | None
    assigned_to: String | None
    """Whose it is."""
    level: Whole
    """How many steps of escalation it has come."""
    silenced_by: String | None
    """The silence that holds it."""
    inhibited_by: String | None
    """Fingerprint of the alert that speaks for it, or `cap`."""
    owner: String | None
    """Who looks after the rule."""
    runbook: String | None
    """What to do: a link."""
    labels: dict[str, String]
    """From the rule, for routing."""
    event_ids: list[String]
    """Ids of the events that show it, at most ten."""
    line: Line
    """Empty for live, else the replay: those notify nobody."""
    revision: Revision
    """Grows with every step of the episode."""


class AlertEvent(Model):
    """One step of one alert. Steps of a fingerprint come in order, each once."""

    event_id: String
    """`<episode_id>#<revision>`: never given twice."""
    at: UtcTime
    """Stream time of the step."""
    before: AlertState | None
    """How it stood; null = it was not there."""
    because: Because
    """Why."""
    by: String | None
    """The person who did it."""
    note: String | None
    """What they said."""
    notify: Bool
    """Is it for people's ears: live, not silenced, not suppressed, or the end of what they were told of."""
    line: Line
    """Empty for live, else the replay."""
    alert: Alert
    """How it stands after the step."""
