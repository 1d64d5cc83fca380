"""A circuit of a few nodes in the SONATA format, made for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from sources import program

SWC = """\
1 1 0 0 0 6 -1
2 1 0 6 0 6 1
3 1 0 -6 0 6 1
4 3 8 0 0 1 1
5 3 120 30 0 0.8 4
6 3 200 90 10 0.6 5
7 3 180 -80 -10 0.6 5
8 4 0 0 10 1.5 1
9 4 0 5 260 1.2 8
10 2 0 0 -10 0.7 1
11 2 0 0 -90 0.5 10
"""

FIT = {
    "passive": [
        {
            "ra": 120.0,
            "e_pas": -75.0,
            "cm": [{"section": name, "cm": 1.2} for name in ("soma", "axon", "dend", "apic")],
        }
    ],
    "conditions": [
        {"celsius": 20.0, "v_init": -75.0, "erev": [{"section": "soma", "ena": 53.0, "ek": -90.0}]}
    ],
    "genome": [
        *(
            {"section": name, "name": "g_pas", "mechanism": "", "value": 4e-5}
            for name in ("soma", "axon", "dend", "apic")
        ),
        {"section": "soma", "name": "gnabar_hh", "mechanism": "hh", "value": 2.0},
        {"section": "soma", "name": "gkbar_hh", "mechanism": "hh", "value": 0.5},
        {"section": "soma", "name": "gl_hh", "mechanism": "hh", "value": 1e-5},
    ],
}

NODE_TYPES = """\
node_type_id model_type model_template morphology dynamics_params model_processing ei
100 biophysical ctdb:Biophys1.hoc cell.swc fit.json aibs_perisomatic e
101 biophysical ctdb:Biophys1.hoc cell.swc fit.json aibs_perisomatic i
102 point_neuron nrn:IntFire1 NULL point.json NULL i
"""
EDGE_TYPES = """\
edge_type_id target_query source_query model_template syn_weight delay dynamics_params \
target_sections distance_range weight_function weight_sigma
200 * * exp2syn 0.004 2.0 exc.json "['basal', 'apical']" "[30.0, 150.0]" wmax NULL
201 * * exp2syn 0.002 1.5 inh.json "['somatic', 'basal']" "[0.0, 1e+20]" gaussianLL 40.0
202 * * NULL 0.3 1.0 point_exc.json NULL NULL wmax NULL
"""


def write_circuit(folder: Path) -> Path:
    """Write a circuit and the configuration of its simulation; returns the configuration."""
    components = folder / "components"
    components.mkdir(parents=True)
    (components / "cell.swc").write_text(SWC)
    files = {
        "fit.json": FIT,
        "point.json": {"tau": 0.01, "refrac": 0.003},
        "exc.json": {"level_of_detail": "exp2syn", "tau1": 0.5, "tau2": 3.0, "erev": 0.0},
        "inh.json": {"level_of_detail": "exp2syn", "tau1": 1.0, "tau2": 8.0, "erev": -80.0},
        "point_exc.json": {"sign": 1},
    }
    for name, tree in files.items():
        (components / name).write_text(json.dumps(tree))
    _write_nodes(folder)
    _write_edges(folder)
    _write_spikes(folder / "lgn_spikes.h5")
    (folder / "contacts.csv").write_text(
        "channel x_pos y_pos z_pos\n0 30.0 0.0 0.0\n1 60.0 20.0 100.0\n"
    )
    config = folder / "config.json"
    config.write_text(json.dumps(configuration(), indent=2))
    return config


def configuration() -> dict[str, Any]:
    """The tree of the configuration."""
    folder = "$BASE_DIR/components"
    return {
        "manifest": {"$BASE_DIR": ".", "$COMPONENTS": folder},
        "run": {"tstop": 60.0, "dt": 0.1, "dL": 20.0, "spike_threshold": -15, "nsteps_block": 5000},
        "conditions": {"celsius": 20.0, "v_init": -75.0},
        "components": {
            "morphologies_dir": "$COMPONENTS",
            "synaptic_models_dir": "$COMPONENTS",
            "biophysical_neuron_models_dir": "$COMPONENTS",
            "point_neuron_models_dir": "$COMPONENTS",
        },
        "networks": {
            "nodes": [
                {
                    "nodes_file": "$BASE_DIR/v1_nodes.h5",
                    "node_types_file": "$BASE_DIR/v1_node_types.csv",
                },
                {
                    "nodes_file": "$BASE_DIR/lgn_nodes.h5",
                    "node_types_file": "$BASE_DIR/lgn_node_types.csv",
                },
            ],
            "edges": [
                {
                    "edges_file": f"$BASE_DIR/{name}_v1_edges.h5",
                    "edge_types_file": "$BASE_DIR/edge_types.csv",
                }
                for name in ("v1", "lgn")
            ],
        },
        "inputs": {
            "lgn": {
                "input_type": "spikes",
                "module": "sonata",
                "input_file": "$BASE_DIR/lgn_spikes.h5",
                "node_set": "lgn",
            },
            "clamp": {
                "input_type": "current_clamp",
                "module": "IClamp",
                "node_set": [0, 1],
                "amp": 1.2,
                "delay": 5.0,
                "duration": 40.0,
            },
        },
        "output": {
            "output_dir": "$BASE_DIR/output",
            "spikes_file": "spikes.h5",
            "spikes_file_csv": "spikes.csv",
            "log_file": "log.txt",
            "overwrite_output_dir": True,
        },
        "reports": {
            "v": {
                "cells": [0, 1, 2],
                "variable_name": "v",
                "module": "membrane_report",
                "sections": "soma",
            },
            "ecp": {
                "cells": "all",
                "variable_name": "v",
                "module": "extracellular",
                "electrode_positions": "$BASE_DIR/contacts.csv",
                "file_name": "ecp.h5",
                "electrode_channels": "all",
                "minimum_distance": "auto",
            },
        },
    }


def _write_nodes(folder: Path) -> None:
    (folder / "v1_node_types.csv").write_text(NODE_TYPES)
    (folder / "lgn_node_types.csv").write_text("node_type_id model_type ei\n300 virtual e\n")
    with h5py.File(folder / "v1_nodes.h5", "w") as file:
        group = file.create_group("nodes/v1")
        group["node_id"] = np.arange(4, dtype=np.uint64)
        group["node_type_id"] = np.array([100, 100, 101, 102], np.uint64)
        group["node_group_id"] = np.array([0, 0, 0, 1], np.uint32)
        group["node_group_index"] = np.array([0, 1, 2, 0], np.uint64)
        group["0/x"] = [0.0, 50.0, -40.0]
        group["0/y"] = [0.0, 10.0, 20.0]
        group["0/z"] = [0.0, 5.0, -30.0]
        group["0/rotation_angle_yaxis"] = [0.0, 1.2, -0.7]
        group["0/rotation_angle_zaxis"] = [0.3, 0.0, 2.0]
        group["0/tuning_angle"] = [10.0, 80.0, 300.0]
        group["1/tuning_angle"] = [45.0]
    with h5py.File(folder / "lgn_nodes.h5", "w") as file:
        group = file.create_group("nodes/lgn")
        group["node_id"] = np.arange(3, dtype=np.uint64)
        group["node_type_id"] = np.full(3, 300, np.uint64)
        group["node_group_id"] = np.zeros(3, np.uint32)
        group["node_group_index"] = np.arange(3, dtype=np.uint64)
        file.create_group("nodes/lgn/0")


def _write_edges(folder: Path) -> None:
    (folder / "edge_types.csv").write_text(EDGE_TYPES)
    # source, target, type, and the number of synapses, which are drawn
    drawn = [(0, 1, 200, 4), (1, 2, 200, 3), (2, 0, 201, 5), (2, 1, 201, 2), (0, 3, 202, 2)]
    _write_edge_file(folder / "v1_v1_edges.h5", "v1_to_v1", "v1", drawn, {})
    # and some whose places are given
    placed = [(0, 0, 200, None), (1, 0, 200, None), (1, 1, 200, None), (2, 2, 200, None)]
    places = {"afferent_section_id": [1, 2, 3, 1], "afferent_section_pos": [0.5, 0.9, 0.97, 0.02]}
    _write_edge_file(folder / "lgn_v1_edges.h5", "lgn_to_v1", "lgn", placed, places)


def _write_edge_file(
    path: Path,
    name: str,
    source: str,
    edges: list[tuple[int, int, int, int | None]],
    places: dict[str, list[float]],
) -> None:
    order = sorted(range(len(edges)), key=lambda k: edges[k][1])
    edges = [edges[k] for k in order]
    targets = np.array([edge[1] for edge in edges])
    with h5py.File(path, "w") as file:
        group = file.create_group(f"edges/{name}")
        group["source_node_id"] = np.array([edge[0] for edge in edges], np.uint64)
        group["source_node_id"].attrs["node_population"] = source
        group["target_node_id"] = targets.astype(np.uint64)
        group["target_node_id"].attrs["node_population"] = "v1"
        group["edge_type_id"] = np.array([edge[2] for edge in edges], np.uint32)
        group["edge_group_id"] = np.zeros(len(edges), np.uint16)
        group["edge_group_index"] = np.arange(len(edges), dtype=np.uint32)
        if places:
            for key, values in places.items():
                group[f"0/{key}"] = np.array(values)[order]
        else:
            group["0/nsyns"] = np.array([edge[3] for edge in edges], np.uint32)
        for index, nodes in (("target_to_source", targets), ("source_to_target", None)):
            ids = targets if nodes is not None else group["source_node_id"][()].astype(int)
            ranges, spans = _index(ids)
            group[f"indices/{index}/node_id_to_range"] = ranges
            group[f"indices/{index}/range_to_edge_id"] = spans


def _index(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bmtk's index: per node a range of spans, a span an edge here."""
    ranges, spans = [], []
    for node in range(4):
        rows = np.flatnonzero(ids == node)
        ranges.append((len(spans), len(spans) + len(rows)))
        spans += [(int(row), int(row) + 1) for row in rows]
    return np.array(ranges, np.uint64), np.array(spans, np.uint64).reshape(-1, 2)


