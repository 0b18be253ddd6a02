"""Partition counts: what is created later joins the deployment that is there."""

from hypothesis import given
from hypothesis import strategies as st

from schemas import flow, registry
from streams import settings as settings_module
from streams.kafka.topics import fitted, told_counts, too_wide, wanted, wide_enough

SETTINGS = settings_module.load(topic_prefix="x.", app_id="app")
TOPICS = wanted(SETTINGS)
INPUTS = ["x." + topic for topic in flow.inputs("ingest")]
ONE = [name for name, spec in registry.topics().items() if spec.partitions == 1]
COUNTED = [name for name, spec in registry.topics().items() if spec.partitions != 1]
LOGS = {hop: f"x.app-{hop}-changelog" for hop in flow.stages()}


def deployed(partitions: int | None = None) -> dict[str, int]:
    return {each.name: each.partitions for each in wanted(SETTINGS, partitions)}


def created(have: dict[str, int], partitions: int | None = None) -> dict[str, int]:
    """What is on the broker after ``topics create``."""
    planned = fitted(TOPICS, have) if partitions is None else wide_enough(wanted(SETTINGS, partitions), have)
    return {each.name: each.partitions for each in planned} | have


def complaints(have: dict[str, int]) -> list[str]:
    return told_counts(fitted(TOPICS, have), have, asked=False)


def test_nothing_there_is_the_contract() -> None:
    assert created({}) == deployed() == {each.name: each.partitions for each in TOPICS}
    assert created({})["x.alert.commands"] == 1


@given(partitions=st.integers(1, 40), data=st.data())
def test_what_was_deleted_comes_back_as_it_was_whatever_was_chosen_at_the_start(
    partitions: int, data: st.DataObject
) -> None:
    """A deployment of ``--partitions n`` that lost some of its topics: the same command without a number mends it."""
    before = deployed(partitions)
    assert complaints(before) == [], "a documented choice is no fault"
    gone = data.draw(st.sets(st.sampled_from(sorted(before)), max_size=len(before) // 3))
    have = {name: count for name, count in before.items() if name not in gone}
    assert created(have) == before
    assert complaints(created(have)) == []


@given(data=st.data())
def test_inputs_may_differ_and_a_changelog_is_as_wide_as_the_widest(data: st.DataObject) -> None:
    have = deployed() | {topic: data.draw(st.integers(1, 9)) for topic in INPUTS}
    del have[LOGS["ingest"]]
    assert created(have)[LOGS["ingest"]] == max(have[topic] for topic in INPUTS)
    assert complaints(created(have)) == []
    narrow = have | {LOGS["ingest"]: max(have[topic] for topic in INPUTS) - 1}
    (said,) = complaints(narrow)
    assert said.startswith(LOGS["ingest"])
    assert "no worker starts" in said


def test_an_input_gets_no_more_partitions_than_there_is_state_for() -> None:
    have = deployed(12) | {LOGS["ingest"]: 4} | dict.fromkeys(INPUTS, 4)
    del have["x.contacts.forum"]
    assert created(have)["x.contacts.forum"] == 4
    missing = [each for each in wanted(SETTINGS, 12) if each.name == "x.contacts.forum"]
    said = too_wide(missing, TOPICS, have)
    assert said.startswith(
        "x.contacts.forum with 12 partitions: x.app-ingest-changelog has 4, and no worker would start"
    )
    assert too_wide(missing, TOPICS, have | {LOGS["ingest"]: 12}) == ""


def test_what_is_advised_for_partitions_that_were_added_helps() -> None:
    """An input from outside may be made anew, a topic between agents not: what was not read of it would be missing."""
    for topic, log in (("contacts.voice", "ingest"), ("contact.interactions", "track")):
        (said,) = complaints(deployed() | {f"x.{topic}": 8})
        assert said.startswith(f"{LOGS[log]} has 4 partitions and x.{topic} 8: nobody reads the others")
        assert (f"Make x.{topic} anew with 4, or rebuild" in said) is (log == "ingest")
        assert said.endswith("rebuild" if log == "ingest" else ". Rebuild")


def test_a_number_that_was_asked_for_and_is_not_there_is_told() -> None:
    (said,) = told_counts(wide_enough(wanted(SETTINGS, 8), deployed()), deployed(), asked=True)
    assert said.count("has 4 partitions, not 8") == len(COUNTED), "changelogs follow what they are of"
    assert "x.kpis has 4 partitions, not 8" in said
    assert all(f"x.{topic} has" not in said for topic in ONE), "they have one partition in any case"
    assert said.endswith(": the count is fixed once there is state")


def test_a_rebuild_with_another_number_makes_changelogswide_enough_for_the_inputs_that_stay() -> None:
    have = dict.fromkeys(INPUTS, 6)
    after = created(have, partitions=4)
    assert (after["x.kpis"], after[LOGS["ingest"]], after[LOGS["track"]]) == (4, 6, 4)
