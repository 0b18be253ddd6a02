"""Alert rules that are applied while agents work: what runs is judged by them, at one place of each log."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from streams import rules as rule_files
from streams.base.records import Line, Profile, Progress
from streams.base.times import MINUTE_MS, iso, to_ms
from streams.engine.offline import Offline
from streams.pipeline import alert, track
from tests.support.alerting import condition
from tests.support.logs import as_read
from tests.support.logs import run as run_log
from tests.support.offline import NOW, TaskUnderTest, deployment, hops
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


@pytest.mark.parametrize("hours", [-30_000, 30])
def test_a_clock_that_is_wrong_refuses_no_rules(tmp_path: Path, hours: int) -> None:
    run = ruled(tmp_path)
    wait(run, 80)
    event = applied(WAIT.replace("120s", "60s"), 1, START + hours * 3600 * S)
    run.publish("alert.rules", b"alerts.yaml", orjson.dumps(event), START + 80 * S)
    go(run, START + 80 * S, START + 85 * S)
    assert (steps(run), letters(run)) == ([("wait", "firing", "fired")], [])


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
    again = [each for each in run.on("alert.conditions") if b'"ruled"' in (each.value or b"")]
    numbers = [orjson.loads(each.value or b"")["number"] for each in again]
    assert numbers == [1, 1], "who applied the same once more hears that they are in force"


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


SOME = 10
CRITICAL = WAIT.replace("}}}", "}}, severity: critical}")
OTHER = "  - {name: other, subject: contact, queues: [loans], when: {waiting: {above: 99s}}}\n"


def in_track(log: list[Any]) -> TaskUnderTest:
    """Some who have waited for 130 s, and what is told behind that in one batch; then all rows are gone through."""
    task = hops()["track"]
    some = [
        contact_event("contact.queued", 0, owner=f"customer:{n}", contact=f"c{n}", queue="cards") for n in range(SOME)
    ]
    run_log(task, [ruled_record(WAIT), *some, Progress("up-0", 1, {"": Line(T0 + 130 * S)})], [(20, False)])
    assert [each["status"] for each in task.on("alerts")] == ["firing"] * SOME
    task.batch(as_read(log))
    for number in range(2 * SOME):
        if number % 2:
            task.restart()
        task.batch([])
    assert len(task.tables["rejudging"]) == 0
    return task


@pytest.fixture
def _in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "REJUDGED", 3)
    monkeypatch.setattr(track, "AT_ONCE", 2)
    monkeypatch.setattr(alert, "REJUDGED", 3)


@pytest.mark.usefixtures("_in_portions")
@pytest.mark.parametrize("between", [[], [Profile("p", "crm", "8", T0, tier="gold")]])
def test_a_rule_that_came_back_before_all_rows_were_looked_at_fires_anew(between: list[Any]) -> None:
    task = in_track(
        [ruled_record("rules: []", 2), *between, ruled_record(WAIT, 3), *between, ruled_record(CRITICAL, 4)]
    )
    by_contact: dict[str, list[Any]] = {}
    for each in task.on("alerts"):
        by_contact.setdefault(each["contact_id"], []).append((each["status"], each["reason"], each["severity"]))
    assert len(by_contact) == SOME
    for contact, steps in by_contact.items():
        assert [each[:2] for each in steps[:3]] == [("firing", None), ("resolved", "rule_removed"), ("firing", None)], (
            contact
        )
        assert steps[-1] == ("firing", None, "critical"), contact
    assert len({each["alert_id"] for each in task.on("alerts")}) == 2 * SOME


@pytest.mark.usefixtures("_in_portions")
def test_what_an_earlier_switch_changed_is_told_of_rows_that_a_later_one_finds() -> None:
    task = in_track([ruled_record(CRITICAL, 2), ruled_record(CRITICAL + OTHER, 3)])
    told = [(each["contact_id"], each["severity"]) for each in task.on("alerts")[SOME:]]
    assert sorted(told) == [(f"c{n}", "critical") for n in range(SOME)]


def in_alert(log: list[Any]) -> TaskUnderTest:
    """The same of the alerts."""
    task = hops()["alert"]
    conditions = [condition(f"a{n}", T0, version=ruled_record(WAIT).version) for n in range(SOME)]
    run_log(task, [ruled_record(WAIT), *conditions, Progress("up-0", 1, {"": Line(T0 + 130 * S)})], [(20, False)])
    task.batch(as_read(log))
    for number in range(2 * SOME):
        if number % 2:
            task.restart()
        task.batch([])
    assert len(task.tables["rejudging"]) == 0
    return task


def of_alerts(task: TaskUnderTest) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for each in task.on("alert.events"):
        found.setdefault(each["alert"]["subject"]["contact_id"], []).append(
            (each["because"], each["alert"]["severity"])
        )
    return found


@pytest.mark.usefixtures("_in_portions")
def test_an_alert_is_over_by_a_rule_that_was_gone_for_a_moment_and_holds_under_its_next_name() -> None:
    anew = [
        replace(condition(f"a{n}", T0, f"a{n}#2", version=ruled_record(CRITICAL).version), severity="critical")
        for n in range(SOME)
    ]
    task = in_alert([ruled_record("rules: []", 2), ruled_record(CRITICAL, 3), *anew])
    for who, steps in of_alerts(task).items():
        assert steps == [("fired", "warning"), ("rule_removed", "warning"), ("fired", "critical")], who


@pytest.mark.usefixtures("_in_portions")
def test_an_alert_has_what_every_switch_since_says_and_takes_one_step() -> None:
    """What comes of one meanwhile finds it judged, once."""
    again = [condition("a9", T0, "a9+", version=ruled_record(CRITICAL).version)] * 3
    task = in_alert([ruled_record(CRITICAL, 2), *again[:2], ruled_record(CRITICAL + OTHER, 3), *again])
    assert of_alerts(task) == {f"a{n}": [("fired", "warning"), ("rule_changed", "critical")] for n in range(SOME)}


@pytest.mark.usefixtures("_in_portions")
def test_a_deadline_goes_by_the_rule_in_force_although_its_row_was_not_looked_at() -> None:
    first = WAIT.replace("}}}", "}}, expires: 140s}")
    task = hops()["alert"]
    conditions = [condition(f"a{n}", T0, version=ruled_record(first).version) for n in range(SOME)]
    run_log(task, [ruled_record(first), *conditions, Progress("up-0", 1, {"": Line(T0 + 130 * S)})], [(20, False)])
    longer = ruled_record(WAIT.replace("}}}", "}}, expires: 300s}"), 2)
    task.batch(as_read([longer, Progress("up-0", 1, {"": Line(T0 + 200 * S)})]))
    assert of_alerts(task) == {f"a{n}": [("fired", "warning"), ("rule_changed", "warning")] for n in range(SOME)}, (
        "each was due"
    )


@pytest.mark.usefixtures("_in_portions")
def test_what_a_cap_held_is_told_by_the_rule_in_force() -> None:
    capped = WAIT.replace("}}}", "}}, per_minute: 2}")
    task = hops()["alert"]
    conditions = [condition(f"a{n}", T0, version=ruled_record(capped).version) for n in range(SOME)]
    run_log(task, [ruled_record(capped), *conditions, Progress("up-0", 1, {"": Line(T0 + 30 * S)})], [(20, False)])
    more = ruled_record(capped.replace("per_minute", "severity: critical, per_minute"), 2)
    task.batch(as_read([more, Progress("up-0", 1, {"": Line(T0 + 61 * S)})]))
    told = {who: [each for each in steps if each[0] == "cap_over"] for who, steps in of_alerts(task).items() if who}
    assert [each for steps in told.values() for each in steps] == [("cap_over", "critical")] * 2


def test_queues_and_what_always_fires_begin_anew_where_a_rule_was_gone_for_a_moment(tmp_path: Path) -> None:
    full = "rules:\n  - {name: full, subject: queue, when: {waiting: {above: 0}}}\n"
    watch = "  - {name: watch, subject: system, severity: info, when: {watchdog: true}}\n"
    run = ruled(tmp_path, full + watch)
    wait(run, 130)
    assert {each[:2] for each in steps(run)} >= {("full", "firing"), ("watch", "firing")}
    before = len(steps(run))
    for number, text in enumerate(("rules: []\n", full + watch), 1):
        apply(run, text, START + 130 * S, number)
    go(run, START + 130 * S, START + 250 * S)
    later = [each for each in steps(run)[before:] if each[2] != "amended"]
    for rule in ("full", "watch"):
        assert [each[1:] for each in later if each[0] == rule] == [("resolved", "rule_removed"), ("firing", "fired")], (
            rule
        )


def test_a_queue_between_its_bounds_stays_so_when_another_rule_changed_twice(tmp_path: Path) -> None:
    full = "rules:\n  - {name: full, subject: queue, when: {waiting: {above: 1, clear_at_or_below: 0}}}\n"
    run = ruled(tmp_path, full)
    for number in (1, 2):
        tell(run, event(number, START, "contact.queued", f"c{number}", queue="cards"), START)
    go(run, START, START + 20 * S)
    tell(run, event(3, START + 20 * S, "contact.connected", "c1", party="human"), START + 20 * S)
    go(run, START + 20 * S, START + 60 * S)
    for number in (1, 2):
        apply(run, full + WAIT.removeprefix("rules:\n").replace("120s", f"{number + 300}s"), START + 60 * S, number)
    go(run, START + 60 * S, START + 100 * S)
    assert steps(run) == [("full", "firing", "fired")]


def test_a_replay_that_has_ended_is_not_judged_again() -> None:
    task = hops()["track"]
    log = [
        contact_event("contact.queued", 0, owner="customer:1", contact="c1", queue="cards", line="r"),
        Progress("up-0", 1, {"": Line(T0), "r": Line(T0 + 130 * S, ended=True)}),
    ]
    run_log(task, [ruled_record(WAIT), *log], [(20, False)])
    task.batch(as_read([ruled_record("rules: []", 2)]))
    assert [each["status"] for each in task.on("alerts")] == ["firing"]
    alerts = hops()["alert"]
    its = [condition("a", T0, line="r", version=ruled_record(WAIT).version), *log[1:]]
    run_log(alerts, [ruled_record(WAIT), *its], [(20, False)])
    alerts.batch(as_read([ruled_record("rules: []", 2)]))
    assert of_alerts(alerts) == {"a": [("fired", "warning")]}


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
