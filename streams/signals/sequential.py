"""The test: do contacts turn out badly more often than before? It may be looked at after each contact.

Universal inference for two samples, as an e-process: the likelihood of the history and of what came since under
alternatives that were fixed before, over the largest likelihood of both under any pair of shares in which the newer one
is at most ``tolerated`` times the older. So the history is not taken for the truth: that it is an estimate is paid for
in the denominator. By Ville's inequality the ratio ever exceeds 1/level with probability at most level, whenever one
looks and stops, for any share, as long as contacts are independent and none of the two shares moves.

Sources: L. Wasserman, A. Ramdas, S. Balakrishnan, Universal inference, PNAS 117 (2020) 16880–16890, section 8
(sequential settings); A. Ramdas, P. Grünwald, V. Vovk, G. Shafer, Game-theoretic statistics and safe anytime-valid
inference, Statistical Science 38 (2023) 576–601; J. Ville, Étude critique de la notion de collectif (1939). A new test
each day, each with its part of a year's false alarms, in the manner of J. Shin, A. Ramdas, A. Rinaldo, E-detectors, New
England Journal of Statistics in Data Science (2024).
"""

from math import exp, inf, lgamma, log, pi, sqrt
from typing import NamedTuple

ODDS = (1.4, 1.8, 2.3, 3.0, 5.0)
"""The alternatives: by how much the odds have grown; beside them any share, for rises of another kind. All of these are
as likely as each other."""


class Sample(NamedTuple):
    """Contacts, and how many of them were negative."""

    contacts: int
    negative: int

    @property
    def share(self) -> float:
        """0 of none."""
        return self.negative / self.contacts if self.contacts else 0.0

    def __add__(self, other: "Sample") -> "Sample":  # type: ignore[override]
        return Sample(self.contacts + other.contacts, self.negative + other.negative)


NONE = Sample(0, 0)


def log_e(before: Sample, since: Sample, tolerated: float) -> float:
    """Natural logarithm of the e-value of a rise beyond ``tolerated`` (≥ 1); ``before``: not empty."""
    return _mixture(before) + _alternatives(before, since) - _null(before, since, tolerated)


def _mixture(sample: Sample) -> float:
    """Log-likelihood of contacts, with every share as likely as Jeffreys has it."""
    good = sample.contacts - sample.negative
    return lgamma(sample.negative + 0.5) + lgamma(good + 0.5) - lgamma(sample.contacts + 1) - log(pi)


def _alternatives(before: Sample, since: Sample) -> float:
    """Log-likelihood of what came since, under the mean of the alternatives; they follow from the history."""
    odds = (before.negative + 0.5) / (before.contacts - before.negative + 0.5)
    found = [_log_likelihood(since, grown / (1 + grown)) for grown in (odds * times for times in ODDS)]
    found.append(_mixture(since))
    most = max(found)
    return most + log(sum(exp(each - most) for each in found) / len(found))


def _null(before: Sample, since: Sample, tolerated: float) -> float:
    """The largest log-likelihood of both under shares p and q with q ≤ ``tolerated`` · p."""
    if since.share <= min(1.0, tolerated * before.share):
        return _log_likelihood(before, before.share) + _log_likelihood(since, since.share)
    # On the edge, q = tolerated · p: the smaller root of the derivative.
    bad = before.negative + since.negative
    good_before, good_since = before.contacts - before.negative, since.contacts - since.negative
    whole = tolerated * (bad + good_before + good_since)
    middle = bad * (1 + tolerated) + good_before + tolerated * good_since
    share = 2 * bad / (middle + sqrt(max(0.0, middle * middle - 4 * whole * bad)))
    return _log_likelihood(before, share) + _log_likelihood(since, min(1.0, tolerated * share))


def _log_likelihood(sample: Sample, share: float) -> float:
    good = sample.contacts - sample.negative
    return _times_log(sample.negative, share) + _times_log(good, 1 - share)


def _times_log(count: int, chance: float) -> float:
    if not count:
        return 0.0
    return count * log(chance) if chance > 0 else -inf
