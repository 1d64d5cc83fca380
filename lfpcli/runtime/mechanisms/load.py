"""Loading compiled mechanisms into the running NEURON, and what it knows already."""

from __future__ import annotations

from collections.abc import Mapping

from lfpcli.errors import SimulatorError
from lfpcli.runtime.capture import captured, hoc_message
from lfpcli.runtime.cell.points import density_mechanism_names, point_process_names
from lfpcli.runtime.mechanisms.library import Library, Mechanism
from lfpcli.runtime.neuron import nrn

_LIBRARIES: list[Library] = []


def load(library: Library) -> None:
    """Load compiled mechanisms; a second time, or where all are there already, nothing happens.

    Parameters
    ----------
    library : Library
        From `build`.

    Raises
    ------
    SimulatorError
        Where NEURON has a mechanism of one of these names already, or the library does not load.
    """
    if any(known.folder == library.folder for known in _LIBRARIES):
        return
    there: dict[str, Mechanism] = {}
    for known in _LIBRARIES:
        there.update({mechanism.name: mechanism for mechanism in known.mechanisms})
    if library.mechanisms and all(_is_among(there, m) for m in library.mechanisms):
        return
    # NEURON itself ends the process at a name that it has already
    taken = set(density_mechanism_names()) | set(point_process_names())
    for mechanism in library.mechanisms:
        if mechanism.name in taken:
            raise _clash(mechanism, there.get(mechanism.name))
    _load_shared(library)
    _LIBRARIES.append(library)


def loaded_libraries() -> list[Library]:
    """Return the libraries that this process has loaded, in their order."""
    return list(_LIBRARIES)


def _is_among(there: Mapping[str, Mechanism], mechanism: Mechanism) -> bool:
    """Whether the same mechanism is there, compiled with others."""
    other = there.get(mechanism.name)
    return other is not None and other.digest == mechanism.digest


def _clash(mechanism: Mechanism, other: Mechanism | None) -> SimulatorError:
    if other is None:
        return SimulatorError(
            f"NEURON has a mechanism '{mechanism.name}' of its own",
            source=mechanism.file,
            remedy="give the one in this file another name, or leave the file out",
        )
    return SimulatorError(
        f"mechanism '{mechanism.name}' is loaded already, from {other.file}",
        source=mechanism.file,
        remedy="name all folders of mechanisms together, so that they are compiled as one",
    )


def _load_shared(library: Library) -> None:
    h = nrn()
    failure: Exception | None = None
    done = 0.0
    with captured() as printed:
        try:
            done = h.nrn_load_dll(str(library.path))
        except RuntimeError as error:
            failure = error
    if failure is not None or done != 1.0:
        raise SimulatorError(
            f"compiled mechanisms do not load: {hoc_message(printed.text).text}",
            source=library.path,
            remedy="'lfp mechs --clean' removes all that was compiled before",
        ) from failure
