"""JSON Schema of conditions: which fields each subject has, how they are tested, and what each means."""

from typing import Any

from streams.alerts.fields import BY_PLURAL, FIELDS, SCOPES, SUBJECTS, UNIT_NAMES, Field, Parameter, Subject, Type
from streams.alerts.reading import CLEARS, SIGNS
from streams.base.units import DURATION

Schema = dict[str, Any]
_WORDS: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


def completed(found: Schema) -> Schema:
    """That of ``alerts.yaml``, with the conditions of each subject."""
    definitions: Schema = found["$defs"]
    rule: Schema = definitions["AlertRule"]
    rule["allOf"] = [_of(subject) for subject in SUBJECTS]
    definitions.update({f"{subject}-condition": condition(subject) for subject in SUBJECTS})
    return found


def _of(subject: Subject) -> Schema:
    """What a rule about it may say."""
    none = {plural: False for plural, each in BY_PLURAL.items() if each.name not in SCOPES[subject]}
    return {
        "if": {"properties": {"subject": {"const": subject}}, "required": ["subject"]},
        "then": {"properties": {"when": {"$ref": f"#/$defs/{subject}-condition"}, **none}},
    }


def condition(subject: Subject) -> Schema:
    """A condition about it."""
    itself = {"$ref": f"#/$defs/{subject}-condition"}
    several = {"type": "array", "items": itself, "minItems": 1}
    combined: Schema = {
        "all": {"description": "All of these at once.", **several},
        "any": {"description": "One of these at least.", **several},
        "not": {"description": "Where this is over.", **itself},
    }
    fields = {field.name: _test(subject, field) for field in FIELDS[subject].values()}
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": {**fields, **combined}}


def _test(subject: Subject, field: Field) -> Schema:
    said: Schema = {"description": f"{field.about} Unit: {field.unit or UNIT_NAMES[field.type]}. {field.example}"}
    if field.type == "word":
        return {**said, **_WORDS}
    if field.type == "flag":
        return {**said, "type": "boolean"}
    bound = _bound(subject, field)
    signs = dict.fromkeys((*SIGNS, *CLEARS), bound)
    compared: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {**signs, **{each.name: _parameter(each) for each in field.parameters}},
    }
    if field.type != "count":
        return {**said, **compared}
    number = {"type": "integer", "minimum": 0}
    return {**said, "anyOf": [number, {"type": "array", "items": number, "minItems": 1}, compared]}


def _bound(subject: Subject, field: Field) -> Schema:
    value = _value(field.type, field.least, field.most)
    by = [each for each in SCOPES[subject] if each not in ("kpi", "source")]
    if not by:
        return value
    differs = {
        "type": "object",
        "required": ["by"],
        "properties": {"by": {"description": "The attribute that decides.", "enum": by}, "default": value},
        "additionalProperties": value,
    }
    return {"anyOf": [value, differs]}


def _parameter(parameter: Parameter) -> Schema:
    value = _value(parameter.type, parameter.least, parameter.most)
    return {"description": f"{parameter.about} Left out: {parameter.written}.", **value}


def _value(kind: Type, least: float | None, most: float | None) -> Schema:
    duration: Schema = {"type": "string", "pattern": DURATION}
    if kind == "duration":
        return duration
    ends = {"minimum": least, "maximum": most}
    number: Schema = {"type": "integer" if kind == "count" else "number"}
    number |= {name: end for name, end in ends.items() if end is not None}
    return {"anyOf": [number, duration]} if kind == "number" else number
