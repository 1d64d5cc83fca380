"""Least distances of contacts from the axes of line sources, as bmtk takes them."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.potentials import PotentialModel
from lfpcli.geometry import Geometry

# um: along the axis from the middle, and away from it, of a segment 40 um long and 10 um thick
LENGTH, RADIUS, SIGMA = 40.0, 5.0, 0.3
PLACES = [
    (0.0, 2.0),
    (19.0, 1.0),
    (23.0, 3.0),
    (24.9, 4.9),
    (-23.0, 3.0),
    (26.0, 0.5),
    (60.0, 80.0),
]


def segment() -> Geometry:
    half = LENGTH / 2
    return Geometry(
        start=np.array([[-half, 0.0, 0.0]]),
        end=np.array([[half, 0.0, 0.0]]),
        diam=np.array([2 * RADIUS]),
    )


def potential(along: float, away: float) -> float:
    """1 nA in a line, at a point, mV."""
    near, far = abs(along) - LENGTH / 2, abs(along) + LENGTH / 2
    span = np.arcsinh(far / away) - np.arcsinh(near / away)
    return float(span / (4 * np.pi * SIGMA * LENGTH))


@pytest.mark.parametrize("least", ["auto", 0.0, 12.0])
def test_contacts_keep_away_from_the_axis(least):
    matrix = PotentialModel(minimum_distance=least).matrix(
        segment(), np.array([[along, away, 0.0] for along, away in PLACES])
    )
    held = RADIUS if least == "auto" else least
    for value, (along, away) in zip(matrix[:, 0], PLACES, strict=True):
        is_held = abs(along) - LENGTH / 2 < held
        expected = potential(along, max(away, held) if is_held else away)
        assert value == pytest.approx(expected, rel=1e-12)


def test_far_contacts_are_as_without_it():
    contacts = np.array([[0.0, 30.0, 10.0], [80.0, 3.0, 0.0]])
    matrix = PotentialModel(minimum_distance="auto").matrix(segment(), contacts)
    np.testing.assert_array_equal(matrix, PotentialModel().matrix(segment(), contacts))


@pytest.mark.parametrize("options", [{"method": "point"}, {"sigma": [0.3, 0.3, 0.4]}])
def test_other_sources_and_media_have_none(options):
    with pytest.raises(UsageError, match="line sources in the infinite medium"):
        PotentialModel(minimum_distance="auto", **options)
    with pytest.raises(UsageError, match="not with faces"):
        contacts = Contacts(
            np.array([[0.0, 30.0, 10.0]]), normals=np.array([[0.0, 1.0, 0.0]]), radius=5.0
        )
        PotentialModel(minimum_distance="auto").matrix(segment(), contacts)
