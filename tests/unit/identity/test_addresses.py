"""An email address in its spellings is one; what has not its form names nobody."""

import html
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.identifiers import identifier
from tests.support.spellings import UNSEEN, full_width, strewn

BOXES = [
    "anna.weber",
    "a",
    "o'neil",
    "x_1-2",
    "anna+bank",
    "müller",
    "josé",
    "ñandú",
    "李",
    "यामी",
    "info",
    "zoë.k",
    "1234",
]
DOMAINS = [
    "example.com",
    "mail.example.co.uk",
    "bücher.example",
    "straße.example",
    "例え.jp",
    "пример.рф",
    "i❤.example",
    "xn--bcher-kva.example",
]


def ascii_domain(domain: str) -> str:
    """By other means than the product: labels one by one."""
    known = {"straße": "xn--strae-oqa", "例え": "xn--r8jz45g", "i❤": "xn--i-7iq", "bücher": "xn--bcher-kva"}
    known |= {"пример": "xn--e1afmkfd", "рф": "xn--p1ai"}
    return ".".join(known.get(label, label) for label in domain.split("."))


@st.composite
def spellings_of_an_address(draw: st.DrawFn, box: str, domain: str) -> str:
    form = draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
    where = draw(st.sampled_from([domain, ascii_domain(domain), domain.upper() if "ß" not in domain else domain]))
    if draw(st.booleans()):
        where = where.replace(".", draw(st.sampled_from([".", "\uff0e"]))) + draw(st.sampled_from(["", "."]))
    at = draw(st.sampled_from(["@", "@", " @ ", "\uff20", "@ "]))
    address = unicodedata.normalize(form, draw(st.sampled_from([box, box.upper(), box.title()])) + at + where)
    if draw(st.integers(0, 3)) == 0 and domain.isascii():
        address = full_width(address)
    address = draw(strewn(address, UNSEEN, 2))
    scheme = draw(st.sampled_from(["", "", "mailto:", "MAILTO:", "Mailto: ", "smtp:", "mailto:mailto:", "E-Mail: "]))
    query = (
        draw(st.sampled_from(["", "?subject=Hello&cc=b@example.org"])) if scheme.lower().startswith("mailto") else ""
    )
    comment = draw(st.sampled_from(["", " (Anna Weber)", "(work)", " (a (nested) one)"]))
    name = draw(
        st.sampled_from(
            [
                "",
                "Anna ",
                '"Weber, Anna" ',
                '"<ceo@bank.example>" ',
                '"a\\" <ceo@bank.example>" ',
                "Müller ",
                "=?utf-8?q?A?= ",
            ]
        )
    )
    dress: list[Callable[[], str]] = [
        lambda: f"{scheme}{address}{query}",
        lambda: f"{name}<{scheme}{address}{query}>",
        lambda: f"{name}< {address} >{comment}",
        lambda: f"{address}{comment}",
        lambda: f"'{address}'",
        lambda: f"[{address}]",
        lambda: f"{name}[mailto:{address}]",
        lambda: html.escape(f"{name}<{address}>").replace("@", "&#64;"),
        lambda: f"{address} <{scheme}{address}{query}>",
    ]
    around = draw(st.sampled_from(["", " ", "\n", "\u00a0", "\ufeff"]))
    return around + draw(st.sampled_from(dress))() + draw(st.sampled_from(["", ";", ",", ".", " "]))


@given(st.data(), st.sampled_from(BOXES), st.sampled_from(DOMAINS))
def test_an_address_is_one_in_every_spelling(data: st.DataObject, box: str, domain: str) -> None:
    spelling = data.draw(spellings_of_an_address(box, domain))
    assume(len(spelling) <= 320)
    assert identifier("email", spelling) == f"{unicodedata.normalize('NFC', box)}@{ascii_domain(domain)}"


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (" Ann.Smith@Example.COM ", "ann.smith@example.com"),
        ("mailto:a%40example.com", "a@example.com"),
        ("mailto:anna%2Bbank@example.com", "anna+bank@example.com"),
        ("anna%40example.com", "anna@example.com"),
        ("info@BÜCHER.example", "info@xn--bcher-kva.example"),
        ('"anna"@example.com', "anna@example.com"),
        ("\u201canna@example.com\u201d", "anna@example.com"),
        ("\u00abanna@b\u00fccher.example\u00bb;", "anna@xn--bcher-kva.example"),
        ('"Anna Weber"@example.com', '"anna weber"@example.com'),
        ("a@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "a@xn--mgba3gch31f060k.com"),
        ("no address", None),
    ],
)
def test_email(given_: str, expected: str | None) -> None:
    assert identifier("email", given_) == expected
    assert expected is None or identifier("email", expected) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "weber",
            "@example.com",
            "anna@",
            "anna@localhost",
            "a@a.a",
            "anna@192.0.2.1",
            "a b@example.com",
            "anna@exa mple.com",
        ),
        *(
            "<a@example.com> <b@example.com>",
            "a@example.com, b@example.com",
            "a@b@example.com",
            "a@-example.com",
            "a@example..com",
        ),
        *(
            '" <ceo@bank.example> <real@example.com>',
            "(anna@example.com)",
            "a" * 65 + "@example.com",
            "anna@" + "x" * 64 + ".com",
        ),
    ],
)
def test_what_has_not_the_form_of_an_address_names_nobody(value: str) -> None:
    assert identifier("email", value) is None


def test_a_name_that_holds_an_address_is_not_the_address() -> None:
    """Whoever writes the name would else choose whose mail it is."""
    for name in ('"ceo@bank.example"', '"<ceo@bank.example>"', '"\\"<ceo@bank.example>"', "ceo@bank.example"):
        assert identifier("email", f"{name} <x@example.com>") == "x@example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(
            ("a+x@b.de", "a@b.de"),
            ("straße@x.de", "strasse@x.de"),
            ("x@straße.de", "x@strasse.de"),
            ("\u0131@x.de", "i@x.de"),
        ),
        *(("a.b@x.de", "ab@x.de"), ("\u0430@x.de", "a@x.de"), ("a@x.de", "a@x.com")),
    ],
)
def test_different_addresses_stay_different(one: str, other: str) -> None:
    assert identifier("email", one) != identifier("email", other) is not None
