"""A record that could not be used: why, where it was, and its bytes."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.fields import BASE64, SHA256, Model, String, UtcTime, Whole

Base64 = Annotated[str, StringConstraints(strict=True, pattern=BASE64)]


class DeadLetter(Model):
    """A record that could not be used, with everything needed to repair and send it again."""

    id: String
    """Stable name of this dead letter."""
    reason: Literal[
        "unreadable",
        "missing-field",
        "wrong-type",
        "unknown-type",
        "too-large",
        "too-old",
        "in-the-future",
        "id-reused",
        "replay-refused",
        "not-configured",
        "processing",
    ]
    """The class of the problem; wrong-type covers values that are not allowed."""
    path: String | None
    """Path of the field, where one is to blame."""
    message: String
    """What is wrong and what was expected."""
    topic: String
    """Where the record was read."""
    partition: Whole
    """Its partition."""
    offset: Whole
    """Its offset."""
    key: Base64 | None
    """The first 64 KB of its key; null where it had none."""
    timestamp: UtcTime
    """Its Kafka timestamp."""
    payload: Base64
    """The first 64 KB of its value."""
    payload_sha256: Annotated[str, StringConstraints(strict=True, pattern=SHA256)]
    """SHA-256 of the whole value."""
    payload_bytes: Whole
    """Size of the whole value."""
    headers: dict[str, Base64 | None] | None = None
    """Its headers, values in base64."""
    hop: Literal["ingest", "identify", "track", "measure", "alert"]
    """The agent that gave up."""
    count: Annotated[Whole, Field(ge=2)] | None = None
    """How many records it stands for, where it is more than this one: all of this topic, partition, reason and path.
    The rest of the letter is of the first of them."""
    offsets: list[Annotated[list[Whole], Field(min_length=2, max_length=2)]] | None = None
    """With count: where they lie, as runs [first offset, last offset]."""
    traceback: String | None = None
    """Only with reason processing."""
    table: String | None = None
    """Only when it is no record but a row of our own state that was set aside: its table. Topic and key are those of
    its changelog, offset where that ended, payload all of the row."""
    part: Whole | None = None
    """Which part of a large row this is, from 1."""
    parts: Whole | None = None
    """How many parts the row has."""
