"""How well the simulated contacts were served: what agents were written to show in their texts, and whether the need
was met, against the records of quality. Pure.

The score itself is a matter of weights, which the simulator does not know, and so is what is held against promises of a
policy and earlier waits.
"""

from collections.abc import Mapping
from itertools import chain

from streams.demo.figure import Check
from streams.demo.lives import Life
from streams.demo.scored import Scored
from streams.demo.state import BoardState
from streams.demo.truth import Truth

GROUP = "quality"
UNSERVED = frozenset({"abandoned", "flow_out"})
MET, AGAIN, NOT_MET, UNKNOWN = "met", "met only after it was taken up again", "not met", "of which nobody can tell"
WHOLLY = 0.5
"""What a need that is met adds to the score is more than this, and one that was taken up again adds less: by the other
parts it is 0.6 to 0.8, or half of that."""
NEEDS = (MET, AGAIN, NOT_MET, UNKNOWN)


def quality(truth: Truth, state: BoardState) -> list[Check]:
    """Contacts that are over, by what became of the need, and by what agents showed."""
    over = {contact: life for contact, life in truth.lives.items() if life.over is not None}
    found = {each.contact: each for each in state.quality.values()}
    real = {contact: _need(truth, life) for contact, life in over.items()}
    said = {contact: _said(each) for contact, each in found.items()}
    behaviours = sorted({name for shown in truth.shown.values() for name in shown})
    return [
        Check("contacts scored", None, len(over), len(over.keys() & found.keys()), GROUP),
        Check("contacts scored that are not over", None, 0, len(found.keys() - over.keys()), GROUP),
        *chain.from_iterable(
            _same(f"contacts whose need is {need}", _with(real, need), _with(said, need)) for need in NEEDS
        ),
        *chain.from_iterable(
            _same(
                f"contacts in which agents showed: {name}",
                {contact for contact in over if name in truth.shown.get(contact, ())},
                {contact for contact, each in found.items() if name in each.shown},
            )
            for name in behaviours
        ),
    ]


def _same(name: str, real: set[str], found: set[str]) -> list[Check]:
    """Those that are in both, and those that should not be there."""
    more = Check(f"{name}, but are none", None, 0, len(found - real), GROUP)
    return [Check(name, None, len(real), len(real & found), GROUP), *([more] if more.says_something else [])]


def _with(needs: Mapping[str, str], need: str) -> set[str]:
    return {contact for contact, each in needs.items() if each == need}


def _need(truth: Truth, life: Life) -> str:
    if life.is_solved:
        return AGAIN if life.comebacks or len(life.solutions) > 1 else MET
    outcome = truth.outcomes.get(life.name)
    gave_up = life.name in truth.gone or (outcome is not None and outcome.what in UNSERVED)
    return NOT_MET if gave_up or life.solutions else UNKNOWN


def _said(scored: Scored) -> str:
    if scored.met is None:
        return UNKNOWN
    return NOT_MET if scored.met == 0 else AGAIN if scored.met < WHOLLY else MET
