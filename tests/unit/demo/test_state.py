import base64
from typing import Any

from streams.base.times import iso
from streams.demo import figures
from streams.demo.check import compare
from streams.demo.measures import MEASURES
from streams.demo.simulator import Settings, Simulation
from streams.demo.state import JOURNEYS_KEPT, SUMMED, BoardState, Share
from tests.support.product import RULES, state_of

LINE = "demo-7-x"
START = 1_772_445_600_000
KPIS = dict.fromkeys((*SUMMED, ("service_level", "reached_threshold"), *((m.kpi, m.variant) for m in MEASURES)))
OF = {"channel": "voice", "queue": "cards", "tier": "gold"}


def reading(end: int, offered: int, length: int = 60_000, **other: Any) -> dict[str, Any]:
    figures_of = [
        {"kpi": kpi, "variant": variant, "numerator": offered if kpi == "contacts_offered" else 0, "denominator": 1}
        for kpi, variant in KPIS
    ]
    window = {"start": iso(end - length), "end": iso(end), "length_ms": length}
    record = {"dimensions": OF, "window": window, "watermark": iso(end), "status": "final", "revision": 1}
    return {**record, "line": LINE, "readings": figures_of, **other}


def test_minutes_that_overlap_add_up_to_the_whole_time() -> None:
    state = BoardState(LINE)
    # 2 contacts in the first ten seconds, 3 in the eighth: six minutes hold the first ones, then both kinds alternate.
    for step in range(1, 14):
        amount = (2 if step <= 6 else 0) + (3 if 8 <= step <= 13 else 0)
        state.apply("kpis", reading(START + step * 10_000, amount))
        assert figures.offered(state, ("voice", "cards")) == 2 + (3 if step >= 8 else 0)


def test_tiers_are_added_and_a_later_revision_replaces_an_earlier_one() -> None:
    state = BoardState(LINE)
    state.apply("kpis", reading(START, 4))
    state.apply("kpis", reading(START, 7, dimensions={**OF, "tier": "none"}))
    assert figures.offered(state, None) == 11
    state.apply("kpis", reading(START, 5, revision=2))
    state.apply("kpis", reading(START, 9))
    state.apply("kpis", reading(START, 12, dimensions={**OF, "tier": "all"}, by=["channel", "queue"]))
    assert figures.offered(state, None) == 12


def test_other_lines_and_other_topics_are_left_out() -> None:
    state = BoardState(LINE)
    assert not state.apply("kpis", reading(START, 4, line=""))
    assert not state.apply("segments", {"line": LINE})
    assert state.records == 0
    assert state.pairs() == []


def test_days_are_added_and_the_newest_reading_of_each_counts() -> None:
    state, day = BoardState(LINE), 86_400_000
    midnight = START - START % day
    for at, offered, status in ((midnight + day, 5, "provisional"), (midnight + 2 * day, 2, "final")):
        state.apply("kpis", reading(at, offered, length=day, status=status))
    assert state.of_days("contacts_offered", "all").numerator == 7
    assert not state.final()
    state.apply("kpis", reading(midnight + day, 6, length=day, revision=2))
    state.apply("kpis", reading(midnight + 7 * day, 8, length=7 * day, status="provisional"))
    assert state.of_days("contacts_offered", "all", ("voice", "cards")).numerator == 8
    assert state.final()


def test_service_level_counts_who_waits_too_long_now() -> None:
    state = BoardState(LINE)
    record = reading(START, 0)
    for each in record["readings"]:
        if each["kpi"] == "service_level":
            each["numerator"], each["denominator"] = 3, 4 if each["variant"] == "all_abandons_count" else 6
    state.apply("kpis", record)
    assert figures.service_level(state, None) == Share(3, 6)


def test_the_longest_wait_grows_with_the_clock() -> None:
    state = BoardState(LINE)
    queue = {"channel": "voice", "queue": "cards", "line": LINE, "longest_wait_ms": 0, "by_tier": {}}
    state.apply("queue.state", {**queue, "at": iso(START), "depth": 2, "oldest_entered": iso(START - 5000)})
    now = state.queues["voice", "cards"]
    assert now.longest_wait_ms(START + 1000) == 6000
    state.apply("queue.state", {**queue, "at": iso(START - 10_000), "depth": 9, "oldest_entered": None})
    assert now.depth == 2
    state.apply("queue.state", {**queue, "at": iso(START + 30_000), "depth": 0, "oldest_entered": None})
    assert now.longest_wait_ms(START + 31_000) is None
    step = START // 10_000
    assert [now.depth_at(step + offset) for offset in (-1, 0, 2, 3, 9)] == [0, 2, 2, 0, 0]


def alert(number: int, since: int, resolved: int | None = None, **other: Any) -> dict[str, Any]:
    """A step of one."""
    told = {
        "episode_id": f"a{number}", "kind": "waiting", "subject": {"contact_id": f"c{number}"}, "since": iso(since),
        "state": "resolved" if resolved else "firing", "resolved_at": iso(resolved) if resolved else None,
        "line": LINE, "revision": 2 if resolved else 1, "because": "answered" if resolved else "fired", **other,
    }  # fmt: skip
    return {"line": LINE, "alert": told}


def test_alerts_open_oldest_first_and_resolved_newest_first() -> None:
    state = BoardState(LINE)
    for record in (
        alert(1, 3000),
        alert(2, 1000),
        alert(3, 2000),
        alert(3, 2000, 9000),
        alert(4, 2000, 9500),
        alert(3, 2000),
    ):
        state.apply("alert.events", record)
    assert [each["episode_id"] for each in state.open_alerts()] == ["a2", "a1"]
    assert [each["episode_id"] for each in state.resolved_alerts()] == ["a4", "a3"]
    state.apply("alert.events", alert(5, 1000, 2000, because="withdrawn"))
    state.apply("alert.events", alert(6, 1000, kind="sentiment"))
    assert state.contacts_alerted("waiting") == {"c1", "c2", "c3", "c4"}


