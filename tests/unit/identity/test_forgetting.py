"""What one node makes of an erasure, and how the erased are known."""

from dataclasses import dataclass, field

import pytest

from streams.base.links import Forget, Joined, Label, Said, Told
from streams.base.records import Event
from streams.identity.erased import NEVER, Marks, OtherKey, mark
from streams.identity.forgetting import forget, later
from streams.identity.graph import Edge, Node, label_of
from streams.identity.rules import SHIPPED

ANNA, BOB = "customer:anna", "customer:bob"
PHONE, MAIL, TABLET = "phone:+442079460177", "email:anna@example.com", "device:tablet"
T = 1000


def shown(*times: int) -> Edge:
    """A link, as its home keeps it."""
    return Edge(len(times), tuple((time, "e", "/s") for time in sorted(times)[:3]), fresh=tuple(sorted(times)[-3:]))


def node(name: str, watchers: tuple[str, ...] = (), said: dict[str, Label] | None = None, **edges: Edge) -> Node:
    named = {{"anna": ANNA, "bob": BOB, "phone": PHONE, "mail": MAIL}[other]: edge for other, edge in edges.items()}
    found = Node(named, said or {})
    return Node(named, said or {}, label_of(name, found), watchers)


def test_a_customer_tells_all_it_is_linked_with() -> None:
    known = Node({PHONE: Edge(joined=(5, "e", "/s")), MAIL: Edge(joined=(6, "e", "/s"))})
    found = forget(known, Forget(ANNA, "", ANNA, T), SHIPPED)
    assert found is not None and found.node is None
    assert found.out == (Forget(PHONE, "", ANNA, T, ANNA, 1), Forget(MAIL, "", ANNA, T, ANNA, 1))


def test_what_stood_for_the_customer_alone_is_erased_and_tells_its_neighbours_and_contacts() -> None:
    known = node(PHONE, ("voice|c",), anna=shown(5), mail=shown(6))
    found = forget(known, Forget(PHONE, "", ANNA, T, ANNA, 1), SHIPPED)
    assert found is not None and found.erased and found.node is None and found.contacts == ("voice|c",)
    assert found.out == (Forget(MAIL, "", ANNA, T, PHONE, 2),)


def test_what_is_shared_loses_the_link_and_stands_for_the_other() -> None:
    known = node(TABLET, ("chat|c",), anna=shown(5), bob=shown(6))
    found = forget(known, Forget(TABLET, "", ANNA, T, ANNA, 1), SHIPPED)
    assert found is not None and found.node is not None and not found.erased
    assert found.node.edges.keys() == {BOB}
    assert found.changed is not None and found.changed.after == BOB
    assert [type(each) for each in found.out] == [Told]


def test_what_is_another_customers_stays_and_what_is_nobodys_goes_when_it_is_near() -> None:
    assert forget(node(TABLET, bob=shown(5)), Forget(TABLET, "", ANNA, T), SHIPPED) is None
    near = node(TABLET, mail=shown(5))
    assert forget(near, Forget(TABLET, "", ANNA, T, MAIL, SHIPPED.reach), SHIPPED).erased  # type: ignore[union-attr]
    far = forget(near, Forget(TABLET, "", ANNA, T, MAIL, SHIPPED.reach + 1), SHIPPED)
    assert far is not None and not far.erased and far.node is None, "no link and no contact is left of it"


def test_what_was_shown_later_is_of_somebody_else_and_is_told_anew() -> None:
    known = node(PHONE, ("voice|c",), {MAIL: Label(name=MAIL)}, anna=shown(5, T + 1), mail=shown(6, T + 2))
    found = forget(known, Forget(PHONE, "", ANNA, T, ANNA, 1), SHIPPED)
    assert found is not None and found.erased and found.node is not None
    assert {other: edge.fresh for other, edge in found.node.edges.items()} == {ANNA: (T + 1,), MAIL: (T + 2,)}
    assert found.node.said == {} and found.node.watchers == ()
    assert [type(each) for each in found.out] == [Forget, Joined, Joined, Said]


