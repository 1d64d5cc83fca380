# PYTHON_ARGCOMPLETE_OK
"""Entry of every command: parse, run, and turn errors into a line and an exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NoReturn

from lfpcli.cli import options
from lfpcli.cli.console import Console, guarded_stdout, open_standard_files
from lfpcli.cli.parser import Parser
from lfpcli.cli.signals import Ending, Terminated, begin_countdown, settled, terminable
from lfpcli.errors import ExitCode, InputError, LfpError, UsageError, nearest

# name: the one line that 'lfp --help' shows; the commands themselves are imported when used
COMMANDS = {
    "example": "write an example that runs at once, or list them",
    "init": "write a commented model for a morphology",
    "morph": "summarise, transform and convert morphologies",
    "mechs": "compile, list and check mechanisms (.mod files)",
    "sim": "simulate cells and networks",
    "sweep": "simulate a model at many values of its keys",
    "probe": "extracellular potentials and CSD from recorded currents",
    "leadfield": "solve a medium for contacts, to measure with",
    "eeg": "EEG from current dipole moments",
    "meg": "MEG from current dipole moments",
    "spikes": "draw spike trains: Poisson, gamma, bursts, correlated",
    "kernel": "what a spike of a population adds to signals",
    "convolve": "signals from responses to a spike and spike trains",
    "plot": "draw recordings",
    "stats": "rates, spectra, coherence and other statistics",
    "info": "say what a file holds",
    "check": "say what files are worth",
    "convert": "files of other tools, in and out",
    "diff": "compare two files",
    "doctor": "check what lfp stands on: compiler, MPI, cache, versions",
    "help": "show a page of the manual",
}

SUMMARY = "Simulate neurons and networks, and what instruments would measure from them."

EPILOG = """\
example:
  lfp sim builtin:quickstart -o - | lfp plot - -o quickstart.png

exit codes: 0 done (or: same), 1 failed (or: differs), 2 usage, 3 bad input,
  4 output exists or cannot be written, 5 simulator or mechanism failure,
  6 an optional dependency is missing, 70 a bug, 128+N signal N
'lfp COMMAND --help' tells more of each command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        The exit code, see `lfpcli.errors.ExitCode`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    code = int(ExitCode.BUG)
    name = arguments[0] if arguments else ""
    console = Console(f"lfp {name}" if name in COMMANDS else "lfp")
    debug = "--debug" in arguments
    size, rank = _launched()
    # all ranks meet the same error, one of them says it
    console.silent = rank > 0
    try:
        with terminable() as ending:
            if size > 1:
                _end_job_by(lambda error: _end_job(_code(error, console, ending, debug)))
            _end_quits_by(lambda error: _quit(_code(error, console, ending, debug), size))
            try:
                with guarded_stdout():
                    code = _dispatch(arguments, console)
            except BaseException as error:
                code = _code(error, console, ending, debug)
        number = ending.number
    except Terminated as terminated:
        # before or after the work, or while an error was told, or waited for another process
        number = terminated.number
    if number:
        code = 128 + number
        settled()
    return code


def _code(error: BaseException, console: Console, ending: Ending, debug: bool) -> int:
    """Exit code of what ended a command, which is told where it is an error."""
    if isinstance(error, SystemExit):  # --help and --version
        return int(error.code or 0)
    if isinstance(error, BrokenPipeError):
        return 128 + signal.SIGPIPE
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if isinstance(error, Terminated):
        return 128 + error.number
    if not isinstance(error, Exception):
        raise error
    if debug:
        traceback.print_exception(error)
    # C code turns a signal into an error of its own, which is none
    return int(ExitCode.BUG) if ending.number else _failed(error, console)


def _failed(error: Exception, console: Console) -> int:
    """Say what is wrong, and return the exit code."""
    _await_rank_0()
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        # files name other files, and any of these may be all of a damaged file
        error = InputError(
            f"the name of a file is too long: '{error.filename}'",
            source=console.subject or "command line",
            remedy="correct the name",
        )
    if isinstance(error, LfpError) and not isinstance(error, UsageError):
        # misuse names its option; other errors are about the file that was to be read
        error.source = error.source or console.subject
    text, code = _told(error)
    console.error(text)
    return int(code)


def _told(error: Exception) -> tuple[object, ExitCode]:
    """What to say of an error, and its exit code."""
    if isinstance(error, LfpError):
        return error, error.code
    if isinstance(error, MemoryError):
        text = "out of memory; use fewer cells, contacts or samples at a time"
        return text, ExitCode.FAILED
    text = f"bug: {type(error).__name__}: {error}; please report it with --debug"
    return text, ExitCode.BUG


