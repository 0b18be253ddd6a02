"""The commands around the process: letters are listed and sent again once, whoever asks; files are checked."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams import settings as settings_module
from streams.cli import main as cli
from streams.notify.metrics import Metrics
from streams.notify.redelivering import redeliver
from tests.support.notify import Hook, Post, change, event
from tests.support.waiting import until


def command(post: Post, *words: str) -> Result:
    return CliRunner().invoke(cli.app, ["notify", *words], env=settings_module.environment(post.settings))


async def refused(post: Post, hook: Hook, file: Path, *events: Any) -> None:
    """As many dead letters."""
    hook.always = 400
    async with post.notify(file):
        await post.publish(*events)

        async def are_there() -> bool:
            return len(await post.letters()) == len(events)

        await until(are_there)
    hook.always = 200


async def test_letters_are_listed_and_sent_again_by_target_and_matcher(post: Post, hook: Hook, file: Path) -> None:
    await refused(post, hook, file, event(1), event(2, severity="info"), event(3, subject_queue="loans"))
    said = await asyncio.to_thread(command, post, "letters", "--where", "queue=cards")
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[-1] == "2 dead letters"
    assert "desk  wait.1@1#2  refused  HTTP 400  1 attempts, round 1" in said.output
    said = await asyncio.to_thread(command, post, "letters", "--json")
    assert {json.loads(line)["delivery"] for line in said.output.splitlines()} == {f"wait.{n}@1#2" for n in (1, 2, 3)}
    said = await asyncio.to_thread(command, post, "redeliver", "--target", "desk", "--where", "severity=info")
    assert (said.exit_code, said.output.splitlines()[-1]) == (0, "1 dead letters are sent again")
    said = await asyncio.to_thread(command, post, "redeliver", "--where", "severity=info")
    assert said.output.splitlines()[-1] == "0 dead letters are sent again"
    said = await asyncio.to_thread(command, post, "redeliver", "--where", "severity")
    assert said.exit_code == 1
    async with post.notify(file):
        await until(lambda: set(hook.taken) == {"wait.2@1#2"})
        await asyncio.to_thread(command, post, "redeliver")
        await until(lambda: len(hook.taken) == 3)
    assert set(hook.taken.values()) == {1}


async def test_of_those_who_ask_at_the_same_time_one_has_each_letter(post: Post, hook: Hook, file: Path) -> None:
    await refused(post, hook, file, *(event(number) for number in range(5)))
    asking = [redeliver(post.settings, (), (), f"person {number}", 1) for number in range(4)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    marked = [each.id for some in found if isinstance(some, list) for each in some]
    assert len(marked) == len(set(marked))
    if len(marked) < 5:  # all but the last of them were ended by it
        await redeliver(post.settings, (), (), "the last one", 1)
    async with post.notify(file):
        await until(lambda: len(hook.taken) == 5)
    assert set(hook.taken.values()) == {1}


async def test_a_pager_is_not_sent_the_beginning_of_what_is_over(
    post: Post, hook: Hook, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PD_KEY", "key")
    change(
        file,
        ("webhook:", "pagerduty:"), ("secret:", "routing_key:"), ("HOOK_SECRET", "PD_KEY"),
    )  # fmt: skip
    hook.answers += [400, 400]
    async with post.notify(file):
        await post.publish(event(1), event(2))
        await until(lambda: len(hook.asked) == 2)
        await post.publish(event(1, "resolved", revision=3))
        await until(lambda: len(hook.asked) == 3)

        async def are_two() -> bool:
            return len(await post.letters()) == 2

        await until(are_two)
        assert len(await redeliver(post.settings, (), (), "anna", 1)) == 2
        await until(lambda: len(hook.asked) == 4)
        await post.publish(event(3))
        await until(lambda: len(hook.asked) == 5)
    told = [json.loads(body) for _, body in hook.requests[2:]]
    assert [(each["event_action"], each["dedup_key"]) for each in told] == [
        ("resolve", "wait.1@1"), ("trigger", "wait.2@1"), ("trigger", "wait.3@1"),
    ]  # fmt: skip


def test_a_file_is_checked_and_a_wrong_one_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "notify.yaml"
    file.write_text("targets: {desk: {slack: {url: {env: CHAT}}}}\nroutes: [{targets: [desk]}]\n")
    monkeypatch.delenv("CHAT", raising=False)
    run = CliRunner().invoke
    found = run(cli.app, ["notify", "check", "--config", str(file), "--no-secrets"])
    assert (found.exit_code, found.output) == (0, f"{file} is fine: desk (slack)\n")
    for words in (["notify", "check", "--config", str(file)], ["notify", "--config", str(file)]):
        found = run(cli.app, words, env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
        assert found.exit_code == 1
        assert "targets.desk.slack.url: the environment variable CHAT is not set, or is empty" in " ".join(
            found.output.split()
        )
    assert json.loads(run(cli.app, ["notify", "schema"]).output)["title"] == "notify.yaml"


def test_without_a_broker_or_topics_it_says_so(
    bootstrap: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "notify.yaml"
    file.write_text("targets: {desk: {slack: {url: {env: CHAT}}}}\nroutes: [{targets: [desk]}]\n")
    monkeypatch.setenv("CHAT", "https://hooks.slack.com/services/hush")
    words = [sys.executable, "-m", "streams.cli", "notify", "--config", str(file), "--port", "0"]
    for servers, said in (
        (bootstrap, f"topic {prefix}alert.events is not on the broker"),
        ("127.0.0.1:1", "127.0.0.1:1"),
    ):
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
        done = subprocess.run(
            [*words, "--topic-prefix", prefix], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 1, done.stderr
        assert said in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian package prometheus)")
def test_promtool_has_no_complaint() -> None:
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415

    text = generate_latest(Metrics(["desk"]).registry)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
