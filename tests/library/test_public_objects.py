"""Objects say what they are, unknown keywords get the nearest, and cells are made again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lfpcli
from lfpcli.errors import UsageError


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: lfpcli.FourSphereVolumeConductor([[0, 0, 9e4]]), "(1 electrodes)"),
        (lambda: lfpcli.HomogeneousSphereVolumeConductor([[0, 0, 9e4]]), "(1 electrodes)"),
        (lambda: lfpcli.InfiniteVolumeConductor(0.5), "(sigma=0.5)"),
        (lambda: lfpcli.InfiniteHomogeneousVolCondMEG([[0, 0, 1.0]]), "(1 sensors)"),
        (lambda: lfpcli.CurrentDipoleMoment(None), "(cell=None)"),
        (lambda: lfpcli.Contacts(np.zeros((2, 3)), name="A"), "(A: 2 points)"),
        (
            lambda: lfpcli.LineSourcePotential(None, 0.0, 0.0, 0.0),
            "(Contacts(1 points), cell=None)",
        ),
        (lambda: lfpcli.load_model("builtin:quickstart"), "quickstart.toml: pyramidal)"),
    ],
)
def test_objects_say_what_they_are(made: Any, text: str) -> None:
    thing = made()
    assert repr(thing).startswith(type(thing).__name__)
    assert repr(thing).endswith(text)


@pytest.mark.parametrize(
    ("name", "keywords", "nearest"),
    [
        ("LineSourcePotential", {"sigme": 0.3}, "sigma"),
        ("RecExtElectrode", {"contact_shpe": "square"}, "contact_shape"),
        ("OneSphereVolumeConductor", {"sigma_in": 0.3}, "sigma_i"),
        ("FourSphereVolumeConductor", {"sigma": 0.3}, "sigmas"),
        ("Cell", {"pasive": True}, "passive"),
    ],
)
def test_unknown_keywords_name_the_nearest(
    name: str, keywords: dict[str, Any], nearest: str
) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{nearest}'"):
        getattr(lfpcli, name)(None, **keywords)


def run_cells_of_a_notebook(results: dict[str, Any]) -> None:
    """What a notebook does where its cells are run twice."""
    import numpy as np

    from lfpcli import Cell, RecExtElectrode, StimIntElectrode, Synapse

    somata, signals, texts = [], [], []
    for _ in range(3):
        cell = Cell("builtin:ball_and_sticks", passive=True, tstop=10.0)
        synapse = Synapse(cell, 3, "ExpSyn", weight=0.01)
        synapse.set_spike_times([2.0])
        electrode = StimIntElectrode(cell, 0, amp=0.1, delay=1.0, dur=5.0)
        probe = RecExtElectrode(cell, x=[30.0], y=[0.0], z=[0.0])
        for _ in range(2):
            cell.simulate([probe])
            somata.append(cell.somav)
            signals.append(probe.data)
        texts = [repr(each) for each in (cell, synapse, electrode, cell.geometry)]
    try:
        cell.simulate(tsop=3.0)
    except ValueError as error:
        texts.append(str(error))
    results["somata"], results["signals"] = np.array(somata), np.array(signals)
    results["texts"] = np.array(texts)


def test_cells_of_a_notebook_run_again(neuron_process) -> None:
    results = neuron_process(run_cells_of_a_notebook)
    for name in ("somata", "signals"):
        assert (results[name] == results[name][0]).all()
    assert np.ptp(results["somata"][0]) > 1.0
    assert results["texts"].tolist() == [
        "Cell(6 sections, 24 segments)",
        "Synapse(ExpSyn at dend[0](0.833333))",
        "StimIntElectrode(IClamp at soma[0](0.5))",
        "Geometry(24 segments, 1 cells)",
        "a run has no setting 'tsop'; did you mean 'tstop'?",
    ]


@pytest.mark.parametrize("module", ["lfpcli", "lfpcli.compat.lfpy"])
def test_every_public_class_says_what_it_is(module: str) -> None:
    import importlib
    import inspect

    face = importlib.import_module(module)
    names = getattr(face, "__all__", dir(face))
    classes = [getattr(face, name) for name in names if inspect.isclass(getattr(face, name))]
    assert len(classes) > 15
    silent = [each.__name__ for each in classes if each.__repr__ is object.__repr__]
    assert silent == []


def test_geometries_of_lfpykit_tell_their_size() -> None:
    from lfpcli.compat.lfpy import CellGeometry

    ends = [[0.0, 1.0], [1.0, 2.0]]
    assert repr(CellGeometry(x=ends, y=ends, z=ends, d=[1.0, 1.0])) == "CellGeometry(2 segments)"
