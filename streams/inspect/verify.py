"""Tables against changelogs: those of running workers, through `/state` of their web, and those left on disk."""

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from streams.engine import StoreError
from streams.engine.digest import HASH, Digest, Hashes
from streams.engine.rocks import RocksStore
from streams.inspect.changelogs import Contents, StateError, Tell, partitions, read, spec_of
from streams.pipeline.tables import TABLES
from streams.settings import Settings, variable
from streams.worker.web import PORTS_TRIED, STATE_KEY

TRIES = 3
"""A changelog may be compacted between a worker's answer and our reading it, a task be on its way: then once more."""
AGAIN_SECONDS = 3.0
BUSY_SECONDS = 300.0
"""How long a worker may put us off, since it reads its tables a fifth of the time at most."""
TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=2)


@dataclass
class Verified:
    """Task → rows that were compared and are the same; sentences on those that differ, and on those left out."""

    same: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


Rows = Mapping[bytes, bytes]
"""Hash of a key → hash of its row."""


def difference(theirs: Rows, contents: Contents, where: tuple[str, str], by: Hashes) -> str | None:
    """The first key, in order, of which a (table, holder) has something else than the changelog; None = there is none.

    Rows that were written again behind the place where the holder stands are left out: what they were there may be
    compacted away.
    """
    table, holder = where
    spec = spec_of(contents.agent, table)
    ours = {key: data for (name, key), (_, data) in contents.rows.items() if name == table}
    moved = {key for name, key in contents.moved if name == table}
    known = {by.key(key) for key in (*ours, *moved)}
    for key in sorted(ours):
        their = theirs.get(by.key(key))
        if key not in moved and their != by.row(spec, key, ours[key]):
            what = "does not have it" if their is None else "has another value"
            return f"{contents.name}, table {table}: {key!r} is in the changelog, and {holder} {what}"
    if surplus := len(theirs.keys() - known):
        # A key that was removed before the holder's place has no name here: only its hash came.
        return f"{contents.name}, table {table}: {holder} has {surplus} rows that the changelog does not have"
    return None


async def running(settings: Settings, addresses: list[str] | None, tell: Tell) -> Verified:
    """Compare every task of the workers that answer. Raises `StateError` when none does."""
    if settings.state_key is None:
        raise StateError(
            f"{variable('state_key')} is not set: workers say what their tables hold to those who know this secret of "
            "at least 16 characters, and to nobody while they have none; set the same one for the workers and here"
        )
    found, counts = Verified(), await partitions(settings)
    left = {(agent, partition) for agent, count in counts.items() for partition in range(count)}
    async with aiohttp.ClientSession(timeout=TIMEOUT) as web:
        asking = _Asking(web, settings, settings.state_key.get_secret_value(), tell)
        answering = await _workers(web, settings, addresses)
        for number in range(TRIES):
            if number and left:
                await asyncio.sleep(AGAIN_SECONDS)  # partitions are changing hands, or are restored
            for address in answering if left else ():
                _, told = await asking.ask(address, {"digest": "1"})
                for task in json.loads(told)["tasks"]:
                    if (where := (task["agent"], task["partition"])) in left:
                        left.discard(where)
                        await asking.compare(address, task, found)
    if left:
        names = ", ".join(f"{agent}-{partition}" for agent, partition in sorted(left))
        found.missing.append(f"{names}: run by none of the workers asked")
    return found


async def _workers(web: aiohttp.ClientSession, settings: Settings, addresses: list[str] | None) -> list[str]:
    """Those that answer and belong to this deployment."""
    first = settings.web_port
    asked = addresses or [f"{settings.web_host}:{port}" for port in range(first, first + PORTS_TRIED)]
    answered = []
    for address in asked:
        try:
            async with web.get(f"http://{address}/healthz", timeout=aiohttp.ClientTimeout(total=5)) as response:
                about = await response.json() if response.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            if addresses:
                raise StateError(f"no worker answers at {address}: {error}") from error
            continue
        if isinstance(about, dict) and about.get("group") == settings.group:
            answered.append(address)
        elif addresses:
            raise StateError(
                f"at {address} answers no worker of {settings.group}, but {about.get('group', 'something')}"
            )
    if not answered:
        raise StateError(
            f"no worker of {settings.group} answers at {asked[0]} or a port after it; name one with --worker "
            "host:port, or compare the folders of stopped ones with --state-dir"
        )
    return answered


