"""What an Alertmanager is told: a fold of the latest states."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Alert
from streams.base.times import iso
from streams.notify.board import ENDED_KEPT_MS, FIRES, Board
from streams.notify.formats.alertmanager import Alertmanager, posted_alert
from tests.support.notify import T0, alert

NOW = T0 + 120_000
OPTIONS = Alertmanager("http://127.0.0.1:9093", repeat=60_000)


def of(number: int, state: str = "firing", **more: Any) -> Alert:
    return Alert.model_validate(alert(number, state, **more))


def board(*, each: bool = False) -> Board:
    return Board(lambda alert, at: alert.rule != "other", each=each)


def test_alerts_of_the_same_labels_are_one_until_the_last_is_over() -> None:
    here = board()
    here.apply(of(1), NOW)
    here.apply(of(2, since=iso(T0 - 5000)), NOW)
    (firing,) = here.firing(NOW)
    told = posted_alert(firing, NOW, OPTIONS)
    assert (told["startsAt"], told["endsAt"]) == (iso(T0 - 5000), iso(NOW + 240_000))
    assert told["annotations"]["count"] == "2"
    assert not any("customer" in value for value in told["labels"].values())
    here.apply(of(2, "resolved"), NOW)
    assert posted_alert(here.firing(NOW)[0], NOW, OPTIONS)["startsAt"] == iso(T0)
    here.apply(of(1, "resolved"), NOW)
    (firing,) = here.firing(NOW)
    assert posted_alert(firing, NOW, OPTIONS)["endsAt"] == iso(T0 + 60_000)
    assert here.firing(T0 + 60_000 + ENDED_KEPT_MS) == []


def test_each_by_itself_with_a_link_of_its_own() -> None:
    here = board(each=True)
    here.apply(of(1), NOW)
    here.apply(of(2), NOW)
    assert len(here.firing(NOW)) == 2
    options = Alertmanager("http://127.0.0.1:9093", generator="https://console.example.com/alerts/")
    told = posted_alert(here.firing(NOW)[0], NOW, options)
    assert told["generatorURL"] == "https://console.example.com/alerts/wait.1"
    assert told["labels"]["fingerprint"] == "wait.1"


def test_a_new_severity_ends_the_old_labels_and_silence_ends_all() -> None:
    here = board()
    here.apply(of(1, severity="warning"), NOW)
    here.changed.clear()
    here.apply(of(1, "escalated"), NOW + 1000)
    old, new = sorted(here.firing(NOW + 1000, here.changed), key=lambda firing: firing.ended is None)
    assert (dict(old.labels)["severity"], old.ended) == ("warning", NOW + 1000)
    assert (dict(new.labels)["severity"], new.ended) == ("critical", None)
    here.apply(of(1, "silenced"), NOW + 2000)
    assert {firing.ended for firing in here.firing(NOW + 2000)} == {NOW + 1000, NOW + 2000}
    here.apply(of(1), NOW + 3000)
    assert [firing.ended for firing in here.firing(NOW + 3000)] == [None, NOW + 1000]


def test_what_ended_lately_is_told_after_a_restart_and_what_ended_long_ago_is_not() -> None:
    here = board()
    here.apply(of(1, "resolved"), NOW)
    here.apply(of(2, "resolved", subject_queue="loans", resolved_at=iso(NOW - ENDED_KEPT_MS)), NOW)
    here.apply(of(3, "resolved", rule="other"), NOW)
    here.apply(of(4, line="week-5"), NOW)
    here.apply(of(5, "pending"), NOW)
    (firing,) = here.firing(NOW)
    assert (dict(firing.labels)["queue"], firing.ended) == ("cards", T0 + 60_000)
    here.remove("wait.77", NOW)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["pending", "firing", "silenced", "resolved"]), st.sampled_from(["info", "critical"])), max_size=40),
    st.integers(0, 1000),
)  # fmt: skip
def test_whatever_comes_it_fires_what_stands(history: list[tuple[int, str, str]], seed: int) -> None:
    here, told, chance = board(), dict[Any, bool](), random.Random(seed)
    latest: dict[int, Alert] = {}
    for now, (number, state, severity) in enumerate(history, NOW):
        latest[number] = of(number, state, severity=severity)
        here.apply(latest[number], now)
        if chance.random() < 0.5:
            told |= {firing.labels: firing.ended is None for firing in here.firing(now, set(here.changed))}
            here.changed.clear()
    told |= {firing.labels: firing.ended is None for firing in here.firing(NOW, set(here.changed))}
    standing = {each.severity for each in latest.values() if each.state in FIRES}
    assert {dict(labels)["severity"] for labels, fires in told.items() if fires} == standing
    assert len(here) == sum(each.state in FIRES for each in latest.values())
