"""What is known of a customer apart from contacts: the tier over time, so that a change holds from its own time on."""

from bisect import insort

from streams.base.records import Profile

Tiers = tuple[tuple[int, str, str], ...]
"""(time, event id, tier), oldest first. The tier is empty from when on none holds; the id is empty where the tier
follows from the customer's value."""

MAX_CHANGES = 16
CRM, VALUE = "crm", "value"
"""Where a tier comes from."""


def changed(tiers: Tiers, profile: Profile) -> Tiers:
    """With one more profile event; one that says nothing of the tier, or is known, changes nothing."""
    if profile.tier is None:
        return tiers
    change = (profile.time, profile.id, profile.tier)
    if change in tiers:
        return tiers
    changes = list(tiers)
    insort(changes, change)
    if len(changes) > MAX_CHANGES:  # those that change nothing go first
        changes = [each for at, each in enumerate(changes) if not at or each[2] != changes[at - 1][2]]
    return tuple(changes[-MAX_CHANGES:])


def tier_at(tiers: Tiers, at: int | None) -> str | None:
    """The tier as of a time (None = the latest); None where nothing was known then."""
    if at is None:
        return (tiers[-1][2] or None) if tiers else None
    return next((tier for time, _, tier in reversed(tiers) if time <= at), None) or None


def source_of(tiers: Tiers) -> str | None:
    """Where the latest tier comes from: "crm" or "value"; None where there is none."""
    if not tiers or not tiers[-1][2]:
        return None
    return CRM if tiers[-1][1] else VALUE


def merged(given: Tiers, derived: Tiers) -> Tiers:
    """One that is given wins as long as it is; in between holds what follows from the value. What was given before that
    which is kept nobody knows: nothing is said of those times."""
    found: list[tuple[int, str, str]] = []
    known = given[0][0] if len(given) >= MAX_CHANGES else -(2**62)
    for at in sorted({time for changes in (given, derived) for time, _, _ in changes if time >= known}):
        _, name, tier = next((each for each in reversed(given) if each[0] <= at), (0, "", ""))
        now = (name, tier) if tier else ("", tier_at(derived, at) or "")
        if now != (found[-1][1:] if found else ("", "")):
            found.append((at, *now))
    return tuple(found[-MAX_CHANGES:])
