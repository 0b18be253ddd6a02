"""``behaviours.yaml`` and ``quality.yaml``: one's own add to the shipped ones, and mistakes are named."""

from pathlib import Path

import pytest

from streams.rules import RulesError, load

SHIPPED = load()


def own(folder: Path, text: str, name: str = "behaviours") -> Path:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_phrases_of_ones_own_add_to_the_shipped_ones(tmp_path: Path) -> None:
    rules = load(own(tmp_path, """\
behaviours:
  apology:
    human: 0.3
    phrases: {en: ["my bad"], nl: [sorry]}
  upsell:
    human: -0.1
    kept_within: 2h
    phrases: {en: ["^ by the way"]}
  heard:
    human: 0.5
"""))  # fmt: skip
    found = rules.behaviours
    assert found.names == (*SHIPPED.behaviours.names, "upsell", "heard")
    assert found.of("My bad. By the way, thanks", "en") == ("apology", "thanks", "upsell")
    assert found.of("I am sorry", "en") == found.of("Sorry", "nl") == ("apology",)
    quality, before = rules.customers.quality, SHIPPED.customers.quality
    assert quality.human == {**before.human, "apology": 0.3, "upsell": -0.1, "heard": 0.5}
    assert quality.kept_within_ms == {**before.kept_within_ms, "upsell": 7_200_000}
    assert rules.customers.contacts.promises == {"callback", "deadline", "email-announced", "upsell"}


def test_deadlines_of_ones_own_replace_a_language_or_add_one(tmp_path: Path) -> None:
    rules = load(own(tmp_path, """\
behaviours:
  callback: {phrases: {nl: [bel u terug]}}
deadlines:
  nl: {by: [voor], within: [binnen], numbers: {twee: 2}, hours: [uur], tomorrow: [morgen]}
  en: {by: [by], today: [tonight]}
"""))  # fmt: skip
    at, hour = 1_772_631_000_000, 3_600_000

    def due(text: str, language: str) -> int | None:
        return rules.deadlines.of(text, language, at, rules.kpis.time_zone)

    assert due("Ik bel u terug binnen twee uur.", "nl") == at + 2 * hour
    assert due("Ik bel u terug voor morgen.", "nl") == 1_772_755_200_000
    assert (
        due("I'll call you by tonight.", "en") == 1_772_668_800_000 and due("I'll call you by tomorrow.", "en") is None
    )
    assert due("Ich rufe Sie bis morgen zurück.", "de") == 1_772_755_200_000


def test_the_shipped_ones_can_be_left_out(tmp_path: Path) -> None:
    rules = load(own(tmp_path, "shipped: false\nbehaviours:\n  apology: {phrases: {en: [my bad]}}\n"))
    assert rules.behaviours.names == ("apology",)
    assert rules.customers.quality.human == {"apology": 0.0}


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("behaviours", "behaviours:\n  apology:\n    phrases: {en: [my bad, '(a']}\n", 3, "each ( needs its )"),
        ("behaviours", "behaviours:\n  apology:\n    phrases:\n      en: ['... x']\n", 4, "must begin with a word"),
        ("behaviours", "behaviours:\n  apology: {human: 2.0}\n", 2, "less than or equal to 1"),
        ("behaviours", "behaviours:\n  apology: {kept_within: soon}\n", 2, "expected a duration"),
        ("behaviours", "behaviours:\n  Apology: {}\n", 2, "expected a name"),
        ("behaviours", "behaviours:\n  apology: {phrases: {english: [a]}}\n", 2, "expected a language"),
        ("behaviours", "behavior: {}\n", 1, "is not known here"),
        ("behaviours", "deadlines:\n  nl:\n    weekdays: [[maandag], [dinsdag]]\n", 3, "a week has 7 days, Monday first; here are 2"),
        ("behaviours", "deadlines:\n  nl:\n    by: [voor, ',']\n", 3, "',' has no word"),
        ("behaviours", "deadlines:\n  nl:\n    numbers: {twee: 200}\n", 3, "less than or equal to 99"),
        ("behaviours", "deadlines:\n  nl:\n    until: [tot]\n", 3, "is not known here"),
        ("quality", "queues:\n  cards: {time: {10: 4m, 50: 90s}}\n", 2, "a higher percentile needs a longer time"),
        ("quality", "queues:\n  cards: {time: {100: 4m}}\n", 2, "less than or equal to 99"),
        ("quality", "queues:\n  cards: {transfers: [97, 85]}\n", 2, "the shares must grow"),
        ("quality", "queues:\n  cards:\n    steps: [greeting, contact.endet]\n", 3, "'contact.endet' is no type of event"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, name: str, text: str, line: int, what: str) -> None:
    with pytest.raises(RulesError) as caught:
        load(own(tmp_path, text, name))
    (told,) = str(caught.value).splitlines()
    assert told.startswith(f"{tmp_path / name}.yaml:{line}: ") and what in told


def test_a_procedure_and_a_history_of_a_queue(tmp_path: Path) -> None:
    text = "queues:\n  cards:\n    time: {90: 15m, 50: 4m}\n    transfers: [85, 97]\n    steps: [greeting, contact.wrapped_up]\n"
    rules = load(own(tmp_path, text, "quality")).customers
    queue = rules.quality.queues["cards"]
    assert (list(queue.time_ms.items()), queue.transfers) == ([(50, 240_000), (90, 900_000)], (85.0, 97.0))
    assert rules.contacts.checked == {"contact.wrapped_up"} and not SHIPPED.customers.contacts.checked
