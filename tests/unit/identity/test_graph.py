"""Nodes that only tell each other their labels come to what a search over all links finds."""

from collections import defaultdict, deque
from random import Random

import pytest
from msgspec.structs import replace

from streams.base.links import Joined, Label, Link, Said, Shown, Told, Watched, Word, order_of
from streams.identity import graph
from streams.identity.graph import (
    FAR,
    MAX_LINKS,
    MAX_WATCHERS,
    NOBODY,
    SEVERAL,
    Changed,
    Node,
    fold,
    label_of,
    stands_for,
)
from streams.identity.rules import SHIPPED, IdentityRules, Kind
from tests.reference.owners import owners


class Net:
    """Nodes and the records between them: in order from one node to another, else in any."""

    def __init__(self, random: Random, rules: IdentityRules = SHIPPED) -> None:
        self.random, self.rules = random, rules
        self.nodes: dict[str, Node] = {}
        self.told: dict[tuple[str, str], Label] = {}
        self.lanes: dict[tuple[str, str], deque[Link]] = defaultdict(deque)
        self.changes: dict[str, list[str]] = defaultdict(list)
        self.sent = 0

    def send(self, sender: str, record: Link) -> None:
        self.lanes[sender, record.contact if isinstance(record, Told) else record.node].append(record)
        self.sent += 1

    def step(self) -> bool:
        """One record arrives; False: there was none."""
        open_lanes = [lane for lane, records in self.lanes.items() if records]
        if not open_lanes:
            return False
        record = self.lanes[self.random.choice(open_lanes)].popleft()
        if isinstance(record, Told):
            self.told[record.contact, record.identifier] = record.label
            return True
        outcome = fold(self.nodes.get(record.node), record, self.rules)
        assert not outcome.limited
        if outcome.node is None:
            self.nodes.pop(record.node, None)
        else:
            self.nodes[record.node] = outcome.node
        if outcome.changed:
            self.changes[record.node] += [outcome.changed.before, outcome.changed.after]
        for each in outcome.out:
            self.send(record.node, each)
        return True

    def settle(self) -> None:
        for _ in range(100_000):
            if not self.step():
                return
        raise AssertionError("it does not settle")

    def owner(self, name: str) -> str:
        node = self.nodes.get(name)
        return stands_for(name, (node and node.label) or label_of(name, Node()))


def home(one: str, other: str) -> tuple[str, str]:
    weak, strong = sorted((one, other), key=order_of, reverse=True)
    return weak, strong


