"""Errors of the operating side.

OpsError
└── BrokerError     no broker can be reached or started; the message says what to install or where to look
"""


class OpsError(Exception):
    """Base of every error that a person can do something about."""


class BrokerError(OpsError):
    """No broker can be reached or started."""
