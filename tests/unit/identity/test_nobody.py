"""Kinds of values that systems write for nobody: other spellings, compositions and damage than any list has."""

import unicodedata
from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.identity.nobody import Nobody
from tests.support.identifiers import identifier

FILE = yaml.safe_load(files("streams").joinpath("rules", "nobody.yaml").read_text("utf-8"))
WORDS = sorted({word for words in FILE["words"].values() for word in words})
IDS = ["social", "account", "device", "cookie", "customer"]
WRITTEN_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}


def without_marks(text: str) -> str:
    found = "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
    return found.replace("ı", "i").replace("ł", "l")  # noqa: RUF001 - a Turkish i


def written_out(text: str) -> str:
    return "".join(WRITTEN_OUT.get(each, each) for each in text.lower())


@pytest.mark.parametrize("how", [without_marks, written_out, str.upper, str.title])
def test_a_word_is_one_whatever_became_of_its_letters(how: object) -> None:
    assert callable(how)
    assert [word for word in WORDS if identifier("customer", how(word)) is not None] == []


PLAIN = [word for word in WORDS if word.isalpha()]


@given(
    st.sampled_from(PLAIN),
    st.sampled_from([*PLAIN, *filter(str.isalpha, FILE.get("parts", []))]),
    st.sampled_from(" _-,|/"),
    st.booleans(),
)
def test_words_beside_words_name_nobody(word: str, other: str, sign: str, turned: bool) -> None:
    """First and last name of a form, the title of a column: ``unknown unknown``, ``caller_withheld``."""
    one, two = (other, word) if turned else (word, other)
    assert identifier("account", f"{one}{sign}{two}") is None


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize(
    "value",
    [
        *("unknown, unknown", "NULL NULL", "N/A N/A", "caller_withheld", "customer_id", "no e-mail", "kein Name"),
        *("-1", "-999", "\u22121", "-2147483648", "99999999", "1111111", "FFFF-FFFF", "XXXX", "aaaaa"),
        *("12345678", "0123456789", "2345678901", "9876543210", "4294967295", "9223372036854775807"),
        *("#ERROR!", "#DIV/0!", "#WERT!", "#NV"),
        *("{{customer_id}}", "${customerId}", "#{id}", "%CUSTOMER_ID%", "[[contact.id]]", "<%= id %>", "$id$", "{id}"),
        *("D41D8CD98F00B204E9800998ECF8427E", "da39a3ee-5e6b4b0d3255bfef95601890afd80709"),
        *("Guest Checkout", "Standardkunde", "client divers", "to be defined", "999999", "xx"),
        *("Kunde", "cliente", "Utilisateur", "klant", "użytkownik", "клиент", "用户", "user", "Consumer", "onbekende"),
        *("Facebook User", "WhatsApp-Nutzer", "google_user", "Web Chat", "former member", "cid unavailable"),
        *("System", "root", "string", "Infinity", "-inf", "true", "%s", "%(customer)s", "%{id}", "1970-01-01"),
        *("tuntematon", "NEZNÁMÝ", "ukjent nummer", "Άγνωστος", "अज्ञात", "khach vang lai", "невідомий", "ناشناس"),
    ],
)
def test_what_stands_for_nobody_as_an_id(kind: str, value: str) -> None:
    assert identifier(kind, value) is None


@pytest.mark.parametrize("region", [None, "DE", "US", "FR"])
@pytest.mark.parametrize(
    "value",
    [
        *("sip:192.0.2.10", "sip:10.0.0.5:5060;transport=udp", "192.168.10.21", "sip:203.0.113.7;lr"),
        *("tel:unknown;phone-context=+1212", "tel:anonymous;phone-context=+4989", "+49 89 unbekannt", "0049withheld"),
        *("SEP001122334455", "sip:SEP001122334455@cucm.example", "sip:trunk4989123456@sbc", "max123456789@web.example"),
        *("+33123456789", "+4312345678", "+12345678901", "+49 170 0000000", "+1 212 000 0000", "+41 44 000 00 00"),
        *("4.91701E+11", "4,91701e11", "2147483647", "+1 214 748 3647"),
    ],
)
def test_what_is_no_callers_number(value: str, region: str | None) -> None:
    assert identifier("phone", value, region) is None


def on_a_keypad(word: str) -> str:
    return word.translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999"))


@pytest.mark.parametrize(
    "word", ["payphone", "suppressed", "unavailable", "unidentified", "notavailable", "nocallerid"]
)
@pytest.mark.parametrize("form", ["+{}", "{}", "00{}", "sip:+{}@sbc.example"])
def test_a_word_on_a_keypad_is_no_number(word: str, form: str) -> None:
    assert identifier("phone", form.format(on_a_keypad(word)), "DE") is None


@pytest.mark.parametrize(
    "value",
    [
        *("not@provided.example", "keine@angabe.example", "no@email.example", "na@na.example", "private@private.example"),
        *("mail@mail.example", "kunde@kunde.example", "geen@email.example", "test1@x.example", "sans-email@x.example"),
        *("aa@aa.example", "123@123.example", "0@0.example", "xxx@xxx.example"),
        *("unknown.customer@x.example", "test_user@x.example", "no.email@x.example", "k.a@x.example"),
        *("${user}@x.example", "{{user}}@x.example", "%mail%@x.example", "notifications@x.example"),
    ],
)  # fmt: skip
def test_an_address_that_reads_as_none(value: str) -> None:
    assert identifier("email", value) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("phone", each) for each in ("030.123.456.78", "+49.89.12.34.56", "Tel. 089 123456", "tel089123456")),
        *(("phone", each) for each in ("sip:+4989123456@10.0.0.1", "Unknown <+4989123456>", "+1 800 FLOWERS")),
        *(("phone", each) for each in ("+49 89 1234567", "+1 650 253 0000", "+49 69 1000000", "+49 30 2345678")),
        *(("customer", each) for each in ("6.02701E+11", "100000", "12345", "AA", "C-000001", "K-17", "guest-4711", "5e3", "2,5", "no")),
        *(("customer", each) for each in ("anna privat", "privatbank-7", "1000-0001", "e-12", "{7", "100%")),
        *(("email", each) for each in ("meier@meier.example", "privat@weber.example", "customer.service@x.example", "john.doe@x.example")),
        *(("email", each) for each in ("guest.17@x.example", "guest4711@x.example", "anna12@x.example", "anna@unknown-soldier.example", "notar@weber.example", "no@weber.example")),
        *(("social", each) for each in ("@private.eye", "@nana", "@guest_house", "@noname_band")),
    ],
)  # fmt: skip
def test_somebody_stays_somebody(kind: str, value: str) -> None:
    assert identifier(kind, value, "DE") is not None


@given(st.from_regex(r"[A-Z]{1,3}-?[1-9][0-9]{2,9}", fullmatch=True))
def test_numbered_ids_are_somebodys(value: str) -> None:
    assert identifier("customer", value) == value


def test_parts_of_a_deployment() -> None:
    own = Nobody.of(["laufkunde"], parts=["filiale"])
    assert identifier("account", "Laufkunde Filiale", None, own) is None
    assert identifier("account", "Filiale", None, own) == "Filiale"
    assert identifier("account", "Filiale 7", None, own) == "Filiale 7"
