"""Alert rules that are applied while agents work, without a broker."""

from typing import Any

import orjson

from streams import rules as rule_files
from streams.base.document import parse
from streams.base.records import Ruled
from streams.engine.offline import Offline
from streams.rules.applied import Wanted, event_of
from tests.support.offline import RULES


def applied(text: str, number: int = 1, at: int = 0, rules: rule_files.Rules | None = None) -> dict[str, Any]:
    """The event that applies the rules of an ``alerts.yaml``; ``at``: ms."""
    given = parse(text).values
    version = (rules or RULES).customers.reader.version(given)
    return event_of(Wanted(version, given, "lead-3", "a test", at), number)


def ruled(text: str, number: int = 1) -> Ruled:
    """The same as agents tell it to each other."""
    data = applied(text, number)["data"]
    return Ruled(f"rules-{number}", "/tests", number, data["version"], 0, data["by"], data["reason"], data["rules"])


def apply(run: Offline, text: str, at: int, number: int = 1, rules: rule_files.Rules | None = None) -> str:
    """Publish it; the version."""
    event = applied(text, number, at, rules)
    run.publish("alert.rules", b"alerts.yaml", orjson.dumps(event), at)
    version: str = event["data"]["version"]
    return version
