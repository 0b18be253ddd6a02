"""``contact-streams alerts`` on a real broker: what it shows, and what becomes of what it says."""

import asyncio
import json
import shlex
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from click.testing import Result
from typer.testing import CliRunner

from schemas.events import check
from streams import settings as settings_module
from streams.base.times import iso
from streams.cli import alert_words
from streams.cli.main import app
from streams.desk.reading import now_ms
from streams.settings import Settings, environment
from tests.support import alerts as made
from tests.support.pages import ROOT, text
from tests.support.waiting import until

BOB = f"queue-long.{'b' * 20}@customer:bob"
EVE = f"high-tier-wait.{'e' * 20}@customer:eve"
SHORT = made.ANN.partition("@")[0]


@pytest.fixture
async def settings(bootstrap: str, prefix: str) -> Settings:
    found = settings_module.load(bootstrap_servers=bootstrap, topic_prefix=prefix)
    await made.create(found)
    odd = made.alert(BOB, severity="warning", subject={"queue": "[red]loans\x1b[2J"}, since=iso(made.T0 + 1))
    await made.tell(found, "alerts", made.alert(), odd, made.alert(EVE, state="resolved", because="answered"))
    return found


async def run(settings: Settings, words: str, code: int = 0) -> Result:
    env = environment(settings) | {"COLUMNS": "300"}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["alerts", *shlex.split(words)], env=env)
    assert done.exit_code == code, done.output
    return done


async def test_a_list_by_severity_with_its_filters(settings: Settings) -> None:
    async def names(words: str) -> list[str]:
        found = json.loads((await run(settings, f"list --json {words}")).stdout)
        return [each["fingerprint"] for each in found["alerts"]]

    assert await names("") == [made.ANN, BOB]
    assert await names("--severity warning --state firing") == [BOB]
    assert set(await names("--state all")) == {made.ANN, BOB, EVE}
    assert await names("--customer ann --queue cards --tier gold --rule high-tier-wait") == [made.ANN]
    assert await names(f"--since {iso(made.T0 + 1)}") == [BOB]
    assert await names("--since 1h") == []
    assert await names("--line winter") == []
    table = (await run(settings, "list")).stdout
    first = [line.split(" ")[0] for line in table.splitlines()]
    assert [each for each in first if each] == ["alert", SHORT, BOB.partition("@")[0]]
    assert "waiting 2 min 0 s, limit 2 min 0 s" in table
    assert "\x1b[2J" not in table
    assert "[red]loans\\x1b[2J" in table
    for words, why in (("--state odd", "--state 'odd'"), ("--since soon", "--since 'soon': expected a duration")):
        assert why in (await run(settings, f"list {words}", 1)).stderr


async def test_one_command_shows_reason_rule_steps_and_journey(settings: Settings) -> None:
    acknowledged = made.step(
        made.alert(state="acknowledged", because="acknowledged", revision=2), "firing", by="sam", note="on it"
    )
    await made.tell(settings, "alert.events", made.step(made.alert()), acknowledged)
    await made.tell(settings, "journeys", made.journey())
    shown = (await run(settings, f"show {SHORT}")).stdout
    for said in (
        f"{made.ANN}: critical, firing", "waiting 2 min 0 s, limit 2 min 0 s", "events call-1-queued",
        "owner service-desk, https://example.com/waits", "rule high-tier-wait (judged by version v1; alerts.yaml, line",
        "name: high-tier-wait", "– → firing, fired", "firing → acknowledged, acknowledged, by sam, “on it”",
        f"{made.JOURNEY}: ",
    ):  # fmt: skip
        assert said in shown
    found = json.loads((await run(settings, f"show {made.DIGEST[:8]} --json")).stdout)
    assert (found["alert"], found["journey"]) == (made.alert(), made.journey())
    assert [each["because"] for each in found["steps"]] == ["fired", "acknowledged"]
    lines = (await run(settings, f"history {SHORT}")).stdout.splitlines()
    assert len(lines) == 2
    assert "no journey of customer:bob is known on the line live" in (await run(settings, f"show {BOB}")).stdout
    assert "the alert 'none' is not known" in (await run(settings, "show none", 1)).stderr


