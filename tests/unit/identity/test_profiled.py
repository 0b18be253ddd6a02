"""What profiles list is evidence: of each source its latest list, all of it."""

from collections import Counter
from random import Random

import pytest

from streams.base.records import Profile
from streams.identity import profiled
from streams.identity.profiled import MAX_LISTED, MAX_SOURCES, Profiled
from streams.identity.rules import SHIPPED


def profile(ident: str, time: int, *phones: str, source: str = "/crm") -> Profile:
    return Profile(ident, source, "7", time, identifiers=tuple(("phone", phone) for phone in phones))


@pytest.mark.parametrize("seed", range(100))
def test_in_any_order_and_repeated_what_is_shown_in_the_end_is_what_the_latest_lists_say(seed: int) -> None:
    random = Random(seed)
    told = [
        profile(f"e{number}", random.randrange(20), *random.sample("12345", random.randrange(4)), source=source)
        for number, source in enumerate(random.choices(["/a", "/b", "/c"], k=random.randint(1, 12)))
    ]
    told += random.sample(told, random.randrange(len(told)))
    random.shuffle(told)
    row, shown = Profiled(), Counter[tuple[str, str]]()
    for each in told:
        heard = profiled.heard(row, each, SHIPPED.ranks)
        row = heard.row
        for one in heard.shown:
            assert one.node == f"phone:{one.node[-1]}"
            shown[one.node, one.other] += 1 if one.on else -1
    latest = {source: max((each for each in told if each.source == source), key=lambda each: (each.time, each.id))
              for source in {each.source for each in told}}  # fmt: skip
    wanted = {f"phone:{phone}" for each in latest.values() for _, phone in each.identifiers or ()}
    assert {node for (node, _), count in shown.items() if count} == wanted
    assert all(count in (0, 1) for count in shown.values())


def test_a_profile_that_lists_nothing_changes_nothing_and_an_empty_list_takes_all_back() -> None:
    row = profiled.heard(Profiled(), profile("e1", 1, "1"), SHIPPED.ranks).row
    silent = Profile("e2", "/crm", "7", 2, tier="gold")
    assert profiled.heard(row, silent, SHIPPED.ranks).row is row
    heard = profiled.heard(row, profile("e3", 3), SHIPPED.ranks)
    assert [(one.node, one.on) for one in heard.shown] == [("phone:1", False)]


def test_bounds() -> None:
    row = Profiled()
    for number in range(MAX_SOURCES):
        row = profiled.heard(row, profile("e", 1, "1", source=f"/{number}"), SHIPPED.ranks).row
    heard = profiled.heard(row, profile("e", 1, "2", source="/more"), SHIPPED.ranks)
    assert (heard.row, heard.shown, heard.limited) == (row, (), "profiles")
    many = profiled.heard(Profiled(), profile("e", 1, *(f"{n:03}" for n in range(MAX_LISTED + 5))), SHIPPED.ranks)
    assert len(many.shown) == MAX_LISTED
    assert many.limited == "identifiers"
