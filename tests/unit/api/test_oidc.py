"""Tokens of an identity provider: what is taken, and each way in which one is not."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web

from streams.api import oidc
from streams.api.oidc import KeySet, Oidc, OidcError
from streams.api.who import Denied, Who
from tests.support.jwts import AUDIENCE, EC, ISSUER, OTHER, PEM, RSA, claims, public, token, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    keys = [public(RSA, "rsa"), public(EC, "ec"), {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}]
    write(path, *keys)
    return path


@pytest.fixture
async def provider(file: Path) -> Oidc:
    keys = KeySet(str(file))
    await keys.open()
    return Oidc(ISSUER, AUDIENCE, keys, "roles", "sub")


async def test_a_token_that_is_taken(provider: Oidc) -> None:
    at = int(time.time())
    found = await provider.who(token(exp=at + 60))
    assert found == Who("sam", "oidc", "operator", (at + 60 + oidc.LEEWAY_SECONDS) * 1000)
    assert (await provider.who(token(EC, "ES256", "ec", roles="viewer admin"))).role == "admin"
    assert (await provider.who(token(exp=at - 10))).name == "sam"  # clocks differ a little


async def test_roles_and_names_lie_where_the_settings_say(file: Path) -> None:
    keys = KeySet(str(file))
    await keys.open()
    provider = Oidc(ISSUER, AUDIENCE, keys, "realm_access.roles", "preferred_username")
    found = await provider.who(token(roles=None, realm_access={"roles": ["viewer"]}, preferred_username="ann"))
    assert (found.name, found.role) == ("ann", "viewer")


def unsigned() -> str:
    return jwt.encode(claims(), None, "none", {"kid": "rsa"})


def by_the_public_key() -> str:
    """HMAC with what everybody can read."""

    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    said = part(json.dumps({"alg": "HS256", "kid": "rsa"}).encode()) + b"." + part(json.dumps(claims()).encode())
    return (said + b"." + part(hmac.digest(PEM, said, hashlib.sha256))).decode()


def changed() -> str:
    """Another's claims under a good signature."""
    head, _, signature = token().split(".")
    return ".".join((head, token(OTHER, sub="eve").split(".")[1], signature))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (unsigned, "algorithm"),
        (by_the_public_key, "algorithm"),
        (lambda: token(algorithm="PS256"), "algorithm"),
        (lambda: token(EC, "ES256"), "algorithm"),
        (changed, "forged"),
        (lambda: token(OTHER), "forged"),
        (lambda: token(nbf=int(time.time()) + 3600), "forged"),
        (lambda: token(kid="new"), "unknown-key"),
        (lambda: token(kid=None), "unknown-key"),
        (lambda: token("a secret of 32 bytes, known to all", "HS256", "secret"), "unknown-key"),
        (lambda: token(exp=int(time.time()) - 60), "expired"),
        (lambda: token(exp=None), "not-for-us"),
        (lambda: token(aud="another"), "not-for-us"),
        (lambda: token(aud=None), "not-for-us"),
        (lambda: token(iss="https://evil.example.com/"), "not-for-us"),
        (lambda: token(roles=["boss"]), "no-role"),
        (lambda: token(roles=None), "no-role"),
        (lambda: token(roles={"admin": True}), "no-role"),
        (lambda: token(sub=None), "nameless"),
        (lambda: "a.b.c", "malformed"),
        (lambda: token(sub="x" * 9000), "malformed"),
    ],
)
async def test_a_token_that_is_not_taken(provider: Oidc, made: Callable[[], str], why: str) -> None:
    with pytest.raises(Denied) as denied:
        await provider.who(made())
    assert denied.value.why == why


async def test_keys_of_a_file_change_while_it_is_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "AGAIN_SECONDS", 0.0)
    keys = KeySet(str(file))
    await keys.open()
    provider = Oidc(ISSUER, AUDIENCE, keys, "roles", "sub")
    write(file, public(OTHER, "new"))
    assert (await provider.who(token(OTHER, kid="new"))).name == "sam"
    assert (await provider.who(token(OTHER, kid=None))).name == "sam"  # there is but one
    with pytest.raises(Denied):
        await provider.who(token())


@pytest.fixture
async def site() -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """A provider's key set by HTTP, what it says, and how often it was asked."""
    said: dict[str, Any] = {"keys": [public(RSA, "rsa")], "asked": 0, "status": 200}

    async def answer(_: web.Request) -> web.Response:
        said["asked"] += 1
        return web.json_response({"keys": said["keys"]}, status=said["status"])

    app = web.Application()
    app.router.add_get("/keys", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/keys", said
    await runner.cleanup()


async def test_keys_by_url_are_kept_and_fetched_again_for_a_new_one(
    site: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, said = site
    keys = KeySet(url)
    await keys.open()
    provider = Oidc(ISSUER, AUDIENCE, keys, "roles", "sub")
    for _ in range(3):
        await provider.who(token())
    assert said["asked"] == 1
    said["keys"].append(public(OTHER, "new"))
    with pytest.raises(Denied):  # asked a moment ago: whoever makes keys up cannot make us ask
        await provider.who(token(OTHER, kid="new"))
    monkeypatch.setattr(oidc, "AGAIN_SECONDS", 0.0)
    assert (await provider.who(token(OTHER, kid="new"))).name == "sam"
    assert said["asked"] == 2
    said["status"] = 500
    monkeypatch.setattr(oidc, "KEPT_SECONDS", 0.0)
    assert (await provider.who(token())).name == "sam"  # the provider is away: its keys hold
    assert said["asked"] == 3
    monkeypatch.setattr(oidc, "LONGEST_KEPT_SECONDS", 0.0)
    with pytest.raises(Denied, match="could not be read for a day"):
        await provider.who(token())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ('{"keys": []}', "no key that signs"),
        ('{"keys": [{"kty": "oct", "k": "eA"}]}', "no key"),
    ],
)
def test_a_key_set_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(OidcError, match=said):
        asyncio.run(KeySet(str(tmp_path / "keys.json")).open())


async def test_a_key_set_is_not_fetched_in_clear() -> None:
    with pytest.raises(OidcError, match="by https only"):
        await KeySet("http://id.example.com/keys").open()
