"""Sizing: the arithmetic by hand for one load, what bounds what, and the tables of docs/scaling.md."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.inspect.sizing import Coefficients, Load, Machines, plan, rows

PAGE = Path(__file__).parents[3] / "docs" / "scaling.md"
LOADS = [Load(1_000, 1_000_000), Load(100_000, 10_000_000), Load(1_000_000, 50_000_000)]
"""Those of the document."""


def test_the_arithmetic_for_one_load() -> None:
    costs = Coefficients(
        ingest_us=20, identify_us=10, track_us=50, measure_us=20, client_us=100, transaction_ms=1, progress_us=0,
        broker_event_us=40, broker_transaction_ms=2, broker_bytes=1000, fanout=4, id_bytes=100, id_restore_us=1,
        customer_bytes=1000, contact_bytes=2000, contact_events=4, contact_hold_h=1, stub_bytes=100, rest_bytes=10,
        node_bytes=3, profile_bytes=5, group_bytes=7, row_overhead_bytes=0, decoded_ratio=2, base_mib=0, restore_rows_per_s=100_000,
    )  # fmt: skip
    found = plan(
        Load(10_000, 1_000_000, partitions=8, dedup_horizon_h=10, horizon_d=2, identifiers=2.5),
        costs,
        Machines(cache_rows=1000),
    )
    assert found.transactions_per_second == 4 * 8 * 10
    assert found.cores == pytest.approx(10_000 * 200e-6 + 320 * 1e-3)
    assert found.workers == 4, "2.32 cores of which 70 % are used"
    ids, contacts, stubs = 10_000 * 36_000, 9_000_000, 2500 * 86_400 * 2
    identity = 3_500_000 * 3 + 1_000_000 * 5 + 2_500_000 * 7
    encoded = 1e9 + contacts * 2000 + stubs * (100 + 10) + identity
    cached = 1000 * (1000 + 432 * 10) * 2
    assert found.ids_gib * 2**30 == pytest.approx(ids * 100)
    assert found.worker_memory_rocksdb_gib * 2**30 == pytest.approx(ids * 100 / 4 + cached)
    assert found.worker_memory_gib * 2**30 == pytest.approx((ids * 100 + encoded) / 4 + cached)
    assert found.worker_state_disk_gib * 2**30 == pytest.approx(encoded / 4)
    assert found.stubs_gib * 2**30 == pytest.approx(stubs * 100)
    assert found.rested_gib * 2**30 == pytest.approx(stubs * 10)
    assert found.identity_gib * 2**30 == pytest.approx(identity)
    assert found.rested_each == 432
    assert found.restore_seconds == pytest.approx(((26_000_000 + stubs) / 100_000 + ids / 1e6) / 4)
    assert found.broker_cores == pytest.approx(0.4 + 0.64, abs=0.001)
    assert found.broker_network_mb_s == pytest.approx(40)
    stored = 10_000 * 1000 * 86_400 * 7 + ids * 24 + stubs * (100 + 10) + identity
    assert found.broker_disk_tib * 2**40 == pytest.approx(stored * 3)
    assert found.limits["partitions"] == 0.5


def test_a_quiet_task_commits_once_a_second_and_a_busy_one_once_an_interval() -> None:
    assert plan(Load(1, 0, partitions=4)).transactions_per_second == pytest.approx(16 * 1.25)
    assert plan(Load(10_000, 0, partitions=4)).transactions_per_second == 160
    slower = plan(Load(10_000, 0, partitions=4, commit_interval_ms=500))
    assert slower.transactions_per_second == 32


def test_the_partitions_proposed_give_each_worker_one_of_each_hop() -> None:
    for load in LOADS:
        found = plan(load)
        assert found.workers <= found.partitions
    few = plan(replace(LOADS[1], partitions=4))
    assert few.limits["partitions"] > 1


def test_ids_for_duplicates_are_the_first_limit_at_a_hundred_thousand_events() -> None:
    load = replace(LOADS[1], horizon_d=0.05)
    found = plan(load)
    assert found.bottleneck == "worker memory"
    assert "the ids of 26 h" in found.advice
    assert found.ids_gib == pytest.approx(100_000 * 26 * 3600 * 131 / 2**30)
    (hours,) = re.findall(r"remember the ids of ([\d.]+) h", found.advice)
    less = plan(replace(load, dedup_horizon_h=float(hours) - 0.1))
    assert less.worker_memory_rocksdb_gib <= Machines().worker_gib, "what it says to do is enough"
    more = plan(replace(load, dedup_horizon_h=float(hours) + 0.2))
    assert more.worker_memory_rocksdb_gib > Machines().worker_gib


def test_a_customer_has_a_bounded_number_of_contacts_at_rest_and_large_rows_a_bounded_place() -> None:
    """What the rows of a customer and the cache hold at most: `condensing.MAX_RESTED`, `tables.Cache`."""
    few = plan(Load(1_000, 1_000), Coefficients(customer_bytes=0, base_mib=0, id_bytes=1))
    assert few.rested_each == 1000
    assert few.rested_gib * 2**30 == pytest.approx(1_000_000 * Coefficients().rest_bytes)
    ids = 1_000 * 26 * 3600
    assert few.worker_memory_rocksdb_gib * 2**30 == pytest.approx(ids + 64 * 2**20 * Coefficients().decoded_ratio)
    assert plan(Load(1_000, 0)).rested_gib == 0


def test_contacts_that_are_over_fill_a_memory_that_holds_everything_and_the_store_on_disk_helps() -> None:
    found = plan(Load(100, 100_000))
    assert found.bottleneck == "worker memory"
    assert f"a worker then takes {found.worker_memory_rocksdb_gib:,.1f} GiB" in found.advice
    assert "remember" not in found.advice, "with that there is room for the ids"
    assert "contacts of 14 days that are over" in found.advice
    assert plan(Load(100, 100_000, horizon_d=0.5)).limits["worker memory"] < 1


def test_where_nobody_names_identifiers_there_are_no_rows_of_them() -> None:
    named, none = plan(Load(100, 10_000)), plan(Load(100, 10_000, identifiers=0))
    assert none.identity_gib == 0
    more = named.worker_state_disk_gib * named.workers - none.worker_state_disk_gib * none.workers
    assert named.identity_gib == pytest.approx(more)


def test_a_small_load_has_room() -> None:
    found = plan(Load(100, 10_000, dedup_horizon_h=2, horizon_d=1))
    assert found.workers == 1
    assert max(found.limits.values()) < 1
    assert found.advice.startswith("there is room")


def test_the_command_counts_the_settings_in_and_names_its_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACT_STREAMS_DEDUP_HORIZON_H", "13")
    monkeypatch.setenv("CONTACT_STREAMS_MAX_AGE_H", "12")
    done = CliRunner().invoke(app, ["size", "--events-per-second", "1000", "--customers", "5", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["load"] == {
        "events_per_second": 1000, "customers": 5, "partitions": None, "dedup_horizon_h": 13, "commit_interval_ms": 100,
        "horizon_d": 14, "identifiers": 4,
    }  # fmt: skip
    assert found["plan"]["ids_gib"] == pytest.approx(1000 * 13 * 3600 * 131 / 2**30)
    assert all(each["source"] for each in found["coefficients"].values())


def table() -> list[str]:
    """The table of the document, from the code; the last two rows are its text."""
    columns = [dict(rows(plan(load))) for load in LOADS]
    names = list(columns[0])[:-1]
    return [f"| {name} | " + " | ".join(column[name] for column in columns) + " |" for name in names]


def test_the_document_says_what_the_command_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [row for row in table() if row not in page] == [], "in docs/scaling.md, the table is:\n" + "\n".join(table())
    missing = [plan(load).advice for load in LOADS if plan(load).advice not in " ".join(page.split())]
    assert missing == [], "in docs/scaling.md, the text is:\n" + "\n".join(missing)


def test_the_document_has_every_coefficient() -> None:
    page = PAGE.read_text(encoding="utf-8")
    wanted = [f"| `{name}` | {value:,g} |" for name, value in vars(Coefficients()).items()]
    assert [row for row in wanted if row not in page] == []
