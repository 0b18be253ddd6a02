"""What the peers in Python share: the contract of W and what an event does to a customer. Imported by each in its venv.

The states are dicts of JSON's types, which is what these systems keep in their changelogs.
"""

from argparse import ArgumentParser, Namespace
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]
Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
PANE_MS = 10_000
LIMIT = -0.6


class Event(msgspec.Struct, gc=False):
    """An event; what does not decode into it is malformed."""

    id: Text
    source: Text
    type: Literal["contact.queued", "contact.connected", "contact.message", "contact.ended", "contact.feedback"]
    time: Time
    contact_id: Text
    customer_id: Text
    channel: Literal["voice", "chat", "email", "messaging", "social"]
    queue: Text
    sentiment: Annotated[float, msgspec.Meta(ge=-1, le=1)] | None
    wait_s: Annotated[float, msgspec.Meta(ge=0)] | None
    text: str | None

    @property
    def time_ms(self) -> int:
        """Its time in milliseconds since the epoch."""
        return int(datetime.fromisoformat(self.time).timestamp() * 1000)

    @property
    def wait_ms(self) -> int | None:
        """The wait as an integer."""
        return None if self.wait_s is None else round(self.wait_s * 1000)


class Interaction(msgspec.Struct, gc=False):
    """What a customer's state needs of an event that has been checked."""

    type: str
    time: str
    contact_id: str
    customer_id: str
    channel: str
    sentiment: float | None
    wait_s: float | None


_decode = msgspec.json.Decoder(Event).decode
interaction = msgspec.json.Decoder(Interaction).decode


def check(raw: bytes) -> Event | None:
    """The event; None when it is malformed."""
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def new_customer() -> dict[str, Any]:
    """Nothing has happened yet."""
    return {"n": 0, "last": "", "open": {}, "ewma": 0.0, "wait_ms": 0, "touch": []}


def fold(state: dict[str, Any], event: Interaction) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The customer's next state, and the alert when there is one."""
    opened, ewma, wait = state["open"], state["ewma"], state["wait_ms"]
    if event.type == "contact.queued":
        opened = {**opened, event.contact_id: event.time}
    elif event.type == "contact.ended":
        opened = {contact: since for contact, since in opened.items() if contact != event.contact_id}
    if event.sentiment is not None:
        ewma = 0.7 * ewma + 0.3 * event.sentiment
    if event.wait_s is not None:
        wait += round(event.wait_s * 1000)
    number = state["n"] + 1
    touch = [*state["touch"][-4:], f"{event.channel}:{event.type}"]
    after = {"n": number, "last": event.time, "open": opened, "ewma": ewma, "wait_ms": wait, "touch": touch}
    if ewma < LIMIT <= state["ewma"] and number >= 3:
        return after, {"customer": event.customer_id, "ewma": ewma, "n": number}
    return after, None


def options() -> Namespace:
    """What the harness says."""
    parser = ArgumentParser()
    for name in ("--bootstrap", "--prefix", "--app", "--state"):
        parser.add_argument(name, required=True)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()
