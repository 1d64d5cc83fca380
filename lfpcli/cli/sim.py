"""Simulate a model, or a morphology with a few quick options, and write a recording.

MODEL is a model file (.toml or .json, see lfp-model(5)); a morphology (.swc, .asc, .hoc, .xml, .h5)
makes a model of one cell with the quick options; - reads either from standard input.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
from typing import Any

from lfpcli.cli import options
from lfpcli.errors import UsageError, printable
from lfpcli.vocabulary import AUTO_RANKS, QUICK_PASSIVE, QUICK_SYNAPSE, STDIN

EPILOG = """\
examples:
  lfp sim builtin:quickstart -o out.h5
  lfp sim model.toml -o out.h5 --set run.tstop=50 --seed 3
  lfp sim builtin:ball_and_stick --passive --input soma:0.005@20,40 -o out.h5
  lfp sim cell.swc --insert hh --stim soma:0.2@10+200 --tstop 220 --target-spikes 3,50 -o spikes.h5
  lfp sim --hoc init.hoc --array Neuropixels-128 --tstop 50 -o out.h5
  lfp sim --attach network.py --array Neuropixels-128 -o out.h5
  lfp sim model.toml --ranks auto -o out.h5
  lfp sim model.toml --dry-run --ranks 128

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written,
  5 simulator or mechanism failure
please cite: Hines and Carnevale 1997, Neural Comput 9:1179 (NEURON)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help="model file, morphology, or -")
    options.add_output(parser, "recording to write")
    group = parser.add_argument_group("run")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set a key of the model, such as run.tstop=50; may be repeated",
    )
    options.add_seed(group)
    group.add_argument("--tstop", type=options.positive, metavar="MS", help="end of the run, ms")
    group.add_argument("--dt", metavar="MS", help="time step, ms, or adaptive")
    group.add_argument("--v-init", type=options.finite, metavar="MV", help="initial potential, mV")
    group.add_argument("--celsius", type=options.finite, metavar="C", help="temperature, deg C")
    group.add_argument(
        "--dry-run", action="store_true", help="print the resolved plan and run nothing"
    )
    group.add_argument(
        "--no-code",
        action="store_true",
        help="with --dry-run: run none of the model's code, and say what it names",
    )
    group.add_argument(
        "--ranks",
        type=options.ranks,
        metavar="N",
        help="start N processes under MPI, or auto: one for each core; with --dry-run, plan for N",
    )
    group.add_argument(
        "--save-network", metavar="FILE", help="write the network as built: SONATA nodes and edges"
    )
    group.add_argument(
        "--checkpoint",
        type=options.positive,
        metavar="MS",
        help="write a checkpoint beside the output every so often, and on SIGTERM and SIGUSR1",
    )
    group.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint, where there is one"
    )
    group.add_argument(
        "--verify-resume",
        action="store_true",
        help="before the run, see that it would go on from a checkpoint with the same bits",
    )
    group.add_argument(
        "--check-dt",
        action="store_true",
        help="run at half the time step too, and tell the error of each signal",
    )
    group.add_argument(
        "--target-spikes",
        type=options.pair,
        metavar="LEAST,MOST",
        help="first look for the current of the clamp that makes the cell fire so many spikes",
    )
    group.add_argument("--float32", action="store_true", help="store samples in single precision")
    options.add_json(group)
    _add_quick(parser)


def _add_quick(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("quick options, with a morphology or --hoc")
    group.add_argument(
        "--hoc",
        metavar="FILE",
        help="instead of MODEL: a hoc file that builds a cell, with what is on it",
    )
    group.add_argument(
        "--attach",
        metavar="SCRIPT",
        help="instead of MODEL, or with one that has no cells: a script, Python or hoc, that "
        "builds a model",
    )
    group.add_argument(
        "--passive",
        nargs="?",
        const=QUICK_PASSIVE,
        metavar="g=G,e=E",
        help=f"leak everywhere, S/cm2 and mV (without a value {QUICK_PASSIVE})",
    )
    group.add_argument(
        "--insert",
        action="append",
        default=[],
        metavar="MECH[@SECTIONS][:P=V,...]",
        help="a mechanism, such as hh@soma,axon:gnabar=0.12; may be repeated",
    )
    group.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="PLACE:WEIGHT@T,...",
        help="a synapse activated at times, uS and ms; PLACE is NAME, NAME(x), #INDEX or @x,y,z",
    )
    group.add_argument(
        "--synapse", metavar="TYPE:P=V,...", help=f"its kind (without it {QUICK_SYNAPSE})"
    )
    group.add_argument(
        "--stim",
        action="append",
        default=[],
        metavar="PLACE:AMP@DELAY+DUR",
        help="a current clamp, nA and ms; may be repeated",
    )
    group.add_argument("--array", metavar="NAME", help="measure at an array while it runs")
    group.add_argument(
        "--contacts",
        type=options.point_or_file,
        metavar="FILE",
        help="measure at the contacts of a table, or at x,y,z",
    )
    group.add_argument(
        "--record",
        type=lambda text: text.split(","),
        metavar="NAME,...",
        help="store imem, vmem (all segments), range variables (default: imem, without a probe)",
    )


