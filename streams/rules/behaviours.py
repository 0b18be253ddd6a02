"""``behaviours.yaml``: what agents are seen to do in their texts, what it counts for, and the phrases that show it."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from streams.base.units import FROM_FILES, LANGUAGE, Flag, RuleName, Span, Text
from streams.intake.behaviours import Behaviours, Names, behaviours_of, check
from streams.intake.deadlines import Deadlines, Words, deadlines_of
from streams.quality.rules import Share

Language = Annotated[str, Strict(), Field(pattern=LANGUAGE)]
Phrase = Annotated[str, Strict(), Field(min_length=1, max_length=1_000), AfterValidator(check)]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One that is named as a shipped one adds its phrases to that, and what it says beside them rules."""

    human: Share | None = None
    kept_within_ms: Annotated[Span | None, Field(alias="kept_within")] = None
    phrases: dict[Language, list[Phrase]] = field(default_factory=dict)

    __pydantic_config__ = FROM_FILES

    def over(self, shipped: "Behaviour") -> "Behaviour":
        """This one and a shipped one."""
        phrases = {
            language: list(dict.fromkeys([*shipped.phrases.get(language, ()), *self.phrases.get(language, ())]))
            for language in {**shipped.phrases, **self.phrases}
        }
        human = shipped.human if self.human is None else self.human
        return Behaviour(human, self.kept_within_ms or shipped.kept_within_ms, phrases)


NOTHING = Behaviour()


@dataclass(frozen=True, slots=True)
class BehavioursFile:
    shipped: Flag = True
    titles: list[Text] = field(default_factory=list)
    not_names: list[Text] = field(default_factory=list)
    behaviours: dict[RuleName, Behaviour] = field(default_factory=dict)
    deadlines: dict[Language, Words] = field(default_factory=dict)
    """A language that is named as a shipped one replaces that."""

    __pydantic_config__ = FROM_FILES

    def over(self, shipped: "BehavioursFile") -> "BehavioursFile":
        """With what is shipped, unless it says otherwise."""
        if not self.shipped or self == shipped:
            return self
        names = {**shipped.behaviours, **self.behaviours}
        merged = {
            name: self.behaviours.get(name, NOTHING).over(shipped.behaviours.get(name, NOTHING)) for name in names
        }
        titles, not_names = [*shipped.titles, *self.titles], [*shipped.not_names, *self.not_names]
        return BehavioursFile(True, titles, not_names, merged, shipped.deadlines | self.deadlines)

    def detector(self) -> Behaviours:
        """What finds them."""
        persons = Names(_lower(self.titles), _lower(self.not_names))
        return behaviours_of({name: each.phrases for name, each in self.behaviours.items()}, persons)

    def named_deadlines(self, detector: Behaviours) -> Deadlines:
        """What reads the deadlines that promises name; ``detector``: of this file."""
        promises = [name for name, each in self.behaviours.items() if each.kept_within_ms]
        return deadlines_of(self.deadlines, promises, detector)


def _lower(words: list[str]) -> frozenset[str]:
    return frozenset(word.lower() for word in words)
