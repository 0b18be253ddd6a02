"""Texts made to be dear: each shape asks one of the masking's detectors or patterns as much as it can."""

import random
from collections.abc import Callable, Mapping


def _filled(unit: str) -> Callable[[int], str]:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _drawn(*pieces: str, join: str = " ") -> Callable[[int], str]:
    """Pieces in random order; ``#`` in one stands for a random digit."""

    def text(size: int) -> str:
        rnd, parts, length = random.Random(1), [], 0
        while length < size + len(join):
            parts.append("".join(rnd.choice("0123456789") if c == "#" else c for c in rnd.choice(pieces)))
            length += len(parts[-1]) + len(join)
        return join.join(parts)[:size]

    return text


TEXTS: Mapping[str, Callable[[int], str]] = {
    "words": _filled("the quick brown fox jumps "),
    "one digit": _filled("4"),
    "one digit, spaced": _filled("4 "),
    "random digits": _drawn("#", join=""),
    "random digits, spaced": _drawn("#"),
    "random digits, three spaces": _drawn("#", join="   "),
    "random groups of four": _drawn("####"),
    "groups of 00": _drawn("00###"),
    "pairs, 00 among them": _drawn("00", "##"),
    "00 and a digit": _drawn("00 #"),
    "00 among digits": _drawn("00", "#", "#"),
    "+ and nine digits": _drawn("+#########"),
    "+ and seven digits": _drawn("+#######"),
    "+ in a row": _filled("+"),
    "+( 1": _filled("+( 1"),
    "a local part and no address": lambda size: "a" * (size - 1) + "@",
    "a domain without a dot": lambda size: "a" * 64 + "@" + "b" * (size - 65),
    "a domain of dots": lambda size: ("a" * 64 + "@" + "b." * size)[:size],
    "@ in a row": _filled("@"),
    "a@a@": _filled("a@"),
    "quotes": _filled('"'),
    "quoted local parts": _filled('"a"@'),
    "addresses": _filled("a@b.cd "),
    "addresses without a gap": _filled("a@b.cd@"),
    "full-width @": _drawn("\uff20a.b", "@#.#", join=""),
    "German IBANs begun": _filled("DE00"),
    "Maltese IBANs": _filled("MT84MALT011000012345MTLCAST001"),
    "IBANs with a wrong digit": _filled("DE89370400440532013001 "),
    "IBANs, random": _drawn("NO#############", "DE####################"),
    "amounts": _filled("€1.1,1'1 "),
    "amounts without a sign": _filled("1.234,5'"),
    "dates": _filled("2026-01-0"),
    "dates, times": _filled("20260115 103000 "),
    "addresses of hosts": _filled("1.1.1."),
    "dots": _filled("1."),
    "dashes": _filled("1234-"),
    "slashes": _filled("1/"),
    "parentheses": _filled("(1)"),
    "cards joined by dots": _filled("4111111111111111."),  # each is one only when the one before it is gone
    "cards in lines": _filled("4111111111111111\n"),
    "national numbers": _drawn("030 #######"),
    "American numbers": _drawn("(212) 555-####"),
    "order numbers": _filled("order 1234567 "),
    "hashes": _filled("#" * 38 + "1234567 "),
    "hashes that fail": _filled("#:" * 19 + "x 2125550123 "),
    "references": _filled("ref ref ref ref ref ref 2125550123 "),
    "Arabic digits": _filled("٤٥ "),
    "full-width digits": _drawn("\uff14", "\uff11", "#"),
    "zero width": _filled("4\u200b"),
    "marks": _filled("a\u0308@"),
    "escaped": _filled("%40"),
    "escaped addresses": _filled("a%40b.cd "),
    "escaped numbers": _drawn("%2B#########", "%20", "####"),
    "escaped spaces": _filled("1%20"),
    "entities": _drawn("####&nbsp;", "\\u00a0", "&#4#;", join=""),
    "@ in spaces": _filled("a @ b.cd "),
    "@ in spaces, no domain": _filled("a @ b "),
    "groups of four, one sign": _drawn("####", join="_"),
    "cards of one sign": _filled("4111/1111/1111/1111/"),
    "UUIDs": _drawn("4722####-9330-4259-b66c-f2db26efb20c"),
    "hexadecimal": _filled("0a"),
    "phones with dates": _drawn("+49 30 20260115", "00 49", "20260115", "030"),
    "links to call": _drawn("wa.me/49170#######", join="/"),
    "all of it": _drawn("+", "@", "00", "#", "DE##", "####", ".", "-", "a@b.c", "(", "€", "order", join=""),
}
"""Name → the text of so many characters."""
