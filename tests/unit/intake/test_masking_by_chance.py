"""Masking by chance: whatever stands around it, nothing that is personal is left."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from streams.intake import detectors
from streams.intake.detectors import Budget
from streams.intake.masking import mask

NBSP = "\u00a0"

FILLER = st.text(alphabet="ab .,:-/()+#@19\n€äß", max_size=12)
REGIONS = st.sampled_from([None, "DE", "US"])
ISSUERS = [
    ("4", 16),
    ("4", 13),
    ("4", 19),
    ("51", 16),
    ("2221", 16),
    ("37", 15),
    ("36", 14),
    ("6011", 16),
    ("3528", 16),
    ("62", 18),
]


@st.composite
def cards(draw: st.DrawFn) -> str:
    beginning, size = draw(st.sampled_from(ISSUERS))
    rest = size - len(beginning) - 1
    digits = beginning + draw(st.text("0123456789", min_size=rest, max_size=rest))
    number = digits + luhn.calc_check_digit(digits)
    separator = draw(st.sampled_from(["", " ", "-", NBSP]))
    return separator.join(number[at : at + 4] for at in range(0, len(number), 4))


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country, body = draw(
        st.sampled_from([("DE", ("", 18)), ("GB", ("WEST", 14)), ("NO", ("", 11)), ("MT", ("MALT", 23))])
    )
    bban = body[0] + draw(st.text("0123456789", min_size=body[1], max_size=body[1]))
    number = country + iban.calc_check_digits(f"{country}00{bban}") + bban
    return draw(st.sampled_from([number, number.lower(), iban.format(number)]))


def holds_card(text: str) -> bool:
    runs = re.findall(r"(?<![\d.])\d(?:[ \-\u00a0]?\d){12,18}(?!\d)", text)
    numbers = (re.sub(r"\D", "", run) for run in runs)
    return any(
        luhn.is_valid(n) and any(n.startswith(begin) and len(n) == size for begin, size in ISSUERS) for n in numbers
    )


@given(st.lists(FILLER | cards(), max_size=4).map(" ; ".join), REGIONS)
def test_no_card_is_left(text: str, region: str | None) -> None:
    masked = mask(text, region)
    assert not holds_card(masked)


@given(FILLER, cards(), FILLER)
def test_a_card_is_masked_wherever_it_stands(before: str, number: str, after: str) -> None:
    assert number not in mask(f"{before} x{number}x {after}")


@given(FILLER, ibans(), FILLER)
def test_no_iban_is_left(before: str, number: str, after: str) -> None:
    assert number not in mask(f"{before} ({number}) {after}")


@given(FILLER, st.emails(), FILLER)
def test_no_email_is_left(before: str, address: str, after: str) -> None:
    masked = mask(f"{before} {address} {after}")
    assert address not in masked
    assert not re.search(r"[\w.]@(?:[\w-]+\.)+[^\W\d]", masked)


@given(st.lists(FILLER | cards() | ibans() | st.emails() | st.text(max_size=10), max_size=5).map("".join), REGIONS)
def test_masking_again_changes_nothing(text: str, region: str | None) -> None:
    masked = mask(text, region)
    assert mask(masked, region) == masked


@given(st.text(alphabet=st.characters(exclude_categories=["Nd"], exclude_characters="@\uff20\ufe6b")), REGIONS)
def test_text_without_digits_and_at_signs_is_the_same_object(text: str, region: str | None) -> None:
    assert mask(text, region) is text


@given(st.text("0123456789", max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_luhn_of_any_part(digits: str, begin: int, end: int) -> None:
    part = digits[begin:end]
    if part:
        assert detectors._Luhn(digits).valid(begin, begin + len(part)) == luhn.is_valid(part)


ODD = st.text(alphabet='ab .,:-/()+#@19\n€äß0123456789٤\u200b\uff14\uff20"_|[]DE%\u0308x=', max_size=40)
PIECES = st.sampled_from(
    [
        "%40",
        "%2540",
        "%2B",
        "%20",
        "&nbsp;",
        "&#52;",
        "\\u002b",
        "+",
        "=",
        "2026-01-15",
        "20260115",
        "wa.me/",
        "order ",
        "a @ b.cd",
        "4111_1111_1111_1111",
        "1\ufe0f\u20e3",
    ]
)
ANY = st.lists(ODD | PIECES | FILLER | cards() | ibans() | st.emails() | st.text(max_size=10), max_size=6).map("".join)


@given(ANY, REGIONS)
def test_the_sieve_leaves_nothing_to_find(text: str, region: str | None) -> None:
    masked = sieved(text, region)
    assert mask(masked, region) == masked
    assert sieved(masked, region) == masked


@given(FILLER, cards() | ibans() | st.emails(), FILLER)
def test_what_is_personal_does_not_pass_the_sieve(before: str, value: str, after: str) -> None:
    assert value not in sieved(f"{before} {value} {after}")


@given(ANY, REGIONS, st.integers(0, 300))
def test_whatever_is_left_of_the_budget_nothing_is_left_to_find(text: str, region: str | None, units: int) -> None:
    masked = mask(text, region, Budget(units))
    assert mask(masked, region) == masked


def sieved(text: str, region: str | None = None) -> str:
    budget = Budget(0)
    masked = mask(text, region, budget)
    assert budget.sieved == bool(re.search(r"[\d@\uff20\ufe6b]", text))
    return masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to a.b+c@example.com, order 123456", "write to [email], order 123456"),
        ("order 1234567 of 2026-01-15", "order [number] of [number]"),
        ("DE88 3704 0044 0532 0130 00 or GB82 WEST 1234 5698 7654 32", "[number] or [number]"),
        ("+49 (0)170 1234567", "[number]"),
        ("4111 1111 1111 1112", "[number]"),
        ("٤١١١١١١١١١١١١١١١", "[number]"),
        ("1234567@example.com", "[number]"),
        ("on 1.2.26 at 10:30, 12 of 24", "on 1.2.26 at 10:30, 12 of 24"),
    ],
)
def test_the_sieve_takes_what_has_the_look_of_a_number(text: str, masked: str) -> None:
    assert sieved(text) == masked
