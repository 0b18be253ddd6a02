"""A real SMTP server: TLS, a login, threads, what it refuses."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from streams.local.probe import free_port
from tests.support.notify import Post, event
from tests.support.waiting import until

smtp = pytest.importorskip("aiosmtpd.smtp")
pytest.importorskip("aiosmtplib")


@dataclass
class Mailbox:
    """What aiosmtpd was given."""

    mails: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """What the next messages are answered with."""
    port: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        mail: Message = message_from_bytes(envelope.content, policy=default)  # type: ignore[arg-type]
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given)
        return smtp.AuthResult(success=given == ("desk", "right"))

    @asynccontextmanager
    async def run(self, certificate: Path | None = None) -> AsyncIterator["Mailbox"]:
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate)
        self.port = free_port()

        def server() -> Any:
            known = {"tls_context": context, "require_starttls": True} if context else {}
            login = {"authenticator": self.login, "auth_required": True} if context else {}
            return smtp.SMTP(self, hostname="localhost", **known, **login)

        listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            listening.close()
            await listening.wait_closed()


@pytest.fixture
async def post(bootstrap: str, prefix: str) -> Post:
    return await Post(bootstrap, prefix).create()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by itself, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


def written(folder: Path, port: int, more: str) -> Path:
    file = folder / "notify.yaml"
    file.write_text(
        f"targets:\n  mail:\n    email: {{host: 127.0.0.1, port: {port}, sender: alerts@example.com, "
        f"to: [desk@example.com, lead@example.com], {more}}}\nroutes:\n  - targets: [mail]\n"
    )
    return file


async def test_the_steps_of_an_episode_are_one_thread(post: Post, tmp_path: Path) -> None:
    async with Mailbox().run() as box, post.notify(written(tmp_path, box.port, "tls: none")):
        box.answers += ["451 later", "550 never"]
        await post.publish(event(8, subject_customer="customer:a"))
        await until(lambda: len(box.answers) == 0)
        await until(post.letters)
        assert [each.message for each in (await post.letters()).values()] == ["SMTP 550"]
        await post.publish(event(1), event(1, "resolved", revision=3, because="answered"))
        await until(lambda: len(box.mails) == 2)
    fired, over = box.mails
    assert fired["Subject"] == "[critical] wait is firing: voice cards, customer:1 (gold)"
    assert over["Subject"] == "[critical] wait is resolved: voice cards, customer:1 (gold)"
    assert fired["References"] == over["References"] == over["In-Reply-To"]
    assert fired["Message-ID"] != over["Message-ID"]
    assert str(fired["To"]) == "desk@example.com, lead@example.com"
    assert "limit           2m" in fired.get_content()


async def test_a_password_goes_over_tls_only(
    post: Post, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "right")
    options = f"user: desk, password: {{env: MAIL_PASSWORD}}, ca: {certificate}"
    async with Mailbox().run(certificate) as box, post.notify(written(tmp_path, box.port, options)):
        await post.publish(event(1))
        await until(lambda: len(box.mails) == 1)
        assert box.logins == [("desk", "right")]


async def test_a_server_without_tls_is_not_used_and_one_of_another_name_neither(
    post: Post, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "right")
    options = "user: desk, password: {env: MAIL_PASSWORD}"
    async with Mailbox().run() as box:
        file = written(tmp_path, box.port, options)
        file.write_text(file.read_text().replace("\nroutes", "\n    attempts: 2\nroutes"))
        async with post.notify(file):
            await post.publish(event(1))
            await until(post.letters)
    (letter,) = (await post.letters()).values()
    assert letter.reason == "exhausted"
    assert letter.message.startswith("no SMTP connection")
    assert box.mails == box.logins == []
    async with Mailbox().run(certificate) as box:  # nobody vouches for its certificate
        file = written(tmp_path, box.port, options)
        file.write_text(file.read_text().replace("\nroutes", "\n    attempts: 2\nroutes"))
        async with post.notify(file):
            await post.publish(event(2))

            async def are_two() -> bool:
                return len(await post.letters()) == 2

            await until(are_two)
    assert box.mails == box.logins == []
