"""What people asked for over the HTTP API, and what came of it (``api.audit``)."""

from typing import Literal

from schemas.fields import Model, String, UtcTime, Whole


class AuditRecord(Model):
    """One command that somebody gave over the HTTP API. It holds neither secrets nor what was written in a note, and
    names no customer."""

    audit_id: String
    """Name of the record, also its key."""
    at: UtcTime
    """When it was asked."""
    who: String
    """The name of the token, or what the identity provider calls the person."""
    by: Literal["token", "oidc"]
    """How they said who they are."""
    role: Literal["viewer", "operator", "admin"]
    """What they may do."""
    action: String
    """acknowledge, assign, comment, escalate, snooze, close, silence, end-silence; new ones may come."""
    target: String | None
    """The alert, without its customer, or the silence; null where the request named none that could be read."""
    asked: dict[str, String]
    """What else was asked for: until, to, ends, starts, matchers."""
    command_id: String | None
    """Id of the event that was sent; null where none was."""
    result: Literal["accepted", "refused", "denied", "failed"]
    """accepted = it is sent; denied = not with that role; failed = it could not be sent, and the record of the same
    command_id that says accepted does not hold."""
    status: Whole
    """Status of the answer."""
    why: String | None
    """Why it was refused, denied or failed."""
