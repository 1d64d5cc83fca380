"""Wrong models: each mistake is named with its place, and the remedy."""

from __future__ import annotations

import datetime
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_trees import MINIMAL, NETWORK, network, places, replaced

from lfpcli.errors import ExitCode, InputError, LfpError
from lfpcli.model import load_model

LOCATION = "input__0__location"
SOURCE = "input__0__source"
WEIGHT = "connection__0__weight"
NORM = {"dist": "norm"}

WRONG: list[tuple[dict[str, Any], str]] = [
    # keys
    ({"tstop": 5.0}, "'tstop': stands outside a table [model]; write [run] and under it tstop"),
    ({"rum": {}}, "key 'rum': unknown key [model]; did you mean 'run'?"),
    ({"run__tstp": 5}, "[run] key 'tstp': unknown key [model]; did you mean 'tstop'?"),
    ({"cell__pyr__morfology": "a"}, "[cell.pyr] key 'morfology': unknown key"),
    ({"cell__pyr__morfology": "a"}, "did you mean 'morphology'?"),
    ({"connection__0__pre": None}, "[connection.0] needs the key 'pre'"),
    ({"stimulus__0__type": None}, "[stimulus.0] needs the key 'type'"),
    ({"cell__pyr__mechanism__0__name": None}, "[cell.pyr.mechanism.0] needs the key 'name'"),
    ({"cell__pyr__mechanism__0__sektions": ["soma"]}, "did you mean 'sections'?"),
    ({"stimulus__0__loction": "soma"}, "did you mean 'location'?"),
    # types
    ({"run": 3}, "key 'run': expected a table, got 3"),
    ({"cell": []}, "key 'cell': expected tables with names, got a list of 0"),
    ({"cell__pyr": "a.swc"}, "[cell] key 'pyr': expected a table"),
    ({"probe": {}}, "key 'probe': expected a list of tables, got an empty table"),
    ({"probe__0": 3}, "key 'probe[0]': expected a table, got 3"),
    ({"run__tstop": "50"}, "[run] key 'tstop': expected a number > 0 (ms), got \"50\""),
    ({"run__tstop": "5 ms"}, '(ms), got "5 ms" [model]; write a number alone, which is in ms'),
    ({"input__0__cells": 1}, "got 1 [model]; write [1]"),
    ({"run__tstop": True}, "expected a number > 0 (ms), got true"),
    ({"run__tstop": datetime.date(2020, 1, 1)}, "expected a number > 0 (ms), got a date"),
    ({"record__imem": 1}, "[record] key 'imem': expected true or false, got 1"),
    ({"record__variables": "ica"}, 'each a text, got "ica" [model]; write ["ica"]'),
    ({"cell__pyr__morphology": 3}, "expected the name of a file, got 3"),
    ({"cell__pyr__morphology": " "}, "expected a text that is not empty"),
    ({"cell__pyr__shift": [1, 2]}, "expected a list of 3 numbers (um), got a list of 2"),
    ({"cell__pyr__shift": [1, 2, "x"]}, "[cell.pyr] key 'shift[2]': expected a number"),
    # numbers
    ({"run__tstop": -5}, "expected a number > 0 (ms), got -5"),
    ({"run__tstop": float("nan")}, "got nan"),
    ({"run__tstop": float("inf")}, "got inf"),
    ({"run__tstop": 10**400}, "got an integer of 1329 bits"),
    ({"run__tstart": 1.0}, "expected a number <= 0 (ms), got 1.0"),
    ({"run__dt": "fast"}, 'expected a number > 0 (ms) or "adaptive", got "fast"'),
    ({"run__dt": 200.0}, "200 ms is longer than the run"),
    ({"run__dt": 1e-300}, "makes more than 1e+12 steps"),
    ({"run__seed": -1}, "expected a whole number >= 0, got -1"),
    ({"run__seed": 1.5}, "expected a whole number >= 0, got 1.5"),
    ({"run__celsius": -300}, "expected a number >= -273.15"),
    ({"population__E__size": 0}, "expected a whole number >= 1"),
    ({"population__E__size": 10**12}, "and <= 2147483647"),
    ({"connection__0__rule": {"probability": 1.5}}, "expected a number >= 0 and <= 1"),
    # choices
    ({"run__engine": "neurn"}, 'expected "auto", "neuron" or "coreneuron", got "neurn"'),
    ({"run__engine": "neurn"}, "did you mean 'neuron'?"),
    ({"probe__0__method": "lines"}, "did you mean 'line'?"),
    # cells
    ({"cell__pyr__hoc": "a.hoc"}, "has both 'morphology' and 'hoc'"),
    ({"cell__pyr__morphology": None}, "[cell.pyr] needs one of 'morphology', 'template'"),
    ({"cell__basket__template": "a.hoc"}, 'expected "FILE.hoc:TEMPLATE", got "a.hoc"'),
    ({"cell__pyr__args": [1]}, "[cell.pyr] key 'args': belongs to 'template'"),
    ({"cell__pyr__code": ["a.py"]}, 'expected "FILE.hoc" or "FILE.py:FUNCTION"'),
    ({"cell__pyr__code": ["a.py:b-c"]}, "key 'code[0]'"),
    ({"cell__pyr__nseg": {"rule": "length"}}, "needs the key 'max'"),
    ({"cell__pyr__nseg": {"rule": "keep", "max": 3}}, 'does not go with rule = "keep"'),
    ({"cell__pyr__nseg": 0}, "expected a whole number >= 1"),
    ({"cell__pyr__rotate": {"x": 90, "axis": [1, 0, 0], "angle": 3}}, "mixes ways"),
    ({"cell__pyr__rotate": {"axis": [0, 0, 0], "angle": 3}}, "key 'axis': has no length"),
    ({"cell__pyr__rotate": {"axis": [1, 0, 0]}}, "needs the key 'angle'"),
    ({"cell__pyr__rotate": {"x": 1, "order": "yz"}}, "leaves out 'x'"),
    ({"cell__pyr__rotate": {"order": "xxz"}}, "expected the axes in order"),
    ({"cell__pyr__mirror": "w"}, 'expected "x", "y" or "z"'),
    ({"cell__pyr__distort": {"factor": 1.0}}, "expected a number > -1 and < 1"),
    ({"cell__pyr__mechanism__1__gnabar": {"expr": "exp(-q)"}}, "unknown name 'q'"),
    ({"cell__pyr__mechanism__1__gnabar": {"ex": "1"}}, "did you mean 'expr'?"),
    # populations
    ({"population__E__cell": "pyramid"}, "no cell \"pyramid\" [model]; did you mean 'pyr'?"),
    ({"population__E__spikes": "a.h5"}, "has both 'cell' and 'spikes'"),
    ({"population__background__size": None}, "needs the key 'size'"),
    ({"population__thalamus__rotate": {"z": 90.0}}, "belongs to 'cell'"),
    ({"population__I__size": 3}, "is 3, but 'place' has 2 positions"),
    ({"population__E__place": {"shape": "cylinder"}}, "needs the key 'radius'"),
    ({"population__E__place": {}}, "needs one of 'shape', 'positions'"),
    ({"population__E__place": {"radius": 3}}, "needs one of"),
    ({"population": None}, "has 2 kinds of cells and no population"),
    ({"population__a/b": {"cell": "pyr"}}, '"a/b" cannot be a name'),
    # connections, inputs and stimuli
    ({"connection__0__pre": "EE"}, 'no population "EE"'),
    ({"connection__0__post": "thalamus"}, "'thalamus' has no cells"),
    ({"connection__0__rule": {}}, "[connection.0.rule] needs one of 'probability'"),
    ({"connection__0__rule": {"all": False}}, "expected true, got false"),
    ({"connection__0__delay": 0.001}, "0.001 ms is shorter than the time step"),
    ({"connection__0__delay": 0}, "expected a number > 0 (ms)"),
    ({"input__0__population": "thalamus"}, "'thalamus' has no cells"),
    ({"input__0__cells": [20]}, "no cell 20 in 'E', which has 20, 0 to 19"),
    ({"input__0__cells": [1, 1]}, "cell 1 is named twice"),
    ({"input__0__cells": []}, "expected a list, not empty"),
    ({"input__0__population": None}, "needs the key 'population'"),
    ({"input__0__count": 1.5}, "expected a whole number >= 0"),
    ({"input__0__synapse": {"type": "ExpSyn", "tau": "2"}}, "[input.0.synapse] key 'tau'"),
    # sources
    ({SOURCE: {}}, "needs one of 'poisson', 'times', 'regular', 'dist'"),
    ({SOURCE: {"posson": 3}}, "did you mean 'poisson'?"),
    ({SOURCE: {"poisson": 1, "times": [1]}}, "has both 'poisson' and 'times'"),
    ({SOURCE: {"poisson": -1}}, "expected a number >= 0 (Hz)"),
    ({SOURCE: {"poisson": 1, "min": 1}}, "belongs to 'dist'"),
    ({SOURCE: {"times": [1, float("nan")]}}, "key 'times[1]'"),
    ({SOURCE: {"times": [1], "start": 3}}, "does not go with 'times'"),
    ({SOURCE: {"regular": 5, "start": 3, "stop": 2}}, "expected a number > start = 3"),
    ({SOURCE: {"dist": "norm", "loc": -1000}}, "min and max leave"),
    ({SOURCE: {"dist": "gamma"}}, "'gamma' needs the parameter 'a'"),
    # distributions
    ({WEIGHT: {"dist": "nrom"}}, "has no distribution \"nrom\" [model]; did you mean 'norm'?"),
    ({WEIGHT: {"dist": "multivariate_normal"}}, "scipy.stats has no distribution"),
    ({WEIGHT: {"loc": 1}}, "needs the key 'dist'"),
    ({WEIGHT: {**NORM, "scal": 1}}, "'norm' has no such parameter [model]; did you mean 'scale'?"),
    ({WEIGHT: {**NORM, "scale": 0}}, "expected a finite number > 0"),
    ({WEIGHT: {**NORM, "loc": float("inf")}}, "expected a finite number"),
    ({WEIGHT: {"dist": "gamma", "a": -1}}, "outside of what 'gamma' allows"),
    ({WEIGHT: {**NORM, "min": 5, "max": 4}}, "leave nothing of 'norm'"),
    ({WEIGHT: {**NORM, "min": 5}}, "leave 2.9e-07 of 'norm'"),
    ({WEIGHT: {"dist": "expon", "max": -1}}, "leave nothing of 'expon'"),
    ({"connection__0__count": {**NORM, "min": -1}}, "expected a number >= 0"),
    ({"connection__0__count": {**NORM, "loc": 1e6}}, "has no density at the integers"),
    ({"connection__0__count": {**NORM, "max": 0.5}}, "a count cannot be from 1 to 0"),
    ({"connection__0__count": {**NORM, "min": 1.2, "max": 1.8}}, "cannot be from 2 to 1"),
    ({"connection__0__count": {**NORM, "max": 1e9}}, "cannot be from 1 to 1000000000"),
    ({"connection__0__count": {"dist": "cauchy"}}, "counts have no upper end"),
    # locations
    ({LOCATION: {"section": "soma", "index": 3}}, "has both 'section' and 'index'"),
    ({LOCATION: {"x": 0.5}}, "belongs to 'section'"),
    ({LOCATION: {"section": "soma", "x": 1.5}}, "expected a number >= 0 and <= 1"),
    ({LOCATION: {"index": -1}}, "expected a whole number >= 0"),
    ({LOCATION: {"index": 3, "z_min": 3}}, "does not go with 'index'"),
    ({LOCATION: {"z_min": 3, "z_max": 3}}, "expected a number > z_min = 3"),
    ({LOCATION: {"depth": []}}, "expected a list, not empty"),
    ({LOCATION: {"depth": [{**NORM, "weight": 0}]}}, "has weights that are all 0"),
    ({LOCATION: {"depth": [{"dist": "poisson", "mu": 3}]}}, "'poisson' is discrete"),
    ({LOCATION: "soma("}, "NAME(x)"),
    # fields and probes
    ({"field__0__current": None}, "needs the key 'current'"),
    ({"field__0__electrodes": None}, "needs one of 'electrodes', 'array', 'v_ext'"),
    ({"field__0__current": {"amp": [1, 2], "dur": 1}}, "has 2 amplitudes for 1 electrodes"),
    ({"field__0__current": {"amp": 1, "dur": 1, "pulses": 3}}, "needs the key 'period'"),
    ({"field__0__current": {"amp": 1, "dur": 2, "period": 1}}, "1 ms is shorter than a pulse"),
    ({"field__0__current": {"amp": 1, "dur": 2, "gap": 1}}, "a second phase without 'amp2'"),
    ({"probe__0__contacts": [[0, 0, 0]]}, "has both 'array' and 'contacts'"),
    ({"probe__1__contacts": []}, "expected a list, not empty, each a list of 3 numbers"),
    ({"probe__1__sigma": [0.3, 0.3]}, "expected a list of 3 numbers > 0 (S/m)"),
    ({"probe__1__sigma": 0}, "expected a number > 0 (S/m), got 0"),
    ({"probe__1__normal": [0, 0, 0]}, "has no length"),
    ({"probe__1__half_sides": [1, 2]}, 'goes with shape = "rect"'),
    ({"probe__1__filter": {}}, "needs the key 'low' or 'high'"),
    ({"probe__1__filter": {"low": 5, "high": 3}}, "expected a number > low = 5"),
    ({"probe__2__radius": 3.0}, "has keys of contacts"),
    ({"probe__2__csd": {"z": [0, 100], "dz": 30, "radius": 5}}, "does not divide the 100 um"),
    ({"probe__2__csd": {"z": [100, 0], "dz": 30, "radius": 5}}, "the lower end first"),
    ({"probe__2__csd": {"z": [0, 1], "dz": 1e-9, "radius": 5}}, "makes more than"),
    ({"probe__2__csd": {"z": [0, 100], "dz": 50}}, "needs the key 'radius'"),
    ({"probe__2__csd": {"origin": [0, 0, 0], "n": [1, 1, 1]}}, "needs the key 'size'"),
    ({"probe__2__csd": {"z": [0, 1], "dz": 1, "radius": 1, "n": [1, 1, 1]}}, "does not go with"),
    ({"probe__3__medium": {"slice": 300, "sphere": 3}}, "expected a table with one of"),
    ({"probe__3__medium": {"slice": 300, "sigma_salin": 3}}, "did you mean 'sigma_saline'?"),
    ({"probe__3__medium": "infinit"}, "did you mean 'infinite'?"),
    ({"probe__3__sigma": [1, 2, 3]}, "different along x and y"),
    ({"probe__3__sigma": [[1, 0.1, 0], [0.1, 1, 0], [0, 0, 1]]}, "has no images in this medium"),
    ({"probe__0__sigma": [[1, 0.1, 0], [0, 1, 0], [0, 0, 1]]}, "not symmetric"),
    ({"run__ephaptic": {"bundle": {"low": 1, "high": 0, "area": 1}}}, "expected a number > low"),
    ({"run__ephaptic": True, "run__dt": "adaptive"}, "acts from one step to the next"),
    ({"probe__2__name": "shank"}, "'shank' is the name of two signals"),
    ({"probe__2__name": "a/b"}, '"a/b" cannot be a name'),
    ({"record__variables": ["ica", "ica"]}, '"ica" is named twice'),
    # time constants and resistances at or below zero, which NEURON would take
    (
        {"input__0__synapse": {"type": "ExpSyn", "tau": 0}},
        "key 'tau': expected a number > 0, got 0",
    ),
    (
        {"connection__0__synapse": {"type": "Exp2Syn", "tau1": -1.5}},
        "key 'tau1': expected a number > 0, got -1.5",
    ),
    ({"stimulus__0": {"type": "SEClamp", "rs": 0}}, "key 'rs': expected a number > 0"),
    ({"stimulus__0": {"type": "OUClamp", "sd": -1}}, "key 'sd': expected a number >= 0"),
    ({"cell__pyr__mechanism__0": {"name": "pas", "g": -1e-4}}, "key 'g': expected a number >= 0"),
    # what nothing heeds
    ({"probe__2__sigma": 0.4}, "key 'sigma': does not go with 'csd'"),
    ({"field": [{"uniform": [0, 0, 1], "radius": 3}]}, "'uniform' has none"),
    ({"field": [{"v_ext": "v.npz", "sigma": 0.4}]}, "key 'sigma': does not go with 'v_ext'"),
    (
        {"connection__0__rule": {"density": 0.1}, "connection__0__count": 3},
        "key 'count': does not go with rule.density",
    ),
]


