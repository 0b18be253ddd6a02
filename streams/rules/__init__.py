"""The rules a worker decides by: thirteen YAML files, shipped here, each of which a folder of one's own may replace.

``load`` reads and checks them and gives what a worker decides by (`Rules`). Every mistake is reported at once, each as
``file:line: path: what is wrong, what is allowed``.
"""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from streams.base.document import DocumentError, parse
from streams.base.times import DAY_MS
from streams.identity.nobody import Nobody, values_of
from streams.identity.rules import IdentityRules
from streams.rules import alerts as alert_files
from streams.rules import files as rule_files
from streams.rules import policies
from streams.rules.applied import AppliedReader
from streams.rules.behaviours import BehavioursFile
from streams.rules.files import Files, Rules, TrackingFile, build
from streams.rules.source import CASES, SHIPPED, RulesError, Source, file_of
from streams.settings import Settings, variable

KINDS = get_type_hints(Files)
FILES = {name: TypeAdapter[Any](kind) for name, kind in KINDS.items()}
"""Name without ``.yaml`` → what reads it."""

__all__ = ["FILES", "SHIPPED", "Rules", "RulesError", "known", "load", "of", "shipped_nobody", "warnings"]


def load(
    directory: Path | None = None, overrides: Mapping[str, object] | None = None, policy: str | None = None
) -> Rules:
    """The rules of a folder; a file it does not have is the shipped one, and its nobody.yaml adds to that.

    ``overrides`` by dotted path below the file's name, list items by number: ``{"kpis.time_zone": "Europe/Berlin",
    "alerts.rules.0.when.waiting.above": "90s"}``. ``policy``: by which customers are served; one that is named must
    fit the tiers. Raises RulesError.
    """
    if directory is not None and not directory.is_dir():
        raise RulesError(
            f"{directory}: not a folder; it should hold one or more of {', '.join(f'{name}.yaml' for name in FILES)}"
        )
    mistakes = _ignored(directory, policy) if directory else []
    given = dict(overrides or {})
    sources = {name: Source(file_of(name, directory), given) for name in FILES}
    mistakes += [f"override {path!r}: no such rule; a path begins with one of {', '.join(FILES)}" for path in given]
    files: dict[str, Any] = {}
    for name, source in sources.items():
        try:
            files[name] = FILES[name].validate_python(source.values())
        except ValidationError as error:
            mistakes += source.mistakes(error, KINDS[name])
        except DocumentError as error:
            mistakes.append(f"{source.path}:{error.line}: {error.message}")
    if not mistakes:
        files["behaviours"] = files["behaviours"].over(shipped_behaviours())
        alerts, services, tiers = sources["alerts"], sources["services"], files["tiers"]
        wrong = alert_files.mistakes(Files(**files), alerts.given, {*policies.shipped(), *policies.own(directory)})
        unfit = [alerts.at(path, what) for path, what in wrong]
        mistakes += unfit if alerts.own else [f"{each}; put an alerts.yaml into your folder" for each in unfit[:1]]
        mistakes += [sources["tiers"].at(path, what) for path, what in tiers.crossed()]
        mistakes += [services.at(path, what) for path, what in files["services"].unknown(files["intents"].intents)]
        if what := _too_short(files["identity"], files["tracking"]):
            mistakes.append(sources["identity"].at(("expires_after",), what))
        mistakes += [
            sources[name].at(path, what)
            for name, path, what in rule_files.mistakes(Files(**files))
            if sources[name].own  # a shipped file gives way to what is one's own
        ]
    if mistakes:
        raise RulesError("\n".join(mistakes))
    known = policies.Known(files["tiers"].tiers, files["services"].types)
    served = policies.policy(policy or policies.DEFAULT, known, directory, chosen=policy is not None)
    every, named = Files(**files), {*policies.shipped(), *policies.own(directory)}
    built = build(every, shipped_nobody(), served, Path(policy or policies.DEFAULT).stem)
    return replace(built, customers=replace(built.customers, reader=AppliedReader(every, named)))


@cache
def shipped_nobody() -> Nobody:
    """The values for nobody that the product ships."""
    return values_of(parse((SHIPPED / "nobody.yaml").read_text(encoding="utf-8")).values)


@cache
def shipped_behaviours() -> BehavioursFile:
    """What agents are seen to do, as the product ships it."""
    given = parse((SHIPPED / "behaviours.yaml").read_text(encoding="utf-8")).values
    found: BehavioursFile = FILES["behaviours"].validate_python(given)
    return found


def of(settings: Settings) -> Rules:
    """The rules by which workers with these settings decide: those of their folder, days in their time zone. Raises
    RulesError.
    """
    zone = {"kpis.time_zone": settings.time_zone} if settings.time_zone else None
    try:
        return load(settings.rules_dir, zone, settings.policy)
    except policies.NoPolicy as error:
        raise RulesError(f"{variable('policy')}: {error}") from None


def known(rules: Rules) -> policies.Known:
    """What a policy beside these rules may name."""
    return policies.Known(rules.tiers, rules.customers.services.types)


def warnings(settings: Settings, rules: Rules) -> list[str]:
    """What a person should know of rules that are usable."""
    served = rules.customers.policy
    found = served and policies.warning(settings.policy or policies.DEFAULT, served, rules.tiers, settings.rules_dir)
    return [found] if found else []


def _ignored(directory: Path, policy: str | None) -> list[str]:
    """The files of a folder that nobody would read, though they look as if: a line for each."""
    chosen = Path(policy).resolve() if policy else None
    found, names = [], [f"{name}.yaml" for name in (*FILES, CASES)]
    for path in sorted(directory.iterdir()):
        looks = path.suffix.lower() in (".yaml", ".yml") and not path.name.startswith(".")
        if looks and path.name not in names and path.resolve() != chosen and path.is_file():
            near = get_close_matches(path.stem.lower(), FILES, n=1, cutoff=0.7)
            hint = (
                f"did you mean {near[0]}.yaml?" if near else f"known are {', '.join(names)}; policies lie in policies/"
            )
            found.append(f"{path}: is no file of the rules, and would not be read; {hint}")
    return found


def _too_short(identity: IdentityRules, tracking: TrackingFile) -> str | None:
    """A link must not run out while a contact that shows it may still take that back."""
    longest = max(tracking.contacts.horizon, *tracking.contacts.channel_horizons.values(), 0)
    if identity.expires_after_ms is None or identity.expires_after_ms > longest:
        return None
    return f"expected longer than contacts are known after their last word: {longest // DAY_MS}d in tracking.yaml"
