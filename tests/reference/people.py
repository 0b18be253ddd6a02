"""Whose a contact is: the last customer id that is told, else the last identifier that names somebody."""

import unicodedata

from tests.reference.events import Event

NOBODY = {"anonymous", "restricted", "unavailable", "+266696687", "private number", "unknown number", "0", "-", "n/a"}
"""Some of the words and numbers that stand for a caller who hides."""


def owner_of(events: list[Event]) -> str | None:
    """``events``: by time, of one contact, as far as they are known; None where nobody is named."""
    for event in reversed(events):
        if event.data.get("customer_id"):
            return f"customer:{event.data['customer_id']}"
    for event in reversed(events):
        for one in event.data.get("identifiers") or []:
            if one["value"].lower() not in NOBODY:
                return f"anonymous:{one['kind']}:{plain(one['kind'], one['value'])}"
    return None


def plain(kind: str, value: str) -> str:
    """One spelling of a phone or an e-mail address, for those spellings that the histories have."""
    if kind == "phone":
        bare = value.split(":", 1)[-1].split("@", maxsplit=1)[0].split(";", maxsplit=1)[0]
        digits = "".join(c for c in bare if c.isdigit())
        return "+" + (digits[2:] if bare.startswith("00") else digits)
    if kind == "email":
        bare = value.rsplit("<", maxsplit=1)[-1].split(">", maxsplit=1)[0]
        bare = bare[7:] if bare.lower().startswith("mailto:") else bare
        return unicodedata.normalize("NFC", bare).lower().strip()
    return value
