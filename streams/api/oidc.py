"""Tokens of an identity provider: JWT, checked against its key set.

What a token says of itself decides nothing: which algorithms are taken is fixed, each key is used with its own alone,
and the keys come from where the settings say.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import orjson

from streams.api.who import ROLES, Denied, Role, Who
from streams.base.errors import UserError

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""All with a public key: nothing that the key set tells makes a token."""
LEEWAY_SECONDS = 30
KEPT_SECONDS, AGAIN_SECONDS, FETCH_SECONDS = 600.0, 30.0, 5.0
"""How long keys are taken as they are; between two fetches for a key that is not known; for one fetch."""
LONGEST_KEPT_SECONDS = 86_400.0
"""When the provider is away its keys hold for so long."""
MOST_BYTES = 256 * 1024
"""Of a key set."""
MOST_CHARACTERS = 8_192
"""Of a token."""


class OidcError(UserError):
    """The settings of the identity provider cannot be used; the message says which and why."""


class KeySet:
    """The keys of a file, or of a URL; by their ids."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._keys: dict[str | None, Any] = {}
        self._read_at = self._tried_at = float("-inf")
        self._mark = 0
        self._one = asyncio.Lock()

    @property
    def remote(self) -> bool:
        """Is it a URL?"""
        return "://" in self._source

    async def open(self) -> None:
        """Read it for the first time. Raises `OidcError`."""
        if self.remote and not self._source.startswith("https://") and not _is_here(self._source):
            raise OidcError(f"{self._source}: a key set is fetched by https only, or anybody on the way could sign")
        await self._read()

    async def key(self, name: str | None) -> Any:
        """The key of this id; of a set of one, that one where the token names none. Raises `Denied`."""
        now = time.monotonic()
        if now - self._read_at > (KEPT_SECONDS if self.remote else 1.0):
            await self._again(now)
        if name not in self._keys and now - self._tried_at > AGAIN_SECONDS:
            await self._again(now)
        if time.monotonic() - self._read_at > LONGEST_KEPT_SECONDS:
            raise Denied("no-keys", "the keys of the identity provider could not be read for a day")
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        if name is None or name not in self._keys:
            raise Denied("unknown-key", "the token is signed with a key that the identity provider does not have")
        return self._keys[name]

    async def _again(self, now: float) -> None:
        async with self._one:
            if self._tried_at >= now or now - self._tried_at < min(AGAIN_SECONDS, KEPT_SECONDS if self.remote else 1.0):
                return
            try:
                await self._read()
            except OidcError as error:
                log.warning("%s; the keys that are known go on", error)

    async def _read(self) -> None:
        self._tried_at = time.monotonic()
        if not self.remote and (mark := _mark(self._source)) == self._mark and self._keys:
            self._read_at = self._tried_at
            return
        try:
            raw = await self._fetched() if self.remote else await asyncio.to_thread(Path(self._source).read_bytes)
            self._keys = _keys(orjson.loads(raw))
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError, jwt.PyJWTError) as error:
            raise OidcError(f"the key set {self._source} cannot be read: {error!r}") from error
        self._mark = 0 if self.remote else mark
        self._read_at = self._tried_at

    async def _fetched(self) -> bytes:
        limit = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        async with aiohttp.ClientSession(timeout=limit) as web, web.get(self._source, allow_redirects=False) as found:
            if found.status != 200:
                raise ValueError(f"status {found.status}")
            raw = await found.content.read(MOST_BYTES + 1)
            while len(raw) <= MOST_BYTES and (more := await found.content.read(MOST_BYTES)):
                raw += more
            if len(raw) > MOST_BYTES:
                raise ValueError(f"more than {MOST_BYTES} bytes")
            return raw


def _is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "http://[::1]:"))


def _mark(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _keys(document: Any) -> dict[str | None, Any]:
    """Those that sign, by id; keys of other kinds and secret ones are none of ours."""
    found: dict[str | None, Any] = {}
    for each in document["keys"] if isinstance(document, dict) and isinstance(document.get("keys"), list) else ():
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or each.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        try:
            key = jwt.PyJWK(each)
        except jwt.PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS:
            found[each.get("kid")] = key
    if not found:
        raise ValueError("it holds no key that signs")
    return found


class Oidc:
    """Takes the tokens of one provider that are made out for us."""

    def __init__(self, issuer: str, audience: str, keys: KeySet, roles_claim: str, name_claim: str) -> None:
        self._issuer, self._audience, self._keys = issuer, audience, keys
        self._roles, self._name = roles_claim.split("."), name_claim.split(".")

    async def who(self, token: str) -> Who:
        """Whose it is. Raises `Denied`."""
        if len(token) > MOST_CHARACTERS:
            raise Denied("malformed", "the token is too long")
        try:
            head = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Denied("malformed", "the token is no JWT") from None
        name = head.get("kid")
        key = await self._keys.key(name if isinstance(name, str) else None)
        if head.get("alg") != key.algorithm_name:
            raise Denied("algorithm", "the token is signed in a way that is not taken")
        try:
            claims = jwt.decode(
                token, key, algorithms=[key.algorithm_name], audience=self._audience, issuer=self._issuer,
                leeway=LEEWAY_SECONDS, options={"require": ["exp", "iss", "aud"]},
            )  # fmt: skip
        except jwt.ExpiredSignatureError:
            raise Denied("expired", "the token has expired") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError, jwt.MissingRequiredClaimError) as error:
            raise Denied("not-for-us", f"the token is not made out for this: {error}") from None
        except jwt.PyJWTError:
            raise Denied("forged", "the token's signature does not hold, or it is not valid yet") from None
        return self._told(claims)

    def _told(self, claims: Mapping[str, Any]) -> Who:
        name, roles = _at(claims, self._name), _at(claims, self._roles)
        if not isinstance(name, str) or not name.strip():
            raise Denied("nameless", f"the token does not say who it is: {'.'.join(self._name)} is missing")
        words = roles.split() if isinstance(roles, str) else roles if isinstance(roles, list) else []
        mine: list[Role] = [each for each in ROLES if each in words]
        if not mine:
            raise Denied(
                "no-role", f"the token gives no role: {'.'.join(self._roles)} names none of {', '.join(ROLES)}"
            )
        return Who(name[:200], "oidc", mine[-1], int((claims["exp"] + LEEWAY_SECONDS) * 1000))


def _at(claims: Mapping[str, Any], path: list[str]) -> Any:
    found: Any = claims
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
