"""One attempt to deliver: HTTP and SMTP, and what an answer means."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Any

import aiohttp

from streams.notify.config import Target
from streams.notify.errors import NotifyError
from streams.notify.formats import alertmanager, email, pagerduty, slack, teams, webhook
from streams.notify.formats.parts import Request, checked
from streams.notify.message import Message
from streams.notify.retrying import asked
from streams.notify.secrets import Secret, SecretMissing

RETRIED = frozenset({408, 421, 425, 429})
"""Statuses below 500 that say nothing against the request."""
Clock = Callable[[], float]
"""Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt. No text in it has an address, a secret or a word of the target's answer."""

    why: str = ""
    """Empty = delivered."""
    final: bool = False
    """The target will never take it."""
    after_ms: int | None = None
    """When the target wants to be asked again."""

    @property
    def delivered(self) -> bool:
        """Has the target said that it has it?"""
        return not self.why


DELIVERED = Outcome()


class Http:
    """Posts requests for one target; connections are kept."""

    def __init__(self, timeout_ms: int, most: int, clock: Clock) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_ms / 1000)
        self._session: aiohttp.ClientSession | None = None
        self._most, self._clock = most, clock

    async def post(self, request: Request) -> Outcome:
        """One attempt."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._most), cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.post(
                request.url, data=request.body, headers=request.headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                return judged(response.status, response.headers.get("Retry-After"), self._clock)
        except TimeoutError:
            return Outcome(f"no answer within {self._timeout.total:g} s")
        except aiohttp.ClientError as error:  # its text may have the address
            return Outcome(_named(error))
        except ValueError as error:  # of a header that cannot be sent, such as a token with a line break
            return Outcome(
                f"the request cannot be sent ({type(error).__name__}): look at the target's secrets", final=True
            )

    async def close(self) -> None:
        """End its connections."""
        if self._session is not None:
            await self._session.close()


def judged(status: int, retry_after: str | None, clock: Clock) -> Outcome:
    """What a status means."""
    if 200 <= status < 300:
        return DELIVERED
    if status in RETRIED or status >= 500:
        return Outcome(f"HTTP {status}", after_ms=asked(retry_after, round(clock() * 1000)))
    moved = " (redirects are not followed: give the address that it leads to)" if 300 <= status < 400 else ""
    return Outcome(f"HTTP {status}{moved}", final=True)


def _named(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection could be made"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known (DNS)"
    if isinstance(error, aiohttp.ClientOSError):
        return f"no connection ({error.strerror or type(error).__name__})" if error.errno else "no connection"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "it broke the connection off"
    return f"no answer of HTTP ({type(error).__name__})"


class Sender:
    """Delivers messages to one target."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target, self._clock = target, clock
        self._http = Http(target.timeout, target.parallel, clock)

    async def send(self, message: Message) -> Outcome:
        """One attempt. Whatever goes wrong is an outcome."""
        try:
            options, read = self._target.format, _read
            if isinstance(options, email.Email):
                password = None if options.password is None else await read(options.password)
                return await self._mail(message, options, password)
            return await self._http.post(await self._request(message, options))
        except SecretMissing as error:
            return Outcome(str(error))

    async def _request(self, message: Message, options: Any) -> Request:
        if isinstance(options, webhook.Webhook):
            token = None if options.token is None else await _read(options.token)
            secret = await _read(options.secret)
            return webhook.request(message, await _url(options.url), secret, int(self._clock()), token)
        if isinstance(options, slack.Slack):
            return slack.request(message, await _url(options.url))
        if isinstance(options, teams.Teams):
            return teams.request(message, await _url(options.url))
        assert isinstance(options, pagerduty.PagerDuty)
        return pagerduty.request(message, options.url, await _read(options.routing_key))

    async def fire(self, firing: list[alertmanager.Firing], now: int) -> Outcome:
        """One attempt at telling an Alertmanager all that fires."""
        options = self._target.format
        assert isinstance(options, alertmanager.Alertmanager)
        try:
            token = None if options.token is None else await _read(options.token)
        except SecretMissing as error:
            return Outcome(str(error))
        return await self._http.post(alertmanager.request(firing, options.url, now, options, token))

    async def close(self) -> None:
        """End its connections."""
        await self._http.close()

    async def _mail(self, message: Message, options: email.Email, password: str | None) -> Outcome:
        smtp = smtp_client()
        found = email.mail(message, options, formatdate(self._clock()))
        context = None
        if options.tls != "none":
            context = await asyncio.to_thread(partial(ssl.create_default_context, cafile=options.ca))
        seconds = self._target.timeout / 1000
        try:
            async with asyncio.timeout(seconds):
                refused, _ = await smtp.send(
                    found,
                    sender=options.sender,
                    recipients=list(options.to),
                    hostname=options.host,
                    port=options.port,
                    username=options.user,
                    password=password,
                    use_tls=options.tls == "tls",
                    start_tls=options.tls == "starttls",
                    tls_context=context,
                    timeout=seconds,
                )
        except smtp.SMTPRecipientsRefused as error:
            return _smtp(max(each.code for each in error.recipients))
        except smtp.SMTPResponseException as error:
            return _smtp(error.code)
        except (TimeoutError, smtp.SMTPTimeoutError):
            return Outcome(f"no answer within {seconds:g} s")
        except (smtp.SMTPException, OSError) as error:
            return Outcome(f"no SMTP connection ({type(error).__name__})")
        return DELIVERED if len(refused) < len(options.to) else Outcome("all recipients refused", final=True)


def _smtp(code: int) -> Outcome:
    return Outcome(f"SMTP {code}", final=500 <= code < 600)


def smtp_client() -> Any:
    """The library for e-mail, which only those need who send some. Raises `NotifyError`."""
    try:
        import aiosmtplib  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise NotifyError(
            "targets of the format email need the package aiosmtplib: pip install 'aiosmtplib>=4'"
        ) from None
    return aiosmtplib


async def _read(secret: Secret) -> str:
    """A file may lie on a disk that hangs."""
    return secret.read() if secret.file is None else await asyncio.to_thread(secret.read)


async def _url(url: str | Secret) -> str:
    if isinstance(url, str):
        return url
    try:
        return checked(await _read(url))
    except ValueError:
        where = f"the variable {url.env}" if url.env else f"the file {url.file}"
        raise SecretMissing(f"{where} has no http:// or https:// address") from None
