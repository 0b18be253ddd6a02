"""Cases of alert rules as they are written: moments, events alike, mistakes with their place, steps that differ."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from streams.alerts.cases import Case, CasesFile, Expected, mistakes
from streams.base.times import to_ms

START = to_ms("2026-03-02T09:00:00Z")
QUEUED = {"at": "0s", "type": "contact.queued", "contact_id": "c-{n}", "channel": "voice", "queue": "cards"}
_FILE = TypeAdapter[Any](CasesFile)


def read(**given: Any) -> Case:
    return file(**given).cases[0]


def file(**given: Any) -> CasesFile:
    found: CasesFile = _FILE.validate_python({"cases": [{"name": "one", "events": [QUEUED], **given}]})
    return found


def expected(**given: Any) -> Expected:
    return read(transitions=[given]).transitions[0]


def step(**given: Any) -> dict[str, Any]:
    """As alert.events has it."""
    subject = {"type": "contact", "customer": "customer:ann", "queue": "cards", "tier": None}
    alert = {"rule": "r", "state": "firing", "value": 120_000, "limit": 120_000, "unit": "ms", "subject": subject}
    alert |= {"since": "2026-03-02T09:02:00.000Z", "resolved_at": None}
    return {"at": "2026-03-02T09:02:03.000Z", "because": "fired", "notify": True, "alert": alert | given}


def test_events_alike_come_one_after_the_other_with_their_numbers() -> None:
    case = read(events=[{**QUEUED, "at": "1m", "times": 3, "every": "10s"}])
    found = [(at - START, event["data"]["contact_id"], event["id"]) for at, _, event in case.happens()]
    assert found == [(60_000, "c-1", "event-1-1"), (70_000, "c-2", "event-1-2"), (80_000, "c-3", "event-1-3")]
    assert case.end == START + 80_000 + 60_000


def test_events_come_in_order_of_time_and_moments_in_them_are_reckoned_from_the_beginning() -> None:
    asked = {"at": "5s", "type": "contact.callback_requested", "contact_id": "c", "channel": "voice"}
    case = read(begins="2026-05-01T00:00:00+02:00", events=[{**QUEUED, "at": "9s"}, {**asked, "scheduled_for": "+30m"}])
    assert [event["type"] for _, _, event in case.happens()] == ["contact.callback_requested", "contact.queued"]
    _, _, first = case.happens()[0]
    assert (first["time"], first["data"]["scheduled_for"]) == ("2026-04-30T22:00:05.000Z", "2026-04-30T22:30:00.000Z")


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ({"at": "2m", "state": "firing", "because": "fired", "value": "2m", "since": "2m", "queue": "cards"}, []),
        ({"at": "2m", "value": 120_000, "notify": True, "tier": None, "resolved_at": None}, []),
        ({"at": "1m", "value": "2m"}, ["at"]),
        ({"at": "1m", "within": "63s"}, []),
        ({"at": "130s"}, ["at"]),
        ({"at": "2m", "value": "1m", "customer": "customer:bob", "notify": False}, ["value", "customer", "notify"]),
        ({"at": "2m", "since": "1m", "resolved_at": "2m"}, ["since", "resolved_at"]),
    ],
)
def test_what_differs_is_named(wanted: dict[str, Any], wrong: list[str]) -> None:
    assert expected(**wanted).differences(step(), START) == wrong


@pytest.mark.parametrize(
    ("given", "where", "what"),
    [
        ({"transitions": [{"at": "1m", "sate": "firing"}]}, ("transitions", 0), "did you mean state?"),
        ({"transitions": [{"at": "1m", "since": "soon"}]}, ("transitions", 0), "expected a duration"),
        ({"transitions": [{"state": "firing"}]}, ("transitions", 0, "at"), ""),
        ({"events": [{**QUEUED, "times": 0}]}, ("events", 0, "times"), "greater than or equal to 1"),
        ({"events": []}, ("events",), "at least 1"),
        ({"evnets": []}, ("evnets",), ""),
    ],
)
def test_what_a_case_cannot_say_is_refused(given: dict[str, Any], where: tuple[Any, ...], what: str) -> None:
    with pytest.raises(ValidationError) as refused:
        file(**given)
    problems = {each["loc"][2:]: each["msg"] for each in refused.value.errors()}
    assert where in problems
    assert what in problems[where]


@pytest.mark.parametrize(
    ("given", "path", "what"),
    [
        ({"rules": ["hihg-wait"]}, ("cases", 0, "rules", 0), "there is no rule 'hihg-wait'; did you mean high-wait?"),
        ({"begins": "soon"}, ("cases", 0, "begins"), "expected a date-time such as 2026-03-02T09:00:00Z, not 'soon'"),
        ({"events": [QUEUED, {**QUEUED, "queue": 7}]}, ("cases", 0, "events", 1), "data.queue"),
        ({"events": [{**QUEUED, "type": "contact.qeued"}]}, ("cases", 0, "events", 0), "contact.queued"),
        ({"events": [{**QUEUED, "times": 20_000}, QUEUED]}, ("cases", 0, "events"), "at most 20000 events"),
    ],
)
def test_what_does_not_fit_the_rules_or_the_contract_is_named(
    given: dict[str, Any], path: tuple[Any, ...], what: str
) -> None:
    [problem] = mistakes(file(**given), {"high-wait": None})
    assert problem.path == path
    assert what in problem.what


def test_two_cases_of_one_name() -> None:
    one = {"name": "one", "events": [QUEUED]}
    [problem] = mistakes(_FILE.validate_python({"cases": [one, one]}), {})
    assert (problem.path, problem.what) == (("cases", 1, "name"), "another case is called 'one'")


def test_an_event_that_is_meant_to_be_refused_and_a_command_for_an_alert_are_fine() -> None:
    bad = {"at": "0s", "type": "contact.queued", "contact_id": "c", "channel": "voice", "refused": True}
    ack = {"at": "1m", "type": "alert.commanded", "alert": "high-wait", "action": "acknowledge", "by": "me"}
    assert [*mistakes(file(events=[bad, ack]), {})] == []
