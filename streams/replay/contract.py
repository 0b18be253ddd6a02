"""Does the contract take the events that a mapping makes? Asked with samples when the mapping is loaded, and with each
event when a row is read: what it refuses is never published.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from schemas.data import ContactData
from schemas.events import FIELDS, parse, problem_of
from streams.replay.check import TEMPLATE_FIELD, Fault, typed
from streams.replay.model import EventRule, Mapping, Value

Path = tuple[str | int, ...]

_SAMPLES: dict[str, Any] = {"number": 1, "boolean": True, "datetime": "2001-12-23T14:35:46.000Z"}
"""Kind of column → a value of it; durations are whole numbers."""
_FITTING = {"int_type": "number", "float_type": "number", "bool_type": "boolean", "string_type": "text"}
"""pydantic's finding → the kind of column that would do."""
_MAY_FIT = ("literal_error", "string_pattern_mismatch", "string_too_short")
"""What is found in the sample of a text, and need not be so of others."""
_MAY_LIE = ("greater_than_equal", "less_than_equal")
"""The same of a number."""
_OURS = ("contact_id", "channel", "identifiers")
"""Fields that `contact` gives, and nothing else."""


class _Sample(NamedTuple):
    """What a field may be."""

    path: Path
    """Where in the mapping."""
    value: Any
    source: str | None = None
    """The column or template it comes from; None: it is this value exactly."""


def faults(mapping: "Mapping") -> Iterator[Fault]:
    """What the contract would refuse of every row, or of every row with some value that the mapping names."""
    told: set[tuple[Path, str]] = set()
    for index, rule in enumerate(mapping.events):
        for fault in (*_unknown(index, rule), *_refused(mapping, index, rule)):
            if fault not in told:
                told.add(fault)
                yield fault


def _unknown(index: int, rule: "EventRule") -> Iterator[Fault]:
    """Fields that the contract lets in and nobody reads."""
    known = {*FIELDS[rule.type], *ContactData.model_fields} - {*_OURS}
    for name in rule.data:
        path = ("events", index, "data", name)
        if name in _OURS:
            yield path, f"{name} is the same for all events of a row; give it in contact"
        elif name not in known:
            yield path, f"the contract has no field {name!r} in {rule.type}; there are: {', '.join(sorted(known))}"


def _refused(mapping: "Mapping", index: int, rule: "EventRule") -> Iterator[Fault]:
    fields = _fields(mapping, index, rule)
    first = {name: samples[0] for name, samples in fields.items()}
    rounds = [first, *({**first, name: other} for name, samples in fields.items() for other in samples[1:])]
    for chosen in rounds:
        for finding in _findings(_event(mapping, rule, chosen)):
            yield from _fault(finding, chosen, index, mapping)


def _fields(mapping: "Mapping", index: int, rule: "EventRule") -> dict[str, list[_Sample]]:
    """Dotted path in the event → what it may be."""
    contact = mapping.contact
    given: dict[str, tuple[Path, Value | None]] = {
        "queue": (("contact", "queue"), contact.queue),
        "customer_id": (("contact", "customer_id"), contact.customer_id),
        "tier": (("contact", "tier"), contact.tier),
    }
    given |= {name: (("events", index, "data", name), value) for name, value in rule.data.items()}
    found = {
        f"data.{name}": _samples(mapping, value, path) for name, (path, value) in given.items() if value is not None
    }
    for place, (kind, value) in enumerate(contact.identifiers.items()):
        path = ("contact", "identifiers", kind)
        texts = [sample._replace(value=str(sample.value)) for sample in _samples(mapping, value, path)]
        found |= {f"data.identifiers[{place}].kind": [_Sample(path, kind)], f"data.identifiers[{place}].value": texts}
    found["data.contact_id"] = [_Sample(("contact", "id"), TEMPLATE_FIELD.sub("x", contact.id), contact.id)]
    found["source"] = [_Sample(("source",), mapping.source)]
    return found


def _samples(mapping: "Mapping", value: "Value", path: Path) -> list[_Sample]:
    if isinstance(value, str):
        columns = TEMPLATE_FIELD.findall(value)
        if not columns:
            return [_Sample(path, value)]
        if typed(value, mapping.columns) is None:
            whole = TEMPLATE_FIELD.fullmatch(value)
            return [_Sample(path, TEMPLATE_FIELD.sub("x", value), columns[0] if whole else value)]
        return [_Sample(path, _SAMPLES.get(mapping.columns[columns[0]].kind, 1000), columns[0])]
    if isinstance(value, bool | int | float):
        return [_Sample(path, value)]
    return [_Sample((*path, "values", text), each) for text, each in value.values.items()]


def _event(mapping: "Mapping", rule: "EventRule", chosen: dict[str, _Sample]) -> dict[str, Any]:
    data: dict[str, Any] = {"channel": mapping.contact.channel}
    data |= {
        name.removeprefix("data."): sample.value
        for name, sample in chosen.items()
        if name.startswith("data.") and "[" not in name
    }
    count = len(mapping.contact.identifiers)
    if count:
        data["identifiers"] = [
            {part: chosen[f"data.identifiers[{place}].{part}"].value for part in ("kind", "value")}
            for place in range(count)
        ]
    return {
        "specversion": "1.0",
        "id": f"{data['contact_id']}:{rule.type}",
        "source": chosen["source"].value,
        "type": rule.type,
        "time": _SAMPLES["datetime"],
        "data": data,
    }


def _findings(event: dict[str, Any]) -> Iterator[ErrorDetails]:
    try:
        parse(event)
    except ValidationError as error:
        yield from error.errors(include_url=False)


def _fault(finding: ErrorDetails, chosen: dict[str, _Sample], index: int, mapping: "Mapping") -> Iterator[Fault]:
    problem = problem_of(_alone(finding))
    path = problem.path or ""
    message = problem.message.removeprefix(f"{path} ")
    sample = chosen.get("data.contact_id" if path == "id" else path)
    if sample is None:
        where: Path = ("events", index)
        yield where, f"{problem.message}; give it in the data of this event, or in contact"
        return
    if sample.source is None:
        yield sample.path, message
        return
    maybe = _MAY_FIT if isinstance(sample.value, str) else _MAY_LIE
    if finding["type"] in maybe and _may_be(sample.source, finding):
        return
    fitting = _FITTING.get(finding["type"])
    if fitting and sample.source in mapping.columns:
        kind = mapping.columns[sample.source].kind
        message += f"; {sample.source} is a column of kind {kind}, make it one of kind {fitting}"
    yield sample.path, message


def _may_be(template: str, finding: ErrorDetails) -> bool:
    """Of a template with words of its own: is one of the contract's words of that form?"""
    if finding["type"] != "literal_error" or not TEMPLATE_FIELD.search(template):
        return True
    form = ".*".join(map(re.escape, TEMPLATE_FIELD.split(template)[::2]))
    return any(re.fullmatch(form, word) for word in re.findall("'([^']*)'", finding["ctx"]["expected"]))


def _alone(finding: ErrorDetails) -> ValidationError:
    """An error of this finding only, so that it is told in the words of the contract."""
    kind: Any = finding["type"]
    detail = InitErrorDetails(type=kind, loc=finding["loc"], input=finding["input"], ctx=finding.get("ctx", {}))
    try:
        return ValidationError.from_exception_data("event", [detail])
    except KeyError:  # a finding of the contract's own
        detail["type"] = PydanticCustomError("contract", "{message}", {"message": finding["msg"]})
        return ValidationError.from_exception_data("event", [detail])
