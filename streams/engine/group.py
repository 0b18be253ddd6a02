"""The group of workers: do they agree in what they would write?

Workers with other settings, rules or versions give different answers to the same events, depending on the partition. So
each tells the group its **features**, {name: short value}, which the engine does not interpret. Whoever leads the group
gives partitions only to those that agree with the workers that are there already, and everybody learns with his
assignment what was agreed on: one that differs refuses itself, and has handled nothing.

Who was there already is known by the **round**: each assignment carries one more than the highest of its members, and a
member says the last one that it got. Where nobody was there yet, most of those that begin together decide.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.client import CoordinationType
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import BrokerResponseError, KafkaError, for_code, kafka_errors
from aiokafka.protocol.admin import DescribeGroupsRequest

from streams.engine.errors import Differs, NameTaken
from streams.engine.kafka import asked

log = logging.getLogger(__name__)

Features = Mapping[str, str]
ANY = "*"
"""A feature that is decided elsewhere: it is like every other one."""
KNOCKS, KNOCK_SECONDS = 20, 0.5
"""How often, and with which pause, the broker is asked who is in the group before the worker joins unasked."""


class FencedInstanceId(BrokerResponseError):
    """The broker's code 82, which the client does not know: another process joined under the same static name."""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "Another member joined with the same group.instance.id"


kafka_errors[FencedInstanceId.errno] = FencedInstanceId


def own_failures(consumer: AIOKafkaConsumer) -> None:
    """Keep asyncio from reporting each waiter inside the client that a failure of the group ends: nobody asks them,
    there are hundreds, and the failure itself comes out of the next poll.
    """
    subscription = consumer._subscription  # noqa: SLF001 - as below
    abort = subscription.abort_waiters

    def abort_waiters(error: Exception) -> None:
        waiting = [*subscription._assignment_waiters, *subscription._fetch_waiters]  # noqa: SLF001
        abort(error)
        for waiter in waiting:
            if waiter.done():
                asked(waiter)

    subscription.abort_waiters = abort_waiters


def keep_identity(consumer: AIOKafkaConsumer) -> None:
    """Let a static member join again as who it was. The client forgets its member id when the broker does not know it
    any more, and would then take the place of whoever has taken its own. With the id the broker answers that.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - as below
    forget = coordinator.reset_generation

    def reset_generation() -> None:
        member = coordinator.member_id
        forget()
        if coordinator._heartbeat_task is not None:  # noqa: SLF001 - it is not joining: the join will tell
            coordinator.member_id = member

    coordinator.reset_generation = reset_generation


def explained(error: KafkaError, worker: str) -> Exception:
    """What the group refused, in words for people where there are any."""
    # The client raises its own error with this one's name in it.
    return NameTaken(worker) if FencedInstanceId.__name__ in repr(error) else error


class Member(NamedTuple):
    """A worker as the group knows it."""

    worker: str
    features: Features | None = None
    """``None``: a version that did not tell any."""
    round: int = 0
    """The last assignment it got; 0: none so far."""

    def encode(self, *, again: bool = False) -> bytes:
        return json.dumps({**self._asdict(), **({"again": True} if again else {})}, sort_keys=True).encode()

    @classmethod
    def decode(cls, data: bytes | None) -> "Member":
        """A version before told its name only."""
        text = bytes(data or b"").decode(errors="replace")
        try:
            found = json.loads(text)
            features = found["features"]
            return cls(str(found["worker"]), features and dict(features), int(found["round"]))
        except (ValueError, TypeError, KeyError):
            return cls(text)


def agreed(members: Iterable[Member], leader: Features | None = None) -> Features | None:
    """The features that hold for these members: those of the newest round, else of a version that tells none, else of
    most; when there are as many of each, the leader's.
    """
    found = list(members)
    newest = max((member.round for member in found), default=0)
    if newest == 0 and any(member.features is None for member in found):
        return None
    held = Counter(_text(member.features) for member in found if member.round == newest)
    most = max(held.values(), default=0)
    among = sorted(text for text, count in held.items() if count == most)
    ours = _text(leader)
    chosen = ours if ours in among or not among else among[0]
    features: Features | None = json.loads(chosen)
    return features


def _text(features: Features | None) -> str:
    return json.dumps(None if features is None else dict(features), sort_keys=True)


def differences(ours: Features, theirs: Features | None) -> list[str]:
    """What differs, in words, by name."""
    if theirs is None:
        return ["they are of a version that does not tell its settings"]
    found = ((name, {ours.get(name), theirs.get(name)}) for name in {*ours, *theirs})
    names = sorted(name for name, values in found if len(values) > 1 and ANY not in values)
    return [f"{name} is {ours.get(name, 'absent')} here and {theirs.get(name, 'absent')} there" for name in names]


def are_alike(ours: Features | None, theirs: Features | None) -> bool:
    """Do they agree?"""
    return ours == theirs if ours is None or theirs is None else not differences(ours, theirs)


class Door:
    """What one worker tells the group, and what it is told."""

    def __init__(self, worker: str, features: Features, *, static: bool = False) -> None:
        self.worker, self.features, self.static = worker, dict(features), static
        self.round = 0
        self.refusal: Differs | None = None
        """Why this worker may not take part."""
        self.again = False
        """Must the group be asked again? A static member that comes back gets its old assignment from the broker, and
        nobody has compared anything; what it tells is then changed, which makes the broker ask the others.
        """
        self._asked = False

    def metadata(self) -> bytes:
        """What this worker tells the group whenever it joins."""
        self._asked, self.again = self._asked or self.again, False
        return Member(self.worker, self.features, self.round).encode(again=self._asked)

    def answer(self, data: bytes | None) -> None:
        """An assignment has come, with what was agreed on."""
        theirs = Member.decode(data)
        differs = differences(self.features, theirs.features)
        self.again = bool(differs) and self.static and not self._asked and not self.round
        self.refusal = Differs(self.worker, differs) if differs and not self.again else None
        if not differs:
            self.round = theirs.round

    async def knock(self, consumer: AIOKafkaConsumer, group: str) -> None:
        """Compare before joining: a worker that is refused then disturbs nobody. Raises `Differs`.

        A broker that cannot tell yet (it has just started) is asked again for a while; then joining itself compares.
        """
        for _ in range(KNOCKS):
            try:
                known = await members(consumer, group)
                break
            except KafkaError as error:
                log.info("the group cannot be asked who is in it: %s", type(error).__name__)
                await asyncio.sleep(KNOCK_SECONDS)
        else:
            return
        others = [m for m in known if not (self.static and m.worker == self.worker)]
        if others and (differs := differences(self.features, agreed(others))):
            raise Differs(self.worker, differs)


async def members(consumer: AIOKafkaConsumer, group: str) -> list[Member]:
    """Who is in the group; while it rebalances the broker does not say. Raises `KafkaError`."""
    client = consumer._client  # noqa: SLF001 - a consumer has no public way to ask
    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    response = await client.send(node, DescribeGroupsRequest([group]))
    ((code, _, _, _, _, described, *_),) = response.groups
    if code:
        raise for_code(code)(group)
    known: list[Any] = [metadata for _, _, _, metadata, _ in described if metadata]
    return [Member.decode(ConsumerProtocol.METADATA.decode(metadata).user_data) for metadata in known]
