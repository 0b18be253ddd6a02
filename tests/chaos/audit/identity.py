"""Whom identifiers stand for, recounted from the accepted events, against the rows of the nodes.

The links are those that docs/identity.md derives from a contact's events, the owners those of a search over all of them
at once. Left out are contacts whose identifiers the evidence of leaves out or takes in parts: such of which two sources
say something else, and such as have too many contacts in a day.
"""

import json
from collections import defaultdict
from collections.abc import Iterator

from streams.identity.phone_numbers import phone
from tests.chaos.audit.logs import Difference
from tests.chaos.audit.raw import Input
from tests.reference.owners import NOBODY, owners, strength

Rows = dict[tuple[int, str, str], bytes]
Pair = tuple[str, str]
"""The weaker identifier first."""


def links(accepted: list[Input], region: str | None = None) -> dict[str, set[Pair]]:
    """By line: every two identifiers that the events of one contact name, its last customer included."""
    named: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    customers: dict[tuple[str, str, str], tuple[int, str]] = {}
    for each in accepted:
        if "contact_id" not in each.data:
            continue
        contact = each.line, each.data["channel"], each.data["contact_id"]
        named[contact] |= {f"phone:{phone(one['value'], region)}" for one in each.data.get("identifiers", ())}
        if "customer_id" in each.data:
            customers[contact] = max(
                customers.get(contact, (each.time, "")), (each.time, f"customer:{each.data['customer_id']}")
            )
    found: dict[str, set[Pair]] = defaultdict(set)
    for contact, identifiers in named.items():
        who = sorted([*identifiers, *([customers[contact][1]] if contact in customers else [])], key=strength)
        found[contact[0]] |= {(weak, strong) for place, strong in enumerate(who) for weak in who[place + 1 :]}
    return found


def check(accepted: list[Input], rows: Rows) -> Iterator[Difference]:
    """``rows``: (partition, table, key) → newest value of the changelog of `identify`."""
    nodes = {key: json.loads(value) for (_, table, key), value in rows.items() if table == "nodes"}
    for line, wanted in links(accepted).items():
        own = {name: row for key, row in nodes.items() for name, _, its in [key.partition("\x1f")] if its == line}
        everybody = {name for pair in wanted for name in pair}
        for name, owner in owners(everybody, wanted).items():
            if name.startswith("customer:"):
                continue
            found = _stands_for(own.get(name))
            if found != owner:
                yield Difference("identity", f"{line or 'live'}: {name} stands for {found} instead of {owner}", (name,))


def _stands_for(row: dict[str, list[object]] | None) -> str:
    if row is None:
        return "nothing, there is no such node"
    _, customers, _, name, _, shared = row["label"]
    if shared:
        return NOBODY
    return str(customers[0]) if isinstance(customers, list) and customers else f"anonymous:{name}"
