"""What goes to one target at once: read, sent, tried again, given up; its position is kept after each delivery.

The position is written when the target has said that it has the message. Who is killed in between sends it once more
after the restart, with the same idempotency key.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.notify import NotifyDeadLetter
from streams.notify import letters
from streams.notify.config import Target
from streams.notify.letterbox import LetterBox
from streams.notify.message import OVER, Message, id_of
from streams.notify.metrics import Metrics
from streams.notify.positions import Position
from streams.notify.reading import Reader
from streams.notify.routing import Told
from streams.notify.sending import Outcome, Sender
from streams.notify.waking import Clock
from streams.notify.window import Parcel, Partition, Place, Window

log = logging.getLogger(__name__)
SETTLE_SECONDS = 30.0
"""So long attempts are waited for whose partitions go to somebody else: the group waits no longer than twice that."""


class Delivering:
    """One target."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a target is made of
        self, name: str, target: Target, told: Told, reader: Reader, box: LetterBox, metrics: Metrics, clock: Clock
    ) -> None:
        self.name, self.reader = name, reader
        self._target, self._told, self._box, self._metrics, self._clock = target, told, box, metrics, clock
        self.window = Window(target.pace, target.parallel, random.Random())
        self._sender = Sender(target, clock.seconds)
        self._attempts: set[asyncio.Task[None]] = set()
        self._to_send, self._to_keep, self._to_read = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._halted = False

    async def run(self) -> None:
        """Until it is cancelled; `stop` afterwards."""
        await self.reader.start(self)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            group.create_task(self._send())
            group.create_task(self._keep())

    async def stop(self) -> None:
        """Let attempts end, keep the position, leave the group."""
        await self._settle(min(self._target.timeout / 1000 + 1, SETTLE_SECONDS))
        for each in self._attempts:
            each.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)
        await self.reader.stop()
        await self._sender.close()

    def why_not_ready(self) -> str:
        """Empty when it is."""
        return "" if self.reader.joined else f"{self.name}: no partitions assigned yet"

    def measure(self) -> None:
        """Bring the gauges up to date."""
        self._metrics.pending.labels(self.name).set(len(self.window))
        self._metrics.failing.labels(self.name).set(self.window.failures)
        if self.reader.joined:
            self._metrics.lag.labels(self.name).set(self.reader.lag())

    async def begin(self, positions: Mapping[Partition, Position]) -> None:
        """Partitions to read; whom the target was told of before is read first."""
        events = {each: at for each, at in positions.items() if not each[0].endswith(letters.TOPIC)}
        if events:
            async for record in self.reader.before(events):
                self._way(record)
        for partition, at in positions.items():
            self.window.begin(partition, at)
        self._halted = False
        self._to_send.set()
        self._to_read.set()

    async def end(self, partitions: Sequence[Partition]) -> None:
        """They go to somebody else, who begins where this one has come."""
        await self._settle(min(self._target.timeout / 1000 + 1, SETTLE_SECONDS))
        for each in partitions:
            self.window.end(each)

    async def _settle(self, seconds: float) -> None:
        self._halted = True
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=seconds)
        try:
            await self.reader.commit(self.window.positions())
        except KafkaError as error:
            log.warning("%s: its position was not kept, what was delivered last may come twice: %r", self.name, error)

    async def _read(self) -> None:
        while True:
            self._to_read.clear()
            if not (room := self.window.room):
                await self._to_read.wait()
                continue
            for record in await self.reader.poll(room):
                await self._take_in(record)
            self._to_send.set()
            self._to_keep.set()

    async def _take_in(self, record: Any) -> None:
        place = Place(record.topic, record.partition, record.offset)
        if not self.window.has(place):
            return
        if record.topic.endswith(letters.TOPIC):
            if not self.window.read(place):
                return
            letter = letters.decoded(record.value)
            is_mine = letter is not None and (letter.target, letter.status) == (self.name, "again")
            if letter is not None and is_mine and self._is_current(letter):
                self.window.add(letters.parcel_of(letter, place, record.timestamp))
            else:
                self.window.skip(place)
            return
        found = self._way(record)
        if not self.window.read(place):
            return
        if isinstance(found, ValidationError):
            why = f"no alert event: {found.errors()[0]['msg']}"
            await self._give_up("unreadable", letters.of_record(self.name, place, record.value, why, self._clock.now()))
        elif found is not None:
            event, way = found
            due = record.timestamp + way.wait_ms
            self._metrics.steps.labels(self.name).inc()
            self.window.add(Parcel("step", [event], [place], due, record.timestamp, group=way.group, closes=due))
            return
        self.window.skip(place)

    def _is_current(self, letter: NotifyDeadLetter) -> bool:
        """The beginning of an alert that is over would be a new incident to PagerDuty; others are told what was."""
        alert = letter.events[-1].alert
        late = self._target.kind == "pagerduty" and alert.state not in OVER and self._told.is_over(alert.episode_id)
        if late:
            log.warning("%s: %s is not sent again, its alert is over", self.name, letter.id)
        return not late

    def _way(self, record: Any) -> Any:
        """A step and how it goes to the target; ``None``: not; or what is wrong with the record."""
        if record.value is None:
            return None
        try:
            event = letters.event_of(record.value)
        except ValidationError as error:
            return error
        way = self._told.way(event, round(event.at.timestamp() * 1000))
        return None if way is None else (event, way)

    async def _send(self) -> None:
        while True:
            self._to_send.clear()
            now = self._clock.now()
            while not self._halted and (parcel := self.window.take(now)) is not None:
                attempt = asyncio.create_task(self._attempt(parcel))
                self._attempts.add(attempt)
                attempt.add_done_callback(self._done)
            wake = None if self._halted else self.window.wake()
            await self._clock.wait(self._to_send, None if wake is None else wake - now)

    def _done(self, attempt: "asyncio.Task[None]") -> None:
        self._attempts.discard(attempt)
        if not attempt.cancelled() and (error := attempt.exception()) is not None:
            log.error("%s: an attempt ended with a fault of this program", self.name, exc_info=error)
        for each in (self._to_send, self._to_keep, self._to_read):
            each.set()

    async def _attempt(self, parcel: Parcel) -> None:
        kind = "group" if len(parcel.events) > 1 and parcel.kind == "step" else parcel.kind
        parcel.kind = kind
        name = parcel.id or id_of(parcel.events)
        message = Message(name, kind, tuple(parcel.events), parcel.left_out, self._target.words)
        try:
            outcome = await self._sender.send(message)
        except Exception as error:
            log.exception("%s: %s could not be put into the target's format", self.name, name)
            outcome = Outcome(f"a fault of this program: {type(error).__name__}", final=True)
        if parcel in self.window:
            await self._judge(parcel, outcome)

    async def _judge(self, parcel: Parcel, outcome: Outcome) -> None:
        now = self._clock.now()
        if outcome.delivered:
            self.window.delivered(parcel)
            self._metrics.deliveries.labels(self.name).inc()
            self._metrics.seconds.labels(self.name).observe(max(0, now - parcel.written) / 1000)
        elif outcome.final:
            parcel.attempts += 1
            await self._give_up("refused", letters.of_parcel(self.name, parcel, "refused", outcome.why, now))
            self.window.refused(parcel)
        elif self.window.failed(parcel, outcome.why, now, outcome.after_ms):
            await self._give_up("exhausted", letters.of_parcel(self.name, parcel, "exhausted", outcome.why, now))
            self.window.given_up(parcel)
        else:
            self._metrics.retries.labels(self.name).inc()
            log.warning(
                "%s: attempt %d failed, %s; next in %.1f s", self.name, parcel.attempts, outcome.why,
                (parcel.due - now) / 1000,
            )  # fmt: skip

    async def _give_up(self, reason: str, letter: Any) -> None:
        await self._box.put(letter)
        self._metrics.failures.labels(self.name, reason).inc()
        log.error("%s: given up (%s, %s): dead letter %s", self.name, reason, letter.message, letter.id)

    async def _keep(self) -> None:
        while True:
            await self._to_keep.wait()
            self._to_keep.clear()
            try:
                await self.reader.commit(self.window.positions())
            except KafkaError as error:
                log.warning("%s: its position was not kept: %r", self.name, error)
                self._to_keep.set()
                await asyncio.sleep(1)
