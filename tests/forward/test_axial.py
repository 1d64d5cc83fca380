"""Axial currents against what NEURON recorded, for every way sections can be connected."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward.axial import (
    AxialNetwork,
    axial_currents,
    axial_paths,
    multi_dipoles,
)
from lfpcli.geometry import Geometry

MODELS = [
    "ball_and_stick",
    "branch_at_end",
    "branch_in_the_middle",
    "child_on_the_start_of_a_child",
    "child_on_the_start_inside_a_section",
    "children_on_the_start_of_the_root",
    "hung_by_the_other_end",
    "two_cells",
    "tree",
    "tapered",
]


@dataclass
class Run:
    network: AxialNetwork
    geometry: Geometry
    vmem: np.ndarray
    imem: np.ndarray


@pytest.fixture(scope="module", params=MODELS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("axial") / "run.npz"
    script = Path(__file__).with_name("axial_models.py")
    subprocess.run(
        [sys.executable, str(script), request.param, str(out)], check=True, capture_output=True
    )
    with np.load(out) as data:
        names = ("parent", "attach", "r_proximal", "r_distal", "flipped")
        return Run(
            network=AxialNetwork(**{name: data[name] for name in names}),
            geometry=Geometry(data["start"], data["end"], np.ones(len(data["start"]))),
            # the sample at 0 is not solved for: its membrane currents are the ionic ones alone
            vmem=data["vmem"][:, 1:],
            imem=data["imem"][:, 1:],
        )


def test_axial_currents_leave_through_the_membrane(run: Run) -> None:
    got = run.network.vmem_to_imem() @ run.vmem
    peak = np.abs(run.imem).max()
    assert peak > 1e-3
    np.testing.assert_allclose(got, run.imem, rtol=0, atol=1e-11 * peak)


def test_divergence_of_the_currents_is_the_membrane_current(run: Run) -> None:
    currents = axial_currents(run.network, run.vmem)
    paths = axial_paths(run.network, run.geometry)
    imem = np.zeros_like(run.vmem)
    np.add.at(imem, paths.segment[1::2], currents)
    np.subtract.at(imem, paths.parent[::2], currents)
    np.testing.assert_allclose(imem, run.imem, rtol=0, atol=1e-11 * np.abs(run.imem).max())


def test_multi_dipoles_add_to_the_dipole_of_the_membrane_currents(run: Run) -> None:
    moments, positions = multi_dipoles(run.network, run.geometry, run.vmem)
    roots = np.count_nonzero(run.network.parent < 0)
    assert moments.shape == (2 * (len(run.geometry) - roots), 3, run.vmem.shape[1])
    assert positions.shape == moments.shape[:2]
    expected = run.geometry.middle.T @ run.imem
    scale = np.abs(run.geometry.middle).max() * np.abs(run.imem).max()
    np.testing.assert_allclose(moments.sum(axis=0), expected, rtol=0, atol=1e-11 * scale)


def test_paths_lead_from_middle_to_middle_through_the_start(run: Run) -> None:
    paths = axial_paths(run.network, run.geometry)
    middle = run.geometry.middle
    joined = paths.vectors[::2] + paths.vectors[1::2]
    np.testing.assert_allclose(
        joined, middle[paths.segment[::2]] - middle[paths.parent[::2]], atol=1e-9
    )
    tip = paths.positions[1::2] + 0.5 * paths.vectors[1::2]
    np.testing.assert_allclose(tip, middle[paths.segment[1::2]], atol=1e-9)
    begin = paths.positions[1::2] - 0.5 * paths.vectors[1::2]
    flipped = np.asarray(run.network.flipped)[paths.segment[1::2]]
    start = run.geometry.start[paths.segment[1::2]]
    end = run.geometry.end[paths.segment[1::2]]
    np.testing.assert_allclose(begin, np.where(flipped[:, None], end, start), atol=1e-9)


def test_rest_carries_no_current(run: Run) -> None:
    rest = np.full((len(run.network), 1), -65.0)
    currents = axial_currents(run.network, rest)
    assert np.abs(currents).max() <= 1e-13 * 65.0 / run.network.r_proximal.min()


def y_branch(**changes: object) -> AxialNetwork:
    values: dict[str, object] = {
        "parent": [-1, 0, 0],
        "attach": [1.0, 1.0, 1.0],
        "r_proximal": [5.0, 2.0, 4.0],
        "r_distal": [1.0, np.nan, np.nan],
    }
    return AxialNetwork(**{**values, **changes})  # type: ignore[arg-type]


def test_junction_divides_the_current_as_resistors_do() -> None:
    # 10 mV through 1 MOhm, then 2 and 4 MOhm side by side: 7/3 MOhm in all
    currents = axial_currents(y_branch(), [[10.0], [0.0], [0.0]])
    total = 10.0 / (1.0 + 4.0 / 3.0)
    np.testing.assert_allclose(currents[:, 0], [total * 2 / 3, total / 3], rtol=1e-14)


def test_child_in_the_middle_sees_its_own_half_alone() -> None:
    currents = axial_currents(y_branch(attach=[1.0, 0.5, 1.0]), [[10.0], [0.0], [0.0]])
    np.testing.assert_allclose(currents[:, 0], [10.0 / 2.0, 10.0 / 5.0], rtol=1e-14)


def test_child_on_the_start_of_a_child_shares_its_junction() -> None:
    on_start = y_branch(parent=[-1, 0, 1], attach=[1.0, 1.0, 0.0])
    np.testing.assert_allclose(
        on_start.current_matrix().toarray(), y_branch().current_matrix().toarray(), rtol=1e-15
    )
    np.testing.assert_array_equal(on_start.upstream()[0], [-1, 0, 0])


def test_child_on_the_start_of_the_root_sees_its_near_half() -> None:
    currents = axial_currents(y_branch(attach=[1.0, 0.0, 1.0]), [[10.0], [0.0], [0.0]])
    np.testing.assert_allclose(currents[:, 0], [10.0 / 7.0, 10.0 / 5.0], rtol=1e-14)


def test_cells_without_branches_are_allowed() -> None:
    alone = AxialNetwork([-1], [1.0], [3.0], [3.0])
    assert axial_currents(alone, [[1.0, 2.0]]).shape == (0, 2)
    np.testing.assert_array_equal(alone.vmem_to_imem().toarray(), [[0.0]])
    assert AxialNetwork([], [], [], []).current_matrix().shape == (0, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parent": [-1, 0, 3]}, "parent 3 of segment 2 is not in -1 to 2"),
        ({"parent": [-1, -2, 0]}, "parent -2 of segment 1"),
        ({"parent": [-1, 2, 1]}, "in a circle"),
        ({"parent": [0, 0, 0]}, "in a circle"),
        ({"attach": [1.0, 1.5, 1.0]}, "'attach' is not between"),
        ({"attach": [1.0, np.nan, 1.0]}, "'attach' is not between"),
        ({"attach": [1.0, 1.0]}, "'attach' has shape"),
        ({"r_proximal": [5.0, 0.0, 4.0]}, "'r_proximal' of segment 1 is 0 MOhm"),
        ({"r_proximal": [5.0, np.inf, 4.0]}, "'r_proximal' of segment 1 is inf MOhm"),
        ({"r_distal": [np.nan, 1.0, 1.0]}, "'r_distal' of segment 0 is nan MOhm"),
    ],
)
def test_bad_networks(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        y_branch(**changes)


def test_bad_shapes() -> None:
    with pytest.raises(InputError, match=r"expected \(3, T\)"):
        axial_currents(y_branch(), np.zeros((2, 5)))
    with pytest.raises(InputError, match="geometry has 1 segments, the axial network 3"):
        axial_paths(y_branch(), Geometry(np.zeros((1, 3)), np.ones((1, 3)), np.ones(1)))
