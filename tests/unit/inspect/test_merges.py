"""The report of merges: which changes are one, which are shown, and that it reads what `identify` writes."""

import io
import json
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import orjson
import pytest

from schemas import registry
from schemas.outputs import IdentityChange
from streams.base.records import Event
from streams.base.times import iso
from streams.cli.merges import FIRST, LAST
from streams.identity.assignment import assign
from streams.identity.owners import ContactOwner
from streams.inspect.merges import RULES, Format, Query, collect, make_query, show
from streams.inspect.readings import QueryError
from streams.local.text import Terminal

UTC = ZoneInfo("UTC")
DAY = 1_772_409_600_000  # 2026-03-02


def changes() -> list[bytes]:
    """Three calls of one phone whose customer becomes known, a chat that two systems name differently."""
    found: list[bytes] = []
    told = [
        Event("1", "/pbx", "contact.queued", DAY + n, f"c{n}", "voice", identifiers=(("phone", "+49"),))
        for n in range(3)
    ]
    told += [Event("2", "/pbx", "contact.ended", DAY + 10 + n, f"c{n}", "voice", customer="7") for n in range(3)]
    told += [
        Event("1", "/chat", "message.sent", DAY + 1000, "c1", "chat", line="r", customer="1"),
        Event("9", "/crm", "message.sent", DAY + 2000, "c1", "chat", line="r", customer="2"),
    ]
    states: dict[tuple[str, str], ContactOwner] = {}
    for event in told:
        key = (event.channel, event.contact)
        states[key], outputs = assign(states.get(key), event)
        for change in outputs:
            if isinstance(change, dict):
                record = {**change, "at": iso(change["at"])}
                IdentityChange.model_validate(record)
                found.append(orjson.dumps(record))
    return found


async def topic() -> AsyncIterator[bytes]:
    for value in changes():
        yield value


async def told(query: Query, how: Format = "json") -> str:
    out = io.StringIO()
    show(await collect(topic(), query), query, how, Terminal(file=out, width=240))
    return out.getvalue()


def query(first: str = FIRST, last: str = LAST, line: str = "all", rule: str | None = None) -> Query:
    return make_query(first, last, line, rule, UTC)


async def test_contacts_that_went_the_same_way_are_one_merge() -> None:
    most, refused = json.loads(await told(query()))["merges"]
    assert {name: most[name] for name in ("rule", "identifier", "from", "to", "contacts", "first", "last")} == {
        "rule": "customer-id",
        "identifier": "customer:7",
        "from": "anonymous:phone:+49",
        "to": "customer:7",
        "contacts": 3,
        "first": "2026-03-02T00:00:00.010Z",
        "last": "2026-03-02T00:00:00.012Z",
    }
    assert [each["contact_id"] for each in most["changes"]] == ["c0", "c1", "c2"]
    assert most["changes"][0]["evidence"] == {"event_id": "2", "source": "/pbx"}
    assert (refused["rule"], refused["from"], refused["to"], refused["line"]) == (
        "other-source",
        "customer:1",
        "customer:1",
        "r",
    )
    assert refused["changes"][0]["channel"] == "chat"


async def test_the_table() -> None:
    rows = [line for line in (await told(query(), "table")).splitlines() if "customer" in line]
    cells = [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]
    assert cells == [
        [
            "3",
            "customer-id",
            "customer:7",
            "anonymous:phone:+49",
            "customer:7",
            "2026-03-02T00:00:00.010Z",
            "2026-03-02T00:00:00.012Z",
            "/pbx 2",
            "live",
        ],
        [
            "1",
            "other-source",
            "customer:2",
            "customer:1",
            "stays",
            "2026-03-02T00:00:02.000Z",
            "2026-03-02T00:00:02.000Z",
            "/crm 9",
            "r",
        ],
    ]


@pytest.mark.parametrize(
    ("asked", "contacts"),
    [
        (query(), [3, 1]),
        (query(line="live"), [3]),
        (query(line="r"), [1]),
        (query(rule="other-source"), [1]),
        (query("2026-03-02T00:00:00.011", "2026-03-02T00:00:01"), [2]),
        (query("2026-03-03", "2026-03-04"), []),
    ],
)
async def test_what_is_asked_for(asked: Query, contacts: list[int]) -> None:
    assert [each["contacts"] for each in json.loads(await told(asked))["merges"]] == contacts


async def test_nothing_is_said_in_a_sentence() -> None:
    assert (await told(query(line="no-such"), "table")).startswith("no contact changed its owner")


def test_a_rule_that_does_not_exist_is_named() -> None:
    with pytest.raises(
        QueryError, match="--rule merge: there is no such rule; there are customer-id, linked, strongest"
    ):
        query(rule="merge")


async def test_the_examples_of_the_contract_and_records_of_before_are_read() -> None:
    examples = [example.value for example in registry.topics()["identity.changes"].examples]
    old = {name: value for name, value in examples[0].items() if name not in ("channel", "since")}
    assert {example["rule"] for example in examples} <= set(RULES)

    async def values() -> AsyncIterator[bytes]:
        for each in (*examples, old):
            yield orjson.dumps(each)

    assert sum(merge.contacts for merge in await collect(values(), query())) == 4
