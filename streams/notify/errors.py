"""What a person can mend of notify.yaml, its secrets and its topics."""

from streams.base.errors import UserError


class NotifyError(UserError):
    """notify.yaml cannot be gone by; a line of text for each mistake."""
