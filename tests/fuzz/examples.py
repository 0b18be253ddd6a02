"""Stories in files, and a story that fails made as short as it goes."""

import base64
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.fuzz.stories import Raw


def save(path: Path, story: Sequence[Raw], told: dict[str, Any]) -> None:
    """A story as JSON; ``told``: what is known of it (seed, problems)."""
    records = [
        {
            "step": raw.step,
            "topic": raw.topic,
            "key": _text(raw.key),
            "value": _text(raw.value),
            "headers": [[name, _text(value)] for name, value in raw.headers],
        }
        for raw in story
    ]
    path.write_bytes(orjson.dumps({**told, "records": records}, option=orjson.OPT_INDENT_2))


def load(path: Path) -> list[Raw]:
    """A story that was saved."""
    return [
        Raw(
            each["step"],
            each["topic"],
            _bytes(each["key"]),
            _bytes(each["value"]),
            tuple((name, _bytes(value) or b"") for name, value in each.get("headers", ())),
        )
        for each in orjson.loads(path.read_bytes())["records"]
    ]


def _text(data: bytes | None) -> Any:
    """As text where it is some, for whoever reads the file; else as base64."""
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data or b"").decode()}


def _bytes(told: Any) -> bytes | None:
    if told is None:
        return None
    return base64.b64decode(told["base64"]) if isinstance(told, dict) else str(told).encode()


def shorter(story: Sequence[Raw], fails: Callable[[Sequence[Raw]], bool], seconds: float) -> list[Raw]:
    """A part of the story that still fails: pieces are left out, larger ones first, until none can be or time is
    over.
    """
    until, kept, size = time.monotonic() + seconds, list(story), max(1, len(story) // 2)
    while True:
        start, before = 0, len(kept)
        while start < len(kept) and time.monotonic() < until:
            without = kept[:start] + kept[start + size :]
            if without and fails(without):
                kept = without
            else:
                start += size
        if time.monotonic() >= until or (size == 1 and len(kept) == before):
            return kept
        size = max(1, size // 2)
