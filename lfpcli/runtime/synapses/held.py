"""One synapse on a membrane that is held at a potential, to see what its events do."""

from __future__ import annotations

from collections.abc import Mapping

from lfpcli.errors import SimulatorError
from lfpcli.runtime.cell.points import make_netcon, make_point
from lfpcli.runtime.neuron import nrn

# uF/cm2: what a nA moves it by is nothing
_HUGE = 1e9


class HeldSynapse:
    """A synapse ready for its first step, with NEURON's fixed step of first order.

    Parameters
    ----------
    mechanism : str
        The point process.
    parameters : mapping of str to float
        Its parameters.
    weight : float
        Weight of its events.
    potential : float
        Potential that is held, mV.
    celsius : float
        Temperature, degrees Celsius.
    step : float
        Time step, ms.
    """

    def __init__(
        self,
        mechanism: str,
        parameters: Mapping[str, float],
        *,
        weight: float,
        potential: float,
        celsius: float,
        step: float,
    ) -> None:
        h = nrn()
        self.mechanism = mechanism
        # NEURON takes what is on a section away with it
        self._section = h.Section(name="held")
        self._section.cm = _HUGE
        h.celsius = celsius
        self.point = make_point(mechanism, self._section(0.5), parameters.items())
        self.connection = make_netcon(self.point)
        self.connection.weight[0] = weight
        self.connection.delay = 0.0
        h.cvode_active(0)
        h.secondorder = 0
        h.dt = step
        h.finitialize(potential)

    def check_silent(self, remedy: str) -> None:
        """Raise a `SimulatorError` where a current flows, before there was an event."""
        if abs(self.point.i) > 0.0:
            raise SimulatorError(f"{self.mechanism} has a current without events", remedy=remedy)
