"""Level (g): who was silent, and what we said of our own accord, recounted from the raw events of the replay that tells
of it. A silence is raised once; an outreach goes out once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from streams.rules import Rules
from tests.chaos.audit.logs import Difference, Logs, Rec
from tests.chaos.audit.raw import Input
from tests.chaos.audit.times import ms
from tests.chaos.initiative import LINE
from tests.support.initiative import Call, Facts, Outreaches, Word, fallen_silent, silences
from tests.support.silence_story import standing

AFTER = {"order.placed": "purchase", "order.delivered": "delivery"}


def check(logs: Logs, accepted: Iterable[Input], rules: Rules) -> Iterator[Difference]:
    """customer.quiet and outreach, on the line of that replay; revisions and what goes out, on every line."""
    for topic, name in (("customer.quiet", "quiet_id"), ("outreach", "outreach_id")):
        yield from _in_turn(logs.of(topic), name)
    end = _end(logs)
    if end is None:
        return
    wanted = facts(each for each in accepted if each.line == LINE)
    quiet, said = (
        _newest([rec for rec in logs.of(topic) if rec.doc["line"] == LINE], name)
        for topic, name in (("customer.quiet", "quiet_id"), ("outreach", "outreach_id"))
    )
    for owner in wanted.keys() | {each["customer"] for each in (*quiet.values(), *said.values())}:
        own = wanted.get(owner, Facts())
        silent = silences(own, end)
        found = standing(each for each in quiet.values() if each["customer"] == owner)
        yield from _same("customer.quiet", owner, silent, found)
        own.calls += fallen_silent(silences(own, end), own.acts)
        decided = Outreaches(own, rules.customers.outreach).until(end)
        names = {name: f"quiet@{ms(each['since'])}" for name, each in quiet.items()}
        ours = {
            (each["rule"], names.get(each["trigger"], each["trigger"])): {
                "status": each["status"], "reason": each["reason"], "decided": ms(each["decided_at"]),
                "revision": each["revision"],
            }
            for each in said.values()
            if each["customer"] == owner
        }  # fmt: skip
        yield from _same("outreach", owner, decided, ours)


def facts(events: Iterable[Input]) -> dict[str, Facts]:
    """What happened, by customer."""
    found: dict[str, Facts] = defaultdict(Facts)
    contacts: dict[str, list[Input]] = defaultdict(list)
    kept: dict[str, list[int]] = defaultdict(list)
    for each in events:
        own, data, kind = found[f"customer:{each.data['customer_id']}"], each.data, each.event["type"]
        name = data.get("order_id") or data.get("promise_id")
        if kind == "customer.profile_changed":
            own.words.append(Word(each.time, data.get("consent", {}), data.get("time_zone"), data.get("tier")))
        elif kind in AFTER:
            own.calls.append(Call(AFTER[kind], name, each.time, each.time))
        elif kind == "promise.made":
            own.calls.append(Call("promise-due", name, each.time, ms(data["due"])))
        elif kind == "promise.kept":
            kept[name].append(each.time)
        elif kind.startswith("contact") or kind == "feedback.given":
            contacts[data["contact_id"]].append(each)
    for own in found.values():
        for call in own.calls:
            later = [time for time in kept[call.name] if time >= call.said]
            call.over = min(later, default=None) if call.after == "promise-due" else None
    for told in contacts.values():
        _contact(found[f"customer:{told[0].data['customer_id']}"], told)
    return found


def _contact(own: Facts, told: list[Input]) -> None:
    """A call: what the customer did in it, how it left the customer, and a bad survey."""
    acts = [each.time for each in told if _is_act(each)]
    scores = [each for each in told if each.event["type"] == "feedback.given"]
    reason = "abandoned" if any(each.data.get("reason") == "abandoned" for each in told) else "answered"
    if scores:
        score = scores[-1].data["score"]
        reason = "bad-survey" if score <= 2 else "content" if score >= 4 else reason
    own.acts += [(at, reason) for at in acts]
    own.begun.append(min(acts))
    for each in scores:
        if each.data["score"] <= 2:
            name = f"{each.data['channel']}|{each.data['contact_id']}|{each.event['source']}|{each.event['id']}"
            own.calls.append(Call("bad-survey", name, each.time, each.time))


def _is_act(each: Input) -> bool:
    kind = each.event["type"]
    by_customer = kind == "contact.ended" and each.data["by"] == "customer"
    return by_customer or kind in ("contact.initiated", "contact.queued", "contact.connected", "feedback.given")


def _end(logs: Logs) -> int | None:
    """When the replay ended; None = it did not."""
    ends = [
        ms(rec.doc["time"])
        for topic in ("customers.events",)
        for rec in logs.of(topic)
        if LINE.encode() in (rec.value or b"") and rec.doc["type"] == "replay.ended"
    ]
    return max(ends, default=None)


def _newest(records: list[Rec], name: str) -> dict[str, dict[str, Any]]:
    return {rec.doc[name]: rec.doc for rec in records}


def _in_turn(records: list[Rec], name: str) -> Iterator[Difference]:
    revisions: Counter[str] = Counter()
    out: Counter[str] = Counter()
    for rec in records:
        key = rec.doc[name]
        revisions[key] += 1
        out[key] += rec.doc["status"] == "send"
        if rec.doc["revision"] != revisions[key]:
            what = f"{key}: revision {rec.doc['revision']} follows {revisions[key] - 1}"
            yield Difference("initiative", what, (key,), rec)
        if out[key] > 1:
            yield Difference("initiative", f"{key} goes out twice", (key,), rec)


def _same(topic: str, owner: str, wanted: dict[Any, Any], found: dict[Any, Any]) -> Iterator[Difference]:
    for key in wanted.keys() | found.keys():
        if wanted.get(key) != found.get(key):
            what = f"{topic} of {owner}, {key}: {found.get(key)} instead of {wanted.get(key)}"
            yield Difference("initiative", what, (owner.partition(":")[2],))
