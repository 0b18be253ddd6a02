"""Identifiers of every kind: their one form, and what names nobody."""

import unicodedata

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.identity.identifiers import identifiers, plain_id, social
from streams.identity.nobody import Nobody, folded
from streams.rules import shipped_nobody
from tests.support.identifiers import identifier

KINDS = ["email", "phone", "social", "account", "device", "cookie", "customer", "other"]


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


# The other kinds


def test_social() -> None:
    assert social(" @Ann_Smith ") == social("@ @ann_smith") == social("\uff20Ann_\u200bSmith") == "ann_smith"
    assert identifier("social", "@@") is None


def test_ids_of_others_keep_their_letters() -> None:
    assert plain_id(" Ab\u0301-7 ") == "A\u0062\u0301-7"
    assert identifier("account", "DE89") != identifier("account", "de89")
    assert identifier("customer", "\u200b7\ufeff") == identifier("customer", "7\u00a0") == "7"


@given(st.sampled_from(KINDS), st.text(max_size=30), st.sampled_from([None, "DE", "US"]))
def test_normalising_twice_is_normalising_once(kind: str, value: str, region: str | None) -> None:
    once = identifier(kind, value, region)
    assert once is None or identifier(kind, once, region) == once


PIECES = [
    *("+49", "0049", "0170", "1234567", "(0)", " ", "-", "sip:", "tel:", "@", "pbx.example", ";ext=5", ";phone-context=+49", "<", ">", "?body=x"),
    *('"Anna" ', "%2B", "%20", ".0", "*31#", "agent", "10.0.0.5", "wa.me/", "@c.us", "52155", "5511", "87654321", "x5", ",", "/", "\u200b", "+"),
    *("#", "_", "(work)"),
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.sampled_from([None, "DE", "US", "MX", "BR", "IT"])
)
def test_nor_does_reading_a_phone_twice_change_it(value: str, region: str | None) -> None:
    once = identifier("phone", value, region)
    assert once is None or identifier("phone", once, region) == once


@given(st.text("aB@.<>\"'()[]:;, +-_\\ßüÉ\u0301\u200dmailto%40x1", max_size=30))
def test_nor_does_reading_an_address_twice_change_it(value: str) -> None:
    once = identifier("email", value)
    assert once is None or identifier("email", once) == once


def test_identifiers_come_once_and_the_strongest_first() -> None:
    given_ = [
        {"kind": "cookie", "value": " k1 "},
        {"kind": "phone", "value": "+49 170 1234567"},
        {"kind": "email", "value": "B@example.com"},
        {"kind": "phone", "value": "0170/1234567"},
        {"kind": "phone", "value": "sip:00491701234567@pbx.example"},
        {"kind": "email", "value": "a@example.com"},
        {"kind": "email", "value": "anon@example.com"},
        {"kind": "palm", "value": "x"},
    ]
    assert identifiers(given_, "DE", shipped_nobody()) == (
        ("email", "b@example.com"),
        ("email", "a@example.com"),
        ("phone", "+491701234567"),
        ("cookie", "k1"),
        ("palm", "x"),
    )


# Nobody

FOLD = st.sampled_from([str.lower, str.upper, str.title, str.strip])
SIGNS = st.sampled_from(["", " ", "-", "_", ".", "\u00a0"])


@given(st.data(), st.sampled_from(["social", "account", "device", "cookie", "customer"]))
def test_a_word_for_nobody_is_nobody_however_it_is_written(data: st.DataObject, kind: str) -> None:
    word = data.draw(st.sampled_from(WORDS))
    written = data.draw(FOLD)(word).replace(" ", data.draw(SIGNS)) + data.draw(st.sampled_from(["", ".", " ", "!"]))
    written = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD"])), written)
    assert identifier(kind, data.draw(st.sampled_from(["", " ", "<", "("])) + written) is None


WORDS = [
    *(
        "anonymous",
        "no caller id",
        "private number",
        "number withheld",
        "not set",
        "n/a",
        "null",
        "NaN",
        "undefined",
        "guest user",
    ),
    *(
        "unterdrückt",
        "keine angabe",
        "numéro masqué",
        "número oculto",
        "numero privato",
        "não identificado",
        "onbekend nummer",
    ),
    *(
        "numer zastrzeżony",
        "hemligt nummer",
        "gizli numara",
        "номер скрыт",
        "hemmeligt nummer",
        "skjult nummer",
        "tuntematon numero",
        "neznámé číslo",
        "rejtett szám",
        "număr ascuns",
        "απόκρυψη αριθμού",
        "прихований номер",
        "अज्ञात",
        "không xác định",
        "מספר חסוי",
        "رقم مجهول",
        "未知号码",
        "非通知",
        "알 수 없음",
    ),
]


@given(st.data(), st.sampled_from(["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"]))
def test_what_carriers_send_for_hidden_numbers_is_nobody(data: st.DataObject, number: str) -> None:
    written = data.draw(
        st.sampled_from(
            [number, number[1:], f"00{number[1:]}", f"tel:{number}", f"sip:{number}@sbc.example", full_width(number)]
        )
    )
    assert identifier("phone", written, data.draw(st.sampled_from([None, "DE", "US", "CN"]))) is None


