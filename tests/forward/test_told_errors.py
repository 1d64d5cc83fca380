"""The told error of a medium of regions: no smaller than the true one, whatever the medium."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import eval_legendre

from lfpcli.errors import InputError
from lfpcli.forward import grid_medium
from lfpcli.forward.contact_field import DIRECTIONS, RADII, contact_field, point_source
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import Slice, Sphere
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.regions import Ball, Box, Medium, Region, directions
from lfpcli.geometry import Geometry

INF = np.inf
Exact = Callable[[np.ndarray, np.ndarray], np.ndarray]


def slab(low: float, high: float, sigma: float) -> Region:
    return Region(
        shape=Box(low=(-INF, -INF, low), high=(INF, INF, high)), sigma=(sigma, sigma, sigma)
    )


def ball(sigma: float, radius: float, background: float) -> Medium:
    region = Region(shape=Ball(centre=(0, 0, 0), radius=radius), sigma=(sigma,) * 3)
    return Medium(background=(background,) * 3, regions=(region,))


SLICE = Medium(background=(1.5,) * 3, regions=(slab(0, 300, 0.3), slab(-INF, 0, 0.0)))


THIN = Medium(background=(0.17,) * 3, regions=(slab(0, 37, 0.3), slab(-INF, 0, 0.0)))


def points(places: np.ndarray) -> Geometry:
    return Geometry(start=places, end=places.copy(), diam=np.full(len(places), 0.1))


def by_images(medium: Slice | Sphere) -> Exact:
    def exact(places: np.ndarray, contact: np.ndarray) -> np.ndarray:
        return transfer_matrix(points(places), contact[None], sigma=0.3, medium=medium)[0]

    return exact


def outside_ball(radius: float, sigma: float) -> Exact:
    """A source on the z axis outside a ball of `sigma` in 0.3 S/m, by Legendre's series."""

    def exact(places: np.ndarray, contact: np.ndarray) -> np.ndarray:
        r = np.linalg.norm(places, axis=1)
        total = 1.0 / np.linalg.norm(places - contact, axis=1)
        for n in range(1, 150):
            factor = n * (0.3 - sigma) / (n * sigma + 0.3 * (n + 1))
            power = (radius / r * radius / contact[2]) ** (n + 1) / radius
            total = total + factor * power * eval_legendre(n, places[:, 2] / r)
        return total / (4 * np.pi * 0.3)

    return exact


@pytest.mark.parametrize(
    ("medium", "contact", "exact", "within"),
    [
        (SLICE, (5.0, 0.0, 0.0), by_images(Slice(thickness=300.0)), "slice"),
        (SLICE, (5.0, 0.0, 40.0), by_images(Slice(thickness=300.0)), "slice"),
        (SLICE, (5.0, 0.0, 350.0), by_images(Slice(thickness=300.0)), "slice"),
        (THIN, (0.0, 0.0, 17.0), by_images(Slice(thickness=37.0, sigma_saline=0.17)), "layer"),
        (ball(0.3, 200.0, 1.5), (0.0, 40.0, 60.0), by_images(Sphere(200.0, 1.5)), "inside"),
        (ball(0.0, 60.0, 0.3), (0.0, 0.0, 110.0), outside_ball(60.0, 0.0), "outside"),
        (ball(3.0, 60.0, 0.3), (0.0, 0.0, 110.0), outside_ball(60.0, 3.0), "outside"),
    ],
)
def test_told_error_is_no_smaller_than_the_true_one(
    medium: Medium, contact: tuple[float, ...], exact: Exact, within: str
) -> None:
    place = np.array(contact)
    field = contact_field(medium, place, "0", tolerance=1e-2, reach=20_000.0)
    samples = np.concatenate([place + r * directions(DIRECTIONS) for r in RADII])
    r = np.linalg.norm(samples, axis=1)
    chosen = {
        "slice": (samples[:, 2] > 0) & (samples[:, 2] < 300),
        "layer": (samples[:, 2] > 1) & (samples[:, 2] < 36),
        "inside": r < 195,
        "outside": r > 66,
    }[within]
    samples = samples[chosen]
    found = point_source(samples, place, field.sigma) + field.at(samples)
    true = np.median(np.abs(found / exact(samples, place) - 1.0))
    assert field.error < 1e-2
    # see lfp-accuracy(7)
    assert 0.1 * field.error < true < 0.6 * field.error


def over_insulator(places: np.ndarray, contact: np.ndarray) -> np.ndarray:
    """A source in AXES above an insulator below z = -20, by its mirror image."""
    axes = np.array(AXES)
    image = contact * [1.0, 1.0, -1.0] - [0.0, 0.0, 40.0]
    rooted = [np.sqrt(((places - place) ** 2 / axes).sum(axis=1)) for place in (contact, image)]
    return (1.0 / rooted[0] + 1.0 / rooted[1]) / (4 * np.pi * np.sqrt(axes.prod()))


AXES = (0.2, 0.2, 0.5)
PLANE = Medium(background=AXES, regions=(slab(-INF, -20, 0.0),))


@pytest.mark.parametrize(
    ("medium", "contact", "exact"),
    [
        pytest.param(
            ball(3.0, 60.0, 0.3),
            (0.0, 0.0, 65.0),
            outside_ball(60.0, 3.0),
            marks=pytest.mark.slow,
            id="next to a ball",
        ),
        pytest.param(PLANE, (0.0, 0.0, 0.0), over_insulator, id="anisotropic background"),
    ],
)
def test_told_error_of_what_is_close(
    medium: Medium, contact: tuple[float, ...], exact: Exact
) -> None:
    place = np.array(contact)
    field = contact_field(medium, place, "0", tolerance=2e-2, reach=20_000.0)
    samples = np.concatenate([place + r * directions(DIRECTIONS) for r in RADII])
    if medium is PLANE:
        samples = samples[samples[:, 2] > -20.0]
    else:
        samples = samples[np.linalg.norm(samples, axis=1) > 61.0]
    found = point_source(samples, place, field.sigma) + field.at(samples)
    true = np.median(np.abs(found / exact(samples, place) - 1.0))
    assert true < field.error < 1e-2


def test_memory_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    many = Contacts(np.column_stack([np.arange(2000.0), np.zeros(2000), np.full(2000, 150.0)]))
    medium = GridMedium(conductor=SLICE)

    def never(*args: object, **options: object) -> None:
        raise AssertionError("was solved")

    monkeypatch.setattr("lfpcli.forward.contact_field.contact_field", never)
    with pytest.raises(
        InputError, match=r"fields of 2000 contacts take an estimated .* MB, at mos"
    ):
        medium.solve(many)
    with pytest.raises(InputError, match="at most 2,000"):
        medium.check_memory(many)
    assert grid_medium.MEMORY == 2_000_000_000
