"""One phone number and one e-mail address are one value in every spelling; what has not their form is none."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.identity.phone_numbers import phone
from tests.support.identifiers import identifier
from tests.support.spellings import UNSEEN, full_width, strewn

KINDS = ["email", "phone", "social", "account", "device", "cookie", "customer", "other"]
E164 = re.compile(r"\+[1-9]\d{6,14}(;ext=\d{1,20})?")


# Phones

LINES = [
    *(
        "+4989123456",
        "+4915112345678",
        "+442079460123",
        "+12125550123",
        "+33612345678",
        "+390612345678",
        "+31612345678",
    ),
    *(
        "+972502345678",
        "+5511961234567",
        "+81312345678",
        "+919876543210",
        "+41446681800",
        "+46701234567",
        "+390236618300",
    ),
]
"""Valid numbers; `test_they_are_valid`."""


def test_they_are_valid() -> None:
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(line)) for line in LINES)


@st.composite
def digits_as_written(draw: st.DrawFn, digits: str) -> str:
    """Grouped somehow, in some script, with signs that nobody sees."""
    signs = draw(
        st.sampled_from([[""], [" "], ["-"], ["."], ["/"], ["\u00a0"], ["\u2011"], ["\t"], [" ", "-"], [" - "]])
    )
    parts, at = [], 0
    while at < len(digits):
        size = draw(st.integers(2, 5))
        parts.append(digits[at : at + size])
        at += size
    text = parts[0] + "".join(draw(st.sampled_from(signs)) + part for part in parts[1:])
    zero = draw(st.sampled_from([None, None, "\u0660", "\u06f0", "\u0966", "\uff10"]))
    if zero:
        text = text.translate({ord("0") + n: chr(ord(zero) + n) for n in range(10)})
    return draw(strewn(text, UNSEEN))


@st.composite
def spellings_of_a_phone(draw: st.DrawFn, line: str) -> tuple[str, str | None]:
    """A spelling, and a region in which it may be read."""
    number = phonenumbers.parse(line)
    country, bare = str(number.country_code), line[1:]
    home = phonenumbers.region_code_for_number(number)
    plus = draw(st.sampled_from(["+", "+", "\uff0b"])) + draw(digits_as_written(bare))
    zeros = draw(st.sampled_from(["00", "00 ", "(00) ", "+00"])) + draw(digits_as_written(bare))
    dialled = draw(st.sampled_from([plus, zeros]))
    in_uri = draw(st.sampled_from([line, f"00{bare}", f"+{bare[:2]}-{bare[2:6]}-{bare[6:]}", f"%2B{bare}"]))
    host = draw(st.sampled_from(["pbx.example.net", "198.51.100.7:5060", "sbc", "[2001:db8::1]"]))
    parameters = draw(st.sampled_from(["", ";user=phone", ";transport=tls;lr", ";user=phone?Subject=x"]))
    name = draw(
        st.sampled_from(["", "Anna ", '"Weber, Anna" ', '"+1 212 555 0199" ', '"<sip:+12125550199@x.example>" '])
    )
    scheme = draw(st.sampled_from(["sip:", "sips:", "SIP:"]))
    tail = bare[len(country) :]
    everywhere: list[str] = [
        dialled,
        f"{draw(st.sampled_from(['tel:', 'TEL:', 'callto:', 'sms:', 'whatsapp:', 'tel://']))}{in_uri}",
        f"tel:{in_uri};phone-context=example.com",
        f"tel:{tail};phone-context=+{country}",
        f"{scheme}{in_uri}@{host}{parameters}",
        f"{scheme}{in_uri};npdi@{host}{parameters}",
        f"{name}<{scheme}{in_uri}@{host}{parameters}>;tag=a7f",
        f"{name}<tel:{in_uri}>",
        f"{in_uri}@{host}",
        *(f"{bare}@c.us", f"{bare}@s.whatsapp.net", f"{bare}:12@s.whatsapp.net", f"{bare}_1:4@s.whatsapp.net"),
        *(
            f"https://wa.me/{bare}",
            f"whatsapp://send?phone={bare}&text=hi",
            f"https://api.whatsapp.com/send?phone=%2B{bare}",
        ),
        full_width(line),
    ]
    text = draw(st.sampled_from(everywhere))
    if draw(st.integers(0, 9)) == 0:
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        return draw(strewn(national, UNSEEN)), home
    around = draw(st.sampled_from(["", " ", "\t", "\u00a0", "\u200b"]))
    behind = draw(st.sampled_from(["", ";", ".", ",", " ", "\ufeff"]))
    return around + text + behind, draw(st.sampled_from([None, home, "DE", "US"]))


@given(st.data(), st.sampled_from(LINES))
def test_a_phone_is_one_in_every_spelling(data: st.DataObject, line: str) -> None:
    spelling, region = data.draw(spellings_of_a_phone(line))
    assert identifier("phone", spelling, region) == line


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("region", [None, "DE", "GB", "FR", "IL"])
def test_a_number_of_abroad_without_plus(line: str, region: str | None) -> None:
    """It is the same where it is valid that way, and has the region's own code or is no valid number of the region."""
    at_home = None
    if region and not line.startswith(f"+{phonenumbers.country_code_for_region(region)}"):
        number = phonenumbers.parse(line[1:], region)
        if phonenumbers.is_valid_number(number):
            at_home = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert identifier("phone", line[1:], region) == (at_home or line)


