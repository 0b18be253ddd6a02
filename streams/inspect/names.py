"""Names as a person types them: identifiers, customers, and owners as the commands print them."""

import re
from collections.abc import Collection

from streams.base.claims import STRENGTH
from streams.identity.identifiers import read
from streams.inspect.changelogs import StateError
from streams.local.text import shown
from streams.rules import Rules
from streams.settings import Settings, variable

CUSTOMER = "customer"
ANONYMOUS = "anonymous:"
"""Before the identifier that gives an anonymous customer its name."""
_NUMBER = re.compile(r"\s*(?:\+|00)[\d\s()./-]{6,}")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_FORMS = {
    "phone": "a number with its country code, such as phone:+442079460123",
    "email": "an address, such as email:alex@example.com",
}
"""What a value of a kind looks like; one of any other kind is a text that is not empty."""


def split(name: str, kinds: Collection[str] = STRENGTH) -> tuple[str, str]:
    """Kind and value of a name, which may be that of an anonymous customer; without a kind it is a customer's id.
    Raises `StateError` for what is no name of an identifier or customer.
    """
    kind, colon, value = name.removeprefix(ANONYMOUS).partition(":")
    if not colon:
        if guess := _looks_like(name):
            raise StateError(
                f"{shown(name)} looks like {guess[0]}: write {guess[1]}:{shown(name)}, or {CUSTOMER}:{shown(name)} if "
                "it is a customer's id"
            )
        kind, value = CUSTOMER, name
    if kind == "contact":
        channel, _, contact = value.partition(":")
        key = f"{channel}|{contact}" if contact else "<channel>|<id>"
        raise StateError(
            f"{shown(name)} is a contact that belongs to itself: its identifiers stand for nobody, or it has none; "
            f"`contact-streams state show '{shown(key)}'` shows what is held of it"
        )
    if kind != CUSTOMER and kind not in kinds:
        raise StateError(f"{shown(name)}: an identifier begins with {CUSTOMER}, {', '.join(kinds)} and a colon")
    if not value.strip():
        raise StateError(f"{shown(name)}: nothing follows the colon; {_form(kind)} is expected")
    return kind, value


def node_of(name: str, settings: Settings, rules: Rules) -> str:
    """ "phone:0044 20 …" → "phone:+4420…"; a name without a kind is a customer's id. Raises `StateError`."""
    kind, value = split(name, rules.identity.ranks)
    plain, why = read(kind, value, settings.phone_region, rules.nobody)
    if plain is not None:
        return f"{kind}:{plain}"
    if why == "nobody":
        raise StateError(f"{shown(name)} names nobody: systems write it where nobody is known")
    said = f"{shown(name)} has not the form of its kind: {_form(kind)}"
    if kind == "phone" and settings.phone_region is None and not value.strip().startswith(("+", "00")):
        said += f"; one without country code is of the country that {variable('phone_region')} says, which is not set"
    raise StateError(said)


def _looks_like(name: str) -> tuple[str, str] | None:
    """What somebody meant who left the kind out, and its kind."""
    if _NUMBER.fullmatch(name):
        return "a phone number", "phone"
    return ("an e-mail address", "email") if _ADDRESS.fullmatch(name) else None


def _form(kind: str) -> str:
    return _FORMS.get(kind, f"a text, such as {kind}:cust-1001")
