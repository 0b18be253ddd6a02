"""What a channel is like."""

LIVE_CHANNELS = frozenset({"voice", "chat", "in-person"})
"""Channels on which the customer sits and waits."""
SPOKEN = frozenset({"voice", "in-person"})
"""Channels on which a human answers by being there; on the others by a message, too."""
WITHOUT_ABANDONMENT = frozenset({"email", "messaging", "ticket", "task"})
"""Channels on which nobody gives up a queue: one writes, and goes on with the day."""
