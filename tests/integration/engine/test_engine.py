"""The engine on a real broker: what a batch writes, how tasks are taken over, lost and restored."""

import asyncio
import random
from collections import Counter

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder, _DefaultRecordBatchBuilderPy

from streams.engine import MissingTopics, Outputs, Record, Rest, Source
from streams.engine.connection import Connection
from streams.engine.inflating import LIMIT
from streams.engine.source import AT_WORK_BYTES
from tests.support.engine import Count, Pipeline, Recorder, publish, read_all, until


def load(total: int, keys: int = 10) -> list[tuple[int, bytes, bytes | None]]:
    return [(i % keys % 2, b"k%d" % (i % keys), b"v") for i in range(total)]


async def outputs(pipeline: Pipeline) -> dict[str, list[int]]:
    """Counts sent per key, in order; exactly once means 1, 2, 3, … without gap or repeat."""
    sent: dict[str, list[int]] = {}
    for record in await read_all(pipeline.bootstrap, pipeline.output):
        sent.setdefault(record.key.decode(), []).append(int(record.value))
    return sent


def exactly(counts: dict[str, int]) -> dict[str, list[int]]:
    return {key: list(range(1, n + 1)) for key, n in counts.items()}


async def test_a_batch_writes_outputs_state_and_position_together(pipeline: Pipeline) -> None:
    await publish(pipeline.bootstrap, pipeline.input, load(500))
    recorder = Recorder()
    async with pipeline.run(observer=recorder):
        await until(lambda: pipeline.drained(500))
    assert await pipeline.counts() == {f"k{i}": 50 for i in range(10)}
    assert await outputs(pipeline) == exactly({f"k{i}": 50 for i in range(10)})
    assert sum(n for _, n in recorder.batches) == 500
    assert recorder.lost == []


async def test_a_failing_record_becomes_a_dead_letter_and_costs_nothing_else(pipeline: Pipeline) -> None:
    records = [
        (0, b"a", b"v"),
        (0, b"a", b"bad"),
        (0, b"b", b"bad"),
        (0, b"a", b"v"),
        (0, b"c", b"huge"),
        (0, b"c", b"v"),
    ]
    await publish(pipeline.bootstrap, pipeline.input, records)
    async with pipeline.run():
        await until(lambda: pipeline.drained(len(records)))
    assert await pipeline.counts() == {"a": 2, "c": 1}
    assert await outputs(pipeline) == {"a": [1, 2], "c": [1]}
    dead = [(r.key, r.value) for r in await read_all(pipeline.bootstrap, pipeline.dead)]
    assert [key for key, _ in dead] == [b"1", b"2", b"4"]
    assert b"bad record" in dead[0][1]
    assert b"OutputTooLarge" in dead[2][1]


async def test_a_restart_continues_where_the_changelog_stands(pipeline: Pipeline) -> None:
    for round_ in (1, 2, 3):
        await publish(pipeline.bootstrap, pipeline.input, load(100))
        recorder = Recorder()
        async with pipeline.run(worker=f"w{round_}", observer=recorder):
            await until(lambda round_=round_: pipeline.drained(100 * round_))
        assert await outputs(pipeline) == exactly({f"k{i}": 10 * round_ for i in range(10)})
        if round_ > 1:
            done = [(done, total) for _, done, total in recorder.restored if total]
            assert all(d <= t for d, t in done)
            assert any(d == t for d, t in done)


async def test_the_groups_offset_does_not_decide_the_changelog_does(pipeline: Pipeline) -> None:
    """Race 3: an offset that lies (reset by hand, or an old broker's) must not repeat or skip records."""
    await publish(pipeline.bootstrap, pipeline.input, load(100))
    async with pipeline.run():
        await until(lambda: pipeline.drained(100))
    liar = AIOKafkaConsumer(bootstrap_servers=pipeline.bootstrap, group_id=pipeline.app_id, enable_auto_commit=False)
    await liar.start()
    liar.assign([TopicPartition(pipeline.input, p) for p in (0, 1)])
    await liar.commit({TopicPartition(pipeline.input, 0): 3, TopicPartition(pipeline.input, 1): 5})
    await liar.stop()
    await publish(pipeline.bootstrap, pipeline.input, load(100))
    async with pipeline.run():
        await until(lambda: pipeline.drained(200))
    assert await outputs(pipeline) == exactly({f"k{i}": 20 for i in range(10)})


