"""Numbers, durations, true and false: what each spelling means, and which ones are refused."""

import contextlib
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.values import duration, number, truth

AMBIGUOUS = "say which sign separates decimals"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("205", 205_000), ("0", 0), ("12,5", 12_500), ("12.5", 12_500), (".5", 500), ("0.125", 125), ("0,250", 250),
        ("00:03:25", 205_000), ("0:03:25", 205_000), ("3:25", 205_000), ("03:25", 205_000), ("125:10", 7_510_000),
        ("3:25.5", 205_500), ("3:25,500", 205_500), ("00:00:00.1234567", 123), ("27:00:00", 97_200_000),
        ("1 day, 0:03:25", 86_605_000), ("2 days, 1:00:00", 176_400_000), ("1.02:03:04", 93_784_000),
        ("205 s", 205_000), ("205s", 205_000), ("205 sec", 205_000), ("205 sec.", 205_000), ("205000 ms", 205_000),
        ("205000ms", 205_000), ("3m25s", 205_000), ("3 min 25 s", 205_000), ("3 min, 25 sec", 205_000), ("3M 25S", 205_000),
        ("1h5m", 3_900_000), ("1 hour 5 minutes", 3_900_000), ("1.5 h", 5_400_000), ("2,5 min", 150_000),
        ("1d 2h", 93_600_000), ("1m 1.5s", 61_500), ("PT3M25S", 205_000), ("pt3m25s", 205_000), ("PT205S", 205_000),
        ("PT0.125S", 125), ("PT1,5S", 1_500), ("P1DT1H", 90_000_000), ("P1W", 604_800_000), ("1 234", 1_234_000),
        ("1'234", 1_234_000), ("1.234.567", 1_234_567_000), ("1.234,5", 1_234_500), ("1,234.5", 1_234_500),
        ("1234.567", 1_234_567), ("-5", -5_000), ("−5", -5_000), ("-0:05", -5_000), ("+5", 5_000), ("-PT5S", -5_000),
        ("205 Sek.", 205_000), ("3 Min. 25 Sek.", 205_000), ("1,5 Std", 5_400_000), ("2 Stunden", 7_200_000), ("205 segundos", 205_000),
        ("3 mn 25 s", 205_000), ("1 heure 5 minutes", 3_900_000), ("1 día 2 horas", 93_600_000), ("3 minutes and 25 seconds", 205_000),
        ("3 Minuten und 25 Sekunden", 205_000), ("3:25 min", 205_000), ("0:03:25 h", 205_000), ("00:03:25 Std.", 205_000),
        ("3'25\"", 205_000), ("3′25″", 205_000), ("3’25’’", 205_000), ("25''", 25_000), ("0'12.5\"", 12_500),  # noqa: RUF001
        ("1:30 h", 5_400_000), ("3:25.5 min", 205_500), ("205\u00a0s", 205_000), ("1\u202f234", 1_234_000),
    ],
)  # fmt: skip
def test_durations(text: str, ms: int) -> None:
    assert duration(text, 1000) == ms


@pytest.mark.parametrize("text", ["1.234", "1,234", "12.345", "999,999", "1.234 s", "-1.234"])
def test_spellings_with_two_meanings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=AMBIGUOUS):
        duration(text, 1000)
    if not text.endswith("s"):
        with pytest.raises(ValueError, match=AMBIGUOUS):
            number(text)


@pytest.mark.parametrize(
    "text",
    [
        "1_234", "1e2", "nan", "inf", "", "-", ".", ",", "5.", "many", "3:5", "3:75", "0:75:10", "1:2:03", "0:03:25:120", ":25", "1:",
        "25s3m", "3m3m", "3m25", "3 25", "12 34", "1,2,3", "1.23.456", "1,234,56", "P", "PT", "P1Y", "P1M", "P1DT", "٣", "3 x",
        "1 day, 25:00:00", "12:00 pm", "3:25 s", "3:75 h", "1:2:03 min", "3:25 x", "3 and", "and 3 s", "5 s s", "--5", "0x10", "9" * 41, "3'25", "3'", "3'25m",
    ],
)  # fmt: skip
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):
        duration(text, 1000)


def test_the_decimal_sign_decides() -> None:
    assert (number("1.234", "."), number("1.234", ","), number("1,234", ","), number("1,234", ".")) == (
        1.234,
        1234,
        1.234,
        1234,
    )
    assert (duration("1.234", 1000, "."), duration("1.234 s", 1000, ",")) == (1234, 1_234_000)
    with pytest.raises(ValueError, match="is no number"):
        number("12,5", ".")


def test_a_number_without_a_unit_counts_what_its_column_says() -> None:
    assert (duration("205", 1), duration("205 s", 1), duration("3:25", 1)) == (205, 205_000, 205_000)


def test_whole_numbers_are_ints() -> None:
    found = [number(text) for text in ("5", "5.0", "5,50", "-3", "0", "1234567")]
    assert found == [5, 5, 5.5, -3, 0, 1_234_567]
    assert [type(value) for value in found] == [int, int, float, int, int, int]


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=5, allow_nan=False))
def test_a_number_reads_back_with_its_decimal_sign(value: Decimal) -> None:
    plain = f"{value:f}"
    assert number(plain, ".") == number(plain.replace(".", ","), ",") == pytest.approx(float(value), abs=1e-9)
    grouped = f"{value:,f}"
    assert number(grouped, ".") == number(plain, ".")
    assert number(grouped.replace(",", " ").replace(".", ","), ",") == number(plain, ".")


@given(st.text(alphabet="0123456789.,' +-", max_size=12))
def test_without_a_declared_sign_a_number_is_the_one_both_signs_agree_on(text: str) -> None:
    def read(decimal: str | None) -> float | None:
        try:
            return number(text, decimal)
        except ValueError:
            return None

    by_sign = {value for value in (read("."), read(",")) if value is not None}
    assert read(None) == (by_sign.pop() if len(by_sign) == 1 else None)


def spellings(ms: int) -> list[str]:
    """How systems write this duration."""
    seconds, rest = divmod(ms, 1000)
    hours, minutes = divmod(seconds // 60, 60)
    fraction = f".{rest:03}" if rest else ""
    return [
        f"{hours}:{minutes:02}:{seconds % 60:02}{fraction}",
        f"{seconds // 60}:{seconds % 60:02}{fraction.replace('.', ',')}",
        f"{hours}h{minutes}m{seconds % 60}s" if not rest else f"{ms} ms",
        f"PT{hours}H{minutes}M{seconds % 60}{fraction}S",
        str(timedelta(milliseconds=ms)),
        f"{ms}ms",
    ]


@given(st.integers(0, 30 * 86_400_000))
def test_a_duration_reads_back_from_every_spelling(ms: int) -> None:
    for text in spellings(ms):
        assert duration(text, 1000) == ms, text
    assert duration(f"{ms / 1000:.3f}", 1000, ".") == ms
    assert duration(str(ms), 1) == ms


@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(duration(text, 1000), int)


def test_truth() -> None:
    yes, no = ("ja", "1"), ("nein", "0")
    assert [truth(text, yes, no) for text in ("ja", "JA", "1", "Nein", "0")] == [True, True, True, False, False]
    with pytest.raises(ValueError, match=r"'y' is neither true \(ja, 1\) nor false \(nein, 0\)"):
        truth("y", yes, no)
