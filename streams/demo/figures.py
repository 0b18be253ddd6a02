"""The board's figures in the terms of the KPI catalogue, and an alert in words."""

from typing import Any

from streams.demo.state import ABANDONS_COUNT, BoardState, Pair, Share


def offered(state: BoardState, pair: Pair | None) -> int:
    """Contacts that asked for a person and got one, gave up, or were led elsewhere."""
    return int(state.so_far("contacts_offered", "all", pair).numerator)


def service_level(state: BoardState, pair: Pair | None) -> Share:
    """Legs answered in time, of those answered, abandoned, or waiting now for longer than that."""
    share = state.so_far(*ABANDONS_COUNT, pair)
    return Share(share.numerator, share.denominator + state.waiting_long(pair))


def abandonment(state: BoardState, pair: Pair | None) -> Share:
    """Contacts abandoned, of those offered."""
    return state.so_far("abandonment", "of_offered", pair)


def asa(state: BoardState, pair: Pair | None) -> Share:
    """Milliseconds from entering the queue to a person, over answered legs."""
    return state.so_far("speed_of_answer", "answered_legs", pair)


def aht(state: BoardState, pair: Pair | None) -> Share:
    """Milliseconds of talk, hold and after-contact work."""
    return state.so_far("handle_time", "all", pair)


def csat(state: BoardState, pair: Pair | None) -> Share:
    """Satisfied answers of all answers."""
    return state.so_far("csat", "satisfied", pair)


def sentiment(state: BoardState, pair: Pair | None) -> Share:
    """Mean of the customers' messages, −1 to 1."""
    share = state.so_far("sentiment", "mean", pair)
    return Share(share.numerator / 1000, share.denominator)


def what(alert: dict[str, Any]) -> str:
    """What crossed which limit, in few words."""
    if alert["kind"] == "waiting":
        return f"wait > {alert['limit'] / 1000:.0f} s"
    if alert["kind"] == "sentiment":
        return f"mood {alert['value']:+.2f}"
    return str(alert["rule"])
