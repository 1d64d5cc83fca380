"""Keys set from the command line."""

from __future__ import annotations

import re
from typing import Any

import pytest
from model_trees import network

from lfpcli.errors import ExitCode, InputError, UsageError
from lfpcli.model import Distribution, Nseg, load_model


def loaded(*overrides: str) -> Any:
    return load_model(network(), overrides=overrides)


def test_values_are_those_of_toml_or_bare_words() -> None:
    model = loaded(
        "run.tstop=5",
        "run.dt=adaptive",
        "run.engine = 'neuron'",
        "record.imem=true",
        "record.variables=['ik']",
        "cell.pyr.shift=[1, 2, 3]",
        "cell.pyr.nseg=3",
        'cell.basket.template="b.hoc:B"',
    )
    assert (model.run.tstop, model.run.dt, model.run.engine) == (5.0, "adaptive", "neuron")
    assert model.record.imem
    assert model.record.variables == ("ik",)
    assert model.cells["pyr"].shift == (1.0, 2.0, 3.0)
    assert model.cells["pyr"].nseg == Nseg(rule="fixed", n=3)
    assert model.cells["basket"].template.template == "B"


def test_entries_of_lists_go_by_number_or_name() -> None:
    model = loaded(
        "input.0.weight=0.5",
        "cell.pyr.mechanism.pas.g=1e-4",
        "cell.pyr.mechanism.1.gkbar=0.03",
        "probe.shank.sigma=0.4",
        "connection.0.location.depth.0.scale=7",
    )
    assert model.inputs[0].weight == Distribution.constant(0.5)
    assert model.cells["pyr"].mechanism[0].params["g"] == 1e-4
    assert model.cells["pyr"].mechanism[1].params["gkbar"] == 0.03
    assert model.probes[0].sigma == 0.4
    assert model.connections[0].location.depth[0].params["scale"] == 7.0


def test_the_last_of_several_counts() -> None:
    assert loaded("run.tstop=5", "run.tstop=6").run.tstop == 6.0


def test_missing_tables_are_made() -> None:
    model = loaded("cell.basket.rotate.x=90", "population.new={cell='pyr', size=2}")
    assert model.cells["basket"].rotate.x == 90.0
    assert model.populations["new"].size == 2


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("run.tstp=5", "unknown key [--set run.tstp=5]; did you mean 'tstop'?"),
        ("cel.pyr.Ra=3", "key 'cel': unknown key [model, --set cel.pyr.Ra=3]; did you mean"),
        ("cell.pry.Ra=3", "no such cell [--set cell.pry.Ra=3]; did you mean 'pyr'?"),
        ("run.tstop.x=3", "[run] key 'tstop': is no table, \"x\" cannot be set in it"),
        ("input.3.weight=1", '[input] has no entry "3" [--set input.3.weight=1]; it has 0 to 0'),
        ("probe.shnk.sigma=1", "it has 0 to 3, named shank, csd, slice"),
        ("input.-1.weight=1", 'has no entry "-1"'),
        ("run.tstop=1 2", 'got "1 2"'),
        ("run.tstop=1\nx=2", "expected a number > 0 (ms)"),
        ("run.seed=1979-05-27", "expected a whole number >= 0, got a date"),
        ("run=3", "expected a table, got 3"),
        ("connection.0.delay.max=-100", "--set connection.0.delay.max=-100]"),
    ],
)
def test_wrong_overrides_are_named(override: str, expected: str) -> None:
    with pytest.raises(InputError, match=re.escape(expected)):
        loaded(override)


@pytest.mark.parametrize("override", ["run.tstop", "=3", "run..x=1", "run.tstop=", ""])
def test_texts_that_set_nothing_are_misuse(override: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(override)
    assert caught.value.code == ExitCode.USAGE
