"""What a dry run predicts: shares of processes, memory, files, time, and a batch job's options."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lfpcli.model import Model, load_model
from lfpcli.runtime.engine.trial import Stretch
from lfpcli.tasks.simulate.estimate import PopulationSize, Sizes, lead_work
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.predict import (
    Share,
    Trial,
    batch_line,
    file_bytes,
    memory_bytes,
    seconds,
    shares_of,
)

SHARE_FOLDER = Path(__file__).parent.parent.parent / "share"
LAYOUT = Layout(cells={"E": range(90), "I": range(90, 100)})
SIZES = Sizes(
    populations={
        "E": PopulationSize(cells=90, segments=9000, points=900, synapses=1800),
        "I": PopulationSize(cells=10, segments=10_000, points=100, synapses=100),
    }
)


def model(**tables: Any) -> Model:
    cell = {"morphology": f"{SHARE_FOLDER}/morphologies/stick.swc"}
    populations = {"E": {"cell": "c", "size": 90}, "I": {"cell": "c", "size": 10}}
    return load_model({"cell": {"c": cell}, "population": populations, **tables})


@pytest.mark.parametrize("ranks", [1, 2, 7, 128])
def test_shares_are_all_of_the_model(ranks: int) -> None:
    shares = shares_of(SIZES, LAYOUT, ranks)
    assert len(shares) == ranks
    for name in ("cells", "segments", "points", "synapses"):
        assert sum(getattr(s, name) for s in shares) == pytest.approx(getattr(SIZES, name))
    work = [share.segments for share in shares]
    assert max(work) - min(work) <= 1100.0


def test_rank_0_has_fewer_cells_as_it_writes_for_all() -> None:
    few, many = (model(run={"tstop": tstop}) for tstop in (10.0, 10_000.0))
    lead = lead_work(few, SIZES.segments)
    # what is written once matters less the longer the run
    assert 0.0 < lead_work(many, SIZES.segments) < 0.1 * lead < 0.01 * SIZES.segments
    shares = shares_of(SIZES, LAYOUT, 4, lead=2000.0)
    others = [share.segments for share in shares[1:]]
    assert max(others) - min(others) <= 1100.0
    assert shares[0].segments + 2000.0 == pytest.approx(sum(others) / 3.0, abs=1100.0)
    assert sum(share.cells for share in shares) == SIZES.cells


def predicted(tables: Model, *, ranks: int = 1, engine: str = "neuron", leads: bool = True) -> int:
    share = shares_of(SIZES, LAYOUT, ranks)[0]
    return memory_bytes(tables, SIZES, share, ranks=ranks, engine=engine, leads=leads)


def test_time_follows_what_the_machine_took() -> None:
    share = shares_of(SIZES, LAYOUT, 2)[0]
    whole = shares_of(SIZES, LAYOUT, 1)[0]

    def told(trial: Trial | None, steps: int = 1000) -> float:
        return seconds(model(), SIZES, share, steps=steps, ranks=2, engine="neuron", trial=trial)

    trial = Trial(
        start=1.0, reading=0.0, build=4.0, built=whole, stretch=Stretch(step=1e-2), engine="neuron"
    )
    # a process has half of the work
    assert told(trial, 2000) - told(trial, 1000) == pytest.approx(5.0, rel=0.1)
    slower = replace(trial, build=8.0)
    assert told(slower) - told(trial) == pytest.approx(2.0, rel=0.1)
    # without a trial of its own a step is as much slower as the start was
    untried = replace(trial, start=7.0, stretch=Stretch(), build=math.nan)
    quick = replace(untried, start=0.7)
    gained = told(untried, 2000) - told(untried, 1000)
    assert gained == pytest.approx(10 * (told(quick, 2000) - told(quick, 1000)))


def test_a_dry_run_tries_steps_and_a_run_does_not(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli.model import load_model
        from lfpcli.tasks.simulate import simulation

        tried = []
        tried_steps = simulation.tried_steps

        def noted(cells, settings):
            tried.append(tried_steps(cells, settings))
            return tried[-1]

        simulation.tried_steps = noted
        for engine in ("neuron", "coreneuron"):
            tree = {
                "run": {"tstop": 10.0, "engine": engine},
                "cell": {"c": {"morphology": morphology, "mechanism": [{"name": "hh"}]}},
                "population": {"p": {"cell": "c", "size": 3}},
            }
            simulation.plan_of(load_model(tree))
        results["steps"] = [stretch.step for stretch in tried]
        results["begins"] = [stretch.begin for stretch in tried]

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
    )
    assert len(found["steps"]) == len(found["begins"]) == 2
    assert all(0.0 < step < 0.1 for step in found["steps"].tolist())
    assert all(begin > 0.0 for begin in found["begins"].tolist())


def test_large_models_are_told_by_some_cells_with_their_synapses(
    neuron_process, share: Path
) -> None:
    def model(results, morphology, most) -> None:
        from lfpcli.model import load_model
        from lfpcli.tasks.simulate import plan, simulation

        synapse = {"type": "Exp2Syn", "tau1": 0.2, "tau2": 2.0}
        pairs = {"pre": "E", "post": "I", "weight": 0.001}
        tree = {
            "run": {"tstop": 1.0, "engine": "neuron"},
            "cell": {"c": {"morphology": morphology, "mechanism": [{"name": "hh"}]}},
            "population": {
                "E": {"cell": "c", "size": 30},
                "I": {"cell": "c", "size": 10},
                "A": {"artificial": {"type": "IntFire1"}, "size": 5},
            },
            "connection": [
                pairs
                | {
                    "post": "A",
                    "rule": {"indegree": 2},
                    "synapse": {"type": "event"},
                    "delay": 1.0,
                },
                pairs | {"rule": {"indegree": 4}, "synapse": synapse, "delay": 1.0},
                pairs | {"rule": {"indegree": 1}, "synapse": {"type": "gap"}},
            ],
            # the cell that it stands beside is none of those that are built
            "probe": [{"name": "LFP", "contacts": [[0, 0, 0]], "anchor": "17:soma"}],
        }
        simulation.BUILT_CELLS, plan._PATIENCE = most, 0.0
        told = simulation.plan_of(load_model(tree), ranks=4)
        results["sizes"] = [told.segments, told.synapses, told.file_bytes, told.memory_bytes]
        results["notes"] = told.notes
        results["seconds"] = told.seconds

    morphology = str(share / "morphologies/ball_and_sticks.swc")
    whole = neuron_process(model, morphology=morphology, most=100)
    some = neuron_process(model, morphology=morphology, most=2)
    assert some["sizes"][:3].tolist() == whole["sizes"][:3].tolist()
    assert some["sizes"][3] == pytest.approx(whole["sizes"][3], rel=0.1)
    assert some["seconds"] > 0.0
    (note,) = set(some["notes"].tolist()) - set(whole["notes"].tolist())
    assert note.startswith("some cells of each kind were built")


def test_memory_grows_with_what_is_kept() -> None:
    plain = predicted(model())
    assert plain > 1.2e8
    assert predicted(model(), engine="coreneuron") > plain
    assert predicted(model(record={"vmem": "all"})) > plain + 1e7
    contacts = [[float(k), 50.0, 0.0] for k in range(1000)]
    probe = {"name": "LFP", "contacts": contacts}
    assert predicted(model(probe=[probe])) > plain + 1000 * 8 * SIZES.segments
    stored = model(record={"imem": True})
    assert predicted(stored, ranks=2) > predicted(stored, ranks=2, leads=False)
    assert predicted(model(), ranks=8) < plain


def test_files_hold_what_is_stored_and_the_spikes_of_trains() -> None:
    samples = 1000
    plain = file_bytes(model(), SIZES, samples)
    stored = file_bytes(model(record={"imem": True}), SIZES, samples)
    assert stored - plain == pytest.approx(8 * samples * SIZES.segments, rel=0.1)
    single = file_bytes(model(record={"imem": True}), SIZES, samples, float32=True)
    assert single < 0.6 * stored
    tables = model()
    outside = {"rate": 20.0, "size": 5000}
    tree = tables.to_dict()
    tree["population"]["outside"] = outside
    more = file_bytes(load_model(tree), SIZES, samples) - plain
    assert more == 16 * 20.0 * 5000 * tables.run.tstop / 1000.0


def test_time_grows_with_steps_cells_and_spikes() -> None:
    share = Share(cells=100, segments=19_000, points=1000, synapses=1900)
    one = seconds(model(), SIZES, share, steps=1000, ranks=1, engine="neuron")
    many = seconds(model(), SIZES, share, steps=11_000, ranks=1, engine="neuron")
    assert many - one > 10_000 * share.segments * 5e-8
    source = {"poisson": 100.0}
    table = {"synapse": {"type": "ExpSyn"}, "weight": 1e-3, "count": 1000, "source": source}
    fed = seconds(model(input=[table]), SIZES, share, steps=1000, ranks=1, engine="neuron")
    assert fed - one > 1e-6 * 100 * 1000 * 100 * 0.1


def test_batch_jobs_get_room() -> None:
    line = batch_line(128, 1_000_000_000, 1800.0)
    assert line == "#SBATCH --ntasks=128 --cpus-per-task=1 --mem-per-cpu=1300M --time=1:01:00"


def test_a_plan_for_another_machine(shell: Callable[..., Any], tmp_path: Path) -> None:
    tree = model(run={"tstop": 10.0, "seed": 1}).to_dict()
    (tmp_path / "m.json").write_text(json.dumps(tree))
    here, there = (
        json.loads(shell("sim", tmp_path / "m.json", "--dry-run", "--json", *more).out)
        for more in ((), ("--ranks", "128"))
    )
    assert here["ranks"] == 1 and there["ranks"] == 128
    assert there["batch"].startswith("#SBATCH --ntasks=128 ")
    assert here["segments"] == there["segments"] and here["file bytes"] == there["file bytes"]
    assert there["memory bytes"] < here["memory bytes"] + 1e7
    assert here["rank 0 bytes"] == here["memory bytes"]
    said = shell("sim", tmp_path / "m.json", "--dry-run").out
    assert "\n#SBATCH --ntasks=1 " in said and "of rank 0" in said
