"""The tap: samples of CoreNEURON's nodes taken inside its step, without a vector per segment.

NEURON's vectors cost a search each as they are set up, which grows with the square of their number,
and each of CoreNEURON's runs that fills them takes the whole model there and back. The tap costs a
copy of the values per step, whatever the length of the run; ``tap.cpp`` tells how it gets there.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from lfpcli.errors import LfpError, SimulatorError
from lfpcli.runtime.engine.interrupts import deferred_signals
from lfpcli.runtime.engine.locations import locations_of
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.mechanisms.library import MANIFEST, TAP_PREFIX, cache_folder
from lfpcli.runtime.mechanisms.store import built_once
from lfpcli.runtime.mechanisms.toolchain import build_key, toolchain
from lfpcli.runtime.mechanisms.trust import check_trusted, digest_of
from lfpcli.runtime.mpi.job import end_job
from lfpcli.runtime.neuron import context

_SOURCE = Path(__file__).with_name("tap.cpp")
_LIBRARY = "liblfptap.so"
# coreneuron::nrncore2nrn_send_values(NrnThread*) and coreneuron::stoprun, as compilers call them
_SEND = "_ZN10coreneuron23nrncore2nrn_send_valuesEPNS_9NrnThreadE"
_STOP = "_ZN10coreneuron7stoprunE"
_CALL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
# s between two looks at signals, such as Ctrl-C, during a run
_PATIENCE = 0.1


class _State(ctypes.Structure):
    """``LfpTap`` of tap.cpp."""

    _fields_ = (
        ("send", ctypes.c_void_p),
        ("stop", ctypes.POINTER(ctypes.c_bool)),
        ("threads", ctypes.c_void_p),
        ("mechanisms", ctypes.c_void_p),
        ("variables", ctypes.c_void_p),
        ("elements", ctypes.c_void_p),
        ("sizes", ctypes.c_void_p),
        ("nodes", ctypes.c_void_p),
        ("ordinals", ctypes.c_void_p),
        ("columns", ctypes.c_long),
        ("is_placed", ctypes.c_int),
        ("lost", ctypes.c_long),
        ("count", ctypes.c_int),
        ("interval", ctypes.c_long),
        ("rows", ctypes.c_void_p),
        ("capacity", ctypes.c_long),
        ("filled", ctypes.c_long),
        ("call", _CALL),
        ("seconds", ctypes.c_double),
    )


def load_tap(core_library: Path) -> str | None:
    """Load the tap, and CoreNEURON's library behind it, so that this is bound to the tap.

    It is compiled where that was not done before.

    Parameters
    ----------
    core_library : Path
        The library of CoreNEURON that runs will use.

    Returns
    -------
    str or None
        Why there is no tap; None where there is.
    """
    if not sys.platform.startswith("linux"):
        return "only on Linux can a library stand before another"
    if int(context().nthread()) != 1:
        return "the model's own code asks for threads"
    try:
        _bound(core_library)
    except LfpError as error:
        return error.message
    return None


@cache
def _bound(core_library: Path) -> _State:
    """State of the tap that a library of CoreNEURON calls."""
    if _is_loaded(core_library):
        raise SimulatorError(
            "CoreNEURON has run before the tap was there", remedy='use engine = "neuron"'
        )
    folder = cache_folder() / f"{TAP_PREFIX}{_key()}"
    path = _read(folder)
    if path is None:
        # nothing is announced that cannot be compiled
        toolchain()
        path = built_once(folder, _read, _compiled, subject="the recorder of CoreNEURON")
    tap = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    core = ctypes.CDLL(str(core_library), mode=ctypes.RTLD_GLOBAL)
    try:
        # asked of one library, its own function is found, not the one that calls are bound to
        send = ctypes.cast(getattr(core, _SEND), ctypes.c_void_p)
        stop = ctypes.c_bool.in_dll(core, _STOP)
    except (AttributeError, ValueError) as error:
        raise SimulatorError(
            f"this CoreNEURON cannot be tapped: {error}", remedy='use engine = "neuron"'
        ) from error
    state = _State.in_dll(tap, "lfp_tap")
    state.send, state.stop = send, ctypes.pointer(stop)
    state.seconds = _PATIENCE
    return state


def _is_loaded(library: Path) -> bool:
    try:
        ctypes.CDLL(str(library), mode=os.RTLD_NOLOAD)
    except OSError:
        return False
    return True


def _key() -> str:
    return build_key([(_SOURCE.name, hashlib.sha256(_SOURCE.read_bytes()).hexdigest())], "tap")


def _read(folder: Path) -> Path | None:
    """The compiled tap; None where it is not there. It has to be this user's own, unchanged."""
    if not (folder / _LIBRARY).is_file() or not (folder / MANIFEST).is_file():
        return None
    check_trusted(folder, MANIFEST)
    return folder / _LIBRARY


