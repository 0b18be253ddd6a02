"""`ingest`: the door. Reads every input topic, checks, normalises, masks, drops duplicates; writes
``contact.normalised``.

What cannot be used becomes a dead letter with its reason; nothing a publisher sends stops the worker.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from pydantic import ValidationError

from schemas.envelope import CloudEvent
from schemas.events import parse, problem_of
from schemas.problems import shown
from streams.base.alert_records import AlertWord, Command, Silenced
from streams.base.links import Word
from streams.base.records import LIVE, Normalised, Ruled, contact_key
from streams.base.times import DAY_MS
from streams.engine import Outputs, Processor, Record, Rest, Table, TableSpec, TaskInfo
from streams.intake.clock import InputClock, LineClock
from streams.intake.dedup import Seen, Verdict, content_before, content_of, upgraded
from streams.intake.detectors import Budget
from streams.intake.holding import Holders
from streams.intake.masking import mask
from streams.intake.normalise import NoCustomer, Policy, Unusable, event_record, is_customer_text
from streams.intake.pulses import Pulses, channel_of
from streams.pipeline.checks import Checks, Rejected
from streams.pipeline.dead_letters import Why, buried, bury
from streams.pipeline.means import Means
from streams.pipeline.notes import Gauged
from streams.pipeline.ruling import RULING, taken_in
from streams.pipeline.stage import Name, ProgressSender, struct_table
from streams.sentiment.scoring import SCORED

TABLES = (
    TableSpec("seen", bytes, bytes, version=2, upgrades=(upgraded,)),  # chunks of digests, see `streams.intake.dedup`
    struct_table("clocks", LineClock),
    struct_table("pulses", tuple[int, int]),  # see `streams.intake.pulses`
    RULING,
)
encode = msgspec.json.Encoder().encode
log = logging.getLogger(__name__)

_REFUSED = "replay-refused"


class Ingest(Gauged, Processor):
    """Tables ``seen`` (ids inside the horizon) and ``clocks`` (how far each line has come)."""

    def __init__(self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, means: Means) -> None:
        notes = means.notes
        self.info, self.notes = info, notes
        self.prefix = means.door.prefix
        self.normalised, self.conditions = name("contact.normalised"), name("alert.conditions")
        self.dead = name("contacts.dead-letters")
        unused, reads = notes.unused_identifier, (means.intents, means.behaviours, means.deadlines, means.zone)
        self.policy = Policy(means.nobody, means.phone_region, means.scorer, unused, *reads)
        self.checks = Checks(means.door)
        self.horizon_ms = means.dedup_horizon_ms
        self.chunks = tables["seen"]
        self.seen = Seen(self.chunks.items())
        self.clock = InputClock(tables["clocks"], means.out_of_orderness_ms)
        self.max_replays, self.replay_life_ms = means.max_replays, means.replay_life_ms
        self.max_undeclared = means.max_undeclared
        self.told_ended: set[str] = set()
        """Replays of which the log says that they have ended and something still came."""
        self.hold_ms, self.erases = means.hold_ms, means.erases
        self.holders: Holders = info.kept.setdefault("holders", Holders(self.hold_ms))
        for topic in info.topics:
            notes.released(topic, 0)
        self.progress = ProgressSender(info, self.normalised)
        channels = {topic: channel_of(topic.removeprefix(self.prefix)) for topic in info.topics}
        self.pulses = Pulses(info.name, tables["pulses"], channels)
        self.ruling = tables["ruling"]
        self.event: dict[str, Any] = {}
        """The record at hand, as far as it is one."""
        self.latest: dict[tuple[str, str], int] = {}
        self.arrived: dict[str, int] = {}
        """Topic → newest time of arrival read."""
        self.batch: tuple[str, int] | None = None
        self.added = False
        self.healed = False

    def handle(self, record: Record, out: Outputs) -> None:
        self.added = False
        if self.batch is None:
            self.batch = (f"{record.topic}:{record.offset}", record.timestamp)
        self.batch = (self.batch[0], max(self.batch[1], record.timestamp))
        self.arrived[record.topic] = max(self.arrived.get(record.topic, 0), record.timestamp)
        self.event = {}
        try:
            self._take(record, out)
        except Rejected as why:
            bury(self.dead, record, Why("ingest", why.reason, why.message, why.path), out)
            self.notes.dead_letter(why.reason)
            self.pulses.count(self.event, record.topic, record.timestamp, refused=True)
            return
        self.pulses.count(self.event, record.topic, record.timestamp, refused=False)

    async def look_ahead(self, records: Sequence[Record]) -> None:
        """Texts for a scorer that takes many at once: it has them before they are handled, beside the event loop."""
        prepare = getattr(self.policy.scorer, "prepare", None)
        if prepare is None:
            return
        texts = [text for record in records if (text := self._to_score(record)) is not None]
        if texts:
            await asyncio.to_thread(prepare, texts)  # see `streams.worker.guarded`: it comes back

    def _to_score(self, record: Record) -> str | None:
        try:
            obj = self.checks.decode(record)
            data = obj["data"]
            if not is_customer_text(obj["type"], data) or data.get("sentiment") is not None:
                return None
            return mask(data["text"], self.policy.region, Budget())[:SCORED]
        except (Rejected, KeyError, TypeError, AttributeError):
            return None  # `handle` says what is wrong with it

    def undo(self, record: Record) -> None:
        self.pulses.count(self.event, record.topic, record.timestamp, refused=True)
        if self.added:
            self.seen.undo_last()

    def keep(self) -> None:
        """Note what was taken in: the times, and the ids as a chunk."""
        for (line, topic), time in self.latest.items():
            self.clock.event(line, topic, time)
        self.latest.clear()
        self.pulses.keep()
        if self.batch is not None:
            key, append_time = self.batch
            if key in self.chunks:
                key = f"{key}@{append_time}"  # a topic that was made anew counts its offsets from 0 again
            chunk = self.seen.seal(key, append_time)
            if chunk is not None:
                self.chunks[key] = chunk
            self.batch = None

    def finish(self, out: Outputs) -> Rest:
        self.keep()
        for topic, records in buried(out).items():
            self.holders.refused(topic, records)
        known = {tp.topic: asked for tp, asked in out.caught_up.items()}
        behind = [topic for topic in self.info.topics if topic not in known]
        if not self.healed:
            self.clock.heal(out.now)
            self.healed = True
        now, holding = self._holding(known, out.now)
        self.progress.send(self.clock.watermarks(now, holding), out)
        self._expire(behind)
        self._forget_replays(out)
        if (pulse := self.pulses.take(out.now)) is not None:
            out.send(self.conditions, pulse.task.encode(), encode(pulse))
        return self.progress.rest

    def _forget_replays(self, out: Outputs) -> None:
        """Those for which nothing has come for long: here, and by what is said here, at every agent."""
        quiet = self.clock.quiet(self.replay_life_ms, self.max_replays)
        for line in quiet:
            self.clock.forget(line)
            self.told_ended.discard(line)
        self.progress.forget(quiet, out)

    def _holding(self, known: Mapping[str, int], now: int) -> tuple[int, list[str]]:
        """The clock as live time may follow it, ms, and the topics whose unread records hold it. ``known``: those with
        nothing unread, and when the broker said so.
        """
        if not known:
            return now, list(self.info.topics)
        newest = max(known.values())
        # Of what the broker has not answered for so long it may have more: a partition without a leader.
        recent = {topic: asked for topic, asked in known.items() if newest - asked < self.hold_ms}
        unread = [topic for topic in self.info.topics if topic not in recent]
        released = self.holders.released(unread, self.clock.times(LIVE), newest)
        for topic, new in released.items():
            if new:
                self.notes.released(topic)
        return min(recent.values()), [topic for topic in unread if topic not in released]

    def _expire(self, behind: Collection[str]) -> None:
        """Forget ids beyond the horizon, by the arrival of what has been read: not while a backlog may repeat them.
        When everything is read, nothing to come has arrived before the live watermark.
        """
        if any(topic not in self.arrived for topic in behind):
            return
        if behind:
            reached = min(self.arrived[topic] for topic in behind)
        else:
            reached = max((*self.arrived.values(), self.clock.reached(LIVE) or 0))
        for key in self.seen.expire(reached - self.horizon_ms):
            self.chunks.pop(key, None)

    def held(self) -> dict[str, float]:
        return dict.fromkeys(self.info.topics, 0.0) | self.holders.held()

    def live_time(self) -> int | None:
        sent = self.progress.sent.get(LIVE)
        return sent.watermark if sent else None

    def _take(self, record: Record, out: Outputs) -> None:
        obj = self.event = self.checks.decode(record)
        try:
            event = parse(obj)
        except ValidationError as error:
            problem = problem_of(error)
            raise Rejected(problem.reason, problem.path, problem.message) from None
        time = event.time_ms
        if event.type.startswith("replay."):
            self._marker(record, event, time)
            return
        key = self.checks.key_of(record, event)
        if event.type == "customer.erased" and not self.erases:
            raise Rejected(
                "not-configured",
                "type",
                "nobody can be erased without the setting CONTACT_STREAMS_ERASURE_KEY, by which the erased are known: "
                "set it for all workers, and publish the event again",
            )
        if event.line == LIVE:
            self.checks.live(record, event, time)
        else:
            self._admit(event.line, "replayid", record)
        self.checks.by_rules(event)
        # A line is a world of its own: a file replayed once more under another id is not a duplicate.
        source = f"{event.source}\x1f{event.line}" if event.line else event.source
        content = self._content(obj, time)
        verdict = self.seen.check(record.topic, source, event.id, content)
        if verdict == "reused":
            verdict = self._reused(record.topic, source, obj)
        if verdict == "duplicate":
            self.notes.duplicate()
            self.holders.refused(record.topic)
            return
        if event.line != LIVE and self.clock.ended(event.line):
            self._after_end(event.line, record)
            return
        if event.line != LIVE and not self.clock.admit_event(event.line, self.max_undeclared):
            self.notes.limited("ingest", "undeclared")
            raise Rejected(
                _REFUSED,
                "replayid",
                f"{self.max_undeclared} events of this replay came here before its replay.started; send that first, on "
                "every partition of every topic it writes to, and then what was refused",
            )
        channel = getattr(event.data, "channel", None)
        named = contact_key(channel, event.data.contact_id).encode() if channel else key
        made = self._normalised(obj, time, event.line)
        self._send(made, named, out)
        self.seen.add(record.topic, source, event.id, content)
        self.added = True
        latest = (event.line, record.topic)
        if event.line == LIVE:
            self.holders.took(record.topic)
            time = min(time, record.timestamp)  # a fast clock of one publisher does not drive everybody's time
        if time > self.latest.get(latest, time - 1):
            self.latest[latest] = time

    def _send(self, made: Normalised | AlertWord | Word, named: bytes, out: Outputs) -> None:
        if isinstance(made, Ruled):
            self._rule(made, out)
            return
        to = self.conditions if isinstance(made, Command | Silenced) else self.normalised
        out.send(to, made.key if isinstance(made, Word) else named, encode(made))

    def _rule(self, made: Ruled, out: Outputs) -> None:
        """Other rules, told to all that are behind. Who handles alerts knows them before anybody tells of a condition
        by them."""
        if (known := taken_in(self.ruling, made)) is not None:
            self.notes.duplicate()
            out.broadcast(self.conditions, None, encode(known))  # whoever said it hears that it is in force
            return
        for topic in (self.conditions, self.normalised):
            out.broadcast(topic, None, encode(made))

    def _content(self, obj: dict[str, Any], time: int) -> bytes:
        try:
            return content_of(obj, time)
        except TypeError as error:  # nested beyond what can be written again
            raise Rejected("unreadable", None, f"the event cannot be written as JSON again: {error}") from None

    def _reused(self, topic: str, source: str, obj: dict[str, Any]) -> Verdict:
        """For a name that was noted with other content: it may be the same, noted by the version before."""
        verdict = self.seen.check(topic, source, obj["id"], content_before(obj))
        if verdict == "reused":
            raise Rejected(
                "id-reused",
                "id",
                "id was used before by this source for an event with other content; give each event an id of its own",
            )
        return verdict

    def _normalised(self, obj: dict[str, Any], time: int, line: str) -> Normalised | AlertWord | Word:
        budget = Budget()
        try:
            made = event_record(obj, time, line, self.policy, budget)
        except NoCustomer as why:
            raise Rejected("wrong-type", "data.customer_id", str(why)) from None
        except Unusable as why:
            raise Rejected("wrong-type", why.path, str(why)) from None
        if budget.sieved:
            self.notes.sieved(budget.sieved)
        return made

    def _after_end(self, line: str, record: Record) -> None:
        """Its windows are closed and its figures final; what comes now is a replay of the replay."""
        self.notes.late("ingest")
        if line not in self.told_ended:
            self.told_ended.add(line)
            log.warning(
                "replay %r has ended: what still comes for it is left out, here first %s-%s offset %s",
                line,
                record.topic,
                record.partition,
                record.offset,
            )

    def _marker(self, record: Record, event: CloudEvent[Any, Any], time: int) -> None:
        declared = [self.prefix + topic for topic in event.data.topics]
        if unknown := [topic for topic in declared if topic not in self.info.topics]:
            raise Rejected("wrong-type", "data.topics", f"{shown(unknown[0])} is no input topic of this partition")
        if record.topic not in declared:
            raise Rejected("wrong-type", "data.topics", "data.topics does not name the topic the marker lies on")
        line = event.data.replay_id
        if event.line not in (LIVE, line):
            raise Rejected("wrong-type", "replayid", "replayid and data.replay_id name different replays")
        self._admit(line, "data.replay_id", record)
        source, topics = self.clock.declare(line, event.source, declared)
        if event.source != source:
            raise Rejected(
                _REFUSED, "source", "the replay was declared by another source, and its markers count only from there"
            )
        if not topics.issuperset(declared):
            raise Rejected(
                _REFUSED, "data.topics", "the replay was declared with other topics; give each replay an id of its own"
            )
        for (other, topic), latest in self.latest.items():
            if other == line:
                self.clock.event(line, topic, latest)
        self.clock.marker(line, record.topic, time, ended=event.type == "replay.ended")

    def _admit(self, line: str, path: str, record: Record) -> None:
        if not self.clock.admit(line, record.timestamp, self.max_replays):
            raise Rejected(
                _REFUSED,
                path,
                f"{self.max_replays} replays are known here already, and this is another one; a replay is forgotten "
                f"when nothing has come for it for {self.replay_life_ms / DAY_MS:g} days",
            )
