"""Two short runs of the chaos driver, and that its audit would see what it is there to see."""

import asyncio
import json
import pickle
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from schemas.data import CHANNELS
from streams import rules as rule_files
from streams.base.channels import LIVE_CHANNELS, SPOKEN
from tests.chaos.audit import alerts, contacts, examine, logs
from tests.chaos.audit.logs import POISONED, Logs, Rec
from tests.chaos.run import LOGS
from tests.support.engine import until

ROOT = Path(__file__).parents[2]
SECONDS = 20
FAULTS = "kill,term,stop,broker-kill,scale,rolling,clock,raise"


def test_the_audit_says_the_natures_of_channels_on_its_own() -> None:
    assert logs.CHANNELS == CHANNELS
    assert set(alerts.LIVE_CHANNELS) == LIVE_CHANNELS
    assert set(contacts.SPOKEN) == SPOKEN


def test_the_audit_keeps_the_changes_of_a_tier_that_the_product_keeps() -> None:
    told = [(time, f"p{time}", "gold" if time < 3 else "red" if time % 2 else "silver") for time in range(17)]
    assert contacts.kept(told[:16]) == told[:16]
    assert contacts.kept(told) == [told[0], *told[3:]], "of seventeen those that change nothing go"
    assert contacts.kept([*told, (17, "p17", "red"), (18, "p18", "gold")]) == [
        *told[3:],
        (17, "p17", "red"),
        (18, "p18", "gold"),
    ]


