"""Commands that read the topic kpis of a broker."""

import asyncio
import json

from typer.testing import CliRunner

from streams import settings as settings_module
from streams.base.times import DAY_MS, HOUR_MS, iso
from streams.cli.main import app
from streams.kafka import topics
from streams.kafka.connection import connection_of
from streams.settings import environment
from tests.support.engine import publish
from tests.support.kpi_facts import T0
from tests.support.kpi_records import morning


async def test_kpis_and_staff_read_the_topic(bootstrap: str, prefix: str) -> None:
    settings = settings_module.load(bootstrap_servers=bootstrap, topic_prefix=prefix)
    await topics.create(connection_of(settings), topics.wanted(settings, 2), follow=False)
    values = [*morning(T0 - 7 * DAY_MS, 8), *morning(T0 - HOUR_MS, 4)]
    records = [(place % 2, b"key", value) for place, value in enumerate(values)]
    await publish(bootstrap, prefix + "kpis", records)

    async def run(*words: str) -> dict[str, object]:
        done = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=environment(settings))
        assert done.exit_code == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    staff = await run("staff", "--from", iso(T0 + HOUR_MS // 2), "--hours", "0.5", "--json")
    (queue,) = staff["queues"]  # type: ignore[misc]
    (interval,) = queue["intervals"]
    assert (queue["queue"], interval["arrivals"]["expected"], interval["load"]) == ("cards", 180, 24)
    kpis = await run("kpis", "--from", iso(T0 - HOUR_MS), "--to", iso(T0), "--format", "json")
    (row,) = kpis["rows"]  # type: ignore[misc]
    offered = [each["value"] for each in row["readings"] if each["kpi"] == "contacts_offered"]
    assert offered == [90]
