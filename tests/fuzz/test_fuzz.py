"""Some stories of the fuzzer, always the same; `make fuzz` tells others, and longer."""

from pathlib import Path

import pytest

from schemas.events import EVENTS, check
from tests.fuzz.check import problems, undisturbed
from tests.fuzz.examples import load, save, shorter
from tests.fuzz.stories import Raw, Teller
from tests.fuzz.themes import THEMES, tell

STORIES = range(30)
SIZE = 0.1


@pytest.mark.parametrize("seed", STORIES)
def test_odd_events_cost_nobody_anything_but_themselves(seed: int) -> None:
    assert problems(tell(seed, SIZE), seed) == []


@pytest.mark.parametrize("theme", THEMES)
def test_the_largest_story_of_a_theme_costs_nobody_else_anything(theme: str) -> None:
    teller = Teller(8, 0.3 if theme == "history" else 1.0)
    assert problems(sorted(THEMES[theme](teller), key=lambda raw: raw.step)) == []


def test_the_stories_hold_every_type_and_much_that_is_refused() -> None:
    draws = [Teller(seed).draw(3).event(kind) for seed in range(30) for kind in EVENTS]
    taken = [event["type"] for event in draws if check(event) is None]
    assert set(taken) == set(EVENTS)
    assert 0.3 < len(taken) / len(draws) < 0.9


def test_a_story_is_the_same_each_time_and_in_its_file(tmp_path: Path) -> None:
    story = tell(3, 0.1)
    assert tell(3, 0.1) == story
    save(tmp_path / "x.json", story, {"seed": 3})
    assert load(tmp_path / "x.json") == story


def test_a_story_that_fails_is_made_short() -> None:
    story = tell(5, 0.05)
    guilty = {story[7], story[40]}
    assert set(shorter(story, lambda part: guilty <= set(part), 5)) == guilty


def test_the_control_group_has_something_to_lose() -> None:
    others = {"api.audit", "notify.dead-letters"}  # no agent writes them
    assert {topic for topic, sent in undisturbed().items() if not sent} - others == {
        "contacts.dead-letters",
        "customer.quiet",
        "defect.signals",
        "outreach",
        "privacy.proofs",
    }
    assert all(isinstance(raw, Raw) for raw in tell(1, 0.01))
