"""Runs `lfp`, and writes what its process took, one file a rank.

Usage: python measured_run.py REPORT sim MODEL ...

Seconds are those of the processor, which a crowded machine does not stretch, but for "until begin",
which a user waits. Those of a run's own work leave out the solver, and calls in which processes
wait for one another. "plain" is what the solver takes for the same steps once more, with nothing
recorded; it counts neither among the seconds nor in the memory.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGIN = time.perf_counter()


class Shares:
    """Seconds of this thread by what it does; what is within another share is not part of it."""

    def __init__(self) -> None:
        self.seconds = {"work": 0.0, "solver": 0.0, "waiting": 0.0}
        self._stack = ["work"]
        self._since = time.thread_time()

    def _switch(self) -> None:
        now = time.thread_time()
        self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    def counted(self, share: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time is added to a share."""

        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            self._switch()
            self._stack.append(share)
            try:
                return function(*arguments, **options)
            finally:
                self._switch()
                self._stack.pop()

        return call

    def restart(self) -> None:
        """Forget what was counted so far."""
        self.seconds = dict.fromkeys(self.seconds, 0.0)
        self._since = time.thread_time()

    def total(self) -> dict[str, float]:
        """Seconds of all shares until now."""
        self._switch()
        return dict(self.seconds)


def measure(facts: dict[str, Any]) -> None:
    """Let the program note where a run begins and ends, and what it does in between."""
    from lfpcli.runtime.engine import run as loop
    from lfpcli.runtime.engine.trial import peak_memory
    from lfpcli.runtime.mpi.team import Team
    from lfpcli.tasks.simulate import simulation
    from lfpcli.tasks.simulate.pipeline import Pipeline

    shares = Shares()
    loop._advance = shares.counted("solver", loop._advance)
    # the tap hands samples on in the middle of a call of the solver
    Pipeline.take = shares.counted("work", Pipeline.take)  # type: ignore[method-assign]
    for name in ("exchange", "add", "largest", "deal", "collect", "share"):
        setattr(Team, name, shares.counted("waiting", getattr(Team, name)))
    build, spans, run = simulation.build, loop._run_spans, simulation.Simulation.run

    def built(*arguments: Any, **options: Any) -> Any:
        # all processes are there, and NEURON and its mechanisms are loaded
        shares.restart()
        before = time.process_time()
        result = build(*arguments, **options)
        facts["build"] = time.process_time() - before
        facts["segments"] = result.segments
        return result

    def begun(*arguments: Any, **options: Any) -> None:
        facts["until begin"] = time.perf_counter() - BEGIN
        facts["start"] = time.process_time()
        spans(*arguments, **options)

    def ended(model: Any, *arguments: Any, **options: Any) -> None:
        run(model, *arguments, **options)
        facts["run"] = time.process_time() - facts["start"]
        facts.update(shares.total())
        facts["memory"] = peak_memory()
        before = time.process_time()
        facts["plain"] = plain_seconds(model)
        facts["aside"] = time.process_time() - before

    simulation.build, loop._run_spans = built, begun
    simulation.Simulation.run = ended  # type: ignore[method-assign]


def plain_seconds(model: Any) -> float:
    """Seconds that the solver takes for the same run of the same model, with nothing recorded."""
    from lfpcli.runtime.engine import coreneuron
    from lfpcli.runtime.engine.begin import initialise
    from lfpcli.runtime.engine.spans import SHORTEST_CHUNK
    from lfpcli.runtime.engine.threads import threaded
    from lfpcli.runtime.neuron import context, nrn

    nrn().CVode().use_fast_imem(False)
    settings, feed = model.settings, model.built.synapses.feed
    switch = None
    with contextlib.ExitStack() as stack:
        if settings.engine == "coreneuron":
            switch = coreneuron.prepare()
            stack.enter_context(threaded(model.built.cells, settings, SHORTEST_CHUNK))
        feed.rewind(-math.inf)
        initialise(model.built.cells, settings, [])
        feed(settings.tstop)
        if switch is not None:
            switch.enable = True
        before = time.process_time()
        context().psolve(settings.tstop + 0.25 * settings.dt)
        seconds = time.process_time() - before
        if switch is not None:
            switch.enable = False
    return seconds


def main() -> None:
    """Run the program and write the report."""
    from lfpcli.cli.main import main as program

    report, arguments = sys.argv[1], sys.argv[2:]
    facts: dict[str, Any] = {}
    measure(facts)
    code = program(arguments)
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts["seconds"] = used.ru_utime + used.ru_stime - facts.pop("aside")
    rank = os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("PMI_RANK", "0"))
    Path(f"{report}.{rank}").write_text(json.dumps(facts))
    sys.exit(int(code))


if __name__ == "__main__":
    main()
