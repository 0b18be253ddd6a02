"""What a worker exposes, from tasks that are made up."""

import shutil
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import generate_latest

from streams.engine import Lag
from streams.engine.demands import Effect
from streams.engine.errors import BatchTooLarge, UnreadableRecord
from streams.engine.observer import BatchDone
from streams.pipeline.notes import Gauged
from streams.worker import gauges
from streams.worker.metrics import Metrics

HOPS = ("ingest", "track", "measure")

OPEN = {("wait", "firing", "warning"): 2, ("wait", "escalated", "critical"): 1, ("gone", "silenced", "info"): 1}


async def lag() -> dict[TopicPartition, Lag]:
    known = {TopicPartition("x.facts", 0): Lag(7, 1.5), TopicPartition("x.facts", 1): Lag(4, 42.0)}
    return known | {TopicPartition("x.in", 0): Lag(0, 0.0)}


class Told(Gauged, SimpleNamespace):
    """A stage that tells what it is given."""


def source(**processors: Any) -> Any:
    """Each hop has partitions 0 and 1; partition 0 runs, partition 1 restores."""
    inlets = {hop: SimpleNamespace(name=hop) for hop in HOPS}
    tasks = {(hop, 0): SimpleNamespace(processor=processors.get(hop), inputs=[(hop, 0)]) for hop in HOPS}
    restoring = {("track", 1): SimpleNamespace(processor=None, inputs=[("track", 1)])}
    all_tasks = SimpleNamespace(
        owned=tasks | restoring, wanted={(hop, part) for hop in HOPS for part in (0, 1)}, ready={(h, 0) for h in HOPS}
    )
    return SimpleNamespace(
        layout=SimpleNamespace(inlets=inlets, inlet_of={"x.facts": inlets["measure"], "x.in": inlets["ingest"]}),
        tasks=all_tasks,
        reach=SimpleNamespace(open_transactions=lambda inputs: {topic: 7.5 for topic, _ in inputs}),
        topology=SimpleNamespace(
            why=("x.facts was deleted",),
            silent=0.0,
            departures=[SimpleNamespace(demand=SimpleNamespace(effect=Effect.WARNED))] * 3,
        ),
        lag=lag,
    )


def lines(metrics: Metrics) -> dict[str, float]:
    text = generate_latest(metrics.registry).decode()
    found = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in found}


