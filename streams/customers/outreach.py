"""Proactive contact: what happened calls for a word of ours, and rules decide whether it goes out.

What a rule waits for makes a *pending* outreach, named by rule, customer and trigger. It is decided once, when stream
time has passed the trigger's time by the rule's delay. That is at least the lateness, so whatever was told late is
known by then, and what is decided is a function of the records and not of the order in which they came. It is asked, in
this order: is it over, is there no consent, is it expired, are these quiet hours (then it waits for their end and is
decided again), does a campaign run, are there too many. Else it is sent. A refusal ends a pending one at once; that is
told when the lateness has passed, since it is held either way.

Of what happens in the lateness before a decision that counts which has arrived: nobody waits another hour for a
customer who may have answered.
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import alert_id
from streams.base.records import NO_TIER, CustomerEvent, Profile
from streams.base.times import iso, to_ms
from streams.contacts import surveys
from streams.contacts.acts import is_his
from streams.contacts.rules import ContactRules
from streams.contacts.steps import Step
from streams.customers import wishes
from streams.customers.follow import After, Change, Ease, Follower, Leaving, Out, View
from streams.customers.outreach_rules import OutreachRule, OutreachRules
from streams.customers.pending import (
    Kept,
    Names,
    Past,
    Pending,
    ended,
    is_put_off,
    names_of,
    once,
    over_at,
    promised,
    told_before,
    with_decided,
)
from streams.customers.tiers import tier_at
from streams.customers.wishes import LANGUAGE, Words

TOPIC, QUIET_TOPIC = "outreach", "customer.quiet"
SEND, HELD = "send", "held"
OVER, NO_CONSENT, EXPIRED, QUIET_HOURS, CAMPAIGN, CAP = (
    "over", "no-consent", "expired", "quiet-hours", "campaign", "cap",
)  # fmt: skip
HELD_BY = (OVER, NO_CONSENT, EXPIRED, QUIET_HOURS, CAMPAIGN, CAP)
"""Why something was held back, in the order in which it is asked."""
OF_CONTACTS = {"search.failed": "search-failed", "feedback.given": "bad-survey", "case.solved": "case-solved"}
OF_CUSTOMERS = {"order.placed": "purchase", "order.delivered": "delivery"}
MAX_PENDING = 32
MAX_KEPT = 16
"""Promises that were kept before it was told that they were made, or were made of late."""


class Campaign(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What goes on with the customer, from and to (ms)."""

    rule: str
    since: int
    until: int


