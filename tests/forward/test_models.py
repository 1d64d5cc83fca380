"""The model classes, and what they take for a cell."""

from __future__ import annotations

import lfpykit
import MEAutility
import numpy as np
import pytest
from chance import as_lfpykit, contacts, segments, within

from lfpcli.errors import InputError, LfpWarning, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.models import (
    CurrentDipoleMoment,
    LaminarCurrentSourceDensity,
    LinearModel,
    LineSourcePotential,
    OneSphereVolumeConductor,
    PointSourcePotential,
    RecExtElectrode,
    RecMEAElectrode,
    VolumetricCurrentSourceDensity,
)
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.sources import as_geometry
from lfpcli.geometry import Geometry


class Columns:
    """A cell that has no more than x, y, z, d."""

    def __init__(self, geometry: Geometry) -> None:
        self.x, self.y, self.z = (
            np.column_stack([geometry.start[:, k], geometry.end[:, k]]) for k in range(3)
        )
        self.d = geometry.diam


@pytest.mark.parametrize("make", [lambda g: g, as_lfpykit, Columns])
@pytest.mark.parametrize("model", ["PointSourcePotential", "LineSourcePotential"])
def test_potentials_of_any_cell(make, model: str) -> None:
    geometry = segments()
    places = contacts()
    reference = getattr(lfpykit, model)(as_lfpykit(geometry), *places.T, sigma=0.5)
    ours = {
        "PointSourcePotential": PointSourcePotential,
        "LineSourcePotential": LineSourcePotential,
    }
    got = ours[model](make(geometry), *places.T, sigma=0.5).get_transformation_matrix()
    np.testing.assert_allclose(got, reference.get_transformation_matrix(), rtol=1e-10)


def test_one_contact_and_whole_numbers() -> None:
    got = LineSourcePotential(segments(), 10, 20, 30, sigma=1).get_transformation_matrix()
    assert got.shape == (1, 120)
    want = transfer_matrix(segments(), [10.0, 20.0, 30.0], sigma=1.0)
    assert np.array_equal(got, want)


def test_dipole_is_midpoints() -> None:
    geometry = segments()
    got = CurrentDipoleMoment(as_lfpykit(geometry)).get_transformation_matrix()
    np.testing.assert_allclose(got, geometry.middle.T, rtol=1e-15)


def test_electrode_averages_over_faces_with_all_of_n_normals_and_radius() -> None:
    x, y, z = places = contacts().T
    arguments = {"N": [0, 2.0, 0], "r": 7.5, "n": 16}
    got = RecExtElectrode(segments(), x=x, y=y, z=z, **arguments).get_transformation_matrix()
    face = Contacts(places.T, normals=[0, 1, 0], radius=7.5)
    assert np.array_equal(got, transfer_matrix(segments(), face, quadrature=16))
    points = RecExtElectrode(segments(), x=x, y=y, z=z).get_transformation_matrix()
    assert np.array_equal(points, transfer_matrix(segments(), places.T))
    with pytest.raises(UsageError, match="all of"):
        RecExtElectrode(segments(), x=x, y=y, z=z, r=7.5, n=16)


def test_electrode_of_meautility() -> None:
    probe = MEAutility.return_mea("Neuronexus-32")
    electrode = RecExtElectrode(None, probe=probe, n=36, sigma=(0.3, 0.2, 0.4))
    electrode.cell = segments()
    got = electrode.get_transformation_matrix()
    face = Contacts(probe.positions, normals=[1, 0, 0], radius=float(probe.size))
    want = transfer_matrix(segments(), face, sigma=(0.3, 0.2, 0.4), quadrature=36)
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_contacts_inside_segments_are_reported() -> None:
    geometry = segments()
    electrode = RecExtElectrode(
        geometry, x=geometry.middle[5, 0], y=geometry.middle[5, 1], z=geometry.middle[5, 2]
    )
    with pytest.warns(LfpWarning, match="taken at the radius"):
        electrode.get_transformation_matrix()


