"""What is asked and answered, for the OpenAPI document; alerts, steps and journeys are those of the contract."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.alerts import Alert, AlertEvent

MOST_A_PAGE = 200


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AlertFilter(_Asked):
    """Which alerts; each may be left out."""

    rule: list[str] = Field([], description="Names of rules; several: any of them.")
    severity: list[str] = Field([], description="critical, warning, info.")
    state: list[str] = Field([], description="States, or `all`; left out: all that are not over.")
    customer: str | None = Field(None, description="The owner, or a customer's id.")
    queue: str | None = None
    tier: str | None = None
    since: str | None = Field(None, description="RFC 3339: those that began then or later.")
    line: str | None = Field(None, description="The id of a replay; left out: live.")


class AlertQuery(AlertFilter):
    """Which alerts, and which page of them."""

    limit: int = Field(50, ge=1, le=MOST_A_PAGE)
    after: str | None = Field(None, description="`next` of the page before.")


class HistoryQuery(_Asked):
    """Which steps."""

    episode: Literal["this", "all"] = Field("this", description="Of this episode, or of all under its fingerprint.")


class SilenceQuery(_Asked):
    """Which silences."""

    over: bool = Field(False, description="Those that are over, too.")


class Command(_Asked):
    """What is to be done with an alert."""

    action: Literal["acknowledge", "assign", "comment", "escalate", "snooze", "close"]
    until: str | None = Field(None, description="Of a snooze: its end, RFC 3339.")
    to: str | None = Field(None, description="Of assign: to whom.")
    note: str | None = Field(None, description="What is to be said with it; a comment needs one.")


class NewSilence(_Asked):
    """Alerts that match are not told of until it ends; that they are over is."""

    matchers: list[str] = Field(description="All of them: `rule=high-tier-wait`, `queue!=cards`, `tier=~gold|plat*`.")
    ends: str = Field(description="RFC 3339, at most 30 days ahead.")
    starts: str | None = Field(None, description="RFC 3339; left out: at once.")
    reason: str = Field(description="Why.")
    silence_id: str | None = Field(None, description="Of one that it replaces.")


class Page(BaseModel):
    """Alerts, the latest first."""

    alerts: list[Alert]
    next: str | None = Field(description="For the next page; null: there is none.")


class Rule(BaseModel):
    """A rule as it is written."""

    name: str
    text: str = Field(description="YAML.")
    file: str = Field(description="Or which rules were applied in its place, when and by whom.")
    line: int | None = Field(description="null where they were applied.")
    digest: str = Field(description="Of the file, or the version of what was applied.")


class Evidence(BaseModel):
    """Why an alert is."""

    event_ids: list[str]
    value: float | None
    limit: float | None
    clear_limit: float | None
    unit: str
    says: str = Field(description="In words.")
    rule_version: str = Field(description="Which state of the rules it was judged by last.")
    owner: str | None
    runbook: str | None


class Whole(BaseModel):
    """An alert with its reasons."""

    alert: Alert
    evidence: Evidence
    rule: Rule | None = Field(description="null where the rules of this process do not have it.")
    links: dict[str, str] = Field(description="history, journey, commands.")


class History(BaseModel):
    """The steps of an alert, oldest first."""

    steps: list[AlertEvent]


class SilenceShown(BaseModel):
    """A silence."""

    silence_id: str
    state: Literal["pending", "active", "over"]
    matchers: list[str]
    starts: str
    ends: str
    by: str
    reason: str
    ended: str | None
    ended_by: str | None


class SilenceList(BaseModel):
    """By their ends."""

    silences: list[SilenceShown]


class Rules(BaseModel):
    """The rules of alerts."""

    rules: list[Rule]


class Sent(BaseModel):
    """A command that the broker has; what becomes of it is told by /stream and by the alert's history."""

    command_id: str
    target: str = Field(description="The episode, or the silence.")
    at: str


class SilenceSent(Sent):
    """A silence that the broker has."""

    matches: int = Field(description="Alerts that are not over and would be silent.")


class Health(BaseModel):
    """How it is."""

    status: str
    why: list[str] = []
