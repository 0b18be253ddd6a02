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
from typing import Any

import msgspec
from msgspec.structs import replace

from streams.base.channels import LIVE_CHANNELS
from streams.base.claims import mark_of
from streams.base.records import contact_key, output_key
from streams.contacts.contact import Contact
from streams.contacts.histories import Lives
from streams.contacts.lifecycle import END
from streams.contacts.rules import ContactRules
from streams.customers import facts
from streams.customers.follow import After, Change, Follower, Leaving, Out, View
from streams.customers.journey_names import KEPT_MS
from streams.customers.quality_around import (
    ALONE,
    Beside,
    Found,
    beside,
    called,
    closed,
    contact_of,
    every,
    outlived,
    to_others,
    waits_before,
)
from streams.customers.quality_facts import NOTHING, counted, difference
from streams.customers.quality_records import behaviours, digest_of, promised, said, sides
from streams.customers.quality_state import (
    KEPT_BYTES,
    MAX_TOLD,
    TOLD_BYTES,
    KnownQuality,
    Told,
    counts,
    ends,
    first,
    forgotten,
    latest,
    provisional,
    surplus,
    taken_back,
    unnamed,
    waits_for,
    was,
    without,
)
from streams.customers.segments import KnownSegment
from streams.customers.services import NONE
from streams.policies.policy import Policy
from streams.quality.rules import QualityRules
from streams.quality.scoring import Around, first_calls, first_due, is_over, quality, queue_of, usual_wait

TOPIC = "contact.quality"
FOREVER = 1 << 62
PROVISIONAL, FINAL = "provisional", "final"

_encode = msgspec.json.Encoder().encode


