"""A morning of five calls under two policies, by numbers that were computed by hand."""

from fractions import Fraction

import pytest

from streams.policies.compare import Incomparable, break_even, one_currency
from streams.policies.figures import Outcome, outcome, whole
from streams.policies.policy import Policy
from streams.policies.queues import handle_times
from streams.policies.record import Need, Record, Recorded, Stay
from streams.rules.policies import Known, policy

KNOWN = Known(("platinum", "gold", "silver", "red"))
SATISFIED = 4000


def named(name: str) -> Policy:
    return policy(name, KNOWN)


def call(name: str, tier: str, entered: int, left: int, handled: int | None, **more: object) -> Recorded:
    """A call in the queue ``sales``; seconds. Without a handle time it was abandoned."""
    outcome = "abandoned" if handled is None else "answered"
    fields: dict[str, object] = {
        "id": name,
        "channel": "voice",
        "owner": f"customer:{name}",
        "started": entered * 1000,
        "outcome": outcome,
        "stays": (Stay("sales", entered * 1000, left * 1000, outcome),),
        "tier": tier,
        "answered": None if handled is None else left * 1000,
        "handle_ms": (handled or 0) * 1000,
    }
    return Recorded(**{**fields, **more})  # type: ignore[arg-type]


# One agent, first come first served: free at 0, 60, 120 and 240 s. Mean handle time 75 s.
MORNING = (
    call("x1", "none", 0, 0, 60),
    call("x2", "none", 10, 60, 60),
    call("p1", "platinum", 20, 100, None),
    call("g1", "gold", 30, 120, 120),
    call("x3", "none", 40, 240, 60),
)


RECORD = Record(MORNING)


def under(name: str, record: Record = RECORD, promises: str | None = None) -> Outcome:
    return outcome(record, name, named(name), SATISFIED, None if promises is None else named(promises))


def test_the_mean_handle_time_of_a_queue() -> None:
    assert handle_times(MORNING) == {("voice", "sales"): 75_000}


def test_one_size_gives_the_record() -> None:
    total = under("one-size-fits-all").total
    assert (total.contacts, total.offered, total.answered, total.abandoned, total.rescued) == (5, 5, 4, 1, 0)
    assert total.mean_wait_ms == (0 + 50_000 + 90_000 + 200_000) // 4
    assert (total.in_time, total.timed) == (1, 5), "within 30 s: x1"
    # x1, x2, x3: 60 + 1 min × 75; g1: 60 + 2 min × 75; p1: 60 for the call alone
    assert total.cost == 3 * 135 + 210 + 60
    # p1 gave up; x3 waited 200 s, the limit is 180 s
    assert (total.broken, total.late, total.gave_up, total.customers_broken) == (2, 1, 1, 2)
    assert total.at_risk == 14_400 + 240, "6 % of 2,400.00 and 3 % of 80.00"


def test_tiered_takes_the_platinum_customer_first() -> None:
    """At 60 s p1 is taken instead of x2, 75 s of work more: at 120 s g1, at 135 s x2, at 240 s x3."""
    found = under("tiered")
    total = found.total
    assert (total.answered, total.abandoned, total.rescued) == (5, 0, 1)
    assert total.wait_ms == 0 + 125_000 + 40_000 + 90_000 + 200_000
    # p1: 60 + 75 s × 105; g1: 60 + 2 min × 105; the others as before
    assert total.cost == Fraction("191.25") + 270 + 3 * 135
    assert whole(total.cost) == 866
    assert {name: sums.cost for name, sums in found.services.items()} == {
        "open": 405, "concierge": Fraction("191.25"), "gold": 270,
    }  # fmt: skip
    # p1 waited 40 s of 20 s, g1 90 s of 45 s; the others less than 5 minutes
    assert (total.broken, total.late, total.gave_up) == (2, 2, 0)
    assert {key: sums.at_risk for key, sums in found.risks.items()} == {
        ("gold", "none"): 4_500, ("none", "none"): 0, ("platinum", "none"): 14_400,
    }  # fmt: skip


def test_targets_met_and_missed() -> None:
    found = {(target.service, target.name): (target.found, target.met) for target in under("tiered").targets}
    assert found == {
        ("concierge", "service_level"): (0, False),
        ("concierge", "abandonment"): (0, True),
        ("concierge", "csat"): (None, None),
        ("concierge", "first_contact_resolution"): (None, None),
        ("gold", "service_level"): (0, False),
        ("gold", "abandonment"): (0, True),
        ("gold", "csat"): (None, None),
        ("gold", "first_contact_resolution"): (None, None),
        # within 120 s: x1 of x1 (0 s), x2 (125 s), x3 (200 s)
        ("open", "service_level"): (Fraction(100, 3), False),
        ("open", "abandonment"): (0, True),
        ("open", "cost_per_contact"): (135, True),
    }


