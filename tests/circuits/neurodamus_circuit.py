"""A circuit of a few cells in the dialect of neurodamus, made for tests, and the same in NEURON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# soma, an axon of three sections, two basal dendrites and an apical one
SWC = """\
1 1 0 0 0 7 -1
2 1 0 7 0 7 1
3 1 0 -7 0 7 1
4 2 0 -8 0 0.6 1
5 2 0 -60 0 0.5 4
6 2 20 -90 0 0.4 5
7 2 -20 -95 0 0.4 5
8 3 8 0 0 1.2 1
9 3 90 10 0 0.8 8
10 3 -8 0 0 1.2 1
11 3 -120 -20 0 0.8 10
12 4 0 9 0 1.6 1
13 4 0 200 0 1.0 12
"""

TEMPLATE = """\
load_file("import3d.hoc")
strdef Stub_NeededAttributes
Stub_NeededAttributes = "channel_scaler"

begintemplate Stub
public soma, dend, apic, axon, all, somatic, basal, apical, axonal, gid, nSecAxonalOrig, init
create soma[1], dend[1], apic[1], axon[1]
objref all, somatic, basal, apical, axonal, this

proc init() { localobj reader, importer
    strdef path
    all = new SectionList()
    somatic = new SectionList()
    basal = new SectionList()
    apical = new SectionList()
    axonal = new SectionList()
    forall delete_section()
    gid = $1
    sprint(path, "%s/%s", $s2, $s3)
    reader = new Import3d_SWC_read()
    reader.input(path)
    importer = new Import3d_GUI(reader, 0)
    importer.instantiate(this)
    forsec all { nseg = 1 + 2 * int(L / 60) }
    number_sections()
    cut_axon()
    forsec all { Ra = 110  cm = 1  insert pas  g_pas = 1e-4  e_pas = -70 }
    forsec somatic { insert hh  gnabar_hh = 0.2 * $4  gkbar_hh = 0.05 }
    forsec axonal { insert hh  gnabar_hh = 0.2 }
}

// as circuits of the Blue Brain Project tell the numbers of sections
proc number_sections() { local number
    number = 0
    forsec all { v(0.0001) = number  number = number + 1 }
}

