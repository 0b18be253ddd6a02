"""Alerts in memory: which are known, by which names, and what goes when there is no room."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.base.times import iso
from streams.desk.board import OVER, SEVERITIES, STATES, Board, Filter, alert_of, checked, customer_of
from streams.desk.errors import CannotAsk, UnknownAlert
from tests.support.alerts import ANN, DIGEST, T0, Doc, alert, key, step


def put(board: Board, *docs: Doc) -> None:
    for doc in docs:
        board.apply(key("alerts", doc), orjson.dumps(doc))


def numbered(number: int, **changes: object) -> Doc:
    return alert(f"high-tier-wait.{number:020x}@customer:{number}", since=iso(T0 + number), **changes)


def test_an_alert_is_known_by_each_of_its_names() -> None:
    board = Board()
    put(board, alert(), numbered(1))
    held = board.find(ANN)
    names = (ANN, ANN.partition("@")[0], held.episode_id, held.episode_id.partition("@")[0], DIGEST[:6])
    assert [board.find(name) for name in names] == [held] * 5
    assert held.doc == alert()
    for name in (ANN.replace("ann", "bob"), "", "@", DIGEST[:5], "high-tier-wait", "000000000000000000ff"):
        with pytest.raises(UnknownAlert):
            board.find(name)
    put(board, numbered(2))
    with pytest.raises(UnknownAlert, match="begin with 000000; give more of its name"):
        board.find("000000")


def test_another_episode_takes_the_place_of_the_one_before() -> None:
    board = Board()
    old, new = alert(episode_id="high-tier-wait.old@customer:ann"), alert(episode_id="high-tier-wait.new@customer:ann")
    put(board, old, new)
    assert (len(board), board.find(ANN).episode_id) == (1, new["episode_id"])
    with pytest.raises(UnknownAlert):
        board.find(old["episode_id"])
    board.apply(key("alerts", new), None)
    assert len(board) == 0
    with pytest.raises(UnknownAlert):
        board.find(ANN)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"alert_id": "x", "status": "firing"}', b'{"fingerprint": 1}'])
def test_what_is_no_alert_is_counted(value: bytes) -> None:
    board = Board()
    put(board, alert())
    board.apply(b"odd", value)
    board.apply(None, value)
    assert (len(board), board.unreadable) == (1, 1)


def test_what_is_over_goes_first_when_there_is_no_room() -> None:
    board = Board(most=10)
    put(board, *(numbered(number, state="resolved" if number % 2 else "firing") for number in range(10)))
    put(board, numbered(10))
    assert (len(board), board.left_out) == (9, 0)
    assert [each.at - T0 for each in board if each.over] == [5, 7, 9]
    put(board, *(numbered(number) for number in range(11, 30)))
    assert all(not each.over for each in board)
    assert len(board) <= 10
    assert board.left_out == 25 - len(board)
    small = Board(most_bytes=5000)
    put(small, *(numbered(number) for number in range(30)))
    assert sum(len(each.raw) for each in small) <= 5000


FILTERS = st.builds(
    Filter,
    severities=st.frozensets(st.sampled_from(SEVERITIES)),
    states=st.frozensets(st.sampled_from(STATES)),
    queue=st.sampled_from([None, "cards", "loans"]),
    since=st.none() | st.integers(T0, T0 + 20),
)


@given(
    st.lists(
        st.tuples(st.integers(0, 15), st.sampled_from(STATES), st.sampled_from(SEVERITIES), st.sampled_from(["cards", "loans"])),
        max_size=30,
    ),
    FILTERS,
    st.integers(1, 5),
)  # fmt: skip
def test_pages_together_are_what_is_asked_for(rows: list[tuple[int, str, str, str]], asked: Filter, limit: int) -> None:
    board, expected = Board(), dict[str, Doc]()
    for number, state, severity, queue in rows:
        doc = numbered(number, state=state, severity=severity, subject={"queue": queue})
        put(board, doc)
        expected[doc["fingerprint"]] = doc
    found: list[str] = []
    after: tuple[int, str] | None = None
    while page := board.select(asked, limit, after):
        found += [each.fingerprint for each in page]
        after = page[-1].at, page[-1].fingerprint
    wanted = [
        doc for doc in expected.values()
        if (doc["state"] in asked.states if asked.states else doc["state"] not in OVER)
        and (not asked.severities or doc["severity"] in asked.severities)
        and asked.queue in (None, doc["subject"]["queue"])
        and (asked.since is None or doc["since"] >= iso(asked.since))
    ]  # fmt: skip
    assert found == [doc["fingerprint"] for doc in sorted(wanted, key=lambda doc: doc["since"], reverse=True)]


def test_a_step_is_judged_by_its_alert() -> None:
    assert Filter(customer="customer:ann").fits(alert_of(orjson.dumps(step(alert()))))
    assert not Filter(line="winter").fits(alert_of(orjson.dumps(step(alert()))))
    with pytest.raises(ValueError):
        alert_of(b"{}")


def test_words_of_a_filter() -> None:
    assert checked(["firing,pending", "all"], STATES, "state", ("all",)) == {"firing", "pending", "all"}
    with pytest.raises(CannotAsk, match="state 'odd' is not known; there are pending"):
        checked(["odd"], STATES, "state")
    assert (customer_of("7"), customer_of("anonymous:email:x")) == ("customer:7", "anonymous:email:x")
