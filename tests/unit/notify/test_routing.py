"""Where steps go, in which hours, and that an end goes where its beginning went."""

from datetime import datetime
from zoneinfo import ZoneInfo

from streams.alerts.matching import matcher
from streams.hours.clock import BusinessClock
from streams.notify.routing import Path, Told, Way, attributes, ways
from tests.support.notify import T0, event

BERLIN = ZoneInfo("Europe/Berlin")
DAY = BusinessClock(BERLIN, lambda day: ((480, 1080),) if day.weekday() < 5 else ())
PATHS = (
    Path("night", ("pager",), severities=frozenset({"critical"}), closed=DAY, goes_on=True),
    Path(
        "floor",
        ("chat", "room"),
        (matcher("team=floor"), matcher("queue=~cards|loans*")),
        open=DAY,
        group_by=("queue",),
        wait_ms=5,
    ),
    Path("quiet", ("mail",), severities=frozenset({"info"}), digest_ms=3_600_000),
    Path("rest", ("desk", "chat"), tiers=frozenset({"gold"})),
)


def at(hour: int, day: int = 2) -> int:
    return round(datetime(2026, 3, day, hour, tzinfo=BERLIN).timestamp()) * 1000


def where(hour: int, **more: object) -> dict[str, str]:
    return {target: way.route for target, way in ways(PATHS, event(1, **more).alert, at(hour)).items()}


def test_the_first_route_that_fits_decides_unless_it_goes_on() -> None:
    assert where(10) == {"chat": "floor", "room": "floor"}
    assert where(20) == {"pager": "night", "desk": "rest", "chat": "rest"}
    assert where(20, severity="warning") == {"desk": "rest", "chat": "rest"}
    assert where(20, severity="info", subject_tier="silver") == {"mail": "quiet"}
    assert where(10, subject_queue="complaints", subject_tier="silver") == {}
    assert where(10, labels={}) == {"desk": "rest", "chat": "rest"}


def test_groups_are_those_of_the_route_and_its_labels() -> None:
    assert ways(PATHS, event(1).alert, at(10))["chat"] == Way("floor", "floor\ncards", 5)
    assert ways(PATHS, event(1, severity="info").alert, at(20))["mail"] == Way("quiet", None, 0, 3_600_000)


def test_attributes_are_those_of_the_alert_above_the_labels_of_its_rule() -> None:
    found = attributes(event(1, labels={"rule": "mine", "team": "floor"}).alert)
    assert (found["rule"], found["team"], found["customer"], "kpi" in found) == ("wait", "floor", "customer:1", False)


def test_an_end_goes_to_whom_the_beginning_went_to_whatever_the_hour() -> None:
    pager, chat = Told("pager", PATHS), Told("chat", PATHS)
    fired, over = event(1), event(1, "resolved", revision=3)
    assert pager.way(fired, at(20)) == Way("night")
    assert pager.way(over, at(9, 3)) == Way("night")
    assert pager.way(over, at(9, 3)) is None
    assert chat.way(fired, at(10)) is not None
    assert chat.way(event(1, "escalated", revision=3), at(20)) == Way("rest")


def test_whom_it_was_escalated_to_hears_of_its_end() -> None:
    pager = Told("pager", PATHS)
    assert pager.way(event(1, severity="warning"), at(20)) is None
    assert pager.way(event(1, "escalated", severity="critical", revision=3), at(21)) == Way("night")
    assert pager.way(event(1, "acknowledged", severity="warning", revision=4), at(21)) is None
    assert pager.way(event(1, "resolved", severity="warning", revision=5), at(23)) == Way("night")


def test_replays_and_what_is_for_nobody_notify_nobody() -> None:
    desk = Told("desk", (Path("all", ("desk",)),))
    assert desk.way(event(1, line="week-5"), T0) is None
    assert desk.way(event(1, notify=False), T0) is None


def test_digests_and_what_goes_out_at_once_are_told_apart() -> None:
    quiet = event(1, severity="info", labels={})
    assert Told("mail", PATHS).way(quiet, at(10)) is None
    assert Told("mail", PATHS, digest="quiet").way(quiet, at(10)) is not None
    assert Told("mail", PATHS, digest="other").way(quiet, at(10)) is None
