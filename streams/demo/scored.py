"""What a record of quality says of a contact."""

from typing import Any, NamedTuple

NEED_MET = "need met"
"""What evidence of the business side is called."""


class Scored(NamedTuple):
    """The quality of a contact as it was last said: the weight of a need that is met, None = nobody can tell; what
    agents showed."""

    contact: str
    met: float | None
    shown: frozenset[str]


def scored(record: dict[str, Any]) -> Scored:
    """As far as the simulator can know it."""
    need = {each["what"]: each["weight"] for each in record["business"]["evidence"]}
    met = None if record["business"]["score"] is None else need.get(NEED_MET, 0.0)
    return Scored(record["contact_id"], met, frozenset(each["what"] for each in record["human"]["evidence"]))
