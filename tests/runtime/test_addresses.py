"""Where NEURON keeps variables of nodes: side by side, once it has sorted them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def test_nodes_are_found_by_their_indices(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli import Cell
        from lfpcli.runtime.engine import addresses as room
        from lfpcli.runtime.neuron import nrn

        h = nrn()
        h.CVode().use_fast_imem(True)
        cells = [Cell(morphology, passive=True, nseg=5 + 2 * k, gid=k) for k in range(5)]
        segments = [segment for cell in reversed(cells) for segment in cell.segments]
        assert len(segments) > 2 * room._SAMPLES
        for round in range(2):
            # what is there no more leaves gaps, until NEURON sorts anew
            del cells[2 - round].sections[:]
            h.finitialize(-65.0)
            for name in ("v", "i_membrane_"):
                slow = room.addresses(segments, name)
                results[f"same {name} {round}"] = np.array_equal(
                    room.node_addresses(segments, name), slow
                )
        calls = []
        room.addresses = lambda chosen, name: calls.append(len(chosen)) or slow[: len(chosen)]
        # where they do not lie as expected each is asked for
        room.node_addresses(segments, "v")
        results["calls"] = np.array(calls)
        results["segments"] = len(segments)

    found = neuron_process(model, morphology=str(share / "morphologies/ball_and_sticks.swc"))
    assert all(found[name] for name in found if name.startswith("same "))
    count = int(found["segments"])
    assert found["calls"].tolist() == [64, count]


def test_nodes_of_threads_lie_side_by_side_in_each(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli import Cell
        from lfpcli.runtime.engine import addresses as room
        from lfpcli.runtime.neuron import context, nrn

        h = nrn()
        h.CVode().use_fast_imem(True)
        cells = [Cell(morphology, passive=True, nseg=41 + 2 * k, gid=k) for k in range(4)]
        segments = [segment for cell in reversed(cells) for segment in cell.segments]
        context().nthread(3, 0)
        h.finitialize(-65.0)
        # NEURON deals out the cells one after the other
        dealt = [(0, 0, 1, 2)[k] for k in reversed(range(4)) for _ in cells[k].segments]
        results["numbers"] = room.thread_numbers(segments).tolist() == dealt
        find, asked = room.addresses, []
        room.addresses = lambda chosen, name: asked.append(len(chosen)) or find(chosen, name)
        for name in ("v", "i_membrane_"):
            quick = room.node_addresses(segments, name)
            results[f"same {name}"] = np.array_equal(quick, find(segments, name))
        results["asked"] = np.array(asked)

    found = neuron_process(model, morphology=str(share / "morphologies/ball_and_sticks.swc"))
    assert found["numbers"] and found["same v"] and found["same i_membrane_"]
    # some of each thread are looked at
    assert found["asked"].tolist() == [64] * 6
