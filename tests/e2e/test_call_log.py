"""A call log through the whole pipeline: its figures exactly, also after a kill half-way and a second replay.

The real log is read from the file that ``CALLS_FILE`` names; a synthetic one with the same traps is always there.
"""

import asyncio
import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from streams.cli.main import app
from streams.inspect.calls import read_outputs, summary
from streams.replay import refused
from streams.replay.file import publish_log
from streams.replay.mapping import load_mapping, parse_mapping
from streams.replay.reader import CallLog, read_log
from streams.replay.refused import Door, Refusal, Target, positions, verdict
from streams.settings import Settings
from tests.support.system import System, event

COLUMNS = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time", "q_start", "q_exit",
    "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip

WEEK_1 = {
    "agent": 7429,
    "hang": 1519,
    "phantom": 59,
    "offered": 8948,
    "queued": 4522,
    "abandoned_of_offered": 16.98,
    "abandoned_of_queued": 18.73,
    "asa_all_s": 32.03,
    "asa_waited_s": 64.74,
    "within_20s_of_offered": 52.82,
    "within_20s_of_answered": 63.62,
    "mean_service_s": 167.94,
    "longest_wait_s": 676,
    "priority_wait_alerts": 201,
    "identified_customers": 1690,
}
"""Counted independently of the project, with the data."""


def clock(second: int) -> str:
    second %= 86_400
    return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"


