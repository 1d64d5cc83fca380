"""Compile mechanisms (.mod files) for NEURON and CoreNEURON and print the library's path;
list, describe or check mechanisms. The same content is compiled once, wherever it lies."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from lfpcli.cli import options
from lfpcli.cli.facts import data_text, to_json
from lfpcli.errors import ExitCode, UsageError, printable

if TYPE_CHECKING:
    from lfpcli.tasks.mechs import Finding

EPILOG = """\
environment:
  LFP_MECH_CACHE   folder of what is compiled (default: $XDG_CACHE_HOME/lfp/mechanisms,
                   else ~/.cache/lfp/mechanisms)
  LFP_MECH_CFLAGS  more compiler flags, such as -march=native

examples:
  lfp mechs mods/ more/Ih.mod
  lfp mechs mods/ --check
  lfp mechs mods/ --skip-broken
  lfp mechs --port mods/ -o ported/ > changes.diff
  lfp mechs --describe hh
  lfp mechs --list --json

exit codes: 0 done, 2 usage, 3 bad input, 4 the cache or DIR cannot be written,
  5 a mechanism does not compile, is unknown or is defined twice"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="folder of .mod files, or file")
    group = parser.add_argument_group("instead of compiling").add_mutually_exclusive_group()
    group.add_argument(
        "--list",
        action="store_true",
        help="print name, kind (density, point, artificial) and file of those in PATHs;"
        " without any, of all built in or compiled",
    )
    group.add_argument(
        "--describe",
        metavar="NAME",
        help="print parameters with units and defaults, ions, range variables, and whether it"
        " injects electrode current",
    )
    group.add_argument(
        "--check",
        action="store_true",
        help="translate only: print errors with file and line, and what CoreNEURON refuses",
    )
    group.add_argument(
        "--port",
        action="store_true",
        help="copy to the folder -o DIR, with what older NEURON took and this one refuses mended;"
        " print the differences",
    )
    group.add_argument("--clean", action="store_true", help="remove all that was compiled")
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave out files that do not compile"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="folder of --port, which is made; it may not exist"
    )
    options.add_json(parser)


def run(args: argparse.Namespace) -> int | None:
    """Compile, or do what the options say."""
    if not args.paths and not (args.list or args.describe or args.clean):
        raise UsageError("no PATH is given", remedy="name a folder of .mod files")
    if args.skip_broken and (args.list or args.describe or args.check or args.clean or args.port):
        raise UsageError("--skip-broken is for compiling", remedy="leave it out")
    if args.clean and args.paths:
        raise UsageError("--clean takes no PATH", remedy="it removes all that was compiled")
    if args.port != (args.output is not None):
        raise UsageError(
            "--port and -o DIR go together", remedy="lfp mechs --port mods/ -o ported/"
        )
    if args.check:
        return _check(args)
    if args.port:
        return _port(args)
    if args.clean:
        from lfpcli.tasks.mechs import clean_cache

        count = clean_cache()
        args.console.note(f"removed {count} compiled librar{'y' if count == 1 else 'ies'}")
    elif args.list:
        _list(args)
    elif args.describe:
        _describe(args)
    else:
        _compile(args)
    return None


def _compile(args: argparse.Namespace) -> None:
    from lfpcli.tasks.mechs import compile_mechanisms

    library = compile_mechanisms(args.paths, skip_broken=args.skip_broken, report=args.console.note)
    for name, reason in library.refused.items():
        args.console.detail(f"{name} is for NEURON alone: CoreNEURON refuses it: {reason}")
    if args.json:
        facts = {
            "library": str(library.path),
            "coreneuron": None if library.core_path is None else str(library.core_path),
            "mechanisms": [m.name for m in library.mechanisms],
            "refused": library.refused,
            "skipped": list(library.skipped_names),
        }
        _print_json(facts)
    else:
        _print(str(library.path))