async def test_a_second_worker_takes_its_share_and_kept_partitions_are_not_restored(pipeline: Pipeline) -> None:
    await publish(pipeline.bootstrap, pipeline.input, load(100))
    first, second = Recorder(), Recorder()
    async with pipeline.run("w1", observer=first) as one:
        await until(lambda: pipeline.drained(100))
        restored_before = len(first.restored)
        async with pipeline.run("w2", observer=second) as two:
            await until(lambda: len(one.tasks.ready) == 1 and len(two.tasks.ready) == 1)
            kept = next(iter(one.tasks.ready))[1]
            given = next(iter(two.tasks.ready))[1]
            assert {kept, given} == {0, 1}
            assert len(first.restored) == restored_before, "a kept partition needs no restore"
            await publish(pipeline.bootstrap, pipeline.input, load(100))
            await until(lambda: pipeline.drained(200))
        await until(lambda: len(one.tasks.ready) == 2)
        await publish(pipeline.bootstrap, pipeline.input, load(100))
        await until(lambda: pipeline.drained(300))
    assert await outputs(pipeline) == exactly({f"k{i}": 30 for i in range(10)})
    assert first.lost == second.lost == []


async def test_a_fenced_task_is_dropped_and_taken_over_again(pipeline: Pipeline) -> None:
    """Race 6: after a failed commit the tables hold what was never committed; they must be read anew."""
    recorder = Recorder()
    await publish(pipeline.bootstrap, pipeline.input, load(50))
    async with pipeline.run(observer=recorder) as source:
        await until(lambda: pipeline.drained(50))
        for partition in (0, 1):
            intruder = Connection(pipeline.bootstrap).transactional_producer(f"{pipeline.app_id}-count-{partition}")
            await intruder.start()  # what a rightful new owner would do first
            await intruder.stop()
        await publish(pipeline.bootstrap, pipeline.input, load(50))
        await until(lambda: pipeline.drained(100))
        assert {partition for _, partition, _ in recorder.lost} == {0, 1}
        assert len(source.tasks.ready) == 2
    assert await outputs(pipeline) == exactly({f"k{i}": 10 for i in range(10)})


async def test_a_zombie_that_was_fenced_and_wakes_up_writes_nothing(pipeline: Pipeline) -> None:
    """Two tasks for one partition: the older one's transaction is refused, the newer one's tables are right."""
    hold, reached = asyncio.Event(), asyncio.Event()

    recorder = Recorder()
    async with pipeline.run("zombie", observer=recorder) as zombie:
        await until(lambda: len(zombie.tasks.ready) == 2)
        task = zombie.tasks.owned["count", 0]
        original = task.commit

        async def held(*args: object) -> float:
            reached.set()
            await hold.wait()
            return await original(*args)  # type: ignore[arg-type]

        task.commit = held  # type: ignore[method-assign]
        await publish(pipeline.bootstrap, pipeline.input, [(0, b"k", b"v")] * 5)
        await reached.wait()
        rightful = Connection(pipeline.bootstrap).transactional_producer(f"{pipeline.app_id}-count-0")
        await rightful.start()
        await rightful.stop()
        hold.set()
        await until(lambda: pipeline.drained(5))
        assert [(p, e) for _, p, e in recorder.lost] == [(0, "TaskLost")]
    assert await outputs(pipeline) == {"k": [1, 2, 3, 4, 5]}


async def read_to(source: Source, tp: TopicPartition, offset: int) -> bool:
    return bool(await source.consumer.position(tp) >= offset)


