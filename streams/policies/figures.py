"""What a record comes to under a policy: one pass over its contacts, summed up by whatever is asked for.

Money is exact (fractions of a cent) and is rounded where it is shown, so sums do not depend on the order of the record.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from streams.base.channels import LIVE_CHANNELS
from streams.base.times import MINUTE_MS
from streams.contacts.contact import ABANDONED, ANSWERED
from streams.policies.policy import Policy, Service
from streams.policies.queues import Served, handle_times, replayed, served
from streams.policies.record import Key, Need, Record, Recorded

MILLIONTHS = 10**6
UNITS = MINUTE_MS * MILLIONTHS
"""Of a cent, in which costs are summed up: a millionth of a cent for a minute, for each of its milliseconds."""


@lru_cache(maxsize=4096)
def exact(number: float) -> Fraction:
    """A number of a policy as it was written, to a millionth: 0.1 is a tenth."""
    return Fraction(round(number * MILLIONTHS), MILLIONTHS)


def whole(money: Fraction) -> int:
    """Whole cents, a half up."""
    return int((money * 2 + 1) // 2)


@dataclass(slots=True)
class Sums:
    """What is counted of any contacts; shares are made of it."""

    contacts: int = 0
    still_open: int = 0
    offered: int = 0
    """Where the customer sits and waits: voice, chat, in person. So the next four."""
    answered: int = 0
    in_time: int = 0
    """Within the time that is promised: the target of the service that holds; of one without there are none."""
    timed: int = 0
    """Offered, of services that have such a target."""
    abandoned: int = 0
    rescued: int = 0
    """Answered, and abandoned in the record; on any channel."""
    wait_ms: int = 0
    """Of those answered."""
    handle_ms: int = 0
    cost_units: int = 0
    csat_answers: int = 0
    csat_satisfied: int = 0
    resolved: int = 0
    unresolved: int = 0
    """Needs that took more than the first contact; those of which that is not known are in neither."""
    broken: int = 0
    """Contacts with a promise that was not kept; the next three say which, and one may count in several."""
    late: int = 0
    soured: int = 0
    gave_up: int = 0
    customers: int = 0
    customers_broken: int = 0
    """With at least one contact whose promise was not kept."""
    leaving: Fraction = Fraction(0)
    """Of these, as many as leave for it."""
    at_risk: Fraction = Fraction(0)
    """Cents."""
    margin: Fraction = Fraction(0)
    """Of all customers, cents."""

    def share(self, part: int, of: int) -> Fraction | None:
        """Percent; None of nothing."""
        return Fraction(100 * part, of) if of else None

    @property
    def cost(self) -> Fraction:
        """Cents."""
        return Fraction(self.cost_units, UNITS)

    @property
    def service_level(self) -> Fraction | None:
        return self.share(self.in_time, self.timed)

    @property
    def abandonment(self) -> Fraction | None:
        return self.share(self.abandoned, self.offered)

    @property
    def satisfied(self) -> Fraction | None:
        return self.share(self.csat_satisfied, self.csat_answers)

    @property
    def first_contact_resolution(self) -> Fraction | None:
        return self.share(self.resolved, self.resolved + self.unresolved)

    @property
    def mean_wait_ms(self) -> Fraction | None:
        return Fraction(self.wait_ms, self.answered) if self.answered else None

    @property
    def cost_per_contact(self) -> Fraction | None:
        return self.cost / self.contacts if self.contacts else None


@dataclass(frozen=True, slots=True)
class Target:
    """What a service is to reach, and whether it did; None: there is nothing to tell by."""

    service: str
    name: str
    at_least: bool
    wanted: Fraction
    found: Fraction | None

    @property
    def met(self) -> bool | None:
        if self.found is None:
            return None
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted


Groups = dict[str, Sums]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A record under one policy."""

    name: str
    policy: Policy
    judge: Policy
    """Whose promises it is held against: its own, or another one's."""
    total: Sums
    services: Groups
    promised: Groups
    """By the judge's services."""
    tiers: Groups
    types: Groups
    channels: Groups
    risks: dict[tuple[str, str], Sums]
    """By tier and service type: customers and value at risk alone."""
    unpriced: tuple[str, ...] = ()
    """Channels of the record for which the policy says no cost."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The judge's, of each of its services that had a contact."""
        found = [_targets(each, self.promised[each.name]) for each in self.judge.services if each.name in self.promised]
        return tuple(target for targets in found for target in targets)


@dataclass(slots=True)
class _Groups:
    """The sums that a contact counts in."""

    total: Sums = field(default_factory=Sums)
    services: defaultdict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    promised: defaultdict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    tiers: defaultdict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    types: defaultdict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    channels: defaultdict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))

    def of(self, service: Service, promised: Service, each: Recorded | Need) -> list[Sums]:
        by_service = self.services[service.name], self.promised[promised.name]
        return [self.total, *by_service, self.tiers[each.tier], self.types[each.type]]


