"""The CloudEvents 1.0 envelope that every input event wears, in structured and in binary mode."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from schemas.fields import Id, LineName, Model, String, Time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
HEADER_PREFIX = "ce_"
STRUCTURED_MODE = "application/cloudevents"

T = TypeVar("T", bound=str)
D = TypeVar("D")


class CloudEvent(Model, Generic[T, D]):
    """One event: ``T`` is the literal of its type, ``D`` the model of its data."""

    specversion: Literal["1.0"]
    """Version of the CloudEvents specification."""
    id: Id
    """Unique within the source; the pair source + id names the event, so a repeated one is counted once."""
    source: Id
    """Who publishes, for example /telephony/site-1."""
    type: T
    """What happened, in the past tense."""
    time: Time
    """When it happened: RFC 3339 with a zone."""
    data: D
    """What happened, by type."""
    subject: String | None = None
    """Not used."""
    datacontenttype: String | None = None
    """Not used: it is always JSON here."""
    dataschema: String | None = None
    """Not used."""
    replayid: LineName | None = None
    """The replay this event belongs to; absent = live."""
    timebasis: Literal["event", "received"] | None = None
    """What time is: event = when it happened, received = when the connector got it, for want of a better one."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """``CloudEvent[…, ContactQueuedData]`` is called ``ContactQueued`` in exported schemas."""
        return getattr(params[1], "__name__", str(params[1])).removesuffix("Data")

    @property
    def time_ms(self) -> int:
        """``time`` in milliseconds since the epoch, UTC, rounded down."""
        return (self.time - EPOCH) // MILLISECOND

    @property
    def line(self) -> str:
        """The event's time line: ``""`` = live, else the replay id."""
        return self.replayid or ""


# The types of events are made of this class and have its descriptions: to look for others in their sources, where there
# are none, took 0.3 s of every start.
CloudEvent.model_config["use_attribute_docstrings"] = False


def is_binary(headers: Sequence[tuple[str, bytes | None]]) -> bool:
    """Whether a Kafka record with these headers is a CloudEvent in binary mode (its value is the data alone).

    A record whose ``content-type`` begins with ``application/cloudevents`` is in structured mode, whatever else it
    carries.
    """
    names = dict(headers)
    if (names.get("content-type") or b"").startswith(STRUCTURED_MODE.encode()):
        return False
    return any(name.startswith(HEADER_PREFIX) for name in names)


def from_binary(headers: Sequence[tuple[str, bytes | None]], data: object) -> dict[str, Any]:
    """The structured event of a record in binary mode, ready for ``parse``.

    ``ce_<name>`` headers become attributes and ``content-type`` becomes ``datacontenttype``; other headers are left
    out, as are headers without a value. Of a header that comes twice the last counts. Bytes that are not UTF-8 become
    lone surrogates, so that ``check`` reports them at the attribute's path instead of this function raising.
    """
    event: dict[str, Any] = {}
    for name, value in headers:
        if value is None:
            continue
        if name.startswith(HEADER_PREFIX):
            event[name.removeprefix(HEADER_PREFIX)] = value.decode("utf-8", "surrogateescape")
        elif name.lower() == "content-type":
            event["datacontenttype"] = value.decode("utf-8", "surrogateescape")
    event["data"] = data
    return event
