"""Who hands a group of contacts over, and to whom, as its identifiers say other things."""

from random import Random

import pytest

from streams.base.links import Label, Rests
from streams.identity import groups
from streams.identity.groups import MAX_HOLDERS, Group, Move
from streams.identity.rules import SHIPPED

NAME = groups.name_of({"phone:1": Label()})
ITSELF = f"contact:{NAME}"
SEVEN, EIGHT = Label(1, ("customer:7",)), Label(1, ("customer:8",))
SHARED = Label(1, ("customer:7", "customer:8"), shared="several-customers")
FREE = Label(name="phone:1")


def rests(owner: str, *names: str) -> Rests:
    return Rests(NAME, "", names or ("phone:1",), owner)


def test_a_group_is_named_by_its_identifiers_alone() -> None:
    one = groups.name_of({"phone:1": SEVEN, "email:a": FREE})
    assert one == groups.name_of({"email:a": Label(), "phone:1": Label()})
    assert one.startswith("group:")
    assert len(one) == len("group:") + 16
    assert groups.name_of({}) == ""


def test_it_watches_its_identifiers_once() -> None:
    first = groups.rests(None, rests("anonymous:phone:1"), SHIPPED)
    assert (first.watch, first.moves) == (("phone:1",), ())
    second = groups.rests(first.group, rests("anonymous:phone:1"), SHIPPED)
    assert (second.watch, second.moves, second.group) == ((), (), first.group)


def test_nothing_moves_before_every_identifier_has_answered() -> None:
    both = rests("anonymous:email:a", "email:a", "phone:1")
    group = groups.rests(None, both, SHIPPED).group
    outcome = groups.heard(group, NAME, "phone:1", SEVEN, SHIPPED)
    assert outcome.moves == ()
    outcome = groups.heard(outcome.group, NAME, "email:a", Label(name="email:a"), SHIPPED)
    assert outcome.moves == (Move("anonymous:email:a", "customer:7"),)
    assert outcome.group.holders == ("customer:7",)


def test_who_has_something_of_a_shared_one_keeps_its_own_contact_and_a_customer_does_not() -> None:
    group = Group(("phone:1",), {"phone:1": SEVEN}, ("customer:7",))
    outcome = groups.heard(group, NAME, "phone:1", SHARED, SHIPPED)
    assert outcome.moves == (Move("customer:7", ITSELF),)
    group = groups.rests(outcome.group, rests("contact:voice:a"), SHIPPED).group
    assert set(group.holders) == {ITSELF, "contact:voice:a"}
    outcome = groups.heard(group, NAME, "phone:1", EIGHT, SHIPPED)
    assert set(outcome.moves) == {Move(ITSELF, "customer:8"), Move("contact:voice:a", "customer:8")}
    assert outcome.group.holders == ("customer:8",)


def test_an_owner_who_has_it_by_an_answer_of_before_hands_over_at_once() -> None:
    group = Group(("phone:1",), {"phone:1": SEVEN}, ("customer:7",))
    outcome = groups.rests(group, rests("anonymous:phone:1"), SHIPPED)
    assert outcome.moves == (Move("anonymous:phone:1", "customer:7"),)
    assert outcome.group.holders == ("customer:7",)


def test_of_too_many_holders_the_last_keep_what_they_have() -> None:
    group = Group(("phone:1",), {"phone:1": SHARED}, tuple(f"contact:voice:{n}" for n in range(MAX_HOLDERS)))
    outcome = groups.rests(group, rests("contact:voice:more"), SHIPPED)
    assert outcome.limited
    assert outcome.group is group


@pytest.mark.parametrize("seed", range(200))
def test_what_is_handed_from_one_to_the_next_is_in_the_end_where_the_identifiers_say(seed: int) -> None:
    """Followed contact by contact."""
    random = Random(seed)
    group: Group | None = None
    label, has = FREE, dict[str, str]()
    for number in range(random.randint(1, 30)):
        moves: tuple[Move, ...] = ()
        if group is None or random.random() < 0.4:
            contact = f"contact:voice:{number}"
            owner = random.choice([contact, "anonymous:phone:1", "customer:7", "customer:8"])
            has[contact] = owner
            outcome = groups.rests(group, rests(owner), SHIPPED)
            moves = outcome.moves
            if group is None:
                outcome = groups.heard(outcome.group, NAME, "phone:1", label, SHIPPED)
                moves += outcome.moves
        else:
            label = random.choice([SEVEN, EIGHT, SHARED, FREE])
            outcome = groups.heard(group, NAME, "phone:1", label, SHIPPED)
            moves = outcome.moves
        group = outcome.group
        for holder, to in moves:
            has = {contact: to if owner == holder else owner for contact, owner in has.items()}
        assert set(has.values()) <= set(group.holders)
        if label == SHARED:
            assert all(owner.startswith("contact:") for owner in has.values())
        else:
            wanted = label.customers[0] if label.customers else "anonymous:phone:1"
            assert set(has.values()) == {wanted}
