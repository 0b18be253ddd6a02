"""The HTTP API on a real broker: what it reads, what it writes, whom it lets in, and the stream."""

import asyncio
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from schemas import registry
from schemas.events import check
from streams import settings as settings_module
from streams.api import gate, tokens
from streams.api.server import ApiError, listening, server_of
from streams.base.times import iso
from streams.desk.reading import now_ms
from streams.kafka.connection import connection_of
from streams.kafka.reading import values_of
from streams.settings import Settings
from tests.support import alerts as made
from tests.support import jwts
from tests.support.api import Api, events, serving
from tests.support.pages import ROOT, text
from tests.support.waiting import until

BOB = f"queue-long.{'b' * 20}@customer:bob"
EVE = f"high-tier-wait.{'e' * 20}@customer:eve"
SHORT = made.ANN.partition("@")[0]
HOUR = 3_600_000


@pytest.fixture
async def settings(bootstrap: str, prefix: str) -> Settings:
    found = settings_module.load(bootstrap_servers=bootstrap, topic_prefix=prefix)
    await made.create(found)
    return found


@pytest.fixture
async def api(settings: Settings, tmp_path: Path) -> AsyncIterator[Api]:
    """With an alert that fires, one that is silenced, and one that is over."""
    bob = made.alert(BOB, severity="warning", state="silenced", since=iso(made.T0 + 1000), subject={"queue": "loans"})
    await made.tell(settings, "alerts", made.alert(), bob, made.alert(EVE, state="resolved", because="answered"))
    async with serving(settings, tmp_path) as found:
        yield found


async def published(settings: Settings, topic: str) -> list[dict[str, Any]]:
    return [orjson.loads(each) async for each in values_of(connection_of(settings), settings.topic_prefix + topic)]


async def test_alerts_by_filters_and_pages(api: Api) -> None:
    async def names(query: str) -> list[str]:
        found = await api.get(f"/alerts{query}")
        return [each["fingerprint"] for each in found["alerts"]]

    assert await names("") == [BOB, made.ANN]
    assert await names("?state=all") == [BOB, EVE, made.ANN] or await names("?state=all") == [BOB, made.ANN, EVE]
    assert await names("?state=resolved,expired") == [EVE]
    assert await names("?severity=critical") == [made.ANN]
    assert await names("?rule=queue-long&rule=none") == [BOB]
    assert await names("?customer=ann") == await names("?customer=customer:ann") == [made.ANN]
    assert await names("?queue=loans") == [BOB]
    assert await names("?tier=gold&queue=cards") == [made.ANN]
    assert await names(f"?since={iso(made.T0 + 1)}") == [BOB]
    assert await names("?line=winter") == []
    first = await api.get("/alerts?limit=1")
    assert [each["fingerprint"] for each in first["alerts"]] == [BOB]
    second = await api.get(f"/alerts?limit=1&after={first['next']}")
    assert ([each["fingerprint"] for each in second["alerts"]], second["next"]) == ([made.ANN], None)
    assert first["alerts"][0] == made.alert(
        BOB, severity="warning", state="silenced", since=iso(made.T0 + 1000), subject={"queue": "loans"}
    )


async def test_a_filter_that_means_nothing_is_refused(api: Api) -> None:
    for query, said in (
        ("state=odd", "state 'odd' is not known; there are pending, firing"),
        ("severity=fatal", "severity 'fatal' is not known; there are critical, warning, info"),
        ("since=yesterday", "since: 'yesterday' is no time"),
        ("after=x", "after: 'x' is no `next` of a page"),
        ("limit=1000", "limit: "),
        ("color=red", "color: "),
    ):
        problem = await api.get(f"/alerts?{query}", status=422)
        assert said in problem["detail"]
        assert (problem["type"], problem["title"]) == ("urn:contact-streams:not-understood", "Unprocessable Entity")


