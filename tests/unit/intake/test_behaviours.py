"""What an agent's text shows: found by phrases at the door, where the text still exists."""

import time
from typing import Any

import pytest

from streams.base.records import Event
from streams.contacts.steps import step
from streams.identity.owners import lean
from streams.intake.behaviours import Names, behaviours_of, check
from streams.intake.normalise import Policy, event_record
from streams.rules import load, shipped_nobody
from tests.support.transcripts import CURT, KIND, SHOWN

SHIPPED = load().behaviours
LANGUAGES = ("en", "it", "es", "fr", "de", "zh")
OWN = behaviours_of(
    {
        "greeting": {"en": ["(hello|good day) <name>"], "zh": ["您好<name>(先生|女士)"]},
        "stay": {"en": ["stay ... (works|all is well)", "^ wait $"]},
        "deadline": {"en": ["within # (hours|days)"], "zh": ["#天(内|之内)"]},
        "apology": {"de": ["tut (mir|uns) (sehr |)leid"]},
    },
    Names(frozenset({"ms", "mr"}), frozenset({"all", "there"})),
)


@pytest.mark.parametrize(
    ("text", "language", "shown"),
    [
        ("Hello Anna, how are you", "en", ["greeting"]),
        ("Hello Anna", "en", ["greeting"]),
        ("Hello Ms. Rossi I have it", "en", ["greeting"]),
        ("Good day, Anna Rossi – here it is", "en", ["greeting"]),
        ("hello anna,", "en", []),
        ("Hello there, Hello All!", "en", []),
        ("Hello Ms, Hello", "en", []),
        ("Hello Your order is here", "en", []),
        ("HELLO [NAME], welcome", "en", ["greeting"]),
        ("x " * 300 + "Hello Anna,", "en", []),
        ("I stay here with you until it really works", "en", []),
        ("I stay until it really works", "en", ["stay"]),
        ("I STAY, until all is well.", "en", ["stay"]),
        ("I stay. It works", "en", []),
        ("Wait", "en", ["stay"]),
        ("Ok! Wait. Ok", "en", ["stay"]),
        ("Wait a moment", "en", []),
        ("Do wait", "en", []),
        ("within 24 hours", "en", ["deadline"]),
        ("within two hours", "en", []),
        ("Das tut mir sehr leid", "de-CH", ["apology"]),
        ("Das tut uns leid", None, ["apology"]),
        ("Das tut uns leid", "und", ["apology"]),
        ("Das tut uns leid", "en", []),
        ("Das tut uns leid", "pt", []),
        ("您好，张女士", "zh", ["greeting"]),
        ("您好，女士", "zh", []),
        ("三天之内", "zh-TW", ["deadline"]),
        ("hello Anna, 三天之内 within 3 days", None, ["greeting", "deadline"]),
        ("", "en", None),
        ("?! …", "en", None),
        ("[email] [phone].", "en", None),
        ("[email] it is", "en", []),
    ],
)
def test_how_phrases_are_found(text: str, language: str | None, shown: list[str] | None) -> None:
    found = OWN.of(text, language)
    assert (None if found is None else list(found)) == shown


@pytest.mark.parametrize(
    ("phrase", "why"),
    [
        ("(a|b", "needs its \\)"),
        ("a) b", "needs its \\)"),
        ("((a|b) c)", "none may lie in another"),
        ("... works", "must begin with a word"),
        ("# days", "must begin with a word"),
        ("(a|) b", "must begin with a word"),
        ("^ $", "must begin with a word"),
        ("<name> hello", "must be at the end"),
        ("a (b|...)", "only words"),
        ("a ... b ... c ... d ... e", "more than 3 gaps"),
        ("", "must begin with a word"),
    ],
)
def test_a_phrase_that_cannot_be_found_is_refused(phrase: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check(phrase)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_phrases_tell_the_curt_from_the_kind(language: str) -> None:
    for tag in (language, None):
        curt = [name for text in CURT[language] for name in SHIPPED.of(text, tag) or ()]
        assert curt == ["curt", "curt"], tag
        kind = {name for text in KIND[language] for name in SHIPPED.of(text, tag) or ()}
        assert kind == SHOWN, tag


def test_the_shipped_file_has_every_behaviour_in_every_language() -> None:
    assert set(SHIPPED.languages) == set(LANGUAGES)
    for language, table in SHIPPED.languages.items():
        some = (*table.openers.values(), *table.signs.values())
        shown = {each.shows for found in some for each in found}
        assert shown == set(SHIPPED.names), language


def message(kind: str = "message.sent", **more: Any) -> Event:
    data = {"contact_id": "c1", "channel": "chat", **more}
    record = event_record(
        {"id": "m1", "source": "/s", "type": kind, "data": data},
        1,
        "",
        Policy(shipped_nobody(), behaviours=SHIPPED.of),
    )
    assert isinstance(record, Event)
    return record


def test_only_what_human_agents_write_is_read() -> None:
    sorry = {"text": "Hello Anna, I am so sorry, write to anna@example.com", "direction": "outbound"}
    told = message(author="agent", **sorry)
    assert told.data["behaviours"] == ("greeting", "apology")
    assert step(told).shown == ("greeting", "apology")
    for author in ("bot", "system", "customer"):
        assert "behaviours" not in message(author=author, **sorry).data
        assert step(message(author=author, **sorry)).shown is None
    assert message("post.answered", text="So sorry!").data["behaviours"] == ("apology",)
    assert "behaviours" not in message("post.answered", text="So sorry!", author="bot").data
    assert step(message(author="agent", direction="outbound", text="The card is grey")).shown == ()
    assert step(message(author="agent", direction="outbound", text="anna@example.com")).shown is None
    assert step(message(author="agent", direction="outbound")).shown is None
    assert "behaviours" not in message("feedback.given", metric="csat", score=1, comment="So sorry").data


def test_so_much_is_noted_that_no_history_of_a_contact_leaves_it_out() -> None:
    many = behaviours_of({f"{number:040}": {"en": ["so"]} for number in range(100)})
    data = {"contact_id": "c1", "channel": "chat", "author": "agent", "direction": "outbound", "text": "So"}
    told = event_record(
        {"id": "m1", "source": "/s", "type": "message.sent", "data": data},
        1,
        "",
        Policy(shipped_nobody(), behaviours=many.of),
    )
    assert isinstance(told, Event)
    kept, _ = lean(told, 100_000)
    assert step(kept).shown == step(told).shown == tuple(f"{number:040}" for number in range(24))


@pytest.mark.parametrize(
    "text",
    ["A" * 100_000, "Wait. " * 20_000, "Dear Mr " * 14_000, "DEAR " * 20_000, "稍等我" * 34_000, "i understand how " * 6_000,
     "I will put you on hold " * 5_000, "您好张" * 30_000, "(" * 100_000, "\n" * 100_000, "İ" * 100_000],
)  # fmt: skip
def test_a_long_text_costs_little(text: str) -> None:
    began = time.thread_time()
    SHIPPED.of(text)
    assert time.thread_time() - began < 0.1
