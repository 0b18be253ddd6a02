"""What is proved of a customer's erasures, and how it is said where the customer is looked for."""

from collections.abc import Iterable
from typing import Any

import orjson

from streams.base.links import is_customer
from streams.base.records import LIVE
from streams.identity.erased import mark
from streams.inspect.changelogs import StateError
from streams.inspect.names import node_of
from streams.kafka.connection import connection_of
from streams.kafka.reading import read_to_end
from streams.local.text import shown
from streams.rules import Rules
from streams.settings import Settings, variable

TOPIC = "privacy.proofs"
Proof = dict[str, Any]
"""A record of the topic, see `schemas.outputs.ErasureProof`."""


async def proofs(settings: Settings, rules: Rules, name: str) -> list[Proof]:
    """What was published of a customer's erasures, by line. Raises `StateError`, `BrokerError`."""
    if settings.erasure_key is None:
        raise StateError(f"{variable('erasure_key')} is not set: a proof is known by it alone")
    return await of_customer(settings, node_of(name, settings, rules))


async def of_customer(settings: Settings, customer: str) -> list[Proof]:
    """The same of a customer's node; none without the erasure key, which alone knows whose a proof is."""
    if settings.erasure_key is None:
        return []
    subject = mark(settings.erasure_key.get_secret_value().encode(), customer)
    newest: dict[bytes | None, Proof] = {}
    async for record in read_to_end(connection_of(settings), [settings.topic_prefix + TOPIC]):
        if record.value is not None and (doc := orjson.loads(record.value))["subject"] == subject:
            newest[record.key] = doc
    return list(newest.values())


def holds(proof: Proof, line: str) -> bool:
    """An erasure on the live line is of all lines, one of a replay of that alone."""
    return proof["line"] in (LIVE, line)


def sentence(customer: str, proof: Proof) -> str:
    """That somebody is erased, until when, and by when nothing is left."""
    where = f" on the line {shown(proof['line'])}" if proof["line"] else ""
    return (
        f"{shown(customer)} is erased{where}: what is of {proof['until']} or before is gone, and by "
        f"{proof['nothing_left_after']} nothing of it is left on any topic; the proof: contact-streams customer proof "
        f"{shown(customer)}"
    )


def unknown(settings: Settings, owner: str) -> str:
    """What is added of a customer of whom nothing is known, where nobody can tell who is erased."""
    if settings.erasure_key is not None or not is_customer(owner):
        return ""
    return f"; whether it is erased can be told with {variable('erasure_key')} alone, which is not set"


def older(proofs: Iterable[Proof], count: int) -> str:
    """What becomes of records of the time before the erasure."""
    date = max(proof["nothing_left_after"] for proof in proofs)
    what = "1 published record is" if count == 1 else f"{count:,} published records are"
    return f"{what} older than the erasure: removed with the files of the topics, by {date} at the latest"