async def agent(settings: Settings, answer: str, commands: list[dict[str, Any]]) -> None:
    """In place of the one that obeys: tells the step, or refuses."""
    topic = settings.topic_prefix + "alert.commands"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=settings.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async for record in consumer:
            event = orjson.loads(record.value)
            commands.append(event)
            if answer == "step":
                data = event["data"]
                after = made.alert(state="acknowledged", because="acknowledged", revision=2)
                told = made.step(after, "firing", by=data["by"], note=data.get("note"))
                other = made.step(made.alert(BOB), by=data["by"], because="acknowledged")
                await made.tell(settings, "alert.events", other, told)
            elif answer == "letter":
                letter = {"payload": b64encode(record.value).decode(), "message": "data.alert_id: the alert is over"}
                await made.put(settings, "contacts.dead-letters", [(b"x", orjson.dumps(letter))])
    finally:
        await consumer.stop()


async def test_a_word_is_answered_by_its_step(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_words, "ANSWERED_WITHIN", 20.0)
    commands: list[dict[str, Any]] = []
    obeying = asyncio.create_task(agent(settings, "step", commands))
    try:
        done = await run(settings, f"ack {SHORT} --note 'on it' --by sam")
    finally:
        obeying.cancel()
    assert done.stdout.rstrip().endswith("firing → acknowledged, acknowledged, by sam, “on it”")
    (event,) = commands
    assert check(event) is None
    assert event["data"] == {
        "alert_id": made.alert()["episode_id"], "action": "acknowledge", "by": "sam", "note": "on it"
    }  # fmt: skip


async def test_a_word_that_is_refused_or_not_answered(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_words, "ANSWERED_WITHIN", 20.0)
    commands: list[dict[str, Any]] = []
    refusing = asyncio.create_task(agent(settings, "letter", commands))
    try:
        assert "the alert is over" in (await run(settings, f"close {SHORT}", 1)).stderr
    finally:
        refusing.cancel()
    monkeypatch.setattr(alert_words, "ANSWERED_WITHIN", 0.2)
    done = await run(settings, f"snooze {SHORT} --for 30m --json", 1)
    assert json.loads(done.stdout)["step"] is None
    assert "nothing answered in 0.2 s" in done.stderr


async def test_what_cannot_be_said_is_not_sent(settings: Settings) -> None:
    for words, why in (
        (f"ack {EVE}", "the alert is over (resolved at"),
        ("ack none", "the alert 'none' is not known"),
        (f"snooze {SHORT}", "say when it ends: --for DURATION, or --until TIME"),
        (f"snooze {SHORT} --for 1x", "--for '1x': expected a duration such as 30m or 2h"),
        (f"snooze {SHORT} --until 2020-01-01T00:00:00Z", "is past"),
        (f"comment {SHORT} --note ' '", "note is missing"),
        ("silence cards --for 1h --reason x", "'cards' is no matcher"),
        ("silence queue=cards --reason x", "say when it ends"),
        ("silence queue=cards --for 40d --reason x", "more than 30 days ahead"),
        ("silence queue=cards --for 1h --reason ''", "reason is missing"),
        ("unsilence none", "the silence 'none' is not known"),
    ):
        assert why in (await run(settings, words, 1)).stderr
    assert json.loads((await run(settings, "silences --all --json")).stdout) == {"silences": []}


async def test_a_silence_is_set_listed_and_ended(settings: Settings) -> None:
    said = (await run(settings, "silence queue=cards --for 1h --reason repair --id s1 --by sam")).stdout
    assert said.startswith("s1 holds until ")
    assert said.endswith("; 1 alerts match that are not over\n")
    table = (await run(settings, "silences")).stdout.splitlines()
    assert table[1].split()[:3] == ["s1", "active", "queue=cards"]
    assert (await run(settings, "unsilence s1")).stdout == "s1 is over\n"
    assert len((await run(settings, "silences")).stdout.splitlines()) == 1
    assert "the silence s1 is over since" in (await run(settings, "unsilence s1", 1)).stderr


