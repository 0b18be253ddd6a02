"""A thousand of each: what is personal is masked, what only looks like a number of a card or a phone stays."""

import random
import string
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import phonenumbers
import pytest
from stdnum import iban, luhn

from streams.intake.masking import mask

MANY = 1000
REGIONS = [None, "DE", "US"]
Dice = random.Random


def digits(dice: Dice, count: int) -> str:
    return "".join(dice.choices(string.digits, k=count))


# What stays


def a_time(dice: Dice) -> int:
    """Seconds since 1970, of 2015 to 2033."""
    return dice.randint(1_420_000_000, 1_999_999_999)


def compact(dice: Dice) -> str:
    return datetime.fromtimestamp(a_time(dice), UTC).strftime(
        dice.choice(["%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d %H%M%S", "%Y-%m-%d"])
    )


def a_uuid(dice: Dice) -> str:
    made = uuid.UUID(int=dice.getrandbits(128), version=4)
    return dice.choice([str(made), str(made).upper(), made.hex, f"{{{made}}}", made.urn])


def a_uuid_of_digits(dice: Dice) -> str:
    """The worst there is."""
    made = digits(dice, 32)
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-{made[16:20]}-{made[20:]}"


def imei(dice: Dice) -> str:
    body = dice.choice(["35", "86", "01", "99", "49"]) + digits(dice, 12)
    made = body + luhn.calc_check_digit(body)
    return dice.choice(
        [made, f"{made[:2]}-{made[2:8]}-{made[8:14]}-{made[14:]}", f"{made[:2]} {made[2:8]} {made[8:14]} {made[14:]}"]
    )


def any_imei(dice: Dice) -> str:
    body = digits(dice, 14)
    return dice.choice(["IMEI ", "IMEI: ", "imei no. "]) + body + luhn.calc_check_digit(body)


def order(dice: Dice) -> str:
    number = str(dice.randint(1, 9)) + digits(dice, dice.randint(7, 13))
    return dice.choice([number, f"A-{number}", f"302-{digits(dice, 7)}-{digits(dice, 7)}", f"2026-{digits(dice, 6)}"])


def named_order(dice: Dice) -> str:
    word = dice.choice(
        [
            "order ",
            "Order no. ",
            "order number: ",
            "order #",
            "Bestellung ",
            "Rechnungsnummer ",
            "tracking ",
            "commande n° ",
            "pedido ",
        ]
    )
    return word + str(dice.randint(1, 9)) + digits(dice, dice.randint(7, 18))


def digest(dice: Dice) -> str:
    return dice.randbytes(dice.choice([16, 20, 32])).hex()


def clock(dice: Dice) -> str:
    """A moment in whatever form logs have it."""
    zone = timezone(timedelta(hours=dice.randint(-11, 13), minutes=dice.choice([0, 0, 30, 45])))
    moment = datetime.fromtimestamp(a_time(dice) + dice.random(), zone)
    if dice.random() < 0.5:
        return moment.isoformat(
            sep=dice.choice("T "), timespec=dice.choice(["seconds", "milliseconds", "microseconds"])
        )
    nanoseconds = f"{moment:%H:%M}:{dice.choice(['00', f'{moment:%S}'])}.{digits(dice, 9)}"
    if dice.random() < 0.5:
        return f"{moment:%Y-%m-%d}T{nanoseconds}{dice.choice(['', 'Z', '+01:00', '-0800'])}"
    return moment.strftime(
        dice.choice(
            ["%d.%m.%Y %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z", "%m/%d/%Y %I:%M:%S %p", "%Y%m%dT%H%M%SZ",
             "%Y%m%d-%H%M%S", "%Y_%m_%d_%H_%M_%S", "%d-%m-%Y %H-%M-%S", "%Y/%m/%d %H.%M.%S", "%Y %m %d %H %M %S", "%d%m%Y%H%M%S", "%Y%m%d%H%M%S%f"]
        )
    )  # fmt: skip


def printed_imei(dice: Dice) -> str:
    body = dice.choice(["35", "86", "01"]) + digits(dice, 12)
    made = body + luhn.calc_check_digit(body)
    sizes = dice.choice([(2, 6, 6, 1), (6, 2, 6, 1), (8, 6, 1), (3, 3, 3, 3, 3)])
    parts, at = [], 0
    for size in sizes:
        parts.append(made[at : at + size])
        at += size
    return dice.choice(" -" if len(sizes) == 5 else " -/").join(parts)


