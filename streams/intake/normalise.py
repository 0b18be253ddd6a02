"""From a contract-checked CloudEvent to the internal record: identifiers in one form, text masked, times as
milliseconds.

``event_record`` is on the path of every event: about 5 µs for one without text.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.events import FIELDS, TEXTS, TIMES
from streams.base.alert_records import Command, Silenced
from streams.base.links import Word, is_customer, order_of
from streams.base.plain_forms import REMEMBERED
from streams.base.records import NO_QUEUE, AgentState, CustomerEvent, Erase, Event, Profile, Ruled
from streams.base.times import to_ms
from streams.contacts.steps import AGENT
from streams.identity.identifiers import Why, identifiers, plain_id, read
from streams.identity.nobody import Nobody
from streams.identity.phone_numbers import phone
from streams.intake.behaviours import MAX_SHOWN, Detector
from streams.intake.deadlines import Deadlines, Zones
from streams.intake.detectors import Budget
from streams.intake.intents import Intents
from streams.intake.masking import mask
from streams.intake.staff import agent_state, at_or_none, command, ruled, silence
from streams.sentiment import scoring
from streams.sentiment.scoring import SCORED, Scorer

LONGEST_SUBJECT = 100
"""Characters of a topic, intent or product with its masks, in lower case."""
UTC = ZoneInfo("UTC")


class Policy(NamedTuple):
    """How a deployment normalises."""

    nobody: Nobody
    """What stands for nobody where an identifier belongs."""
    region: str | None = None
    """ISO 3166-1 alpha-2 code of the country whose phone numbers come without a country code; ``None`` = of none."""
    scorer: Scorer | None = None
    """Sentiment of customer messages for which the connector gave none; ``None`` = they stay without."""
    unused: Callable[[str, Why], None] | None = None
    """Is told kind and reason of each identifier that is left out."""
    intents: Intents | None = None
    """Finds what the customer wants in messages of which the connector does not say it; ``None`` = nothing is found."""
    behaviours: Detector | None = None
    """What agents' messages show; ``None`` = they are not read."""
    deadlines: Deadlines | None = None
    """By when a promise in one is to be kept; ``None`` = that is not read."""
    zone: Zones = lambda channel, queue: UTC
    """The clock by which it is read."""


class NoCustomer(ValueError):
    """The customer id of an order or promise stands for nobody: the event would be everybody's."""


# The record of an event


def event_record(
    obj: dict[str, Any], time_ms: int, line: str, policy: Policy, budget: Budget | None = None
) -> Event | Profile | CustomerEvent | Erase | AgentState | Command | Silenced | Ruled | Word:
    """The internal record of a CloudEvent as a plain dict (``id``, ``source``, ``type``, ``data``) that passed the
    contract.

    ``obj`` is not changed. ``budget`` pays for the masking of its texts and knows afterwards how it went; ``None`` = a
    whole one. Raises ``ValueError`` for a marker of a replay (it becomes no record) and for a time inside ``data``
    that cannot be read; `Unusable` for a word, a profile or an erasure that cannot be.
    """
    kind: str = obj["type"]
    build = _BUILDERS.get(kind)
    if build is not None:
        return build(obj, time_ms, line, policy)
    if kind.startswith("replay."):
        raise ValueError(f"{kind} is a marker for watermarks: it has no record")
    budget = Budget() if budget is None else budget
    if kind in _WORDS:
        return _word(obj, time_ms, line, policy, budget)
    return _contact_event(obj, time_ms, line, policy, budget)


_WORDS = {"identity.linked": True, "identity.cut": False}


class Unusable(ValueError):
    """What a field says cannot be used, as ``path`` and message."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def _word(obj: dict[str, Any], time_ms: int, line: str, policy: Policy, budget: Budget) -> Word:
    """A person's word on two identifiers. Raises `Unusable`."""
    data: dict[str, Any] = obj["data"]
    one, other = (_node(data[name], f"data.{name}", policy) for name in ("identifier", "other"))
    if one == other:
        raise Unusable("data.other", "data.identifier and data.other are the same, and an identifier is itself anyway")
    if is_customer(one) and is_customer(other):
        raise Unusable(
            "data.other", "both are customers, and two customers are never one; merge them where they come from"
        )
    strong, weak = sorted((one, other), key=order_of)
    ref = (time_ms, obj["id"], obj["source"])
    reason = mask(data["reason"], policy.region, budget)
    return Word(weak, line, strong, ref, _WORDS[obj["type"]], data.get("by"), reason)


def _node(name: str, path: str, policy: Policy) -> str:
    kind, _, value = name.partition(":")
    plain, why = read(kind, value, policy.region, policy.nobody)
    if plain is None:
        what = "names nobody" if why == "nobody" else f"has not the form of its kind, {kind}"
        raise Unusable(
            path, f"{path} {what}; expected <kind>:<value>, such as phone:+442079460123 or customer:cust-1001"
        )
    return f"{kind}:{plain}"


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
        data=_specific(obj["type"], data, time_ms, policy, budget),
        case=data.get("case_id"),
        topic=_subject(data.get("topic"), policy.region),
        intent=_subject(data.get("intent"), policy.region),
        product=_subject(data.get("product"), policy.region),
        agent_group=data.get("agent_group"),
    )


def _specific(kind: str, data: dict[str, Any], time_ms: int, policy: Policy, budget: Budget) -> dict[str, Any]:
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
    if "text" in rest:
        if is_customer_text(kind, rest):
            _read(rest, policy, data.get("intent"))
        elif policy.behaviours is not None and is_agent_text(kind, rest):
            shown = policy.behaviours(rest["text"], rest.get("language"))
            if shown is not None:
                rest["behaviours"] = shown[:MAX_SHOWN]
                if (due := _due(rest, shown, data, time_ms, policy)) is not None:
                    rest["due"] = due
    return rest