async def chaos(seed: int) -> tuple[int, dict[str, Any], str]:
    """One run: exit code, its JSON line, what it said on stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos", "--seed", str(seed), "--duration", str(SECONDS), "--faults", FAULTS, "--rate", "60",
        "--json", "--keep", cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out.splitlines()[-1]), said.decode()


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_short_run_is_exact(seed: int) -> None:
    code, result, said = await chaos(seed)
    assert (code, result["exact"]) == (0, True), said[-20_000:]
    assert sum(result["faults"].values()) >= 2
    assert result["input"] == sum(
        result[name] for name in ("accepted", "dead_letters", "duplicates", "either", "markers")
    )
    for name in ("accepted", "dead_letters", "duplicates", "alerts", "readings"):
        assert result[name] > 20, name
    folder = Path(result["folder"])
    if seed == 1:
        the_audit_sees_every_change_of_its_logs(folder)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(200)
async def test_a_run_that_is_ended_leaves_nothing_behind() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos", "--seed", "1", "--faults", "", cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )

    def begun() -> list[psutil.Process]:
        family = psutil.Process(process.pid).children(recursive=True)
        return family if len(family) >= 3 else []  # the broker, a worker, and what ends them if the run cannot

    family = await until(begun, 100)
    process.send_signal(signal.SIGTERM)
    _, said = await process.communicate()
    assert process.returncode == 130
    assert b"seed 1: stopped, its broker and workers too" in said
    assert [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []


def the_audit_sees_every_change_of_its_logs(folder: Path) -> None:
    logs, prefix = pickle.loads((folder / LOGS).read_bytes())
    rules = rule_files.load(folder / "rules")
    seen = {
        name: {each.level for each in examine(spoil(logs), prefix, rules, level == "customers").differences}
        for name, (spoil, level) in SPOILED.items()
    }
    assert {name: level in seen[name] for name, (_, level) in SPOILED.items()} == dict.fromkeys(SPOILED, True), seen


def changed(topic: str, which: Callable[[Rec], bool], into: Callable[[Rec], list[Rec]]) -> Callable[[Logs], Logs]:
    """The logs with the last record of a topic of which ``which`` holds replaced."""

    def spoil(logs: Logs) -> Logs:
        records = logs.of(topic)
        at = next(n for n in range(len(records) - 1, -1, -1) if records[n].value is not None and which(records[n]))
        return replace(logs, records={**logs.records, topic: [*records[:at], *into(records[at]), *records[at + 1 :]]})

    return spoil


def kind(name: str) -> Callable[[Rec], bool]:
    return lambda rec: rec.doc["kind"] == name


def of_a_customer(rec: Rec) -> bool:
    """An event goes again to whom its contact turns out to be of, and nothing of where it was first stands. So it is the
    end of a contact, by when that is known, as a rule; and none of poison, nor of somebody who is erased.
    """
    doc = rec.doc
    ends = doc["kind"] == "event" and doc["type"] == "contact.ended" and str(doc["owner"]).startswith("customer:")
    return ends and not doc.get("group") and not any(word in str(doc) for word in POISONED)


def is_judged(rec: Rec) -> bool:
    """Is it of somebody of whom the audit knows what must come out? Of who is erased it does not."""
    return logs.ERASED.encode() not in (rec.key or b"") + (rec.value or b"")


def fired(*rules: str) -> Callable[[Rec], bool]:
    """Does an alert of one of these rules fire?"""
    return lambda rec: rec.doc["because"] == "fired" and rec.doc["alert"]["rule"] in rules and is_judged(rec)


def is_read(rec: Rec) -> bool:
    """Does it say a number that holds?"""
    read = rec.doc["status"] != "provisional" and [each["numerator"] for each in rec.doc["readings"]]
    return bool(read) and read[0] is not None and is_judged(rec)


def fact(rec: Rec) -> bool:
    """But none of a journey: of one whose record has gone for its age the audit does not know whether it was told."""
    return rec.doc["kind"] == "fact" and not rec.doc["fact"].startswith("journey_") and is_judged(rec)


def taken_back(rec: Rec) -> bool:
    return rec.doc.get("sign") == -1


def has_contacts(rec: Rec) -> bool:
    """Is it a row with more than what was published once?"""
    return b'"histories":{' in (rec.value or b"")


def with_value(rec: Rec, **fields: Any) -> list[Rec]:
    return [replace(rec, value=orjson.dumps({**rec.doc, **fields}))]


def other_numerator(rec: Rec) -> list[Rec]:
    first, *others = rec.doc["readings"]
    return with_value(rec, readings=[{**first, "numerator": first["numerator"] + 1}, *others])


SPOILED: dict[str, tuple[Callable[[Logs], Logs], str]] = {
    "an event is lost at the door": (changed("contact.normalised", kind("event"), lambda rec: []), "normalised"),
    "an event comes twice": (changed("contact.normalised", kind("event"), lambda rec: [rec, rec]), "normalised"),
    "a dead letter is lost": (changed("contacts.dead-letters", lambda rec: True, lambda rec: []), "raw"),
    "a dead letter comes twice": (changed("contacts.dead-letters", lambda rec: True, lambda rec: [rec, rec]), "raw"),
    "a dead letter gives another reason": (
        changed("contacts.dead-letters", lambda rec: True, lambda rec: with_value(rec, reason="too-large-a")), "raw"
    ),
    "an event does not come through identify": (changed("contact.interactions", of_a_customer, lambda rec: []), "identify"),
    "an event comes through identify twice": (changed("contact.interactions", of_a_customer, lambda rec: [rec, rec]), "identify"),
    "a fact is lost": (changed("contact.measurements", fact, lambda rec: []), "facts"),
    "a fact comes twice": (
        changed("contact.measurements", lambda rec: fact(rec) and not taken_back(rec), lambda rec: [rec, rec]), "facts"
    ),
    "a fact is taken back twice": (
        changed("contact.measurements", lambda rec: fact(rec) and taken_back(rec), lambda rec: [rec, rec]), "facts"
    ),
    "an alert does not fire": (changed("alert.events", fired("wait", "mood"), lambda rec: []), "alerts"),
    "an alert fires twice": (changed("alert.events", fired("wait", "mood"), lambda rec: [rec, rec]), "alerts"),
    "an alert is not resolved": (changed("alert.events", lambda rec: rec.doc["alert"]["state"] == "resolved", lambda rec: []), "alerts"),
    "an alert that has to last does not fire": (changed("alert.events", lambda rec: fired("kept")(rec) and rec.doc["line"] != "", lambda rec: []), "handled"),
    "one of many fires twice": (changed("alert.events", fired("flood"), lambda rec: [rec, rec]), "handled"),
    "a reading is one too high": (changed("kpis", is_read, other_numerator), "readings"),
    "a reading comes twice": (changed("kpis", is_judged, lambda rec: [rec, rec]), "readings"),
    "a customer's row is gone": (
        changed(
            "track-changelog",
            lambda rec: (rec.key or b"").startswith(b"customers\0") and has_contacts(rec),
            lambda rec: [rec, replace(rec, value=None)],
        ),
        "customers",
    ),
    "a pane's row is gone": (
        changed(
            "measure-changelog",
            lambda rec: (rec.key or b"").startswith(b"panes\0\x1f") and is_judged(rec),
            lambda rec: [rec, replace(rec, value=None)],
        ),
        "sums",
    ),
    "a position is behind": (
        changed(
            "identify-changelog",
            lambda rec: rec.key == b"\0position",
            lambda rec: with_value(rec, offsets=dict.fromkeys(rec.doc["offsets"], 0)),
        ),
        "changelog",
    ),
}  # fmt: skip