SAID_TO_BE = [
    *("order id: ", "Order-No. ", "orderId=", "order_id=", '"order_id": "', "order number is ", "my order (", "PO number ", "transaction id "),
    *("txn_id=", "ticketId: ", "Invoice-ID: ", "case #", "ref# ", "request-id: ", "customer number ", "policy no. ", "S.No. of contract no. "),
    *("Bestell-Nr. ", "Bestellnr. ", "Rechnungs-Nr.: ", "Kundennummer ", "Vertragsnummer: ", "Auftrags-Nr. ", "Vorgangs-Nr. ", "Paketnummer "),
    *("pedido nº ", "numéro de commande : ", "ordine n. ", "numero d'ordine ", "bestelnummer ", "zamówienie nr ", "номер заказа "),
]  # fmt: skip


def said(dice: Dice) -> str:
    """As long as a card or as a phone, and beginning like one."""
    number = dice.choice([dice.choice("456") + digits(dice, 15), "0" + digits(dice, dice.randint(8, 11))])
    return dice.choice(SAID_TO_BE) + number


def printed(dice: Dice) -> str:
    """An ISBN, a parcel, the card of a phone, an order of a shop or of a year, coordinates, a version, a price."""
    fours = " ".join(digits(dice, 4) for _ in range(4))
    return dice.choice(
        [
            f"978-{digits(dice, 1)}-{digits(dice, 2)}-{digits(dice, 6)}-{digits(dice, 1)}",
            f"94{digits(dice, 2)} {fours} {digits(dice, 2)}",
            f"8949 {fours[:14]} {digits(dice, 3)}",
            f"1Z{digits(dice, 16)}",
            f"{digits(dice, 2)}-{digits(dice, 5)}-{digits(dice, 5)}",
            f"RE-2026-{digits(dice, dice.randint(5, 10))}",
            f"{dice.uniform(-90, 90):.8f}, {dice.uniform(-180, 180):.14f}",
            f"v{dice.randint(1, 20)}.{dice.randint(0, 200)}.{digits(dice, 4)}.{digits(dice, 5)}",
            f"{dice.randint(1, 9)}@{dice.randint(1, 99)}.{digits(dice, 2)}",
            f"left-pad@{dice.randint(1, 9)}.{dice.randint(0, 20)}.{dice.randint(0, 99)}",
        ]
    )


LOOK_ALIKE: dict[str, Callable[[Dice], str]] = {
    "seconds since 1970": lambda dice: str(a_time(dice)),
    "milliseconds since 1970": lambda dice: str(a_time(dice) * 1000 + dice.randrange(1000)),
    "microseconds since 1970": lambda dice: str(a_time(dice) * 1_000_000 + dice.randrange(1_000_000)),
    "seconds with a fraction": lambda dice: f"{a_time(dice)}.{dice.randrange(10**6):06}",
    "dates and times": compact,
    "moments as logs write them": clock,
    "IMEI as printed": printed_imei,
    "numbers of orders, customers, contracts, said to be that": said,
    "numbers as printed": printed,
    "UUIDs": a_uuid,
    "UUIDs of digits alone": a_uuid_of_digits,
    "IMEI": imei,
    "IMEI of any maker, said to be one": any_imei,
    "order numbers": order,
    "order numbers of any length, said to be one": named_order,
    "digests": digest,
}
SENTENCES = ["{}", "it happened at {}, twice", "my {} please", "({})", "see {}.", "id={}&x=1", "{}\nthanks"]


PHONES_TOO = {("order numbers", "US")}
"""Ten digits in a row are a phone number there."""


@pytest.mark.parametrize(("kind", "region"), [pair for pair in product(LOOK_ALIKE, REGIONS) if pair not in PHONES_TOO])
def test_less_than_one_in_a_hundred_is_masked(kind: str, region: str | None) -> None:
    dice = Dice(7)
    made = [LOOK_ALIKE[kind](dice) for _ in range(MANY)]
    texts = [dice.choice(SENTENCES).format(one) for one in made]
    masked = [text for text in texts if mask(text, region) != text]
    assert len(masked) < MANY / 100, masked[:5]


# What goes

ISSUERS = [
    ("4", 16),
    ("4", 13),
    ("4", 19),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("36", 14),
    ("300", 14),
]
ISSUERS += [
    ("6011", 16),
    ("65", 16),
    ("3528", 16),
    ("3589", 16),
    ("62", 16),
    ("62", 19),
    ("5018", 16),
    ("6759", 19),
    ("2200", 16),
    ("81", 16),
]


def card(dice: Dice) -> str:
    beginning, size = dice.choice(ISSUERS)
    body = beginning + digits(dice, size - len(beginning) - 1)
    number = body + luhn.calc_check_digit(body)
    sizes = {14: (4, 6, 4), 15: (4, 6, 5)}.get(size, (4, 4, 4, 4, 4))
    sign = dice.choice(["", "", " ", "-", ".", "/", "_", "\u00a0", " - ", " / ", "%20", "%2F", "\u200b", "|", "x"])
    parts, at = [], 0
    for each in sizes:
        parts.append(number[at : at + each])
        at += each
    return sign.join(part for part in parts if part)


