"""Looking at a port and at what listens on it: blocking, without an event loop, and never longer than the time-out."""

import socket
import ssl
import struct

_CORRELATION_ID = 7
# Metadata request for no topic: api key 3, version 1, correlation id, client id "probe", an empty list of topics.
_METADATA = struct.pack(">hhih5si", 3, 1, _CORRELATION_ID, 5, b"probe", 0)
# ApiVersions request: api key 18, version 0; brokers answer it before a login.
_VERSIONS = struct.pack(">hhih5s", 18, 0, _CORRELATION_ID, 5, b"probe")


def is_port_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Kafka does: a port in TIME_WAIT is free
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(bootstrap: str, *, timeout: float = 2.0) -> bool:
    """Whether a Kafka broker answers at one of ``host:port[,host:port…]``; ``timeout`` in seconds for each.

    One request over a plain socket: a client library retries, logs, and was seen to hang on a broker half-way up.
    """
    return any(_answers(address, timeout) for address in bootstrap.split(","))


def demand(bootstrap: str, *, timeout: float = 2.0) -> str:
    """What a broker that does not serve us asks for, as a sentence: a login or TLS; empty when it is neither.

    To a client without TLS such a broker looks like one that hangs up.
    """
    for address in bootstrap.split(","):
        for asks, what in ((_wants_login, "a login (SASL)"), (_wants_tls, "TLS")):
            try:
                if asks(_connect(address, timeout)):
                    return f"the broker at {address.strip()} wants {what}, for which this version has no settings"
            except (OSError, ValueError):
                continue
    return ""


def unreachable(bootstrap: str, error: BaseException) -> str:
    """Why Kafka could not be asked, as a sentence: nobody answers, somebody wants what we have not, or the error."""
    if answers(bootstrap):
        said = str(error) or type(error).__name__
        return f"no answer from Kafka at {bootstrap}: {said}"
    return demand(bootstrap) or silent(bootstrap)


def silent(bootstrap: str) -> str:
    """That nobody answers there, and what to look at."""
    return (
        f"no broker answers at {bootstrap}; is KAFKA_BOOTSTRAP_SERVERS right (host:port, several with commas between)? "
        "`contact-streams doctor` looks at the rest"
    )


def _connect(address: str, timeout: float) -> socket.socket:
    host, _, port = address.strip().rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=timeout)


def _wants_login(connection: socket.socket) -> bool:
    """Does it say what it speaks, and hang up at the first real question?"""
    with connection:
        connection.sendall(struct.pack(">i", len(_VERSIONS)) + _VERSIONS)
        size, correlation_id = struct.unpack(">ii", connection.recv(8, socket.MSG_WAITALL).ljust(8, b"\0"))
        if correlation_id != _CORRELATION_ID or not 0 < size < 1 << 20:
            return False
        connection.recv(size - 4, socket.MSG_WAITALL)
        try:
            connection.sendall(struct.pack(">i", len(_METADATA)) + _METADATA)
            return connection.recv(4) == b""
        except ConnectionError:
            return True


def _wants_tls(connection: socket.socket) -> bool:
    """Does it shake hands, or refuse to in TLS's own words?"""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is said, and nothing believed
    try:
        with connection, context.wrap_socket(connection):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")


def _answers(address: str, timeout: float) -> bool:
    """Whether the cluster names at least one broker: a starting one accepts connections before it takes requests."""
    try:
        with _connect(address, timeout) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA)) + _METADATA)
            # size, correlation id, number of brokers
            head = connection.recv(12, socket.MSG_WAITALL)
    except (OSError, ValueError):
        return False
    if len(head) < 12:
        return False
    _, correlation_id, brokers = struct.unpack(">iii", head)
    return bool(correlation_id == _CORRELATION_ID and brokers > 0)