async def test_gauges_are_read_off_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "clock", SimpleNamespace(now=lambda: 1_000_000, ahead=lambda: -1.5))
    metrics = Metrics({"wait": "warning", "mood": "info"})
    kpi = ("service_level", "v", "voice", "loans", "gold", "1m", "", "", "")
    watched = source(
        ingest=Told(held=lambda: {"contacts.chat": 12.0, "contacts.voice": 0.0}),
        track=Told(live_time=lambda: 997_000, open_alerts=lambda: OPEN),
        measure=Told(
            live_time=lambda: None,
            readings=lambda: {kpi: 0.75},
            queues_now=lambda: {("voice", "loans"): (4, 12.5, 80.0), ("voice", "cards"): (0, 0.0, None)},
            firing_signals=lambda: {"product": 2, "topic": 0},
        ),
    )
    metrics.watch(watched)
    await metrics.measure(watched)
    metrics.rebalanced(6)
    metrics.restoring("track", 1, 30, 100)
    found = lines(metrics)
    expected = {
        'contact_streams_tasks_assigned{hop="track"}': 2,
        'contact_streams_tasks_ready{hop="track"}': 1,
        'contact_streams_lag_records{hop="measure"}': 11,
        'contact_streams_lag_records{hop="ingest"}': 0,
        'contact_streams_unread_seconds{hop="measure"}': 42,
        'contact_streams_unread_seconds{hop="ingest"}': 0,
        'contact_streams_lag_seconds{hop="track"}': 3,
        'contact_streams_open_transaction_seconds{topic="track"}': 7.5,
        'contact_streams_time_held_seconds{topic="contacts.chat"}': 12,
        'contact_streams_time_held_seconds{topic="contacts.voice"}': 0,
        "contact_streams_clock_offset_seconds": -1.5,
        'contact_streams_restore_remaining_records{hop="track"}': 70,
        'contact_kpi{agent_group="",by="",channel="voice",kpi="service_level",queue="loans",service_type="",tier="gold",variant="v",window="1m"}': 0.75,
        'contact_queue_depth{channel="voice",queue="loans"}': 4,
        'contact_queue_longest_wait_seconds{channel="voice",queue="loans"}': 12.5,
        'contact_queue_expected_wait_seconds{channel="voice",queue="loans"}': 80.0,
        'contact_alerts_open{rule="wait",severity="warning",state="firing"}': 2,
        'contact_alerts_open{rule="wait",severity="critical",state="escalated"}': 1,
        'contact_alerts_open{rule="mood",severity="info",state="firing"}': 0,
        'contact_alerts_open{rule="gone",severity="info",state="silenced"}': 1,
        'contact_defect_signals_firing{kind="product"}': 2,
        'contact_defect_signals_firing{kind="topic"}': 0,
        "contact_streams_topics_changed": 1,
        'contact_streams_topic_settings_differ{effect="refused"}': 0,
        'contact_streams_topic_settings_differ{effect="warned"}': 3,
        "contact_streams_series_left_out": 0,
        "contact_streams_rebalances_total": 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 'contact_streams_lag_seconds{hop="measure"}' not in found, "no stream time yet is not 0 s behind"
    assert 'contact_streams_lag_records{hop="track"}' not in found, "it runs, and nothing is known of it"
    metrics.task_closed("track", 1)
    assert lines(metrics)['contact_streams_restore_remaining_records{hop="track"}'] == 0


async def test_what_nobody_can_ask_the_broker_is_no_figure() -> None:
    metrics = Metrics()
    away = source(track=Told(live_time=lambda: 0))
    metrics.watch(away)
    assert set(await metrics.measure(away)) == {"ingest", "measure"}
    away.topology.silent = 12.0
    assert await metrics.measure(away) == {}
    found = lines(metrics)
    assert not [name for name in found if name.startswith(("contact_streams_lag_records", "contact_streams_unread"))]
    assert found['contact_streams_lag_seconds{hop="track"}'] > 0, "and time goes on"


def test_counters_begin_at_zero_where_their_labels_are_known() -> None:
    metrics = Metrics({"wait": "warning"})
    metrics.watch(source())
    found = lines(metrics)
    for reason in ("unreadable", "too-old", "id-reused", "processing"):
        assert found[f'contact_streams_dead_letters_total{{reason="{reason}"}}'] == 0
    for counter in ("records", "bytes", "batches", "tasks_lost", "failed_records", "late"):
        for hop in HOPS:
            assert found[f'contact_streams_{counter}_total{{hop="{hop}"}}'] == 0
    assert found['contact_alerts_total{rule="wait",state="resolved"}'] == 0
    assert found['contact_streams_illegal_transitions_total{type="contact.held"}'] == 0
    assert found['contact_streams_batch_seconds_count{hop="ingest"}'] == 0
    assert not any(name.partition("{")[0].endswith("_created") for name in found)


def test_a_committed_batch_a_failed_record_and_a_lost_task_are_counted() -> None:
    metrics = Metrics()
    metrics.watch(source())
    metrics.batch_committed("track", 0, BatchDone(12, 3456, 0.04, 0.008, 0.002))
    metrics.record_failed("track")
    metrics.unreadable("track", BatchTooLarge, 2)
    metrics.unreadable("track", UnreadableRecord, 3)
    metrics.task_lost("track", 0, RuntimeError())
    found = lines(metrics)
    assert found['contact_streams_records_total{hop="track"}'] == 12
    assert found['contact_streams_bytes_total{hop="track"}'] == 3456
    assert [found[f'contact_streams_dead_letters_total{{reason="{r}"}}'] for r in ("too-large", "unreadable")] == [2, 3]
    assert found['contact_streams_batches_total{hop="track"}'] == 1
    assert found['contact_streams_handle_cpu_seconds_total{hop="track"}'] == 0.002
    assert found['contact_streams_batch_records_bucket{hop="track",le="10.0"}'] == 0
    assert found['contact_streams_batch_records_bucket{hop="track",le="50.0"}'] == 1
    assert found['contact_streams_transaction_seconds_bucket{hop="track",le="0.01"}'] == 1
    assert found['contact_streams_failed_records_total{hop="track"}'] == 1
    assert found['contact_streams_dead_letters_total{reason="processing"}'] == 1
    assert found['contact_streams_tasks_lost_total{hop="track"}'] == 1


def test_a_connector_that_invents_queues_does_not_fill_the_monitoring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "SERIES_LIMIT", 50)
    metrics = Metrics()
    queues = {("voice", f"queue-{number}"): (1, 1.0, 1.0) for number in range(70)}
    metrics.watch(source(measure=Told(queues_now=lambda: queues)))
    found = lines(metrics)
    assert sum(name.startswith("contact_queue_depth") for name in found) == 50
    assert found["contact_streams_series_left_out"] == 60


def test_promtool_has_no_complaint() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    metrics = Metrics({"wait": "warning"})
    metrics.watch(source())
    text = generate_latest(metrics.registry)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
