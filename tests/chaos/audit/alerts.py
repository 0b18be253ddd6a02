"""Level (e): the alerts against a recount of waits and moods from the raw events.

Each alert fires once and is then resolved once. Every episode that the raw events prove has an alert; an alert without
one has been taken back, and there is an event that arrived too late to prevent it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.chaos.audit.contacts import NEVER_LEFT, Contact, Leg, Message, World
from tests.chaos.audit.logs import Difference, Logs, Rec
from tests.chaos.audit.raw import Input
from tests.chaos.audit.times import ms
from tests.chaos.stories import WAIT_LIMIT

HIGH = ("gold", "platinum")
LIVE_CHANNELS = ("voice", "chat", "in-person")
HALF_LIFE, QUIET, MIN_MESSAGES = 30 * 60_000, 2 * 3_600_000, 2
FIRE, RESOLVE = -400, -100
OUT_OF_ORDER = 2000
"""Live stream time stays this far behind the clock, ms."""

Key = tuple[str, str, str, str, int]
"""(rule, line, customer, contact, since)."""


@dataclass(frozen=True)
class Episode:
    """One that must have an alert; ``over`` = (when, why), None while it goes on."""

    key: Key
    over: tuple[int, str] | None
    value: float = WAIT_LIMIT
    """The limit of a wait, or the mood at the message that began it, −1 to 1."""
    earlier: Key | None = None
    """The same by profiles that are no longer kept in the end: it may have begun with one of them."""
    needed: bool = True
    """False: only such profiles prove it."""


def wanted(world: World, now: dict[str, int]) -> dict[Key, Episode]:
    """All episodes; ``now``: line → stream time in the end."""
    found = [episode for contact in world.contacts.values() for episode in _waits(contact, world)]
    by_owner: dict[tuple[str, str], list[Contact]] = defaultdict(list)
    for contact in world.contacts.values():
        by_owner[contact.line, contact.owner].append(contact)
    for (line, owner), contacts in by_owner.items():
        messages = [message for contact in contacts for message in contact.messages]
        found += _moods(line, owner, sorted(messages, key=lambda each: (each.time, each.id)), world, now.get(line, 0))
    return {episode.key: episode for episode in found}


def _waits(contact: Contact, world: World) -> Iterator[Episode]:
    if contact.channel not in LIVE_CHANNELS:
        return
    for leg in contact.legs:
        over = None if leg.left == NEVER_LEFT else (leg.left, leg.outcome or "")
        since, first = (_high_since(contact, leg, each) for each in (world, replace(world, tiers=world.changes)))
        keys = [("wait", contact.line, contact.owner, contact.id, at) for at in (since, first) if at is not None]
        if keys:
            yield Episode(keys[0], over, earlier=keys[-1], needed=since is not None)


def waits(contact: Contact, rule: str, limit: int) -> Iterator[Episode]:
    """Of a rule for customers of every tier; ``limit``: ms that a leg has to last."""
    for leg in contact.legs:
        since = max(leg.entered + limit, contact.known)
        if since < leg.left:
            over = None if leg.left == NEVER_LEFT else (leg.left, leg.outcome or "")
            yield Episode((rule, contact.line, contact.owner, contact.id, since), over, limit)


def _high_since(contact: Contact, leg: Leg, world: World) -> int | None:
    """The first moment, from the limit on, at which the leg lasted and the customer was of a high tier; not before an
    event says whose contact it is."""
    due = leg.entered + WAIT_LIMIT
    changes = [time for time, _ in contact.said]
    if not contact.line:
        changes += [time for time, _, _ in world.tiers.get(contact.owner, ())]
    for moment in (due, *sorted(time for time in changes if time > due)):
        if moment < leg.left and _tier(contact, leg, moment, world) in HIGH:
            begins = max(moment, contact.known)
            return begins if begins < leg.left else None
    return None


def _tier(contact: Contact, leg: Leg, at: int, world: World) -> str | None:
    """What the events had said by then, else the profile, else what the events say first, up to the end of the leg."""
    said = next((tier for time, tier in reversed(contact.said) if time <= at), None) or world.tier_at(contact, at)
    if said is None and contact.said and contact.said[0][0] <= leg.left:
        said = contact.said[0][1]
    return said


def _moods(line: str, owner: str, messages: list[Message], world: World, now: int) -> Iterator[Episode]:
    total = weight = 0.0
    last = count = 0
    firing: Key | None = None
    value = 0.0
    for each in messages:
        if count and each.time > last + QUIET:
            if firing:
                yield Episode(firing, (last + QUIET, "quiet"), value)
            total = weight = 0.0
            count, firing = 0, None
        faded = 0.5 ** ((each.time - last) / HALF_LIFE) if count else 0.0
        total, weight = total * faded + each.milli, weight * faded + 1
        last, count = each.time, count + 1
        mean = round(total / weight, 6)
        if firing and mean >= RESOLVE:
            yield Episode(firing, (each.time, "recovered"), value)
            firing = None
        elif not firing and count >= MIN_MESSAGES and mean <= FIRE:
            contact = world.contacts[each.contact]
            if (each.tier or world.tier_at(contact, each.time)) in HIGH:
                firing, value = ("mood", line, owner, each.contact, each.time), round(mean / 1000, 3)
    if firing:
        yield Episode(firing, (last + QUIET, "quiet") if now > last + QUIET else None, value)


STEPS: dict[str | None, tuple[str, ...]] = {
    None: ("firing", "silenced"),
    "firing": ("firing", "acknowledged", "escalated", "silenced", "resolved"),
    "acknowledged": ("acknowledged", "escalated", "silenced", "resolved"),
    "escalated": ("escalated", "acknowledged", "silenced", "resolved"),
    "silenced": ("silenced", "firing", "acknowledged", "escalated", "resolved"),
    "resolved": (),
}
"""From → to, by docs/alerts.md, of rules that neither wait nor expire nor have a share."""


def check(logs: Logs, world: World, accepted: list[Input], now: dict[str, int]) -> Iterator[Difference]:
    """The steps of alerts against the episodes, and how alerts stand against their last step."""
    by_id: dict[str, list[Rec]] = defaultdict(list)
    for rec in logs.of("alert.events"):
        if rec.doc["alert"]["rule"] in ("wait", "mood"):
            by_id[rec.doc["alert"]["episode_id"]].append(rec)
    yield from _stand(logs)
    episodes = wanted(world, now)
    earlier = {episode.earlier: key for key, episode in episodes.items() if episode.earlier}
    words = {each.data["alert_id"] for each in accepted if each.data.get("action") == "close"}
    seen: dict[Key, str] = {}
    for name, records in by_id.items():
        first, last = flat(records[0].doc), flat(records[-1].doc)
        if problem := _out_of_step(records):
            yield Difference("alerts", f"alert {name}: {problem}", (name, first["contact_id"]), records[-1])
            continue
        key = key_of(first)
        key = earlier.get(key, key)
        if key in seen:
            yield Difference("alerts", f"two alerts for one episode: {seen[key]} and {name}", (key[3],), records[0])
        seen[key] = name
        closed = bool(words & {name, records[0].doc["alert"]["fingerprint"]})
        if problem := _problem(key, last, episodes.get(key), closed, world):
            yield Difference("alerts", f"alert {name} for {key}: {problem}", (name, key[3]), records[-1])
    for key, episode in episodes.items():
        if episode.needed and key not in seen and key[4] < now.get(key[1], 0):
            yield Difference("alerts", f"no alert for {key}, over: {episode.over}", (key[3],))


def flat(doc: dict[str, Any]) -> dict[str, Any]:
    """What a step says of its alert, as far as it is recounted."""
    alert = doc["alert"]
    over = alert["state"] == "resolved"
    told = {name: alert[name] for name in ("rule", "line", "since", "value", "resolved_at")}
    told |= {name: alert["subject"][name] for name in ("customer", "contact_id")}
    return told | {"status": "resolved" if over else "firing", "reason": alert["because"] if over else None}


def _out_of_step(records: list[Rec]) -> str | None:
    """What is wrong with the steps of one episode, in their order."""
    before, told = None, False
    for number, rec in enumerate(records, 1):
        doc, alert = rec.doc, rec.doc["alert"]
        if (alert["revision"], doc["event_id"]) != (number, f"{alert['episode_id']}#{number}"):
            return f"step {number} is {doc['event_id']}, revision {alert['revision']}"
        if doc["before"] != before or alert["state"] not in STEPS.get(before, ()):
            return f"from {before} to {alert['state']}, and it says from {doc['before']} ({doc['because']})"
        if (number == 1) != (doc["because"] == "fired"):
            return f"step {number} because of {doc['because']}"
        hushed = alert["state"] == "silenced" or (alert["state"] == "resolved" and not told)
        if doc["notify"] != (not alert["line"] and not hushed):
            return f"step {number} to {alert['state']} says notify {doc['notify']}"
        before, told = alert["state"], told or doc["notify"]
    return None


def _stand(logs: Logs) -> Iterator[Difference]:
    """The newest record of each alert is its last step."""
    newest = {rec.key: rec for rec in logs.of("alerts")}
    last = {rec.key: rec for rec in logs.of("alert.events")}
    for key in newest.keys() | last.keys():
        stands, step = newest.get(key), last.get(key)
        if step is None or stands is None or (stands.value is not None and stands.doc != step.doc["alert"]):
            yield Difference("alerts", f"{key!r} does not stand as its last step says", (), step or stands)


def key_of(doc: dict[str, Any]) -> Key:
    """The episode an alert is about."""
    return doc["rule"], doc["line"], doc["customer"], doc["contact_id"], ms(doc["since"])


def _problem(key: Key, last: dict[str, Any], episode: Episode | None, closed: bool, world: World) -> str | None:
    """What is wrong with an alert whose newest record is ``last``."""
    firing, reason = last["status"] == "firing", last["reason"]
    if firing and closed:
        return "it was closed by a command, and still fires"
    if episode is None:
        return _unproven(key, last, closed, world)
    if firing and episode.over is not None:
        return f"still fires, but it was over: {episode.over}"
    if bears_late(key, last, episode, world):
        return None
    if last["value"] != episode.value:
        return f"its value is {last['value']}, not {episode.value}"
    if firing or (reason == "closed" and closed) or (ms(last["resolved_at"]), reason) == episode.over:
        return None
    return f"resolved at {last['resolved_at']} ({reason}), and is over by the recount: {episode.over}"


def _unproven(key: Key, last: dict[str, Any], closed: bool, world: World) -> str | None:
    """The same for one whose episode the raw events do not prove."""
    reason = last["reason"]
    if last["status"] == "firing":
        return "it fires, and nothing proves it"
    if _moved(key, world) and (reason == "moved" or (reason == "closed" and closed)):
        return None
    if reason == "moved":
        return "moved, and the contact never belonged to somebody else"
    if bears_late(key, last, None, world):
        return None
    return f"nothing proves it (resolved: {reason}), and no event came too late to prevent it"


def _moved(key: Key, world: World) -> bool:
    contact = world.contacts.get(key[3])
    return contact is not None and key[2] in contact.owners and key[2] != contact.owner


def bears_late(key: Key, last: dict[str, Any], episode: Episode | None, world: World) -> bool:
    """Did an event that bears on the episode arrive when stream time could have passed it already?

    Those up to the end of the episode bear on it, by the alert or by the recount, and those that say whose the contact
    is.
    """
    rule, line, owner, name, since = key
    if line:
        return False
    ends = [ms(last["resolved_at"])] if last["resolved_at"] else []
    ends += [episode.over[0]] if episode and episode.over else []
    until = max([since, *ends])
    contacts = [world.contacts[name]] if rule != "mood" else [c for c in world.contacts.values() if owner in c.owners]
    events = [each for contact in contacts for each in contact.events] + world.profiles.get(owner, [])
    return any(
        each.rec.timestamp > each.time + OUT_OF_ORDER and (each.time <= until or "customer_id" in each.data)
        for each in events
    )
