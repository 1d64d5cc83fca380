"""Events in the very middle of a step act in that step in which NEURON has them act."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.runtime.synapses.step_middles import StepMiddles, act_past_middle


def middles_of_neuron(results: dict[str, np.ndarray]) -> None:
    """Deliver events to a synapse at the middles of steps, and tell the steps that they act in."""
    import numpy as np
    from neuron import h

    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    h.dt = 0.1
    steps = np.arange(300, 2400, 7)
    times = np.round((steps + 0.5) * h.dt, 3)
    synapse = h.ExpSyn(soma(0.5))
    synapse.tau = 0.01
    netcon = h.NetCon(None, synapse)
    netcon.weight[0] = 1e-6
    conductance = h.Vector().record(synapse._ref_g)
    h.finitialize(-65)
    for time in times:
        netcon.event(float(time))
    h.continuerun(245.0)
    # a conductance that vanishes within a step tells when an event has acted
    acted = np.flatnonzero(np.array(conductance.to_python()) > 1e-11)
    results.update(times=times, steps=steps, acted=acted)


def test_steps_are_those_of_neuron(neuron_process):
    out = neuron_process(middles_of_neuron)
    past = StepMiddles(0.1).are_past(out["times"])
    assert 0 < past.sum() < len(past)
    assert len(out["acted"]) == len(past)
    # behind the middle an event acts, and is seen, a step later
    np.testing.assert_array_equal(out["acted"], out["steps"] + 1 + past)


def test_the_order_of_asking_does_not_matter() -> None:
    times = np.round((np.arange(0, 60_000, 11) + 0.5) * 0.025, 4)
    whole = StepMiddles(0.025, -5.0).are_past(times)
    parts = StepMiddles(0.025, -5.0)
    for part in (slice(4000, None), slice(0, 100), slice(100, 4000)):
        assert np.array_equal(parts.are_past(times[part]), whole[part])


@pytest.mark.parametrize(
    ("delay", "past"), [(2.0, False), (2.05, True), (2.049, False), (2.04, False), (2.06, False)]
)
def test_delays_that_lead_to_the_middle(delay: float, past: bool) -> None:
    # NEURON's spikes are a little behind their step
    assert act_past_middle(np.array([delay]), 0.1).tolist() == [past]