def test_journeys_are_the_newest_ones_that_moved_last_first() -> None:
    state = BoardState(LINE)
    for number in range(JOURNEYS_KEPT + 5):
        state.apply("journeys", {"journey_id": f"j{number}", "revision": 1, "line": LINE})
    state.apply("journeys", {"journey_id": "j7", "revision": 2, "line": LINE})
    names = [journey["journey_id"] for journey in state.newest_journeys()]
    assert names[:2] == ["j7", f"j{JOURNEYS_KEPT + 4}"]
    assert len(names) == JOURNEYS_KEPT
    assert "j4" not in names


def letter(key: str | None, offset: int) -> dict[str, Any]:
    encoded = None if key is None else base64.b64encode(key.encode()).decode()
    return {"reason": "unreadable", "key": encoded, "topic": "contacts.chat", "partition": 0, "offset": offset}


def test_dead_letters_are_ours_by_their_key_and_count_once() -> None:
    state = BoardState(LINE)
    assert state.apply("contacts.dead-letters", letter(f"{LINE}.broken-1", 1))
    assert not state.apply("contacts.dead-letters", letter(f"{LINE}.broken-1", 1))
    assert not state.apply("contacts.dead-letters", letter(f"{LINE}9.broken-1", 2))
    assert not state.apply("contacts.dead-letters", letter(None, 3))
    assert state.dead_letters == {"unreadable": 1}
    assert state.apply("contacts.dead-letters", {**letter(f"{LINE}.broken-2", 9), "count": 30, "offsets": [[9, 38]]})
    assert state.dead_letters == {"unreadable": 31}, "one letter of a flood stands for many"


def test_minutes_before_the_opening_are_not_of_the_day() -> None:
    state = BoardState(LINE, opened=START)
    state.apply("kpis", reading(START, 4))
    assert figures.offered(state, None) == 0
    state.apply("kpis", reading(START + 60_000, 3))
    assert figures.offered(state, None) == 3


def journey(owner: str, started: int, contacts: int, revision: int = 1) -> dict[str, Any]:
    name = {"journey_id": f"{owner}@{started}", "customer": owner, "revision": revision}
    return {**name, "line": LINE, "counts": {"contacts": contacts}}


def test_contacts_are_summed_over_all_journeys_of_an_owner_by_their_newest_revision() -> None:
    state = BoardState(LINE)
    for record in (
        journey("customer:C1", 1, 2),
        journey("customer:C1", 9, 1),
        journey("contact:voice:a", 1, 1),
        journey("customer:C1", 1, 3, revision=2),
        journey("customer:C1", 1, 1),
    ):
        state.apply("journeys", record)
    assert state.remove("journeys", "contact:voice:a@1")
    assert state.contacts_of() == {"customer:C1": 4}
    assert [each["journey_id"] for each in state.newest_journeys()] == ["customer:C1@1", "customer:C1@9"]
    assert not state.remove("journeys", "contact:voice:a@1"), "and of another line"


def test_a_contact_is_whose_newest_journeys_list_it() -> None:
    state = BoardState(LINE)
    for record in (
        journey("customer:C1", 1, 2) | {"contacts": [{"contact_id": "a"}, {"contact_id": "b"}]},
        journey("anonymous:phone:+1", 1, 1) | {"contacts": [{"contact_id": "c"}]},
        journey("customer:C2", 1, 2) | {"contacts": [{"contact_id": "b"}, {"contact_id": "c"}]},
    ):
        state.apply("journeys", record)
    state.remove("journeys", "anonymous:phone:+1@1")
    assert state.owners_of() == {"a": {"customer:C1"}, "b": {"customer:C1", "customer:C2"}, "c": {"customer:C2"}}


def test_a_wrong_figure_is_found() -> None:
    simulation = Simulation(Settings(LINE, START, RULES))
    state = state_of(simulation, simulation.emissions(240_000))
    assert [check for check in compare(simulation.truth, state) if not check.right] == []
    simulation.truth.of("voice", "cards").transferred += 1
    simulation.truth.of("voice", "loans").next_replies.update({1000: 1})
    contact = next(name for name, life in simulation.truth.lives.items() if life.over is not None)
    simulation.truth.shown[contact]["deadline"] = 1
    simulation.truth.alerts.pop()
    state.dead_letters["processing"] += 1
    stranger = next(owner for owner in simulation.truth.people.values() if owner.startswith("contact:"))
    state.apply("journeys", journey(stranger, 1, 1))
    wrong = [(check.name, check.where) for check in compare(simulation.truth, state) if not check.right]
    assert wrong == [
        ("transfer_rate.of_handled", ("voice", "cards")),
        ("next_response.human", ("voice", "loans")),
        ("next_response.human, of how many", ("voice", "loans")),
        ("next_response.human_p50", ("voice", "loans")),
        ("next_response.human_p50, of how many", ("voice", "loans")),
        ("next_response.human_p90", ("voice", "loans")),
        ("next_response.human_p90, of how many", ("voice", "loans")),
        ("next_response.human_p95", ("voice", "loans")),
        ("next_response.human_p95, of how many", ("voice", "loans")),
        ("contacts with somebody else", None),
        ("strangers who stay strangers", None),
        ("contacts in which agents showed: deadline", None),
        ("wait alerts raised", None),
        ("wait alerts for somebody else", None),
        ("dead letters: processing", None),
    ]
