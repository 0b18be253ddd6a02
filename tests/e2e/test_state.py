"""``contact-streams state`` beside workers that run, and on the folders of one that has stopped."""

import asyncio
import json
import time
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import aiohttp
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from rocksdict import Options, Rdict
from typer.testing import CliRunner

from streams.cli.main import app
from streams.engine.changelog import encode_key
from streams.engine.digest import HASH, Hashes
from streams.inspect.changelogs import read
from streams.settings import environment
from streams.worker.web import STATE_KEY
from tests.support.system import System, event

KINDS = ("contact.queued", "contact.connected", "contact.ended")


async def cli(system: System, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``contact-streams state …``; in a thread, for its own event loop."""
    given = environment(system.settings)
    done = await asyncio.to_thread(CliRunner().invoke, app, ["state", *arguments], env={**given, "COLUMNS": "200"})
    return done.exit_code, done.stdout, done.stderr


async def call(system: System, contact: str, customer: str) -> None:
    more = {"queue": "loans", "customer_id": customer, "tier": "gold"}
    queued, connected, ended = (event(kind, contact, time.time() - 2 + n, **more) for n, kind in enumerate(KINDS))
    connected["data"]["agent_id"] = "a-1"
    ended["data"]["by"] = "customer"
    await system.events(queued, connected, ended)


def task_of(agent: str, key: str) -> str:
    return f"{agent}-{crc32(key.encode()) % 4}"


async def test_show_finds_a_contact_and_its_owner_and_says_where_it_looked(system: System) -> None:
    async with system.run():
        await call(system, "call-7", "7")
        await system.drained()
    code, out, _ = await cli(system, "show", "call-7", "--json")
    assert code == 0
    rows = {row["table"]: row for row in json.loads(out)["rows"]}
    assert set(rows) == {"owners", "customers"}, "the owner of the contact too"
    assert f"{rows['owners']['agent']}-{rows['owners']['partition']}" == task_of("identify", "voice|call-7")
    assert f"{rows['customers']['agent']}-{rows['customers']['partition']}" == task_of("track", "customer:7")
    assert [each["type"] for each in rows["owners"]["value"]["history"]] == list(KINDS)
    assert rows["customers"]["key"] == "customer:7"
    code, out, _ = await cli(system, "show", "7", "--table", "customers")
    assert code == 0
    assert f"customers in {task_of('track', 'customer:7')} customer:7 (version " in out
    assert time.strftime('"%Y-%m-%dT', time.gmtime()) in out, "times are readable"
    code, _, err = await cli(system, "show", "nobody")
    assert code == 1
    for place in (
        f"owners in {task_of('identify', 'voice|nobody')}",
        f"owners in {task_of('identify', 'chat|nobody')}",
        f"customers in {task_of('track', 'customer:nobody')}",
    ):
        assert place in " ".join(err.split())
    code, out, _ = await cli(system, "show", "7", "--line", "some-replay", "--json")
    assert (code, json.loads(out)["rows"]) == (1, []), "the row has no such line"
    code, _, err = await cli(system, "show", "7", "--table", "custmers")
    assert code == 1
    assert "custmers: there is no such table; there are agents, backlog, beats, behind, caps, clocks" in err


async def test_show_finds_a_queue(system: System) -> None:
    async with system.run():
        await call(system, "call-8", "8")
        await system.drained()
        await system.ticks()  # the window of the events is begun, and who waits is told
    code, out, _ = await cli(system, "show", "voice|loans", "--json")
    assert code == 0
    assert "panes" in {row["table"] for row in json.loads(out)["rows"]}
    assert {row["partition"] for row in json.loads(out)["rows"]} == {crc32(b"voice|loans") % 4}


async def test_stats_count_rows_and_bytes_and_name_the_largest(system: System) -> None:
    async with system.run():
        for number in range(20):
            await call(system, f"call-{number}", f"{number}")
        await call(system, "call-more", "7")
        await system.drained()
    code, out, _ = await cli(system, "stats", "--json")
    assert code == 0
    tasks = json.loads(out)
    assert len(tasks) == 17
    owners = [each["tables"]["owners"] for each in tasks if each["agent"] == "identify"]
    assert sum(each["rows"] for each in owners) == 21
    track = {each["partition"]: each for each in tasks if each["agent"] == "track"}
    assert sum(each["tables"]["customers"]["rows"] for each in track.values()) == 20
    home = track[crc32(b"customer:7") % 4]["tables"]["customers"]
    assert home["largest_key"] == "customer:7", "two contacts"
    assert home["largest"] <= home["bytes"]
    assert sum(home["versions"].values()) == home["rows"]
    assert all(each["lag"] == 0 for each in tasks if each["agent"] == "ingest")
    code, out, _ = await cli(system, "stats")
    assert code == 0
    assert "customer:7" in out


async def test_verify_agrees_under_load_and_names_the_row_that_differs(system: System) -> None:
    async with system.run(2):
        addresses = [f"127.0.0.1:{worker.port}" for worker in system.workers]
        asked = [part for address in addresses for part in ("--worker", address)]

        async def load() -> None:
            for number in range(60):
                await call(system, f"busy-{number}", f"{number % 10}")

        loading = asyncio.ensure_future(load())
        code, out, err = await cli(system, "verify", *asked)
        await loading
        assert code == 0, out + err
        assert "17 tasks hold what their changelogs say" in out
        await system.drained()

        partition = crc32(b"customer:7") % 4
        other = next(f"{n}" for n in range(100, 200) if crc32(f"customer:{n}".encode()) % 4 == partition)
        _, row = (await read(system.settings, "track", partition)).rows["customers", "customer:7"]
        await slip_in(system, partition, "customer:7", row.replace(b"gold", b"lead"))
        await call(system, "one-more", other)  # the worker commits behind it, and with that says what it holds there
        await system.drained()
        code, out, err = await cli(system, "verify", *asked)
        assert code == 1
        assert (
            f"track-{partition}, table customers: 'customer:7' is in the changelog, and the worker at 127.0.0.1:" in err
        )
        assert "has another value" in err
        assert "track-" + str((partition + 1) % 4) in out, "the others were compared all the same"
        await nobody_without_the_secret_learns_anything(system, addresses[0])


async def nobody_without_the_secret_learns_anything(system: System, address: str) -> None:
    assert system.settings.state_key is not None
    url, secret = f"http://{address}/state", system.settings.state_key.get_secret_value()
    async with aiohttp.ClientSession() as web:
        for given in ({}, {STATE_KEY: secret[:-1]}, {STATE_KEY: ""}, {STATE_KEY: "é"}):
            async with web.get(f"{url}?digest=1", headers=given) as response:
                assert response.status == 403
                assert secret not in await response.text()
        statuses = await asyncio.gather(*(_asked(web, f"{url}?digest=1", secret) for _ in range(20)))
        assert sorted(set(statuses)) in ([200, 429], [429]), "one at a time"
        assert statuses.count(200) <= 1
        async with web.get(f"http://{address}/healthz") as response:
            assert (await response.json())["group"] == system.settings.group
    code, out, err = await cli(
        System(system.settings.model_copy(update={"state_key": None}), system.logs), "verify", "--worker", address
    )
    assert (code, out) == (1, "")
    assert "CONTACT_STREAMS_STATE_KEY is not set" in err
    other = system.settings.model_copy(update={"state_key": SecretStr("another secret than theirs")})
    code, _, err = await cli(System(other, system.logs), "verify", "--worker", address)
    assert code == 1
    assert "is not this worker's state_key" in err


async def _asked(web: aiohttp.ClientSession, url: str, secret: str) -> int:
    async with web.get(url, headers={STATE_KEY: secret}) as response:
        return response.status


async def test_the_hashes_of_a_name_cannot_be_made_without_the_secret(system: System) -> None:
    assert system.settings.state_key is not None
    secret = system.settings.state_key.get_secret_value()
    async with system.run() as running, aiohttp.ClientSession(headers={STATE_KEY: secret}) as web:
        await call(system, "call-7", "7")
        await system.drained()
        query = {"task": task_of("track", "customer:7"), "table": "customers"}
        async with web.get(f"http://127.0.0.1:{running.workers[0].port}/state", params=query) as response:
            assert response.status == 200
            body = await response.read()
    hashes = {body[at : at + HASH] for at in range(0, len(body), 2 * HASH)}
    assert hashes == {Hashes(secret).key("customer:7")}
    assert blake2b(b"customer:7", digest_size=HASH).digest() not in hashes


async def slip_in(system: System, partition: int, key: str, value: bytes) -> None:
    """A record in `track`'s changelog that no worker wrote."""
    topic = f"{system.settings.group}-track-changelog"
    producer = AIOKafkaProducer(bootstrap_servers=system.settings.bootstrap_servers)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, encode_key("customers", key), partition=partition)
    finally:
        await producer.stop()


