"""What a run needs of the simulator before and after the model is built: mechanisms, engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from lfpcli import vocabulary
from lfpcli.errors import SimulatorError
from lfpcli.model import Model
from lfpcli.runtime.capture import prints_to_stderr
from lfpcli.runtime.engine import coreneuron
from lfpcli.runtime.hoc.hoc import own_procedures
from lfpcli.runtime.mechanisms.build import build
from lfpcli.runtime.mechanisms.load import load
from lfpcli.runtime.mechanisms.own import with_own
from lfpcli.runtime.neuron import nrn


def load_mechanisms(
    model: Model,
    report: Callable[[str], None] = lambda text: None,
    *,
    used: Collection[str] = (),
) -> Sequence[str]:
    """Compile the mechanisms that a model names, where that was not done before, and load them.

    What hoc code prints goes to standard error from here on, since it is no data.

    Parameters
    ----------
    model : Model
        The model.
    report : callable
        Told that a compilation begins.
    used : collection of str
        Point processes that the model uses, by which those that ship are compiled with its own.

    Returns
    -------
    sequence of str
        Names of those that were left out since they do not compile, where the model allows it.

    Raises
    ------
    SimulatorError
        Where one does not compile.
    """
    nrn()
    prints_to_stderr()
    files = with_own(model.run.mechanisms, used)
    if not files:
        return ()
    library = build(files, skip_broken=model.run.skip_broken, report=report)
    load(library)
    return library.skipped_names


@dataclass(frozen=True)
class EngineChoice:
    """What advances the equations.

    Attributes
    ----------
    name : {'neuron', 'coreneuron'}
        The engine.
    reason : str
        Why it is that one.
    """

    name: str
    reason: str


def choose_engine(model: Model) -> EngineChoice:
    """Return the engine of a model that is built.

    Raises
    ------
    SimulatorError
        Where CoreNEURON is forced and cannot run the model.
    """
    wanted = model.run.engine
    if wanted == "neuron":
        return EngineChoice("neuron", "as asked for")
    reason = coreneuron.obstacle(adaptive=model.run.is_adaptive)
    if model.run.init != vocabulary.STANDARD_INIT and any(
        procedure.name == "advance" for procedure in own_procedures()
    ):
        reason = "the model's own advance() makes the steps"
    if model.run.ephaptic:
        reason = "ephaptic coupling acts after each step"
    if wanted == "coreneuron" and reason:
        raise SimulatorError(
            f"CoreNEURON cannot run this model: {reason}",
            source=model.run.source_line or None,
            remedy='use engine = "auto" or "neuron"',
        )
    if reason:
        return EngineChoice("neuron", f"CoreNEURON cannot: {reason}")
    if wanted == "coreneuron":
        return EngineChoice("coreneuron", "as asked for")
    return EngineChoice("coreneuron", "the model allows it")
