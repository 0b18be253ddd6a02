"""Policies by name: those that are shipped here, and files of one's own."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from streams.base.document import DocumentError
from streams.policies.policy import Policy
from streams.rules.source import RulesError, Source

FOLDER = Path(__file__).parent
DEFAULT = "tiered"
HELPS = "copy it into the folder policies of your rules and write your own tiers"
_READ = TypeAdapter(Policy)


class NoPolicy(RulesError):
    """There is none of this name, or a shipped one was made for other tiers."""


def shipped() -> list[str]:
    """The names of those that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def own(directory: Path | None) -> list[str]:
    """The names of a deployment's own, in the folder ``policies`` of its rules."""
    return sorted(path.stem for path in (directory / "policies").glob("*.yaml")) if directory else []


@dataclass(frozen=True, slots=True)
class Known:
    """What the other rules have, and a policy may name."""

    tiers: Collection[str]
    types: Collection[str] = ("value", "service", "relationship", "convenience")
    """Of services.yaml; left out, those that are shipped."""


def check(known: Known, directory: Path | None = None) -> None:
    """Read all that there are. Raises RulesError with the mistakes of all of them."""
    mistakes = []
    for name in sorted({*shipped(), *own(directory)}):
        try:
            policy(name, known, directory)
        except RulesError as error:
            mistakes.append(str(error))
    if mistakes:
        raise RulesError("\n".join(mistakes))


def policy(name: str, known: Known, directory: Path | None = None, *, chosen: bool = False) -> Policy:
    """The policy of this name, or this file (``*.yaml``). ``directory``: the rules of a deployment, whose folder
    ``policies`` may hold its own; ``chosen``: somebody wants customers to be served by it.

    Raises NoPolicy; RulesError: a line for each mistake, as ``file:line: path: what is wrong``.
    """
    source = Source(_file(name, directory))
    try:
        found = _READ.validate_python(source.values())
    except ValidationError as error:
        raise RulesError("\n".join(source.mistakes(error, Policy))) from None
    except DocumentError as error:
        raise RulesError(f"{source.path}:{error.line}: {error.message}") from None
    if source.own or chosen:  # a shipped one that nobody chose gives way to a deployment's own tiers and types
        mistakes = [source.at(path, what) for path, what in _unknown(found, known)]
        if mistakes and not source.own:
            mistakes.insert(0, f"{name} was made for other tiers or service types; {HELPS}")
            raise NoPolicy("\n".join(mistakes))
        if mistakes:
            raise RulesError("\n".join(mistakes))
    return found


def warning(name: str, policy: Policy, tiers: Collection[str], directory: Path | None = None) -> str | None:
    """What becomes of customers whose tiers a shipped policy does not know, since it was made for others; None: it
    knows all, or is a deployment's own."""
    if name not in shipped() or name in own(directory):
        return None
    named = {tier for service in policy.services for tier in service.tiers}
    strangers, worthless = sorted({*tiers} - named), sorted({*tiers} - policy.worth.keys())
    if not (named and strangers) and not worthless:
        return None
    known = ", ".join(sorted(named | policy.worth.keys() - {"none"}))
    told = [f"the policy {name} was made for other tiers than those of tiers.yaml ({known})"]
    if named and strangers:
        told.append(f"customers of {', '.join(strangers)} are served like anybody ({policy.services[-1].name})")
    if worthless:
        told.append(f"customers of {', '.join(worthless)} count as worth nothing")
    return f"{'; '.join(told)}: {HELPS}"


def _file(name: str, directory: Path | None) -> Path:
    if name.endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            raise NoPolicy(f"there is no file {name}")
        return Path(name)
    if directory and name in own(directory):
        return directory / "policies" / f"{name}.yaml"
    if name not in shipped():
        mine = f", of your own {', '.join(own(directory))}" if own(directory) else ""
        raise NoPolicy(f"there is no policy {name!r}; shipped are {', '.join(shipped())}{mine}; or name a file, *.yaml")
    return FOLDER / f"{name}.yaml"


def _unknown(policy: Policy, known: Known) -> Iterator[tuple[tuple[str | int, ...], str]]:
    names, types = ", ".join(sorted(known.tiers)), ", ".join(known.types)
    for place, service in enumerate(policy.services):
        for tier in sorted(service.tiers - {*known.tiers}):
            yield ("services", place, "tiers"), f"{tier!r} is not a tier of tiers.yaml ({names})"
    for tier in sorted(policy.worth.keys() - {*known.tiers, "none"}):
        yield ("worth", tier), f"{tier!r} is not a tier of tiers.yaml ({names}), nor none"
    for kind in sorted(policy.routes.keys() - {*known.types}):
        yield ("routes", kind), f"{kind!r} is not a service type of services.yaml ({types})"
