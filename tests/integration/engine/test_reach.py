"""An input with an open transaction is read to its end where the transaction begins, and the topic is named."""

from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from streams.engine import Outputs, Rest
from tests.support.engine import Count, Pipeline, publish, read_all, until


class Watch(Count):
    """Keeps when the broker last had nothing more, of its partition."""

    seen: dict[int, int | None]

    def finish(self, out: Outputs) -> Rest:
        super().finish(out)
        number = self.info.partition
        self.seen[number] = out.caught_up.get(TopicPartition(self.info.topics[0], number))
        return Rest.NOTHING


async def test_an_open_transaction_is_no_backlog(pipeline: Pipeline) -> None:
    seen: dict[int, int | None] = {}

    def processor(*args: Any) -> Watch:
        watch = Watch(*args)
        watch.seen = seen
        return watch

    held = TopicPartition(pipeline.input, 0)
    await publish(pipeline.bootstrap, pipeline.input, [(0, b"k", b"before")])
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap, transactional_id=pipeline.prefix + "hangs")
    await producer.start()
    async with pipeline.run(processor=processor) as source:
        await producer.begin_transaction()
        await producer.send_and_wait(pipeline.input, key=b"k", value=b"inside", partition=0)
        await publish(pipeline.bootstrap, pipeline.input, [(0, b"k", b"behind"), (1, b"o", b"other")])
        await until(lambda: source.reach.open_transactions([held])[pipeline.input] > 1)
        begun = max(seen[number] or 0 for number in seen)
        await until(lambda: all((asked or 0) > begun + 1000 for asked in seen.values()))
        assert source.reach.open_transactions([TopicPartition(pipeline.input, 1)]) == {pipeline.input: 0.0}
        assert len(await read_all(pipeline.bootstrap, pipeline.output)) == 2, "neither inside nor behind"
        await producer.commit_transaction()
        await until(lambda: source.reach.open_transactions([held])[pipeline.input] == 0)
        await until(lambda: pipeline.drained(4))
    await producer.stop()
    counted = [record.value for record in await read_all(pipeline.bootstrap, pipeline.output) if record.key == b"k"]
    assert counted == [b"1", b"2", b"3"]
