"""Looking at a port and at what listens on it: blocking, without an event loop, and never longer than the time-out."""

import socket
import struct

_CORRELATION_ID = 7
# Metadata request for no topic: api key 3, version 1, correlation id, client id "probe", an empty list of topics.
_METADATA = struct.pack(">hhih5si", 3, 1, _CORRELATION_ID, 5, b"probe", 0)


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


def _answers(address: str, timeout: float) -> bool:
    """Whether the cluster names at least one broker: a starting one accepts connections before it takes requests."""
    host, _, port = address.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA)) + _METADATA)
            # size, correlation id, number of brokers
            head = connection.recv(12, socket.MSG_WAITALL)
    except (OSError, ValueError):
        return False
    if len(head) < 12:
        return False
    _, correlation_id, brokers = struct.unpack(">iii", head)
    return bool(correlation_id == _CORRELATION_ID and brokers > 0)