def run(args: argparse.Namespace) -> int:
    """Simulate."""
    # matrix products are few here, and a pool of threads in each of many processes is costly
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from lfpcli.tasks.simulate.quick import Quick
    from lfpcli.tasks.simulate.source import model_source
    from lfpcli.tasks.simulate.stdin import share_standard_input

    args.model, builder = _source(args)
    if args.no_code and not args.dry_run:
        raise UsageError("--no-code goes with --dry-run", remedy="give both")
    if args.output is None and not args.dry_run:
        args.output = STDIN
    names = ("passive", "insert", "input", "synapse", "stim", "array", "contacts", "record")
    quick = Quick(**{name: getattr(args, name) for name in names})
    read = functools.partial(model_source, args.model, quick, _overrides(args), **builder)
    if args.ranks is not None and not args.dry_run:
        _start_processes(args, read)
    share_standard_input(args.model)
    with read() as source:
        if args.dry_run:
            if args.target_spikes is not None:
                raise UsageError("--target-spikes needs runs", remedy="leave out --dry-run")
            return _plan(args, source.model)
        if args.target_spikes is not None:
            source = _with_spikes(args, source)
        if args.check_dt:
            from lfpcli.tasks.simulate.step_errors import check_step_errors_possible

            check_step_errors_possible(source.model, args.output)
        plan = _simulate(args, source)
        errors = _checked_step(args, source.model, plan.seed) if args.check_dt else {}
    if args.json:
        _print_plan(plan, True, **errors)
    return 0


def _start_processes(args: argparse.Namespace, read: Any) -> None:
    """Become the launcher of as many processes as ``--ranks`` asks for; return where it is one."""
    from lfpcli.io.stream import STDOUT
    from lfpcli.tasks.simulate.ranks import cell_count, chosen_ranks, start_of

    cells = None
    if args.ranks == AUTO_RANKS and args.model != STDIN:
        with read() as source:
            cells = cell_count(source.model)
    start = start_of(chosen_ranks(args.ranks, cells), args.command_line[1:])
    if start is None:
        return
    for note in start.notes:
        args.console.note(note)
    sys.stdout.flush()
    sys.stderr.flush()
    # the program keeps its standard output aside from what NEURON prints; the launcher needs it
    os.dup2(STDOUT.fd, 1)
    # in place of this process, so that signals and the exit code pass through the launcher alone
    os.execve(start.command[0], start.command, start.environment)


def _plan(args: argparse.Namespace, model: Any) -> int:
    if args.no_code:
        from lfpcli.cli.facts import lines, to_json
        from lfpcli.cli.model_facts import look_lines
        from lfpcli.tasks.simulate.look import look

        facts = look(model)
        print(to_json(facts) if args.json else lines(look_lines(facts)))
        return 0
    from lfpcli.tasks.simulate.ranks import chosen_ranks
    from lfpcli.tasks.simulate.simulation import plan_of

    ranks = None if args.ranks is None else chosen_ranks(args.ranks, None).count
    _print_plan(plan_of(model, float32=args.float32, ranks=ranks), args.json)
    return 0


def _simulate(args: argparse.Namespace, source: Any) -> Any:
    from lfpcli.runtime.mechanisms.store import announced
    from lfpcli.tasks.simulate.outputs import CheckpointSettings, Origins, Outputs
    from lfpcli.tasks.simulate.simulation import simulate

    outputs = Outputs(
        path=args.output,
        force=args.force,
        float32=args.float32,
        network=args.save_network,
        checkpoints=CheckpointSettings(
            every=args.checkpoint, resume=args.resume, verify=args.verify_resume
        ),
    )
    origins = Origins(command=args.command_line, inputs=source.inputs, renamed=source.renamed)
    progress_bar = args.console.progress("simulating", source.model.run.tstop, "ms")
    with announced(args.console.note), progress_bar as progress:
        return simulate(
            source.model,
            outputs,
            origins,
            progress=progress,
            report=lambda plan: _tell(plan, args.console),
        )


