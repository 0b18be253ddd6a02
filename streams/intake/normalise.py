"""From a contract-checked CloudEvent to the internal record: identifiers in one form, text masked, times as
milliseconds.

``event_record`` is on the path of every event: about 5 µs for one without text.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.events import FIELDS, TEXTS, TIMES
from streams.base.plain_forms import REMEMBERED
from streams.base.records import AgentState, Command, Event, Profile
from streams.base.times import to_ms
from streams.identity.identifiers import Why, identifiers, plain_id, read
from streams.identity.nobody import Nobody
from streams.identity.phone_numbers import phone
from streams.intake.detectors import Budget
from streams.intake.masking import mask
from streams.sentiment.scoring import SCORED, Scorer

MAX_SUBJECT = 200
"""Characters of a product or topic with its masks, in lower case."""


class Policy(NamedTuple):
    """How a deployment normalises."""

    nobody: Nobody
    """What stands for nobody where an identifier belongs."""
    region: str | None = None
    """ISO 3166-1 alpha-2 code of the country whose phone numbers come without a country code; ``None`` = there is none.
    """
    scorer: Scorer | None = None
    """Sentiment of customer messages for which the connector gave none; ``None`` = they stay without."""
    unused: Callable[[str, Why], None] | None = None
    """Is told kind and reason of each identifier that is left out."""


# The record of an event


def event_record(
    obj: dict[str, Any], time_ms: int, line: str, policy: Policy, budget: Budget | None = None
) -> Event | Profile | AgentState | Command:
    """The internal record of a CloudEvent as a plain dict (``id``, ``source``, ``type``, ``data``) that passed the
    contract.

    ``obj`` is not changed. ``budget`` pays for the masking of its texts and knows afterwards how it went; ``None`` = a
    whole one. Raises ``ValueError`` for a marker of a replay (it becomes no record) and for a time inside ``data``
    that cannot be read.
    """
    kind: str = obj["type"]
    build = _BUILDERS.get(kind)
    if build is not None:
        return build(obj, time_ms, line, policy)
    if kind.startswith("replay."):
        raise ValueError(f"{kind} is a marker for watermarks: it has no record")
    return _contact_event(obj, time_ms, line, policy, Budget() if budget is None else budget)


def _contact_event(obj: dict[str, Any], time_ms: int, line: str, policy: Policy, budget: Budget) -> Event:
    data: dict[str, Any] = obj["data"]
    given = data.get("identifiers")
    found = identifiers(given, policy.region, policy.nobody, policy.unused) if given else ()
    customer = _customer(data.get("customer_id"), policy)
    if found and found[0][0] == "customer":
        # Only other customer ids stay among the identifiers: they are evidence that two customers share a contact.
        customer = customer or found[0][1]
        found = tuple(pair for pair in found if pair != ("customer", customer))
    return Event(
        id=obj["id"],
        source=obj["source"],
        type=obj["type"],
        time=time_ms,
        contact=data["contact_id"],
        channel=data["channel"],
        line=line,
        queue=data.get("queue"),
        customer=customer,
        tier=data.get("tier"),
        agent=data.get("agent_id"),
        identifiers=found,
        data=_specific(obj["type"], data, policy, budget),
        product=_subject(data.get("product"), policy.region),
        topic=_subject(data.get("topic"), policy.region),
    )


def _specific(kind: str, data: dict[str, Any], policy: Policy, budget: Budget) -> dict[str, Any]:
    """What the type adds, ready to be passed on. What the contract does not know ends here: nobody reads it, and no
    state behind the door has room for it.
    """
    rest = {name: data[name] for name in FIELDS[kind] if name in data}
    if not rest:
        return rest
    for name in TEXTS[kind]:
        if isinstance(rest.get(name), str):
            rest[name] = mask(rest[name], policy.region, budget)
    for name in TIMES[kind]:
        if rest.get(name) is not None:
            rest[name] = to_ms(rest[name])
    if isinstance(rest.get("phone"), str):
        rest["phone"] = phone(rest["phone"], policy.region)
    if policy.scorer is not None and rest.get("sentiment") is None and is_customer_text(kind, rest):
        score = policy.scorer(rest["text"][:SCORED], rest.get("language"))
        if score is not None:
            rest["sentiment"] = score
    return rest


def is_customer_text(kind: str, data: Mapping[str, Any]) -> bool:
    """Is it a text whose sentiment is the customer's? A message the customer wrote, or a post (answers to it are
    another type).
    """
    wrote = kind == "post.made" or (kind == "message.sent" and data.get("author") == "customer")
    return wrote and isinstance(data.get("text"), str)


def _profile(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> Profile:
    data: dict[str, Any] = obj["data"]
    return Profile(
        id=obj["id"],
        source=obj["source"],
        customer=plain_id(data["customer_id"]),
        time=time_ms,
        line=line,
        tier=data.get("tier"),
        value_cents=data.get("value_cents"),
        language=data.get("language"),
        preferences=data.get("preferences"),
        consent=data.get("consent"),
    )


def _agent_state(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> AgentState:
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
    )


def _command(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> Command:
    data: dict[str, Any] = obj["data"]
    until = data.get("until")
    return Command(
        id=obj["id"],
        source=obj["source"],
        alert=data["alert_id"],
        action=data["action"],
        time=time_ms,
        line=line,
        by=data.get("by"),
        until=None if until is None else to_ms(until),
    )


def _subject(value: str | None, region: str | None) -> str | None:
    return None if value is None else _read_subject(value, region)


@lru_cache(16_384)
def _read_subject(value: str, region: str | None) -> str | None:
    """A product or topic, the same however it is spaced and capitalised; ``None`` of blanks alone."""
    return " ".join(mask(value, region).split()).casefold()[:MAX_SUBJECT] or None


_BUILDERS: dict[str, Callable[[dict[str, Any], int, str, Policy], Event | Profile | AgentState | Command]] = {
    "customer.profile_changed": _profile,
    "agent.state_changed": _agent_state,
    "alert.commanded": _command,
}


def _customer(value: str | None, policy: Policy) -> str | None:
    if value is None:
        return None
    known = _read_customer if len(value) <= REMEMBERED else _read_customer.__wrapped__
    plain, why = known(value, policy.nobody)
    if why is not None and policy.unused is not None:
        policy.unused("customer", why)
    return plain


@lru_cache(65_536)
def _read_customer(value: str, nobody: Nobody) -> tuple[str | None, Why | None]:
    return read("customer", value, None, nobody)