async def test_records_before_the_position_are_cut_off(pipeline: Pipeline) -> None:
    """Race 4: whatever a fetch begun before a seek brings, records the tables already hold are not folded twice."""
    await publish(pipeline.bootstrap, pipeline.input, [(0, b"k", b"v")] * 20)
    async with pipeline.run() as source:
        await until(lambda: pipeline.drained(20))
        task = source.tasks.owned["count", 0]
        await task.at_rest()
        async with source.tasks.polling:
            (tp,) = task.inputs
            source.consumer.seek(tp, 5)
        await until(lambda: read_to(source, tp, 20))
        await publish(pipeline.bootstrap, pipeline.input, [(0, b"k", b"v")])
        await until(lambda: pipeline.drained(21))
    assert await outputs(pipeline) == {"k": list(range(1, 22))}


async def test_a_seek_waits_for_the_poll_in_flight(pipeline: Pipeline) -> None:
    """Race 2: positions are only moved while no poll is in flight, and a poll of an older generation is thrown away."""
    await publish(pipeline.bootstrap, pipeline.input, load(2000))
    async with pipeline.run(max_records=50, commit_interval=0.0) as source:
        for _ in range(5):
            await asyncio.sleep(0.15)  # at whatever it is then
            await source.takeover.revoke()
            source.takeover.assign(source.consumer.assignment())
        await until(lambda: pipeline.drained(2000))
    assert await outputs(pipeline) == exactly({f"k{i}": 200 for i in range(10)})


async def test_take_overs_run_one_at_a_time_and_outdated_ones_stop(pipeline: Pipeline) -> None:
    """Race 5: three assignments in a row; only the last one decides what is ready."""
    await publish(pipeline.bootstrap, pipeline.input, load(100))
    async with pipeline.run() as source:
        await until(lambda: len(source.tasks.ready) == 2)
        everything = source.consumer.assignment()
        for assigned in (set(), everything, {tp for tp in everything if tp.partition == 0}):
            await source.takeover.revoke()
            source.takeover.assign(assigned)
        await until(lambda: source.tasks.ready == {("count", 0)})
        assert set(source.tasks.owned) == {("count", 0)}
        await source.takeover.revoke()
        source.takeover.assign(everything)
        await until(lambda: pipeline.drained(100))
    assert await outputs(pipeline) == exactly({f"k{i}": 10 for i in range(10)})


async def test_ticks_come_without_records_and_cost_no_transaction(pipeline: Pipeline) -> None:
    async with pipeline.run() as source:
        await until(lambda: len(source.tasks.ready) == 2)
        processor = source.tasks.owned["count", 0].processor
        assert isinstance(processor, Count)
        await until(lambda: processor.ticks >= 2, 5)
    assert await read_all(pipeline.bootstrap, pipeline.changelog) == []


async def test_missing_topics_are_named(bootstrap: str, prefix: str) -> None:
    with pytest.raises(MissingTopics, match="topics create") as error:
        async with Pipeline(bootstrap, prefix).run():
            pass
    assert Counter(error.value.missing)[prefix + "in"] == 1


async def test_one_output_commit_per_batch_not_per_record(pipeline: Pipeline) -> None:
    """Records that wait while a partition is busy come as one larger batch."""
    await publish(pipeline.bootstrap, pipeline.input, [(0, b"k", b"v")] * 3000)
    recorder = Recorder()
    async with pipeline.run(observer=recorder):
        await until(lambda: pipeline.drained(3000))
    assert len([n for p, n in recorder.batches if p == 0]) <= 5


class Fat(Count):
    """Puts a value into the table that no record batch can hold, and none that compresses; nothing here minds."""

    def handle(self, record: Record, out: Outputs) -> None:
        self.counts.largest = 1 << 30  # type: ignore[attr-defined]
        super().handle(record, out)
        if record.value == b"fat":
            self.counts["fat"] = random.Random(1).randbytes(900_000).hex()


