"""Loading a mapping: its file, its models (`streams.replay.model`), and what the checks find."""

import hashlib
from collections.abc import Mapping as MappingABC
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from streams.base.document import Document, DocumentError, parse
from streams.replay import check, contract
from streams.replay.errors import MappingError
from streams.replay.model import Mapping

SHIPPED = Path(__file__).parent / "mappings"
"""Folder of the mappings that come with the package."""


def load_mapping(name: str) -> Mapping:
    """The mapping in the file ``name``, or the shipped one of that name (``bank`` or ``bank.yaml``).

    Raises MappingError with ``file:line: field: what is wrong`` for every fault found.
    """
    path = _locate(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: cannot be read: {error}") from error
    return parse_mapping(text, str(path))


def parse_mapping(text: str, origin: str) -> Mapping:
    """The mapping written in ``text``; ``origin`` names it in errors. Raises MappingError like `load_mapping`."""
    try:
        document = parse(text)
    except DocumentError as error:
        raise MappingError(f"{origin}:{error.line}: {error.message}") from error
    values: MappingABC[str, Any] = {**document.values, "digest": hashlib.sha256(text.encode()).hexdigest()}
    try:
        mapping = Mapping.model_validate(values)
    except ValidationError as error:
        raise MappingError("\n".join(_explain(fault, document, origin) for fault in error.errors())) from error
    faults = list(check.faults(mapping)) or list(contract.faults(mapping))
    if faults:
        raise MappingError("\n".join(_line(document, origin, path, message) for path, message in faults))
    return mapping


def shipped_names() -> list[str]:
    """The names of the mappings that come with the package."""
    return sorted(path.name for path in SHIPPED.glob("*.yaml"))


def _locate(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    shipped = SHIPPED / (name if name.endswith(".yaml") else f"{name}.yaml")
    if path.name == name and shipped.is_file():
        return shipped
    raise MappingError(
        f"mapping not found: {name}: neither a file nor one of the shipped mappings ({', '.join(shipped_names())})"
    )


_WORDS = {"missing": "is missing", "extra_forbidden": "is no key of a mapping here"}
"""pydantic's finding → what is said of it."""


def _explain(fault: MappingABC[str, Any], document: Document, origin: str) -> str:
    message = _WORDS.get(fault["type"]) or str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "string_type":
        message += f", not {fault['input']!r} (put it in quotes)"
    return _line(document, origin, fault["loc"], message)


def _line(document: Document, origin: str, path: tuple[str | int, ...], message: str) -> str:
    return f"{origin}:{document.line_of(path)}: {'.'.join(map(str, path))}: {message}"
