"""Statistics of the spike trains of a population."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lfpcli.errors import UsageError

# pairs grow with the square of the cells; more than these are not correlated
MOST_CORRELATED = 1000
_LEAST_INTERVALS = 2
# counts of all cells in all bins
_MOST_COUNTS = 1 << 27


@dataclass(frozen=True, kw_only=True)
class Trains:
    """Spikes of the cells of a population in a span of time.

    Attributes
    ----------
    times : ndarray, shape (S,)
        Times of the spikes, ms, rising.
    cells : ndarray of int, shape (S,)
        Which of the cells each is of, from 0.
    gids : ndarray of int, shape (N,)
        All cells, silent ones included, rising.
    begin, end : float
        The span, ms.
    """

    times: np.ndarray
    cells: np.ndarray
    gids: np.ndarray
    begin: float
    end: float

    def of(self, gids: np.ndarray) -> Trains:
        """The trains of some of the cells, whose gids have shape (K,)."""
        kept = np.intersect1d(self.gids, gids)
        inside = np.isin(self.gids[self.cells], kept)
        return Trains(
            times=self.times[inside],
            cells=np.searchsorted(kept, self.gids[self.cells[inside]]),
            gids=kept,
            begin=self.begin,
            end=self.end,
        )

    def rates(self) -> np.ndarray:
        """Spikes of each cell over the span, shape (N,), Hz."""
        spikes = np.bincount(self.cells, minlength=len(self.gids))
        return np.asarray(1e3 * spikes / (self.end - self.begin))

    def intervals(self) -> list[np.ndarray]:
        """Intervals between the spikes of each cell, shape (spikes - 1,), ms."""
        order = np.argsort(self.cells, kind="stable")
        bounds = np.searchsorted(self.cells[order], np.arange(len(self.gids) + 1))
        times = self.times[order]
        return [np.diff(times[first:last]) for first, last in pairwise(bounds)]

    def counts(self, width: float) -> np.ndarray:
        """Spikes of each cell in bins of `width` ms, shape (N, bins); a rest is left out."""
        bins = int(np.floor((self.end - self.begin) / width + 1e-9))
        if bins * len(self.gids) > _MOST_COUNTS:
            raise UsageError(
                f"{len(self.gids)} cells have {bins:.3g} bins of {width:g} ms each",
                remedy="widen the bins (--bin), or narrow the span (--time)",
            )
        # a spike on the edge of a bin belongs to the later one, whatever rounding says
        bin_of = np.floor((self.times - self.begin) / width + 1e-9).astype(np.int64)
        inside = (bin_of >= 0) & (bin_of < bins)
        counts = np.zeros((len(self.gids), bins), dtype=np.int64)
        np.add.at(counts, (self.cells[inside], bin_of[inside]), 1)
        return counts


def variation(intervals: list[np.ndarray]) -> tuple[float, float, int]:
    """Mean coefficient of variation, mean local variation, and the number of cells they are of.

    CV is the standard deviation of a cell's intervals over their mean, with n - 1 in the divisor.
    LV is ``3 / (n - 1) sum ((I_k - I_(k+1)) / (I_k + I_(k+1)))^2`` (Shinomoto et al. 2003, Neural
    Comput 15:2823): 1 for Poisson trains, 0 for regular ones, whatever slow changes of rate do.
    Only cells with two intervals or more count.

    Parameters
    ----------
    intervals : list of ndarray, shape (spikes - 1,)
        Of each cell, ms.

    Returns
    -------
    cv, lv : float
        Without unit; NaN where no cell has two intervals.
    cells : int
    """
    cvs, lvs = [], []
    for steps in intervals:
        if len(steps) < _LEAST_INTERVALS or steps.mean() == 0:
            continue
        cvs.append(float(steps.std(ddof=1) / steps.mean()))
        sums = steps[:-1] + steps[1:]
        apart = np.divide(np.diff(steps), sums, out=np.zeros_like(sums), where=sums > 0)
        lvs.append(float(3 * np.mean(apart**2)))
    if not cvs:
        return float("nan"), float("nan"), 0
    return float(np.mean(cvs)), float(np.mean(lvs)), len(cvs)


def fano_factor(counts: np.ndarray) -> float:
    """Mean over cells of the variance of their counts (N, bins) over the mean; NaN without spikes.

    The variance has bins - 1 in its divisor; without unit, 1 for Poisson trains.
    """
    # the factor of a silent cell is 0 / 0
    counts = counts[counts.any(axis=1)]
    if not len(counts) or counts.shape[1] < 2:
        return float("nan")
    return float(np.mean(counts.var(axis=1, ddof=1) / counts.mean(axis=1)))


def mean_correlation(counts: np.ndarray) -> float:
    """Mean Pearson correlation of the counts (N, bins) of all pairs of cells, without unit.

    Cells whose counts never change are left out; of more than 1,000 cells, the first 1,000 are
    taken. NaN for fewer than two.
    """
    # a constant count has no correlation with anything
    varying = counts[np.ptp(counts, axis=1) > 0][:MOST_CORRELATED] if counts.size else counts[:0]
    if len(varying) < 2:
        return float("nan")
    matrix = np.corrcoef(varying)
    return float((matrix.sum() - np.trace(matrix)) / (len(varying) * (len(varying) - 1)))


def population_rate(counts: np.ndarray, width: float) -> np.ndarray:
    """Mean rate (bins,) of the cells in each bin of their counts (N, bins), Hz; the PSTH.

    NaN where there are no cells.
    """
    if not len(counts):
        return np.full(counts.shape[1], np.nan)
    return np.asarray(1e3 * counts.mean(axis=0) / width)
