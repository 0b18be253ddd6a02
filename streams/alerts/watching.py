"""What stands of the rules of a subject at a moment of stream time."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from streams.alerts.conditions import Clock, completing, leaves, when_one_of, word_at
from streams.alerts.fields import ATTRIBUTE_NAMES
from streams.alerts.index import Index, crossing, reached
from streams.alerts.intervals import BEGINNING, NEVER, Interval, Intervals, earlier, intersection, union, within
from streams.alerts.rules import AlertRule
from streams.alerts.signals import Attributes, Fields, Param, Piece, Signal


class Found(NamedTuple):
    """One time that a rule's condition holds."""

    rule: str
    severity: str
    what: str
    """The field that completed the condition: the one that got true last."""
    since: int
    """The first moment, ms."""
    until: int | None
    """The first moment at which it is over; None = not by ``now``."""
    anchor: str
    """Of the piece of the field that completed it, with ``#2``, ``#3`` … where a rule has another episode on the same;
    the moment in ms where there is no piece. Goes into the episode's id."""
    value: float | str | None = None
    """Of that field at ``since``; None = it had none (under ``not``)."""
    limit: float | None = None
    """What it crossed; None where it is a word."""
    clear: float | None = None
    """What it has to cross to be over; None = the limit."""
    unit: str = "count"
    evidence: tuple[str, ...] = ()
    """Ids of events, of that piece; at most ten."""


class Look(NamedTuple):
    """What stands, and when to look again."""

    found: tuple[Found, ...] = ()
    """Every episode that has begun by ``now``, over or not, by rule and then by time."""
    due: int | None = None
    """The stream time that must be *passed* (``now > due``, as `Follower.due`) for something of it to change without an
    event: an episode that begins, or is over. It may be early, never late."""


def watch(
    index: Index,
    attributes: Attributes,
    fields: Fields,
    now: int | None,
    going: Mapping[str, Found] = MappingProxyType({}),
    since: int = BEGINNING,
) -> Look:
    """What the rules of one kind of subject find in one subject; a function of the whole of what is known of it.

    ``index``: ``AlertRules.index("contact")``. ``now``: stream time; moments behind it are not judged yet (an end that
    is ahead of it: ``until`` is None so far). ``None``: nothing is judged, and ``due`` is the first moment there is.

    What the caller does: the ids (``alert_id(rule, line, owner, key parts, anchor)``), and the patience while a history
    is arriving (publish nothing new while ``now <= touched``, and look again at ``max(due, touched)``): what was
    published stays meanwhile.

    ``going``: by rule, what went on at ``since``, from which on more is known than that; it comes back with its end, if
    there is one.
    """
    left, due = index.concerned(attributes), None
    near = index.named(going) if going else 0
    if not left and not near:
        return _NOTHING
    scene, found = _Scene(index, attributes, fields), list[Found]()
    scene.going, scene.since = going, since
    left &= ~near
    while left:
        place = (left & -left).bit_length() - 1
        group = index.groups[place]
        if group is None:  # behind all that need a field
            near |= left
            break
        mine = left & group.rules
        left ^= mine
        signal = scene.signal(*group.needed.key)
        if not signal:
            continue
        far = mine >> group.first >> (count := reached(group, signal, now))
        near |= mine ^ (far << group.first << count)
        if far and (upward := group.needed.upward) is not None:
            nearest = count + (far & -far).bit_length() - 1
            due = earlier(due, crossing(signal, upward, group.ranks[nearest], now))
    for place in index.each(near):
        due = earlier(due, _looked(place, scene, now, found))
    return Look(tuple(found), None if due is None else due - 1)


_NOTHING = Look()


def _looked(place: int, scene: "_Scene", now: int | None, found: list[Found]) -> int | None:
    """What one rule finds goes to ``found``; the next moment at which that changes."""
    rule = scene.of(place)
    held, went = rule.when.held(scene), scene.going.get(rule.name)
    if not held.raised and went is None:
        return None
    raised, kept = held.raised, held.kept
    raised = _in_scope(raised, place, scene)
    due, anchors = None, dict[str, int]()
    if scene.since > BEGINNING:
        raised = intersection(raised, ((scene.since, None),))
    if went is not None and went.since < scene.since:
        before = ((went.since, scene.since),)
        raised, kept = union(before, raised), union(before, kept)
    for start, end in within(raised, kept):
        since = scene.known_since(rule) if start == BEGINNING else start
        if since is None:
            break
        if now is None or since > now:
            return earlier(due, since)
        if end is not None and end > now:
            due, end = end, None  # noqa: PLW2901
        if went is not None and start == went.since:
            found.append(went._replace(severity=rule.severity, until=end))
            continue
        got = completing(rule.when, held, start).completed(scene, start)
        if got.behind and since == now:
            return earlier(due, since + 1)
        anchor = str(since) if got.anchor is None else got.anchor
        anchors[anchor] = nth = anchors.get(anchor, 0) + 1
        named = anchor if nth == 1 else f"{anchor}#{nth}"
        found.append(
            Found(
                rule.name, rule.severity, got.what, since, end, named, got.value, got.limit, got.clear, got.unit,
                got.evidence,
            )
        )  # fmt: skip
    return due


def _in_scope(raised: Intervals, place: int, scene: "_Scene") -> Intervals:
    """While it is open, too."""
    for name, words in scene.index.scoped[place]:
        has = scene.words(name)
        if not isinstance(has, str):
            raised = intersection(raised, when_one_of(has, words))
        elif scene.going and has not in words:  # else it fits, or the rule were not looked at
            raised = NEVER
    return raised if scene.hours is None else tuple(_open(raised, scene))


def _open(raised: Intervals, scene: "_Scene") -> Iterator[Interval]:
    """From the first moment on at which it is open."""
    for start, end in raised:
        clock = scene.clock(start)
        opening = start if clock is None else clock.next_opening(start)
        if opening is not None and (end is None or opening < end):
            yield opening, end


class _Scene:
    """One subject in one look: each signal is asked for once."""

    def __init__(self, index: Index, attributes: Attributes, fields: Fields) -> None:
        self.index, self.attributes, self.fields = index, attributes, fields
        self.signals: dict[tuple[str, tuple[tuple[str, Param], ...]], Signal] = {}
        self.hours: str | None = None
        self.going: Mapping[str, Found] = {}
        self.since = BEGINNING

    def of(self, place: int) -> AlertRule:
        """The rule that is looked at now; growing durations go by its hours."""
        rule = self.index.rules[place]
        self.hours = rule.hours
        return rule

    def signal(self, field: str, parameters: tuple[tuple[str, Param], ...]) -> Signal:
        key = (field, parameters)
        found = self.signals.get(key)
        if found is None:
            if field in ATTRIBUTE_NAMES:
                words = self.attributes.get(field, ())
                found = (Piece(BEGINNING, None, words),) if isinstance(words, str) else words
            else:
                found = self.fields(field, dict(parameters))
            self.signals[key] = found
        return found

    def words(self, attribute: str) -> str | Signal:
        return self.attributes.get(attribute, "")

    def clock(self, at: int) -> Clock | None:
        if self.hours is None:
            return None
        if self.hours != "business":
            return self.index.calendars.get(self.hours)
        place = (word_at(self.words("channel"), at), word_at(self.words("queue"), at))
        return None if self.index.business is None else self.index.business(*place)

    def known_since(self, rule: AlertRule) -> int | None:
        """The first moment of which its fields say anything; what has always been began there."""
        starts = (piece.start for leaf in leaves(rule.when) for piece in leaf.values(self)[:2])
        return min((start for start in starts if start > BEGINNING), default=None)
