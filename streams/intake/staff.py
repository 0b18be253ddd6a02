"""What people who work there say: states of agents, words on alerts, rules. An argument that none of them needs is
there for whoever calls them beside others.
"""

from typing import Any

from streams.base.alert_records import Command, Silenced
from streams.base.records import AgentState, Ruled
from streams.base.times import to_ms
from streams.intake.detectors import Budget
from streams.intake.masking import mask


def at_or_none(value: str | None) -> int | None:
    """Of a time of the contract, ms."""
    return None if value is None else to_ms(value)


def agent_state(obj: dict[str, Any], time_ms: int, line: str, policy: Any) -> AgentState:
    data: dict[str, Any] = obj["data"]
    return AgentState(
        id=obj["id"],
        source=obj["source"],
        agent=data["agent_id"],
        state=data["state"],
        time=time_ms,
        line=line,
        queues=tuple(data.get("queues") or ()),
        capacity={channel: (slots["free"], slots["of"]) for channel, slots in (data.get("capacity") or {}).items()},
        agent_group=data.get("agent_group"),
    )


def command(obj: dict[str, Any], time_ms: int, line: str, policy: Any) -> Command:
    data: dict[str, Any] = obj["data"]
    return Command(
        id=obj["id"],
        source=obj["source"],
        alert=data["alert_id"],
        action=data["action"],
        time=time_ms,
        line=line,
        by=data.get("by"),
        until=at_or_none(data.get("until")),
        to=data.get("to"),
        note=_masked(data.get("note"), policy),
    )


def silence(obj: dict[str, Any], time_ms: int, line: str, policy: Any) -> Silenced:
    data: dict[str, Any] = obj["data"]
    return Silenced(
        id=obj["id"],
        source=obj["source"],
        silence=data["silence_id"],
        time=time_ms,
        by=data["by"],
        line=line,
        matchers=tuple(data.get("matchers", ())),
        starts=at_or_none(data.get("starts")),
        until=at_or_none(data.get("ends")),
        reason=_masked(data.get("reason"), policy) or "",
    )


def ruled(obj: dict[str, Any], time_ms: int, line: str, policy: Any) -> Ruled:
    data: dict[str, Any] = obj["data"]
    return Ruled(
        id=obj["id"],
        source=obj["source"],
        number=data["number"],
        version=data["version"],
        time=time_ms,
        by=data["by"],
        reason=_masked(data["reason"], policy) or "",
        rules=data["rules"],
    )


def _masked(words: str | None, policy: Any) -> str | None:
    """What a person typed; a matcher is no such words, it has to fit."""
    return None if words is None else mask(words, policy.region, Budget())
