"""Media of regions solved on grids: against images, series, symmetries and themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import eval_legendre

from lfpcli.errors import InputError, UsageError
from lfpcli.forward import grid_field, grid_medium
from lfpcli.forward.contact_field import PARTS, contact_field
from lfpcli.forward.contact_grid import contact_grid, nearest_face
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium, gauss_points
from lfpcli.forward.media import Slice, Sphere
from lfpcli.forward.placements import Placements, matrix_blocks
from lfpcli.forward.potentials import PotentialModel, transfer_matrix
from lfpcli.forward.regions import Ball, Box, Cylinder, Medium, Region, directions
from lfpcli.forward.stimulation import stimulation_matrix
from lfpcli.geometry import Geometry

INF = np.inf
TISSUE, INSULATOR = (0.3, 0.3, 0.3), (0.0, 0.0, 0.0)


def slab(low: float, high: float, sigma: tuple[float, float, float]) -> Region:
    return Region(shape=Box(low=(-INF, -INF, low), high=(INF, INF, high)), sigma=sigma)


SLICE = Medium(background=(1.5, 1.5, 1.5), regions=(slab(0, 300, TISSUE), slab(-INF, 0, INSULATOR)))
SHANK = Region(shape=Box(low=(-30, 0, -150), high=(30, 15, INF)), sigma=INSULATOR)


def lines(seed: int, low: list[float], high: list[float], count: int = 300) -> Geometry:
    rng = np.random.default_rng(seed)
    start = rng.uniform(low, high, (count, 3))
    end = np.clip(start + rng.normal(0.0, 15.0, (count, 3)), low, high)
    return Geometry(start=start, end=end, diam=np.full(count, 1.0))


def points(places: np.ndarray) -> Geometry:
    return Geometry(start=places, end=places.copy(), diam=np.full(len(places), 0.1))


def around(contact: np.ndarray, inside: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    places = np.concatenate([contact + r * directions(40) for r in (20.0, 50.0, 120.0, 300.0)])
    return places[inside(places)]


def spread(found: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    error = np.abs(found / expected - 1.0)
    return float(np.median(error)), float(np.percentile(error, 95))


@pytest.mark.parametrize("method", ["line", "point"])
def test_slice_has_its_images(method: str) -> None:
    contacts = np.array([[0.0, 0.0, 0.0], [10.0, 20.0, 150.0]])
    geometry = lines(1, [-200, -200, 2], [200, 200, 298])
    expected = transfer_matrix(
        geometry, contacts, method=method, sigma=0.3, medium=Slice(thickness=300.0)
    )
    medium = GridMedium(conductor=SLICE)
    found = transfer_matrix(geometry, contacts, method=method, medium=medium)
    for row in range(2):
        median, most = spread(found[row], expected[row])
        assert median < 2e-4 and most < 1e-3
    assert max(one.error for one in medium.solve(Contacts(contacts))) < 1e-3


def test_faces_of_contacts_are_averaged() -> None:
    contacts = Contacts(np.array([[0.0, 0.0, 0.0]]), normals=np.array([0, 0, 1.0]), radius=15.0)
    geometry = lines(2, [-150, -150, 2], [150, 150, 298])
    expected = transfer_matrix(geometry, contacts, sigma=0.3, medium=Slice(thickness=300.0))
    found = transfer_matrix(geometry, contacts, medium=GridMedium(conductor=SLICE))
    median, most = spread(found[0], expected[0])
    assert median < 3e-4 and most < 2e-3


def test_ball_has_its_series() -> None:
    ball = Region(shape=Ball(centre=(0, 0, 0), radius=200.0), sigma=TISSUE)
    medium = GridMedium(conductor=Medium(background=(0.03,) * 3, regions=(ball,)), tolerance=5e-3)
    contact = np.array([0.0, 40.0, 60.0])
    sources = around(contact, lambda p: np.linalg.norm(p, axis=1) < 180)
    expected = transfer_matrix(
        points(sources), contact, sigma=0.3, medium=Sphere(radius=200.0, sigma_out=0.03)
    )
    found = transfer_matrix(points(sources), contact, medium=medium)
    median, most = spread(found, expected)
    assert median < 2e-3 and most < 5e-3


def test_insulating_ball_has_its_series() -> None:
    """Neumann's condition on a sphere of radius a: images n / (n + 1) of each Legendre term."""
    radius = 60.0
    ball = Region(shape=Ball(centre=(0, 0, 0), radius=radius), sigma=INSULATOR)
    medium = GridMedium(conductor=Medium(regions=(ball,)), tolerance=5e-3)
    contact = np.array([0.0, 0.0, 110.0])
    sources = around(contact, lambda p: np.linalg.norm(p, axis=1) > 66)
    r = np.linalg.norm(sources, axis=1)
    cosine = sources[:, 2] / r
    expected = 1.0 / np.linalg.norm(sources - contact, axis=1)
    for n in range(1, 80):
        power = (radius / r * radius / 110.0) ** (n + 1) / radius
        expected = expected + n / (n + 1) * power * eval_legendre(n, cosine)
    found = transfer_matrix(points(sources), contact, medium=medium)[0]
    median, most = spread(found, expected / (4 * np.pi * 0.3))
    assert median < 3e-3 and most < 2e-2


