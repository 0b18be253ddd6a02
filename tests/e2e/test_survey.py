"""A log of ratings, some of them off the scale: what the door refuses of a replay is counted, row by row."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from streams.cli.main import app
from streams.kafka.connection import connection_of
from streams.replay import refused
from streams.replay.file import publish_log
from streams.replay.mapping import parse_mapping
from streams.replay.reader import read_log
from streams.replay.refused import Door, Refusal, Target, positions, verdict
from tests.support.replays import found, replay
from tests.support.system import System, event

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
    target = Target(connection_of(system.settings), system.settings.topic_prefix, system.settings.group)
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
    target = Target(connection_of(system.settings), system.settings.topic_prefix, system.settings.group)
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