def an_iban(dice: Dice) -> str:
    country, size, letters = dice.choice(
        [
            ("DE", 18, ""),
            ("GB", 14, "WEST"),
            ("FR", 23, ""),
            ("ES", 20, ""),
            ("NL", 10, "ABNA"),
            ("IT", 22, "X"),
            ("IL", 19, ""),
        ]
    )
    bban = letters + digits(dice, size)
    number = country + iban.calc_check_digits(f"{country}00{bban}") + bban
    return dice.choice([number, number.lower(), iban.format(number), iban.format(number, "-")])


def address(dice: Dice) -> str:
    name = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(1, 9)))
    box = dice.choice(
        [name, f"{name}.weber", f"mu\u0308{name}", f"{name}+x", "यामी" + name, f"{name}\u200b{name}", f"м{name}"]
    )
    at = dice.choice(["@", "@", "@", " @ ", "%40", "%2540", "\uff20", "\u200b@"])
    domains = ["example.com", "mail.example.co.uk", "bücher.example", "bu\u0308cher.example", "भारत.example"]
    return box + at + dice.choice(domains)


def valid(dice: Dice, region: str) -> phonenumbers.PhoneNumber:
    kind = dice.choice([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    while True:
        example.national_number = example.national_number // 1000 * 1000 + dice.randrange(1000)
        if phonenumbers.is_valid_number(example):
            return example


def abroad(dice: Dice) -> str:
    number = valid(dice, dice.choice(["DE", "GB", "US", "FR", "IL", "IT", "NL", "CH", "BR"]))
    written = phonenumbers.format_number(
        number, dice.choice([phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL])
    )
    bare = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return dice.choice(
        [
            written,
            f"00{bare}",
            f"tel:{written}",
            f"%2B{bare}",
            f"wa.me/{bare}",
            f"{bare}@c.us",
            written.replace(" ", "\u200b"),
        ]
    )


def at_home(region: str) -> Callable[[Dice], str]:
    return lambda dice: phonenumbers.format_number(valid(dice, region), phonenumbers.PhoneNumberFormat.NATIONAL)


def like_a_date(dice: Dice) -> str:
    """Its last eight digits are a date."""
    day = datetime.fromtimestamp(a_time(dice), UTC)
    return dice.choice(
        [
            f"+49 30 {day:%Y%m%d}",
            f"+49 30 {day:%Y-%m-%d}",
            f"0049 30 {day:%Y%m%d}",
            f"+4930{day:%Y%m%d}",
            f"+39 06 {day:%Y%m%d}",
        ]
    )


PERSONAL: list[tuple[str, Callable[[Dice], str], str | None]] = [
    *(("cards", card, region) for region in REGIONS),
    *(("IBANs", an_iban, region) for region in REGIONS),
    *(("e-mail addresses", address, region) for region in REGIONS),
    *(("phones with their country", abroad, region) for region in REGIONS),
    *((f"phones of {region}", at_home(region), region) for region in ("DE", "US", "GB", "FR", "IL")),
    *(("phones that end like a date", like_a_date, region) for region in REGIONS),
]


@pytest.mark.parametrize(("kind", "make", "region"), PERSONAL, ids=[f"{kind}-{region}" for kind, _, region in PERSONAL])
def test_ninety_nine_of_a_hundred_are_masked(kind: str, make: Callable[[Dice], str], region: str | None) -> None:
    dice = Dice(7)
    made = [make(dice) for _ in range(MANY)]
    texts = [
        dice.choice(["{}", "please use {} now", "my number: {}, thanks", "({})", "{}\nAnna"]).format(one)
        for one in made
    ]
    left = [
        (text, mask(text, region)) for text, one in zip(texts, made, strict=True) if is_left(one, mask(text, region))
    ]
    assert len(left) <= MANY / 100, left[:5]


def is_left(one: str, masked: str) -> bool:
    """Can it still be read: is half of its digits or of its letters there in one piece?"""
    core = [char for char in one if char.isalnum()]
    rest = "".join(char for char in masked if char.isalnum())
    half = len(core) // 2 + 1
    return any("".join(core[at : at + half]) in rest for at in range(len(core) - half + 1))


def sample() -> Iterator[str]:
    dice = Dice(11)
    for make in (*LOOK_ALIKE.values(), *(each for _, each, _ in PERSONAL)):
        for _ in range(20):
            yield dice.choice(SENTENCES).format(make(dice))


@pytest.mark.parametrize("region", REGIONS)
def test_masking_again_changes_nothing(region: str | None) -> None:
    for text in sample():
        masked = mask(text, region)
        assert mask(masked, region) == masked
