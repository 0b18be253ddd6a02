"""What is published of our own initiative: who fell silent, and whether we speak to somebody. As in `schemas.outputs`
every field is always there, and ``line`` is empty for what came from live events.
"""

from typing import Literal

from schemas.fields import Line, Model, Revision, String, UtcTime, Whole

__all__ = ["Outreach", "QuietCustomer"]


class QuietCustomer(Model):
    """A customer has said nothing for longer than is usual; the latest record of a customer is the whole truth."""

    quiet_id: String
    """Stable name of the silence."""
    customer: String
    """The owner, customer:<id>; also the record's key."""
    status: Literal["quiet", "ended", "withdrawn"]
    """quiet = it goes on; ended = the customer was heard of again; withdrawn = what came late, or went to another
    customer, proved that it was none."""
    verdict: Literal["good", "bad", "unknown"]
    """What the customer's last contact lets one think of it."""
    reason: Literal[
        "bad-survey",
        "angry",
        "abandoned",
        "unsolved",
        "unanswered",
        "solved",
        "content",
        "self-served",
        "answered",
        "nothing-said",
    ]
    """Why. The first five are bad, nothing-said is unknown, the others are good."""
    since: UtcTime
    """The customer's last act."""
    quiet_at: UtcTime
    """From when on it is a silence."""
    ended_at: UtcTime | None
    """The customer's next act; null unless it has ended."""
    limit_ms: Whole
    """How long the customer may say nothing: the floor of the tier, or more where that is usual."""
    usual_gap_ms: Whole | None
    """The customer's own usual gap between contacts; null where too few are known."""
    tier: String
    """Whose floor it is; none where unknown."""
    contact_id: String
    """The contact that the customer was last heard of in."""
    channel: String
    """Its channel."""
    line: Line
    """Empty for live, else the replay."""
    revision: Revision
    """Grows with every record of this silence."""


class Outreach(Model):
    """Whether we speak to a customer of our own accord, decided once for each rule and what called for it."""

    outreach_id: String
    """Stable name, made of rule, customer and trigger; also the record's key."""
    rule: String
    """The rule in outreach.yaml."""
    customer: String
    """The owner."""
    status: Literal["send", "held"]
    """send = speak to the customer, before send_before; held = do not."""
    reason: Literal["over", "no-consent", "expired", "quiet-hours", "campaign", "cap"] | None
    """Why it is held; null when it is not. quiet-hours = it is decided again at ``until``; the others are final. over =
    what called for it is: a promise was kept, a silence ended, the contact went to another customer."""
    after: String | None
    """What called for it: purchase, delivery, promise-due, search-failed, bad-survey, case-solved, quiet; null when the
    rule is gone."""
    trigger: String
    """Which one: <channel>|<contact>|<source>|<event id>, the order, the promise, or the silence's name."""
    triggered_at: UtcTime
    """When."""
    about: String | None
    """The order, what was promised, or why a silence is good or bad."""
    channel: String | None
    """The channel to use."""
    purpose: String | None
    """The purpose of which consent was asked."""
    language: String | None
    """The customer's, where known."""
    time_zone: String
    """By whose clock quiet hours were reckoned."""
    tier: String
    """The customer's tier; none where unknown."""
    decided_at: UtcTime
    """The stream time for which it was decided."""
    until: UtcTime | None
    """End of the quiet hours; null for other reasons."""
    send_before: UtcTime | None
    """Whoever is late does not send any more: it is no longer valid, or quiet hours begin. null when held."""
    campaign_until: UtcTime | None
    """So long nothing else goes out, unless the customer answers; null where the rule has no campaign."""
    line: Line
    """Empty for live, else the replay: act on empty ones only."""
    revision: Revision
    """Grows with every record of this name."""
