"""Who is at work beside a record that may have killed the worker."""

import asyncio

from streams.engine.trial import DEATHS_ALONE, Trial, Turns


async def settled() -> None:
    """All tasks have come to where they wait: none of them waits for anything but the others."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_when_the_next_death_decides_nothing_else_is_at_work() -> None:
    """A record of another partition killed the worker in a batch that nobody announced, and the suspect was blamed."""
    turns, seen, end = Turns(), list[str](), asyncio.Event()

    async def batch(name: str) -> None:
        async with turns.beside():
            seen.append(f"{name} begins")
            await end.wait()
            seen.append(f"{name} ends")

    async def suspect() -> None:
        async with turns.alone(decides=True):
            seen.append("suspect begins")
            await settled()
            seen.append("suspect ends")

    running = [asyncio.create_task(batch("a")), asyncio.create_task(batch("b"))]
    await settled()
    running.append(asyncio.create_task(suspect()))
    await settled()
    running.append(asyncio.create_task(batch("c")))
    await settled()
    assert seen == ["a begins", "b begins"], "c waits behind the suspect"
    end.set()
    await asyncio.wait_for(asyncio.gather(*running), 5)
    assert seen[2:4] == ["a ends", "b ends"]
    assert seen[4:] == ["suspect begins", "suspect ends", "c begins", "c ends"]


async def test_before_that_batches_go_on_beside_it() -> None:
    turns = Turns()
    async with turns.alone(decides=False), asyncio.timeout(5), turns.beside():
        pass
    async with turns.beside(), asyncio.timeout(5), turns.alone(decides=False):
        pass


async def test_who_gives_up_waiting_lets_the_others_in() -> None:
    turns = Turns()
    async with turns.beside():
        waiting = asyncio.create_task(_alone(turns))
        await settled()
        waiting.cancel()
        await asyncio.wait([waiting])
        async with asyncio.timeout(5), turns.beside(), turns.together():
            pass
    async with asyncio.timeout(5), turns.alone(decides=True):
        pass


async def _alone(turns: Turns) -> None:
    async with turns.alone(decides=True):
        pass


def test_the_last_death_but_one_decides() -> None:
    suspect = ("t", 5)
    assert [Trial(1, {"t": 9}, suspect, deaths).decisive for deaths in range(DEATHS_ALONE + 1)] == [False, True, False]
    assert not Trial(1, {"t": 9}).decisive
