"""Values for every field of the contract: ordinary ones, edges, and wrong ones, drawn from the models' JSON Schema.

The schema says what a field takes, so a new field or another limit is covered without a word here. A field that has
edges of its own gets a line in ``EDGES``.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.events import EVENTS
from schemas.other_data import RULES_VERSION
from streams.base.times import iso

Schema = Mapping[str, Any]
DAY = 86_400_000

TEXTS = (
    " ", "\n", "0", "-", "a|b", "a%7Cb", "100%", "%", "||", "none", "other", "all", "live", "null", "n/a", "anonymous", "unknown",
    "noreply@example.org", "customer:7", "contact:c-1", "anonymous:phone:0", "+266696687", "@", "a@b@c", "tel:1",
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301", "\u00e9", "İ", "ß", "\u017f", "\u0130\u0307",
    "[/nope]", "[link=x]y[/link]", '=HYPERLINK("x")', "'; drop", "{}", '"', "\\", "__class__", "$ref", "..", "/",
    "\t", "\u00a0", "\ufeff", "\ufffd",
)  # fmt: skip
"""What any text may be, and some code might not expect."""
FORBIDDEN = (
    "", "\x00", "a\x00b", "\x1f", "a\x1fb", "\x7f", "\x85", "\x9b31m", "\u2028", "\u202eabc", "\u2066x", "\ud800",
)  # fmt: skip
"""What names must not hold, or must not be; a text of a person may."""
FILL = ("a", "\U0001f600", "ü", "0", "00 12 ", "1 ", "a@", "٣", "(", "-", "+49 ", "a.b@c.d ", " ", "%", "|")
"""Texts of the largest size are made of these."""
WHOLES = (0, 1, -1, 2**31, 2**32, 2**53 - 1, -(2**53) + 1, 2**53, 2**63 - 1, 2**63, 2**64, 10**30)
NUMBERS = (0.0, -0.0, 0.1, -1.0, 1.0, 5e-324, 1e-9, 100.0, 1e308, -1e308, 1.5, 99.999999999)
WRONG = (None, True, False, 0, 7, -1.5, "", "x", [], {}, [None], {"a": None}, [[]], float("nan"), float("inf"))


TIMES: tuple[str, ...] = (
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999Z",
    "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+23:59", "2099-12-31T23:59:59.999Z", "2100-01-01T00:00:00Z",
    "2100-01-01T00:00:00-23:59", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2024-02-29T12:00:00Z", "2016-12-31T23:59:60Z",
    "2026-03-02T24:00:00Z", "2026-03-02T09:00:00+24:00", "2026-03-02T09:00:00", "2026-03-02 09:00:00z",
    "2026-03-29T02:30:00.123456789+01:00", "1900-01-01T00:00:00Z", "2038-01-19T03:14:08Z", "2262-04-12T00:00:00Z",
)  # fmt: skip
OFFSETS = (0, 1, -1, 59_000, 61_000, 3_600_000, -1000, -60_000, -3_599_000, -3_601_000, -23 * 3_600_000, -DAY, -DAY - 1)
"""From now, ms: around the tolerance, the lateness, the greatest age."""

EDGES: Mapping[str, tuple[Any, ...]] = {
    "duration_ms": (7 * DAY, 7 * DAY + 1, 2**53 - 1),
    "talk_ms": (366 * DAY, 366 * DAY + 1, 0),
    "score": (0, 1, 5, 7, 10, 100, 4.4999999, 1e308),
    "sentiment": (-1, 1, 0, -0.0, 1e-300, 1.0000001),
    "phone": ("", "+", "110", "00 12 34 56", "+49 30 1234567;ext=5", "tel:+1-201-555-0123"),
    "language": ("", "de", "de-CH-1996", "x" * 200, "und", "EN_us"),
    "dataschema": ("http://[", "x" * 5000),
}
"""Field → values beside those that its schema suggests. A new edge is one line here."""


@cache
def schemas() -> Mapping[str, Schema]:
    """Event type → the JSON Schema of its whole event."""
    return {kind: model.model_json_schema() for kind, model in EVENTS.items()}


@dataclass
class Draw:
    """Draws values; ``names``: field → values that other events have too, so that events meet."""

    dice: random.Random
    names: Mapping[str, tuple[str, ...]]
    now: int
    """ms"""
    wild: float = 0.06
    """Share of fields that get an edge of any kind, right or wrong."""

    def event(self, kind: str) -> dict[str, Any]:
        """A whole event of a type."""
        schema = schemas()[kind]
        made: dict[str, Any] = self._object(schema, schema["$defs"])
        if self.dice.random() < self.wild:
            made[self._text()] = self.anything()
        return made

    def _object(self, schema: Schema, defs: Schema) -> dict[str, Any]:
        found, required = {}, schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            chance = self.dice.random()
            if name in required:
                if chance < self.wild / 8:
                    continue
            elif chance < 0.55:
                continue
            found[name] = self._field(name, field, defs)
        if self.dice.random() < self.wild:
            found[f"extra-{self.dice.randrange(5)}"] = self.anything()
        return found

    def _field(self, name: str, schema: Schema, defs: Schema) -> Any:
        chance = self.dice.random()
        if chance < self.wild / 4:
            return self.dice.choice(WRONG)
        if chance < self.wild:
            edges = EDGES.get(name)
            return self.dice.choice(edges) if edges and self.dice.random() < 0.5 else self._of(schema, defs, edge=True)
        if name in self.names:
            return self._named(name, schema)
        return self._of(schema, defs, edge=False)

    def _named(self, name: str, schema: Schema) -> Any:
        some = self.names[name]
        if schema.get("type") == "array":
            return self.dice.sample(some, self.dice.randint(1, min(3, len(some))))
        return self.dice.choice(some)

    def _of(self, schema: Schema, defs: Schema, *, edge: bool) -> Any:
        if "$ref" in schema:
            return self._of(defs[schema["$ref"].rpartition("/")[2]], defs, edge=edge)
        if "anyOf" in schema:
            chosen = self.dice.choice(schema["anyOf"]) if edge else schema["anyOf"][0]
            return self._of(chosen, defs, edge=edge)
        if "const" in schema:
            return schema["const"] if not edge else self.dice.choice((schema["const"], "", schema["const"] + " "))
        if "enum" in schema:
            return self.dice.choice((*schema["enum"], *(("", "other", "VOICE") if edge else ())))
        return _KINDS[schema.get("type", "object")](self, schema, defs, edge)

    def _string(self, schema: Schema, _: Schema, edge: bool) -> str:
        if schema.get("format") == "date-time":
            return self.dice.choice(TIMES) if edge and self.dice.random() < 0.6 else self.time()
        longest = schema.get("maxLength", 5000)
        if not edge:
            digest = schema.get("pattern") == RULES_VERSION
            return f"{self.dice.getrandbits(48):012x}" if digest else f"v{self.dice.randrange(1000)}"
        length = self.dice.choice((longest, longest, longest - 1, longest + 1, schema.get("minLength", 0)))
        if longest > 10_000 and self.dice.random() < 0.7:
            length //= 100  # very long ones are rare: they cost more than all others
        fill = self.dice.choice(FILL)
        return self.dice.choice(((fill * length)[:length], self._text(), self._text(), self.dice.choice(FORBIDDEN)))

    def _whole(self, schema: Schema, _: Schema, edge: bool) -> int:
        if not edge:
            return self.dice.randint(0, 5000)
        return self.dice.choice((*WHOLES, *(schema[limit] for limit in ("minimum", "maximum") if limit in schema)))

    def _number(self, schema: Schema, _: Schema, edge: bool) -> float:
        low, high = schema.get("minimum", 0), schema.get("maximum", 10)
        return self.dice.choice((low, high, *NUMBERS)) if edge else round(self.dice.uniform(low, min(high, 10)), 2)

    def _array(self, schema: Schema, defs: Schema, edge: bool) -> list[Any]:
        most = schema.get("maxItems") or self.dice.choice((60, 60, 60, 5000))
        count = self.dice.choice((0, 1, most, most + 1)) if edge else self.dice.randint(1, 2)
        return [self._of(schema["items"], defs, edge=self.dice.random() < self.wild) for _ in range(count)]

    def _mapping(self, schema: Schema, defs: Schema, edge: bool) -> dict[str, Any]:
        if "properties" in schema:
            return self._object(schema, defs)
        values = schema.get("additionalProperties")
        count = self.dice.choice((0, 1, 20, 1001)) if edge else 2
        if not isinstance(values, Mapping) or not values:
            return {f"k{number}": self.anything() for number in range(min(count, 20))}
        named = () if edge else schema.get("propertyNames", {}).get("enum", ())
        names = (*named, *(f"k{number}" for number in range(count)))[:count]
        return {name: self._of(values, defs, edge=False) for name in names}

    def _null(self, *_: Any) -> None:
        return None

    def _boolean(self, *_: Any) -> bool:
        return self.dice.random() < 0.5

    def time(self) -> str:
        """Mostly about now; at times an edge of what is taken."""
        chance, ago = self.dice.random(), self.dice.randrange(20_000)
        at = self.now + self.dice.choice(OFFSETS) if chance < self.wild else self.now - ago
        if chance > 1 - self.wild:
            zone = self.dice.choice(("+05:45", "-11:00", "+14:00"))
            return iso(at).replace("Z", zone)
        return iso(at)

    def anything(self) -> Any:
        """A value no model describes: deep, wide, long, or a plain one."""
        kind = self.dice.randrange(8)
        if kind == 0:
            deep: Any = "end"
            for _ in range(self.dice.choice((1, 10, 100, 240, 300))):
                deep = {"d": deep} if self.dice.random() < 0.5 else [deep]
            return deep
        if kind == 1:
            return {f"{number}": number for number in range(self.dice.choice((1, 50, 2000)))}
        if kind == 2:
            return self.dice.choice(FILL) * self.dice.choice((1, 1000, 30_000))
        return self.dice.choice((*WRONG, *WHOLES, *NUMBERS, *TEXTS))

    def _text(self) -> str:
        return self.dice.choice(TEXTS)


_KINDS: Mapping[str, Callable[[Draw, Schema, Schema, bool], Any]] = {
    "string": Draw._string,
    "integer": Draw._whole,
    "number": Draw._number,
    "array": Draw._array,
    "object": Draw._mapping,
    "boolean": Draw._boolean,
    "null": Draw._null,
}
