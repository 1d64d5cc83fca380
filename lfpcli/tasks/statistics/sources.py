"""Current source density that potentials along a line tell of."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lfpcli.errors import MissingDependencyError
from lfpcli.tasks.statistics.fields import standard_csd

# A/m3 and uA/mm3 in nA/um3
_PER_CUBIC_METRE, _PER_CUBIC_MILLIMETRE = 1e-9, 1e-6
_MILLIMETRE = 1e-3


def estimated_csd(
    potentials: np.ndarray,
    heights: np.ndarray,
    *,
    method: str,
    sigma: float,
    diameter: float,
    dt: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Current source density along a line of contacts at equal distances.

    Parameters
    ----------
    potentials : ndarray, shape (T, C)
        From the lowest contact to the highest, mV.
    heights : ndarray, shape (C,)
        Where these are, um.
    method : {'standard', 'icsd', 'kcsd'}
        The second difference (Nicholson and Freeman 1975, J Neurophysiol 38:356); sources in
        cylinders about the contacts, the step method of Pettersen et al. 2006 (J Neurosci Methods
        154:116); or the kernel method of Potworowski et al. 2012 (Neural Comput 24:541) in one
        dimension, its width and ridge by cross-validation. The last two are those of Elephant.
    sigma : float
        Conductivity, S/m.
    diameter : float
        Of the cylinders that the sources fill, um; not for the standard method.
    dt : float
        Sampling interval, ms.

    Returns
    -------
    density : ndarray, shape (T, K)
        nA/um3.
    heights : ndarray, shape (K,)
        um.

    Raises
    ------
    MissingDependencyError
        Where Elephant is not installed.
    """
    spacing = float(heights[1] - heights[0])
    if method == "standard":
        return standard_csd(potentials, spacing, sigma), heights[1:-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        elephant, neo, quantities = elephant_modules()
    signal = neo.AnalogSignal(
        potentials, units="mV", sampling_period=dt * quantities.ms, t_start=0 * quantities.ms
    )
    places = heights * quantities.um
    if method == "icsd":
        # Elephant takes cylinders that reach below 0 for something else; only distances count
        places = places - places[0] + spacing * quantities.um
        options = _step_options(spacing, sigma=sigma, diameter=diameter, quantities=quantities)
    else:
        options = _kernel_options(heights, sigma=sigma, diameter=diameter)
    estimate = _quietly(
        elephant.estimate_csd, signal, coordinates=places[:, None].rescale("m"), **options
    )
    values = np.asarray(estimate.magnitude, dtype=float)
    if method == "icsd":
        return _PER_CUBIC_METRE * values, heights
    places_of = np.asarray(estimate.annotations["x_coords"], dtype=float) / _MILLIMETRE
    return _PER_CUBIC_MILLIMETRE * values, places_of.round(6)


def _step_options(
    spacing: float, *, sigma: float, diameter: float, quantities: Any
) -> dict[str, Any]:
    """Options of Elephant's step method: sources in cylinders as high as the contacts are apart."""
    conductivity = sigma * quantities.S / quantities.m
    return {
        "method": "StepiCSD",
        "diam": diameter * 1e-6 * quantities.m,
        "h": spacing * 1e-6 * quantities.m,
        "sigma": conductivity,
        "sigma_top": conductivity,
        # of integrals over metres
        "tol": 1e-14,
        "f_type": "identity",
        "f_order": 1,
        "process_estimate": False,
    }


def _kernel_options(heights: np.ndarray, *, sigma: float, diameter: float) -> dict[str, Any]:
    """Options of Elephant's kernel method for contacts at heights (C,), um; it counts in mm."""
    reach = heights[[0, -1]] * _MILLIMETRE
    spacing = (heights[1] - heights[0]) * _MILLIMETRE
    return {
        "method": "KCSD1D",
        "sigma": sigma,
        "h": 0.5 * diameter * _MILLIMETRE,
        "xmin": reach[0],
        "xmax": reach[1],
        "gdx": (reach[1] - reach[0]) / len(heights),
        "Rs": np.linspace(1.0, 4.0, 7) * spacing,
    }


def _quietly(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function whose prints and warnings are no part of what is asked for."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def elephant_modules() -> tuple[Any, Any, Any]:
    """Elephant's estimates of the CSD, Neo and Quantities.

    Raises
    ------
    MissingDependencyError
        Where one is not installed.
    """
    # Elephant imports mpi4py where it can, which would start MPI, or fail without its library
    before = sys.modules.get("mpi4py")
    if before is None:
        sys.modules["mpi4py"] = None  # type: ignore[assignment]
    try:
        import neo
        import quantities
        from elephant import current_source_density
    except ImportError as error:
        raise MissingDependencyError(
            "CSD by icsd or kcsd needs Elephant, which is not installed",
            remedy="pip install 'lfpcli[elephant]', or leave --csd out",
        ) from error
    finally:
        if before is None:
            del sys.modules["mpi4py"]
    return current_source_density, neo, quantities