def _write_spikes(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/lgn")
        # behind delays of 2 ms the second and the last arrive in the middle of a step, where
        # rounding decides in which step an event acts
        group["timestamps"] = [3.02, 11.05, 12.47, 20.01, 33.35]
        group["timestamps"].attrs["units"] = "ms"
        group["node_ids"] = np.array([0, 1, 2, 1, 0], np.uint64)


def bmtk(config: str, library: str) -> None:
    """Run a circuit; the process ends here."""
    import os
    import sys

    from bmtk.simulator import bionet
    from bmtk.simulator.bionet.biocell import BioCell
    from bmtk.simulator.bionet.modules import comsol
    from neuron import h
    from scipy.interpolate import NearestNDInterpolator

    def stimulated(self, set_nrn_mechanism=True):
        # as in bmtk, less a callback of PtrVector that NEURON 9 no longer has
        self.ptr2e_extracellular = h.PtrVector(self.morphology.nseg)
        for section in self.hobj.all:
            section.insert("extracellular")
        self.set_ptr2e_extracellular()

    def nearest(points, numbers):
        # SciPy returns numbers of points as floats now
        interpolator = NearestNDInterpolator(points, numbers)
        return lambda places: interpolator(places).astype(int)

    BioCell.setup_xstim, comsol.NNip = stimulated, nearest
    h.nrn_load_dll(library)
    configuration = bionet.Config.from_json(config, validate=False)
    configuration.build_env()
    network = bionet.BioNetwork.from_config(configuration)
    bionet.BioSimulator.from_config(configuration, network=network).run()
    # bmtk crashes at the end of the process with NEURON 9; its files are whole
    sys.stdout.flush()
    os._exit(0)


def run_bmtk(folder: Path, library: str) -> None:
    """Run the circuit of a folder in a process of its own."""
    subprocess.run(
        [sys.executable, "-c", program(bmtk, "config.json", library)],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=300,
        env={**os.environ, "NEURON_MODULE_OPTIONS": "-nogui"},
    )