def test_in_time_and_targets_go_by_whose_promises_hold() -> None:
    """One size answers x1 alone within 30 s. Tiered's own softer limits (120 s for x1, x2, x3) do not make it better."""
    found = under("tiered", promises="one-size-fits-all")
    assert (found.total.in_time, found.total.timed) == (1, 5), "within 30 s: x1; p1 waits 40 s"
    targets = {(target.service, target.name): (target.found, target.met) for target in found.targets}
    assert targets["everybody", "service_level"] == (20, False)
    assert {service for service, _ in targets} == {"everybody"}
    assert found.promised["everybody"].contacts == sum(sums.contacts for sums in found.services.values()) == 5
    assert found.promised["everybody"].customers == 5
    back = under("one-size-fits-all", promises="tiered")
    assert (back.total.in_time, back.total.timed) == (2, 5), "x1, and x2 within 120 s"
    assert [(target.service, target.found) for target in back.targets if target.name == "service_level"] == [
        ("concierge", 0), ("gold", 0), ("open", Fraction(200, 3)),
    ]  # fmt: skip


def test_break_even_by_promises_of_their_own_and_by_the_same() -> None:
    own = break_even(under("one-size-fits-all"), under("tiered"))
    assert own.extra_cost == Fraction("191.25")
    assert own.value_kept == 14_640 - 18_900
    assert not own.pays
    assert own.mean_margin == Fraction(240_000 + 90_000 + 3 * 8_000, 5) == 70_800
    same = break_even(
        under("one-size-fits-all", promises="one-size-fits-all"), under("tiered", promises="one-size-fits-all")
    )
    assert same.value_kept == 14_640 - 240, "x3 alone waits too long"
    assert same.to_keep == Fraction("191.25") / 70_800
    assert same.kept == Fraction("0.09") - Fraction("0.03")
    assert same.pays
    back = break_even(under("tiered"), under("one-size-fits-all"))
    assert (back.extra_cost, back.to_keep, back.pays) == (Fraction("-191.25"), 0, True)


def test_a_customer_counts_once_with_the_tier_of_the_latest_contact() -> None:
    calls = (
        call("a", "gold", 0, 300, None, owner="customer:7"),
        call("b", "platinum", 1000, 1300, None, owner="customer:7"),
        call("c", "platinum", 2000, 2000, 60, owner="customer:7"),
    )
    total = under("tiered", Record(calls)).total
    assert (total.broken, total.customers, total.customers_broken) == (2, 1, 1)
    assert (total.at_risk, total.margin) == (14_400, 240_000)


def test_feeling_satisfaction_and_needs() -> None:
    calls = (
        call("a", "gold", 0, 0, 60, sentiment_milli=-401, csat_milli=4000),
        call("b", "gold", 10, 10, 60, sentiment_milli=-400, csat_milli=3999),
    )
    needs = (Need("customer:a", True, "gold"), Need("customer:b", False, "gold"), Need("customer:b", True, "silver"))
    found = under("tiered", Record(calls, needs))
    assert (found.total.soured, found.total.broken) == (1, 1), "the limit itself is kept"
    assert (found.total.csat_answers, found.total.csat_satisfied) == (2, 1)
    assert found.services["gold"].first_contact_resolution == 50
    assert found.services["standard"].first_contact_resolution == 100


def test_contained_by_a_bot_costs_the_channel_alone_and_an_email_is_never_late() -> None:
    bot = Recorded("b", "bot", "contact:bot:b", 0, "contained", handle_ms=60_000)
    mail = call("m", "platinum", 0, 86_400, 120, channel="email")
    ticket = call("t", "none", 0, 1, 0, channel="ticket")
    found = under("tiered", Record((bot, mail, ticket)))
    assert found.channels["bot"].cost == 5
    assert found.channels["email"].cost == 25 + 2 * 105
    assert (found.total.offered, found.total.broken) == (0, 0)
    assert found.unpriced == ("ticket",)
    assert found.services["open"].contacts == 2


def test_the_route_of_a_type_says_who_takes_it() -> None:
    routed = under("tiered", Record((call("a", "silver", 0, 0, 60, type="service"),)))
    assert routed.total.cost == 60 + 105, "service customers are the seniors'"
    other = under("tiered", Record((call("a", "silver", 0, 0, 60, type="value"),)))
    assert other.total.cost == 60 + 75, "the route of value says no agent: that of the line"


def test_a_call_of_ours_asked_for_nothing_and_costs() -> None:
    total = under("tiered", Record((call("a", "gold", 0, 0, 60, ours=True, stays=()),))).total
    assert (total.offered, total.cost, total.service_level) == (0, 165, None)


def test_two_queues_one_after_the_other() -> None:
    """Flowed out of the first one, as in the record; its wait is in both."""
    moved = call("a", "gold", 0, 0, 60, stays=(
        Stay("sales", 0, 30_000, "flow_out"), Stay("loans", 30_000, 50_000, "answered"),
    ), answered=50_000)  # fmt: skip
    assert under("tiered", Record((moved,))).total.wait_ms == 50_000


def test_currencies_do_not_mix() -> None:
    dollars = policy("one-size-fits-all", KNOWN)
    object.__setattr__(dollars, "currency", "USD")
    assert one_currency([("tiered", named("tiered"))]) == "EUR"
    with pytest.raises(Incomparable, match=r"different currencies \(tiered: EUR, x: USD\)"):
        one_currency([("tiered", named("tiered")), ("x", dollars)])


@pytest.mark.parametrize(
    ("cents", "expected"), [(Fraction(1, 2), 1), (Fraction(49, 100), 0), (Fraction(-1, 2), 0), (Fraction(-3, 4), -1)]
)
def test_a_half_cent_is_rounded_up(cents: Fraction, expected: int) -> None:
    assert whole(cents) == expected