def synthetic(file: Path, rows: int, seed: int) -> dict[str, Any]:
    """Write a log of ``rows`` calls around a midnight; returns the figures, counted while it is written."""
    dice = random.Random(seed)
    served = hung = phantom = queued = queued_hung = wait_all = in_time = service = longest = priority = 0
    customers = set()
    lines = ["\t".join(COLUMNS)]
    for number in range(rows):
        enter = 86_400 - 7200 + number * 10_000 // rows
        wait = dice.choice([0, 0, 0, dice.randrange(1, 20), 20, 21, 120, 121, dice.randrange(1, 700)])
        customer = dice.choice(["0", f"{dice.randrange(40)}", "6.02701E+11"])
        tier = "0" if customer == "0" else str(1 + sum(map(ord, customer)) % 2)
        outcome = dice.choices(["AGENT", "HANG", "PHANTOM"], [80, 18, 2])[0]
        talk = dice.choice([0, dice.randrange(1, 900)]) if outcome == "AGENT" else dice.randrange(300)
        vru = 10
        start = enter + vru + wait + dice.choice([-1, 0, 0, 3])
        lines.append(
            "\t".join(
                [
                    f"AA{number % 7:04d}", str(30_000 + number // 7), customer, tier, dice.choice(["PS", "NE", "TT"]),
                    "990131" if enter < 86_400 else "990201", clock(enter), clock(enter + vru), str(vru),
                    clock(enter + vru) if wait else "0:00:00", clock(enter + vru + wait) if wait else "0:00:00", str(wait), outcome,
                    clock(start) if outcome == "AGENT" else "0:00:00", clock(start + talk) if outcome == "AGENT" else "0:00:00",
                    str(talk), dice.choice(["ANNA", "NO_SERVER"]),
                ]
            )
        )  # fmt: skip
        if outcome == "PHANTOM":
            phantom += 1
            continue
        if customer != "0":
            customers.add(customer)
        queued += wait > 0
        longest = max(longest, wait)
        priority += tier == "2" and wait > 120
        if outcome == "AGENT":
            served, wait_all, in_time, service = served + 1, wait_all + wait, in_time + (wait <= 20), service + talk
        else:
            hung, queued_hung = hung + 1, queued_hung + (wait > 0)
    file.write_bytes(("\r\n".join(lines) + "\r\n").encode())
    offered, waited = served + hung, queued - queued_hung
    return {
        "agent": served,
        "hang": hung,
        "phantom": phantom,
        "offered": offered,
        "queued": queued,
        "abandoned_of_offered": round(100 * hung / offered, 2),
        "abandoned_of_queued": round(100 * queued_hung / queued, 2),
        "asa_all_s": round(wait_all / served, 2),
        "asa_waited_s": round(wait_all / waited, 2),
        "within_20s_of_offered": round(100 * in_time / offered, 2),
        "within_20s_of_answered": round(100 * in_time / served, 2),
        "mean_service_s": round(service / served, 2),
        "longest_wait_s": longest,
        "priority_wait_alerts": priority,
        "identified_customers": len(customers),
    }


def the_log(file: Path) -> CallLog:
    return read_log(file, load_mapping("bank.yaml"))


async def replay(system: System, log: CallLog) -> None:
    target = Target(system.settings.bootstrap_servers, system.settings.topic_prefix)
    await publish_log(log, log.replay_id, None, target, Console(quiet=True))


async def found(system: System, log: CallLog) -> dict[str, Any]:
    figures = summary(await read_outputs(system.settings, log.replay_id, log.channel), 0)
    del figures["events_per_second"]
    return figures


async def every_alert(system: System) -> list[dict[str, Any]]:
    """In an order of their own: partitions are read side by side."""
    return sorted(await system.read("alerts"), key=lambda alert: (alert["alert_id"], alert["revision"]))


async def exact_through_faults(system: System, log: CallLog, expected: dict[str, Any]) -> None:
    """Two workers; one is killed half-way and another comes; then everything is replayed once more."""
    async with system.run(2) as running:
        publishing = asyncio.create_task(replay(system, log))
        await asyncio.sleep(1.0)
        await running.workers[0].stop(signal.SIGKILL)
        await running.add_worker()
        await publishing
        await system.drained(300)
        assert await found(system, log) == expected
        readings, alerts = len(await system.read("kpis")), await every_alert(system)
        await replay(system, log)
        await system.drained(300)
    assert await found(system, log) == expected
    assert len(await system.read("kpis")) == readings, "the second replay published readings"
    assert await every_alert(system) == alerts
    firing = [alert["alert_id"] for alert in alerts if alert["status"] == "firing"]
    resolved = [alert["alert_id"] for alert in alerts if alert["status"] == "resolved"]
    assert len(firing) == len(set(firing)) == expected["priority_wait_alerts"]
    assert sorted(resolved) == sorted(firing)


@pytest.mark.slow
async def test_a_synthetic_log_is_exact_through_a_kill_and_a_second_replay(system: System, tmp_path: Path) -> None:
    file = tmp_path / "calls.tsv"
    expected = synthetic(file, rows=3000, seed=5)
    await exact_through_faults(system, the_log(file), expected)
    counts = await system.check_contract()
    assert counts["alerts"] == 2 * expected["priority_wait_alerts"]
    assert counts["contacts.dead-letters"] == 0


@pytest.mark.slow
async def test_one_week_of_a_bank_is_exact_through_a_kill_and_a_second_replay(
    settings: Settings, tmp_path: Path
) -> None:
    file = os.environ.get("CALLS_FILE")
    if not file:
        pytest.skip("CALLS_FILE is not set: the real calls are not part of the project")
    system = await System(settings.model_copy(update={"time_zone": "Asia/Jerusalem"}), tmp_path).create()
    await exact_through_faults(system, the_log(Path(file)), WEEK_1)


SURVEY = """\
name: survey
source: urn:call-log:survey
time_zone: UTC
columns: {id: text, start: datetime, wait: seconds, csat: {kind: number, absent: ["-"]}}
contact: {id: "s-{id}", channel: voice, queue: sales}
leave_out: {test: {id: "0"}}
times: {began: {first: [start]}, over: {first: [began + wait]}}
events:
  - {type: contact.initiated, at: began}
  - {type: contact.queued, at: began}
  - {type: contact.connected, at: over}
  - {type: contact.ended, at: over, data: {by: customer}}
  - {type: feedback.given, at: over, when: {csat: {present: true}}, data: {metric: csat, score: "{csat}"}}
"""
OFF_SCALE = 25
"""Ratings the contract takes and the rules' scale does not: more than have dead letters of their own."""
LETTERS = Refusal("wrong-type", "data.score", "data.score must lie on the scale of csat, 1 to 5", OFF_SCALE, 2)


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """One row left out, 25 with a rating of 50, 15 with one of 4, one that cannot be read."""
    rows = [f"{n},2024-03-04 09:{n:02}:00,12.5,{50 if n <= OFF_SCALE else 4}" for n in range(1, 41)]
    path = tmp_path / "survey.csv"
    path.write_text("\n".join(["id,start,wait,csat", *rows, "0,2024-03-04 10:00:00,5,-", "41,yesterday,5,-", ""]))
    (tmp_path / "survey.yaml").write_text(SURVEY)
    return path


def append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def command(*arguments: str | Path) -> tuple[int, str]:
    """Exit code, and what a command writes to stdout."""
    return command_and_notes(*arguments)[:2]


def command_and_notes(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, and what a command writes to stdout and to stderr."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


async def test_what_the_door_refuses_of_a_replay_is_counted_exactly(system: System, survey: Path) -> None:
    """Though live events are refused with it, for the same reason, in the same letters."""
    log = read_log(survey, parse_mapping(SURVEY, "survey.yaml"))
    target = Target(system.settings.bootstrap_servers, system.settings.topic_prefix, system.settings.group)
    for run in range(2):
        begins = await positions(target, [f"contacts.{log.channel}"])
        live = [event("feedback.given", f"l-{n}-{run}", metric="csat", score=50) for n in range(30)]
        await system.events(*live[:15])
        await publish_log(log, "run-1", None, target, Console(quiet=True))
        await system.events(*live[15:])
        async with system.run(1), Door(target, "run-1", begins) as door:
            unread, watched = await door.wait()
            found = verdict(log, await door.refused(), unread, watched=watched)
        assert (unread, watched, found.rows) == (0, True, OFF_SCALE), run
        assert found.refusals == (LETTERS,)
    letters = await system.read("contacts.dead-letters")
    assert sum(letter.get("count", 1) for letter in letters) == 2 * (OFF_SCALE + 30)


async def test_a_replay_waits_for_its_dead_letters(
    system: System, survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", system.settings.bootstrap_servers)
    arguments = (
        "replay",
        survey,
        "--mapping",
        survey.with_suffix(".yaml"),
        "--topic-prefix",
        system.settings.topic_prefix,
    )
    async with system.run(1):
        code, said = await asyncio.to_thread(command, *arguments)
        assert code == 2
        assert said.splitlines()[:2] == [
            "42 rows: 200 events; left out: 1 test; unreadable: 1",
            "  line 43: start: time data 'yesterday' does not match format '%Y-%m-%d %H:%M:%S'",
        ]
        assert said.splitlines()[-3:-1] == [
            "refused: 25 × wrong-type data.score, such as line 2: data.score must lie on the scale of csat, 1 to 5",
            "42 rows = 40 published, of which 25 had an event refused + 1 left out + 1 unreadable",
        ]
        assert (await asyncio.to_thread(command, *arguments, "--tolerate", "25"))[0] == 2
        assert (await asyncio.to_thread(command, *arguments, "--tolerate", "26"))[0] == 0
    started = time.monotonic()
    code, said = await asyncio.to_thread(command, *arguments, "--replay-id", "alone")
    assert code == 2
    assert "refused: not known, as no worker reads" in said
    assert time.monotonic() - started < 20


async def test_workers_that_stand_still_are_not_waited_for_for_ever(
    system: System, survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "STALL_SECONDS", 1.0)
    log = read_log(survey, parse_mapping(SURVEY, "survey.yaml"))
    target = Target(system.settings.bootstrap_servers, system.settings.topic_prefix, system.settings.group)
    async with system.run(1) as running:
        begins = await positions(target, [f"contacts.{log.channel}"])
        worker = running.workers[0]
        worker.process.send_signal(signal.SIGSTOP)
        try:
            await publish_log(log, "run-1", None, target, Console(quiet=True))
            async with Door(target, "run-1", begins) as door:
                unread, watched = await door.wait()
        finally:
            worker.process.send_signal(signal.SIGCONT)
    assert (unread > 200, watched) == (True, True)


async def test_a_name_that_has_ended_takes_nothing_more_and_says_so(
    system: System, survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", system.settings.bootstrap_servers)
    arguments = (
        "replay", survey, "--mapping", survey.with_suffix(".yaml"), "--replay-id", "week-1", "--tolerate", "26",
        "--topic-prefix", system.settings.topic_prefix,
    )  # fmt: skip
    async with system.run(1):
        assert (await asyncio.to_thread(command, *arguments))[0] == 0
        assert (await asyncio.to_thread(command, *arguments))[0] == 0, "the same once more is nothing new"
        append(survey, "42,2024-03-04 09:00:00,5,-\n43,2024-03-04 09:30:00,5,4\n")
        code, said = await asyncio.to_thread(command, *arguments)
    assert code == 2
    said_so = "the replay week-1 has ended before, and takes nothing more; replay under another --replay-id"
    assert [line for line in said.splitlines() if "replay-ended" in line] == [
        f"refused: 9 × replay-ended, such as line 44: {said_so}"
    ]
    assert "44 rows = 42 published, of which 27 had an event refused + 1 left out + 1 unreadable" in said


@pytest.mark.slow
async def test_calls_accounts_for_every_row(bootstrap: str, survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", bootstrap)
    arguments = ("calls", "--file", survey, "--mapping", survey.with_suffix(".yaml"))
    code, said, noted = await asyncio.to_thread(command_and_notes, *arguments)
    assert f"refused: {OFF_SCALE} × wrong-type data.score, such as line 2: {LETTERS.message}" in noted
    assert f"42 rows = 40 published, of which {OFF_SCALE} had an event refused + 1 left out + 1 unreadable" in noted
    told = json.loads(said.splitlines()[-1])
    assert code == 2
    assert {name: told[name] for name in ("agent", "offered", "queued", "asa_all_s")} == {
        "agent": 40, "offered": 40, "queued": 40, "asa_all_s": 12.5,
    }  # fmt: skip
    assert told["rows"] == told["rows_published"] + sum(told["left_out"].values()) + told["unreadable"] == 42
    assert (told["left_out"], told["rows_refused"]) == ({"test": 1}, OFF_SCALE)
    assert (told["published"], told["refused"], told["ids_twice"]) == (200, OFF_SCALE, 0)
    assert [fault["line"] for fault in told["unreadable_rows"]] == [43]
    assert told["refusals"] == [
        {"reason": "wrong-type", "path": "data.score", "message": LETTERS.message, "events": OFF_SCALE, "line": 2}
    ]


@pytest.mark.parametrize(("rows", "expected"), [(["x,yesterday,5,-"], 2), ([], 0)])
def test_calls_of_a_log_without_an_event_needs_no_broker(survey: Path, rows: list[str], expected: int) -> None:
    survey.write_text("\n".join(["id,start,wait,csat", *rows, ""]))
    code, said, noted = command_and_notes("calls", "--file", survey, "--mapping", survey.with_suffix(".yaml"))
    assert ("1 rows = 0 published + 0 left out + 1 unreadable" in noted) == bool(rows)
    told = json.loads(said.splitlines()[-1])
    assert (code, told["rows"], told["unreadable"], told["offered"]) == (expected, len(rows), len(rows), 0)


async def test_a_row_for_each_leg_is_one_call(system: System, tmp_path: Path) -> None:
    mapping = SURVEY.replace("channel: voice,", "channel: voice, join: true,").replace(
        "  - {type: contact.ended", "  - {type: contact.transferred, at: over, row: not last}\n  - {type: contact.ended"
    )
    file = tmp_path / "legs.csv"
    file.write_text(
        "id,start,wait,csat\n501,2024-03-04 09:15:00,10,\n501,2024-03-04 09:16:10,25,\n502,2024-03-04 09:20:00,30,\n"
    )
    log = read_log(file, parse_mapping(mapping, "legs.yaml"))
    async with system.run(1):
        await replay(system, log)
        await system.drained()
    figures = await found(system, log)
    assert (figures["offered"], figures["agent"], figures["queued"]) == (2, 2, 3)
