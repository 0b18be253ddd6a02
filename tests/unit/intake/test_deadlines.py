"""The deadline that a promise names, by the clock of the queue; all are said on Wednesday, 4 March 2026, at 14:30."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event
from streams.contacts.steps import step
from streams.intake.deadlines import FARTHEST_MS
from streams.intake.normalise import Policy, event_record
from streams.rules import load, shipped_nobody

RULES = load()
ZURICH, SHANGHAI = ZoneInfo("Europe/Zurich"), ZoneInfo("Asia/Shanghai")
NOTHING = ""


def due(text: str, language: str | None, said: str = "2026-03-04 14:30", zone: ZoneInfo = ZURICH) -> str:
    """By the clock on the wall; nothing where nothing is named."""
    at = int(datetime.fromisoformat(said).replace(tzinfo=zone).timestamp() * 1000)
    found = RULES.deadlines.of(text, language, at, zone)
    return NOTHING if found is None else f"{datetime.fromtimestamp(found / 1000, zone):%a %d %H:%M}"


NAMED = [
    ("en", "I will call you back by Friday.", "Sat 07 00:00"),
    ("en", "I'll call you within two hours.", "Wed 04 16:30"),
    ("en", "I will call you in half an hour", "Wed 04 15:00"),
    ("en", "We will send it by tomorrow at 5 pm.", "Thu 05 17:00"),
    ("en", "We'll call you by 9 a.m. tomorrow.", "Thu 05 09:00"),
    ("en", "I will call you by noon.", "Thu 05 12:00"),
    ("en", "I'll get back to you within 3 business days.", "Tue 10 00:00"),
    ("en", "I promise you will have it by the end of the day.", "Thu 05 00:00"),
    ("en", "I'll call you back by Wednesday", "Thu 12 00:00"),
    ("en", "I'll call you back by Wednesday at 4 pm", "Wed 04 16:00"),
    ("en", "I'll call you back by Wednesday at 2 pm", "Wed 11 14:00"),
    ("en", "We will call you by next Friday.", NOTHING),
    ("en", "We will call you by Friday next week.", NOTHING),
    ("en", "I will call you within two hours, or by Friday.", NOTHING),
    ("en", "I will call you by 12.", NOTHING),
    ("en", "I will call you by 25:00.", NOTHING),
    ("en", "I will call you within 90 days.", NOTHING),
    ("en", "You need it by Monday, I see. I'll call you.", NOTHING),
    ("en", "You need it by Monday. I'll call you by Friday.", "Sat 07 00:00"),
    ("en", "I'll call you by today at 9 am", NOTHING),
    ("de", "Ich rufe Sie bis Freitag 12 Uhr zurück.", "Fri 06 12:00"),
    ("de", "Sie erhalten es bis Freitag, 12 Uhr.", "Fri 06 12:00"),
    ("de", "Ich melde mich bis morgen Mittag.", "Thu 05 12:00"),
    ("de", "Wir melden uns innerhalb von zwei Stunden.", "Wed 04 16:30"),
    ("de", "Ich rufe Sie bis 17:30 Uhr zurück", "Wed 04 17:30"),
    ("de", "Ich rufe Sie spätestens am Montag zurück.", "Tue 10 00:00"),
    ("de", "Ich rufe Sie bis Freitag nächster Woche zurück.", NOTHING),
    ("it", "La richiamo entro domani.", "Fri 06 00:00"),
    ("it", "La richiamo entro due ore.", "Wed 04 16:30"),
    ("it", "La richiameremo entro venerdì alle 12.", "Fri 06 12:00"),
    ("it", "Riceverà una mail entro le 17.", "Wed 04 17:00"),
    ("it", "La richiamo entro mezz'ora", "Wed 04 15:00"),
    ("it", "La richiamo entro venerdì prossimo", NOTHING),
    ("es", "Le llamaré antes del viernes.", "Sat 07 00:00"),
    ("es", "Le llamo en dos horas.", "Wed 04 16:30"),
    ("es", "Le llamaremos antes de mañana a las 12.", "Thu 05 12:00"),
    ("es", "Le llamo antes de las 5 de la tarde.", "Wed 04 17:00"),
    ("es", "Le llamo en 2 días hábiles", "Sat 07 00:00"),
    ("es", "Le llamo antes del viernes que viene", NOTHING),
    ("fr", "Je vous rappelle d'ici vendredi.", "Sat 07 00:00"),
    ("fr", "Je vous rappelle d’ici deux heures.", "Wed 04 16:30"),
    ("fr", "Nous vous rappellerons sous 24 heures.", "Thu 05 14:30"),
    ("fr", "Je vous rappelle dans l'heure", "Wed 04 15:30"),
    ("fr", "Je vous rappelle avant demain midi.", "Thu 05 12:00"),
    ("fr", "Je vous rappelle avant vendredi à 12h30.", "Fri 06 12:30"),
    ("fr", "Je vous rappelle avant vendredi prochain", NOTHING),
    ("zh", "我会在周五之前给您回电。", "Sat 07 00:00"),
    ("zh", "24 小时内给您回电话。", "Thu 05 14:30"),
    ("zh", "半小时内给您回电", "Wed 04 15:00"),
    ("zh", "明天中午之前我会给您发邮件确认。", "Thu 05 12:00"),
    ("zh", "周五12点之前给您回电", "Fri 06 12:00"),
    ("zh", "下午5点半前给您回电。", "Wed 04 17:30"),
    ("zh", "最晚明天给您回复邮件确认", "Fri 06 00:00"),
    ("zh", "三个工作日内给您回电话", "Tue 10 00:00"),
    ("zh", "下周五之前给您回电。", NOTHING),
]


@pytest.mark.parametrize(("language", "text", "wanted"), NAMED)
def test_what_is_named(language: str, text: str, wanted: str) -> None:
    assert due(text, language) == due(text.upper(), language) == due(text, None) == wanted
    assert due(text, "pt") == NOTHING


def test_it_is_read_by_the_clock_of_the_queue() -> None:
    text = "I will call you back by Friday."
    assert due(text, "en", "2026-03-05 23:30", SHANGHAI) == "Sat 07 00:00"
    assert due("Je vous rappelle d'ici demain", "fr", "2026-03-28 12:00") == "Mon 30 00:00", "a day of 23 hours"
    at = int(datetime(2026, 3, 4, 23, 30, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)
    in_zurich, in_utc = (
        RULES.deadlines.of("I'll call you by tomorrow", "en", at, z) for z in (ZURICH, ZoneInfo("UTC"))
    )
    assert in_zurich is not None and in_utc is not None and in_zurich - in_utc == 23 * 3_600_000


def said(text: str, **more: str) -> Event:
    data = {"contact_id": "c1", "channel": "chat", "author": "agent", "direction": "outbound", "text": text, **more}
    zones = {"cards": ZURICH, "none": SHANGHAI}
    policy = Policy(
        shipped_nobody(),
        behaviours=RULES.behaviours.of,
        deadlines=RULES.deadlines,
        zone=lambda channel, queue: zones[queue],
    )
    record = event_record(
        {"id": "m1", "source": "/s", "type": "message.sent", "data": data}, 1_772_631_000_000, "", policy
    )
    assert isinstance(record, Event)
    return record


def test_the_moment_goes_on_and_the_words_end_at_the_door() -> None:
    told = said("I'll call you back by tomorrow", queue="cards")
    assert told.data["behaviours"] == ("deadline", "callback") and told.data["due"] == 1_772_751_600_000
    assert (step(told).shown, step(told).due) == (("deadline", "callback"), 1_772_751_600_000)
    assert said("I'll call you back by tomorrow").data["due"] == 1_772_751_600_000 - 7 * 3_600_000
    for text in ("Your card arrives by tomorrow.", "I'll call you.", "By tomorrow."):
        assert "due" not in said(text, queue="cards").data
        assert step(said(text, queue="cards")).due is None


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(sorted({word for _, text, _ in NAMED for word in text.split()} | set("。，12:.!9")))),
    st.sampled_from(["en", "it", "es", "fr", "de", "zh", None]),
    st.integers(0, 4_000_000_000_000),
)
def test_whatever_is_said_gives_a_moment_ahead_or_none(words: list[str], language: str | None, at: int) -> None:
    for text in (" ".join(words), "".join(words)):
        found = RULES.deadlines.of(text, language, at, ZURICH)
        assert found is None or at < found <= at + FARTHEST_MS


@pytest.mark.parametrize(
    "text",
    ["I'll call you by friday " * 5_000, "by " * 30_000, "周五之前给您回电" * 12_000, "entro due ore la richiamo. " * 4_000,
     "within 1 " * 10_000, "9" * 100_000, "bis 1 " * 20_000, "最晚" * 50_000, "d'ici " * 20_000],
)  # fmt: skip
def test_a_long_text_costs_little(text: str) -> None:
    began = time.thread_time()
    due(text, None)
    assert time.thread_time() - began < 0.5