async def test_from_an_alert_to_its_reason_its_rule_its_history_and_its_journey(api: Api, settings: Settings) -> None:
    fired, other = made.step(made.alert()), made.step(made.alert(BOB))
    acknowledged = made.step(
        made.alert(state="acknowledged", because="acknowledged", revision=2), "firing", by="sam", note="on it"
    )
    before = made.step(made.alert(episode_id="high-tier-wait.old@customer:ann"))
    await made.tell(settings, "alert.events", before, fired, other, acknowledged)
    current = made.journey(updated="2026-03-02T09:20:00.000Z")
    older = made.journey("customer:ann@2026-03-01T09:00:00.000Z", updated="2026-03-01T09:20:00.000Z")
    await made.tell(
        settings, "journeys", current, older, made.journey("customer:eve@2026-03-02T09:00:00.000Z", "customer:eve")
    )
    for name in (made.ANN, SHORT, made.alert()["episode_id"], made.DIGEST[:8]):
        found = await api.get(f"/alerts/{name}")
        assert found["alert"]["fingerprint"] == made.ANN
    assert found["evidence"]["event_ids"] == ["call-1-queued"]
    assert found["evidence"]["says"] == "waiting 2 min 0 s, limit 2 min 0 s"
    assert "name: high-tier-wait" in found["rule"]["text"]
    assert [each["event_id"] for each in (await api.get(found["links"]["history"]))["steps"]] == [
        fired["event_id"], acknowledged["event_id"]
    ]  # fmt: skip
    assert len((await api.get(f"{found['links']['history']}?episode=all"))["steps"]) == 3
    await until(lambda: len(api.server.desk.journeys) == 2)
    assert await api.get(found["links"]["journey"]) == current
    await made.put(settings, "journeys", [(made.JOURNEY.encode(), None)])
    await until(lambda: len(api.server.desk.journeys) == 1)
    assert "no journey of customer:ann" in (await api.get(found["links"]["journey"], status=404))["detail"]
    assert "no journey of customer:bob" in (await api.get(f"/alerts/{BOB}/journey", status=404))["detail"]
    listed = {each["name"]: each for each in (await api.get("/rules"))["rules"]}
    assert listed["high-tier-wait"] == found["rule"]


async def test_an_alert_that_is_not_known(api: Api) -> None:
    for path in ("", "/history", "/journey"):
        problem = await api.get(f"/alerts/none.{'0' * 20}{path}", status=404)
        assert problem["type"] == "urn:contact-streams:alert-unknown"
    await api.ask("POST", "/alerts/none/commands", "operator", 404, {"action": "acknowledge"})
    assert (await api.get("/nothing", status=404))["type"] == "urn:contact-streams:no-such-path"


async def test_a_command_is_an_event_with_an_audit_record(api: Api, settings: Settings) -> None:
    body = {"action": "snooze", "until": iso(now_ms() + HOUR), "note": "lunch"}
    sent = await api.ask("POST", f"/alerts/{SHORT}/commands", "operator", 202, body)
    (event,) = await published(settings, "alert.commands")
    assert check(event) is None
    assert (event["id"], event["type"], event["source"]) == (
        sent["command_id"], "alert.commanded", "/contact-streams/api"
    )  # fmt: skip
    assert event["data"] == {"alert_id": made.alert()["episode_id"], "by": "operator", **body}
    (record,) = await published(settings, "api.audit")
    assert registry.topics()["api.audit"].check(record) is None
    told = {name: record[name] for name in ("who", "by", "role", "action", "target", "command_id", "result", "status")}
    assert told == {
        "who": "operator", "by": "token", "role": "operator", "action": "snooze", "target": SHORT,
        "command_id": sent["command_id"], "result": "accepted", "status": 202,
    }  # fmt: skip
    assert record["asked"] == {"until": body["until"]}
    assert "lunch" not in json.dumps(record)


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    (EVE, {"action": "acknowledge"}, 409, "the alert is over (resolved at"),
    (SHORT, {"action": "snooze"}, 422, "until is missing"),
    (SHORT, {"action": "snooze", "until": "2020-01-01T00:00:00Z"}, 422, "is past"),
    (SHORT, {"action": "snooze", "until": "soon"}, 422, "until: 'soon' is no time"),
    (SHORT, {"action": "assign"}, 422, "to is missing"),
    (SHORT, {"action": "comment"}, 422, "note is missing"),
    (SHORT, {"action": "close", "note": "x" * 201}, 422, "note must have at most 200 characters"),
    (SHORT, {"action": "explode"}, 422, "action: "),
    (SHORT, {"action": "close", "by": "somebody else"}, 422, "by: "),
]


