"""What is masked, what is left alone, and that nothing is left over."""

import sys
import unicodedata

import pytest

from streams.base.plain_forms import JOINERS, PLAIN_FORMS, READ_FORMS, UNSEEN, is_unseen, plain_form
from streams.intake.detectors import Budget
from streams.intake.masking import mask

NBSP = "\u00a0"


def full_width(text: str) -> str:
    return "".join("\u3000" if char == " " else chr(ord(char) + 0xFEE0) for char in text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to a.b+c@example.com.", "write to [email]."),
        ("Jörg.Müller@bücher.example, please", "[email], please"),
        ('"john doe"@example.com', "[email]"),
        ("me\uff20example.com", "[email]"),
        ("a@b@example.org", "a@[email]"),
        ("@handle is no address", "@handle is no address"),
        ("hi @john.doe", "hi @john.doe"),
        ("lunch @ 12.30 or @ noon", "lunch @ 12.30 or @ noon"),
        ("anna @ example.com, anna@ example.com", "[email], [email]"),
        ("mu\u0308ller@bu\u0308cher.example", "[email]"),
        ("यामी@भारत.example hat", "[email] hat"),
        ("anna\u200b@exam\u00adple.com", "[email]"),
        ("?mail=anna.weber%40example.com&x=1", "?mail=[email]&x=1"),
        ("anna%2540example.com", "[email]"),
        ("to=anna%2Bbank%40example.com", "to=[email]"),
        ("me\ufe6bexample.com", "[email]"),
        ("anna%2Eweber%40example%2Ecom", "[email]"),
        ("q=anna%252Ex%2540my%252Dshop.example", "q=[email]"),
        ("anna%40my%2Dshop.example&y=1", "[email]&y=1"),
        ("anna&#64;example.com or anna&#x40;example.com or anna&commat;example.com", "[email] or [email] or [email]"),
        (r"anna\u0040example.com", "[email]"),
        ("anna&commat;example.com", "[email]"),
        ("anna@3m.example, anna@198.51.100.7", "[email], [email]"),
        ("see anna@example.com.2 pieces", "see [email].2 pieces"),
        ("2@9.99, lodash@4.17.21, 3 @ 4.50", "2@9.99, lodash@4.17.21, 3 @ 4.50"),
        ("100% of 40 people", "100% of 40 people"),
    ],
)
def test_email(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "number",
    [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "de89 3704 0044 0532 0130 00",
        "de 89 3704 0044 0532 0130 00",
        "DE 89370400440532013000",
        "DE89%203704%200044%200532%200130%2000",
        f"GB82{NBSP}WEST{NBSP}1234{NBSP}5698{NBSP}7654{NBSP}32",
        "KZ86 125K ZT50 0410 0100",
        "BE68-5390-0754-7034",
        "DE89/3704/0044/0532/0130/00",
        "DE89_3704_0044_0532_0130_00",
        "DE89+3704+0044+0532+0130+00",
        "DE89%2D3704%2D0044%2D0532%2D0130%2D00",
        full_width("DE89370400440532013000"),
    ],
)
def test_iban(number: str) -> None:
    assert mask(f"pay to {number} today") == "pay to [iban] today"


def test_an_iban_with_a_wrong_check_digit_stays() -> None:
    assert mask("pay to DE88 3704 0044 0532 0130 00") == "pay to DE88 3704 0044 0532 0130 00"


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        f"4111{NBSP}1111{NBSP}1111{NBSP}1111",
        "3782 822463 10005",
        "4000-0000-1900-0001",
        "4000/0000/2000/0008",
        "4222222222222",
        "6304 0000 0000 0000 000",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41111 11111 111111",
        full_width("4111 1111 1111 1111"),
        "٤١١١١١١١١١١١١١١١",
        *(
            "4111/1111/1111/1111",
            "4111 / 1111 / 1111 / 1111",
            "4111_1111_1111_1111",
            "4111x1111x1111x1111",
            "3782.822463.10005",
        ),
        *(
            "4111%201111%201111%201111",
            "4111%2F1111%2F1111%2F1111",
            "4\ufe0f\u20e31\ufe0f\u20e3" + "1\ufe0f\u20e3" * 13 + "1",
        ),
    ],
)
@pytest.mark.parametrize("region", [None, "DE", "US"])
def test_card(number: str, region: str | None) -> None:
    assert mask(f"my card is {number}, thanks", region) == "my card is [card], thanks"


def test_a_card_is_found_beside_other_numbers() -> None:
    assert mask("card 4111 1111 1111 1111 exp 12/27 cvv 123") == "card [card] exp 12/27 cvv 123"
    assert mask("id,card\n7,4111111111111111") == "id,card\n7,[card]"
    assert mask("+4111111111111111") == "+[card]"
    assert mask("1234/4111/1111/1111/1111") == "1234/[card]"
    assert mask("order 4111 1111 1111 1111") == "order [card]"
    assert mask("I ordered: 4111111111111111") == "I ordered: [card]"


