"""Electrode places of the 10-20 and 10-10 systems on a sphere.

Axes: x to the right, y to the front, z up. The construction is that of Jurcak et al. 2007
(NeuroImage 34:1600) carried over to a sphere: the arcs nasion-Cz-inion and T9-Cz-T10 are divided in
tenths, the ring through Fpz, T7 and Oz and the one through Nz, T9 and Iz in tenths of each half,
and each coronal row between its ends on the ring and the midline in quarters of the circle through
the three. On the sphere that fits a head best, nasion, inion and the preauricular points lie below
the equator: a tenth of these arcs is 23 degrees, so that T7 is 92 degrees from the vertex, where
caps and templates have it. Names are those of the American Clinical Neurophysiology Society 2006
(J Clin Neurophysiol 23:107).
"""

from __future__ import annotations

import numpy as np

from lfpcli.errors import UsageError, nearest

SYSTEMS = ("10-20", "10-10")

# of the arcs over the vertex, and of half a ring
_ARC_TENTH = np.radians(23.0)
_RING_TENTH = np.pi / 10
# inclination of the ring through Fpz, T7 and Oz
RIM = 4 * _ARC_TENTH
_MIDLINE = ("Nz", "Fpz", "AFz", "Fz", "FCz", "Cz", "CPz", "Pz", "POz", "Oz", "Iz")
_RING = ("Fp1", "AF7", "F7", "FT7", "T7", "TP7", "P7", "PO7", "O1")
_LOW_RING = ("N1", "AF9", "F9", "FT9", "T9", "TP9", "P9", "PO9", "I1")
# end on the ring, on the midline; in between the electrodes at these quarters from the ring
_ROWS = {
    "AF": ("AF7", "AFz", {"AF3": 2}),
    "F": ("F7", "Fz", {"F5": 1, "F3": 2, "F1": 3}),
    "FC": ("FT7", "FCz", {"FC5": 1, "FC3": 2, "FC1": 3}),
    "C": ("T7", "Cz", {"C5": 1, "C3": 2, "C1": 3}),
    "CP": ("TP7", "CPz", {"CP5": 1, "CP3": 2, "CP1": 3}),
    "P": ("P7", "Pz", {"P5": 1, "P3": 2, "P1": 3}),
    "PO": ("PO7", "POz", {"PO3": 2}),
}
_FRONT_TO_BACK = {"N": 0, "Fp": 1, "AF": 2, "F": 3, "FT": 4, "FC": 4, "T": 5, "C": 5, "TP": 6}
_FRONT_TO_BACK |= {"CP": 6, "P": 7, "PO": 8, "O": 9, "I": 10}
_TEN_TWENTY = (
    *("Fp1", "Fpz", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8"),
    *("P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"),
)


def montage(system: str) -> tuple[list[str], np.ndarray]:
    """Names and directions of the electrodes of a system, from front to back, left to right.

    Parameters
    ----------
    system : {'10-20', '10-10'}
        Its name.

    Returns
    -------
    names : list of str
    directions : ndarray, shape (C, 3)
        Unit vectors from the centre of the head.

    Raises
    ------
    UsageError
        Where the system is another; the 10-05 system comes from MNE.
    """
    if system not in SYSTEMS:
        raise UsageError(f"unknown montage '{system}'", remedy=nearest(system, SYSTEMS, "montage"))
    places = _ten_ten()
    names = (
        _TEN_TWENTY
        if system == "10-20"
        else [name for name, _ in sorted(places.items(), key=_order)]
    )
    return list(names), np.array([places[name] for name in names])


def _order(item: tuple[str, np.ndarray]) -> tuple[int, float]:
    """Row from front to back by the letters of the name, place in the row by x."""
    name, direction = item
    return _FRONT_TO_BACK[name.rstrip("z0123456789")], float(direction[0])


def _ten_ten() -> dict[str, np.ndarray]:
    places = {name: _on_sphere((k - 5) * _ARC_TENTH, np.pi) for k, name in enumerate(_MIDLINE)}
    for ring, inclination in ((_RING, RIM), (_LOW_RING, RIM + _ARC_TENTH)):
        for k, name in enumerate(ring):
            places[name] = _on_sphere(inclination, (k + 1) * _RING_TENTH)
    for end, middle, between in _ROWS.values():
        for name, quarters in between.items():
            places[name] = _along_circle(places[end], places[middle], quarters / 4)
    for name in [n for n in places if n[-1].isdigit()]:
        stem, number = name.rstrip("0123456789"), int(name.lstrip("ACFINOPTp"))
        places[f"{stem}{number + 1}"] = places[name] * (-1.0, 1.0, 1.0)
    return places


def _on_sphere(inclination: float, azimuth: float) -> np.ndarray:
    """Direction at an inclination from the top; azimuth from the front towards the left."""
    flat = np.sin(inclination)
    return np.array([-flat * np.sin(azimuth), flat * np.cos(azimuth), np.cos(inclination)])


def _along_circle(end: np.ndarray, middle: np.ndarray, share: float) -> np.ndarray:
    """Point on the circle through `end`, `middle` and the mirror image of `end`."""
    mirrored = end * (-1.0, 1.0, 1.0)
    normal = np.cross(end - middle, mirrored - middle)
    normal /= np.linalg.norm(normal)
    centre = (normal @ middle) * normal
    first, last = end - centre, middle - centre
    angle = np.arccos(np.clip(first @ last / (first @ first), -1.0, 1.0))
    weights = np.sin(np.array([1 - share, share]) * angle) / np.sin(angle)
    return np.asarray(centre + weights[0] * first + weights[1] * last)
