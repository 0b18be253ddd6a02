"""``contact-streams rules apply`` and ``applied``: alert rules that are changed while workers run."""

import asyncio
import getpass
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.common import AsJson, Prefix, err, load
from streams.local.text import Terminal, as_json, echo

if TYPE_CHECKING:
    from streams.rules import Rules
    from streams.settings import Settings
    from streams.worker.applying import Applied, Change, Proposal


def apply(
    directory: Annotated[Path, typer.Argument(help="Folder with alerts.yaml; its other files must be the workers'.")],
    reason: Annotated[str | None, typer.Option(help="Why; needed to apply.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so. Default: the user of this machine.")] = None,
    only_show: Annotated[bool, typer.Option("--dry-run", help="Only check, and show what would change.")] = False,
    json_asked: AsJson = False,
    topic_prefix: Prefix = None,
) -> None:
    """Put the alert rules of a folder in force while workers run: all of them change at the same place of the log, and
    alerts that fire are judged anew.

    Only alerts.yaml is applied; every other file needs a restart. From then on the applied rules count, whatever
    alerts.yaml a worker starts with.

    [bold]Examples[/]: contact-streams rules apply my-rules --dry-run

    contact-streams rules apply my-rules --reason "the bank holiday is over"
    """
    from streams import rules
    from streams.rules import RulesError
    from streams.worker.applying import proposal

    settings = load(rules_dir=directory, topic_prefix=topic_prefix)
    if not (directory / "alerts.yaml").is_file():
        raise RulesError(f"{directory}: has no alerts.yaml, and nothing else can be applied")
    decided = rules.of(settings)
    wanted = proposal(directory, decided)
    if not only_show and not (reason or "").strip():
        raise RulesError("--reason is missing: say why, for who looks at it later; or --dry-run")
    settings = load(broker=True, rules_dir=directory, topic_prefix=topic_prefix)
    known, number = asyncio.run(
        _apply(settings, decided, wanted, None if only_show else (by or getpass.getuser(), reason or ""))
    )
    _say(settings, known, wanted, number, as_data=json_asked, decided=decided)


async def _apply(
    settings: "Settings", decided: "Rules", wanted: "Proposal", who: tuple[str, str] | None
) -> "tuple[Applied | None, int | None]":
    """What was in force, and the number under which these are applied; None = they are not."""
    from streams.rules.applied import Wanted
    from streams.worker.applying import in_force, publish

    known = await in_force(settings, decided.customers.reader)
    if who is None or (known is not None and known.version == wanted.version):
        return known, None
    number = 1 if known is None else known.number + 1
    await publish(settings, Wanted(wanted.version, wanted.rules, *who, int(time.time() * 1000)), number)
    return known, number


def _say(
    settings: "Settings",
    known: "Applied | None",
    wanted: "Proposal",
    number: int | None,
    *,
    as_data: bool,
    decided: "Rules",
) -> None:
    from streams.worker.applying import changes

    found = [] if known is None else changes(
        decided.customers.reader.read(known.version, known.rules).file, wanted.read.file
    )  # fmt: skip
    same = known is not None and known.version == wanted.version
    if as_data:
        told = [each._asdict() for each in found]
        before = None if known is None else known.version
        echo(as_json({"version": wanted.version, "number": number, "before": before, "changes": told}))
        return
    if known is None:
        err.note("nothing was applied so far: workers go by the alerts.yaml that they were started with")
        echo(f"{len(wanted.read.names)} rules: {', '.join(sorted(wanted.read.names)) or 'none'}")
    for each in found:
        echo(_line(each))
    if same:
        echo(f"version {wanted.version} is in force already; nothing is applied")
    elif number is None:
        echo(f"would be applied as version {wanted.version}; nothing is applied")
    else:
        echo(f"applied as version {wanted.version}, number {number}: workers go over to it where they read it")
        err.note("workers whose other files are not those of the folder may refuse it, as a dead letter")


def _line(change: "Change") -> str:
    return f"{change.what:8} {change.rule}" + (f": {', '.join(change.fields)}" if change.fields else "")


def applied(json_asked: AsJson = False, topic_prefix: Prefix = None) -> None:
    """Show the alert rules that were applied last: version, number, who, when, why, and what they say.

    [bold]Examples[/]: contact-streams rules applied

    contact-streams rules applied --json
    """
    import yaml

    from streams import rules
    from streams.base.times import iso
    from streams.worker.applying import in_force

    settings = load(broker=True, topic_prefix=topic_prefix)
    known = asyncio.run(in_force(settings, rules.of(settings).customers.reader))
    if known is None:
        if json_asked:
            echo("null")
        else:
            echo("nothing was applied: workers go by the alerts.yaml that they were started with")
        return
    head: dict[str, Any] = {
        "version": known.version, "number": known.number, "by": known.by, "at": iso(known.time), "reason": known.reason,
    }  # fmt: skip
    if json_asked:
        echo(as_json(head | {"rules": known.rules}))
        return
    for name, value in head.items():
        echo(f"# {name}: {value}")
    Terminal().plain(yaml.safe_dump(dict(known.rules), sort_keys=False, allow_unicode=True, width=120).rstrip("\n"))
