"""The product benchmark's load, and how its results are read."""

import time

import orjson
import pytest

from schemas.events import check
from streams.base.times import iso
from streams.engine import changelog
from streams.engine.assignor import place
from tests.bench.product.fill import SLOT, TEMPLATES, templates
from tests.bench.product.latency import Answers
from tests.bench.product.load import EVENTS_PER_CONTACT, Load, Sent, customer_id
from tests.bench.product.rebalance import Step, longest_gap, moves
from tests.bench.product.rig import HOPS, Cpu
from tests.support.offline import deployment

START = 1_700_000_000_000


def test_the_same_seed_makes_the_same_load_and_another_one_does_not() -> None:
    first, again, other = (list(Load(200, 50, START, 1000, seed)) for seed in (1, 1, 2))
    assert first == again
    assert [sent.value for sent in first] != [sent.value for sent in other]


def test_the_truth_counts_what_is_sent() -> None:
    load = Load(3000, 100, START, 1000)
    sent = list(load)
    truth = load.truth
    valid = [each for each in sent if each.value.endswith(b"}}")]
    assert len(sent) == truth.published == truth.events + truth.duplicates + truth.malformed
    assert truth.malformed == len(sent) - len(valid) == truth.events // 1000
    assert truth.duplicates == truth.events // 200
    events = {each.value: orjson.loads(each.value) for each in valid}
    assert len(events) == truth.events
    kinds = [event["type"] for event in events.values()]
    assert kinds.count("contact.queued") == truth.figures["offered"] == truth.contacts == 3000
    assert kinds.count("contact.connected") == truth.figures["answered"]
    assert truth.figures["answered"] + truth.figures["abandoned"] == 3000
    assert sum(event["data"].get("score", 0) for event in events.values()) * 1000 == truth.figures["csat_milli"]
    assert truth.published / 3000 == pytest.approx(EVENTS_PER_CONTACT, rel=0.02)


def test_every_event_is_valid_and_in_the_order_of_time() -> None:
    load = Load(300, 100, START, 1000)
    sent = [each for each in load if each.value.endswith(b"}}")]
    assert [check(orjson.loads(each.value)) for each in sent] == [None] * len(sent)
    assert [each.time for each in sent] == sorted(each.time for each in sent)
    assert (load.truth.first, load.truth.last) == (START, sent[-1].time)


def test_an_event_is_answered_by_the_first_journey_that_holds_it() -> None:
    answers = Answers()
    for at in (START, START + 60_000, START + 61_000):
        answers.told(Sent(at, "contacts.voice", b"k", b"{}", 7, measurable=True))
    answers.told(Sent(START + 61_000, "contacts.voice", b"k", b"{}", 7, measurable=False))
    answers.journey(8, START + 70_000, START + 70_000)
    answers.journey(7, START + 60_000, START + 60_040)
    assert answers.taken == [40]  # the very first came in the warm-up
    assert answers.open == 1


def test_the_longest_gap_that_ends_in_a_span() -> None:
    times = [0, 100, 200, 900, 1000, 5000]
    assert longest_gap(times, 150, 950) == 700
    assert longest_gap(times, 0, 950) == 700
    assert longest_gap(times, 0, 150) == 100
    assert longest_gap(times, 1000, 4000) == 0  # one that is still going on belongs to whatever ends it


def test_the_fewest_that_must_move_when_a_worker_leaves_or_joins() -> None:
    names = ("a", "b", "c")
    moved, least = moves(Step("leaves", 0, names, names[:2]), 16)
    held = [task for task, owner in place(dict.fromkeys(HOPS, 16), names).items() if owner == "c"]
    assert least == len(held)
    assert set(held) <= moved
    assert moves(Step("joins", 0, names[:2], names), 16)[1] == 4 * (16 // 3)
    assert moves(Step("nothing", 0, names, names), 16) == (set(), 0)


def test_cpu_between_two_moments_is_interpolated_and_never_guessed() -> None:
    cpu = Cpu(times=[10.0, 11.0, 12.0], seconds=[5.0, 5.5, 6.5])
    assert cpu.between(10.5, 11.5) == pytest.approx(0.75)
    with pytest.raises(ValueError, match="not sampled"):
        cpu.between(9.0, 11.0)


def test_customers_who_are_there_before_have_rows_with_their_contacts() -> None:
    """It fails where `track` publishes on a topic that it does not know."""
    rows = templates()
    assert len(rows) == TEMPLATES
    assert all(SLOT.encode() in row and b'"journeys"' in row for row in rows)


def test_a_customer_who_is_filled_in_goes_on_as_if_it_had_been_there() -> None:
    """What a row keeps of what was told holds under its other name: nothing of the past is told once more."""
    run = deployment()
    [track] = [task for task in run.tasks if task.inlet.name == "track"]
    for number, row in enumerate(templates()):
        key = changelog.encode_key("customers", f"customer:{customer_id(number)}")
        track.changelog[key] = row.replace(SLOT.encode(), customer_id(number).encode())
    track.restart()
    now = round(time.time() * 1000)
    load = Load(3 * TEMPLATES, TEMPLATES, now, 5000.0)
    for sent in load:
        run.publish(sent.topic, sent.key, sent.value, sent.time, 0)
        run.run(sent.time)
    steps = [orjson.loads(each.value) for each in run.on("journey.events") if each.value]
    assert len(load.truth.customers) > TEMPLATES // 2
    assert {each["at"] >= iso(now) for each in steps} == {True}
