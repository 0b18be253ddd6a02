"""Alert rules that are applied while agents work: what runs is judged by them, at one place of each log."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from streams import rules as rule_files
from streams.base.records import Line, Progress
from streams.base.times import MINUTE_MS, iso, to_ms
from streams.engine.offline import Offline
from streams.pipeline import track
from tests.support.logs import as_read
from tests.support.logs import run as run_log
from tests.support.offline import NOW, deployment, hops
from tests.support.ruling import applied, apply
from tests.support.ruling import ruled as ruled_record
from tests.support.system import home
from tests.support.track_story import T0
from tests.support.track_story import event as contact_event

START = NOW - NOW % MINUTE_MS
S = 1000
WAIT = "rules:\n  - {name: wait, subject: contact, queues: [cards], when: {waiting: {above: 120s}}}\n"


def ruled(tmp_path: Path, text: str = WAIT, partitions: int = 1) -> Offline:
    (tmp_path / "alerts.yaml").write_text(text)
    return deployment(rules=rule_files.load(tmp_path), partitions=partitions)


def event(number: int, at: int, kind: str, contact: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "/pbx", "type": kind, "time": iso(at),
        "data": {"contact_id": contact, "channel": "voice", "customer_id": f"of-{contact}", **data},
    }  # fmt: skip


def tell(run: Offline, one: dict[str, Any], at: int, partition: int = 0) -> None:
    topic, key = home(one)
    run.publish(topic, key, orjson.dumps(one), at, partition)


def go(run: Offline, since: int, until: int, step: int = 5 * S) -> None:
    for now in range(since, until + 1, step):
        while run.run(now):
            pass


def steps(run: Offline, rule: str | None = None) -> list[tuple[str, str, str]]:
    """(rule, state, because) of each step."""
    found = [orjson.loads(each.value or b"") for each in run.on("alert.events")]
    told = [(each["alert"]["rule"], each["alert"]["state"], each["because"]) for each in found]
    return [each for each in told if rule in (None, each[0])]


def last(run: Offline) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(run.on("alert.events")[-1].value or b"")
    return found


def letters(run: Offline) -> list[tuple[str, str]]:
    found = [orjson.loads(each.value or b"") for each in run.on("contacts.dead-letters")]
    return [(each["reason"], each["path"]) for each in found]


def wait(run: Offline, seconds: int) -> None:
    """One who waits since START, and how far it is by now."""
    tell(run, event(1, START, "contact.queued", "c1", queue="cards"), START)
    go(run, START, START + seconds * S)


@pytest.mark.parametrize("restart", [False, True])
def test_what_holds_by_other_rules_fires_at_once_and_what_does_not_is_over(tmp_path: Path, restart: bool) -> None:
    run = ruled(tmp_path)
    wait(run, 80)
    assert steps(run) == []
    version = apply(run, WAIT.replace("120s", "60s"), START + 80 * S)
    go(run, START + 80 * S, START + 85 * S)
    assert steps(run) == [("wait", "firing", "fired")]
    alert = last(run)["alert"]
    assert (alert["rule_version"], alert["limit"], alert["since"]) == (version, 60_000, iso(START + 60 * S))
    assert last(run)["notify"]
    if restart:
        run.restart()
    other = apply(run, WAIT.replace("120s", "300s"), START + 90 * S, 2)
    go(run, START + 90 * S, START + 95 * S)
    assert steps(run)[1:] == [("wait", "resolved", "rule_changed")]
    assert (last(run)["alert"]["rule_version"], last(run)["notify"]) == (other, True)
    if restart:
        run.restart()
    go(run, START + 95 * S, START + 310 * S)
    assert steps(run)[2:] == [("wait", "firing", "fired")], "with its deadline"
    assert last(run)["alert"]["since"] == iso(START + 300 * S)
    assert letters(run) == []


def test_a_rule_that_is_gone_ends_its_alerts_and_one_that_comes_back_fires_anew(tmp_path: Path) -> None:
    run = ruled(tmp_path)
    wait(run, 130)
    apply(run, "rules: []\n", START + 130 * S)
    go(run, START + 130 * S, START + 140 * S)
    assert steps(run) == [("wait", "firing", "fired"), ("wait", "resolved", "rule_removed")]
    apply(run, WAIT, START + 140 * S, 2)
    go(run, START + 140 * S, START + 150 * S)
    assert steps(run)[2:] == [("wait", "firing", "fired")]
    tell(run, event(2, START + 150 * S, "contact.ended", "c1", by="customer"), START + 150 * S)
    go(run, START + 150 * S, START + 160 * S)
    assert steps(run)[3:] == [("wait", "resolved", "abandoned")]


def test_another_severity_is_told_and_another_owner_too(tmp_path: Path) -> None:
    run = ruled(tmp_path)
    wait(run, 130)
    version = apply(run, WAIT.replace("}}}", "}}, severity: critical}"), START + 130 * S)
    go(run, START + 130 * S, START + 140 * S)
    assert steps(run)[1:] == [("wait", "firing", "rule_changed")]
    assert (last(run)["alert"]["severity"], last(run)["alert"]["rule_version"]) == ("critical", version)
    assert last(run)["notify"]
    apply(run, WAIT.replace("}}}", "}}, severity: critical, owner: desk}"), START + 140 * S, 2)
    go(run, START + 140 * S, START + 150 * S)
    assert steps(run)[2:] == [("wait", "firing", "rule_changed")]
    assert (last(run)["alert"]["owner"], last(run)["notify"]) == ("desk", False)


def test_what_was_over_when_a_rule_came_is_none_of_it(tmp_path: Path) -> None:
    run = ruled(tmp_path)
    wait(run, 80)
    tell(run, event(2, START + 80 * S, "contact.connected", "c1", party="human"), START + 80 * S)
    go(run, START + 80 * S, START + 100 * S)
    apply(run, WAIT.replace("120s", "60s"), START + 100 * S)
    go(run, START + 100 * S, START + 400 * S)
    assert steps(run) == []


def test_a_rule_that_nobody_changed_goes_on_as_it_was(tmp_path: Path) -> None:
    both = WAIT + "  - {name: full, subject: queue, when: {waiting: {above: 0, clear_at_or_below: -1}}}\n"
    both = both.replace(", clear_at_or_below: -1", "")
    run = ruled(tmp_path, both)
    wait(run, 130)
    before = steps(run)
    assert sorted(before) == [("full", "firing", "fired"), ("wait", "firing", "fired")]
    apply(run, both + "  - {name: watch, subject: system, severity: info, when: {watchdog: true}}\n", START + 130 * S)
    go(run, START + 130 * S, START + 150 * S)
    assert [step for step in steps(run)[2:] if step[0] != "watch"] == []
    apply(run, WAIT, START + 150 * S, 2)
    go(run, START + 150 * S, START + 170 * S)
    assert ("full", "resolved", "rule_removed") in steps(run)
    assert ("watch", "resolved", "rule_removed") in steps(run)


def test_a_hysteresis_of_a_rule_that_nobody_changed_stays(tmp_path: Path) -> None:
    full = "rules:\n  - {name: full, subject: queue, when: {waiting: {above: 1, clear_at_or_below: 0}}}\n"
    run = ruled(tmp_path, full)
    for number in (1, 2):
        tell(run, event(number, START, "contact.queued", f"c{number}", queue="cards"), START)
    go(run, START, START + 20 * S)
    tell(run, event(3, START + 20 * S, "contact.connected", "c1", party="human"), START + 20 * S)
    go(run, START + 20 * S, START + 60 * S)
    assert steps(run) == [("full", "firing", "fired")]
    apply(run, full + WAIT.removeprefix("rules:\n"), START + 60 * S)
    go(run, START + 60 * S, START + 100 * S)
    assert steps(run) == [("full", "firing", "fired")]


@pytest.mark.parametrize(
    ("change", "letter"),
    [
        ({"version": "0123456789ab"}, ("wrong-type", "data.version")),
        ({"rules": {"rules": [{"name": "x", "subject": "contact", "when": {"nonsense": 1}}]}}, ("wrong-type", "data.rules.rules.0.when.nonsense")),
        ({"rules": {"rules": [{"name": "x", "subject": "contact", "tiers": ["tin"], "when": {"waiting": {"above": "1s"}}}]}}, ("wrong-type", "data.rules.rules.0.tiers.0")),
        ({"number": 0}, ("wrong-type", "data.number")),
        ({"file": "kpis.yaml"}, ("wrong-type", "data.file")),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_dead_letter_and_changes_nothing(
    tmp_path: Path, change: dict[str, Any], letter: tuple[str, str]
) -> None:
    run = ruled(tmp_path)
    wait(run, 80)
    event = applied(WAIT.replace("120s", "60s"), 1, START + 80 * S)
    event["data"] |= change
    run.publish("alert.rules", b"alerts.yaml", orjson.dumps(event), START + 80 * S)
    go(run, START + 80 * S, START + 100 * S)
    assert (steps(run), letters(run)) == ([], [letter])


def test_a_number_that_was_given_is_refused_and_the_same_rules_change_nothing(tmp_path: Path) -> None:
    run = ruled(tmp_path)
    wait(run, 80)
    apply(run, WAIT.replace("120s", "60s"), START + 80 * S)
    apply(run, WAIT.replace("120s", "60s"), START + 81 * S)
    apply(run, WAIT.replace("120s", "300s"), START + 82 * S)
    go(run, START + 85 * S, START + 100 * S)
    assert (steps(run), letters(run)) == ([("wait", "firing", "fired")], [("wrong-type", "data.number")])
    on = [each for each in run.on("contact.measurements") if b'"ruled"' in (each.value or b"")]
    assert len(on) == 1


def test_one_task_tells_all_that_are_behind(tmp_path: Path) -> None:
    run = ruled(tmp_path, partitions=3)
    apply(run, WAIT.replace("120s", "60s"), START)
    go(run, START, START + 10 * S)
    for topic in ("contact.normalised", "contact.interactions", "contact.measurements", "alert.conditions"):
        on = [(each.partition) for each in run.on(topic) if b'"ruled"' in (each.value or b"")]
        assert on == [0, 1, 2], topic
    for name in ("track", "measure", "alert"):
        for partition in range(3):
            assert len(run.task(name, partition).tables["ruling"]) == 1


def test_alerts_of_a_rule_that_is_gone_are_not_raised_by_who_does_not_know_yet(tmp_path: Path) -> None:
    """The condition is told behind the place at which `alert` has gone over."""
    run = ruled(tmp_path)
    wait(run, 100)
    tasks, run.tasks = run.tasks, [task for task in run.tasks if task.inlet.name in ("ingest", "alert")]
    apply(run, "rules: []\n", START + 100 * S)
    go(run, START + 100 * S, START + 200 * S)
    run.tasks = [task for task in tasks if task.inlet.name != "ingest"]
    go(run, START + 200 * S, START + 210 * S)
    run.tasks = tasks
    go(run, START + 210 * S, START + 220 * S)
    assert steps(run) == []


def test_many_rows_are_judged_in_portions_whoever_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes for one meanwhile finds it judged."""
    monkeypatch.setattr(track, "REJUDGED", 3)
    monkeypatch.setattr(track, "AT_ONCE", 2)
    task = hops()["track"]
    some = [
        contact_event("contact.queued", 0, owner=f"customer:{n}", contact=f"c{n}", queue="cards") for n in range(10)
    ]
    log = [*some, Progress("up-0", 1, {"": Line(T0 + 80 * S)})]
    run_log(task, log, [(20, False)])
    task.batch(as_read([ruled_record(WAIT.replace("120s", "60s"))]))
    assert len(task.on("alerts")) == 6, "with the record, and at the end of its batch"
    ended = contact_event("contact.ended", 90 * S, owner="customer:9", contact="c9", by="customer", reason="abandoned")
    task.batch(as_read([ended]))
    task.restart()
    assert len(task.tables["rejudging"]) == 1
    for _ in range(3):
        task.batch([])
    assert len(task.tables["rejudging"]) == 0
    fired = [each for each in task.on("alerts") if each["status"] == "firing"]
    assert sorted(each["contact_id"] for each in fired) == [f"c{n}" for n in range(10)]
    task.batch(as_read([ruled_record("rules: []", 2)]))
    for _ in range(4):
        task.batch([])
    over = [(each["contact_id"], each["reason"]) for each in task.on("alerts") if each["status"] == "resolved"]
    assert sorted(over) == [(f"c{n}", "rule_removed") for n in range(10)], "at 80 s nobody knows yet that c9 is gone"