@pytest.mark.parametrize(
    ("given_", "region", "expected"),
    [
        (" +49 (0)170 / 123 45 67 ", None, "+491701234567"),
        ("0170 1234567", "DE", "+491701234567"),
        ("0170 1234567", None, "0170 1234567"),
        ("tel:+1-212-555-0123", None, "+12125550123"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("011 49 89 123456", "US", "+4989123456"),
        ("0049 89 123456", "US", "+4989123456"),
        ("+49 30 901820 ext. 5", None, "+4930901820;ext=5"),
        ("tel:+4930901820;ext=5", None, "+4930901820;ext=5"),
        ("sip:+4930901820;ext=5@pbx.example;user=phone", None, "+4930901820;ext=5"),
        ("tel:030901820;phone-context=+49", None, "+4930901820"),
        ("tel:4711;phone-context=pbx.example.com", "DE", "tel:4711;phone-context=pbx.example.com"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("4915112345678", "DE", "+4915112345678"),
        ("4915 112345", "DE", "+494915112345"),
        ("15112345678", "DE", "+4915112345678"),
        ("+49 151 12345678 (mobile)", None, "+4915112345678"),
        ("+49 151 12345678#", None, "+4915112345678"),
        ("sip:+4915112345678:5060", None, "+4915112345678"),
        ("sms:+4915112345678?body=for%20a@example.com", None, "+4915112345678"),
        ("skype:+4915112345678?call", None, "+4915112345678"),
        ("viber://chat?number=4915112345678", None, "+4915112345678"),
        ("https://wa.me/+49 151 12345678", None, "+4915112345678"),
        ("+48 (0)22 523 45 67", None, "+48225234567"),
        ("0034 (0)91 123 45 67", None, "+34911234567"),
        ("+39 (0)6 1234 5678", None, "+390612345678"),
        ("4915112345678.0", None, "+4915112345678"),
        ("#31#+4915112345678", None, "+4915112345678"),
        ("*31#0151 12345678", "DE", "+4915112345678"),
        ("+49_151_12345678", None, "+4915112345678"),
        ("+49\u00b7151\u00b712345678", None, "+4915112345678"),
        ("5215512345678@c.us", None, "+525512345678"),
        ("+52 1 55 1234 5678", None, "+525512345678"),
        ("551187654321@s.whatsapp.net", None, "+5511987654321"),
        ("22.33.44.57", "DK", "+4522334457"),
        ("49", "DE", "49"),
        ("  4711 ", None, "4711"),
        ("front desk", "US", "front desk"),
    ],
)
def test_phone(given_: str, region: str | None, expected: str) -> None:
    assert phone(given_, region) == expected
    assert phone(expected, region) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "0",
            "-",
            "+",
            "+49",
            "110",
            "4711",
            "front desk",
            "anonymous@anonymous.invalid",
            "sip:anonymous@anonymous.invalid",
        ),
        *(
            '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
            "sip:anna@pbx.example",
            "+49 30 1234567890123456",
            "0170 1234567",
        ),
        *(
            "491511234567-1617000000@g.us",
            "123456789012345@lid",
            "status@broadcast",
            "+0000000000",
            "+49 0000000",
            "+11111111111",
        ),
        *("<+4989123456> <+4989123457>", "+49 89 123456 / +49 170 1234567", "1" * 40, "+49" + "8" * 300),
    ],
)
def test_what_has_not_the_form_of_a_phone_names_nobody(value: str) -> None:
    assert identifier("phone", value) is None


@pytest.mark.parametrize("region", ["DE", "US", "DK"])
@pytest.mark.parametrize(
    "value",
    ["10.0.0.5", "192.168.101.100", "sip:10.0.0.5:5060", "sip:192.168.10.15;transport=udp", "sip:10.20.30.140@sbc.example", "203.0.113.7:5061",
     "sip:agent47110815@pbx.example", "gateway12345678@10.0.0.5", "<sip:queue7654987@pbx.example>"],
)  # fmt: skip
def test_machines_and_names_with_digits_are_no_phones(value: str, region: str) -> None:
    """Through a gateway many call: it must not make one person of them."""
    assert identifier("phone", value, region) is None


@given(
    st.one_of(st.text(max_size=40), st.text('+0123456789 ()-;=@.<>"extphonwacusip:', max_size=40)),
    st.sampled_from([None, "DE", "US", "NO"]),
)
def test_whatever_is_given_a_phone_is_one_in_form(value: str, region: str | None) -> None:
    number = identifier("phone", value, region)
    assert number is None or E164.fullmatch(number)