async def test_the_subscriber_of_the_docs_hears_each_step_once(settings: Settings, tmp_path: Path) -> None:
    page = text(ROOT / "docs" / "api.md")
    program = page.partition("```python\n")[2].partition("```")[0]
    assert len(program.splitlines()) <= 15
    name = settings.topic_prefix + "alert.events"
    program = program.replace('"127.0.0.1:19092"', repr(settings.bootstrap_servers)).replace(
        '"alert.events"', repr(name)
    )
    program = program.replace('"my-desk"', repr(f"{settings.topic_prefix}desk"))
    (tmp_path / "subscriber.py").write_text(program)
    first, quiet = made.step(made.alert()), made.step(made.alert(BOB), notify=False)
    await made.tell(settings, "alert.events", first, first, quiet)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", str(tmp_path / "subscriber.py"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        lines = [await asyncio.wait_for(process.stdout.readline(), 30)]
        second = made.step(made.alert(state="resolved", because="answered", revision=2), "firing")
        await made.tell(settings, "alert.events", first, second)
        lines.append(await asyncio.wait_for(process.stdout.readline(), 30))
    finally:
        process.terminate()
        await process.wait()
    assert [line.decode().split()[:2] for line in lines] == [
        ["high-tier-wait", "firing"],
        ["high-tier-wait", "resolved"],
    ]


async def test_a_list_that_is_watched_tells_each_change(settings: Settings) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli", "alerts", "list", "--watch", "--json", "--queue", "cards",
        stdout=asyncio.subprocess.PIPE, env=environment(settings) | {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        await made.tell(settings, "alerts", made.alert(severity="warning", revision=2))
        second = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    finally:
        process.send_signal(2)
        assert await asyncio.wait_for(process.wait(), 20) == 130
    assert [(each["fingerprint"], each["revision"]) for each in (first, second)] == [(made.ANN, 1), (made.ANN, 2)]


async def test_a_server_as_it_is_started(settings: Settings, tmp_path: Path) -> None:
    """With the words of the docs, from making a token to its end by a signal."""
    env = environment(settings) | {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "streams.cli", "serve"]
    refused = await asyncio.create_subprocess_exec(*program, env=env, stderr=asyncio.subprocess.PIPE)
    _, said = await refused.communicate()
    assert (refused.returncode, b"nobody could ask anything: set CONTACT_STREAMS_API_TOKENS" in said) == (1, True)
    env |= {"CONTACT_STREAMS_API_TOKENS": str(tmp_path / "t"), "CONTACT_STREAMS_API_PORT": "0"}
    making = await asyncio.create_subprocess_exec(
        *program, "token", "--role", "viewer", "--name", "sam", env=env, stdout=asyncio.subprocess.PIPE
    )
    token = (await making.communicate())[0].decode().strip()
    log = tmp_path / "log"
    with log.open("wb") as file:
        serving = await asyncio.create_subprocess_exec(*program, env=env, stderr=file)
    try:
        where = await until(lambda: [line for line in text_of(log) if "alerts on http://" in line], 30)
        base = where[0].partition("alerts on ")[2].partition(",")[0]
        asking = f"until curl -fsS {base}/readyz >&2; do sleep 0.1; done; curl -sS -H 'Authorization: Bearer {token}' {base}/alerts"
        curl = await asyncio.create_subprocess_shell(
            asking, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        found, _ = await asyncio.wait_for(curl.communicate(), 30)
        assert {each["fingerprint"] for each in json.loads(found)["alerts"]} == {made.ANN, BOB}
    finally:
        serving.terminate()
        begun = now_ms()
        await asyncio.wait_for(serving.wait(), 20)
    assert now_ms() - begun < 10_000
    assert token not in log.read_text()


def text_of(file: Path) -> list[str]:
    return file.read_text().splitlines()