async def test_a_transaction_is_not_committed_without_one_of_its_batches(pipeline: Pipeline) -> None:
    """The client would commit it: what was refused would be missing, and its input never read again. Here the task is
    lost; the record that the broker refuses alone is set aside unhandled.
    """
    await publish(pipeline.bootstrap, pipeline.input, [(0, b"k", b"v"), (0, b"k", b"fat"), (0, b"k", b"v")])
    recorder = Recorder()
    async with pipeline.run(processor=Fat, observer=recorder) as source:
        await until(lambda: pipeline.drained(3))
        assert source.takeover.doubts == {}
    assert [partition for _, partition, _ in recorder.lost] == [0, 0, 0], "of three, of two, and alone"
    assert await pipeline.counts() == {"k": 2}
    assert await outputs(pipeline) == {"k": [1, 2]}
    (letter,) = await read_all(pipeline.bootstrap, pipeline.dead)
    assert (letter.key, b"MessageSizeTooLarge" in letter.value) == (b"1", True)


class NotText(str):
    """A header name as other clients can send it."""

    def encode(self, *args: str) -> bytes:  # type: ignore[override]
        return b"\xff\xfe"


async def test_a_batch_that_inflates_beyond_the_limit_is_passed_by_as_one(pipeline: Pipeline) -> None:
    """A bomb of 64 MB in 2 KB between others; it is refused once, also by a worker that starts anew."""
    bomb = DefaultRecordBatchBuilder(2, 4, 0, -1, -1, -1, 1 << 30)
    for number in range(64):
        bomb.append(number, 1, b"k", bytes(1 << 20), [])
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap)
    await producer.start()
    for number in range(6):
        batch = producer.create_batch()
        batch.append(key=b"k", value=b"v", timestamp=None)
        batch.close()
        if number == 3:
            batch._buffer = bomb.build()
        await (await producer.send_batch(batch, pipeline.input, partition=0))
    await producer.stop()
    async with pipeline.run():
        await until(lambda: pipeline.drained(69))
    async with pipeline.run("w2"):
        await until(lambda: pipeline.drained(69))
    assert await outputs(pipeline) == {"k": [1, 2, 3, 4, 5]}
    (letter,) = await read_all(pipeline.bootstrap, pipeline.dead)
    assert letter.key == b"66", "the last offset: reading goes on behind it"
    assert b"64 records, offsets 3 to 66, of a record batch of" in letter.value


async def test_batches_that_inflate_to_what_is_just_taken_are_at_work_a_few_at_a_time(pipeline: Pipeline) -> None:
    """16 of 16 MB each, on two partitions: a quarter of a gigabyte, if one poll took them all."""
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap)
    await producer.start()
    for number in range(16):
        large = DefaultRecordBatchBuilder(2, 4, 0, -1, -1, -1, 1 << 30)
        large.append(0, 1, b"k%d" % (number % 2), bytes(LIMIT - 100), [])
        batch = producer.create_batch()
        batch.append(key=b"k", value=b"v", timestamp=None)
        batch.close()
        batch._buffer = large.build()
        await (await producer.send_batch(batch, pipeline.input, partition=number % 2))
    await producer.stop()
    lent: list[int] = []

    class Watch(Count):
        def finish(self, out: Outputs) -> Rest:
            lent.append(source.ration.lent)
            return super().finish(out)

    async with pipeline.run(processor=Watch) as source:
        await until(lambda: pipeline.drained(16))
        await until(lambda: source.ration.lent == 0)
    assert LIMIT // 2 < max(lent) <= AT_WORK_BYTES + LIMIT
    assert await outputs(pipeline) == {"k0": list(range(1, 9)), "k1": list(range(1, 9))}


async def test_a_record_the_client_cannot_take_apart_is_passed_by(pipeline: Pipeline) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap)
    await producer.start()
    for number in range(20):
        batch = producer.create_batch()
        batch.append(key=b"k", value=b"v", timestamp=None)
        batch.close()
        if number == 7:
            builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 10_000)
            builder.append(0, timestamp=1, key=b"k", value=b"v", headers=[(NotText("x"), b"1")])
            batch._buffer = bytearray(builder.build())
        await (await producer.send_batch(batch, pipeline.input, partition=0))
    await producer.stop()
    async with pipeline.run():
        await until(lambda: pipeline.drained(20))
    assert await outputs(pipeline) == {"k": list(range(1, 20))}
    (letter,) = await read_all(pipeline.bootstrap, pipeline.dead)
    assert (letter.key, b"UnicodeDecodeError" in letter.value) == (b"7", True)
