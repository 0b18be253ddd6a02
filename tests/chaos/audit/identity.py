"""Whom identifiers stand for, recounted from the accepted events, against the rows of the nodes and what was told.

The links are those that docs/identity.md derives from contacts' events, from profiles and from persons' words, the
owners those of a search over all of them at once. Left out are contacts whose identifiers the evidence of leaves out or
takes in parts: such of which two sources say something else, and such as have too many contacts in a day.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from streams.identity.phone_numbers import phone
from tests.chaos.audit.logs import Difference, Logs
from tests.chaos.audit.raw import Input
from tests.reference.owners import NOBODY, owners, strength

Rows = dict[tuple[int, str, str], bytes]
Pair = tuple[str, str]
"""The weaker identifier first."""


def links(accepted: list[Input], region: str | None = None) -> dict[str, set[Pair]]:
    """By line: every two identifiers that the events of one contact name, its last customer included; each customer
    with what profiles list; of both what the last word says.
    """
    found = _of_contacts(accepted, region)
    listed: dict[tuple[str, str, str], tuple[int, str, set[str]]] = {}
    words: dict[tuple[str, Pair], tuple[int, str, str, bool]] = {}
    for each in accepted:
        event, data = each.event, each.data
        if event["type"].startswith("identity."):
            ends = (_plain(data["identifier"], region), _plain(data["other"], region))
            weak, strong = sorted(ends, key=strength, reverse=True)
            said = (each.time, event["id"], event["source"], event["type"] == "identity.linked")
            words[each.line, (weak, strong)] = max(words.get((each.line, (weak, strong)), said), said)
        elif event["type"] == "customer.profile_changed" and "identifiers" in data:
            place = each.line, event["source"], f"customer:{data['customer_id']}"
            named = {f"phone:{phone(one['value'], region)}" for one in data["identifiers"]}
            listed[place] = max(
                listed.get(place, (0, "", set())), (each.time, event["id"], named), key=lambda one: one[:2]
            )
    for (line, _, customer), (_, _, named) in listed.items():
        found[line] |= {(identifier, customer) for identifier in named}
    for (line, pair), (*_, on) in words.items():
        found[line] = found[line] | {pair} if on else found[line] - {pair}
    return found


def _of_contacts(accepted: list[Input], region: str | None) -> dict[str, set[Pair]]:
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


def phones_of(told: list[Input]) -> set[str]:
    """The numbers that events name."""
    return {each["value"] for one in told for each in one.data.get("identifiers", ())}


def ever_of(accepted: list[Input]) -> dict[tuple[str, str], set[str]]:
    """(line, number) → the customers for whom it may have stood at any time: those of contacts that name it, those whose
    profile listed it, those that a person said it is of."""
    named: dict[str, list[Input]] = defaultdict(list)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in accepted:
        data = each.data
        if each.event["type"] == "customer.profile_changed":
            for number in phones_of([each]):
                found[each.line, number].add(f"customer:{data['customer_id']}")
        elif each.event["type"] == "identity.linked" and data["other"].startswith("customer:"):
            found[each.line, data["identifier"].removeprefix("phone:")].add(data["other"])
        elif "contact_id" in data:
            named[data["contact_id"]].append(each)
    for told in named.values():
        customers = {f"customer:{each.data['customer_id']}" for each in told if "customer_id" in each.data}
        for number in phones_of(told):
            found[told[0].line, number] |= customers
    return found


def _plain(name: str, region: str | None) -> str:
    kind, _, value = name.partition(":")
    return f"phone:{phone(value, region)}" if kind == "phone" else name


def check(accepted: list[Input], rows: Rows, logs: Logs) -> Iterator[Difference]:
    """``rows``: (partition, table, key) → newest value of the changelog of `identify`."""
    nodes = {key: json.loads(value) for (_, table, key), value in rows.items() if table == "nodes"}
    told = _told(logs)
    for line, wanted in links(accepted).items():
        own = {name: row for key, row in nodes.items() for name, _, its in [key.partition("\x1f")] if its == line}
        everybody = {name for pair in wanted for name in pair}
        for name, owner in owners(everybody, wanted).items():
            if name.startswith("customer:"):
                continue
            found = _stands_for(own.get(name))
            if found != owner:
                yield Difference("identity", f"{line or 'live'}: {name} stands for {found} instead of {owner}", (name,))
            changes = told.pop((line, name), [])
            at = f"anonymous:{name}"
            for change in changes:
                if change["from"] != at:
                    yield Difference("identity", f"{name} was told to go from {change['from']}, and was {at}", (name,))
                at = change["to"]
            if at != owner:
                yield Difference("identity", f"{name} was last told to stand for {at} instead of {owner}", (name,))
    for (line, name), changes in told.items():  # no link of it holds in the end
        if changes[-1]["to"] != f"anonymous:{name}":
            yield Difference(
                "identity", f"{line or 'live'}: {name} was last told to stand for {changes[-1]['to']}", (name,)
            )


def _told(logs: Logs) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What was told of identifiers alone, in order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for rec in logs.of("identity.changes"):
        if not rec.doc["contact_id"]:
            found[rec.doc["line"], rec.doc["identifier"]].append(rec.doc)
    return found


def _stands_for(row: dict[str, list[object]] | None) -> str:
    if row is None:
        return "nothing, there is no such node"
    _, customers, _, name, _, shared = row["label"]
    if shared:
        return NOBODY
    return str(customers[0]) if isinstance(customers, list) and customers else f"anonymous:{name}"
