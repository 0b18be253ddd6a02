"""What a broker that hangs up wants: told apart by how it hangs up, as Kafka 4 was seen to."""

import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from streams.local import probe

Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[str]:
    """``host:port`` of something that serves each connection like this."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError, struct.error):
                    serve(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def request(connection: socket.socket) -> tuple[int, int]:
    """API and correlation id of the next request."""
    (size,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
    api, _, correlation_id = struct.unpack(">hhi", connection.recv(size, socket.MSG_WAITALL)[:8])
    return api, correlation_id


def answer(connection: socket.socket, correlation_id: int, body: bytes = b"\0\0\0\0\0\1") -> None:
    connection.sendall(struct.pack(">ii", 4 + len(body), correlation_id) + body)


def sasl(connection: socket.socket) -> None:
    api, correlation_id = request(connection)
    assert api == 18
    answer(connection, correlation_id)
    request(connection)


def plain(connection: socket.socket) -> None:
    for _ in range(2):
        answer(connection, request(connection)[1])


def test_a_broker_that_wants_a_login() -> None:
    with server(sasl) as address:
        assert probe.demand(address) == (
            f"the broker at {address} wants a login (SASL), for which this version has no settings"
        )


def test_a_broker_that_wants_nothing_and_what_is_no_broker() -> None:
    with server(plain) as address:
        assert probe.demand(address) == ""
    with server(lambda connection: None) as address:
        assert probe.demand(address) == ""
    with server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as address:
        assert probe.demand(address) == ""
    assert probe.demand(f"127.0.0.1:{probe.free_port()}, nonsense") == ""


def test_a_broker_that_wants_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker", "-days", "1"]
    try:
        subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with server(serve) as address:
        assert probe.demand(address) == f"the broker at {address} wants TLS, for which this version has no settings"


def test_why_kafka_could_not_be_asked_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs_up(connection: socket.socket) -> None:
        api, correlation_id = request(connection)
        if api == 18:
            answer(connection, correlation_id)
            request(connection)

    error = RuntimeError("NotController: try another one")
    assert probe.unreachable("127.0.0.1:1", error).startswith("no broker answers at 127.0.0.1:1; is KAFKA_BOOTSTRAP_")
    with server(hangs_up) as address:
        assert probe.unreachable(address, error).startswith(f"the broker at {address} wants a login")
    monkeypatch.setattr(probe, "answers", lambda _: True)
    assert probe.unreachable("kafka:1", error) == "no answer from Kafka at kafka:1: NotController: try another one"
    assert probe.unreachable("kafka:1", TimeoutError()) == "no answer from Kafka at kafka:1: TimeoutError"