@pytest.mark.parametrize(
    ("edge", "left"),
    [
        (shown(5, 6), Edge()),
        (shown(5, T + 1), shown(T + 1)),
        (shown(T + 1, T + 2), shown(T + 1, T + 2)),
        (shown(*range(T + 1, T + 9)), shown(*range(T + 1, T + 9))),
        (shown(5, 6, 7, T + 1), Edge(1, ((T + 1, "", ""),), fresh=(T + 1,))),
        (Edge(word=((5, "w", "/s"), False)), Edge()),
        (Edge(word=((T + 1, "w", "/s"), True)), Edge(word=((T + 1, "w", "/s"), True))),
        (Edge(joined=(T, "e", "/s")), Edge()),
    ],
)
def test_a_link_without_what_showed_it_until_then(edge: Edge, left: Edge) -> None:
    assert later(edge, T) == left
    assert later(later(edge, T), T) == left


def test_a_second_word_changes_nothing() -> None:
    assert forget(None, Forget(PHONE, "", ANNA, T, ANNA, 1), SHIPPED) is None
    assert forget(node(PHONE, mail=shown(5)), Forget(PHONE, "", ANNA, T, ANNA, 1), SHIPPED) is None
    after = node(PHONE, anna=shown(T + 1), bob=shown(T + 2))
    assert forget(after, Forget(PHONE, "", ANNA, T, ANNA, 1), SHIPPED) is None


@dataclass
class Erased:
    """Marks over a table of their own."""

    marks: Marks = field(default_factory=lambda: Marks({}, b"a key that is long enough"))

    def add(self, *names: str, line: str = "", until: int = T) -> "Erased":
        self.marks.add([self.marks.of(name, line) for name in names], until)
        return self


def event(at: int, *identifiers: str, customer: str | None = None, line: str = "") -> Event:
    named = tuple((each.partition(":")[0], each.partition(":")[2]) for each in identifiers)
    return Event("e", "/s", "contact.queued", at, "c", "voice", line, customer=customer, identifiers=named)


def test_what_names_the_erased_and_is_not_later_is_left_out() -> None:
    marks = Erased().add(ANNA, PHONE).marks
    for one in (event(T, customer="anna"), event(T, PHONE), event(5, MAIL, PHONE), event(5, PHONE, line="week")):
        assert marks.left(one, "voice|c") == (None, T)
    for other in (event(T + 1, PHONE, customer="anna"), event(T, MAIL), event(T, customer="bob")):
        assert marks.left(other, "voice|c") == (other, NEVER)


def test_anothers_event_is_taken_without_the_identifier() -> None:
    marks = Erased().add(PHONE).marks
    left, _ = marks.left(event(5, PHONE, MAIL, customer="bob"), "voice|c")
    assert left == event(5, MAIL, customer="bob")


def test_a_contact_is_known_where_its_event_names_no_customer() -> None:
    marks = Erased().add("voice|c").marks
    assert marks.left(event(5), "voice|c") == (None, T)
    assert marks.left(event(5, customer="bob"), "voice|c")[0] is not None


def test_a_line_of_its_own_and_the_latest_erasure() -> None:
    marks = Erased().add(ANNA, line="week").marks
    assert marks.covers(ANNA, "week", T) and not marks.covers(ANNA, "", T) and not marks.covers(ANNA, "other", T)
    marks.add([marks.of(ANNA, "week")], T - 1)
    assert marks.until(ANNA, "week") == T
    marks.add([marks.of(ANNA)], T + 5)
    assert (marks.until(ANNA, "week"), marks.latest) == (T + 5, T + 5)


def test_a_hash_names_nobody_and_hangs_on_the_key() -> None:
    one, other = mark(b"one key", ANNA), mark(b"another key", ANNA)
    assert one != other and len(one) == 32 and "anna" not in one
    rows: dict[str, int] = {}
    Marks(rows, b"one key").add([one], T)
    assert Marks(rows, b"one key").until(ANNA, "") == T
    assert Marks({one: T, "": T}, b"one key").until(ANNA, "") == T, "a row of before says nothing of its key"
    for key in (None, b"another key"):
        with pytest.raises(OtherKey, match="CONTACT_STREAMS_ERASURE_KEY"):
            Marks(rows, key)
    assert Marks({}, None).latest == NEVER
    with pytest.raises(ValueError, match="erasure key"):
        Marks({}, None).of(ANNA)