def test_mea_electrode() -> None:
    geometry = within(segments(), 10.0, 290.0)
    x, y, _ = contacts().T
    ours = RecMEAElectrode(geometry, sigma_S=1.2, x=x, y=y, z=0 * x)
    theirs = lfpykit.RecMEAElectrode(
        as_lfpykit(geometry), sigma_S=1.2, x=x, y=y, z=0 * x, steps=120
    )
    np.testing.assert_allclose(
        ours.get_transformation_matrix(), theirs.get_transformation_matrix(), rtol=1e-9
    )


def test_sphere_in_spherical_coordinates() -> None:
    geometry = segments()
    place = np.array([120.0, -250.0, 90.0])
    r = np.linalg.norm(place)
    spherical = [[r], [np.arccos(place[2] / r)], [np.arctan2(place[1], place[0])]]
    got = OneSphereVolumeConductor(geometry, spherical, R=400.0).get_transformation_matrix()
    want = transfer_matrix(geometry, place, method="point", medium={"sphere": 400.0})
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_sphere_agrees_with_lfpykit_on_a_meridian() -> None:
    geometry = segments(10)
    for ends in (geometry.start, geometry.end):
        ends[:, 1] = 0.0
        ends[:, 0] = np.abs(ends[:, 0])
    spherical = np.array([[300.0, 380.0, 500.0], [0.3, 1.0, 2.5], [0.0, 0.0, 0.0]])
    theirs = lfpykit.OneSphereVolumeConductor(as_lfpykit(geometry), spherical, R=400.0)
    ours = OneSphereVolumeConductor(geometry, spherical, R=400.0)
    np.testing.assert_allclose(
        ours.get_transformation_matrix(), theirs.get_transformation_matrix(n_max=300), rtol=1e-9
    )


def test_csd_classes() -> None:
    geometry, current = segments(), np.ones((120, 3))
    laminar = LaminarCurrentSourceDensity(geometry, [[-200, 0], [0, 200]], [400, 400])
    assert laminar.get_transformation_matrix().shape == (2, 120)
    edges = np.linspace(-200, 200, 5)
    volumetric = VolumetricCurrentSourceDensity(geometry, edges, edges, [-200, 200])
    matrix = volumetric.get_transformation_matrix()
    assert matrix.shape == (16, 120) and volumetric.grid_shape == (4, 4, 1)
    total = (matrix @ current).reshape(*volumetric.grid_shape, -1).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(total * 100 * 100 * 400, 120.0, rtol=1e-12)


def test_identity_and_missing_cells() -> None:
    assert np.array_equal(
        LinearModel(as_lfpykit(segments(4))).get_transformation_matrix(), np.eye(4)
    )
    with pytest.raises(UsageError, match="no cell"):
        CurrentDipoleMoment(None).get_transformation_matrix()


@pytest.mark.parametrize(
    "make",
    [
        lambda: RecExtElectrode(None),
        lambda: RecExtElectrode(None, x=1, y=2, z=3, method="lines"),
        lambda: OneSphereVolumeConductor(None, [1.0, 2.0, 3.0]),
        lambda: PointSourcePotential(None, "a", 0, 0),
        lambda: PointSourcePotential(None, [1, 2], [1, 2, 3], 0),
    ],
)
def test_bad_models(make) -> None:
    with pytest.raises((UsageError, InputError)):
        make()


def with_columns(**changed) -> Columns:
    cell = Columns(segments(5))
    for name, value in changed.items():
        setattr(cell, name, value)
    return cell


@pytest.mark.parametrize(
    "cell",
    [
        object(),
        "cell",
        None,
        with_columns(d=np.ones(4)),
        with_columns(d=np.zeros(5)),
        with_columns(d=-np.ones(5)),
        with_columns(d=np.full(5, np.nan)),
        with_columns(x=np.ones(5)),
        with_columns(x=np.ones((4, 2))),
        with_columns(y=np.full((5, 2), np.inf)),
        with_columns(z=[["a", "b"]] * 5),
    ],
)
def test_bad_cells(cell) -> None:
    with pytest.raises(InputError):
        as_geometry(cell)


def test_somas_of_other_cells() -> None:
    cell = with_columns(somaidx=np.array([1, 2]))
    assert as_geometry(cell).is_soma.tolist() == [False, True, True, False, False]
    assert as_geometry(with_columns()).is_soma.tolist() == [True] + [False] * 4
    assert as_geometry(with_columns(d=np.ones((5, 2)))).diam.tolist() == [1.0] * 5