@pytest.mark.parametrize("block", range(5))
def test_random_histories_equal_a_search(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(block * 100, block * 100 + 100):
        random = Random(seed)
        rules = IdentityRules(
            {kind: Kind(random.choice([2, 3, 8])) for kind in SHIPPED.kinds}, random.choice([1, 2, 3, 3, 4])
        )
        far = random.choice([1, 2, FAR])
        monkeypatch.setattr(graph, "FAR", far)
        net = Net(random, rules)
        customers = [f"customer:{n}" for n in range(random.randint(0, 6))]
        names = customers + [
            f"{kind}:{n}" for kind in ("email", "phone", "device") for n in range(random.randint(1, 10))
        ]
        shown: dict[tuple[str, str], list[tuple[int, str, str]]] = defaultdict(list)
        words: dict[tuple[str, str], tuple[tuple[int, str, str], bool]] = {}
        watched = random.sample(names, 3)
        for name in watched:
            net.send("k", Watched(name, "", "k"))
        for number in range(random.randint(5, 80)):
            pair = home(*random.sample(names, 2))
            if pair[0] in customers and pair[1] in customers:
                continue
            ref = (random.randint(0, 50), f"e{number}", "/s")
            kind = random.random()
            if kind < 0.6:
                shown[pair].append(ref)
                net.send("c", Shown(pair[0], "", pair[1], ref))
            elif kind < 0.8 and shown[pair]:
                gone = shown[pair].pop(random.randrange(len(shown[pair])))
                net.send("c", Shown(pair[0], "", pair[1], gone, on=False))
            else:
                word = ref, random.random() < 0.4
                words[pair] = max(words.get(pair, word), word)
                net.send(f"p{number}", Word(pair[0], "", pair[1], *word))
            while random.random() < 0.7 and net.step():
                pass
        net.settle()
        links = {pair for pair, refs in shown.items() if refs and pair not in words}
        links |= {pair for pair, (_, on) in words.items() if on}
        want = owners(names, links, rules.limits, far, rules.reach)
        assert {name: net.owner(name) for name in names} == want, seed
        assert {name: stands_for(name, net.told["k", name]) for name in watched} == {n: want[n] for n in watched}
        for name, told in net.changes.items():  # they are a chain that ends where the node stands
            assert told[1:-1:2] == told[2::2]
            assert told[-1] == want[name]


def settled(*records: Link, rules: IdentityRules = SHIPPED) -> Net:
    net = Net(Random(1), rules)
    for record in records:
        net.send("test", record)
    net.settle()
    return net


def shown(one: str, other: str, event: str = "e1", time: int = 1) -> Shown:
    node, stronger = home(one, other)
    return Shown(node, "", stronger, (time, event, "/s"))


def test_the_path_names_each_link_and_its_earliest_event() -> None:
    net = settled(
        shown("phone:1", "customer:7", "e2", 2),
        shown("phone:1", "customer:7", "e1", 1),
        shown("email:a", "phone:1", "e3"),
        shown("device:d", "email:a", "e4"),
    )
    node = net.nodes["device:d"]
    assert node.label == Label(
        3,
        ("customer:7",),
        (("email:a", (1, "e4", "/s")), ("phone:1", (1, "e3", "/s")), ("customer:7", (1, "e1", "/s"))),
    )


def test_a_fourth_link_is_too_far() -> None:
    net = settled(
        shown("phone:1", "customer:7"),
        shown("email:a", "phone:1"),
        shown("device:d", "email:a"),
        shown("device:d", "cookie:k"),
    )
    assert net.owner("cookie:k") == "anonymous:cookie:k"  # the others stand for a customer and lend no name


def test_what_two_customers_share_stands_for_nobody_and_passes_nothing_on() -> None:
    net = settled(
        shown("device:tablet", "customer:7"),
        shown("device:tablet", "customer:8"),
        shown("device:tablet", "email:guest"),
    )
    assert net.nodes["device:tablet"].label == Label(1, ("customer:7", "customer:8"), shared=SEVERAL)
    assert net.owner("device:tablet") == NOBODY
    assert net.owner("email:guest") == "anonymous:email:guest"


def test_a_shared_line_with_too_many_numbers() -> None:
    links = [shown("phone:branch", f"email:{n}") for n in range(4)]
    assert settled(*links[:3]).owner("phone:branch") == "anonymous:email:0"
    net = settled(*links)
    label = net.nodes["phone:branch"].label
    assert label == Label(shared="too-many-email")
    assert net.owner("email:3") == "anonymous:email:3"


def test_a_cut_undoes_a_merge_and_a_later_word_undoes_the_cut() -> None:
    evidence = [shown("phone:1", "customer:7"), shown("phone:1", "email:a")]
    cut = Word("phone:1", "", "customer:7", (5, "cut", "/crm"), on=False)
    net = settled(*evidence, cut)
    assert (net.owner("phone:1"), net.owner("email:a")) == ("anonymous:email:a", "anonymous:email:a")
    late = Word("phone:1", "", "customer:7", (4, "link", "/crm"), on=True)
    assert settled(*evidence, cut, late).owner("email:a") == "anonymous:email:a"
    again = Word("phone:1", "", "customer:7", (6, "link", "/crm"), on=True)
    assert settled(*evidence, cut, again).owner("email:a") == "customer:7"


def test_a_watcher_is_told_at_once_and_at_each_change_until_it_looks_away() -> None:
    net = settled(Watched("phone:1", "", "voice|c1"))
    assert net.told["voice|c1", "phone:1"] == Label(name="phone:1")
    for record in (shown("phone:1", "customer:7"), Watched("phone:1", "", "voice|c1", on=False)):
        net.send("test", record)
    net.settle()
    assert net.told["voice|c1", "phone:1"].customers == ("customer:7",)
    net.send("test", shown("phone:1", "customer:8"))
    net.settle()
    assert net.told["voice|c1", "phone:1"].customers == ("customer:7",)


def test_nothing_is_kept_of_an_identifier_without_links_that_nobody_watches() -> None:
    net = settled(Watched("phone:1", "", "voice|c1"), Watched("phone:1", "", "voice|c1", on=False))
    assert net.nodes == {}
    gone = shown("phone:1", "customer:7")
    net = settled(gone, Shown("phone:1", "", "customer:7", gone.ref, on=False))
    assert net.nodes == {}


def test_ten_thousand_links_of_one_identifier_are_refused_beyond_the_limit() -> None:
    node: Node | None = None
    for number in range(MAX_LINKS):
        node = fold(node, shown("phone:1", f"email:{number}")).node
    outcome = fold(node, shown("phone:1", "email:one-more"))
    assert (outcome.limited, outcome.node, outcome.out) == ("links", node, ())
    assert fold(node, shown("phone:1", "email:0", "e2")).limited == ""


def test_contacts_beyond_the_limit_are_told_that_it_is_shared() -> None:
    node: Node | None = None
    for number in range(MAX_WATCHERS):
        node = fold(node, Watched("phone:1", "", f"voice|{number}")).node
    outcome = fold(node, Watched("phone:1", "", "voice|more"))
    assert outcome.limited == "watchers"
    assert outcome.out == (Told("voice|more", "phone:1", Label(shared="too-many-contacts")),)


def test_a_change_is_told_from_whom_to_whom() -> None:
    outcome = fold(None, shown("phone:1", "customer:7"))
    ref = (1, "e1", "/s")
    label = Label(1, ("customer:7",), (("customer:7", ref),))
    assert outcome.changed == Changed("anonymous:phone:1", "customer:7", label, ref)
    assert outcome.out == (Joined("customer:7", "", "phone:1", ref, True),)
    assert fold(outcome.node, shown("phone:1", "customer:7", "e2", 2)).changed is None


def test_a_word_of_a_neighbour_that_was_cut_since_changes_nothing() -> None:
    node = fold(None, shown("phone:1", "email:a")).node
    assert node is not None
    cut = fold(node, Word("phone:1", "", "email:a", (2, "cut", "/crm"), on=False)).node
    assert fold(cut, Said("phone:1", "", "email:a", Label(1, ("customer:7",)), (3, "e3", "/s"))).node == cut


def test_a_name_travels_so_far_and_no_farther() -> None:
    chain = [shown(f"cookie:{n:02}", f"cookie:{n + 1:02}") for n in range(FAR + 2)]
    net = settled(*chain, shown("cookie:00", "email:a"))
    assert net.owner(f"cookie:{FAR - 1:02}") == "anonymous:email:a"
    assert net.owner(f"cookie:{FAR:02}") == f"anonymous:cookie:{FAR}"


# What runs out

DAY = 86_400_000
SHORT = IdentityRules(expires_after_ms=10 * DAY)


def one(*times: int) -> Node:
    node: Node | None = None
    for time in times:
        node = fold(node, shown("phone:1", "customer:7", f"e{time}", time), SHORT).node
    assert node is not None
    return node


def test_a_link_that_nothing_shows_anew_runs_out() -> None:
    node = one(0, 2 * DAY)
    assert graph.due_at(node, SHORT) == 12 * DAY
    assert graph.expire(node, "phone:1", "", 12 * DAY, SHORT) == graph.Outcome(node)
    outcome = graph.expire(node, "phone:1", "", 12 * DAY + 1, SHORT)
    assert outcome.node is None
    assert outcome.out == (Joined("customer:7", "", "phone:1", (0, "e0", "/s"), on=False),)
    assert outcome.changed is not None
    assert (outcome.changed.before, outcome.changed.after) == ("customer:7", "anonymous:phone:1")


def test_what_shows_it_anew_keeps_it_and_what_is_taken_back_does_not() -> None:
    node = one(0, 2 * DAY, 5 * DAY)
    assert graph.due_at(node, SHORT) == 15 * DAY
    taken = fold(node, Shown("phone:1", "", "customer:7", (5 * DAY, f"e{5 * DAY}", "/s"), on=False), SHORT).node
    assert taken is not None
    assert graph.due_at(taken, SHORT) == 12 * DAY
    assert graph.due_at(node, SHIPPED) is None


def test_a_word_of_a_person_does_not_run_out() -> None:
    node = fold(one(0), Word("phone:1", "", "customer:7", (1, "w", "/crm"), on=True), SHORT).node
    assert node is not None
    assert graph.due_at(node, SHORT) is None
    assert graph.expire(node, "phone:1", "", 99 * DAY, SHORT).node == node


def test_a_node_between_two_loses_both_at_once() -> None:
    node = one(0)
    node = fold(node, shown("phone:1", "email:a", "e1", 1), SHORT).node or Node()
    node = replace(node, watchers=("voice|c",))
    outcome = graph.expire(node, "phone:1", "", 11 * DAY, SHORT)
    assert outcome.node is not None
    assert outcome.node.neighbours == []
    assert [each.other for each in outcome.out if isinstance(each, Joined)] == ["phone:1", "phone:1"]
    assert outcome.changed is not None
    assert (outcome.changed.before, outcome.changed.after) == ("customer:7", "anonymous:phone:1")