@dataclass(frozen=True)
class _Asking:
    """Asks workers what they hold, and compares it with the changelogs."""

    web: aiohttp.ClientSession
    settings: Settings
    secret: str
    tell: Tell

    @property
    def by(self) -> Hashes:
        return Hashes(self.secret)

    async def ask(self, address: str, query: Mapping[str, str]) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of an answer, after the pause that a worker asks for. Raises `StateError`."""
        until = asyncio.get_running_loop().time() + BUSY_SECONDS
        while True:
            headers = {STATE_KEY: self.secret}
            async with self.web.get(f"http://{address}/state", params=query, headers=headers) as response:
                if response.status == 200:
                    return response.headers, await response.read()
                wait = float(response.headers.get("Retry-After", "0")) if response.status == 429 else 0.0
                if not wait or asyncio.get_running_loop().time() > until:
                    raise StateError(f"the worker at {address} says {await response.text()}")
            await asyncio.sleep(wait)

    async def compare(self, address: str, task: dict[str, Any], found: Verified) -> None:
        """Add what comes of one task."""
        agent, partition = task["agent"], task["partition"]
        contents = await read(self.settings, agent, partition, until=task["changelog_end"], tell=self.tell)
        differ = [name for name, told in task["tables"].items() if _digest(contents, name, self.by) != told]
        for name in differ:
            if text := await self._first_difference(address, (agent, partition, name)):
                found.differences.append(text)
                return
        found.same[contents.name] = len(contents.rows)

    async def _first_difference(self, address: str, where: tuple[str, int, str]) -> str | None:
        """Which row it is; None when there is none after all."""
        agent, partition, table = where
        text = None
        for _ in range(TRIES):
            try:
                headers, rows = await self.ask(address, {"task": f"{agent}-{partition}", "table": table})
            except StateError as error:
                return f"{agent}-{partition}, table {table}: the digests differ, and {error}"
            theirs = {rows[at : at + HASH]: rows[at + HASH : at + 2 * HASH] for at in range(0, len(rows), 2 * HASH)}
            end = int(headers["X-Changelog-End"])
            contents = await read(self.settings, agent, partition, until=end, tell=self.tell)
            text = difference(theirs, contents, (table, f"the worker at {address}"), self.by)
            if text is None:
                return None
        return text


def _digest(contents: Contents, table: str, by: Hashes) -> dict[str, Any]:
    spec, digest = spec_of(contents.agent, table), Digest()
    for (name, key), (_, data) in contents.rows.items():
        if name == table:
            digest.add(by.row(spec, key, data))
    return digest.told()


def _stores(state_dir: Path, group: str) -> list[Path]:
    return sorted(file.parent for file in state_dir.glob("**/CURRENT") if file.parent.parent.name == group)


async def folders(settings: Settings, state_dir: Path, tell: Tell) -> Verified:
    """Compare every store below a folder that belongs to this deployment. Raises `StateError` when there is none."""
    stores = _stores(state_dir, settings.group)
    if not stores:
        raise StateError(
            f"--state-dir {state_dir}: no store of {settings.group} below it (…/{settings.group}/<task>/CURRENT)"
        )
    found, counts = Verified(), await partitions(settings)
    for path in stores:
        agent, _, partition = path.name.rpartition("-")
        if agent not in TABLES or int(partition) >= counts[agent]:
            found.missing.append(f"{path}: there is no task {path.name}")
            continue
        try:
            await _folder(settings, path, (agent, int(partition)), found, tell)
        except StoreError as error:
            found.missing.append(str(error))
    return found


async def _folder(settings: Settings, path: Path, task: tuple[str, int], found: Verified, tell: Tell) -> None:
    agent, partition = task
    store, by = RocksStore.read(path), Hashes(secrets.token_hex())
    try:
        if store.mark is None:
            found.missing.append(f"{path} holds nothing yet")
            return
        contents = await read(settings, agent, partition, until=store.mark.offset, tell=tell)
        if store.mark.offsets != contents.position and contents.position:
            found.missing.append(
                f"{path}: the changelog tells another position at its mark; it was made anew, or compacted since"
            )
        for spec in TABLES[agent]:
            theirs = {by.key(key): by.row(spec, key, data) for key, data in store.scan(spec.name)}
            if text := difference(theirs, contents, (spec.name, str(path)), by):
                found.differences.append(text)
                return
        found.same[f"{contents.name} ({path})"] = len(contents.rows)
    finally:
        store.close()