def _compiled(work: Path) -> Path:
    """Compile the tap against the headers of the NEURON that is installed."""
    tools = toolchain()
    folder = work / "done"
    folder.mkdir()
    headers = tools.home / "include"
    command = [*tools.compiler, *tools.standard("share/coreneuron/nrnivmodl_core_makefile")]
    command += [*tools.flags, f"-I{headers / 'coreneuron/utils/randoms'}", f"-I{headers}"]
    command += ["-shared", "-fPIC", str(_SOURCE), "-o", str(folder / _LIBRARY)]
    code, printed = tools.run(command, work)
    if code != 0:
        errors = [line for line in printed.splitlines() if "error" in line] or ["nothing was said"]
        raise SimulatorError(
            f"the tap does not compile: {errors[0].strip()}",
            remedy='use engine = "neuron", or see lfp doctor',
        )
    facts = {"digests": {_LIBRARY: digest_of(folder / _LIBRARY)}}
    (folder / MANIFEST).write_text(json.dumps(facts), encoding="utf-8")
    return folder


class Tap:
    """Collects variables of nodes and mechanisms during runs of CoreNEURON.

    Parameters
    ----------
    core_library : Path
        The library that runs; `load_tap` had nothing against it.
    recorders : mapping of str to Recorder
        What to collect; each `has_locations`.
    rows : int
        Samples after which they are handed over.
    hand_over : callable
        Gets the samples per recorder, each (rows, columns), in the middle of a run.
    interval : int
        Most steps that one of CoreNEURON's threads makes before the next one does, see
        `threaded`; so many rows less are handed over at the least.
    """

    def __init__(
        self,
        core_library: Path,
        recorders: Mapping[str, Recorder],
        rows: int,
        hand_over: Callable[[dict[str, np.ndarray]], None],
        *,
        interval: int = 1,
    ) -> None:
        ends = np.cumsum([0, *map(len, recorders.values())]).tolist()
        self._columns = dict(zip(recorders, map(slice, ends[:-1], ends[1:]), strict=True))
        self._recorders = recorders
        self._hand_over = hand_over
        self._state = _bound(core_library)
        # ctypes keeps no reference of its own to what C calls
        self._call = _CALL(self._called)
        self._locations = locations_of([])
        self._interval = interval
        self._error: BaseException | None = None
        self._handle_signals: Callable[[], None] = lambda: None
        self._filled = 0
        self._rows = np.empty((rows, ends[-1]))

    def begin(self, *, with_sample: bool) -> None:
        """Find the nodes of the columns; once NEURON is initialised, as they move before.

        Parameters
        ----------
        with_sample : bool
            Whether the state at this moment is the first sample.
        """
        self._locations = locations_of(self._recorders.values())
        self._filled = 0
        if with_sample:
            for name, recorder in self._recorders.items():
                self._rows[0, self._columns[name]] = recorder.values()
            self._filled = 1

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Collect during the runs of CoreNEURON within, and raise what went wrong in them."""
        state, locations = self._state, self._locations
        state.threads = locations.threads.ctypes.data
        state.mechanisms = locations.mechanisms.ctypes.data
        state.variables = locations.variables.ctypes.data
        state.elements, state.sizes = locations.elements.ctypes.data, locations.sizes.ctypes.data
        state.nodes, state.ordinals = locations.nodes.ctypes.data, locations.ordinals.ctypes.data
        state.columns = self._rows.shape[1]
        state.count, state.interval = int(context().nthread()), self._interval
        state.is_placed, state.lost = 0, -1
        state.call = self._call
        # the run before may have been ended
        state.stop[0] = False
        self._expose()
        with deferred_signals() as self._handle_signals:
            try:
                yield
            finally:
                self._filled = int(state.filled)
                state.rows = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if state.lost == self._rows.shape[1]:
            raise SimulatorError(
                f"a thread of CoreNEURON is more than {self._interval} steps ahead of the others",
                remedy='use engine = "neuron", and report it with the model',
            )
        if state.lost >= 0:
            raise SimulatorError(
                f"CoreNEURON has not all of the variables to record: column {state.lost}",
                remedy="use the engine 'neuron'",
            )

    def forget(self) -> None:
        """Let the values be looked up again, as each run of CoreNEURON puts them elsewhere."""
        self._state.is_placed = 0

    def _expose(self) -> None:
        """Show C where the next samples go."""
        self._state.rows, self._state.capacity = self._rows.ctypes.data, len(self._rows)
        self._state.filled = self._filled

    def _called(self, is_full: int) -> int:
        """Called by C in the middle of a run; whatever is raised here must not get lost there."""
        try:
            self._handle_signals()
            if is_full:
                self._filled = int(self._state.filled)
                self._hand_over(self.take())
                self._expose()
        except BaseException as error:
            end_job(error)
            self._error = error
            return 1
        return 0

    def take(self) -> dict[str, np.ndarray]:
        """Return the samples since the last call, per recorder (samples, columns)."""
        taken = self._rows[: self._filled]
        # the samples belong to the caller from now on, who may use them in another thread
        self._rows = np.empty_like(self._rows)
        self._filled = 0
        return {name: taken[:, columns] for name, columns in self._columns.items()}
