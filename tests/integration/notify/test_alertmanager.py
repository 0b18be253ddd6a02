"""The real Alertmanager: what fires, what is over, and that amtool sees the same."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from streams.base.times import iso
from tests.support.monitoring import Api, alertmanager, needs
from tests.support.notify import Hook, Post, alert
from tests.support.waiting import until


@pytest.fixture
async def post(bootstrap: str, prefix: str) -> Post:
    return await Post(bootstrap, prefix).create()


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[tuple[Api, int]]:
    needs("prometheus-alertmanager")
    async with alertmanager(tmp_path) as found:
        yield found


def written(folder: Path, port: int, more: str = "") -> Path:
    file = folder / "notify.yaml"
    file.write_text(
        f"targets:\n  am:\n    alertmanager: {{url: 'http://127.0.0.1:{port}', repeat: 2s{more}}}\nroutes:\n"
        "  - {targets: [am], match: [rule!=other]}\n"
    )
    return file


async def active(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await api.get("/api/v2/alerts", active="true")
    return found


async def test_alerts_fire_are_repeated_and_end(post: Post, real: tuple[Api, int], tmp_path: Path) -> None:
    api, port = real
    ended = iso(round(time.time() * 1000) - 1000)
    async with post.notify(written(tmp_path, port)):
        await post.states(
            alert(1), alert(2, "acknowledged"), alert(3, subject_queue="loans"), alert(4, "pending"), alert(5, rule="other"),
            alert(6, line="week-5"), alert(7, "silenced"),
        )  # fmt: skip
        await until(lambda: _count(api, 2))
        cards, loans = sorted(await active(api), key=lambda each: each["labels"]["queue"])
        assert cards["labels"] == {
            "alertname": "wait", "rule": "wait", "kind": "waiting", "severity": "critical", "subject": "contact",
            "channel": "voice", "queue": "cards", "tier": "gold", "owner": "service-desk", "team": "floor",
        }  # fmt: skip
        assert (cards["annotations"]["summary"], cards["annotations"]["count"]) == ("wait: 2 alerts", "2")
        assert cards["startsAt"] == "2026-03-02T09:16:00.000Z"
        assert cards["generatorURL"] == "https://wiki.example.com/wait"
        assert loans["annotations"]["summary"] == "wait: voice loans, customer:3 (gold)"
        assert "customer" not in json.dumps([cards["labels"], loans["labels"]])
        first_end = cards["endsAt"]

        async def is_repeated() -> bool:
            return any(each["endsAt"] > first_end for each in await active(api))

        await until(is_repeated)
        await post.states(
            alert(1, "resolved", revision=3, resolved_at=ended), alert(3, "resolved", revision=3, resolved_at=ended)
        )
        await until(lambda: _count(api, 1))
        (cards,) = await active(api)
        assert cards["annotations"]["count"] == "1"
        await post.states(alert(2, "escalated", revision=3, severity="info"))

        async def has_the_new_severity() -> bool:
            return [each["labels"]["severity"] for each in await active(api)] == ["info"]

        await until(has_the_new_severity)


async def _count(api: Api, count: int) -> bool:
    return len(await active(api)) == count


async def test_after_a_restart_it_knows_what_fires_and_what_ended_meanwhile(
    post: Post, real: tuple[Api, int], tmp_path: Path
) -> None:
    api, port = real
    file = written(tmp_path, port, ", each: true")
    async with post.notify(file):
        await post.states(*(alert(number) for number in range(6)))
        await until(lambda: _count(api, 6))
    ended = iso(round(time.time() * 1000) - 1000)
    await post.states(alert(0, "resolved", revision=3, resolved_at=ended), alert(9))
    await post.send("alerts", ("wait.1", None))
    async with post.notify(file) as running:
        await until(lambda: _fingerprints(api, {f"wait.{number}" for number in (2, 3, 4, 5, 9)}))
        running.streams[1].measure()
        assert running.metrics.registry.get_sample_value("contact_streams_notify_firing", {"target": "am"}) == 5
    # Nobody repeats them: they end by themselves, four times `repeat` after the last time.
    await until(lambda: _count(api, 0))


async def _fingerprints(api: Api, names: set[str]) -> bool:
    return {each["labels"]["fingerprint"] for each in await active(api)} == names


async def test_amtool_sees_what_fires(post: Post, real: tuple[Api, int], tmp_path: Path) -> None:
    needs("prometheus-alertmanager")
    api, port = real
    async with post.notify(written(tmp_path, port)):
        await post.states(alert(1), alert(3, subject_queue="loans"))
        await until(lambda: _count(api, 2))
        process = await asyncio.create_subprocess_exec(
            "amtool", "alert", "query", "rule=wait", "queue=loans", "-o", "json",
            f"--alertmanager.url=http://127.0.0.1:{port}", stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await process.communicate()
    (found,) = json.loads(said)
    assert (process.returncode, found["labels"]["queue"]) == (0, "loans")
    assert found["fingerprint"] in {each["fingerprint"] for each in await active(api)}


async def test_an_alertmanager_that_is_away_is_told_again_and_nothing_else_is_lost(post: Post, tmp_path: Path) -> None:
    async with Hook().run() as hook:
        hook.answers += [503, "break", 500]
        file = tmp_path / "notify.yaml"
        file.write_text(
            f"targets:\n  am:\n    alertmanager: {{url: '{hook.url}', repeat: 1h}}\n    first: 10ms\n"
            "routes:\n  - targets: [am]\n"
        )
        async with post.notify(file) as running:
            await post.states(alert(1))
            await until(lambda: [status for _, status in hook.asked] == [503, 0, 500, 200])
            assert hook.bodies[0][0]["labels"]["alertname"] == "wait"
            known = running.metrics.registry.get_sample_value("contact_streams_notify_retries_total", {"target": "am"})
            assert known == 3