@pytest.mark.parametrize("size", [1, 4000])
@pytest.mark.parametrize("restart", [False, True])
def test_the_same_steps_however_logs_are_cut(tmp_path: Path, size: int, restart: bool) -> None:
    run = ruled(tmp_path, WAIT + "  - {name: full, subject: queue, when: {waiting: {above: 1}}}\n")
    run.size = size
    for number in range(3):
        at = START + number * 10 * S
        tell(run, event(number, at, "contact.queued", f"c{number}", queue="cards"), at)
    more = "  - {name: full, subject: queue, when: {waiting: {above: 2}}, severity: critical}\n"
    for number, text in ((1, WAIT.replace("120s", "45s") + more), (2, WAIT.replace("120s", "200s"))):
        go(run, START + (number - 1) * 60 * S, START + number * 60 * S)
        apply(run, text, START + number * 60 * S, number)
        if restart:
            run.restart()
    go(run, START + 120 * S, START + 240 * S)
    found = [orjson.loads(each.value or b"") for each in run.on("alert.events")]
    told = [
        (
            (to_ms(each["at"]) - START) // S,
            each["alert"]["rule"],
            each["alert"]["subject"]["contact_id"],
            each["because"],
        )
        for each in found
    ]
    assert sorted(told, key=str) == sorted(STEPS, key=str)


STEPS = [
    (10, "full", None, "fired"), (58, "full", None, "rule_changed"), (58, "full", None, "amended"),
    (58, "wait", "c0", "fired"), (58, "wait", "c1", "fired"), (68, "wait", "c2", "fired"),
    (118, "full", None, "rule_removed"), (118, "wait", "c0", "rule_changed"), (118, "wait", "c1", "rule_changed"),
    (118, "wait", "c2", "rule_changed"), (203, "wait", "c0", "fired"), (213, "wait", "c1", "fired"),
    (223, "wait", "c2", "fired"),
]  # fmt: skip
"""Seconds after START, with the two of out-of-orderness; 203: the first tick behind 202."""