def _due(rest: dict[str, Any], shown: tuple[str, ...], data: dict[str, Any], at: int, policy: Policy) -> int | None:
    """By when (ms) what a text promises is to be kept, where it says so; ``at``: when it was said."""
    if policy.deadlines is None or policy.deadlines.promises.isdisjoint(shown):
        return None
    zone = policy.zone(data["channel"], data.get("queue") or NO_QUEUE)
    return policy.deadlines.of(rest["text"], rest.get("language"), at, zone)


def _read(rest: dict[str, Any], policy: Policy, intent: str | None) -> None:
    """What the connector did not say of a customer's text: how it feels, and what the customer wants. Behind the door
    nobody reads it. An intent that is found has a name of its own: it says what service somebody expects, and not which
    contacts are about one need.
    """
    text, language = rest["text"][:SCORED], rest.get("language")
    if policy.scorer is not None and rest.get("sentiment") is None:
        reading = scoring.read(policy.scorer, "scorer", text, language)
        if reading is not None:
            rest["sentiment"], *by = reading
            rest["sentiment_by"] = {
                name: value for name, value in zip(reading._fields[1:], by, strict=True) if value is not None
            }
    if policy.intents is not None and intent is None:
        found = policy.intents.of(text, language)
        if found is not None:
            rest["found_intent"] = found


def is_customer_text(kind: str, data: Mapping[str, Any]) -> bool:
    """Is it a text whose sentiment is the customer's? A message the customer wrote, or a post (answers to it are
    another type).
    """
    wrote = kind == "post.made" or (kind == "message.sent" and data.get("author") == "customer")
    return wrote and isinstance(data.get("text"), str)


def is_agent_text(kind: str, data: Mapping[str, Any]) -> bool:
    """Is it a text of a human agent? A bot's never is."""
    if kind == "message.sent":
        return data.get("author") == AGENT and isinstance(data.get("text"), str)
    return kind == "post.answered" and (data.get("author") or AGENT) == AGENT and isinstance(data.get("text"), str)


def _profile(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> Profile:
    """Raises `Unusable`."""
    data: dict[str, Any] = obj["data"]
    customer = plain_id(data["customer_id"])
    if not customer:
        raise Unusable("data.customer_id", "data.customer_id is blank, and a profile is somebody's")
    return Profile(
        id=obj["id"],
        source=obj["source"],
        customer=customer,
        time=time_ms,
        line=line,
        tier="" if data.get("tier_withdrawn") else data.get("tier"),
        value_cents=data.get("value_cents"),
        language=data.get("language"),
        preferences=data.get("preferences"),
        consent=data.get("consent"),
        identifiers=_listed(data, policy),
        time_zone=data.get("time_zone"),
        country=data.get("country"),
        spend_cents=data.get("spend_cents"),
        contract_cents=data.get("contract_cents"),
        contract_until=at_or_none(data.get("contract_until")),
        customer_since=at_or_none(data.get("customer_since")),
        name=None if data.get("name") is None else mask(data["name"], policy.region, Budget()),
    )


def _customer_event(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> CustomerEvent:
    """Raises `NoCustomer`."""
    data: dict[str, Any] = obj["data"]
    customer = _customer(data["customer_id"], policy)
    if customer is None:
        raise NoCustomer("data.customer_id stands for nobody; an order and a promise are somebody's")
    what = data.get("about")
    return CustomerEvent(
        id=obj["id"],
        source=obj["source"],
        type=obj["type"],
        customer=customer,
        time=time_ms,
        about=data.get("order_id") or data["promise_id"],
        line=line,
        due=at_or_none(data.get("due")),
        what=None if what is None else mask(what, policy.region, Budget()),
    )


def _listed(data: dict[str, Any], policy: Policy) -> tuple[tuple[str, str], ...] | None:
    """The identifiers of a profile; None where it does not list them, or its customer is nobody."""
    given = data.get("identifiers")
    if given is None or _customer(data["customer_id"], policy) is None:
        return None
    found = identifiers(given, policy.region, policy.nobody, policy.unused)
    return tuple(pair for pair in found if pair[0] != "customer")


def _erasure(obj: dict[str, Any], time_ms: int, line: str, policy: Policy) -> Erase:
    """Who asked for it and why is not passed on. Raises `Unusable`."""
    customer = _customer(obj["data"]["customer_id"], policy)
    if customer is None:
        raise Unusable("data.customer_id", "data.customer_id names nobody, and nobody cannot be erased")
    return Erase(f"customer:{customer}", time_ms, line, not line, obj["id"], obj["source"])


@lru_cache(16_384)
def _subject(value: str | None, region: str | None) -> str | None:
    """A topic, intent or product, the same however it is spaced and capitalised; ``None`` of blanks alone."""
    return (" ".join(mask(value, region).split()).casefold()[:LONGEST_SUBJECT] or None) if value is not None else None


_BUILDERS: dict[
    str,
    Callable[
        [dict[str, Any], int, str, Policy],
        Event | Profile | CustomerEvent | Erase | AgentState | Command | Silenced | Ruled,
    ],
] = {
    "customer.profile_changed": _profile,
    "customer.erased": _erasure,
    "agent.state_changed": agent_state,
    "alert.commanded": command,
    **dict.fromkeys(("silence.set", "silence.ended"), silence),
    "alert.rules.applied": ruled,
    **dict.fromkeys(("order.placed", "order.delivered", "promise.made", "promise.kept"), _customer_event),
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
