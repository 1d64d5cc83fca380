"""Tensors with components off the diagonal on grids: mirror images, and scenes that are turned."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward import tensors
from lfpcli.forward.contact_field import ContactField, contact_field, point_source
from lfpcli.forward.grid import Grid
from lfpcli.forward.grid_field import GridField
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.regions import METAL, Ball, Box, Medium, Region, directions
from lfpcli.geometry import Geometry

INF = np.inf
# axes in general position, conductivities from 0.2 to 0.6 S/m
AXES, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
TENSOR = AXES @ np.diag([0.2, 0.3, 0.6]) @ AXES.T
TURNED = tuple(tensors.components(TENSOR).tolist())


def slab(low: float, high: float, sigma: tuple[float, ...]) -> Region:
    return Region(shape=Box(low=(-INF, -INF, low), high=(INF, INF, high)), sigma=sigma)


def points(places: np.ndarray) -> Geometry:
    return Geometry(start=places, end=places.copy(), diam=np.full(len(places), 0.1))


def around(contact: np.ndarray, radii: tuple[float, ...] = (20, 50, 120, 300)) -> np.ndarray:
    return np.concatenate([contact + r * directions(40) for r in radii])


def mirrored(contact: np.ndarray, places: np.ndarray, share: float) -> np.ndarray:
    """Above a plane z = 0 beyond which the medium is another share of the same tensor.

    The image lies beyond it along the direction in which a field across the plane drives current.
    """
    slope = TENSOR[2] / TENSOR[2, 2]
    image = contact - 2 * contact[2] * slope
    total = np.zeros(len(places))
    for place, weight in ((contact, 1.0), (image, (1 - share) / (1 + share))):
        away = places - place
        square = np.einsum("ij,jk,ik->i", away, np.linalg.inv(TENSOR), away)
        total += weight / (4 * np.pi * np.sqrt(np.linalg.det(TENSOR) * square))
    return total


@pytest.mark.parametrize(
    ("height", "share"), [(40.0, 0.0), (40.0, 3.0), (0.0, 0.0)], ids=["glass", "more", "on glass"]
)
def test_half_space_has_its_mirror_image(height: float, share: float) -> None:
    contact = np.array([3.0, -4.0, height])
    beyond = tuple(share * s for s in TURNED) if share else (0.0, 0.0, 0.0)
    medium = Medium(background=TURNED, regions=(slab(-INF, 0, beyond),))
    field = contact_field(medium, contact, "0", tolerance=1e-2, reach=20_000.0)
    places = around(contact)
    places = places[places[:, 2] > 1]
    expected, single = mirrored(contact, places, share), point_source(places, contact, field.sigma)
    error = np.abs((single + field.at(places)) / expected - 1.0)
    assert np.median(error) < 5e-4 and np.percentile(error, 95) < 4e-3
    assert np.median(error) < field.error
    if share:
        check_order(field, places, single, expected)


def check_order(
    field: ContactField, places: np.ndarray, single: np.ndarray, expected: np.ndarray
) -> None:
    """The error of a grid falls with the square of its cells' width."""
    coarse, fine = (
        np.median(np.abs((single + grid.at(places)) / expected - 1.0))
        for grid in (field.coarse, field.fine)
    )
    assert np.log(coarse / fine) / np.log(field.ratio) == pytest.approx(2.0, abs=0.3)


def test_layer_turned_about_its_normal_is_a_turned_scene() -> None:
    """Between other media than its own: against the grid that has the layer's axes."""
    angle = np.deg2rad(35.0)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    sigma = np.diag([0.6, 0.2, 0.3])
    turned = tuple(tensors.components(turn @ sigma @ turn.T).tolist())
    contact = np.array([10.0, -5.0, 30.0])
    places = around(contact, (25, 60, 150))
    places = places[(places[:, 2] > 4) & (places[:, 2] < 116)]
    found = []
    for layer, frame in ((tuple(np.diag(sigma)), np.eye(3)), (turned, turn)):
        regions = (slab(0, 120, layer), slab(-INF, 0, (0.0,) * 3))
        conductor = Medium(background=(1.5,) * 3, regions=regions)
        medium = GridMedium(conductor=conductor, tolerance=1e-2)
        found.append(transfer_matrix(points(places @ frame.T), frame @ contact, medium=medium)[0])
    error = np.abs(found[1] / found[0] - 1.0)
    assert np.median(error) < 1e-3 and error.max() < 1e-2


def test_source_and_contact_change_places() -> None:
    box = Region(shape=Box(low=(40, -40, -40), high=(90, 40, 40)), sigma=TURNED)
    medium = GridMedium(conductor=Medium(background=(1.0,) * 3, regions=(box,)), tolerance=3e-2)
    inside, outside = np.array([[60.0, 10.0, 5.0]]), np.array([[0.0, -20.0, 15.0]])
    there = transfer_matrix(points(inside), outside, medium=medium)
    back = transfer_matrix(points(outside), inside, medium=medium)
    assert there == pytest.approx(back, rel=1e-2)


def test_couplings_conserve_current_and_have_energy() -> None:
    """With a diagonal tensor they are those of two cells; with any they have no net current."""
    faces = tuple(np.cumsum(w) for w in (np.arange(1.0, 8), np.arange(2.0, 8), [1, 1, 2, 3, 5.0]))
    grid = Grid(faces=(faces[0], faces[1], faces[2]))
    ball = Region(shape=Ball(centre=(12, 12, 5), radius=6.0), sigma=(0.0, 0.0, 0.0))
    matrices = []
    for last in (TURNED, (*TURNED[:3], 1e-300, 0.0, 0.0), TURNED[:3]):
        medium = Medium(background=last, regions=(ball,))
        matrices.append(GridField(medium, grid)._couplings.toarray())
    values = np.linalg.eigvalsh(matrices[0])
    conducting = matrices[0].diagonal() != 1.0
    assert np.abs(matrices[0] - matrices[0].T).max() < 1e-12
    assert np.abs(matrices[0][conducting].sum(axis=1)).max() < 1e-12 and values.min() > -1e-12
    assert matrices[1] == pytest.approx(matrices[2], abs=1e-12)


def test_what_cannot_be_is_told(lfp, tmp_path) -> None:
    metal = Region(shape=Box(low=(30, -9, -9), high=(40, 9, 9)), sigma=METAL)
    medium = GridMedium(conductor=Medium(background=TURNED, regions=(metal,)), tolerance=0.1)
    with pytest.raises(InputError, match="metal lies in tissue whose axes are not x, y and z"):
        transfer_matrix(points(np.array([[-50.0, 0, 0]])), [0, 0, 0.0], medium=medium)
    with pytest.raises(InputError, match=r"is -0.1 S/m along one of its axes; make the tensor"):
        Region(shape=Ball(centre=(0, 0, 0), radius=1.0), sigma=(0.3, 0.3, 0.3, 0.4, 0.0, 0.0))
    for tensor, fault in (
        ("[[0.3,0.4,0],[0.4,0.3,0],[0,0,0.3]]", "make it positive definite"),
        ("[[0.3,0.1,0],[0,0.3,0],[0,0,0.3]]", "is not symmetric"),
    ):
        text = f"regions=[], background={tensor}"
        got = lfp("leadfield", "1,2,3", "--medium", text, "-o", tmp_path / "x.h5", code=3)
        assert fault in got.err and not (tmp_path / "x.h5").exists()
