"""Rules on recorded events: the alerts are those of the whole pipeline, however the work is cut."""

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams import rules as rule_files
from streams.alerts.tally import Alerted, alerts, change, differing, tally
from streams.base.times import iso
from streams.cli.main import app
from streams.inspect import backtest
from streams.inspect.backtest import backtested
from streams.inspect.concerned import Ask, concerned
from streams.inspect.raw_events import Raw
from streams.rules import Rules
from tests.support.offline import SETTINGS, deployment
from tests.support.system import home

T0 = 1_772_442_000_000
"""2026-03-02 09:00 UTC."""
RULES = """rules:
  - {name: gold-wait, subject: contact, tiers: [gold], channels: [voice, chat], when: {waiting: {above: 60s}}, severity: critical}
  - {name: long-wait, subject: contact, when: {waiting: {above: {by: queue, cards: 120s, default: 240s}}}, for: 30s}
  - {name: gold-mood, subject: customer, tiers: [gold], when: {sentiment: {at_or_below: -0.4, clear_at_or_above: -0.1, min_messages: 2, quiet_after: 10m}}}
  - {name: gold-busy, subject: customer, tiers: [gold], when: {open_contacts: {at_or_above: 2}}, keep_firing_for: 2m}
"""
GOLD_ALONE = "\n".join(line for line in RULES.splitlines() if "long-wait" not in line)
JOURNEYS = """rules:
  - {name: again, subject: journey, when: {contacts: {at_or_above: 2}}}
  - {name: came-back, subject: customer, when: {repeats: {at_or_above: 1, within: 1d}}}
"""


def rules_of(folder: Path, text: str) -> Rules:
    folder.mkdir(exist_ok=True)
    (folder / "alerts.yaml").write_text(text)
    return rule_files.load(folder)


def event(kind: str, number: int, at: int, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "/t", "type": kind, "time": iso(at), "data": data,
    }  # fmt: skip


def raw(one: dict[str, Any], at: int, time: int) -> Raw:
    topic, key = home(one)
    return Raw(at, time, topic, key or b"", orjson.dumps(one))


KINDS = (
    "contact.initiated", "contact.queued", "contact.queued", "contact.connected", "contact.transferred", "contact.ended",
    "message.sent", "message.sent", "customer.profile_changed",
)  # fmt: skip
STEP = 30_000
LATE = (0, 0, 0, 0, 1_500, 45_000, 400_000)


@st.composite
def histories(draw: st.DrawFn) -> list[Raw]:
    """Some contacts of some customers, of whom families share a phone; events that come late, and twice."""
    found, at = list[Raw](), T0
    for number in range(draw(st.integers(4, 18))):
        at += 1000 * draw(st.sampled_from([1, 1, 5, 20, 61, 130]))
        time = at - draw(st.sampled_from(LATE))
        who = draw(st.integers(0, 5))
        if found and draw(st.integers(0, 9)) == 0:
            found.append(found[draw(st.integers(0, len(found) - 1))]._replace(at=at))
            continue
        one = _event(draw, number, time, who)
        found.append(raw(one, at, time))
    return found


def _event(draw: st.DrawFn, number: int, time: int, who: int) -> dict[str, Any]:
    kind, tier = draw(st.sampled_from(KINDS)), ("gold", "silver", None)[who % 3]
    if kind == "customer.profile_changed":
        phones = {"identifiers": [{"kind": "phone", "value": f"+4420794601{who % 2:02d}"}]} if who < 4 else {}
        return event(
            kind, number, time, customer_id=f"k{who}", tier=draw(st.sampled_from(["gold", "silver"])), **phones
        )
    data: dict[str, Any] = {"contact_id": f"c{who}-{draw(st.integers(0, 1))}", "channel": ("voice", "chat")[who % 2]}
    whose = draw(st.sampled_from(["customer", "phone", "nobody"]))
    if whose == "customer":
        data |= {"customer_id": f"k{who}"} | ({} if tier is None else {"tier": tier})
    elif whose == "phone":
        data["identifiers"] = [{"kind": "phone", "value": f"0044 20 794601{who % 2:02d}"}]
    more: dict[str, Any] = {
        "contact.queued": {"queue": draw(st.sampled_from(["cards", "loans"]))},
        "contact.connected": {"agent_id": "a1"},
        "contact.transferred": {"to_queue": "loans"},
        "contact.ended": {"by": "customer"},
        "message.sent": {
            "direction": "inbound", "author": "customer", "sentiment": draw(st.sampled_from([-0.9, -0.5, 0.3]))
        },
    }.get(kind, {})  # fmt: skip
    return event(kind, number, time, **data, **more)


