"""The process: killed and started again, two of them, its web, and what its logs and metrics must not say."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.integration.notify.conftest import SECRET
from tests.support.notify import Hook, Post, change, event, steps
from tests.support.waiting import until

pytestmark = pytest.mark.slow
PARALLEL = 4


def patient(file: Path) -> None:
    """On a busy machine the hook takes its time; an attempt that is given up and made again would count twice."""
    change(file, ("timeout: 1s", "timeout: 30s"))


@pytest.mark.chaos
async def test_killed_again_and_again_it_loses_nothing_and_repeats_only_what_was_on_its_way(
    post: Post, hook: Hook, file: Path, tmp_path: Path
) -> None:
    patient(file)
    hook.slow = 0.02
    sent, kills = steps(range(150)), 3
    async with post.process(file, tmp_path / "notify.log"):
        pass  # has a position now
    await post.publish(*sent)
    for number in range(kills):
        async with post.process(file, tmp_path / "notify.log") as process:
            await until(lambda number=number: len(hook.bodies) >= 60 * (number + 1), 60)
            process.kill()
            await process.wait()
    async with post.process(file, tmp_path / "notify.log") as process:
        await until(lambda: len(hook.bodies) == len(sent), 60)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0
    assert hook.taken.keys() == {each.event_id for each in sent}
    assert sum(hook.taken.values()) <= len(sent) + PARALLEL * kills
    for number in range(150):
        mine = list(dict.fromkeys(key for key, _ in hook.asked if key.startswith(f"wait.{number}@")))
        assert mine == [f"wait.{number}@1#2", f"wait.{number}@1#3"]
    assert all(not text for _, text in (await post.positions("desk")).values())


async def test_stopped_in_order_it_repeats_nothing(post: Post, hook: Hook, file: Path, tmp_path: Path) -> None:
    patient(file)
    hook.slow = 0.02
    sent = steps(range(60))
    async with post.process(file, tmp_path / "notify.log"):
        pass
    await post.publish(*sent)
    for number in range(3):
        async with post.process(file, tmp_path / "notify.log") as process:
            await until(lambda number=number: len(hook.bodies) >= 30 * (number + 1), 60)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0
    async with post.process(file, tmp_path / "notify.log"):
        await until(lambda: len(hook.bodies) == len(sent), 60)
    assert set(hook.taken.values()) == {1}


async def test_a_second_one_shares_the_work_and_takes_over(post: Post, hook: Hook, file: Path, tmp_path: Path) -> None:
    patient(file)
    hook.slow = 0.01
    async with post.process(file, tmp_path / "one.log") as one:
        await post.publish(*steps(range(40)))
        async with post.process(file, tmp_path / "two.log"):
            await post.publish(*steps(range(40, 80)))
            one.kill()
            await one.wait()
            await until(lambda: len(hook.bodies) == 160, 60)
    assert sum(hook.taken.values()) <= 160 + PARALLEL


async def test_neither_logs_nor_metrics_nor_letters_have_a_secret_or_a_customer_in_them(
    post: Post, hook: Hook, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_URL", f"{hook.url}?token=zebra-token")
    chat = "  chat:\n    slack: {url: {env: SLACK_URL}}\n    attempts: 2\n"
    change(file, ("routes:\n", f"{chat}routes:\n"), ("targets: [desk]", "targets: [desk, chat]"))
    hook.always = 403
    log = tmp_path / "notify.log"
    async with post.process(file, log) as process:
        await post.publish(event(1, subject_customer="customer:zebra"))
        hook.answers += [500, 503]
        await until(lambda: len(hook.asked) >= 3)

        async def are_given_up() -> bool:
            return len(await post.letters()) == 2

        await until(are_given_up)
        port = next(
            int(json.loads(line)["event"].rpartition(":")[2])
            for line in log.read_text().splitlines()
            if "metrics and health" in line
        )
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
            metrics = await response.text()
        process.terminate()
        await process.wait()
    assert 'contact_streams_notify_failures_total{reason="refused",target="desk"} 1.0' in metrics
    for said in (log.read_text(), metrics, "".join(each.message for each in (await post.letters()).values())):
        for secret in (SECRET, "zebra"):
            assert secret not in said
