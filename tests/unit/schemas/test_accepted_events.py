"""What is accepted as an event, and what becomes of it."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from schemas.data import ContactQueuedData
from schemas.events import EVENTS, check, parse
from schemas.fields import utc_text
from tests.support.contract import QUEUED, event


def test_an_event_becomes_its_model() -> None:
    found = parse(event(identifiers=[{"kind": "phone", "value": "+442079460123"}], shop="kept"))
    assert isinstance(found, EVENTS["contact.queued"])
    assert isinstance(found.data, ContactQueuedData)
    assert (found.data.contact_id, found.data.queue, found.data.priority) == ("call-1", "cards", 2)
    assert [(i.kind, i.value) for i in found.data.identifiers or []] == [("phone", "+442079460123")]
    assert found.data.model_extra == {"shop": "kept"}
    assert (found.line, found.subject, found.data.tier) == ("", None, None)


def test_defaults_are_the_contracts() -> None:
    assert parse(event(type_="contact.initiated")).data.direction == "inbound"
    assert parse(event(type_="contact.initiated")).data.opened_by == "customer"
    assert parse(event(type_="contact.connected")).data.party == "human"
    assert parse(event(type_="contact.transferred")).data.kind == "cold"
    assert parse(event(type_="contact.ended", by="customer")).data.reason == "completed"
    assert parse(event(type_="post.answered")).data.author == "agent"


def test_null_is_the_same_as_left_out_for_optional_fields() -> None:
    assert check(event(customer_id=None, identifiers=None, tier=None, priority=None)) is None
    assert check(event("replayid", None)) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T09:15:04.120Z", datetime(2026, 3, 2, 9, 15, 4, 120_000, UTC)),
        ("2026-03-02t09:15:04z", datetime(2026, 3, 2, 9, 15, 4, 0, UTC)),
        ("2026-03-02 10:15:04+01:00", datetime(2026, 3, 2, 9, 15, 4, 0, UTC)),
        ("2026-03-02T09:15:04.1209999999Z", datetime(2026, 3, 2, 9, 15, 4, 120_999, UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1970-01-01T14:00:00+14:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1969-12-31T10:00:00-14:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2100-01-01T00:00:00.000Z", datetime(2100, 1, 1, tzinfo=UTC)),
        ("2100-01-01T14:00:00+14:00", datetime(2100, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_aware_and_exact_in_milliseconds(text: str, moment: datetime) -> None:
    found = parse(event("time", text))
    assert found.time == moment
    assert found.time_ms == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def test_time_in_milliseconds_and_as_published() -> None:
    assert parse(QUEUED).time_ms == 1_772_442_904_120
    assert utc_text(parse(event("time", "2026-03-02T10:15:04.1299+01:00")).time) == "2026-03-02T09:15:04.129Z"
    assert json.loads(parse(QUEUED).model_dump_json())["time"] == "2026-03-02T09:15:04.120Z"


@pytest.mark.parametrize(
    "value",
    [
        event("data.contact_id", "a\tb\nc\rd"),
        event("data.contact_id", "c" * 200),
        # Joiners of emoji and scripts, direction marks, a no-break space, a byte order mark.
        event("data.queue", "👩\u200d💻 \u0646\u200c\u0647 \u200eabc\u200f \xa0 \u200b\ufeff"),
        event(identifiers=[{"kind": "cookie", "value": "v" * 320}] * 50),
        event(type_="message.sent", direction="inbound", author="customer", text="\x00" + "x" * 99_999),
        event(type_="feedback.given", metric="nps", score=10),
        event(deep=json.loads("[" * 500 + "]" * 500)),
        event(
            "data.preferences",
            {"lists": json.loads("[" * 7 + "]" * 7), "p": "x" * 60_000, **{str(n): n for n in range(990)}},
            type_="customer.profile_changed",
            customer_id="c",
        ),
        event("data.ünknown-field", math.nan),
    ],
)
def test_what_the_limits_allow(value: object) -> None:
    assert check(value) is None


PROMISE = {"customer_id": "c", "promise_id": "p"}
SILENCE = {"silence_id": "s", "matchers": ["rule=x"], "ends": "2026-03-02T22:00:00Z", "by": "x", "reason": "y"}


def test_no_time_of_the_contract_is_without_edges() -> None:
    """Whatever field says "date-time" in the export refuses both ends of the calendar."""
    early, late = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"
    seen = set()
    for kind, model in EVENTS.items():
        data = model.model_fields["data"].annotation
        for name, field in getattr(data, "model_fields", {}).items():
            if "datetime" in str(field.annotation):
                seen.add(f"{kind}.{name}")
                for text in (early, late):
                    more = PROMISE | {key: value for key, value in SILENCE.items() if key != name}
                    problem = check(event(f"data.{name}", text, type_=kind, alert_id="a", action="snooze", **more))
                    assert problem is not None
                    assert problem.path == f"data.{name}"
    assert seen == {
        "contact.callback_requested.scheduled_for",
        "alert.commanded.until",
        "silence.set.ends",
        "silence.set.starts",
        "promise.made.due",
        "customer.profile_changed.contract_until",
        "customer.profile_changed.customer_since",
    }