async def test_a_command_that_cannot_be_is_refused_and_noted(api: Api, settings: Settings) -> None:
    for alert, body, status, said in REFUSED:
        problem = await api.ask("POST", f"/alerts/{alert}/commands", "operator", status, body)
        assert said in problem["detail"]
    assert await published(settings, "alert.commands") == []
    noted = [(each["result"], each["status"], each["command_id"]) for each in await published(settings, "api.audit")]
    assert noted == [("refused", status, None) for _, _, status, _ in REFUSED]


async def test_silences_are_set_listed_and_ended(api: Api, settings: Settings) -> None:
    body = {"matchers": ["queue=cards"], "ends": iso(now_ms() + HOUR), "reason": "repair"}
    sent = await api.ask("POST", "/silences", "operator", 202, body)
    assert sent["matches"] == 1
    listed = await until(lambda: held(api))
    assert [(each["silence_id"], each["state"], each["by"]) for each in listed] == [
        (sent["target"], "active", "operator")
    ]  # fmt: skip
    (other,) = [await api.ask("POST", "/silences", "admin", 202, {**body, "silence_id": "admins"})]
    await until(lambda: both(api))
    denied = await api.ask("DELETE", f"/silences/{other['target']}", "operator", 403)
    assert denied["detail"] == "the role operator may not do that; it takes admin"
    await api.ask("DELETE", f"/silences/{sent['target']}", "operator", 202)
    await api.ask("DELETE", "/silences/admins", "admin", 202)
    await until(lambda: none(api))
    assert (await api.ask("DELETE", "/silences/admins", "admin", 409))["detail"].startswith(
        "the silence admins is over"
    )
    assert (await api.ask("DELETE", "/silences/odd", "admin", 404))["type"] == "urn:contact-streams:silence-unknown"
    kinds = [each["type"] for each in await published(settings, "alert.silences")]
    assert kinds == ["silence.set", "silence.set", "silence.ended", "silence.ended"]
    results = [(each["who"], each["result"]) for each in await published(settings, "api.audit")]
    assert results[2:] == [
        ("operator", "denied"), ("operator", "accepted"), ("admin", "accepted"), ("admin", "refused"), ("admin", "refused")
    ]  # fmt: skip
    assert len((await api.get("/silences?over=true"))["silences"]) == 2


async def held(api: Api) -> Any:
    return (await api.get("/silences"))["silences"]


async def both(api: Api) -> bool:
    return len(await held(api)) == 2


async def none(api: Api) -> bool:
    return not await held(api)


async def test_a_silence_that_cannot_be_is_refused(api: Api, settings: Settings) -> None:
    body = {"matchers": ["queue=cards"], "ends": iso(now_ms() + HOUR), "reason": "repair"}
    for change, said in (
        ({"ends": None}, "ends: "),
        ({"ends": "2020-01-01T00:00:00Z"}, "is past; an end lies ahead"),
        ({"ends": "2099-01-01T00:00:00Z"}, "more than 30 days ahead"),
        ({"matchers": []}, "matchers are missing"),
        ({"matchers": ["cards"]}, "'cards' is no matcher"),
        ({"matchers": ["queue=~("], "reason": " "}, "reason is missing"),
        ({"starts": iso(now_ms() + 2 * HOUR)}, "does not lie behind the start"),
    ):
        assert said in (await api.ask("POST", "/silences", "operator", 422, {**body, **change}))["detail"]
    assert await published(settings, "alert.silences") == []


