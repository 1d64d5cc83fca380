"""Settings of a run: its times, temperature and solver."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import UsageError


@dataclass(frozen=True)
class RunSettings:
    """What a run needs beside the cells.

    Attributes
    ----------
    tstop : float
        End, ms.
    dt : float
        Time step, ms; with `adaptive`, the grid that samples are taken on.
    tstart : float
        Where the run begins, ms, <= 0; samples are kept from 0 on.
    v_init : float
        Initial membrane potential, mV.
    celsius : float
        Temperature, degrees Celsius.
    adaptive : bool
        Whether NEURON's variable time step (CVODE) is used.
    atol, rtol : float
        Its error bounds.
    engine : {'neuron', 'coreneuron'}
        What advances the equations.
    secondorder : int
        NEURON's variable of this name: 2 for the Crank-Nicolson method.
    own_procedures : frozenset of str
        Those of ``init`` and ``advance`` that hoc calls, as the model defines them, instead of
        NEURON's own; with the fixed step of NEURON on one process.
    seed : int or None
        Of the run. It sets the one stream of a process that ``scop_random`` and the like draw from;
        None leaves it where it is.
    """

    tstop: float
    dt: float = vocabulary.DT
    tstart: float = 0.0
    v_init: float = -65.0
    celsius: float = 6.3
    adaptive: bool = False
    atol: float = 1e-3
    rtol: float = 0.0
    engine: str = "neuron"
    secondorder: int = 0
    own_procedures: frozenset[str] = frozenset()
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("tstop", "dt", "tstart", "v_init", "celsius", "atol", "rtol"):
            if not math.isfinite(getattr(self, name)):
                raise UsageError(f"'{name}' is not a finite number")
        if self.dt <= 0:
            raise UsageError(f"dt is {self.dt:g} ms, expected more than 0")
        if self.tstop <= 0:
            raise UsageError(f"tstop is {self.tstop:g} ms, expected more than 0")
        if self.tstart > 0:
            raise UsageError(f"tstart is {self.tstart:g} ms, expected 0 or less")

    @property
    def samples(self) -> int:
        """Number of samples at 0, dt, 2 dt ... up to tstop."""
        return math.floor(self.tstop / self.dt + 1e-9) + 1

    @property
    def current_offset(self) -> float:
        """Time of a sample's membrane currents less that of its potentials, ms.

        With the Crank-Nicolson method NEURON's `i_membrane_` is that in the middle of the step.
        """
        return -0.5 * self.dt if self.secondorder and not self.adaptive else 0.0

    @property
    def ionic_lag(self) -> float:
        """By how much a sample's ionic and synaptic currents are older than its potentials, ms.

        A fixed step computes them at its beginning, and solves for the potentials at its end.
        """
        return 0.0 if self.adaptive else self.dt

    @property
    def warmup(self) -> int:
        """Number of steps before t = 0."""
        return round(-self.tstart / self.dt)

    @property
    def times(self) -> np.ndarray:
        """Times of the samples, shape (samples,), ms."""
        return self.dt * np.arange(self.samples)
