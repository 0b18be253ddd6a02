"""Whoever is erased is no example any more: in no row, and in nothing that was published."""

from typing import Any

import msgspec
import orjson
import pytest

from streams.base.records import Unnamed
from streams.base.times import DAY_MS, HOUR_MS
from streams.engine.offline import Offline
from streams.signals import unnaming, watch
from streams.signals.tables import Tables, Told, examples_of
from tests.support import defect_story
from tests.support.erasure_story import erased, erasing_deployment, holding
from tests.support.offline import NOW, settle
from tests.support.signal_story import RULES, T0, play, tale
from tests.support.system import home

LATER = T0 + 90 * DAY_MS


def owned(days: int = 45) -> list[Any]:
    """Every third contact is hers, the next one of somebody who is known by a number."""
    whose = ("customer:anna", "anonymous:phone:1", "customer:bob")
    return [msgspec.structs.replace(fact, owner=whose[at % 3]) for at, fact in enumerate(tale(1, days=days))]


def names(tables: Tables) -> set[str]:
    """Whom rows name."""
    rows = [*tables.hours.values(), *tables.subjects.values(), *tables.told.values()]
    return {each.owner for row in rows for each in examples_of(row)}


@pytest.mark.parametrize("days", [24, 26, 46])
def test_her_contacts_go_from_rows_and_topic_and_figures_stay(days: int) -> None:
    """While the share is looked at, while a signal fires, and when it is over."""
    facts = [fact for fact in owned() if fact.time < T0 + days * DAY_MS]
    out, tables = play(facts, days=days)
    assert "customer:anna" in names(tables)
    fewer = list(unnaming.unname(tables, Unnamed("customer:anna", LATER)))
    assert "customer:anna" not in names(tables) >= {"customer:bob"}
    assert len(fewer) == len(tables.told) == (1 if out else 0)
    hers = {fact.id for fact in facts if fact.owner == "customer:anna"}
    for each in fewer:
        assert not {example["contact_id"] for example in each["examples"]} & hers
        assert {**each, "examples": []} == {**out[-1], "examples": []}
        assert [example in out[-1]["examples"] for example in each["examples"]] == [True] * len(each["examples"])
    assert not list(unnaming.unname(tables, Unnamed("customer:anna", LATER))), "once"


def test_who_is_named_by_no_example_is_known_without_a_look_at_the_rows() -> None:
    _, tables = play(owned())
    known = unnaming.named(tables)
    assert known.owners == names(tables)
    assert known.has(Unnamed("customer:bob", T0)) and not known.has(Unnamed("customer:nobody", T0))
    line, contact = min(known.contacts)
    assert known.has(Unnamed("customer:nobody", T0, contacts=((line, contact),)))
    assert not known.has(Unnamed("customer:nobody", T0, contacts=(("other", contact),)))


def test_what_was_over_later_stays_unless_it_is_among_the_contacts_that_the_owner_had() -> None:
    facts = owned()
    out, tables = play(facts)
    assert not list(unnaming.unname(tables, Unnamed("customer:anna", T0)))
    assert not list(unnaming.unname(tables, Unnamed("customer:anna", LATER, "another-line")))
    (example, *_) = out[-1]["examples"]
    named = (("", f"voice|{example['contact_id']}"),)
    assert not list(unnaming.unname(tables, Unnamed("customer:carl", T0, contacts=(("r", named[0][1]),), every=True)))
    (left,) = unnaming.unname(tables, Unnamed("customer:carl", T0, every=True, contacts=named))
    assert left["examples"] == out[-1]["examples"][1:]


def test_a_replay_that_is_over_and_forgotten_is_taken_back_too() -> None:
    facts = [msgspec.structs.replace(fact, line="r") for fact in owned(26)]
    tables = Tables()
    for fact in facts:
        watch.fold(tables, fact, RULES)
    assert list(watch.advance(tables, "r", T0, True, RULES))
    tables.forget("r")
    (left,) = unnaming.unname(tables, Unnamed("anonymous:phone:1", LATER, every=True))
    assert left["line"] == "r"


def test_examples_that_would_be_too_many_to_know_are_withdrawn_the_oldest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unnaming, "MAX_TOLD", 2)
    _, tables = play(owned(26), days=27)
    ((key, known),) = tables.told.items()
    for number, name in enumerate(("x", "y")):
        tables.told[name] = Told(number, {"name": name}, known.examples)
    assert list(unnaming.withdraw(tables)) == [{"name": "x", "examples": []}]
    assert tables.told.keys() == {key, "y"}


def test_it_does_not_matter_who_has_a_contact_that_is_taken_back() -> None:
    fact = next(fact for fact in owned() if fact.value)
    tables = Tables()
    watch.fold(tables, fact, RULES)
    watch.fold(tables, msgspec.structs.replace(fact, sign=-1, owner="customer:carl"), RULES)
    assert tables.hours == {}


def published(run: Offline) -> dict[bytes, Any]:
    return {record.key or b"": orjson.loads(record.value or b"{}") for record in run.on("defect.signals")}


@pytest.mark.parametrize("by_number", [False, True])
@pytest.mark.parametrize("later", [1, 20 * 24])
def test_through_all_agents(by_number: bool, later: int) -> None:
    """A customer, and somebody known by a number that a profile gives the customer; soon, and when the row is forgotten."""
    run = erasing_deployment()
    more = {"identifiers": [{"kind": "phone", "value": "+442079460177"}]} | (
        {} if by_number else {"customer_id": "anna-77"}
    )
    told = list(defect_story.story(NOW / 1000, **more))
    for at, one in told:
        topic, key = home(one)
        run.publish(topic, key, orjson.dumps(one), int(at * 1000), 0)
    end = NOW + defect_story.DAYS * DAY_MS
    for hours in range(1, 24 * defect_story.DAYS):
        run.run(NOW + hours * HOUR_MS)
    ((key, before),) = published(run).items()
    assert {"bad-39", "bad-38"} <= {each["contact_id"] for each in before["examples"]}
    if by_number:
        linked = {"customer_id": "anna-77", "identifiers": more["identifiers"]}
        profile = erased("anna-77", end) | {"id": "p", "type": "customer.profile_changed", "data": linked}
        run.publish(*home(profile), orjson.dumps(profile), end, 0)
        settle(run, end)
    end += later * HOUR_MS
    run.run(end)
    settle(run, end)
    gone = erased("anna-77", end)
    run.publish(*home(gone), orjson.dumps(gone), end, 0)
    settle(run, end)
    after = published(run)[key]
    assert [each["contact_id"] for each in after["examples"]] == [
        each["contact_id"] for each in before["examples"] if each["contact_id"] not in ("bad-38", "bad-39")
    ]
    assert holding(run, ("anna-77", "+442079460177"), "bad-39") == []