async def test_who_is_let_in(api: Api, settings: Settings) -> None:
    expired = tokens.make(api.file, "late", "admin", 0.001, now_ms() - 86_400_000)
    forged = api.tokens["admin"][:-1] + ("A" if api.tokens["admin"][-1] != "A" else "B")
    jwt = "eyJhbGciOiJub25lIn0.eyJyb2xlcyI6WyJhZG1pbiJdfQ."
    await asyncio.sleep(tokens.LOOK_SECONDS)  # the file is looked at once a second
    for token, said in ((expired, "has expired"), (forged, "not known"), (jwt, "not known"), ("é", "not known")):
        async with api.web.get(api.base + "/alerts", headers={"Authorization": f"Bearer {token}"}) as found:
            assert (found.status, said in (await found.json(content_type=None))["detail"]) == (401, True)
            assert found.headers["WWW-Authenticate"] == 'Bearer realm="contact-streams", error="invalid_token"'
    async with api.web.get(api.base + "/alerts") as found:
        assert (found.status, found.headers["WWW-Authenticate"]) == (401, 'Bearer realm="contact-streams"')
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        async with api.web.get(api.base + path) as found:
            assert found.status == 200
    await api.ask("POST", f"/alerts/{SHORT}/commands", "viewer", 403, {"action": "close"})
    tokens.revoke(api.file, "operator")
    await until(lambda: refused(api, "operator"))
    assert await published(settings, "alert.commands") == []
    (record,) = await published(settings, "api.audit")
    assert (record["who"], record["result"]) == ("viewer", "denied")


async def refused(api: Api, who: str) -> bool:
    async with api.web.get(api.base + "/alerts", headers=api.head(who)) as found:
        return found.status == 401