@pytest.mark.parametrize(("change", "expected"), WRONG, ids=[t[1][:40] for t in WRONG])
def test_mistakes_are_named(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        load_model(network(**change))
    assert caught.value.code == ExitCode.INPUT
    assert "\n" not in str(caught.value)


def test_models_without_cells_are_refused() -> None:
    with pytest.raises(InputError, match="the model has no cell"):
        load_model({})


def test_spike_trains_may_not_take_the_name_of_the_only_cell() -> None:
    with pytest.raises(InputError, match="has the name of a cell"):
        load_model({**MINIMAL, "population": {"pyr": {"rate": 5, "size": 2}}})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[cell.a]\nmorphology = "a"\n\n[run]\ntstopp = 1\n', "m.toml:5"),
        ('[cell.a]\nmorphology = "a"\n# x\nRa = -1\n', "m.toml:4"),
        ('[cell.a]\nmorphology="a"\n[[input]]\n[[input]]\nweight="x"\n', "m.toml:3"),
        ('[cell.a]\nmorphology="a"\n[[stimulus]]\ntype="I"\n[[stimulus]]\ntype=3\n', "m.toml:6"),
        ('[cell.a]\nmorphology="a"\nrotate = {x = 3, yy = 3}\n', "m.toml:3"),
        ('[cell.a]\nmorphology="a"\n[cell.a.rotate]\nx = 3\nw = 2\n', "m.toml:5"),
        ('[cell."a b"]\nmorphology="a"\nRa="x"\n', "m.toml:3"),
        ('cell.a.morphology = "a"\ncell.a.Ra = "x"\n', "m.toml:2"),
        ('[cell.a]\nmorphology="a"\n[[cell.a.mechanism]]\nname="p"\ng=1\n'
         '[[cell.a.mechanism]]\nname="q"\ng="x"\n', "m.toml:8"),
    ],
)  # fmt: skip
def test_errors_have_the_line_in_the_file(text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        load_model(io.StringIO(text), name="m.toml")
    assert caught.value.source == place


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty [m]"),
        (b" \n", "is empty"),
        (b"[run\n", "malformed TOML: Expected ']' at the end of a table declaration [m:1]"),
        (b"[run]\ntstop = \n", "malformed TOML: Invalid value [m:2]"),
        (b"[run]\ntstop = 1\ntstop = 2\n", "malformed TOML: Cannot overwrite a value [m:3]"),
        (b'x = "a', "malformed TOML"),
        (b"{", "malformed JSON"),
        (b'{\n"run": 1,}', "malformed JSON"),
        (b'{"run": {}, "run": {}}', 'key "run" comes twice [m]'),
        (b'{"run": {"tstop": NaN}}', "got nan"),
        (b"\x89HDF\r\n\x1a\n\xff\x00", "is no text in UTF-8"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "is nested too deeply"),
        (b'{"a":' + b"[" * 100000, "is nested too deeply"),
        (b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}", "is nested too deeply"),
        (b'{"run": {"tstop": ' + b"9" * 5000 + b"}}", "malformed"),
    ],
)
def test_malformed_texts_are_refused(data: bytes, expected: str) -> None:
    with pytest.raises(InputError, match=re.escape(expected)):
        load_model(io.BytesIO(data), name="m")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "none.toml")
    with pytest.raises(InputError, match="is a folder, not a model"):
        load_model(tmp_path)
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(InputError, match="is no table of a model"):
        load_model(tmp_path / "list.json")
    with pytest.raises(InputError, match="a model is no int"):
        load_model(3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is not a text"):
        load_model({"run": {3: 4}})


def test_control_codes_of_strangers_reach_no_terminal() -> None:
    with pytest.raises(InputError) as caught:
        load_model(network(run__engine="\x1b[31m" + "x" * 500))
    assert caught.value.message.isprintable()
    assert len(str(caught.value)) < 300


WEIRD: list[Any] = [
    None, -1, 0, 0.5, float("nan"), -float("inf"), "", "x" * 1000, [], {}, [[]], [{}], {"a": 1},
    10**400, -(10**400), 10**18, True, b"x", "a\0b", 1e308, 1e-320, "soma(x)", "@nan,0,0",
    {"dist": "norm"}, {"dist": "zipf", "a": 1.0001},
    {"dist": "uniform", "loc": 1e308, "scale": 1e308},
    {"dist": "norm", "scale": 1e-300, "min": 5}, {"dist": "binom", "n": 1e12, "p": 0.5},
    {"dist": "truncnorm", "a": 0.3, "b": float("inf")}, {"expr": "(" * 400},
    {"expr": "-" * 400 + "d"},
]  # fmt: skip


def test_any_value_anywhere_gives_a_model_or_an_error_of_ours() -> None:
    rng = np.random.default_rng(5)
    paths = places(NETWORK)
    accepted = 0
    for path in paths:
        for k in rng.choice(len(WEIRD), 6, replace=False):
            try:
                model = load_model(replaced(NETWORK, path, WEIRD[k]))
            except LfpError as error:
                assert len(str(error)) < 500
            else:
                accepted += 1
                assert load_model(model.to_dict(), folder=model.folder) == model
    assert 0 < accepted < 3 * len(paths)


def test_damaged_texts_give_a_model_or_an_error_of_ours() -> None:
    rng = np.random.default_rng(6)
    text = Path(__file__).with_name("damaged.toml").read_bytes()
    refused = 0
    for _ in range(400):
        data = bytearray(text)
        for at in rng.integers(len(data), size=rng.integers(1, 4)):
            data[at] = rng.choice(list(b'[]{}"=.,#\n\x00\xff3xe-'))
        try:
            load_model(io.BytesIO(bytes(data)))
        except LfpError:
            refused += 1
    assert refused > 100