KEYS = {letter: key for key, letters in zip("23456789", ["abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"], strict=True) for letter in letters}  # fmt: skip
SPELT = sorted({word for word in map(folded, WORDS) if len(word) > 6 and word.isascii() and word.isalpha()})


@given(st.data(), st.sampled_from([*SPELT, "withheld", "payphone", "nocallerid"]))
def test_a_word_for_nobody_spelt_on_the_keys_is_nobody(data: st.DataObject, word: str) -> None:
    digits = "".join(map(KEYS.__getitem__, word))
    written = data.draw(st.sampled_from([f"+{digits}", digits, f"00{digits}", f"sip:+{digits}@sbc.example"]))
    assert identifier("phone", written, data.draw(st.sampled_from([None, "DE", "US"]))) is None


LINES_OF_NOBODY = ["+49 89 5555", "089 5555", "0049895555"]


@pytest.mark.parametrize("listed", LINES_OF_NOBODY)
@pytest.mark.parametrize(
    "written", [*LINES_OF_NOBODY, "tel:089-5555", "89 5555", "sip:+49895555@pbx.example", "(089) 5555"]
)
def test_a_number_for_nobody_is_meant_in_every_spelling(listed: str, written: str) -> None:
    assert identifier("phone", written, "DE") == "+49895555"
    assert identifier("phone", written, "DE", Nobody.of(numbers=[listed])) is None


@pytest.mark.parametrize("region", ["DE", "FR", "GB", "IN"])
@pytest.mark.parametrize(
    "digits", ["12345", "123456", "1234567", "12345678", "123456789", "1234567890", "987654321", "654321"]
)
def test_numbers_counted_on_the_keys_are_nobody(digits: str, region: str) -> None:
    country = phonenumbers.country_code_for_region(region)
    for written in (digits, f"0{digits}", f"+{country}{digits}", f"00{country} {digits}"):
        assert identifier("phone", written, region) is None


def test_one_sign_all_over_is_nobody() -> None:
    for value in ("11111111-1111-1111-1111-111111111111", "xxxxxxxx", "99999999", "ffffffff"):
        assert [identifier(kind, value) for kind in ("device", "cookie", "account", "customer")] == [None] * 4
    assert identifier("account", "777777") == "777777"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value",
    [
        "-",
        "--",
        "*",
        "#",
        "?",
        ".",
        "0",
        "00",
        "0000000000",
        "0.0",
        "00000000-0000-0000-0000-000000000000",
        "null",
        "N/A",
    ],
)
def test_placeholders_name_nobody_whatever_they_identify(kind: str, value: str) -> None:
    assert identifier(kind, value, "DE") is None


@pytest.mark.parametrize(
    "box",
    [
        "noreply",
        "no-reply",
        "No_Reply-42",
        "do.not.reply",
        "noreply+x7",
        "mailer-daemon",
        "keine-antwort",
        "service-noreply",
        "alerts.no-reply",
        "unknown",
        "none",
        "test",
    ],
)
def test_mailboxes_that_nobody_reads(box: str) -> None:
    assert identifier("email", f"{box}@shop.example") is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(
            ("customer", "7"),
            ("customer", "x"),
            ("customer", "10"),
            ("customer", "cust-1001"),
            ("account", "0815"),
            ("cookie", "v1.5f"),
        ),
        *(
            ("device", "00000000-0000-0000-0000-000000000001"),
            ("social", "unknown_soldier"),
            ("email", "info@shop.example"),
            ("email", "testa@x.example"),
            ("phone", "+91 98765 43210"),
            ("phone", "+1 737 874 2834"),
        ),
        *(("email", "anonymousfan@x.example"), ("email", "mail@weber.example"), ("customer", "Guesthouse 7")),
    ],
)
def test_somebody_is_not_taken_for_nobody(kind: str, value: str) -> None:
    assert identifier(kind, value) is not None


def test_values_of_a_deployment() -> None:
    own = Nobody.of(["Theken-Kauf"], ["+49 89 5555"], ["kasse", "shop*", "*-till"], ["kiosk.example"])
    both = own | shipped_nobody()
    for kind, value in [
        ("account", "THEKENKAUF"),
        ("phone", "+49895555"),
        ("email", "kasse@x.example"),
        ("email", "shop-7@x.example"),
        ("email", "north.till@x.example"),
    ]:
        assert (identifier(kind, value, None, own), identifier(kind, value, None, both)) == (None, None)
        assert identifier(kind, value) is not None
    assert identifier("email", "a@till.kiosk.example", None, own) is None
    assert identifier("email", "a@mykiosk.example", None, own) is not None
    assert identifier("customer", "unknown", None, own) == "unknown"
    assert identifier("customer", "unknown", None, both) is None


@pytest.mark.parametrize(
    "values", [{"words": ["--"]}, {"numbers": ["+"]}, {"mailboxes": ["*"]}, {"mailboxes": ["**"]}, {"domains": ["."]}]
)
def test_a_value_that_would_stand_for_everybody_is_refused(values: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="would stand for everybody"):
        Nobody.of(**values)