async def test_a_body_of_10_mb_is_refused_unread(api: Api) -> None:
    head = f"POST /silences HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.tokens['operator']}\r\n"
    kind = "Content-Type: application/json\r\n"
    for more, sent in (
        ("Content-Length: 10000000\r\n\r\n", b""),
        ("Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n10\r\n" + b" " * 16 + b"\r\n"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write((head + kind + more).encode() + sent)
        answer = await asyncio.wait_for(reader.read(), 5)  # it also closes the connection
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"a body has at most 65,536 bytes" in answer
        writer.close()
    async with api.web.post(api.base + "/silences", data=b"{", headers=api.head("operator")) as found:
        assert found.status in (400, 422)
    told = (await (await api.web.get(api.base + "/metrics")).text()).splitlines()
    assert 'contact_streams_api_refused_total{why="too-large"} 2.0' in told


async def test_slow_clients_are_sent_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.api.server.HEAD_SECONDS", 0.3)
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    for byte in b"GET /he":
        writer.write(bytes([byte]))
        await asyncio.sleep(0.03)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = f"POST /silences HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.tokens['operator']}\r\n"
    writer.write((head + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{").encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 408")
    writer.close()


async def test_who_asks_too_often_waits(settings: Settings, tmp_path: Path) -> None:
    async with serving(settings.model_copy(update={"api_requests_per_minute": 1}), tmp_path) as api:
        for _ in range(10):
            await api.get("/rules")
        async with api.web.get(api.base + "/rules", headers=api.head()) as found:
            assert (found.status, 1 <= int(found.headers["Retry-After"]) <= 60) == (429, True)
        await api.get("/rules", "operator")  # another's share


async def test_the_stream_goes_on_where_it_stopped(api: Api, settings: Settings) -> None:
    ann, bob = made.alert(), made.alert(BOB)

    async def step(of: dict[str, Any], revision: int) -> str:
        found = made.step({**of, "revision": revision})
        await made.tell(settings, "alert.events", found)
        return str(found["event_id"])

    await step(ann, 1)  # before anybody listens
    await until(lambda: sum(api.server.desk.follower.place.values()) == 1)
    async with api.web.get(api.base + "/stream?rule=high-tier-wait", headers=api.head()) as response:
        assert response.content_type == "text/event-stream"
        await until(lambda: len(api.server.desk.streams) == 1)
        await step(bob, 1)
        second = await step(ann, 2)
        told = events(response)
        heard = await asyncio.wait_for(anext(told), 10)
        assert (heard.event, heard.step) == ("step", second)
    missed = [await step(ann, 3), await step(ann, 4)]
    head = api.head() | {"Last-Event-ID": heard.id}
    async with api.web.get(api.base + "/stream?rule=high-tier-wait", headers=head) as response:
        told = events(response)
        assert [(await asyncio.wait_for(anext(told), 10)).step for _ in missed] == missed
        live = await step(ann, 5)
        assert (await asyncio.wait_for(anext(told), 10)).step == live
    async with api.web.get(
        api.base + "/stream", headers=api.head() | {"Last-Event-ID": "0-999.1-0.2-0.3-0"}
    ) as response:
        told = events(response)
        assert (await asyncio.wait_for(anext(told), 10)).event == "gap"
        everything = {(await asyncio.wait_for(anext(told), 10)).step for _ in range(6)}
        assert len(everything) == 6
    problem = await api.web.get(api.base + "/stream", headers=api.head() | {"Last-Event-ID": "x"})
    assert problem.status == 422
    await until(lambda: len(api.server.desk.streams) == 0)


async def test_a_stream_ends_with_its_token_and_with_the_server(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.api.live.ALIVE_SECONDS", 0.2)
    async with api.web.get(api.base + "/stream", headers=api.head()) as response:
        assert [each async for each in _lines_until(response, b"id: ", 2)]
        tokens.revoke(api.file, "viewer")
        async with asyncio.timeout(10):
            await response.content.read()
    async with api.web.get(api.base + "/stream", headers=api.head("admin")) as response:
        api.server.desk.streams.stopping.set()
        api.server.should_exit = True
        begun = time.monotonic()
        await response.content.read()
        assert time.monotonic() - begun < 2


async def _lines_until(response: aiohttp.ClientResponse, mark: bytes, times: int) -> AsyncIterator[bytes]:
    async for line in response.content:
        yield line
        times -= line.startswith(mark)
        if not times:
            return


async def test_it_says_when_it_does_not_know(settings: Settings, tmp_path: Path) -> None:
    nowhere = settings.model_copy(update={"topic_prefix": "nowhere."})
    async with serving(nowhere, tmp_path, ready=False) as api:
        found = await until(lambda: not_ready(api))
        assert found["why"] == ["topic nowhere.alerts is not on the broker; run `contact-streams topics create`"]
        assert (await api.get("/alerts", status=503))["type"] == "urn:contact-streams:not-now"


async def not_ready(api: Api) -> Any:
    async with api.web.get(api.base + "/readyz") as found:
        doc = await found.json()
        return doc if "nowhere" in doc["why"][0] else None


async def test_other_pages_may_ask_only_when_they_are_named(settings: Settings, tmp_path: Path, api: Api) -> None:
    ask = {"Origin": "https://desk.example.com", "Access-Control-Request-Method": "GET"}
    async with api.web.options(api.base + "/alerts", headers=ask) as found:
        assert "Access-Control-Allow-Origin" not in found.headers
    named = settings.model_copy(update={"api_cors_origins": "https://desk.example.com"})
    folder = tmp_path / "named"
    folder.mkdir()
    async with serving(named, folder) as other:
        async with other.web.options(other.base + "/alerts", headers=ask) as found:
            assert (found.status, found.headers["Access-Control-Allow-Origin"]) == (200, "https://desk.example.com")
        async with other.web.options(other.base + "/alerts", headers=ask | {"Origin": "https://evil"}) as found:
            assert "Access-Control-Allow-Origin" not in found.headers


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_the_examples_of_the_docs(api: Api, settings: Settings) -> None:
    await made.tell(settings, "journeys", made.journey())
    await made.tell(settings, "alert.events", made.step(made.alert()))
    page = text(ROOT / "docs" / "api.md").replace("2026-03-02T11:00:00Z", iso(now_ms() + HOUR))
    lines = [line for line in page.splitlines() if line.startswith('curl -H "$A"')]
    assert len(lines) == 5
    env = {"A": f"Authorization: Bearer {api.tokens['operator']}", "API": api.base, "PATH": os.environ["PATH"]}

    async def run(line: str) -> str:
        line = line.replace("curl", "curl -sS -m 2" if "stream" in line else "curl -fsS")
        curl = await asyncio.create_subprocess_shell(line, env=env, stdout=asyncio.subprocess.PIPE)
        return (await curl.communicate())[0].decode()

    *answers, stream = await asyncio.gather(*map(run, lines))
    shown, journey, sent, silence = map(json.loads, answers)
    assert (shown["alert"]["fingerprint"], journey["journey_id"]) == (made.ANN, made.JOURNEY)
    assert (sent["target"], silence["matches"]) == (made.alert()["episode_id"], 1)
    assert stream.startswith("retry: 2000\n\nid: ")


async def test_tokens_of_an_identity_provider(settings: Settings, tmp_path: Path) -> None:
    await made.tell(settings, "alerts", made.alert())
    jwts.write(tmp_path / "keys.json", jwts.public(jwts.RSA, "rsa"))
    oidc = {
        "api_oidc_issuer": jwts.ISSUER, "api_oidc_audience": jwts.AUDIENCE, "api_oidc_keys": str(tmp_path / "keys.json")
    }  # fmt: skip
    async with serving(settings.model_copy(update=oidc), tmp_path) as api:
        assert len((await api.get("/alerts", jwts.token(roles="viewer")))["alerts"]) == 1
        await api.get("/alerts", "viewer")  # a token of the file
        body = {"action": "acknowledge"}
        await api.ask("POST", f"/alerts/{SHORT}/commands", jwts.token(), 202, body)
        await api.ask("POST", f"/alerts/{SHORT}/commands", jwts.token(roles="viewer"), 403, body)
        late = jwts.token(exp=int(time.time()) - 60)
        for token in (late, jwts.token(aud="another"), jwts.token(jwts.OTHER), jwts.token(roles="boss")):
            assert (await api.get("/alerts", token, 401))["type"] == "urn:contact-streams:who"
    found = [(each["who"], each["by"], each["role"], each["result"]) for each in await published(settings, "api.audit")]
    assert found == [("sam", "oidc", "operator", "accepted"), ("sam", "oidc", "viewer", "denied")]
    (event,) = await published(settings, "alert.commands")
    assert event["data"]["by"] == "sam"


async def test_what_is_missing_keeps_it_from_starting(settings: Settings) -> None:
    for change, said in (
        ({}, "nobody could ask anything: set CONTACT_STREAMS_API_TOKENS"),
        ({"api_oidc_issuer": "x"}, "CONTACT_STREAMS_API_OIDC_AUDIENCE, CONTACT_STREAMS_API_OIDC_KEYS: missing"),
        ({"api_cors_origins": "*"}, "'*' is no origin such as https://desk.example.com"),
    ):
        with pytest.raises(ApiError, match=re.escape(said)):
            await server_of(settings.model_copy(update=change))
    with listening("127.0.0.1", 0) as taken, pytest.raises(ApiError, match="is taken"):
        listening("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ApiError, match="cannot be listened at"):
        listening("203.0.113.1", 0)