class KnownOutreach(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer to whom we speak."""

    words: Words = ()
    pending: tuple[Pending, ...] = ()
    sent: tuple[int, ...] = ()
    """When, the latest as far as caps count them."""
    campaign: Campaign | None = None
    decided: tuple[str, ...] = ()
    """Names of outreaches after contacts, in rows of before."""
    kept: Kept = ()
    past: Past = ()
    """What was decided."""


class Outreach(Follower[KnownOutreach]):
    """State: what the customer wishes, what is pending, what went out."""

    name = "outreach"
    empty = KnownOutreach()

    def __init__(self, rules: OutreachRules, contacts: ContactRules) -> None:
        self.rules, self.contacts, self.lateness_ms = rules, contacts, contacts.lateness_ms
        self.by_name = {rule.name: (place, rule) for place, rule in enumerate(rules.rules)}
        self.after: dict[str, list[OutreachRule]] = {}
        for rule in rules.rules:
            self.after.setdefault(rule.after, []).append(rule)
        self.most = max((cap.most for cap in rules.caps), default=0)

    # What calls for one

    def changed(self, state: KnownOutreach, change: Change, view: View) -> After[KnownOutreach] | None:
        step, key = change.step, change.key
        if step is None or key is None or (trigger := OF_CONTACTS.get(step.type)) is None:
            return None
        if trigger not in self.after or (trigger == "bad-survey" and not self._is_bad(step)):
            return None
        name = f"{key}|{step.source}|{step.id}"
        return self._called(state, trigger, Pending("", name, step.time, step.time, 0, 0, key), view, (name,))

    def told(self, state: KnownOutreach, record: Profile | CustomerEvent, view: View) -> After[KnownOutreach] | None:
        if isinstance(record, Profile):
            words = wishes.with_words(state.words, wishes.said_by(record), view.now)
            return None if words is state.words else After(replace(state, words=words))
        if record.type == "promise.kept":
            return After(self._kept(state, record))
        if record.type == "promise.made":
            trigger, time, about = "promise-due", record.due or record.time, record.what
        else:
            trigger, time, about = OF_CUSTOMERS[record.type], record.time, record.about
        begun = Pending("", record.about, record.time, time, 0, 0, about=about)
        return self._called(state, trigger, begun, view, names_of(record))

    def heard(self, state: KnownOutreach, out: Out, view: View) -> KnownOutreach:
        """A customer fell silent, or no longer is."""
        told = out.value
        if told is None or out.topic != QUIET_TOPIC or "quiet" not in self.after:
            return state
        name = told["quiet_id"]
        if told["status"] != "quiet":
            rules = [rule.name for rule in self.after["quiet"]]
            pending = over_at(state.pending, (name,), rules, to_ms(told["ended_at"] or 0))
            return state if pending == state.pending else replace(state, pending=pending)
        if told["revision"] > 1:
            return state  # it is known
        at = to_ms(told["quiet_at"])
        asked = [rule for rule in self.after["quiet"] if not rule.silence or told["verdict"] in rule.silence]
        begun = Pending("", name, at, at, 0, 0, about=told["reason"])
        by_its_own_time = replace(view, now=None)  # however far time has gone
        return self._with(state, begun, asked, by_its_own_time, (name,))[0]

    def left(self, state: KnownOutreach, leaving: Leaving, view: View) -> After[KnownOutreach] | None:
        goes = [each for each in state.pending if each.key == leaving.key and each.said >= leaving.left.since]
        if not goes:
            return None
        at, out = leaving.left.time, list[Out]()
        state = replace(state, pending=tuple(each for each in state.pending if each not in goes))
        for each in goes:
            if each.revision:
                state = self._noted(state, each, at, each.revision + 1)
                out.append(self._record(each, OVER, at, state.words, view))
        return After(state, tuple(out))

    def _is_bad(self, step: Step) -> bool:
        return surveys.is_low(step.detail, surveys.answer(step, self.contacts), self.contacts)

    def _called(
        self, state: KnownOutreach, trigger: str, begun: Pending, view: View, names: Names
    ) -> After[KnownOutreach] | None:
        rules = self.after.get(trigger)
        if not rules:
            return None
        after, out = self._with(state, begun, rules, view, names)
        return None if after is state and not out else After(after, tuple(out))

    def _with(
        self, state: KnownOutreach, begun: Pending, rules: Iterable[OutreachRule], view: View, names: Names
    ) -> tuple[KnownOutreach, list[Out]]:
        """One more pending outreach for each rule, unless it is known. What should have been decided before its trigger
        came is expired where that lies in a contact, which may have been another customer's; else it is decided now.
        """
        before, out = state, list[Out]()
        for rule in rules:
            due = max(begun.time, begun.said) + rule.delay_ms
            at = due if view.now is None else max(due, view.now)
            new = replace(begun, rule=rule.name, due=due, at=at)
            if new.key and self._id(new, view) in state.decided:
                continue
            if rule.after == "promise-due":
                pending, past, each = promised(state.pending, state.past, new, names, state.kept)
                state = replace(state, past=past)
            else:
                pending, each = once(state.pending, state.past, new, names)
            late = bool(new.key) and at > due
            if each is not None and (late or len(pending) >= MAX_PENDING):
                each = replace(each, revision=told_before(state.past, each))
                state = self._noted(state, each, at, each.revision + 1)
                out.append(self._record(each, EXPIRED if late else CAP, at, state.words, view))
            elif each is not None:
                pending.append(each)
            state = replace(state, pending=tuple(sorted(pending, key=self._order)))
        return (before if state == before else state), out

    def _kept(self, state: KnownOutreach, record: CustomerEvent) -> KnownOutreach:
        kept = tuple(sorted({*state.kept, (record.time, record.about)})[-MAX_KEPT:])
        rules = [rule.name for rule in self.after.get("promise-due", ())]
        return replace(state, kept=kept, pending=over_at(state.pending, names_of(record), rules, record.time))

    def _noted(self, state: KnownOutreach, each: Pending, at: int, revision: int) -> KnownOutreach:
        """It is decided for good. A silence is told of once, so that need not be remembered."""
        if each.rule not in self.by_name or self.by_name[each.rule][1].after == "quiet":
            return state
        return replace(state, past=with_decided(state.past, each, at, revision))

    # Time passes

    def due(self, state: KnownOutreach, view: View) -> int | None:
        return min(self._ready(each, state.words) for each in state.pending) if state.pending else None

    def passed(self, state: KnownOutreach, view: View) -> After[KnownOutreach]:
        out: list[Out] = []
        while view.now is not None and state.pending:
            first = min(state.pending, key=lambda each: (self._ready(each, state.words), *self._order(each)))
            if view.now <= self._ready(first, state.words):
                break
            state, told = self._decided(state, first, self._moment(first, state.words), view)
            out += told
        return After(state, tuple(out))

    def _order(self, each: Pending) -> tuple[int, int, str, int]:
        return each.at, self.by_name[each.rule][0] if each.rule in self.by_name else -1, each.name, each.time

    def _ready(self, each: Pending, words: Words) -> int:
        """When it is told: what is refused or over waits for the lateness, so that what was said before is known, but
        no longer than until it would be sent.
        """
        moment = self._moment(each, words)
        return moment if each.rule not in self.by_name else min(each.at, moment + self.lateness_ms)

    def _moment(self, each: Pending, words: Words) -> int:
        """The time for which it is decided: what is refused or over, at once."""
        at = min(each.at, max(ended(each), each.said))
        if each.rule not in self.by_name:
            return each.said
        rule = self.by_name[each.rule][1]
        refused = wishes.withdrawn_at(words, rule.purpose, rule.channel, (each.said, at))
        return at if refused is None else refused

    def _decided(
        self, state: KnownOutreach, each: Pending, moment: int, view: View
    ) -> tuple[KnownOutreach, tuple[Out, ...]]:
        """The state after a decision, and what is told of it: nothing of a rule that is not for such customers."""
        put_off = is_put_off(each, moment)
        why = OVER if put_off else self._held_by(state, each, moment, view)
        others = tuple(one for one in state.pending if one is not each)
        if why == OVER and not each.revision and (put_off or not self._is_for(each, moment, view)):
            state = replace(state, pending=others)
            return state if put_off else self._noted(state, each, moment, 0), ()
        each = replace(each, revision=max(each.revision, told_before(state.past, each)))
        if why == QUIET_HOURS:
            until = self._quiet_until(state.words, moment) or moment
            later = replace(each, at=until, revision=each.revision + 1)
            pending = tuple(sorted((*others, later), key=self._order))
            return replace(state, pending=pending), (self._record(each, why, moment, state.words, view),)
        state = self._noted(replace(state, pending=others), each, moment, each.revision + 1)
        if why is None:
            rule = self.by_name[each.rule][1]
            running = Campaign(rule.name, moment, moment + rule.campaign) if rule.campaign else state.campaign
            state = replace(state, sent=(*state.sent, moment)[-self.most :] if self.most else (), campaign=running)
        return state, (self._record(each, why, moment, state.words, view),)

    def _is_for(self, each: Pending, at: int, view: View) -> bool:
        """Is the rule for customers of this tier?"""
        tiers = self.by_name[each.rule][1].tiers if each.rule in self.by_name else ()
        return not tiers or (tier_at(view.tiers, at) or NO_TIER) in tiers

    def _held_by(self, state: KnownOutreach, each: Pending, moment: int, view: View) -> str | None:
        """Why it does not go out; None = it does."""
        over = each.over is not None and each.over <= moment
        if over or each.rule not in self.by_name or not self._is_for(each, moment, view):
            return OVER
        rule, words = self.by_name[each.rule][1], state.words
        if wishes.withdrawn_at(words, rule.purpose, rule.channel, (each.said, moment)) is not None or not wishes.allows(
            words, rule.purpose, rule.channel, moment, asked=rule.basis == "consent"
        ):
            return NO_CONSENT
        last = each.due + rule.valid_ms
        until = self._quiet_until(words, moment)
        if moment > last or (until or 0) > last:
            return EXPIRED
        if until is not None:
            return QUIET_HOURS
        if self._goes_on(state.campaign, moment, view):
            return CAMPAIGN
        full = any(sum(moment - cap.within < at for at in state.sent) >= cap.most for cap in self.rules.caps)
        return CAP if full else None

    def _goes_on(self, campaign: Campaign | None, at: int, view: View) -> bool:
        """Does it run, unanswered? What is settled of a contact lies before any decision that is due now."""
        if campaign is None or at >= campaign.until:
            return False
        for contact in view.rested.values():
            if contact.acts is not None and contact.acts[1] > campaign.since:
                return False
        for history in view.histories.values():
            base = history.base
            if base is not None and base.acts is not None and base.acts[1] > campaign.since:
                return False
            ours = history.lives[-1].ours
            if any(campaign.since < step.time <= at and is_his(step, history.channel, ours) for step in history.tail):
                return False
        return True

    def _quiet_until(self, words: Words, at: int) -> int | None:
        rules = self.rules
        return wishes.quiet_until(at, rules.quiet_hours, wishes.zones_of(words, at, rules.time_zone))

    # What is told and kept

    def _id(self, each: Pending, view: View) -> str:
        return alert_id(each.rule, view.line, view.owner, each.name, str(each.time))

    def _record(self, each: Pending, why: str | None, at: int, words: Words, view: View) -> Out:
        rule = self.by_name[each.rule][1] if each.rule in self.by_name else None
        last, zones = each.due + (rule.valid_ms if rule else 0), wishes.zones_of(words, at, self.rules.time_zone)
        until = wishes.quiet_until(at, self.rules.quiet_hours, zones) if why == QUIET_HOURS else None
        silent = wishes.quiet_from(at, self.rules.quiet_hours, zones) if why is None else None
        name = self._id(each, view)
        value = {
            "outreach_id": name,
            "rule": each.rule,
            "customer": view.owner,
            "status": SEND if why is None else HELD,
            "reason": why,
            "after": rule.after if rule else None,
            "trigger": each.name,
            "triggered_at": iso(each.time),
            "about": each.about,
            "channel": rule.channel if rule else None,
            "purpose": rule.purpose if rule else None,
            "language": wishes.as_of(words, LANGUAGE, at),
            "time_zone": str(zones[0]),
            "tier": tier_at(view.tiers, at) or NO_TIER,
            "decided_at": iso(at),
            "until": None if until is None else iso(until),
            "send_before": iso(min(last, silent or last)) if why is None else None,
            "campaign_until": iso(at + rule.campaign) if rule and rule.campaign and why is None else None,
            "line": view.line,
            "revision": each.revision + 1,
        }
        return Out(TOPIC, name.encode(), value)

    def eased(self, state: KnownOutreach, ease: Ease, view: View) -> KnownOutreach:
        if ease is Ease.UNNEEDED:
            return state
        most = 8 if ease is Ease.FEWER else 2
        return replace(
            state,
            pending=state.pending[:most],
            decided=state.decided[-most:],
            kept=state.kept[-most:],
            past=state.past[-most:],
        )
