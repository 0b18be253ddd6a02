"""What URLs, HTML and JSON escape is looked at as the sign that it is, and masked with what it is part of."""

import html
import json
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.escapes import unescaped
from streams.intake.masking import mask

ESCAPED: dict[str, Callable[[str], str]] = {
    "in a URL": lambda sign: quote(sign, safe="").replace("-", "%2D").replace(".", "%2e").replace("_", "%5F"),
    "in a URL inside a URL": lambda sign: quote(quote(sign, safe=""), safe=""),
    "in HTML": lambda sign: f"&#{ord(sign)};",
    "in HTML, hexadecimal": lambda sign: f"&#x{ord(sign):04X};",
    "in JSON": lambda sign: f"\\u{ord(sign):04x}",
}
GAPS = " -\u00a0\u202f\u2011\u2013\t"
PERSONAL = {
    "[card]": ["4111", "1111", "1111", "1111"],
    "[phone]": ["+49", "171", "2345678"],
    "[iban]": ["DE89", "3704", "0044", "0532", "0130", "00"],
}


@pytest.mark.parametrize("how", ESCAPED)
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("label", PERSONAL)
def test_a_gap_between_digits(label: str, gap: str, how: str) -> None:
    assert mask(f"it is {ESCAPED[how](gap).join(PERSONAL[label])} ok", "DE") == f"it is {label} ok"


@pytest.mark.parametrize("name", ["nbsp", "ndash", "thinsp", "ensp", "shy"])
@pytest.mark.parametrize("label", PERSONAL)
def test_a_gap_that_has_a_name(label: str, name: str) -> None:
    assert mask(f"{f'&{name};'.join(PERSONAL[label])}", "DE") == label


@pytest.mark.parametrize("how", ESCAPED)
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call {+}491712345678 now", "call [phone] now"), ("to anna{.}weber{@}example.com.", "to [email]."),
        ("4111{/}1111{/}1111{/}1111", "[card]"), ("0171{-}2345678 or 0171{/}2345678", "[phone] or [phone]"),
    ],
)  # fmt: skip
def test_a_sign_that_belongs_to_it(text: str, masked: str, how: str) -> None:
    for sign in "+.@/-":
        text = text.replace(f"{{{sign}}}", ESCAPED[how](sign))
    assert mask(text, "DE") == masked


@pytest.mark.parametrize("text", ["anna@example.com", "+49 171 2345678", "4111 1111 1111 1111"])
def test_letters_and_digits_as_entities(text: str) -> None:
    assert mask("".join(f"&#{ord(sign)};" for sign in text)) in ("[email]", "[phone]", "[card]")
    assert mask("".join(f"\\u{ord(sign):04X}" for sign in text)) in ("[email]", "[phone]", "[card]")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("phone=%2B49+171+2345678&x=1", "phone=[phone]&x=1"), ("n=%280171%29+2345678", "n=[phone]"), ("phone=+491712345678", "phone=[phone]"),
        ("card=4111+1111+1111+1111&x", "card=[card]&x"), ("iban=DE89+3704+0044+0532+0130+00", "iban=[iban]"),
        ("o=order+3904665272420812&x=%20", "o=order+3904665272420812&x=%20"), ("id%3A+8324088846", "id%3A+8324088846"),
        ("to=anna+2024@example.com&x", "[email]&x"), ("orderId%3D4492828496855546%26x", "orderId%3D4492828496855546%26x"),
    ],
)  # fmt: skip
def test_a_blank_of_a_form(text: str, masked: str) -> None:
    assert mask(text, "DE") == masked


def test_a_slash_of_json() -> None:
    assert mask(r"0171\/2345678 or 4111\/1111\/1111\/1111", "DE") == "[phone] or [card]"
    assert mask(json.dumps({"text": "mail:\nanna@example.com\t+49 171 2345678"})) == (
        r'{"text": "mail:\n[email]\t[phone]"}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "100%25 sure, 5 &lt; 7 &amp; 20%20or more", r"C:\new\table1234\u00fc", "at 2026%2D03%2D02T10%3A20%3A30Z", "&#0;&#999999;&nosuch;12",
        "order%20" + "4111111111111111", r"\ud83d\ude00 1234567", "3f2b1c9e%2D7c1b%2D4a6f%2D9d2e%2D112233445566",
    ],
)  # fmt: skip
def test_what_is_not_personal_stays_as_it_is(text: str) -> None:
    assert mask(text, "DE") == text


SIGNS = st.sampled_from(
    ["a", "1", "%", "&", "\\", ";", "%20", "%2520", "&nbsp;", "&#52;", "\\u002b", "\\n", "%C2%A0", "&x", "é"]
)


@given(st.lists(SIGNS, max_size=12).map("".join))
def test_each_sign_knows_where_it_was(text: str) -> None:
    plain = unescaped(text)
    ends = [plain.given((at, at))[0] for at in range(len(plain.text) + 1)]
    assert ends[0] == 0 and ends[-1] == len(text)
    for at, (begin, end) in enumerate(pairwise(ends)):
        assert begin < end
        assert plain.was_escaped(at) == (end - begin > 1)
        if end - begin == 1:
            assert plain.text[at] == text[begin] or (plain.text[at], text[begin]) == (" ", "+")
        elif text[begin] == "&":
            assert plain.text[at].strip() == html.unescape(text[begin:end]).strip()