class Qualities(Follower[KnownQuality]):
    """State: what was told, and what is to be looked at."""

    name = "quality"
    empty = KnownQuality()

    def __init__(self, rules: QualityRules, policy: Policy | None, contacts: ContactRules) -> None:
        self.rules, self.policy, self.contacts = rules, policy, contacts
        self.half_ms = contacts.half_known_ms

    # When

    def changed(self, state: KnownQuality, change: Change, view: View) -> After[KnownQuality] | None:
        if change.key is None:
            return self._relabelled(state, view) if state.told else None
        before, after = change.before, change.after
        was = before.lives[-1] if before is not None and before.lives else None
        now = after.lives[-1] if after is not None else None
        ours = now is not None and now.ours and bool(state.told)
        another = was is not None and before is not None and after is not None and len(after.lives) > len(before.lives)
        if not (ours or another) and (now is None or now.state != END) and (was is None or was.state != END):
            return None
        over = [each for each in (was, now) if each is not None and is_over(each)]
        marks: list[str] = []
        if to_others(was) != to_others(now):
            since = min(each.ended or each.last for each in over)
            marks = [mark for mark in provisional(state) if state.told[mark].started >= since]
        if now is not None and ours and (was is None or not was.ours or was.started != now.started):
            marks += provisional(state)
        if over or another:
            marks.append(mark_of(change.key))
        look = self._looking(state, marks, view) if marks else None
        if change.step is None and view.now is not None and view.now > self._first_of(view):
            told, out = self._tell(look.state if look else state, marks, closed(view, change, self.contacts))
            return After(told, out, look=True)  # it, or what it is held against, is about to be forgotten
        return look

    def _relabelled(self, state: KnownQuality, view: View) -> After[KnownQuality] | None:
        """The tiers have changed: contacts that are about to be forgotten are told by the new ones at once."""
        look = self._looking(state, state.told, view)
        known = every(view, self.contacts) if view.now is not None else ()
        leaving = [mark_of(key) for key, each in known if view.now is not None and view.now > self._until(each)]
        some = [mark for mark in leaving if mark in state.told]
        if not some:
            return look
        told, out = self._tell(look.state if look else state, some, view)
        return After(told, out, look=True)

    def _until(self, contact: Contact) -> int:
        """As long as stream time does not pass this, the contact is known."""
        return contact.last + self.contacts.horizon_ms(contact.channel)

    def _looking(self, state: KnownQuality, marks: Iterable[str], view: View) -> After[KnownQuality] | None:
        """The state with more to look at."""
        look = self._latest((*state.look, *marks), state, view)
        return None if look == state.look else After(replace(state, look=look), look=True)

    def _latest(self, look: Collection[str], state: KnownQuality, view: View) -> tuple[str, ...]:
        if len(look) <= MAX_TOLD:
            return tuple(dict.fromkeys(look))
        of_known = {
            mark_of(key): (e.ended or e.last) if is_over(e) else FOREVER for key, e in every(view, self.contacts)
        }
        return latest(look, ends(state) | of_known)

    def left(self, state: KnownQuality, leaving: Leaving, view: View) -> After[KnownQuality] | None:
        mark = mark_of(leaving.key)
        if mark not in state.kept and not state.told and mark not in state.look:
            return None
        if leaving.key in view.histories:
            return self._looking(state, [mark, *provisional(state)], view)
        gone = (_tombstone(mark, view),) if mark in state.told or mark in state.kept else ()
        state = taken_back(state, [mark], view.line)
        look = [each for each in (*state.look, *provisional(state)) if each != mark]
        return After(replace(state, look=self._latest(look, state, view)), gone, look=True)

    def settled(self, state: KnownQuality, finished: Lives, view: View) -> KnownQuality:
        """Whether or not it was published by then: the row is held by it."""
        over = {
            mark_of(contact_key(each.channel, each.id)): (each.ended or each.last) + KEPT_MS
            for each in finished
            if is_over(each)
        }
        if not over:
            return state
        if len(finished) > 1 or contact_key(finished[0].channel, finished[0].id) in view.histories:
            state = self._outlived(state, finished, view)
        return replace(state, kept=state.kept | over)

    def _outlived(self, state: KnownQuality, lives: Lives | list[Contact], view: View) -> KnownQuality:
        """Where another contact has the name of some by now, these are counted for good, each once: what is told is of
        the latest one alone.
        """
        for mark, key, life in outlived(lives, view):
            known = state.earlier.get(mark)
            if not is_over(life) or (known is not None and known >= life.started):
                continue
            told = state.told.get(mark)
            told = told if told is not None and told.started == life.started else None
            if told is None and state.kept.get(mark) == (life.ended or life.last) + KEPT_MS:
                continue
            others = beside(every(view, self.contacts))
            after, _ = self._record((key, life), told, NONE, others, replace(view, now=FOREVER))
            owed = difference(NOTHING if told is None else was(told), was(after), view.line)
            state = replace(state, owed=state.owed + owed, earlier=state.earlier | {mark: life.started})
        return state

    def regrouped(self, state: KnownQuality, went: Collection[str], view: View) -> After[KnownQuality] | None:
        """Contacts that went are taken back as long as their records stand; those that came are told."""
        known = {mark_of(key): key for key in (*view.histories, *view.rested)}
        gone = [mark for mark in map(mark_of, went) if mark in state.told or mark in state.kept]
        state = taken_back(state, gone, view.line) if gone else state
        look = [*state.look, *provisional(state), *sorted(known.keys() - state.told.keys())]
        kept = self._latest([mark for mark in look if mark in known], state, view)
        if not gone and kept == state.look:
            return None
        return After(replace(state, look=kept), tuple(_tombstone(mark, view) for mark in gone), look=True)

    def passed(self, state: KnownQuality, view: View) -> After[KnownQuality] | None:
        """What is due is told while all of it is known: of what lies so far back that it is forgotten next, publishing
        would know nothing.
        """
        now = view.now or 0
        going = waits_for(state, now)
        if state.look and now > self._first_of(view):
            going += state.look
        told, out = self._tell(state, dict.fromkeys(going), view)
        return After(told, out, look=True)

    def _first_of(self, view: View) -> int:
        """When the first of the contacts may be forgotten; of a name that others had, the first of them."""
        every = [*(history.lives[0] for history in view.histories.values()), *view.rested.values()]
        return min(map(self._until, every), default=FOREVER)

    def due(self, state: KnownQuality, view: View) -> int | None:
        times = [told.due for told in state.told.values()]
        if state.kept:
            times += [until for mark, until in state.kept.items() if mark not in state.told]
        if state.look and (view.histories or view.rested):
            times.append(self._first_of(view))
        return min(times) if times else None

    # What

    def concludes(self, state: KnownQuality, states: Callable[[str], Any], view: View) -> After[KnownQuality] | None:
        if not state.look and not state.told and not state.kept and not state.owed:
            return None
        now = view.now or 0
        due = waits_for(state, now) if state.told else []
        if not (state.look or due or state.owed) and not surplus(state, view) and not self._is_over(state, now):
            return None
        segment: KnownSegment = states("segments")
        kind = NONE if segment.score is None else segment.score.type
        after, out = self._tell(state, dict.fromkeys((*state.look, *due)), view, kind)
        if len(after.told) > len(view.histories) + len(view.rested):
            after = forgotten(after, view)
        over = [mark for mark, told in after.told.items() if told.final and now > told.due]
        over += [mark for mark, until in after.kept.items() if now > until and mark not in after.told]
        after = without(after, over) if over else after
        more = len(after.told.keys() | after.kept) - MAX_TOLD
        if more > 0:
            earliest = first(after)[:more]
            after, over = taken_back(after, earliest, view.line), [*over, *earliest]
        if after.earlier:
            after = unnamed(after, view)
        gone = tuple(_tombstone(mark, view) for mark in over)
        return After(replace(after, look=(), owed=()), (*out, *gone), facts=after.owed)

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
        looked = [*self._looked(marks, view)]
        for _, found in looked:
            history = None if found is None else view.histories.get(found[0])
            if history is not None and len(history.lives) > 1:
                state = self._outlived(state, history.lives[:-1], view)
        told, out, revision, owed = dict(state.told), list[Out](), state.revision, state.owed
        around = beside(every(view, self.contacts)) if len(view.histories) + len(view.rested) > 1 else ALONE
        for mark, found in looked:
            before = told.get(mark)
            if found is None and before is not None:
                told[mark] = replace(
                    before, final=True, due=before.ended + KEPT_MS
                )  # it is known no more, and stays so
            elif found is not None and is_over(found[1]):
                after, record = self._record(found, before, kind or (before.kind if before else NONE), around, view)
                if before is None or before.digest != after.digest:
                    revision += 1
                    record["service_type"], record["revision"] = after.kind, revision
                    out.append(Out(TOPIC, _key(mark, view), record))
                new = NOTHING if state.earlier.get(mark) == after.started else was(after)
                owed += difference(counts(before, found[1]), new, view.line)
                told[mark] = after
            elif before is not None:
                del told[mark]
                out.append(_tombstone(mark, view))
                owed += difference(counts(before, found and found[1]), NOTHING, view.line)
        return replace(state, told=told, revision=revision, owed=owed), tuple(out)

    def _looked(self, marks: Iterable[str], view: View) -> Iterable[tuple[str, Found | None]]:
        """The contacts of these marks, where they are known."""
        known = {mark_of(key): key for key in (*view.histories, *view.rested)}
        for mark in marks:
            key = known.get(mark)
            yield mark, None if key is None else (key, contact_of(key, view, self.contacts))

    def _record(
        self, found: Found, told: Told | None, kind: str, others: Beside, view: View
    ) -> tuple[Told, dict[str, Any]]:
        """What is kept, and what is told but for type of service and revision."""
        key, contact = found
        ended = contact.ended or contact.last
        final = view.now is not None and view.now > ended + self.half_ms
        kept = told is not None and told.final and told.ended == ended
        since = ended - self.half_ms
        usual = told.usual if told and kept else usual_wait(waits_before(key, contact.started, since, others))
        labels = facts.labels_of(contact, view.tiers, self.contacts)
        tier = labels[0]
        limit = promised(self.policy, tier, view) if contact.channel in LIVE_CHANNELS else None
        calls = told.called if told and kept else called(key, since, others) if others.called else ()
        around = Around(limit, usual, calls, view.now, since, ended + self.half_ms)
        scored = quality(contact, self.rules, around)
        record = said(mark_of(key), contact, tier, view)
        record["status"] = FINAL if final else PROVISIONAL
        record |= sides(scored)
        record["behaviours"] = behaviours(contact, self.rules)
        digest = digest_of(record)
        due = ended + (KEPT_MS if final else self.half_ms)
        if not final and contact.service is not None and contact.service.seen:
            due = min(due, first_due(contact.service, self.rules, around) or due)
        counts = counted(contact, labels, scored)
        after = Told(digest, contact.started, ended, due, final, usual if final else None, kind, counts)
        if final and calls:
            after = replace(after, called=first_calls(contact.service, calls))
        return after, record

    # What is kept

    def unpublished(self, state: KnownQuality) -> KnownQuality:
        return self.empty

    def shown_bytes(self, state: KnownQuality, view: View) -> int:
        known = min(MAX_TOLD, len(view.histories) + len(view.rested))
        names = [(key, queue_of(each), facts.tier_of(each, view.tiers)) for key, each in every(view, self.contacts)]
        return known * TOLD_BYTES + MAX_TOLD * KEPT_BYTES + len(_encode(names))

    def stands(self, state: KnownQuality, owner: str) -> bool:
        return False

    def names(self, state: KnownQuality) -> int:
        return len(state.told)

    def rest(self, state: KnownQuality) -> KnownQuality:
        return replace(state, told={}, look=()) if state.kept else self.empty

    def removed(self, state: KnownQuality, view: View) -> Iterable[Out]:
        return [_tombstone(mark, view) for mark in {**state.told, **state.kept}]


def _key(mark: str, view: View) -> bytes:
    return output_key(view.line, f"{view.owner}/{mark}")


def _tombstone(mark: str, view: View) -> Out:
    return Out(TOPIC, _key(mark, view), None)
