"""``contact-streams rules apply`` without a broker: what is refused before anybody is asked, and what is told of changes."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from streams.cli.main import app
from streams.rules import RulesError, load
from streams.rules.applied import Wanted
from streams.settings import Settings
from streams.worker.answering import Answer, answer_of
from streams.worker.applying import Change, changes, checked, last_of, next_number, proposal, said_at_start
from tests.support.ruling import applied, ruled

WAIT = "rules:\n  - {name: wait, subject: contact, queues: [cards], when: {waiting: {above: 120s}}}\n"


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(
        app, ["rules", "apply", *arguments], env={"COLUMNS": "300", "KAFKA_BOOTSTRAP_SERVERS": "nowhere:1"}
    )
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    return done.stderr


def test_what_cannot_be_applied_is_refused_with_file_and_line(tmp_path: Path) -> None:
    assert "not a folder" in refused(str(tmp_path / "nowhere"), "--reason", "r")
    assert "has no alerts.yaml" in refused(str(tmp_path), "--reason", "r")
    file = tmp_path / "alerts.yaml"
    file.write_text(WAIT + "  - {name: wait, subject: contact, tiers: [tin], when: {waiting: {above: 1}}}\n")
    told = refused(str(tmp_path), "--reason", "r")
    assert f"{file}:3: rules.1.when.waiting.above" in told
    file.write_text(WAIT + "  - {name: other, subject: contact, tiers: [tin], when: {waiting: {above: 1s}}}\n")
    told = refused(str(tmp_path), "--reason", "r")
    assert f"{file}:3: rules.1.tiers.0: 'tin' is not a tier of tiers.yaml" in told
    file.write_text(WAIT)
    assert "--reason is missing" in refused(str(tmp_path))
    assert "--reason is missing" in refused(str(tmp_path), "--reason", " ")
    assert "data.reason" in refused(str(tmp_path), "--reason", "r" * 201)
    assert "data.by" in refused(str(tmp_path), "--reason", "r", "--by", "b" * 201)
    (tmp_path / "kpis.yml").write_text("windows: []\n")
    assert "kpis.yml: is no file of the rules" in refused(str(tmp_path), "--reason", "r")


def test_what_changes_is_named_by_rule_and_field(tmp_path: Path) -> None:
    decided = load()

    def read(text: str) -> Any:
        (tmp_path / "alerts.yaml").write_text(text)
        return proposal(tmp_path, decided).read.file

    before = read(WAIT + "  - {name: gone, subject: queue, when: {waiting: {above: 3}}}\n")
    after = read(
        WAIT.replace("120s", "60s").replace("}}}", "}}, for: 10s, owner: desk}")
        + "  - {name: full, subject: queue, when: {waiting: {above: 3}}}\n"
        "inhibitions:\n  - {source: [rule=full], target: [rule=wait]}\n"
    )
    assert changes(before, after) == [
        Change("full", "new"),
        Change("gone", "gone"),
        Change("wait", "changed", ("when", "for", "owner")),
        Change("inhibitions", "changed"),
    ]
    assert changes(after, after) == []
    off = read(WAIT.replace("}}}", "}}, enabled: false}"))
    assert changes(before, off) == [Change("gone", "gone"), Change("wait", "gone")]


async def records(*events: Any) -> AsyncIterator[bytes]:
    for each in events:
        yield each if isinstance(each, bytes) else orjson.dumps(each)


async def test_what_holds_is_what_workers_take() -> None:
    reader = load().customers.reader
    first, same = applied(WAIT, 1), applied(WAIT, 2)
    second, late = applied(WAIT.replace("120s", "60s"), 3), applied("rules: []", 3)
    unfit = applied(WAIT, 4)
    unfit["data"] |= {"version": "0123456789ab", "rules": {"rules": [{"name": "x"}]}}
    replayed = applied("rules: []", 5) | {"replayid": "r"}
    found = await last_of(records(first, b"{", same, second, late, unfit, replayed, {"type": "x"}), reader)
    assert found is not None
    assert (found.number, found.version, found.by, found.reason) == (3, second["data"]["version"], "lead-3", "a test")
    assert await last_of(records(b"nothing"), reader) is None


async def test_a_worker_says_once_that_its_file_does_not_count() -> None:
    decided = load()
    found = await last_of(records(applied(WAIT, 7)), decided.customers.reader)
    assert found is not None
    (told,) = said_at_start(found, decided)
    assert "is not in force: alerts go by version" in told and "number 7, applied by lead-3" in told
    assert list(said_at_start(None, decided)) == []
    own = found._replace(version=decided.customers.alerts.file.version)
    assert list(said_at_start(own, decided)) == []
    unfit = own._replace(rules={"rules": [{"name": "x", "subject": "contact", "tiers": ["tin"], "when": {"waiting": {"above": "1s"}}}]})  # fmt: skip
    (told,) = said_at_start(unfit, decided)
    assert "do not fit the other rules: rules.0.tiers.0: 'tin' is not a tier" in told


def test_what_the_contract_does_not_allow_is_not_sent(tmp_path: Path) -> None:
    wanted = Wanted("0123456789ab", {"rules": [1] * 200_001}, "lead-3", "a test", 1_772_442_000_000)
    settings = Settings(max_event_bytes=1_000_000)
    with pytest.raises(RulesError, match=r"data\.rules"):
        checked(settings, wanted, 1)
    with pytest.raises(RulesError, match="at most"):
        checked(Settings(), wanted._replace(rules={"rules": ["x" * 900_000] * 2}), 1)
    fits = wanted._replace(rules={"rules": []})
    assert orjson.loads(checked(settings, fits, 7))["data"]["number"] == 7


async def test_numbers_grow_although_the_topic_was_made_anew() -> None:
    known = await last_of(records(applied(WAIT, 7)), load().customers.reader)
    assert (next_number(None, 1000), next_number(known, 1000), next_number(known, 7)) == (1000, 1000, 8)


def test_the_answer_of_workers_is_that_of_the_event() -> None:
    sent, other = orjson.dumps(applied(WAIT, 7)), applied("rules: []", 6)
    made = msgspec.json.encode(replace(ruled(WAIT, 7), id=applied(WAIT, 7)["id"]))
    assert answer_of("alert.conditions", made, sent) == Answer("taken")
    foreign = answer_of("alert.conditions", msgspec.json.encode(ruled("rules: []", 6)), sent)
    assert foreign == Answer("late", meanwhile=f"version {other['data']['version']} by lead-3: a test")
    letter = {"topic": "p.alert.rules", "payload_sha256": hashlib.sha256(sent).hexdigest(), "reason": "wrong-type"}
    said = orjson.dumps(letter | {"path": "data.number", "message": "too small"})
    assert answer_of("contacts.dead-letters", said, sent) == Answer("refused", "data.number: too small")
    assert answer_of("contacts.dead-letters", said, orjson.dumps(other)) is None
    assert answer_of("alert.conditions", None, sent) is None
    assert answer_of("alert.conditions", b'{"kind":"pulse"}', sent) is None


@pytest.mark.parametrize("command", ["apply", "applied"])
def test_help_has_examples(command: str) -> None:
    done = CliRunner().invoke(app, ["rules", command, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "contact-streams rules " + command in done.output