proc cut_axon() { local first, second
    nSecAxonalOrig = 0
    forsec axonal { nSecAxonalOrig = nSecAxonalOrig + 1 }
    axon[0] { first = v(0.0001) }
    axon[1] { second = v(0.0001) }
    forsec axonal { delete_section() }
    execute1("create axon[2]", this)
    axon[0] { L = 30  diam = 1  nseg = 1  all.append()  axonal.append()  v(0.0001) = first }
    axon[1] { L = 30  diam = 1  nseg = 1  all.append()  axonal.append()  v(0.0001) = second }
    soma[0] connect axon[0](0), 1
    axon[0] connect axon[1](0), 1
}
endtemplate Stub
"""

# stochastic synapses with the parameters that neurodamus sets, and equations of their own
SYNAPSE = """\
NEURON {{
    POINT_PROCESS {name}
    NONSPECIFIC_CURRENT i
    RANGE {decay}, Use, Dep, Fac, Nrrp, {ratio}, synapseID, g, i
    GLOBAL e, nc_type_param
    RANDOM rng
    THREADSAFE
}}
UNITS {{ (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }}
PARAMETER {{
    {decay} = 5 (ms)
    Use = 1
    Dep = 100 (ms)
    Fac = 10 (ms)
    Nrrp = 1
    {ratio} = 0.5
    synapseID = 0
    e = {reversal} (mV)
    nc_type_param = 1
}}
ASSIGNED {{ v (mV) i (nA) }}
STATE {{ g (uS) }}
INITIAL {{ g = 0 }}
BREAKPOINT {{
    SOLVE decay METHOD cnexp
    i = g * (v - e)
}}
DERIVATIVE decay {{ g' = -g / {decay} }}
NET_RECEIVE (weight, origin) {{
    LOCAL released
    INITIAL {{ }}
    released = 0
    FROM k = 0 TO Nrrp - 1 {{
        if (random_uniform(rng) < Use) {{ released = released + 1 }}
    }}
    : events of other origins count less, so that a test sees which they are
    released = released / (1 + origin)
    g = g + 0.001 * weight * (1 + {ratio}) * released / Nrrp
}}
"""

DT, SEED = 0.05, 7
# of a cell: soma, basal, apical, stubs
SEGMENTS = 1 + 3 + 3 + 7 + 2
# source, target, section, place along it, type, conductance (nS), delay (ms)
A_TO_A = [(0, 1, 4, 0.3, 100, 9.0, 1.52), (2, 1, 5, 0.8, 110, 7.0, 0.75), (1, 2, 6, 0.5, 7, 5.0, 2)]
A_TO_B = [(0, 0, 6, 0.9, 120, 12.0, 1.0), (1, 0, 3, 0.5, 130, 9.0, 1.0), (2, 1, 0, 0.5, 20, 8.0, 3)]
V_TO_B = [(1, 0, 4, 0.5, 100, 20.0, 1.0), (0, 1, 1, 0.4, 101, 25.0, 1.0)]
REPLAYED = {0: [4.01, 16.52], 1: [8.03, 9.51]}
QUATERNIONS = [[1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], [0.8, 0, 0.6, 0]]


def write_neurodamus(folder: Path) -> Path:
    """Write the circuit, the sources of its mechanisms and a simulation, whose file it returns."""
    for name in ("hoc", "swc", "mod"):
        (folder / name).mkdir(parents=True)
    (folder / "hoc/Stub.hoc").write_text(TEMPLATE)
    (folder / "swc/cell.swc").write_text(SWC)
    for name, decay, ratio, reversal in (
        ("ProbAMPANMDA_EMS", "tau_d_AMPA", "NMDA_ratio", 0),
        ("ProbGABAAB_EMS", "tau_d_GABAA", "GABAB_ratio", -80),
    ):
        text = SYNAPSE.format(name=name, decay=decay, ratio=ratio, reversal=reversal)
        (folder / f"mod/{name}.mod").write_text(text)
    _write_nodes(folder / "nodes.h5")
    for name, source, target, edges in (
        ("A__A__chemical", "A", "A", A_TO_A),
        ("A__B__chemical", "A", "B", A_TO_B),
        ("V__B__chemical", "V", "B", V_TO_B),
    ):
        _write_edges(folder / f"{name}.h5", name, (source, target), edges)
    with h5py.File(folder / "replay.h5", "w") as file:
        pairs = sorted((time, node) for node, times in REPLAYED.items() for time in times)
        file["spikes/V/timestamps"] = [time for time, _ in pairs]
        file["spikes/V/timestamps"].attrs["units"] = "ms"
        file["spikes/V/node_ids"] = np.array([node for _, node in pairs], np.uint64)
    with h5py.File(folder / "weights.h5", "w") as file:
        file["A/node_ids"] = np.arange(3)
        file["A/offsets"] = SEGMENTS * np.arange(4)
        file["electrodes/A/scaling_factors"] = weights()
    (folder / "circuit_config.json").write_text(json.dumps(circuit_tree()))
    (folder / "node_sets.json").write_text(json.dumps({"Cells": {"population": ["A", "B"]}}))
    config = folder / "simulation_config.json"
    config.write_text(json.dumps(simulation_tree(), indent=1))
    return config


def weights() -> np.ndarray:
    """Weights of two contacts for the segments of the cells of A, mV/nA."""
    return np.random.default_rng(5).uniform(0.0, 0.1, (3 * SEGMENTS, 2))


def circuit_tree() -> dict[str, Any]:
    """The configuration of the circuit."""
    folders = {"morphologies_dir": "swc", "biophysical_neuron_models_dir": "hoc"}
    populations = {name: {"type": "biophysical", **folders} for name in ("A", "B")}
    populations["V"] = {"type": "virtual"}
    names = ("A__A__chemical", "A__B__chemical", "V__B__chemical")
    return {
        "version": 2,
        "networks": {
            "nodes": [{"nodes_file": "nodes.h5", "populations": populations}],
            "edges": [
                {"edges_file": f"{name}.h5", "populations": {name: {"type": "chemical"}}}
                for name in names
            ],
        },
    }


def simulation_tree() -> dict[str, Any]:
    """The configuration of the simulation."""
    span = {"dt": 0.5, "start_time": 1.0, "end_time": 20.0}
    return {
        "version": 1,
        "manifest": {"$OUTPUT": "./output"},
        "network": "circuit_config.json",
        "node_sets_file": "node_sets.json",
        "node_set": "Cells",
        "run": {"tstop": 30.0, "dt": DT, "random_seed": SEED, "synapse_seed": 11},
        "conditions": {
            "celsius": 30.0,
            "v_init": -71.0,
            "mechanisms": {"ProbGABAAB_EMS": {"e": -82.0}},
        },
        "inputs": {
            "ramp": {
                "module": "linear",
                "input_type": "current_clamp",
                "amp_start": 0.6,
                "amp_end": 1.8,
                "delay": 1.0,
                "duration": 12.0,
                "node_set": "A",
            },
            "hold": {
                "module": "hyperpolarizing",
                "input_type": "current_clamp",
                "delay": 0.0,
                "duration": 30.0,
                "node_set": "Cells",
                "represents_physical_electrode": True,
            },
            "noise": {
                "module": "noise",
                "input_type": "current_clamp",
                "mean_percent": 10.0,
                "variance": 0.5,
                "delay": 2.0,
                "duration": 20.0,
                "node_set": "B",
            },
            "replayed": {
                "module": "synapse_replay",
                "input_type": "spikes",
                "delay": 0.0,
                "duration": 30.0,
                "spike_file": "replay.h5",
                "node_set": "Cells",
            },
        },
        "connection_overrides": [
            {"name": "all", "source": "A", "target": "Cells", "weight": 1.5},
            {
                "name": "some",
                "source": "A",
                "target": "B",
                "weight": 2.0,
                "spont_minis": 80.0,
                "synapse_configure": "%s.Use = 0.8 %s.Nrrp = 3",
                "synapse_delay_override": 2.5,
            },
        ],
        "output": {"output_dir": "$OUTPUT", "spikes_file": "spikes.h5"},
        "reports": {
            "soma": {"type": "compartment", "cells": "Cells", "variable_name": "v", **span},
            "potentials": {
                "type": "lfp",
                "cells": "A",
                "electrodes_file": "weights.h5",
                "dt": 0.5,
                "start_time": 1.0,
                "end_time": 20.0,
            },
            "whole": {
                "type": "summation",
                "cells": "A",
                "variable_name": "i_membrane",
                "sections": "soma",
                "scaling": "none",
                **span,
            },
            "currents": {
                "type": "compartment",
                "cells": "A",
                "variable_name": "i_membrane",
                "sections": "all",
                **span,
            },
        },
    }


def _write_nodes(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, count in (("A", 3), ("B", 2), ("V", 2)):
            group = file.create_group(f"nodes/{name}")
            group["node_type_id"] = np.full(count, -1)
            attributes = group.create_group("0")
            if name == "V":
                continue
            text = h5py.string_dtype()
            for key, value in (("model_template", "hoc:Stub"), ("morphology", "cell")):
                attributes.create_dataset(key, data=[value] * count, dtype=text)
            for k, axis in enumerate("xyz"):
                attributes[axis] = 100.0 * np.arange(count) + k
            for k, part in enumerate("wxyz"):
                attributes[f"orientation_{part}"] = np.array(QUATERNIONS[:count])[:, k]
            attributes["dynamics_params/holding_current"] = np.linspace(-0.02, 0.02, count)
            attributes["dynamics_params/threshold_current"] = np.full(count, 0.4)
            attributes["dynamics_params/channel_scaler"] = np.array([1.0, 1.2, 1.0])[:count]


def _write_edges(
    path: Path, name: str, ends: tuple[str, str], edges: list[tuple[float, ...]]
) -> None:
    rows = np.array(edges, float)
    count = len(rows)
    with h5py.File(path, "w") as file:
        group = file.create_group(f"edges/{name}")
        for key, column, nodes in zip(("source", "target"), rows.T, ends, strict=False):
            group[f"{key}_node_id"] = column.astype(np.uint64)
            group[f"{key}_node_id"].attrs["node_population"] = nodes
        group["edge_type_id"] = np.full(count, -1)
        columns = {
            "afferent_section_id": rows[:, 2].astype(np.uint32),
            "afferent_section_pos": rows[:, 3],
            "syn_type_id": rows[:, 4].astype(np.uint16),
            "conductance": rows[:, 5],
            "delay": rows[:, 6],
            "u_syn": np.full(count, 0.6),
            "depression_time": np.full(count, 300.0),
            "facilitation_time": np.full(count, 20.0),
            "decay_time": np.linspace(2.0, 8.0, count),
            "n_rrp_vesicles": np.full(count, 2, np.uint16),
            "conductance_scale_factor": np.full(count, 0.4),
        }
        for key, values in columns.items():
            group[f"0/{key}"] = values


def plain_neuron(results: dict[str, np.ndarray], folder: str, library: str) -> None:
    """The simulation in a script of NEURON, with no help of a package."""
    import hashlib

    from neuron import h

    def population_number(name: str) -> int:
        digest = hashlib.md5(name.encode()).digest()
        return ((digest[1] & 15) << 8) + digest[0]

    h.nrn_load_dll(library)
    h.load_file("stdrun.hoc")
    h.load_file(f"{folder}/hoc/Stub.hoc")
    h.celsius, h.dt = 30.0, DT
    h.e_ProbGABAAB_EMS = -82.0
    h.Random().Random123_globalindex(SEED)
    context = h.ParallelContext()
    cells, numbers = {}, {}
    for population, first, count in (("A", 0, 3), ("B", 1000, 2)):
        for node in range(count):
            scaler = (1.0, 1.2, 1.0)[node]
            cell = h.Stub(first + node, f"{folder}/swc", "cell.swc", scaler)
            cells[population, node], numbers[population, node] = cell, first + node
            context.set_gid2node(first + node, 0)
            detector = h.NetCon(cell.soma[0](1)._ref_v, None, sec=cell.soma[0])
            detector.threshold = -30.0
            context.cell(first + node, detector)
    kept, events = [], []
    # soma 0, axon 1 to 3 of which two are left, basal 4 and 5, apical 6
    for ends, edges in ((("A", "A"), A_TO_A), (("A", "B"), A_TO_B), (("V", "B"), V_TO_B)):
        seen: dict[int, int] = {}
        for k, (source, target, section, x, kind, conductance, delay) in enumerate(edges):
            number = seen.get(target, 0)
            seen[target] = number + 1
            if section == 3:
                continue
            cell = cells[ends[1], target]
            parts = [cell.soma[0], cell.axon[0], cell.axon[1], None, *cell.dend, cell.apic[0]]
            is_excitatory = kind >= 100
            maker = h.ProbAMPANMDA_EMS if is_excitatory else h.ProbGABAAB_EMS
            synapse = maker(parts[section](x))
            decay = np.linspace(2.0, 8.0, len(edges))[k]
            if is_excitatory:
                synapse.tau_d_AMPA, synapse.NMDA_ratio = decay, 0.4
            else:
                synapse.tau_d_GABAA, synapse.GABAB_ratio = decay, 0.4
            synapse.Use, synapse.Nrrp = (0.8, 3) if ends == ("A", "B") else (0.6, 2)
            pathway = population_number(ends[0]) * 65536 + population_number(ends[1])
            tgid = numbers[ends[1], target]
            synapse.rng.set_ids(tgid + 251, number + 100, pathway + 11 + 300)
            synapse.rng.set_seq(0)
            steps = int(delay / DT + 1e-5) * DT
            if ends[0] == "V":
                connection = h.NetCon(None, synapse)
                connection.weight[1] = 2
                weight = conductance
                events.append((connection, [time + steps for time in REPLAYED[source]]))
            else:
                connection = context.gid_connect(numbers["A", source], synapse)
                weight = conductance * (2.0 if ends[1] == "B" else 1.5)
                connection.delay = 2.5 if ends[1] == "B" else steps
            connection.weight[0] = weight
            kept += [synapse, connection]
            if ends == ("A", "B"):
                spontaneous = h.NetCon(None, synapse)
                spontaneous.weight[0], spontaneous.weight[1] = weight, 1
                generator = h.Random()
                generator.Random123(number + 200, tgid + 251, pathway + 300)
                generator.negexp(1)
                time, times = 0.0, []
                while time < 30.0:
                    time += 1000.0 / 80.0 * generator.repick()
                    times.append(time + 0.1)
                events.append((spontaneous, times[:-1]))
                kept.append(spontaneous)
    for (population, node), cell in cells.items():
        if population == "A":
            ramp = h.IClamp(cell.soma[0](0.5))
            ramp.dur = 13.0
            times = h.Vector([0.0, 1.0, 1.0, 13.0, 13.0])
            values = h.Vector([0.0, 0.0, 0.6, 1.8, 0.0])
            values.play(ramp._ref_amp, times, True)
            kept += [ramp, times, values]
        else:
            # the numbers that noise from 0 on would have had come first
            generator = h.Random()
            generator.Random123(100, 500, numbers[population, node] + 301)
            previous = h.Vector().indgen(0.0, 2.0 - DT, 0.5)
            previous.setrand(generator)
            generator.normal(0.4 * 10.0 / 100, 0.4 * 0.5 / 100)
            times = h.Vector().indgen(2.0, 22.0, 0.5)
            values = h.Vector(len(times))
            values.setrand(generator)
            times = h.Vector([0.0, 2.0]).append(times).append(22.0)
            values = h.Vector([0.0, 0.0]).append(values).append(0.0)
            noise = h.IClamp(cell.soma[0](0.5))
            noise.dur = 22.0
            values.play(noise._ref_amp, times, True)
            kept += [noise, times, values]
        hold = h.IClamp(cell.soma[0](0.5))
        count = 3 if population == "A" else 2
        hold.dur, hold.amp = 30.0, np.linspace(-0.02, 0.02, count)[node]
        kept.append(hold)

    def begin() -> None:
        for connection, times in events:
            for time in times:
                connection.event(time)

    handler = h.FInitializeHandler(begin)
    recorded = {key: h.Vector().record(cell.soma[0](0.5)._ref_v) for key, cell in cells.items()}
    times, gids = h.Vector(), h.Vector()
    context.spike_record(-1, times, gids)
    context.set_maxstep(10)
    h.finitialize(-71.0)
    context.psolve(30.0)
    results["v"] = np.column_stack([recorded[key].to_python() for key in cells])
    results["times"], results["gids"] = np.array(times), np.array(gids)
    del handler, kept
