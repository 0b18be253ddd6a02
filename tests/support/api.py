"""The HTTP API in the process of a test, and a client of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from streams.api import tokens
from streams.api.server import Server, listening, server_of
from streams.api.who import Role
from streams.desk.reading import now_ms
from streams.settings import Settings
from tests.support.waiting import until

ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")


@dataclass
class Api:
    """One that runs, with a token for each role."""

    base: str
    file: Path
    server: Server
    web: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    def head(self, who: str = "viewer") -> dict[str, str]:
        """Of the role's token, or the token itself."""
        return {"Authorization": f"Bearer {self.tokens.get(who, who)}"}

    async def get(self, path: str, who: str = "viewer", status: int = 200) -> Any:
        return await self.ask("GET", path, who, status)

    async def ask(
        self, method: str, path: str, who: str = "viewer", status: int = 200, body: Mapping[str, Any] | None = None
    ) -> Any:
        """The answer's JSON; its status is as expected, and a problem is one."""
        async with self.web.request(method, self.base + path, headers=self.head(who), json=body) as found:
            text = await found.text()
            assert found.status == status, f"{found.status} {text}"
            doc = json.loads(text)
            if status >= 400:
                assert found.content_type == "application/problem+json"
                assert doc["status"] == status
                assert doc["detail"]
            return doc


@asynccontextmanager
async def serving(settings: Settings, folder: Path, *, ready: bool = True) -> AsyncIterator[Api]:
    """Its settings with a file of tokens, on a free port."""
    file = folder / "tokens.jsonl"
    known = {role: tokens.make(file, role, role, 1, now_ms()) for role in ROLES}
    settings = settings.model_copy(update={"api_tokens": file, "api_port": 0})
    with listening(settings.api_host, 0) as listens:
        server = await server_of(settings)
        running = asyncio.create_task(server.serve(sockets=[listens]))
        try:
            async with aiohttp.ClientSession() as web:
                api = Api(f"http://127.0.0.1:{listens.getsockname()[1]}", file, server, web, known)
                await until(lambda: _answers(api, "/readyz" if ready else "/healthz"), 30)
                yield api
        finally:
            server.desk.streams.stopping.set()
            server.should_exit = True
            await asyncio.wait((running,), timeout=20)


async def _answers(api: Api, path: str) -> bool:
    try:
        async with api.web.get(api.base + path) as found:
            return found.status == 200
    except aiohttp.ClientError:
        return False


@dataclass
class Told:
    """An event of a stream."""

    event: str = "message"
    data: str = ""
    id: str = ""

    @property
    def step(self) -> str:
        """Of an event `step`: the name of the step."""
        return str(json.loads(self.data)["event_id"])


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Told]:
    """Server-sent events as the standard has them: what has no data is not told, its id counts all the same."""
    last, found = "", Told()
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            found.id = last
            if found.data:
                yield found
            found = Told()
        elif name == "id":
            last = value
        elif name in ("event", "data"):
            setattr(found, name, value)
