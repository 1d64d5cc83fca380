"""Extracellular stimulation with LFPy's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.stimulation import stimulation_potential
from lfpcli.geometry import Geometry

_MEDIA = {"inf": "infinite", "semi": "half-space"}


class Stimulated:
    """Methods of a cell that stimulate it from outside, before those of the library's own."""

    geometry: Geometry
    segments: list[Any]
    fields: list[Any]

    def enable_extracellular_stimulation(
        self,
        electrode: Any,
        t_ext: ArrayLike | None = None,
        n: int = 1,
        model: str = "inf",
    ) -> np.ndarray | None:
        """Let the currents of electrodes act on the outside of the segments.

        Parameters
        ----------
        electrode : RecExtElectrode or sequence of them
            With currents, nA, in ``probe.currents``.
        t_ext : array_like, shape (K,), optional
            When each column of currents begins to hold, ms; left out, the steps of the run.
        n : int
            Points on the face of a contact, over which the potential is averaged; 1 for points.
        model : {'inf', 'semi'}
            Infinite medium, or a half space that the contacts bound.

        Returns
        -------
        ndarray, shape (N, K), or None
            The potential, mV; None where all currents are 0.

        Raises
        ------
        UsageError, InputError
            Where `model` is unknown, or currents and times do not go together.
        """
        if model not in _MEDIA:
            raise UsageError(f"model is '{model}', not 'inf' or 'semi'")
        electrodes = list(electrode) if isinstance(electrode, (list, tuple)) else [electrode]
        currents = [np.atleast_2d(each.probe.currents) for each in electrodes]
        if not any(np.any(block) for block in currents):
            return None
        times = self._times(currents, t_ext)
        total = np.zeros((len(self.segments), len(times)))
        for each, block in zip(electrodes, currents, strict=True):
            total += stimulation_potential(
                self.geometry,
                each.contacts if n > 1 else Contacts(each.contacts.positions),
                block,
                sigma=each.sigma,
                medium=_MEDIA[model],
                quadrature=max(int(n), 1),
            )
        self.insert_v_ext(total, times)
        return total

    def insert_v_ext(self, v_ext: ArrayLike, t_ext: ArrayLike) -> None:
        """As the library's own, save that a second potential takes the place of the first."""
        # LFPy plays one potential; the library's own cells add theirs
        self.fields = []
        super().insert_v_ext(v_ext, t_ext)  # type: ignore[misc]

    def _times(self, currents: Sequence[np.ndarray], t_ext: ArrayLike | None) -> np.ndarray:
        steps = {block.shape[1] for block in currents}
        if t_ext is None:
            times: np.ndarray = self.settings.times  # type: ignore[attr-defined]
        else:
            times = np.asarray(t_ext, dtype=float)
        if steps != {len(times)}:
            raise InputError(
                f"currents have {sorted(steps)} columns and there are {len(times)} times",
                remedy="give t_ext, when each column begins",
            )
        return times
