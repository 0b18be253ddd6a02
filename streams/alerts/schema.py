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
    for subject in SUBJECTS:
        definitions[f"{subject}-condition"] = condition(subject, definitions)
    return found


def _of(subject: Subject) -> Schema:
    """What a rule about it may say."""
    none = {plural: False for plural, each in BY_PLURAL.items() if each.name not in SCOPES[subject]}
    return {
        "if": {"properties": {"subject": {"const": subject}}, "required": ["subject"]},
        "then": {"properties": {"when": {"$ref": f"#/$defs/{subject}-condition"}, **none}},
    }


def condition(subject: Subject, shared: Schema) -> Schema:
    """A condition about it; what fields have in common goes to ``shared``."""
    itself = {"$ref": f"#/$defs/{subject}-condition"}
    several = {"type": "array", "items": itself, "minItems": 1}
    combined: Schema = {
        "all": {"description": "All of these at once.", **several},
        "any": {"description": "One of these at least.", **several},
        "not": {"description": "Where this is over.", **itself},
    }
    fields = {field.name: _test(subject, field, shared) for field in FIELDS[subject].values()}
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": {**fields, **combined}}


def _test(subject: Subject, field: Field, shared: Schema) -> Schema:
    said: Schema = {"description": f"{field.about} Unit: {field.unit or UNIT_NAMES[field.type]}. {field.example}"}
    if field.type == "word":
        shared["word-or-words"] = _WORDS
        return {**said, "$ref": "#/$defs/word-or-words"}
    if field.type == "flag":
        return {**said, "type": "boolean"}
    by = [each for each in SCOPES[subject] if each not in ("kpi", "source")]
    ends = "" if field.least == 0 and field.most is None else f"-from-{field.least}-to-{field.most}"
    kind = f"{field.type}{ends}-by-{'-'.join(by) or 'nothing'}"
    shared[f"bound-{kind}"] = _bound(field, by)
    bound = {"$ref": f"#/$defs/bound-{kind}"}
    signs = dict.fromkeys((*SIGNS, *CLEARS), bound)
    parameters = {each.name: _parameter(each) for each in field.parameters}
    compared: Schema = {"type": "object", "additionalProperties": False, "properties": {**signs, **parameters}}
    if field.type == "count":
        number = {"type": "integer", "minimum": 0}
        compared = {"anyOf": [number, {"type": "array", "items": number, "minItems": 1}, compared]}
    if parameters:
        return {**said, **compared}
    shared[f"test-{kind}"] = compared
    return {**said, "$ref": f"#/$defs/test-{kind}"}


def _bound(field: Field, by: list[str]) -> Schema:
    value = _value(field.type, field.least, field.most)
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
