"""Orders, promises and wishes that cannot be used become dead letters, and cost nothing but themselves."""

import orjson
import pytest

from streams.base.times import DAY_MS, iso
from tests.support.offline import NOW, deployment
from tests.support.system import event, home

CUSTOMER = {"customer_id": "c"}


@pytest.mark.parametrize(
    ("kind", "data", "reason", "path"),
    [
        ("customer.profile_changed", CUSTOMER | {"time_zone": "Mars/Olympus"}, "wrong-type", "data.time_zone"),
        ("customer.profile_changed", CUSTOMER | {"time_zone": "../../etc/passwd"}, "wrong-type", "data.time_zone"),
        ("customer.profile_changed", CUSTOMER | {"country": "Italy"}, "wrong-type", "data.country"),
        ("customer.profile_changed", CUSTOMER | {"country": "ZZ"}, "wrong-type", "data.country"),
        ("customer.profile_changed", CUSTOMER | {"consent": {"": False}}, "wrong-type", "data.consent"),
        ("customer.profile_changed", CUSTOMER | {"consent": {"sms": True, " ": True}}, "wrong-type", "data.consent"),
        ("customer.profile_changed", {"customer_id": " ", "tier": "gold"}, "wrong-type", "data.customer_id"),
        ("customer.profile_changed", {"customer_id": "\u200b\n", "tier": "gold"}, "wrong-type", "data.customer_id"),
        (
            "customer.profile_changed",
            CUSTOMER | {"consent": {"marketing": "yes"}},
            "wrong-type",
            "data.consent.marketing",
        ),
        ("order.placed", {"order_id": "o"}, "missing-field", "data.customer_id"),
        ("order.placed", {"customer_id": "unknown", "order_id": "o"}, "wrong-type", "data.customer_id"),
        ("order.delivered", CUSTOMER, "missing-field", "data.order_id"),
        ("promise.made", CUSTOMER | {"promise_id": "p"}, "missing-field", "data.due"),
        ("promise.made", CUSTOMER | {"promise_id": "p", "due": iso(NOW + 400 * DAY_MS)}, "in-the-future", "data.due"),
        ("promise.kept", CUSTOMER | {"promise_id": ""}, "wrong-type", "data.promise_id"),
    ],
)
def test_bad_input_is_a_dead_letter_and_nothing_else(kind: str, data: dict[str, str], reason: str, path: str) -> None:
    [letter] = dead(event(kind, "x", NOW / 1000) | {"data": data})
    assert (letter["reason"], letter["path"]) == (reason, path)


def test_what_the_contract_lets_in_stays_in() -> None:
    """An id may hold a line break, a promise may be told when it is overdue, and a country need not be of the list of
    those whose zones are known.
    """
    run, lines = deployment(), {"customer_id": "a\nb"}
    for number, (kind, data) in enumerate(
        (
            ("order.placed", lines | {"order_id": "o"}),
            ("promise.made", CUSTOMER | {"promise_id": "p", "due": iso(NOW - DAY_MS)}),
            ("customer.profile_changed", CUSTOMER | {"country": "XK"}),
            ("customer.profile_changed", CUSTOMER | {"country": "AQ", "consent": {"a name": False}}),
        )
    ):
        one = event(kind, f"x{number}", NOW / 1000) | {"data": data}
        run.publish(*home(one), orjson.dumps(one), NOW)
    run.run(NOW)
    assert run.on("contacts.dead-letters") == []


def test_consent_from_the_future_is_a_dead_letter() -> None:
    given = event("customer.profile_changed", "x", NOW / 1000 + 3600) | {
        "data": CUSTOMER | {"consent": {"marketing": True}}
    }
    [letter] = dead(given)
    assert (letter["reason"], letter["path"]) == ("in-the-future", "time")


def dead(one: dict[str, object]) -> list[dict[str, object]]:
    """What the agents say of one event; the next one, a good one, comes through."""
    run, good = deployment(), event("order.placed", "good", NOW / 1000) | {"data": CUSTOMER | {"order_id": "o"}}
    topic, key = home(one) if "customer_id" in one["data"] else ("customers.events", b"c")  # type: ignore[operator]
    run.publish(topic, key, orjson.dumps(one), NOW)
    run.publish(*home(good), orjson.dumps(good), NOW)
    run.run(NOW)
    kinds = [orjson.loads(each.value)["kind"] for each in run.on("contact.interactions") if each.key == b"customer:c"]
    assert kinds == ["customer_event"]
    return [orjson.loads(each.value) for each in run.on("contacts.dead-letters")]
