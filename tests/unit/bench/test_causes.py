"""Stacks of a worker, given to causes and hops."""

from pathlib import Path

import pytest

from tests.bench.product.causes import SHARED, Frame, cause_of, hop_of, parse, split

ROOT = Path(__file__).parents[3]
MARK = "hop_track (/x/tests/bench/product/marked.py:33)"
RUN = "Batch._work (/x/streams/engine/batch.py:60)"
COMMIT = "Batch._commit (/x/streams/engine/batch.py:80);Task.commit (/x/streams/engine/task.py:73)"
SEND = "AIOKafkaProducer.send_batch (/v/aiokafka/producer/producer.py:9)"
GETALL = "FetchResult.getall (/v/aiokafka/consumer/fetcher.py:121)"
SNAPPY = "snappy_encode (/v/aiokafka/codec.py:104)"


@pytest.mark.parametrize(
    ("stack", "cause"),
    [
        (f"{RUN};Track.fold (/x/streams/pipeline/track.py:59);fold (/x/streams/customers/customers.py:80)", "domain"),
        (f"{RUN};Measure.close (/x/streams/pipeline/measure.py:46);encode (/x/streams/metrics/kpis.py:9)", "encode"),
        (f"{RUN};Ingest._take (/x/streams/pipeline/ingest.py:9);parse (/x/schemas/events.py:90)", "decode"),
        (f"{RUN};Track.fold (/x/streams/pipeline/track.py:59);Table.get (/x/streams/engine/table.py:39)", "store"),
        (f"{COMMIT};Table.changes (/x/streams/engine/table.py:75)", "encode"),
        (f"{COMMIT};Table.changes.<locals>.<listcomp> (/x/streams/engine/table.py:75)", "encode"),
        (f"{COMMIT};packed (/x/streams/engine/packing.py:20)", "transaction"),
        (f"{COMMIT};{SEND};{SNAPPY}", "transaction"),
        (f"{RUN};Outputs.send (/x/streams/engine/outputs.py:41)", "encode"),
        (f"Source._poll (/x/streams/engine/source.py:180);{GETALL};snappy_decode (/v/aiokafka/codec.py:157)", "fetch"),
        (RUN, "loop"),
        ("Runner.run (/usr/lib/python3.11/asyncio/runners.py:118)", "loop"),
    ],
)
def test_the_innermost_frame_that_a_rule_names_decides(stack: str, cause: str) -> None:
    frames, count = parse(f"{stack} 7")
    assert (cause_of(frames), count) == (cause, 7)


@pytest.mark.parametrize(
    ("text", "cause"), [("self.decode(record.value", "decode"), ("self.watermarks.note(", "domain")]
)
def test_the_text_of_an_agents_line_tells_decoding_from_handling(text: str, cause: str) -> None:
    file = ROOT / "streams" / "pipeline" / "stage.py"
    line = next(n for n, found in enumerate(file.read_text().splitlines(), 1) if text in found)
    assert cause_of([Frame("Hop.handle", str(file), line)]) == cause


def test_a_connections_task_is_the_producers_when_a_hop_is_known() -> None:
    frames, _ = parse("AIOKafkaConnection._read (/v/aiokafka/conn.py:500) 1")
    assert cause_of(frames) == "fetch"
    assert cause_of(frames, "track") == "transaction"


def test_the_innermost_mark_is_the_hop() -> None:
    assert hop_of(parse(f"hop_ingest (/x/marked.py:3);{MARK};{RUN} 1")[0]) == "track"
    assert hop_of(parse(f"{RUN} 1")[0]) == SHARED


def test_samples_are_summed_by_hop_and_cause() -> None:
    waits = "wait (/usr/lib/python3.11/threading.py:320)"  # the heart, beside the loop
    lines = [f"{MARK};{COMMIT} 3", f"{MARK};{COMMIT};{SEND} 2", f"{RUN} 4", "", f"{RUN};{waits} 90"]
    assert dict(split(lines)) == {("track", "transaction"): 5, (SHARED, "loop"): 4}