def by_the_pipeline(events: list[Raw], end: int, rules: Rules) -> list[Alerted]:
    """All agents as they are, which read an event at a time; stream time comes to every 30 s."""
    run, now = deployment(SETTINGS, rules=rules), events[0].at
    for each in events:
        while now + STEP < each.at:
            now += STEP
            run.run(now)
        now = each.at
        run.publish(each.topic, each.key, each.value, each.at)
        run.run(now)
    while now < end + 2001:
        now = min(now + STEP, end + 2001)
        run.run(now)
    return alerts(orjson.loads(step.value or b"") for step in run.on("alert.events"))


def compared(found: list[Alerted]) -> list[Alerted]:
    """Without what was taken back, or went to somebody else: whether it was told before hangs on when one looked. So does
    when they fired; of journeys also their first contact and since when, where contacts join that come late."""
    return sorted(_without_moments(each) for each in found if each.because not in ("withdrawn", "moved"))


def _without_moments(one: Alerted) -> Alerted:
    if one.about != "journey":
        return one._replace(fired=0)
    return one._replace(fired=0, since=0, subject=tuple((name, at.partition("@")[0]) for name, at in one.subject))


@pytest.mark.parametrize("text", [RULES, GOLD_ALONE, JOURNEYS], ids=["all", "gold", "journeys"])
def test_the_alerts_are_those_of_the_whole_pipeline(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    rules = rules_of(tmp_path_factory.mktemp("rules"), text)

    @settings(max_examples=4)
    @given(histories(), st.sampled_from([3, 4000]), st.sampled_from([60_000, backtest.STEP_MS]))
    def check(events: list[Raw], size: int, longest: int) -> None:
        end = events[-1].at + 500_000
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(backtest, "STEP_EVENTS", size)
            patched.setattr(backtest, "STEP_MS", longest)
            found = backtested(events, (T0, end), [rules], SETTINGS)
        assert compared(list(found.outcomes[0].alerts)) == compared(by_the_pipeline(events, end, rules))

    check()


# By hand


def waits(*of: tuple[str, str, int, int]) -> list[Raw]:
    """(customer, tier, from, to) of calls that wait for cards; s after T0."""
    found = list[Raw]()
    for number, (who, tier, begin, end) in enumerate(of):
        data = {"contact_id": f"call-{number}", "channel": "voice", "customer_id": who, "tier": tier}
        at, until = T0 + begin * 1000, T0 + end * 1000
        found.append(raw(event("contact.queued", 2 * number, at, **data, queue="cards"), at, at))
        found.append(raw(event("contact.connected", 2 * number + 1, until, **data, agent_id="a"), until, until))
    return sorted(found)


CALLS = waits(
    ("ann", "gold", 0, 100), ("bob", "silver", 10, 400), ("cleo", "gold", 4000, 4200), ("ann", "gold", 5000, 5030)
)
END = T0 + 6_000_000
WAIT = "rules:\n  - {{name: wait, subject: contact, tiers: [{tiers}], when: {{waiting: {{above: {above}}}}}{more}}}\n"


def test_who_waited_since_when_for_how_long_and_of_how_many(tmp_path: Path) -> None:
    found = backtested(
        CALLS, (T0, END), [rules_of(tmp_path, WAIT.format(tiers="gold", above="60s", more=""))], SETTINGS
    )
    [outcome] = found.outcomes
    assert [(each.subject[0][1], each.since - T0, each.ms(END), each.because) for each in outcome.alerts] == [
        ("customer:ann", 60_000, 40_000, "answered"),
        ("customer:cleo", 4_060_000, 140_000, "answered"),
    ]
    assert (found.seen.contacts, found.seen.customers, found.seen.queues, found.seen.events) == (4, 3, 1, 8)
    assert found.judged == 6, "a silver customer's call is nothing for a rule about gold ones"
    got = tally("wait", "contact", outcome.alerts, found.seen.of("contact"), END)
    assert (got.alerts, got.subjects, got.share, got.median_ms, got.longest_ms) == (2, 2, 0.5, 90_000, 140_000)
    assert got.worst == (T0, 1) and got.open == 0


@pytest.mark.parametrize("processes", [1, 2])
def test_two_sets_of_rules_are_judged_at_once_and_compared(tmp_path: Path, processes: int) -> None:
    old = rules_of(tmp_path / "old", WAIT.format(tiers="gold", above="60s", more=""))
    new = rules_of(tmp_path / "new", WAIT.format(tiers="gold, silver", above="110s", more=", for: 10s"))
    found = backtested(CALLS, (T0, END), [new, old], SETTINGS, processes)
    tried, in_force = (list(each.alerts) for each in found.outcomes)
    assert [each.subject[0][1] for each in tried] == ["customer:bob", "customer:cleo"]
    assert [each.fired - each.since for each in tried] == [10_000, 10_000]
    assert [each.subject[0][1] for each in in_force] == ["customer:ann", "customer:cleo"]
    assert {each.rule for each in (*tried, *in_force)} == {"wait"}
    [bob], [ann], [(was, would_be)] = change(in_force, tried)
    assert [each.subject[0][1] for each in (bob, ann)] == ["customer:bob", "customer:ann"]
    assert (was.since - T0, would_be.since - T0) == (4_060_000, 4_110_000)
    assert change(in_force, in_force) == ((), (), ())
    alone = backtested(CALLS, (T0, END), [old], SETTINGS)
    assert alone.outcomes[0].alerts == found.outcomes[1].alerts
    assert dict(differing({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "d": 1})) == {
        "b": "changed",
        "c": "gone",
        "d": "new",
    }


def test_other_rules_beside_the_alert_rules_are_judged_apart(tmp_path: Path) -> None:
    text = WAIT.format(tiers="gold", above="60s", more="")
    old, new = rules_of(tmp_path / "old", text), tmp_path / "new"
    new.mkdir()
    (new / "tiers.yaml").write_text("tiers: {gold: {order: 2, high: true}, silver: {order: 1}}\n")
    found = backtested(CALLS, (T0, END), [rules_of(new, text), old], SETTINGS)
    assert found.outcomes[0].alerts == found.outcomes[1].alerts != ()


def test_what_a_cap_holds_back_and_what_is_open_at_the_end(tmp_path: Path) -> None:
    calls = waits(*[(f"k{number}", "gold", number, 9000) for number in range(3)])
    rules = rules_of(tmp_path, WAIT.format(tiers="gold", above="60s", more=", per_minute: 2"))
    found = backtested([each for each in calls if each.at < END], (T0, END), [rules], SETTINGS)
    assert [(each.suppressed, each.until) for each in found.outcomes[0].alerts] == [
        (False, None),
        (False, None),
        (True, None),
    ]


def test_queues_and_connectors_are_judged_with_every_event(tmp_path: Path) -> None:
    text = (
        "rules:\n  - {name: full, subject: queue, when: {waiting: {at_or_above: 2}}}\n"
        "  - {name: silent, subject: connector, for_everybody: true, when: {silence: {above: 30m}}}\n"
        "  - {name: watchdog, subject: system, when: {watchdog: true}}\n"
    )
    found = backtested(CALLS, (T0, END), [rules_of(tmp_path, text)], SETTINGS, 2)
    [outcome] = found.outcomes
    full = [each for each in outcome.alerts if each.rule == "full"]
    assert [(each.subject, each.since - T0, each.ms(END)) for each in full] == [
        ((("channel", "voice"), ("queue", "cards")), 10_000, 90_000)
    ]
    assert [each.subject for each in outcome.alerts if each.rule == "silent"] == [
        (("source", "/t"), ("channel", "voice"))
    ]
    assert found.judged == len(CALLS) and "watchdog" not in {rule.name for rule in outcome.rules}


def test_families_are_one_party_and_are_judged_together(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, WAIT.format(tiers="gold", above="60s", more=""))
    phone = [{"kind": "phone", "value": "+44 20 7946 0101"}]
    events = [
        event("contact.queued", 1, T0, contact_id="c1", channel="voice", queue="cards", identifiers=phone),
        event("customer.profile_changed", 2, T0, customer_id="k1", tier="gold", identifiers=[{"kind": "phone", "value": "0044 2079460101"}]),
        event("contact.queued", 3, T0, contact_id="c2", channel="voice", queue="cards", customer_id="k2", tier="silver"),
    ]  # fmt: skip
    found = concerned([raw(each, T0, T0) for each in events], Ask((T0, END), rules, None, 2))
    assert sorted(map(list, found.shares)) == [[], [0, 1]]
    assert found.joined == {T0}


def test_the_bank_week(tmp_path: Path) -> None:
    file = os.environ.get("CALLS_FILE")
    if not file:
        pytest.skip("CALLS_FILE is not set: the real calls are not part of the project")
    done = CliRunner().invoke(app, ["rules", "backtest", "--file", file, "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    [wait] = [each for each in found["rules"] if each["rule"] == "high-tier-wait"]
    assert (wait["alerts"], wait["of"], wait["open"], found["events"]) == (201, 8948, 0, 29_847)
    assert len(found["alerts"]) == 201 and all(each["ms"] > 0 for each in found["alerts"])


# The command


def lines(path: Path, events: list[Raw]) -> Path:
    path.write_bytes(b"".join(each.value + b"\n" for each in events))
    return path


def said(*words: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["rules", "backtest", *map(str, words)], env={"COLUMNS": "220"})
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.output


def test_a_table_with_what_changes_against_the_rules_in_force(tmp_path: Path) -> None:
    file = lines(tmp_path / "events.jsonl", CALLS)
    rules_of(tmp_path / "mine", WAIT.format(tiers="gold", above="60s", more=""))
    text = said("--file", file, "--rules", tmp_path / "mine", "--list", "wait")
    for part in (
        "wait (new)",
        "2 of 4 contacts",
        "50.0 %",
        "1 min 30 s",
        "high-tier-wait (gone)",
        "customer:ann call-0",
        "answered",
    ):
        assert part in text
    assert "against the rules in force: 2 alerts more, 1 less, 0 from or to another moment" in text
    found = json.loads(said("--file", file, "--rules", tmp_path / "mine", "--json"))
    assert found["differing"] == {"high-tier-sentiment": "gone", "high-tier-wait": "gone", "wait": "new"}
    assert [each["from"] for each in found["only_in_force"]] == ["2026-03-02T10:08:40.000Z"]


def test_a_span_counts_what_fired_in_it_and_knows_what_was_before(tmp_path: Path) -> None:
    file = lines(tmp_path / "events.jsonl", CALLS)
    rules_of(tmp_path / "mine", WAIT.format(tiers="gold", above="60s", more=""))
    found = json.loads(
        said(
            "--file",
            file,
            "--rules",
            tmp_path / "mine",
            "--from",
            "2026-03-02T10:00Z",
            "--to",
            "2026-03-02T10:10Z",
            "--json",
        )
    )
    [alert] = found["alerts"]
    assert (alert["subject"]["customer"], alert["to"]) == ("customer:cleo", None)
    assert found["seen"]["contacts"] == 1


def test_a_rule_for_everybody_is_refused_unless_it_says_so(tmp_path: Path) -> None:
    file = lines(
        tmp_path / "events.jsonl", waits(*[(f"k{number}", "gold", number, 9000 + number) for number in range(30)])
    )
    rules_of(tmp_path / "mine", WAIT.format(tiers="gold", above="60s", more=""))
    text = said("--file", file, "--rules", tmp_path / "mine", code=1)
    assert "wait: fires for 30 of 30, more than 25%" in text and "for_everybody: true" in text
    said("--file", file, "--rules", tmp_path / "mine", "--most-share", "1")
    rules_of(tmp_path / "mine", WAIT.format(tiers="gold", above="60s", more=", for_everybody: true"))
    said("--file", file, "--rules", tmp_path / "mine")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("{]", "events.jsonl:2: is no CloudEvent of the contract: JSON is malformed"),
        (event("contact.quequed", 9, T0, contact_id="c", channel="voice"), "type: 'contact.quequed' is no type of the contract; did you mean contact.queued?"),
        (event("contact.queued", 9, T0, contact_id="c", channel="fax"), "data.channel: 'fax' is no channel; there are bot, chat, email"),
        (event("contact.queued", 9, T0, channel="voice"), "data.contact_id: expected a text; it is the key of the record"),
        (event("contact.queued", 9, T0, contact_id="c", channel="voice") | {"time": "yesterday"}, "events.jsonl:2: time: "),
    ],
    ids=["json", "type", "channel", "key", "time"],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, line: Any, part: str) -> None:
    file = lines(tmp_path / "events.jsonl", CALLS[:1])
    with file.open("ab") as more:
        more.write(line.encode() if isinstance(line, str) else orjson.dumps(line))
    assert part in said("--file", file, code=1)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert "no such file" in said("--file", tmp_path / "none", code=1)
    file = lines(tmp_path / "events.jsonl", CALLS)
    assert "--list nope: no rule in force is called so; there are high-tier-wait" in said(
        "--file", file, "--list", "nope", code=1
    )
    assert "no event of r-1" in said("--file", file, "--line", "r-1", code=1)
    assert "--to lies before --from" in said("--file", file, "--from", "2026-03-03", "--to", "2026-03-01", code=1)
