"""The quality of each contact, as a capability: scored when the contact is over, and again when something changes it,
or what it is held against: an answer to a survey, a late event, a contact of ours that keeps a promise, another tier.

A record is ``provisional`` for half of the time for which a contact is known (`ContactRules.horizon`), and ``final``
then. In that half nothing that counts can be forgotten: an earlier contact counts for what is usual as long as it ended
less than the other half before this one did. So a score is a function of the events, whatever their order. What was
usual is kept with a final score, to which only answers to surveys may still come.

A record lies under the owner's name and a mark of the contact, so that no two tasks write one key: a contact that goes
to another customer is taken back here and told there. It stays for as long as that of a journey, and is then removed.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from msgspec.structs import replace

from streams.base.channels import LIVE_CHANNELS
from streams.base.claims import mark_of
from streams.base.links import is_customer
from streams.base.records import contact_key, output_key
from streams.contacts import histories
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.contacts.lifecycle import END
from streams.contacts.rules import ContactRules
from streams.customers import facts
from streams.customers.follow import After, Change, Follower, Leaving, Out, View
from streams.customers.journey_names import KEPT_MS
from streams.customers.quality_records import digest_of, said, sides
from streams.customers.quality_state import (
    KEPT_BYTES,
    MAX_TOLD,
    TOLD_BYTES,
    KnownQuality,
    Told,
    ends,
    first,
    forgotten,
    looking,
    provisional,
    surplus,
    waits_for,
    without,
)
from streams.customers.segments import KnownSegment
from streams.customers.services import NONE
from streams.policies.policy import Policy
from streams.quality.rules import QualityRules
from streams.quality.scoring import (
    Around,
    due_ms,
    is_over,
    promises,
    quality,
    usual_wait,
    waited_ms,
)

TOPIC = "contact.quality"
FOREVER = 1 << 62
PROVISIONAL, FINAL = "provisional", "final"

Found = tuple[str, Contact]
"""A contact by its key."""


class Beside(NamedTuple):
    """Of all contacts of a customer."""

    waits: list[tuple[int, str, int]]
    """(end, contact, ms) of those that are over."""
    called: list[tuple[int, str]]
    """(when it began, contact) of those that our side opened."""


ALONE = Beside([], [])


class Qualities(Follower[KnownQuality]):
    """State: what was told, and what is to be looked at."""

    name = "quality"
    empty = KnownQuality()

    def __init__(self, rules: QualityRules, policy: Policy | None, contacts: ContactRules) -> None:
        self.rules, self.policy, self.contacts = rules, policy, contacts
        self.half_ms = min((contacts.horizon, *contacts.channel_horizons.values())) // 2

    # When

    def changed(self, state: KnownQuality, change: Change, view: View) -> After[KnownQuality] | None:
        if change.key is None:
            return looking(state, provisional(state)) if state.told else None
        before, after = change.before, change.after
        was = before.lives[-1] if before is not None and before.lives else None
        now = after.lives[-1] if after is not None else None
        ours = now is not None and now.ours and bool(state.told)
        if not ours and (now is None or now.state != END) and (was is None or was.state != END):
            return None
        over = [each for each in (was, now) if each is not None and is_over(each)]
        marks: list[str] = []
        if _counted(was) != _counted(now):
            since = min(each.ended or each.last for each in over)
            marks = [mark for mark in provisional(state) if state.told[mark].started >= since]
        if now is not None and ours and (was is None or not was.ours or was.started != now.started):
            marks += provisional(state)
        if over:
            marks.append(mark_of(change.key))
        if change.step is None and now is not None and view.now is not None and view.now > now.last + 2 * self.half_ms:
            look = looking(state, marks)  # it is about to be forgotten
            return After(look.state if look else state, self._tell(state, marks, view)[1], look=True)
        return looking(state, marks) if marks else None

    def left(self, state: KnownQuality, leaving: Leaving, view: View) -> After[KnownQuality] | None:
        mark = mark_of(leaving.key)
        if mark not in state.kept and not state.told and mark not in state.look:
            return None
        if leaving.key in view.histories:
            return looking(state, [mark, *provisional(state)])
        told = {each: known for each, known in state.told.items() if each != mark}
        look = tuple(each for each in dict.fromkeys((*state.look, *provisional(state))) if each != mark)
        gone = (_tombstone(mark, view),) if mark in state.told or mark in state.kept else ()
        kept = {each: until for each, until in state.kept.items() if each != mark}
        return After(replace(state, told=told, look=look[-MAX_TOLD:], kept=kept), gone, look=True)

    def settled(self, state: KnownQuality, finished: Lives, view: View) -> KnownQuality:
        """Whether or not it was published by then: the row is held by it."""
        over = {
            mark_of(contact_key(each.channel, each.id)): (each.ended or each.last) + KEPT_MS
            for each in finished
            if is_over(each)
        }
        return replace(state, kept=state.kept | over) if over else state

    def regrouped(self, state: KnownQuality, view: View) -> After[KnownQuality] | None:
        """Contacts that went are taken back as long as they would be known here; those that came are told."""
        known = {mark_of(key): key for key in (*view.histories, *view.rested)}
        ended = ends(state)
        gone = [
            mark
            for mark, end in ended.items()
            if mark not in known and (view.now is None or view.now <= end + 2 * self.half_ms)
        ]
        state = without(state, gone) if gone else state
        told = state.told
        look = {*state.look, *provisional(state), *(known.keys() - told.keys())}
        kept = tuple(sorted(mark for mark in look if mark in known))[-MAX_TOLD:]
        if not gone and kept == state.look:
            return None
        return After(replace(state, look=kept), tuple(_tombstone(mark, view) for mark in gone), look=True)

    def passed(self, state: KnownQuality, view: View) -> After[KnownQuality] | None:
        """Publishing does it; but what is about to be forgotten is told while it is known. The state stays as it is: a
        row is measured at the same records, however often something was published.
        """
        now = view.now or 0
        going = [mark for mark in waits_for(state, now) if now > state.told[mark].ended + 2 * self.half_ms]
        if state.look and now > self._first_of(view):
            going += state.look
        return After(state, self._tell(state, dict.fromkeys(going), view)[1], look=True)

    def _first_of(self, view: View) -> int:
        """When the first of the contacts may be forgotten."""
        return min([history.last for history in view.histories.values()], default=FOREVER) + 2 * self.half_ms

    def due(self, state: KnownQuality, view: View) -> int | None:
        times = [told.due for told in state.told.values()]
        if state.kept:
            times += [until for mark, until in state.kept.items() if mark not in state.told]
        if state.look and view.histories:
            times.append(self._first_of(view))
        return min(times) if times else None

    # What

    def concludes(self, state: KnownQuality, states: Callable[[str], Any], view: View) -> After[KnownQuality] | None:
        if not state.look and not state.told and not state.kept:
            return None
        now = view.now or 0
        due = waits_for(state, now) if state.told else []
        if not state.look and not due and not surplus(state, view) and not self._is_over(state, now):
            return None
        segment: KnownSegment = states("segments")
        kind = NONE if segment.score is None else segment.score.type
        after, out = self._tell(state, dict.fromkeys((*state.look, *due)), view, kind)
        if surplus(after, view):
            after = forgotten(after, view)
        over = [mark for mark, told in after.told.items() if told.final and now > told.due]
        over += [mark for mark, until in after.kept.items() if now > until and mark not in after.told]
        after = without(after, over) if over else after
        more = len(after.told.keys() | after.kept) - MAX_TOLD
        if more > 0:
            earliest = first(after)[:more]
            after, over = without(after, earliest), [*over, *earliest]
        return After(replace(after, look=()), (*out, *(_tombstone(mark, view) for mark in over)))

    def _is_over(self, state: KnownQuality, now: int) -> bool:
        """Is a record to be removed?"""
        return any(now > told.due for told in state.told.values()) or any(
            now > until for mark, until in state.kept.items() if mark not in state.told
        )

    def _tell(
        self, state: KnownQuality, marks: Collection[str], view: View, kind: str | None = None
    ) -> tuple[KnownQuality, tuple[Out, ...]]:
        """Scores contacts, and tells what is new. ``kind``: the customer's type of service; None = as it was told."""
        if not marks:
            return state, ()
        told, out, revision = dict(state.told), list[Out](), state.revision
        beside = self._beside(view) if len(view.histories) + len(view.rested) > 1 else ALONE
        for mark, found in self._looked(marks, view):
            was = told.get(mark)
            if found is None and was is not None:
                told[mark] = replace(was, final=True, due=was.ended + KEPT_MS)  # it is known no more, and stays so
            elif found is not None and is_over(found[1]):
                after, record = self._record(found, was, kind or (was.kind if was else NONE), beside, view)
                if was is None or was.digest != after.digest:
                    revision += 1
                    record["service_type"], record["revision"] = after.kind, revision
                    out.append(Out(TOPIC, _key(mark, view), record))
                told[mark] = after
            elif was is not None:
                del told[mark]
                out.append(_tombstone(mark, view))
        return replace(state, told=told, revision=revision), tuple(out)

    def _looked(self, marks: Iterable[str], view: View) -> Iterable[tuple[str, Found | None]]:
        """The contacts of these marks, where they are known."""
        known = {mark_of(key): key for key in (*view.histories, *view.rested)}
        for mark in marks:
            key = known.get(mark)
            yield mark, None if key is None else (key, self._contact(key, view))

    def _contact(self, key: str, view: View) -> Contact:
        """Its last life; of one at rest, as it was taken for over."""
        history = view.histories.get(key)
        if history is not None:
            return history.lives[-1]
        contact = view.rested[key]
        if contact.closed_at is None:
            return contact
        return histories.revived(contact, self.contacts).lives[-1]

    def _record(
        self, found: Found, told: Told | None, kind: str, beside: Beside, view: View
    ) -> tuple[Told, dict[str, Any]]:
        """What is kept, and what is told but for type of service and revision."""
        key, contact = found
        ended = contact.ended or contact.last
        final = view.now is not None and view.now > ended + self.half_ms
        kept = told is not None and told.final and told.ended == ended
        usual = told.usual if told and kept else usual_wait(_before(key, contact.started, ended - self.half_ms, beside))
        tier = facts.tier_of(contact, view.tiers)
        promised = self._promised(tier, view) if contact.channel in LIVE_CHANNELS else None
        around = Around(promised, usual, _called(key, beside) if beside.called else (), view.now)
        scored = quality(contact, self.rules, around)
        record = said(mark_of(key), contact, tier, view)
        record["status"] = FINAL if final else PROVISIONAL
        record |= sides(scored)
        record["behaviours"] = self._behaviours(contact)
        digest = digest_of(record)
        due = ended + (KEPT_MS if final else self.half_ms)
        if not final and contact.service is not None and contact.service.seen:
            made = promises(contact.service, self.rules, around)
            due = min([due, *(each.last + (due_ms(each.name, self.rules) or 0) for each, kept in made if kept is None)])
        return Told(digest, contact.started, ended, due, final, usual if final else None, kind), record

    def _behaviours(self, contact: Contact) -> dict[str, bool]:
        """None of them where no text was read."""
        service = contact.service
        if service is None or not service.read:
            return {}
        seen = {each.name for each in service.seen}
        return {name: name in seen for name in self.rules.human}

    def _promised(self, tier: str, view: View) -> int | None:
        if self.policy is None:
            return None
        return self.policy.service_of(tier, known=is_customer(view.owner)).wait_limit_ms

    def _beside(self, view: View) -> Beside:
        """What the customer's contacts are to each other."""
        every = [(key, self._contact(key, view)) for key in (*view.histories, *view.rested)]
        over = [(each.ended, key, waited_ms(each)) for key, each in every if each.ended is not None]
        return Beside(
            [(ended, key, waited) for ended, key, waited in over if waited is not None],
            sorted((each.started, key) for key, each in every if each.ours),
        )

    # What is kept

    def unpublished(self, state: KnownQuality) -> KnownQuality:
        return self.empty

    def shown_bytes(self, state: KnownQuality, view: View) -> int:
        known = min(MAX_TOLD, len(view.histories) + len(view.rested))
        return known * TOLD_BYTES + MAX_TOLD * KEPT_BYTES

    def stands(self, state: KnownQuality, owner: str) -> bool:
        return False

    def names(self, state: KnownQuality) -> int:
        return len(state.told)

    def rest(self, state: KnownQuality) -> KnownQuality:
        return replace(state, told={}, look=()) if state.kept else self.empty

    def removed(self, state: KnownQuality, view: View) -> Iterable[Out]:
        return [_tombstone(mark, view) for mark in {**state.told, **state.kept}]


def _before(key: str, started: int, since: int, beside: Beside) -> list[tuple[int, str, int]]:
    """The waits that were over before a contact began, but not before ``since``."""
    return [each for each in beside.waits if since <= each[0] <= started and each[1] != key]


def _called(key: str, beside: Beside) -> tuple[int, ...]:
    """When others began that our side opened."""
    return tuple([started for started, other in beside.called if other != key])


def _counted(contact: Contact | None) -> tuple[int | None, int | None] | None:
    """What it is to the contacts that come later."""
    return (contact.ended, waited_ms(contact)) if contact is not None and is_over(contact) else None


def _key(mark: str, view: View) -> bytes:
    return output_key(view.line, f"{view.owner}/{mark}")


def _tombstone(mark: str, view: View) -> Out:
    return Out(TOPIC, _key(mark, view), None)
