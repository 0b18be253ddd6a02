"""Level (e): alerts of rules that wait, keep, suppress, hold back and escalate, against a recount of the waits.

What depends on where batches were cut (which of two alerts at once is held back, whether an alert that ends is escalated
before) is not asked for; what must hold however they are cut is, in each step and in the end.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.chaos.audit.alerts import Episode, Key, bears_late, waits
from tests.chaos.audit.contacts import NEVER_LEFT, World
from tests.chaos.audit.logs import Difference, Logs, Rec
from tests.chaos.audit.times import ms
from tests.chaos.stories import FLOOD_LIMIT, FOR, KEEP, KEPT_LIMIT, PER_MINUTE, UNANSWERED

MINUTE = 60_000
HELD_BACK = "held-back"
LIMITS = {"kept": (KEPT_LIMIT, ("voice", "chat")), "flood": (FLOOD_LIMIT, ("voice",))}
_OPEN = ("firing", "acknowledged", "escalated", "silenced", "suppressed")
STEPS: dict[str | None, tuple[str, ...]] = {
    None: ("pending", "firing", "silenced", "suppressed"),
    "pending": ("pending", "firing", "silenced", "suppressed", "expired"),
    "firing": (*_OPEN, "resolved"),
    "acknowledged": ("acknowledged", "escalated", "silenced", "suppressed", "resolved"),
    "escalated": ("escalated", "acknowledged", "silenced", "suppressed", "resolved"),
    "silenced": (*_OPEN, "resolved"),
    "suppressed": (*_OPEN, "resolved"),
}
"""From → to, by docs/alerts.md."""
COVERS = {
    "inhibited": "suppressed", "capped": "suppressed", "silenced": "silenced", "unanswered": "escalated",
    "acknowledged": "acknowledged", "began": "pending",
}  # fmt: skip
"""Because of what an alert comes to stand how, unless something else lies over it."""


def check(logs: Logs, everything: Logs, world: World, now: dict[str, int]) -> Iterator[Difference]:
    """The steps of these rules; ``everything``: with what is not in the world; ``now``: line → stream time in the end."""
    steps: dict[str, list[Rec]] = defaultdict(list)
    for rec in logs.of("alert.events"):
        rule = rec.doc["alert"]["rule"]
        if rule in LIMITS or rule == HELD_BACK:
            steps[rec.doc["alert"]["episode_id"]].append(rec)
    for name, records in steps.items():
        if problem := _out_of_step(records):
            yield Difference("handled", f"alert {name}: {problem}", (name,), records[-1])
    for rule, (limit, channels) in LIMITS.items():
        episodes = {each.key: each for each in _episodes(world, rule, limit, channels)}
        yield from _recounted(rule, [each for each in steps.values() if _of(each, rule)], episodes, world, now)
    yield from _caps([rec for rec in everything.of("alert.events") if rec.doc["alert"]["rule"] == "flood"])
    yield from _in_the_end(everything, now)


def _of(records: list[Rec], rule: str) -> bool:
    return bool(records[0].doc["alert"]["rule"] == rule)


def _out_of_step(records: list[Rec]) -> str | None:
    """What is wrong with the steps of one episode, in their order."""
    before, told, fired = None, False, False
    for number, rec in enumerate(records, 1):
        doc, alert = rec.doc, rec.doc["alert"]
        state, because = alert["state"], doc["because"]
        if (alert["revision"], doc["event_id"]) != (number, f"{alert['episode_id']}#{number}"):
            return f"step {number} is {doc['event_id']}, revision {alert['revision']}"
        if doc["before"] != before or state not in STEPS.get(before, ()):
            return f"from {before} to {state}, and it says from {doc['before']} ({because})"
        if because in COVERS and state != COVERS[because] and state not in ("silenced", "suppressed"):
            return f"{because}, and it is {state}"
        if because == "fired" and fired:
            return "it fires twice"
        if (alert["inhibited_by"] is not None) < (state == "suppressed"):
            return "it is suppressed by nothing"
        over = state in ("resolved", "expired")
        heard = told if over else state in ("firing", "acknowledged", "escalated") and because != "amended"
        if doc["notify"] != (not alert["line"] and heard):
            return f"step {number} to {state} ({because}) says notify {doc['notify']}"
        fired = fired or because in ("fired", "capped")
        before, told = state, told or (doc["notify"] and not over)
    return None


def _episodes(world: World, rule: str, limit: int, channels: tuple[str, ...]) -> Iterator[Episode]:
    for contact in world.contacts.values():
        if contact.channel in channels:
            yield from waits(contact, rule, limit)


def _recounted(
    rule: str, alerts: list[list[Rec]], episodes: dict[Key, Episode], world: World, now: dict[str, int]
) -> Iterator[Difference]:
    waited = FOR if rule == "kept" else 0
    seen = set()
    for records in alerts:
        alert, name = records[-1].doc["alert"], records[0].doc["alert"]["episode_id"]
        key = (rule, alert["line"], alert["subject"]["customer"], alert["subject"]["contact_id"], ms(alert["since"]))
        seen.add(key)
        if bears_late(key, alert, episodes.get(key), world):
            continue
        waits = alert["state"] == "pending" and key[4] + waited < now.get(key[1], 0)
        if problem := "it has lasted, and never fired" if waits else _problem(rule, records, episodes.get(key)):
            yield Difference("handled", f"alert {name} for {key}: {problem}", (name, key[3]), records[-1])
    for key, episode in episodes.items():
        left = NEVER_LEFT if episode.over is None else episode.over[0]
        due = key[4] + waited
        if key not in seen and left >= due and due < now.get(key[1], 0):
            yield Difference("handled", f"no alert for {key}, over: {episode.over}", (key[3],))


def _problem(rule: str, records: list[Rec], episode: Episode | None) -> str | None:
    """What is wrong with an alert that no late event bears on."""
    alert = records[-1].doc["alert"]
    over = alert["state"] in ("resolved", "expired")
    if episode is None:
        return None if over and alert["because"] in ("moved", "closed") else "nothing proves it"
    if problem := _out_of_time(rule, records, episode):
        return problem
    if not over:
        return f"still {alert['state']}, but it was over: {episode.over}" if episode.over else None
    if alert["because"] in ("closed", "moved") or (ms(alert["resolved_at"]), alert["because"]) == episode.over:
        return None
    return f"resolved at {alert['resolved_at']} ({alert['because']}), and is over by the recount: {episode.over}"


def _out_of_time(rule: str, records: list[Rec], episode: Episode) -> str | None:
    """What came too early, or although its time had not come."""
    last, alert = records[-1].doc, records[-1].doc["alert"]
    since, fired = ms(alert["since"]), alert["fired_at"]
    left = NEVER_LEFT if episode.over is None else episode.over[0]
    if rule == "kept":
        if fired is not None and left < since + FOR:
            return f"it fired, and the wait was over at {left}"
        if fired is not None and ms(fired) < since + FOR:
            return f"it fired at {fired}, earlier than {FOR} ms after {alert['since']}"
        if fired is None and alert["state"] == "expired" and left >= since + FOR and alert["because"] != "closed":
            return f"it never fired, and the wait was over at {left}"
    unanswered = [rec.doc for rec in records if rec.doc["because"] == "unanswered"]
    if unanswered and (rule != "kept" or ms(unanswered[0]["at"]) < ms(fired) + UNANSWERED or len(unanswered) > 1):
        return f"escalated at {unanswered[0]['at']}, fired at {fired}"
    kept = rule == "kept" and alert["state"] == "resolved" and alert["because"] not in ("closed", "moved")
    if kept and ms(last["at"]) < left + KEEP:
        return f"it was to be kept until {left + KEEP}, and was resolved at {last['at']}"
    return None


def _caps(records: list[Rec]) -> Iterator[Difference]:
    """No minute has more than its share: of those that were told when they fired, and of those told once there was room.

    Who fires in a minute that is over counts in the one that goes on.
    """
    told: Counter[tuple[str, int]] = Counter()
    current: dict[str, int] = {}
    for rec in sorted(records, key=lambda each: (each.timestamp, each.doc["at"])):
        line, because = rec.doc["line"], rec.doc["because"]
        if because not in ("fired", "cap_over", "capped"):
            continue
        at = ms(rec.doc["at"])
        current[line] = max(current.get(line, 0), at - at % MINUTE)
        told[line, current[line]] += because != "capped"
    for (line, minute), count in told.items():
        if count > PER_MINUTE:
            yield Difference("handled", f"{count} alerts of a minute were told, line {line!r}, minute {minute}")


def _in_the_end(logs: Logs, now: dict[str, int]) -> Iterator[Difference]:
    """What is open: who lies over whom, who had to be escalated, how many are held back."""
    stands: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for rec in {rec.key: rec for rec in logs.of("alerts")}.values():
        if rec.value is not None and rec.doc["state"] in _OPEN:
            stands[rec.doc["rule"]].append(rec.doc)
    speaks = {(each["line"], each["subject"]["contact_id"]): each["fingerprint"] for each in stands["wait"]}
    for alert in stands["kept"]:
        name = alert["fingerprint"]
        over = speaks.get((alert["line"], alert["subject"]["contact_id"]))
        if alert["inhibited_by"] != over:
            yield Difference("handled", f"{name} is inhibited by {alert['inhibited_by']}, not {over}", (name,))
        unheard = ms(alert["fired_at"]) + UNANSWERED < now.get(alert["line"], 0)
        if alert["state"] == "firing" and unheard and over is None:
            yield Difference("handled", f"{name} fires, nobody answered, and it is not escalated", (name,))
    held = Counter(each["line"] for each in stands["flood"] if each["inhibited_by"] == "cap")
    said = {rec.doc["line"]: rec for rec in logs.of("alert.events") if rec.doc["alert"]["rule"] == HELD_BACK}
    for line in held.keys() | said.keys():
        rec = said.get(line)
        value = 0 if rec is None or rec.doc["alert"]["state"] == "resolved" else rec.doc["alert"]["value"]
        # It is told when one more is held back, and when a minute is over; fewer may be held meanwhile.
        is_old = rec is None or now.get(line, 0) >= ms(rec.doc["at"]) // MINUTE * MINUTE + MINUTE
        if value < held[line] or (is_old and value != held[line]):
            yield Difference("handled", f"{held[line]} are held back on line {line!r}, and it says {value}", (), rec)
