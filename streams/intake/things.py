"""Words that say of what a number is the number: of an order, a ticket, a device. See `streams.intake.detectors`."""

import re

_NEAR = 40
"""Characters before a number in which a word says what it is."""
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""``orderId`` is two words."""
_WORD_BACKWARDS = re.compile(r"[\s:.=\-_/(\[\"'°º>]*+([^\W\d_]+|#)")
_MOST_WORDS = 5
_NUMBER = frozenset(
    (
        *("number", "numbers", "no", "nos", "num", "nr", "n", "nº", "id", "ids", "code", "key", "ref", "reference"),
        *("nummer", "kennung", "zeichen", "numero", "número", "numéro", "numer", "номер"),
    )
)
_LINKS = frozenset(("is", "was", "ist", "war", "lautet", "es", "est", "è"))
"""May stand between the word and the number."""
_ENDS = ("nummer", "number", "kennung", "zeichen", "nr", "no", "num", "id")
_THINGS = frozenset(
    (
        *("order", "ord", "invoice", "inv", "case", "ticket", "tkt", "ref", "reference", "booking", "tracking"),
        *("shipment", "parcel", "waybill", "awb", "serial", "imei", "imeisv", "meid", "iccid", "imsi", "session"),
        *("request", "req", "trace", "correlation", "transaction", "txn", "trx", "incident", "receipt", "voucher"),
        *("sku", "ean", "upc", "gtin", "isbn", "issn", "barcode", "asin"),
        *("bestellung", "bestell", "rechnung", "vorgang", "sendung", "auftrag", "lieferschein", "commande", "facture"),
        *("dossier", "colis", "pedido", "factura", "ordine", "fattura", "pratica", "bestelling", "bestel", "factuur"),
        *("encomenda", "fatura", "zamówienie", "zamówienia", "faktura", "beställning", "sipariş", "заказ", "заказа"),
    )
)
"""What has numbers of its own, and is followed by them."""
_NUMBERED = _THINGS | frozenset(
    (
        *(
            "customer",
            "client",
            "member",
            "contract",
            "policy",
            "claim",
            "device",
            "product",
            "article",
            "item",
            "part",
        ),
        *(
            "model",
            "asset",
            "meter",
            "file",
            "lot",
            "license",
            "licence",
            "application",
            "record",
            "document",
            "return",
        ),
        *("message", "conversation", "event", "span", "user", "employee", "process", "thread", "rma", "job", "batch"),
        *("po", "purchase", "delivery", "shipping"),
        *("kunde", "vertrag", "mitglied", "police", "versicherung", "schaden", "gerät", "artikel", "produkt", "zähler"),
        *("akte", "personal", "fall", "beschwerde", "antrag", "reservierung", "paket", "buchung", "serien", "beleg"),
        *("lieferung", "störung", "contrat", "contrato", "cliente", "contratto", "polizza", "klant"),
    )
)
"""The same of what is followed by other numbers too, unless it is said that this is the number of it."""


def is_of_a_thing(shadow: str, start: int) -> bool:
    """Is the number at ``start`` said to be that of a thing? A ``#`` before it says so, unless a word tells of what.

    Whole words: an order is not what somebody "ordered".
    """
    before = _BETWEEN_WORDS.sub(" ", shadow[max(0, start - _NEAR) : start])[::-1]
    numbered = marked = False
    at = 0
    for _ in range(_MOST_WORDS):
        found = _WORD_BACKWARDS.match(before, at)
        if found is None:
            break
        word, at = found[1][::-1].lower(), found.end()
        if word == "#":
            marked = True
            continue
        known = _NUMBERED if numbered or marked else _THINGS
        if _stem(word) & known or any(_stem(word.removesuffix(end)) & _NUMBERED for end in _ENDS if word.endswith(end)):
            return True
        if word not in _NUMBER and word not in _LINKS:
            return False
        numbered = numbered or word in _NUMBER
    return marked


def _stem(word: str) -> set[str]:
    """The word, and what it may be the plural of, or the first part of a compound."""
    return {word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("n"), word.removesuffix("en")}
