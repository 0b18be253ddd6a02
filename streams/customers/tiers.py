"""What is known of a customer apart from contacts: the tier over time, so that a change holds from its own time on."""

from bisect import insort

from streams.base.records import Profile

Tiers = tuple[tuple[int, str, str], ...]
"""(time, event id, tier), oldest first."""

MAX_CHANGES = 16


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
        return tiers[-1][2] if tiers else None
    return next((tier for time, _, tier in reversed(tiers) if time <= at), None)
