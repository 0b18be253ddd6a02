"""Alert rules on what the raw topics hold."""

import asyncio
import json
import time
from pathlib import Path

import orjson
from typer.testing import CliRunner

from streams import settings as settings_module
from streams.base.times import iso
from streams.cli.main import app
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.settings import environment
from tests.support.engine import publish


async def test_the_live_line_of_the_raw_topics_and_a_replay(bootstrap: str, prefix: str, tmp_path: Path) -> None:
    settings = settings_module.load(bootstrap_servers=bootstrap, topic_prefix=prefix)
    await topics.create(connection_of(settings), topics.wanted(settings, 2), follow=False)
    (tmp_path / "alerts.yaml").write_text(
        "rules: [{name: wait, subject: contact, tiers: [gold], when: {waiting: {above: 60s}}}]"
    )
    now = int(time.time() * 1000)

    def event(name: str, kind: str, who: str, at: int, **more: object) -> bytes:
        data = {"contact_id": f"{who}-1", "channel": "voice", "customer_id": who, "tier": "gold", "queue": "cards"}
        found = {"specversion": "1.0", "id": name, "source": "/t", "type": kind, "time": iso(at), "data": data}
        return orjson.dumps(found | more)

    records = [
        (0, b"ann-1", event("1", "contact.queued", "ann", now - 600_000)),
        (1, b"bob-1", event("2", "contact.queued", "bob", now - 300_000)),
        (1, b"bob-1", event("3", "contact.connected", "bob", now - 100_000)),
        (0, b"cleo-1", event("4", "contact.queued", "cleo", now - 30_000)),
        (0, b"ann-1", event("5", "contact.queued", "ann", now - 600_000, replayid="r-1")),
        (0, b"ann-1", b"{]"),
    ]
    await publish(bootstrap, f"{prefix}contacts.voice", records)

    async def run(*words: str) -> dict[str, object]:
        command = ["rules", "backtest", "--json", "--rules", str(tmp_path), *words]
        done = await asyncio.to_thread(CliRunner().invoke, app, command, env=environment(settings))
        assert done.exit_code == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    live = await run()
    alerts = live["alerts"]
    assert isinstance(alerts, list)
    # Both were late when they came, so each is told by when its partition got it: which was first is the broker's.
    found = [(each["subject"]["customer"], each["to"], each["because"]) for each in alerts]
    assert sorted(found, key=lambda each: each[0]) == [
        ("customer:ann", None, None),
        ("customer:bob", iso(now - 100_000), "answered"),
    ]
    assert (live["events"], live["source"]) == (5, "live")
    replayed = await run("--line", "r-1", "--to", iso(now - 500_000))
    assert (replayed["events"], len(replayed["alerts"])) == (1, 1)  # type: ignore[arg-type]