@pytest.mark.parametrize(
    ("text", "region", "masked"),
    [
        ("call +49 170 1234567 please", None, "call [phone] please"),
        ("+49 170 1234567 10", None, "[phone] 10"),
        ("+49 (0)170 1234567", None, "[phone]"),
        ("0049 170 1234567", None, "[phone]"),
        ("+1 555 010 0100", None, "[phone]"),
        ("\u202a+49\u00a0170\u00a01234567\u202c", None, "\u202a[phone]\u202c"),
        ("0170/1234567", "DE", "[phone]"),
        ("0170 1234567", None, "0170 1234567"),
        ("170 1234567", "DE", "170 1234567"),
        ("tel:030.123.45.67", "DE", "tel:[phone]"),
        ("0170 1234567 0171 7654321", "DE", "[phone] [phone]"),
        ("06.12.34.56.78", "FR", "[phone]"),
        ("020 7946 0018", "GB", "[phone]"),
        ("(212) 555-0123, thanks", "US", "[phone], thanks"),
        ("order 12345 212-555-0123", "US", "order 12345 [phone]"),
        ("my number is 2125550123", "us", "my number is [phone]"),
        ("+49 30 20260115", None, "[phone]"),
        ("0049 30 2026-01-15", None, "[phone]"),
        ("030 20260115", "DE", "[phone]"),
        ("20260115 030 1234567", "DE", "20260115 [phone]"),
        ("030 1234567 15.01.2026", "DE", "[phone] 15.01.2026"),
        ("20260115 001530 1234567", None, "20260115 001530 1234567"),
        ("wa.me/4915112345678", None, "wa.me/[phone]"),
        (
            "https://api.whatsapp.com/send?phone=4915112345678&text=x",
            None,
            "https://api.whatsapp.com/send?phone=[phone]&text=x",
        ),
        ("tel:0049 170 1234567", None, "tel:[phone]"),
        ("(0049 170 1234567)", None, "([phone])"),
        ("%2B49%20170%201234567", None, "[phone]"),
        ("%252B491701234567", None, "[phone]"),
        (
            "at 10:30 call 0170 1234567 or 10:30-11:30 +49 170 1234567",
            "DE",
            "at 10:30 call [phone] or 10:30-11:30 [phone]",
        ),
        ("15.01.2026 06.12.34.56.78", "FR", "15.01.2026 [phone]"),
        ("15.01.2026 0151 12345678", "DE", "15.01.2026 [phone]"),
        (
            "contact number 01701234567, customer's number is 01701234567",
            "DE",
            "contact number [phone], customer's number is [phone]",
        ),
        ("I ordered, 01701234567", "DE", "I ordered, [phone]"),
        ("0170 1234 5678, 089.12345678, 030.1234567", "DE", "[phone], [phone], [phone]"),
        ("+49\u200b170\u200b1234567", None, "[phone]"),
    ],
)
def test_phone(text: str, region: str | None, masked: str) -> None:
    assert mask(text, region) == masked


@pytest.mark.parametrize("region", [None, "DE", "US", "GB", "FR", "IL"])
@pytest.mark.parametrize(
    "text",
    [
        "no numbers here",
        "order 4111111111111112 and invoice 12-345678-90",
        "order 2125550123, ticket no. 2125550123, #2125550123, AB2125550123",
        "on 2026-01-15 at 10:30, or 15.01.2026, or 02.03.2026, or 01/15/2026",
        "from 2026-01-15 to 2026-01-16, logged 20260115103000",
        "it costs 1.234.567,89 EUR, $2125550123 or £1,299.00 for 12 months",
        "between 9:00 and 17:30, 24/7, at 10 to 20",
        "3.14159265358979 and 192.168.10.100",
        "0000000000000000",
        "lists: 1 2 3 4 5 and 120 250 300",
        "crashed at 1748503543050 (1748503543), session 47223179-9330-4259-b66c-f2db26efb20c",
        "trace 4722317993304259b66cf2db26efb20c, IMEI 490154203237518, imei 35-209900-176148-1",
        "it happened at 84044493-0685-4903-5876-226710530074, see 90437502-7686-4647-0202-245779260064",
        "order 4111111111111111, commande n° 4111111111111111",
    ],
)
def test_what_is_not_personal_stays(text: str, region: str | None) -> None:
    assert mask(text, region) == text


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(ValueError, match="'XX' is not a region"):
        mask("0170 1234567", "XX")


def test_plain_forms_are_known_wherever_they_lie() -> None:
    every = {code: plain_form(chr(code)) for code in range(0x80, sys.maxunicode + 1)}
    assert {code: plain for code, plain in every.items() if ord(plain) != code} == PLAIN_FORMS
    digits = [code for code in every if unicodedata.category(chr(code)) == "Nd"]
    assert {PLAIN_FORMS[code] for code in digits} == set("0123456789")
    unseen = {code for code in every if is_unseen(chr(code))}
    assert unseen == {code for code, plain in READ_FORMS.items() if plain is None} == {*UNSEEN, *map(ord, JOINERS)}
    assert {"\u200b", "\u200e", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u034f"} <= set(map(chr, UNSEEN))
    assert all(len(plain) == 1 for plain in PLAIN_FORMS.values())


# When the budget is used up: what is masked then, without asking anybody.


def test_texts_share_a_budget() -> None:
    budget = Budget()
    numbers = " ".join(f"+49 170 {number}" for number in range(1_000_000, 1_002_000))
    assert mask("+49 170 1234567", None, budget) == "[phone]"
    assert set(mask(numbers, None, budget).split()) == {"[number]"}
    assert mask("+49 170 1234567", None, budget) == "[number]", "nothing is left for those that come after"
    assert budget.sieved == 2


def test_a_page_of_numbers_is_still_looked_at_closely() -> None:
    """120 customers with phone, card and date: that is no attack."""
    row = "Ms. Müller +49 170 1234567, 030 1234567, card 4111 1111 1111 1111, since 2026-01-15, order 11223355"
    budget = Budget()
    masked = mask("\n".join(row.replace("4567", f"4{number:03}") for number in range(120)), "DE", budget)
    assert budget.sieved == 0
    assert masked == "\n".join(["Ms. Müller [phone], [phone], card [card], since 2026-01-15, order 11223355"] * 120)