async def test_verify_without_a_worker_says_what_to_do(system: System) -> None:
    code, _, err = await cli(system, "verify", "--worker", "127.0.0.1:1")
    assert code == 1
    assert "no worker answers at 127.0.0.1:1" in err


def everything_below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def test_verify_compares_the_folder_of_a_stopped_worker(system: System, tmp_path: Path) -> None:
    system.settings = system.settings.model_copy(update={"store": "rocksdb", "state_dir": tmp_path / "state"})
    async with system.run():
        for number in range(20):
            await call(system, f"call-{number}", f"{number}")
        await system.drained()
    held = everything_below(tmp_path)
    assert {each.suffix for each in held} >= {".log"}
    assert [each for each in held if each.is_file() and each.stat().st_mode & 0o077] == [], (
        "others of this machine read none of it"
    )
    folder = str(tmp_path / "state")
    code, out, err = await cli(system, "verify", "--state-dir", folder)
    assert code == 0, out + err
    assert "17 tasks hold what their changelogs say" in out
    (path,) = (tmp_path / "state").glob(f"*/*/{task_of('track', 'customer:7')}")
    store = Rdict(str(path), Options(raw_mode=True))
    raw = encode_key("customers", "customer:7")
    row = store[raw]
    store[raw] = row.replace(b"gold", b"lead")
    store.close()
    code, _, err = await cli(system, "verify", "--state-dir", folder)
    assert code == 1
    assert "'customer:7' is in the changelog" in err
    assert "has another value" in err
    code, _, err = await cli(system, "verify", "--state-dir", str(tmp_path / "logs-of-nothing"))
    assert code == 1
    assert "no store of" in err