def _with_spikes(args: argparse.Namespace, source: Any) -> Any:
    """The source with the current that makes so many spikes, which is told."""
    from dataclasses import replace

    from lfpcli.tasks.simulate.target_spikes import current_for_spikes

    least, most = args.target_spikes
    if least != int(least) or most != int(most):
        raise UsageError("--target-spikes are whole numbers", remedy="write --target-spikes 3,50")
    search = current_for_spikes(source.model, int(least), int(most))
    args.console.note(
        f"amp {search.amplitude:.6g} nA makes {search.spikes} spikes, found in {search.tries} runs"
    )
    return replace(source, model=search.model)


def _checked_step(args: argparse.Namespace, model: Any, seed: int) -> dict[str, Any]:
    """Tell the errors that the time step makes; returns them for JSON."""
    from dataclasses import asdict

    from lfpcli.tasks.simulate.step_errors import step_errors

    dt, errors = step_errors(model, args.output, seed)
    for error in errors:
        args.console.note(
            f"{error.name}: dt {dt:g} ms makes errors of {100 * error.largest:.2g} % of its peak; "
            f"its peak-to-peak size is off by {100 * error.size:+.2g} %"
        )
    return {"step errors": [asdict(error) for error in errors]}


def _source(args: argparse.Namespace) -> tuple[str, dict[str, bool]]:
    """The file to read, and which code it is where that builds cells."""
    named = {"hoc": args.hoc, "attach": args.attach}
    builders = {name: file for name, file in named.items() if file is not None}
    if len(builders) > 1:
        raise UsageError("both --hoc and --attach are given", remedy="give one of them")
    if args.model is not None:
        if args.hoc is not None:
            raise UsageError("both a MODEL and --hoc are given", remedy="give one of them")
        return args.model, {}
    if not builders:
        raise UsageError(
            "no model is given", remedy="name a MODEL, - for standard input, --hoc or --attach"
        )
    ((name, file),) = builders.items()
    return str(file), {name: True}


def _overrides(args: argparse.Namespace) -> list[str]:
    """Options that stand for keys of the model, as texts of ``--set``."""
    keys = {"tstop": args.tstop, "dt": args.dt, "v_init": args.v_init, "celsius": args.celsius}
    overrides = [f"run.{key}={value}" for key, value in keys.items() if value is not None]
    if args.seed is not None:
        overrides.append(f"run.seed={args.seed}")
    if args.attach is not None and args.attach != args.model:
        # the script of a model that has the other tables; the path counts from the current folder
        overrides.append(f"run.attach={json.dumps(os.path.abspath(args.attach))}")  # noqa: PTH100
    return [*args.set, *overrides]


def _tell(plan: Any, console: Any) -> None:
    if plan.drawn:
        console.note(f"seed {plan.seed}")
    for note in plan.notes:
        console.note(note)
    for line in _plan_lines(plan):
        console.detail(line)


def _print_plan(plan: Any, as_json: bool, **more: Any) -> None:
    if as_json:
        print(json.dumps({**plan.facts(), **more}, indent=2))
        return
    for line in _plan_lines(plan):
        print(printable(line))


def _plan_lines(plan: Any) -> list[str]:
    facts = plan.facts()
    facts["populations"] = ", ".join(f"{k} {n}" for k, n in facts["populations"].items())
    sizes = {name: facts.pop(f"{name} bytes") / 1e6 for name in ("file", "memory", "rank 0")}
    facts["file"] = f"about {sizes['file']:,.1f} MB, spikes of cells aside"
    facts["memory"] = f"about {sizes['memory']:,.0f} MB a process, {sizes['rank 0']:,.0f} of rank 0"
    facts["time"] = f"about {facts.pop('seconds'):.3g} s"
    batch, connections, notes = (facts.pop(name) for name in ("batch", "connections", "notes"))
    lines = [f"{name + ':':14}{value}" for name, value in facts.items()]
    lines.append(batch)
    for name, numbers in connections.items():
        text = ", ".join(f"{fact} {value:.6g}" for fact, value in numbers.items())
        lines.append(f"{name + ':':14}{text}")
    return lines + [f"note:         {note}" for note in notes]
