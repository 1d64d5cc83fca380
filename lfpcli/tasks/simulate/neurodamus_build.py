"""A circuit of neurodamus, once its cells are there: synapses and electrodes."""

from __future__ import annotations

from collections.abc import Sequence

from lfpcli.errors import InputError
from lfpcli.runtime.cell.cell import Cell
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.neurodamus.inputs import SimulationInputs, read_inputs
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.neurodamus import NeurodamusWiring
from lfpcli.tasks.simulate.neurodamus_inputs import add_inputs
from lfpcli.tasks.simulate.own_settings import OwnSettings


def build_neurodamus(
    settings: OwnSettings,
    circuit: Circuit,
    layout: Layout,
    *,
    cells: list[Cell],
    members: list[Member],
    sections: Sequence[dict[int, int]],
    threshold: float,
    seed: int,
) -> Built:
    """Build what cells of a circuit of neurodamus are joined and driven by.

    Parameters
    ----------
    settings : OwnSettings
        The model.
    circuit : Circuit
        The circuit.
    layout : Layout
        Its populations.
    cells : list of Cell
        The cells of this process.
    members : list of Member
        The same cells as signals see them.
    sections : sequence of dict
        Of each, the index of every section by its number.
    threshold : float
        Potential whose crossing is a spike, mV.
    seed : int
        What all random streams have in common.

    Raises
    ------
    InputError
        Where the model has inputs beside those of the circuit, or the circuit is not run.
    """
    model = settings.model
    for table in (*model.inputs, *model.stimuli):
        raise InputError(
            "synapses and electrodes of a model file do not go with a circuit of neurodamus",
            source=table.source_line,
            remedy="add them to the inputs of its configuration",
        )
    assert model.circuit is not None
    inputs = read_inputs(circuit) if model.circuit.inputs else SimulationInputs()
    wiring = NeurodamusWiring(
        model,
        circuit,
        layout,
        cells=cells,
        members=members,
        sections=sections,
        replays=inputs.replays,
        seed=seed,
    )
    step = model.run.interval
    return Built(
        settings=settings,
        layout=layout,
        synapses=wiring.synapses(),
        cells=cells,
        members=members,
        thresholds=[threshold] * len(cells),
        trains=dict(zip(layout.trains, wiring.trains, strict=True)),
        electrodes=add_inputs(inputs, circuit, layout, cells=cells, members=members, step=step),
        has_streams=True,
    )