def _launched() -> tuple[int, int]:
    from lfpcli.runtime.mpi.job import launched

    return launched()


def _await_rank_0() -> None:
    from lfpcli.runtime.mpi.job import await_rank_0

    await_rank_0()


def _end_job_by(end: Callable[[BaseException], object]) -> None:
    from lfpcli.runtime.mpi.job import end_job_by

    end_job_by(end)


def _end_quits_by(end: Callable[[BaseException], object]) -> None:
    from lfpcli.runtime.hoc.quits import end_by

    end_by(end)


def _quit(code: int, size: int) -> NoReturn:
    """End this process at once, whose C library is about to do so with another code."""
    if size > 1:
        _end_job(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def console_main() -> None:
    """Run as a program: the process ends with the command's exit code."""
    open_standard_files()
    size, rank = _launched()
    if rank > 0:
        # all ranks do the same, but rank 0 alone writes
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = main()
    if code == 128 + signal.SIGPIPE:
        # the interpreter would complain at exit about what it cannot flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stderr.flush()
    if code and size > 1:
        _end_job(code)
    if size == 1:
        # NEURON would take seconds to free a large network piece by piece
        os._exit(code)
    sys.exit(code)


def _end_job(code: int) -> NoReturn:
    """End this process such that the launcher ends the others, which wait for it."""
    from lfpcli.runtime.mpi.job import abort

    sys.stdout.flush()
    sys.stderr.flush()
    abort(code)
    os._exit(code)


def _dispatch(arguments: list[str], console: Console) -> int:
    # the shell asks for completions; argcomplete answers and ends the process
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    if arguments and arguments[0] in COMMANDS:
        return _run_command(arguments[0], arguments[1:], console)
    parser = _top_parser()
    if _asks_for_versions(arguments):
        _print_versions()
        return int(ExitCode.OK)
    if arguments and not arguments[0].startswith("-"):
        raise UsageError(
            f"unknown command '{arguments[0]}'", remedy=nearest(arguments[0], COMMANDS, "command")
        )
    parser.parse_args(arguments)
    parser.print_help()
    return int(ExitCode.OK if arguments else ExitCode.USAGE)


def _run_command(name: str, arguments: list[str], console: Console) -> int:
    module = load(name)
    args = command_parser(name, module).parse_args(arguments)
    console.quiet, console.verbose = args.quiet, args.verbose
    args.console = console
    console.subject = _subject(args)
    args.command_line = ["lfp", name, *arguments]
    begin_countdown()
    with console.catch_warnings():
        code = module.run(args)
    return int(code or ExitCode.OK)


# options and operands that name what a command reads
_SUBJECTS = (
    *("input", "file", "model", "hoc", "attach", "morphology", "a", "files", "paths", "source"),
)


def _subject(args: argparse.Namespace) -> str:
    """The first file that a command reads; empty where it reads none."""
    for name in _SUBJECTS:
        value = getattr(args, name, None)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str):
            return "standard input" if first == "-" else first
    return ""


def load(name: str) -> ModuleType:
    """Import the module of a command."""
    return importlib.import_module(f"lfpcli.cli.{name}")


def command_parser(name: str, module: ModuleType) -> Parser:
    """Return the parser of a command."""
    parser = Parser(prog=f"lfp {name}", description=module.__doc__, add_help=False)
    parser.epilog = getattr(module, "EPILOG", None)
    module.add_arguments(parser)
    options.add_common(parser)
    return parser


def _top_parser() -> Parser:
    parser = Parser(
        prog="lfp",
        usage="lfp COMMAND [OPTION]... [FILE]...",
        description=f"{SUMMARY}\n\ncommands:\n"
        + "\n".join(f"  {name:10}{text}" for name, text in COMMANDS.items()),
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"lfp {_version()}")
    return parser


def _asks_for_versions(arguments: list[str]) -> bool:
    """Whether the command line is ``--version`` with ``-v``."""
    return "--version" in arguments and bool({"-v", "--verbose"} & set(arguments))


def _print_versions() -> None:
    from lfpcli.tasks.files.versions import versions

    for name, version in versions().items():
        sys.stdout.write(f"{name} {version}\n")


def _version() -> str:
    from lfpcli import __version__

    return __version__


def _complete() -> None:
    import argcomplete

    from lfpcli.cli import completion

    parser = _top_parser()
    commands = parser.add_subparsers(dest="command", parser_class=Parser)
    for name, text in COMMANDS.items():
        module = load(name)
        sub = commands.add_parser(name, help=text, add_help=False)
        module.add_arguments(sub)
        options.add_common(sub)
        completion.attach(sub)
    argcomplete.autocomplete(parser, always_complete_options="long")
