"""Times of the wire as numbers."""

from datetime import datetime


def ms(text: str) -> int:
    """RFC 3339 as ms since the epoch."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
