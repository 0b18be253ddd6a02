"""The fields of alert rules explained: what each means, in which unit, with which parameters."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rich.table import Table

from streams.alerts.fields import FIELDS, SUBJECTS, UNIT_NAMES, Field, Parameter, Subject
from streams.alerts.reading import meant
from streams.base.errors import UserError
from streams.local.text import Terminal


class NoSubject(UserError):
    """There is none of this name."""


class Row(NamedTuple):
    """A field of a subject."""

    subject: Subject
    field: Field


def rows(subject: str | None = None) -> list[Row]:
    """Every field, or those of one subject. Raises NoSubject."""
    if subject is not None and subject not in SUBJECTS:
        raise NoSubject(f"{subject!r} is no subject; there are {', '.join(SUBJECTS)}{meant(subject, SUBJECTS)}")
    return [Row(each, field) for each in SUBJECTS if subject in (None, each) for field in FIELDS[each].values()]


def as_data(found: Iterable[Row]) -> list[dict[str, Any]]:
    """As JSON has it; defaults as a file would say them."""
    return [
        {
            "subject": subject,
            "field": field.name,
            "type": field.type,
            "unit": field.unit or None,
            "grows": field.grows,
            "parameters": {
                each.name: {"type": each.type, "default": each.written, "about": each.about}
                for each in field.parameters
            },
            "about": field.about,
            "example": field.example,
        }
        for subject, field in found
    ]


def show(found: Iterable[Row], console: Terminal) -> None:
    """As a table for each subject."""
    tables: dict[Subject, Table] = {}
    for subject, field in found:
        table = tables.get(subject)
        if table is None:
            table = tables[subject] = Table(title=subject, title_justify="left", show_lines=True)
            for name in ("field", "unit", "what it is", "parameters", "example"):
                table.add_column(name, no_wrap=name in ("field", "unit"), overflow="fold")
        unit = field.unit or UNIT_NAMES[field.type]
        grows = " It grows with time." if field.grows else ""
        said = "\n".join(_parameters(field.parameters))
        table.add_row(field.name, unit, f"{field.about}{grows}", said, f"{{{field.example}}}")
    for table in tables.values():
        console.print(table)


def page() -> str:
    """The page docs/alert-fields.md: every field, by subject."""
    lines = [
        "# Fields of alert rules",
        "",
        "What a condition in `alerts.yaml` may look at; how it is written and judged: [alert rules](alert-rules.md).",
        "Made by `contact-streams rules fields --page`.",
    ]
    for subject in SUBJECTS:
        lines += [
            "",
            f"## {subject}",
            "",
            "| field | unit | what it is | parameters | example |",
            "|---|---|---|---|---|",
        ]
        for _, field in rows(subject):
            parameters = "; ".join(
                f"`{each.name}` ({each.written}): {each.about[:1].lower()}{each.about[1:].rstrip('.')}"
                for each in field.parameters
            )
            unit, grows = field.unit or UNIT_NAMES[field.type], " Grows with time." if field.grows else ""
            lines.append(f"| `{field.name}` | {unit} | {field.about}{grows} | {parameters} | `{{{field.example}}}` |")
    return "\n".join(lines) + "\n"


def _parameters(parameters: Iterable[Parameter]) -> Iterator[str]:
    for each in parameters:
        yield f"{each.name}: {each.written} ({each.about[:1].lower()}{each.about[1:].rstrip('.')})"
