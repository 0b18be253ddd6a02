"""``contact-streams schemas``: export the contract, look at a topic, check events before publishing them."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from streams.local.text import as_json, echo, shown

if TYPE_CHECKING:
    from schemas.problems import Problem
    from schemas.registry import TopicSpec

schemas_app = typer.Typer(help="The contract: topics, schemas, examples.", no_args_is_help=True)

UNREADABLE = "unreadable"


@schemas_app.command("export")
def export_command(
    only_check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when it is out of date.")] = False,
    to: Annotated[Path | None, typer.Option(help="Where to write; default: the folder of the contract.")] = None,
) -> None:
    """Write JSON Schema and AsyncAPI, or check that they are current."""
    from schemas import export

    directory = to or export.EXPORT
    if not only_check:
        for change in export.write(directory):
            echo(f"{change}: written")
        return
    stale = export.differences(directory)
    for difference in stale:
        echo(difference, err=True)
    if stale:
        echo("The exported schemas are not current: run contact-streams schemas export", err=True)
        raise typer.Exit(1)
    echo("The exported schemas are current.")


@schemas_app.command("list")
def list_command() -> None:
    """All topics: direction, key, how they are kept, version."""
    from schemas import registry

    for spec in registry.topics().values():
        kept = "compacted" if spec.compacted else f"{spec.retention_days} days"
        echo(f"{spec.topic:22} {spec.direction:9} {kept:10} {spec.version:7} {spec.title}")


@schemas_app.command("show")
def show_command(topic: Annotated[str, typer.Argument(help="Name of the topic.")]) -> None:
    """One topic as JSON, its examples included."""
    echo(as_json(_topic(topic).model_dump(mode="json")))


@schemas_app.command("validate")
def validate_command(
    file: Annotated[str, typer.Argument(help="JSON, or JSON Lines; - reads standard input.")],
    topic: Annotated[str | None, typer.Option(help="Check as records of this topic, not as events.")] = None,
) -> None:
    """Check events: OK, or reason, path and message, one line each. Fails when one is not OK.

    Each is checked by itself. Not checked: age, size, key, the topic it is published to, ids that were used before, the
    order of a contact's events.
    """
    from schemas.events import check

    checker: Callable[[object], Problem | None] = _topic(topic).check if topic else check
    refused = False
    for number, value in _values(_read(file)):
        problem = value if isinstance(value, _Unreadable) else checker(value)
        refused = refused or problem is not None
        echo(
            f"{number}: OK"
            if problem is None
            else f"{number}: {problem.reason} {problem.path or '-'} {problem.message}"
        )
    if refused:
        raise typer.Exit(1)


@schemas_app.command("release")
def release_command(
    breaking: Annotated[bool, typer.Option("--breaking", help="Release in spite of breaking changes.")] = False,
) -> None:
    """Make the current contract the released one, unless that breaks a connector or a subscriber."""
    from schemas import export
    from schemas.compat import compare

    broken = compare(export.read_schemas(export.BASELINE), export.json_schemas())
    for sentence in broken:
        echo(sentence, err=True)
    if broken and not breaking:
        echo("Keep the old form beside the new one, or release a new major version with --breaking.", err=True)
        raise typer.Exit(1)
    export.write_baseline()
    echo(f"The current contract is the released one: {export.BASELINE}")


class _Unreadable:
    """A line that is no JSON, with the fields of a ``Problem``."""

    reason = UNREADABLE
    path = None

    def __init__(self, why: str) -> None:
        self.message = why


def _values(text: str) -> Iterator[tuple[int, Any]]:
    """The values of a JSON document (a list: its elements), else of JSON Lines, numbered from 1."""
    document = _decode(text)
    if isinstance(document, _Unreadable):
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        yield from ((number, _decode(line)) for number, line in lines)
        if not lines:
            yield 1, _Unreadable("is empty: an event is a JSON object")
    elif isinstance(document, list):
        yield from enumerate(document, start=1)
    else:
        yield 1, document


def _decode(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        return _Unreadable("nested too deeply")
    except ValueError as error:
        return _Unreadable(f"is not JSON: {error}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    try:
        return Path(file).read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise typer.BadParameter(f"{shown(file)} cannot be read: {error.strerror}") from error


def _topic(name: str) -> "TopicSpec":
    from schemas import registry

    specs = registry.topics()
    if name not in specs:
        raise typer.BadParameter(f"there is no topic {shown(name)}; there are {', '.join(specs)}")
    return specs[name]
