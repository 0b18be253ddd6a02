"""Who may be at work on announced batches at the same time."""

import asyncio

from streams.engine.trial import TOGETHER, Turns


class Watch:
    """Counts who is inside."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.inside: list[str] = []
        self.seen: list[tuple[str, ...]] = []

    async def together(self) -> None:
        async with self.turns.together():
            await self._work("together")

    async def alone(self) -> None:
        async with self.turns.alone():
            await self._work("alone")

    async def _work(self, how: str) -> None:
        self.inside.append(how)
        await asyncio.sleep(0.001)
        self.seen.append(tuple(self.inside))
        self.inside.remove(how)


async def test_first_batches_are_at_work_together_up_to_a_limit() -> None:
    watch = Watch(Turns())
    await asyncio.gather(*(watch.together() for _ in range(3 * TOGETHER)))
    assert max(map(len, watch.seen)) == TOGETHER
    assert len(watch.seen) == 3 * TOGETHER


async def test_a_record_in_doubt_is_alone_and_is_not_kept_waiting_by_those_who_come_later() -> None:
    watch = Watch(Turns())
    early = [asyncio.ensure_future(watch.together()) for _ in range(4)]
    await asyncio.sleep(0)
    doubt = asyncio.ensure_future(watch.alone())
    await asyncio.sleep(0)
    later = [asyncio.ensure_future(watch.together()) for _ in range(4)]
    await asyncio.gather(*early, doubt, *later)
    assert [seen for seen in watch.seen if "alone" in seen] == [("alone",)]
    assert watch.seen.index(("alone",)) == 4


async def test_one_who_is_cancelled_while_it_waits_leaves_the_way_free() -> None:
    watch = Watch(Turns())
    first = asyncio.ensure_future(watch.together())
    await asyncio.sleep(0)
    doubt = asyncio.ensure_future(watch.alone())
    await asyncio.sleep(0)
    doubt.cancel()
    await asyncio.gather(first, doubt, return_exceptions=True)
    await asyncio.wait_for(watch.alone(), 1)
    assert watch.seen == [("together",), ("alone",)]