def outcome(record: Record, name: str, policy: Policy, satisfied_from: int, promises: Policy | None = None) -> Outcome:
    """The record under a policy. ``satisfied_from``: an answer of so much (thousandths of the scale) is a satisfied
    one; ``promises``: hold it against those of another policy than its own.
    """
    judge = policy if promises is None else promises
    groups, broken = _Groups(), set[str]()
    services = {each.key: policy.service_of(each.tier, known=each.known) for each in record.contacts}
    taken_at = replayed(record.contacts, {key: service.priority for key, service in services.items()})
    handled = handle_times(record.contacts)
    for each in record.contacts:
        service, how = services[each.key], served(each, taken_at, handled)
        promised = judge.service_of(each.tier, known=each.known)
        kept = _kept(each, how, promised)
        if not all(kept):
            broken.add(each.owner)
        for sums in (*groups.of(service, promised, each), groups.channels[each.channel]):
            _count(sums, each, how, promised)
            _cost(sums, each, how, _agent(policy, service, each.type), policy)
            _promise(sums, kept)
            _answer(sums, each, satisfied_from)
    for need in record.needs:
        service, promised = (by.service_of(need.tier, known=need.known) for by in (policy, judge))
        for sums in groups.of(service, promised, need):
            sums.resolved += need.resolved
            sums.unresolved += not need.resolved
    risks = _risks(record.contacts, (policy, judge), broken, groups)
    unpriced = tuple(sorted(groups.channels.keys() - policy.costs.channels.keys()))
    return Outcome(
        name,
        policy,
        judge,
        groups.total,
        services=dict(groups.services),
        promised=dict(groups.promised),
        tiers=dict(sorted(groups.tiers.items())),
        types=dict(sorted(groups.types.items())),
        channels=dict(sorted(groups.channels.items())),
        risks=risks,
        unpriced=unpriced,
    )


def _count(sums: Sums, each: Recorded, how: Served, promised: Service) -> None:
    sums.contacts += 1
    sums.still_open += how.outcome == "open"
    sums.rescued += how.outcome == ANSWERED and each.outcome != ANSWERED
    if each.offered and each.channel in LIVE_CHANNELS:
        answered, limit = how.outcome == ANSWERED, promised.targets.service_level
        sums.offered += 1
        sums.answered += answered
        sums.wait_ms += how.wait_ms if answered else 0
        sums.abandoned += how.outcome == ABANDONED
        sums.timed += limit is not None
        sums.in_time += limit is not None and answered and how.wait_ms <= limit.within_ms


def _agent(policy: Policy, service: Service, kind: str) -> str:
    """The kind of agent who takes them: that of the type's route, where it says one."""
    return policy.route_of(kind).agent or service.agent


def _cost(sums: Sums, each: Recorded, how: Served, agent: str, policy: Policy) -> None:
    handle_ms = 0 if each.contained else each.handle_ms + how.extra_ms
    of_contact, of_minute = policy.costs.per_contact(each.channel), policy.costs.per_minute(agent)
    sums.handle_ms += handle_ms
    sums.cost_units += round(of_contact * MILLIONTHS) * MINUTE_MS + round(of_minute * MILLIONTHS) * handle_ms


def _kept(each: Recorded, how: Served, promised: Service) -> tuple[bool, bool, bool]:
    """Was it in time, did it go well, and did the customer not give up?"""
    limit, sour = promised.wait_limit_ms, promised.sentiment_limit
    waits = each.offered and each.channel in LIVE_CHANNELS
    in_time = limit is None or not waits or how.wait_ms <= limit
    well = sour is None or each.sentiment_milli is None or each.sentiment_milli >= round(sour * 1000)
    return in_time, well, how.outcome != ABANDONED


def _promise(sums: Sums, kept: tuple[bool, bool, bool]) -> None:
    in_time, well, stayed = kept
    sums.broken += not all(kept)
    sums.late += not in_time
    sums.soured += not well
    sums.gave_up += not stayed


def _answer(sums: Sums, each: Recorded, satisfied_from: int) -> None:
    if each.csat_milli is not None:
        sums.csat_answers += 1
        sums.csat_satisfied += each.csat_milli >= satisfied_from


def _risks(
    contacts: Iterable[Recorded], policies: tuple[Policy, Policy], broken: set[str], groups: _Groups
) -> dict[tuple[str, str], Sums]:
    """Each customer once, as of the latest contact; ``policies``: the one that holds, and its judge."""
    policy, _ = policies
    latest: dict[str, tuple[tuple[int, Key], Recorded]] = {}
    for each in contacts:
        at = (each.started, each.key)
        if each.owner not in latest or at > latest[each.owner][0]:
            latest[each.owner] = at, each
    found: defaultdict[tuple[str, str], Sums] = defaultdict(Sums)
    for owner, (_, each) in latest.items():
        worth = policy.worth_of(each.tier)
        lost, margin = exact(worth.lost) / 100, Fraction(worth.margin)
        service, promised = (by.service_of(each.tier, known=each.known) for by in policies)
        for sums in (*groups.of(service, promised, each), found[each.tier, each.type]):
            sums.customers += 1
            sums.margin += margin
            if owner in broken:
                sums.customers_broken += 1
                sums.leaving += lost
                sums.at_risk += lost * margin
    return dict(sorted(found.items()))


def _targets(service: Service, sums: Sums) -> Iterable[Target]:
    wanted = service.targets
    level = None if wanted.service_level is None else wanted.service_level.share
    for name, goal, found, at_least in (
        ("service_level", level, sums.service_level, True),
        ("abandonment", wanted.abandonment, sums.abandonment, False),
        ("csat", wanted.csat, sums.satisfied, True),
        ("first_contact_resolution", wanted.first_contact_resolution, sums.first_contact_resolution, True),
        ("cost_per_contact", wanted.cost_per_contact, sums.cost_per_contact, False),
    ):
        if goal is not None:
            yield Target(service.name, name, at_least, exact(goal), found)
