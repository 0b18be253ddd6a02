"""The domain, fed with the simulator's events, says what the simulator's own truth says: exactly, in every figure."""

from collections import Counter

import pytest
from msgspec.structs import replace

from streams.demo.check import compare
from streams.demo.simulator import Emission, Settings, Simulation
from streams.demo.state import BoardState
from streams.domain import customers, queues, windows
from streams.domain.customers import Customer, Outcome
from streams.domain.kpi_tables import Tables
from streams.domain.records import Event, Profile
from tests.unit.demo.recount import RULES

LINE = "demo-7-x"
START = 1_772_445_600_000
STEP_MS = 6000
APART = {"contact_id", "channel", "queue", "customer_id", "tier", "agent_id", "identifiers"}


class Domain:
    """The folds of track and measure without agents, topics or batches; also the clock of its one line."""

    def __init__(self) -> None:
        self.now: int | None = None
        self.customers: dict[str, Customer] = {}
        self.tables = Tables()
        self.state = BoardState(LINE)
        self.illegal = 0
        self.fates: Counter[str] = Counter()

    def stream_time(self, line: str) -> int | None:
        return self.now

    def ended(self, line: str) -> bool:
        return False

    def take(self, owner: str, record: Event | Profile) -> None:
        self._keep(owner, customers.fold(self.customers.get(owner), record, self, RULES))

    def advance(self, now: int, ended: bool = False) -> None:
        self.now = now
        for owner, customer in list(self.customers.items()):
            self._keep(owner, customers.advance(customer, self, RULES))
        for reading in windows.advance(self.tables, LINE, now, ended, RULES.kpis):
            self.state.apply("kpis", reading)
        for queue in queues.queue_states(self.tables, LINE):
            self.state.apply("queue.state", queue)

    def _keep(self, owner: str, outcome: Outcome) -> None:
        if outcome.customer is None:
            self.customers.pop(owner, None)
        else:
            self.customers[owner] = outcome.customer
        for fact in outcome.facts:
            self.fates[windows.fold(self.tables, fact, RULES.kpis)] += 1
        for alert in outcome.alerts:
            self.state.apply("alerts", alert)
        for journey in outcome.journeys:
            self.state.apply("journeys", journey)
        self.illegal += len(outcome.illegal)


def records(emissions: list[Emission]) -> list[tuple[str, Event | Profile]]:
    """(owner, record) of each event as ingest and identify would hand it on: duplicates dropped, messages scored."""
    events = {emission.event["id"]: emission for emission in emissions if emission.event is not None}
    owners: dict[str, str] = {}
    for emission in events.values():
        data = (emission.event or {})["data"]
        if "customer_id" in data and "contact_id" in data:
            owners[data["contact_id"]] = f"customer:{data['customer_id']}"
    found: list[tuple[str, Event | Profile]] = []
    for emission in events.values():
        event = emission.event or {}
        data, head = event["data"], (event["id"], event["source"])
        if event["type"] == "customer.profile_changed":
            profile = Profile(*head, data["customer_id"], emission.time, LINE, data["tier"])
            found.append((f"customer:{profile.customer}", profile))
        elif "contact_id" in data:
            contact = data["contact_id"]
            owner = owners.get(contact, f"contact:{data['channel']}:{contact}")
            rest = {name: value for name, value in data.items() if name not in APART}
            if rest.get("author") == "customer":
                rest.setdefault("sentiment", 0.0)
            read = Event(*head, event["type"], emission.time, contact, data["channel"], LINE, owner, data=rest)
            queue, customer, tier, agent = (data.get(name) for name in ("queue", "customer_id", "tier", "agent_id"))
            found.append((owner, replace(read, queue=queue, customer=customer, tier=tier, agent=agent)))
    return found


@pytest.mark.parametrize(("seed", "minutes"), [(7, 12), (1, 6)])
def test_the_domain_agrees_with_the_truth(seed: int, minutes: int) -> None:
    simulation, domain = Simulation(Settings(LINE, START, RULES, seed=seed)), Domain()
    emissions = list(simulation.emissions(minutes * 60_000))
    said = START
    for owner, record in records(emissions):
        if record.time >= said + STEP_MS:
            domain.advance(record.time - 1)
            said = record.time
        domain.take(owner, record)
    end = simulation.end_ms or 0
    domain.advance(end)
    domain.advance(end, ended=True)
    checks = compare(simulation.truth, domain.state)
    assert [check for check in checks if not check.right and not check.name.startswith("dead letters")] == []
    assert domain.illegal == 0
    assert domain.fates["too_late"] == domain.fates["amends_day"] == 0
    assert domain.state.final()


def test_the_board_shows_while_it_runs_what_the_day_says_at_the_end() -> None:
    simulation, domain = Simulation(Settings(LINE, START, RULES)), Domain()
    for owner, record in records(list(simulation.emissions(600_000))):
        if domain.now is None or record.time >= domain.now + STEP_MS:
            domain.advance(record.time - 1)
        domain.take(owner, record)
    domain.advance(START + 600_000)
    live = {pair: domain.state.so_far("contacts_offered", "all", pair) for pair in domain.state.pairs()}
    waiting = {pair: queue.depth for pair, queue in domain.state.queues.items() if queue.depth}
    domain.advance(START + 600_000, ended=True)
    for pair, counts in simulation.truth.counts.items():
        assert live[pair].numerator == domain.state.of_days("contacts_offered", "all", pair).numerator == counts.offered
        assert waiting.get(pair, 0) == counts.legs_waiting