def _check(args: argparse.Namespace) -> int:
    from lfpcli.tasks.mechs import check_mechanisms

    findings = check_mechanisms(args.paths)
    broken = sorted({f.file for f in findings if f.engine == "neuron"})
    if args.json:
        _print_json(
            [{"file": f.file, "line": f.line, "engine": f.engine, "text": f.text} for f in findings]
        )
    else:
        for finding in findings:
            _print(_finding_line(finding))
    if broken:
        from lfpcli.tasks.mechs import portable_count

        count, mendable = len(broken), portable_count(broken)
        remedy = "correct them"
        if mendable:
            remedy = f"'lfp mechs --port' mends known patterns, in {mendable} of them"
        args.console.error(
            f"{count} file{'s do' if count > 1 else ' does'} not compile [{broken[0]}];"
            f" {remedy}, or leave them out with --skip-broken"
        )
    return int(ExitCode.SIMULATOR if broken else ExitCode.OK)


def _port(args: argparse.Namespace) -> int:
    from lfpcli.tasks.mechs import port_mechanisms

    ported = port_mechanisms(args.paths, args.output)
    if args.json:
        _print_json(
            [
                {
                    "file": str(file.source),
                    "copy": str(file.target),
                    "changes": list(file.changes),
                    "left": [
                        {"line": f.line, "engine": f.engine, "text": f.text} for f in file.findings
                    ],
                }
                for file in ported
            ]
        )
    broken: list[str] = []
    for file in ported:
        if not args.json:
            sys.stdout.write(data_text(file.diff))
        for change in file.changes:
            args.console.detail(f"{file.source}: {change}")
        for finding in file.findings:
            args.console.warn(_finding_line(finding))
        if any(finding.engine == "neuron" for finding in file.findings):
            broken.append(str(file.source))
    mended = sum(bool(file.changes) for file in ported)
    args.console.note(f"mended {mended} of {len(ported)} files, in {args.output}")
    if broken:
        args.console.error(
            f"{len(broken)} of the copies still do not compile [{broken[0]}];"
            " correct them by hand, or leave them out with --skip-broken"
        )
    return int(ExitCode.SIMULATOR if broken else ExitCode.OK)


def _finding_line(finding: Finding) -> str:
    return f"{finding.location}: {_GRADES[finding.engine]}: {finding.text}"


def _list(args: argparse.Namespace) -> None:
    from lfpcli.tasks.mechs import list_mechanisms

    mechanisms = list_mechanisms(args.paths)
    if args.json:
        _print_json(mechanisms)
        return
    width = max((len(m["name"]) for m in mechanisms), default=0)
    for m in mechanisms:
        _print(f"{m['name']:{width}}  {m['kind']:10}  {m['file'] or 'built in'}")


def _describe(args: argparse.Namespace) -> None:
    from lfpcli.tasks.mechs import describe_mechanism

    facts = describe_mechanism(args.describe, args.paths, report=args.console.note)
    if args.json:
        _print_json(facts)
        return
    _print(f"{facts['name']}: {_KINDS[facts['kind']]}, {facts['file'] or 'built in'}")
    _print(f"electrode current: {'yes' if facts['electrode_current'] else 'no'}")
    if facts["kind"] != "density":
        _print(f"takes events: {'yes' if facts['events'] else 'no'}")
    _print(f"CoreNEURON: {'yes' if facts['coreneuron'] is None else 'no, ' + facts['coreneuron']}")
    for ion in facts["ions"]:
        uses = [f"{verb} {', '.join(ion[verb])}" for verb in ("reads", "writes") if ion[verb]]
        _print(f"ion {ion['ion']}: {'; '.join(uses)}")
    for title in ("parameters", "globals", "assigned", "states"):
        if facts[title]:
            _print(f"{title}:")
        for entry in facts[title]:
            _print(_variable_line(entry))


# what a finding means, by who has it: NEURON, CoreNEURON, or the one who ports
_GRADES = {"neuron": "error", "coreneuron": "not for CoreNEURON", "port": "not recognised"}
_KINDS = {
    "density": "density mechanism",
    "point": "point process",
    "artificial": "artificial cell",
}


def _variable_line(entry: dict[str, Any]) -> str:
    name = entry["name"] + (f"[{entry['size']}]" if entry["size"] > 1 else "")
    default = entry.get("default")
    values = default if isinstance(default, list) else [default]
    shown = "" if default is None else " ".join(f"{value:g}" for value in values)
    return f"  {name:16} {shown:>12} {entry['units']}".rstrip()


def _print(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")


def _print_json(facts: object) -> None:
    print(to_json(facts))
