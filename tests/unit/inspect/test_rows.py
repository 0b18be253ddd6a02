"""Where a key is looked for, how rows are shown, and what counts as a difference."""

from zlib import crc32

import orjson
import pytest

from schemas.data import CHANNELS
from streams.base.claims import mark_of
from streams.base.records import SEP
from streams.customers.customers import Customer
from streams.engine.digest import Digest, Hashes
from streams.inspect.changelogs import Contents, spec_of
from streams.inspect.rows import matches, places, plain
from streams.inspect.verify import difference
from streams.pipeline.tables import TABLES
from tests.support.track_story import T0, Task, event

SPEC = spec_of("track", "customers")
BY_NAME = {spec.name: spec for specs in TABLES.values() for spec in specs}
BY = Hashes("a secret of the asker")
WHERE = ("customers", "W")


def home(key: str, count: int = 16) -> int:
    return crc32(key.encode()) % count


@pytest.mark.parametrize(
    ("table", "key", "found"),
    [
        ("owners", "c1", {home(f"{channel}|c1") for channel in CHANNELS}),
        ("owners", "voice|c1", {home("voice|c1")}),
        ("owners", "customer:7", set()),
        ("customers", "7", {home("customer:7")}),
        ("customers", "voice|7", {home("customer:voice|7"), home("contact:voice:7")}),
        ("customers", "anonymous:email:a@b.c", {home("anonymous:email:a@b.c")}),
        ("panes", "voice|loans", {home("voice|loans")}),
        ("panes", "7", set()),
        ("seen", "7", set()),
    ],
)
def test_a_key_lives_where_the_pipeline_sent_it(table: str, key: str, found: set[int]) -> None:
    assert set(places(BY_NAME[table], key, 16, asked=False)) == found


def test_a_table_asked_for_by_name_is_read_whole_when_its_keys_do_not_tell() -> None:
    assert list(places(BY_NAME["seen"], "7", 3, asked=True)) == [0, 1, 2]
    named = {home(f"{channel}|customer:7") for channel in CHANNELS}
    assert set(places(BY_NAME["owners"], "customer:7", 16, asked=True)) == named, "a contact may be named so"


@pytest.mark.parametrize(
    ("table", "row", "key", "line", "found"),
    [
        ("owners", "voice|c1", "c1", None, True),
        ("owners", "chat|c1", "voice|c1", None, False),
        ("owners", f"voice|c1{SEP}replay", "c1", None, True),
        ("owners", f"voice|c1{SEP}replay", "voice|c1", "", False),
        ("owners", f"voice|c1{SEP}replay", "voice|c1", "replay", True),
        ("owners", "voice|c11", "c1", None, False),
        ("crowds", SEP.join(["", "20000", mark_of("phone:0")]), "phone:0", "", True),
        ("crowds", SEP.join(["", "20000", mark_of("phone:0")]), "phone:1", None, False),
        ("customers", "customer:7", "7", None, True),
        ("customers", "customer:77", "7", None, False),
        ("panes", SEP.join(["", "voice", "loans", "gold", "1000"]), "voice|loans", "", True),
        ("panes", SEP.join(["r", "voice", "loans", "gold", "1000"]), "voice|loans", "", False),
        ("panes", SEP.join(["", "voice", "loans2", "gold", "1000"]), "voice|loans", None, False),
        ("watermarks", "ingest-0", "ingest-0", None, True),
    ],
)
def test_rows_of_a_key_and_a_line(table: str, row: str, key: str, line: str | None, found: bool) -> None:
    assert matches(BY_NAME[table], row, key, line) is found


def customer(contact: str = "c1") -> Customer:
    task = Task().take(event("contact.queued", 0, contact=contact, queue="loans", tier="gold"))
    assert task.customer is not None
    return task.customer


def test_a_row_is_shown_with_the_names_of_its_fields_and_readable_times() -> None:
    shown = orjson.dumps(plain(customer(), times=True)).decode()
    assert '"2026-01-01T09:00:00.000Z"' in shown
    assert f":{T0}" not in shown
    assert f":{T0}" in orjson.dumps(plain(customer(), times=False)).decode()
    assert plain(b"\x00" * 32, times=True) == "32 bytes"


def rows(**values: bytes) -> Contents:
    return Contents("track", 1, rows={("customers", key): (0, data) for key, data in values.items()})


def told(contents: Contents) -> dict[bytes, bytes]:
    return {BY.key(key): BY.row(SPEC, key, data) for (_, key), (_, data) in contents.rows.items()}


def test_the_first_row_that_differs_is_named() -> None:
    one, other = SPEC.dump(customer("c1")), SPEC.dump(customer("c2"))
    log = rows(a=one, b=one, c=one)
    assert difference(told(log), log, WHERE, BY) is None
    assert difference(told(rows(a=one, b=other, c=other)), log, WHERE, BY) == (
        "track-1, table customers: 'b' is in the changelog, and W has another value"
    )
    assert difference(told(rows(a=one)), log, WHERE, BY) == (
        "track-1, table customers: 'b' is in the changelog, and W does not have it"
    )
    assert difference(told(rows(a=one, b=one, c=one, d=one)), log, WHERE, BY) == (
        "track-1, table customers: W has 1 rows that the changelog does not have"
    )


def test_a_row_written_again_later_is_no_difference_for_it_may_be_compacted_away() -> None:
    one = SPEC.dump(customer())
    log = rows(a=one)
    log.moved.add(("customers", "b"))
    assert difference(told(rows(a=one, b=one)), log, WHERE, BY) is None


def test_a_digest_is_of_the_rows_whatever_their_order() -> None:
    hashes = [BY.row(SPEC, key, SPEC.dump(customer())) for key in "abc"]

    def of(chosen: list[bytes]) -> object:
        digest = Digest()
        for each in chosen:
            digest.add(each)
        return digest.told()

    assert of(hashes) == of(hashes[::-1])
    assert of(hashes) != of(hashes[:2])
    assert of([hashes[0]]) != of([hashes[1]]), "the key counts too"