def test_shank_doubles_what_is_before_it_and_shades_what_is_behind() -> None:
    contact = np.array([0.0, 0.0, 0.0])
    before = np.array([[0.0, -6.0, 0.0], [2.0, -4.0, 1.0]])
    behind = np.array([[0.0, 40.0, 0.0]])
    geometry = points(np.concatenate([before, behind]))
    medium = GridMedium(conductor=Medium(regions=(SHANK,)), tolerance=1e-2)
    ratio = transfer_matrix(geometry, contact, medium=medium) / transfer_matrix(geometry, contact)
    assert np.all(ratio[0, :2] > 1.7) and np.all(ratio[0, :2] < 2.0)
    assert ratio[0, 2] < 0.9


def test_anisotropic_layers_are_stretched_ones() -> None:
    """Lengths divided by the roots of the conductivities make a medium equal in all directions."""
    sigma = (0.3, 0.3, 0.45)
    medium = Medium(
        background=sigma,
        regions=(slab(-INF, 0, INSULATOR),),
    )
    contact = np.array([0.0, 10.0, 40.0])
    geometry = lines(3, [-150, -150, 5], [150, 150, 250])
    mirrored = contact * [1, 1, -1]
    expected = transfer_matrix(geometry, np.array([contact, mirrored]), sigma=sigma).sum(axis=0)
    found = transfer_matrix(geometry, contact, medium=GridMedium(conductor=medium))[0]
    median, most = spread(found, expected)
    assert median < 3e-4 and most < 2e-3


def test_source_and_contact_change_places() -> None:
    conductive = Region(shape=Box(low=(40, -40, -40), high=(90, 40, 40)), sigma=(1.5,) * 3)
    medium = GridMedium(conductor=Medium(regions=(conductive,)), tolerance=3e-3)
    one, other = np.array([[0.0, 10.0, 0.0]]), np.array([[130.0, -20.0, 15.0]])
    there = transfer_matrix(points(one), other, medium=medium)
    back = transfer_matrix(points(other), one, medium=medium)
    assert there == pytest.approx(back, rel=3e-3)
    stimulated = stimulation_matrix(points(one), other, medium=medium)
    assert stimulated == pytest.approx(there.T)


def test_error_falls_with_the_square_of_the_width() -> None:
    contact = np.array([0.0, 0.0, 120.0])
    sources = around(contact, lambda p: (p[:, 2] > 5) & (p[:, 2] < 295))
    expected = transfer_matrix(points(sources), contact, sigma=0.3, medium=Slice(thickness=300.0))
    single = transfer_matrix(points(sources), contact, sigma=0.3)[0]
    field = contact_field(SLICE, contact, "0", tolerance=1e-2, reach=20_000.0)
    errors = [
        np.median(np.abs((single + grid.at(sources)) / expected[0] - 1.0))
        for grid in (field.coarse, field.fine)
    ]
    assert np.log(errors[0] / errors[1]) / np.log(field.ratio) == pytest.approx(2.0, abs=0.3)
    together = np.median(np.abs((single + field.at(sources)) / expected[0] - 1.0))
    assert together < 0.2 * errors[1]
    # what is told is no less than what it is
    assert together < field.error < 1e-2


def test_bits_do_not_depend_on_company() -> None:
    contacts = np.array([[0.0, 0.0, 0.0], [0.0, 40.0, 150.0]])
    geometry = lines(4, [-100, -100, 5], [100, 100, 295], count=40)
    whole = transfer_matrix(geometry, contacts, medium=GridMedium(conductor=SLICE))
    single = GridMedium(conductor=SLICE)
    for column in (slice(0, 1), slice(1, 33), slice(33, 40)):
        part = Geometry(
            start=geometry.start[column], end=geometry.end[column], diam=geometry.diam[column]
        )
        assert np.array_equal(
            transfer_matrix(part, contacts[1], medium=single)[0], whole[1, column]
        )


def test_cells_at_many_places() -> None:
    medium = GridMedium(conductor=SLICE)
    geometry = lines(5, [-10, -10, -10], [10, 10, 10], count=5)
    geometry.section_names = ["soma[0]"]
    contact = np.array([[0.0, 0.0, 150.0]])
    places = Placements(np.array([[50.0, 0.0, 100.0], [0.0, 80.0, 200.0]]))
    model = PotentialModel(medium=medium)
    (_, found), *rest = matrix_blocks(geometry, contact, places, model=model)
    assert not rest and found.shape == (2, 1, 5)
    images = PotentialModel(medium=Slice(thickness=300.0))
    (_, expected), *_ = matrix_blocks(geometry, contact, places, model=images)
    assert found == pytest.approx(expected, rel=2e-3)


