"""What the desk cannot do, with the status that says so over HTTP."""

from typing import ClassVar

from streams.base.errors import UserError


class DeskError(UserError):
    """Something that was asked of the desk and cannot be done; the message says why."""

    status: ClassVar[int] = 422
    kind: ClassVar[str] = "refused"
    """A word for programs."""


class CannotAsk(DeskError):
    """A filter, a place or a command that means nothing."""

    kind = "not-understood"


class UnknownAlert(DeskError):
    """No such alert."""

    status, kind = 404, "alert-unknown"


class UnknownSilence(DeskError):
    """No such silence."""

    status, kind = 404, "silence-unknown"


class NoJourney(DeskError):
    """The alert's customer has no journey, or it is about none."""

    status, kind = 404, "journey-unknown"


class Over(DeskError):
    """It is over, or not yet, and so nothing can be done with it."""

    status, kind = 409, "not-in-this-state"
