"""What the commands share: one way to fail, the settings, the broker, options that several have."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from streams.base.errors import UserError
from streams.local.text import Terminal

if TYPE_CHECKING:
    from streams.local.broker import Broker, Say
    from streams.settings import Settings

PROGRAM = "contact-streams"
STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
FAULTY = 2
"""Exit code when rows of a call log were unreadable or refused, and more of them than are tolerated."""

Prefix = Annotated[str | None, typer.Option("--topic-prefix", help="Put before every topic's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Tolerate = Annotated[
    int, typer.Option(min=0, help="End with 0 though so many rows are unreadable or refused; else with 2.")
]

err = Terminal(stderr=True)


def fail(why: object, code: int = 1) -> typer.Exit:
    """Say why on stderr; raise the result."""
    err.fail(f"{PROGRAM}: {why}")
    return typer.Exit(code)


class Commands(TyperGroup):
    """The commands: what a person can mend ends each of them with 1 and a sentence; a fault of ours is a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run one."""
        with failures():
            return super().invoke(ctx)


@contextmanager
def failures() -> Iterator[None]:
    """Ends with `fail` what a person can mend."""
    try:
        yield
    except typer.Exit:
        raise
    except _mendable() as error:
        raise fail(error) from None


def _mendable() -> tuple[type[Exception], ...]:
    """The contract stands alone, so its error is not below ours."""
    from schemas.registry import RegistryError

    return UserError, RegistryError


@contextmanager
def stopping(said: str) -> Iterator[None]:
    """Ends with 130 what Ctrl-C stops, and says what became of it."""
    try:
        yield
    except KeyboardInterrupt:
        err.print(f"{PROGRAM}: {said}", highlight=False, soft_wrap=True)
        raise typer.Exit(STOPPED) from None


class PackageMissing(UserError):
    """What a command needs beside the product is not installed."""


@contextmanager
def extra(name: str, what: str, **packages: str) -> Iterator[None]:
    """Around the import of what only an extra has: its packages, and from which version on. Raises PackageMissing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in packages:
            raise
        wanted = " ".join(f"'{package}>={version}'" for package, version in packages.items())
        raise PackageMissing(
            f"{what} the package {error.name.partition('.')[0]}, which workers do without: pip install {wanted} (the "
            f"extra `{name}`), or run it in a clone, where `make` installs it"
        ) from None


def load(*, broker: bool = False, **overrides: object) -> "Settings":
    """The settings with the options that were given; with ``broker``, one that answers. Raises SettingsError,
    BrokerError.
    """
    from streams import settings

    found = settings.load(**overrides)
    return with_broker(found, start=False)[0] if broker else found


def readings_of(settings: "Settings", file: Path | None) -> AsyncIterator[bytes]:
    """Records of the topic kpis, or of a file. Raises BrokerError."""
    from streams.inspect.readings import TOPIC, recorded
    from streams.kafka.connection import connection_of
    from streams.kafka.reading import values_of

    if file is not None:
        return recorded(file)
    settings, _ = with_broker(settings, start=False)
    return values_of(connection_of(settings), settings.topic_prefix + TOPIC)


def with_broker(
    settings: "Settings", *, start: bool = True, say: "Say | None" = None
) -> "tuple[Settings, Broker | None]":
    """The settings with a broker: the one they name, else a local one that runs, else one that is started, which comes
    beside them. Raises BrokerError.
    """
    from streams.local.bootstrap import resolve_bootstrap
    from streams.local.broker import to_log

    if settings.bootstrap_servers:
        return settings, None
    found = resolve_bootstrap(start=start, say=say or to_log)
    return settings.model_copy(update={"bootstrap_servers": found.servers}), found.started