def test_grids_of_a_contact_are_divided_alike() -> None:
    contact = np.array([0.0, 0.0, 290.0])
    assert 8.0 < nearest_face(SLICE, contact, 1e4) < 12.5
    assert nearest_face(SLICE, contact * [1, 1, 0], 1e4) == pytest.approx(300, rel=0.21)
    counts = [
        np.array(contact_grid(SLICE, contact, parts=parts, reach=5000.0).shape)
        for parts in PARTS[:3]
    ]
    assert np.array_equal(counts[0] * 3, counts[1] * 2)
    assert np.array_equal(counts[0] * 2, counts[2])


def test_lines_have_pairs_of_points() -> None:
    start = np.array([[0.0, 0.0, 0.0], [5.0, 5.0, 5.0], [0.0, 0.0, 0.0]])
    end = np.array([[12.0, 0.0, 0.0], [5.0, 5.0, 5.0], [0.0, 50.0, 0.0]])
    places, first = gauss_points(start, end)
    assert first.tolist() == [0, 2, 3] and len(places) == 9
    assert np.mean(places[:2, 0] ** 2) == pytest.approx(12.0**2 / 3)
    assert np.array_equal(places[2], start[1])
    assert np.mean(places[3:, 1] ** 3) == pytest.approx(50.0**3 / 4)


def test_what_cannot_be_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    medium = GridMedium(conductor=SLICE)
    inside = points(np.array([[0.0, 0.0, 50.0]]))
    with pytest.raises(InputError, match=r"contact 0 at .* lies in what does not conduct"):
        transfer_matrix(inside, np.array([0.0, 0.0, -5.0]), medium=medium)
    with pytest.raises(InputError, match="segments reach outside what conducts"):
        transfer_matrix(points(np.array([[0.0, 0.0, -5.0]])), [0, 0, 10.0], medium=medium)
    with pytest.raises(InputError, match=r"outside the grid.*reach"):
        transfer_matrix(points(np.array([[3e4, 0.0, 50.0]])), [0, 0, 150.0], medium=medium)
    with pytest.raises(UsageError, match="no images"):
        PotentialModel(medium=medium).weighted_points([0, 0, 10.0])
    monkeypatch.setattr(grid_field, "LARGEST", 150_000)
    with pytest.raises(InputError, match=r"contact 7 has an error of .*e-04 on the finest grid"):
        contact_field(SLICE, np.array([0, 0, 150.0]), "7", tolerance=1e-9, reach=2e4)
    monkeypatch.setattr(grid_medium, "MEMORY", 1000)
    with pytest.raises(InputError, match="fields of 1 contacts take an estimated 1 MB, at most 0"):
        GridMedium(conductor=SLICE).solve(Contacts(np.array([[0.0, 0.0, 150.0]])))
    with pytest.raises(InputError, match="zero along an axis"):
        Region(shape=Ball(centre=(0, 0, 0), radius=1.0), sigma=(0.0, 0.3, 0.3))
    for wrong in ({"tolerance": 2.0}, {"reach": 10.0}):
        with pytest.raises(UsageError, match="expected"):
            GridMedium(conductor=SLICE, **wrong)


def test_shells_have_cells_of_their_own() -> None:
    shells = [
        Region(shape=Ball(centre=(0, 0, 0), radius=r), sigma=(s,) * 3)
        for r, s in ((90.0, 0.3), (85.0, 0.015), (80.0, 1.5))
    ]
    faces = contact_grid(Medium(regions=shells), np.array([0, 0, 40.0]), parts=2, reach=2000.0)
    for along in faces.faces:
        inside = np.abs(along) < 90 + 1e-9
        assert np.diff(along[inside]).max() <= 2.5 + 1e-9


def test_rods_without_ends_have_grids_too() -> None:
    rods = [
        Region(shape=Cylinder(axis=2, centre=(0, 0), radius=r), sigma=(s,) * 3)
        for r, s in ((20.0, 1.0), (10.0, 0.1))
    ]
    grid = contact_grid(Medium(regions=rods), np.array([30.0, 0, 0]), parts=2, reach=2000.0)
    assert np.diff(grid.faces[0][np.abs(grid.faces[0]) < 20]).max() <= 5.0
    assert np.diff(grid.faces[2]).max() > 100.0


def test_grids_that_cannot_be_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_field, "LARGEST", 20_000)
    with pytest.raises(InputError, match="grids of contact 7 take more than 20,000 cells"):
        contact_field(SLICE, np.array([0, 0, 150.0]), "7", tolerance=1e-3, reach=2e4)
