"""Least squares with errors that hold where a customer answers several times.

Answers of one customer are alike, so they count for less than as many answers of different ones. The variance is the
jackknife over customers, CV3: the model is fitted without each customer in turn (MacKinnon, Nielsen and Webb 2023, Fast
and reliable jackknife and bootstrap methods for cluster-robust inference, Journal of Applied Econometrics 38, 671-694).
It asks nothing of how answers of a customer hang together, nor that they scatter alike everywhere, and errs on the
careful side where customers are few. No fit is made anew: with the design as Q R, leaving out the rows g changes the
effects by R⁻¹ Qg' (1 - Qg Qg')⁻¹ eg.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.special import stdtr, stdtrit

Matrix = NDArray[np.float64]
Codes = NDArray[np.uint32]

TINY = 1e-9
"""Of a share: below it nothing is left."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Effects and their standard errors, (columns asked for, outcomes) each."""

    effects: Matrix
    errors: Matrix


def fit(design: Matrix, outcomes: Matrix, customers: Codes, last: int) -> Fit:
    """The ``last`` columns' effects on each column of the outcomes; the design has full rank and more rows than
    columns.
    """
    back = np.linalg.inv(np.linalg.cholesky(design.T @ design).T)
    q = design @ back
    explained = q.T @ outcomes
    rest = outcomes - q @ explained
    back = back[-last:]
    changes = np.concatenate([back @ _change(q[rows], rest[rows]) for rows in _by_size(customers)])
    spread = changes - changes.mean(axis=0)
    count = len(changes)
    return Fit(back @ explained, np.sqrt((count - 1) / count * (spread**2).sum(axis=0)))


def _by_size(customers: Codes) -> Iterator[NDArray[np.intp]]:
    """The rows of customers that have equally many, (customers, rows of each)."""
    order = np.argsort(customers, kind="stable")
    _, starts, counts = np.unique(customers[order], return_index=True, return_counts=True)
    for size in np.unique(counts):
        yield order[starts[counts == size][:, None] + np.arange(size)]


def _change(q: Matrix, rest: Matrix) -> Matrix:
    """Per customer, in the coordinates of Q: by its rows or by its columns, whichever are fewer."""
    turned = q.swapaxes(1, 2)
    if q.shape[1] <= q.shape[2]:
        return turned @ _solved(q @ turned, rest)
    return _solved(turned @ q, turned @ rest)


def _solved(hat: Matrix, given: Matrix) -> Matrix:
    """(1 - hat)⁻¹ given. What cannot be told without the customer is left as it is, by the pseudo-inverse."""
    left = np.eye(hat.shape[1]) - hat
    whole = np.linalg.det(left) > TINY
    found = np.empty_like(given)
    found[whole] = np.linalg.solve(left[whole], given[whole])
    if not whole.all():
        found[~whole] = np.linalg.pinv(left[~whole], rcond=TINY, hermitian=True) @ given[~whole]
    return found


def independent(columns: Matrix) -> Matrix:
    """As many of the columns as none of them follows from the others."""
    scale = np.linalg.norm(columns, axis=0)
    columns = columns[:, scale > 0]
    alike = columns.T @ columns / np.outer(scale[scale > 0], scale[scale > 0])
    triangle, pivots = qr(alike, mode="r", pivoting=True)
    return columns[:, np.sort(pivots[np.abs(np.diagonal(triangle)) > TINY])]


def own(column: Matrix, others: Matrix) -> Matrix:
    """What of a column does not follow from the others, which have full rank."""
    alike = others.T @ others
    rest = column
    for _ in range(2):  # the second time takes what rounding left
        rest = rest - others @ np.linalg.solve(alike, others.T @ rest)
    return rest


def probability(effect: float, error: float, freedom: int) -> float:
    """Two-sided, of an effect at least so large by chance alone; t with so many degrees of freedom."""
    if error <= TINY * abs(effect):
        return 0.0 if effect else 1.0
    return float(2 * stdtr(freedom, -abs(effect) / error))


def reach(confidence: float, freedom: int) -> float:
    """How many standard errors an interval of this confidence reaches to each side."""
    return float(stdtrit(freedom, (1 + confidence) / 2))


def holm(found: Matrix) -> Matrix:
    """Probabilities corrected for being many (Holm 1979, Scandinavian Journal of Statistics 6, 65-70): whatever hangs
    together among them, the chance that any of the true nulls falls below a level is at most that level.
    """
    order = np.argsort(found, kind="stable")
    stepped = np.maximum.accumulate(found[order] * np.arange(len(found), 0, -1))
    corrected = np.empty_like(found)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected
