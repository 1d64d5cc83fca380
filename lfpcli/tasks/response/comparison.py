"""How much of a simulated signal kernels and spikes explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.forward.convolution import binned, convolved
from lfpcli.io.kernels import Kernels
from lfpcli.io.recording import Recording

_DIPOLE = "dipole"


def explained_variance(kernels: Sequence[Kernels], recording: Recording) -> dict[str, float]:
    """Share of the variance of each signal that its kernels and the spikes explain.

    It is 1 - sum var(x - y) / sum var(x) over channels, x the recorded and y the convolved signal,
    from the length of a kernel on, before which spikes are missing.

    Parameters
    ----------
    kernels : sequence of Kernels
        Kernels of signals.
    recording : Recording
        A run of the network, with its spikes and some of the signals.

    Returns
    -------
    dict of str to float
        By the name of the signal; those that the run has not, or at another sampling interval, or
        that are not longer than a kernel, are left out.
    """
    shares: dict[str, float] = {}
    for each in kernels:
        if each.name == _DIPOLE and "total" in recording.dipole_groups:
            stored = recording.dipole("total")
        elif each.name in recording.signals:
            stored = recording.signal(each.name)
        else:
            continue
        length = len(next(iter(each.values.values())))
        samples = stored.data.shape[0]
        if abs(stored.dt - each.dt) > 1e-9 * each.dt or samples < 2 * length:
            continue
        expected = np.zeros(stored.data.shape)
        for (pre, _), kernel in each.values.items():
            times, _ids = recording.spikes(pre)
            moments = times - stored.t_start
            counts = binned(moments[moments >= 0], each.dt, samples)
            expected += convolved(counts, kernel, 0, samples)
        whole = np.asarray(stored.data[:], float)[length:]
        rest = np.var(whole - expected[length:], axis=0).sum()
        shares[each.name] = float(1.0 - rest / np.var(whole, axis=0).sum())
    return shares
