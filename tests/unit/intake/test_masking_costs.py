"""What the texts of an event can cost at most, counted in questions; times are measured in ``tests.bench.masking``."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import idna
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import FIELDS, TEXTS
from schemas.fields import MAX_IDENTIFIER, MAX_IDENTIFIERS, MAX_LABEL, MAX_TEXT
from streams.identity import identifiers, phone_numbers
from streams.intake import detectors, phone_detectors
from streams.intake.detectors import IBAN, INTERNATIONAL, NATIONAL, UNITS, Budget
from streams.intake.masking import _mask_once, mask
from streams.intake.normalise import Policy, event_record
from streams.rules import shipped_nobody
from streams.sentiment.scoring import SCORED
from tests.support import dear_texts

DEAR = dear_texts.TEXTS
SHORTEST_PHONE = 7
MOST_QUESTIONS = UNITS // min(INTERNATIONAL, NATIONAL * SHORTEST_PHONE)
"""To phonenumbers about the texts of one event, 1,190, if all are about its shortest numbers; 714 about others."""


class Asked:
    """Those who know, and what each was asked that it did not know yet: what it costs."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.new: set[tuple[Any, ...]] = set()
        self.ibans = 0
        for name in ("_is_valid_phone", "_is_national_phone"):
            self._listen(patch, phone_detectors, name)
        self._listen(patch, detectors.iban, "is_valid")

    def _listen(self, patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        answer = getattr(owner, name)

        def ask(*question: Any, **more: Any) -> Any:
            if name == "is_valid":
                self.ibans += 1
            else:
                self.new.add((name, *question))
            return answer(*question, **more)

        patch.setattr(owner, name, ask)

    def forget(self) -> None:
        self.new.clear()
        self.ibans = 0

    @property
    def paid(self) -> bool:
        phones = sum(
            INTERNATIONAL if name == "_is_valid_phone" else NATIONAL * len(number) for name, number, *_ in self.new
        )
        return phones + IBAN * self.ibans <= UNITS and len(self.new) <= MOST_QUESTIONS


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    with pytest.MonkeyPatch.context() as patch:
        yield Asked(patch)


@pytest.mark.parametrize("region", [None, "DE", "US"])
@pytest.mark.parametrize("name", DEAR)
def test_no_text_asks_more_than_the_budget_pays(name: str, region: str | None, asked: Asked) -> None:
    asked.forget()
    budget = Budget()
    mask(DEAR[name](MAX_TEXT), region, budget)
    assert asked.paid
    assert budget.left >= 0


PIECES = ["0", "00", "+", "(", ")", " ", "   ", ".", "-", "/", "€", "@", "a", "DE", "NO", '"', "#", "12", "030", "1234"]
PIECES += [
    "%40",
    "%2B",
    "20260115",
    "wa.me/",
    "1_",
    "4111_",
    "\u0308",
    "4111111111111111",
    "2026-01-15",
    "٤",
    "\u200b",
    "\uff14",
    "DE89",
    "1.1.1.1",
    "+49",
    "a@b.c",
    "order ",
    "\n",
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join), st.sampled_from([None, "DE", "US"]))
def test_nor_does_any_text_made_of_what_is_dear(asked: Asked, unit: str, region: str | None) -> None:
    asked.forget()
    mask((unit * (MAX_TEXT // len(unit) + 1))[:MAX_TEXT], region, Budget())
    assert asked.paid


@pytest.mark.parametrize("name", DEAR)
def test_a_text_five_times_as_long_costs_five_times_as_much(name: str) -> None:
    """One round: all detectors over the text, whatever it costs."""
    spent = []
    for size in (1_000, 5_000, 25_000):
        budget = Budget(1e9)
        _mask_once(DEAR[name](size), None, budget)
        spent.append(1e9 - budget.left)
    assert all(longer <= 6.5 * shorter + 500 for shorter, longer in pairwise(spent)), spent


A_WORD_ALONE = (
    "agent.state_changed", "promise.made", "customer.erased", "customer.profile_changed", "alert.commanded", "silence.set", "silence.ended",
    "identity.linked", "identity.cut", "alert.rules.applied",
)  # fmt: skip
"""Of texts they carry one label."""


@pytest.mark.parametrize("kind", [kind for kind, texts in TEXTS.items() if texts and kind not in A_WORD_ALONE])
def test_an_event_at_the_limits_of_all_its_fields(kind: str, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """51 numbers, 50 addresses, and what the budget pays for the texts together."""
    questions = {"parse": 0, "encode": 0}

    def count(owner: Any, name: str) -> None:
        answer = getattr(owner, name)

        def ask(*question: Any, **more: Any) -> Any:
            questions[name] += 1
            return answer(*question, **more)

        monkeypatch.setattr(owner, name, ask)

    for cached in (phone_numbers._read_number, identifiers._read_address):
        cached.cache_clear()
    count(phonenumbers, "parse")
    count(idna, "encode")
    dear = DEAR["00 among digits"](MAX_TEXT)
    data: dict[str, Any] = {"contact_id": "c", "customer_id": "k", "channel": "chat", "author": "customer"}
    data["phone"] = dear[:MAX_LABEL]
    data |= dict.fromkeys(TEXTS[kind], dear)
    scored: list[int] = []
    for value in (dear[:MAX_IDENTIFIER], "a@" + "\u0628\u0661" * 159):
        numbers = [value[: MAX_IDENTIFIER - number] for number in range(MAX_IDENTIFIERS)]
        kinds = "email" if "@" in value else "phone"
        data["identifiers"] = [{"kind": kinds, "value": number} for number in numbers]
        asked.forget()
        budget = Budget()
        obj = {"id": "1", "source": "/s", "type": kind, "data": data}
        event_record(
            obj, 0, "", Policy(shipped_nobody(), "US", lambda text, language: scored.append(len(text))), budget
        )
        assert asked.paid
        assert questions["parse"] - len(asked.new) <= 2 * (MAX_IDENTIFIERS + ("phone" in FIELDS[kind]))
        assert questions["encode"] <= MAX_IDENTIFIERS
        assert budget.sieved == len(TEXTS[kind])
        questions |= {"parse": 0, "encode": 0}
    assert max(scored, default=0) <= SCORED
