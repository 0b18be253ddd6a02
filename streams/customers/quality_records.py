"""What is published of a contact's quality."""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import msgspec

from streams.base.links import is_customer
from streams.base.records import NO_QUEUE, NO_TIER
from streams.base.times import iso
from streams.contacts.contact import Contact
from streams.customers.follow import View
from streams.policies.policy import Policy
from streams.quality.rules import QualityRules
from streams.quality.scoring import Quality, Score, queue_of, took_ms, waited_ms

SURVEYS = ("csat", "nps", "ces")


def said(mark: str, contact: Contact, tier: str, view: View) -> dict[str, Any]:
    """What the record says of the contact."""
    csat, nps, ces = map({m.variant: m.value for m in contact.marks if m.fact == "feedback"}.get, SURVEYS)
    return {
        "quality_id": f"{view.owner}/{mark}",
        "contact_id": contact.id,
        "customer": view.owner,
        "customer_id": view.owner.removeprefix("customer:") if is_customer(view.owner) else None,
        "line": view.line,
        "channel": contact.channel,
        "queue": queue_of(contact) or NO_QUEUE,
        "tier": tier or NO_TIER,
        "service_type": "",
        "revision": 0,
        "agent_group": contact.agent_group,
        "began_at": iso(contact.started),
        "ended_at": iso(contact.ended or contact.last),
        "wait_ms": waited_ms(contact),
        "time_ms": took_ms(contact),
        "transfers": contact.transfers,
        "csat": _answer(csat),
        "nps": _answer(nps),
        "ces": _answer(ces),
    }


def _answer(value: int | None) -> float | None:
    return None if value is None else value / 1000


def behaviours(contact: Contact, rules: QualityRules) -> dict[str, bool]:
    """None of them where no text was read."""
    service = contact.service
    if service is None or not service.read:
        return {}
    seen = {each.name for each in service.seen}
    return {name: name in seen for name in rules.human}


def promised(policy: Policy | None, tier: str, view: View) -> int | None:
    """The longest wait of the tier, ms."""
    return None if policy is None else policy.service_of(tier, known=is_customer(view.owner)).wait_limit_ms


def sides(scored: Quality) -> Mapping[str, Any]:
    return {"business": _side(scored.business), "human": _side(scored.human), "hidden": _side(scored.hidden)}


def digest_of(record: Mapping[str, Any]) -> int:
    """A number for what a record says, but for what hangs on when it was published: revision and type of service."""
    plain = {**record, "service_type": "", "revision": 0} if record["revision"] else record
    return crc32(msgspec.json.encode(plain)) or 1


def _side(score: Score) -> dict[str, Any]:
    evidence = [{"what": what, "weight": weight, "event_ids": list(events)} for what, weight, events in score.evidence]
    return {"score": score.score, "evidence": evidence}
