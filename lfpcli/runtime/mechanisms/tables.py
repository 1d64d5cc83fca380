"""Mends of what nmodl makes: its solver, its variables, sums of currents, look-ups in tables.

A program of its own, which a wrapper of nmodl runs on each translated file: it needs nothing but
the standard library, and imports nothing of this package.

A file with a KINETIC and a LINEAR block gets the solver of linear systems twice, once within that
of Newton's method, which no compiler takes.

Loops over segments become vectors where they look up in tables without branches. Below the table
its first value holds and above it its last one. Position and index are clamped instead of asked
for, so that one formula holds everywhere: t[i] + theta (t[j] - t[i]), with theta = 0 at both ends.
The values have the same bits. The switch usetable_NAME leaves the loop.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

# what nmodl 9.0 makes of TABLE: the switch, not a number, the two ends, the interpolation
_LOOKUP = re.compile(
    r"    inline static \w+ (?P<name>\w+)\((?P<arguments>int id, [^\n]*)\)\s*\{\n"
    r"        if \(inst->global->usetable == 0\) \{\n(?:.*\n)*?        \}\n"
    r"(?P<position>        double xi = [^\n]*\n)"
    r"        if \(isnan\(xi\)\) \{\n(?:.*\n)*?        \}\n"
    r"        if \(xi <= 0\. \|\| xi >= (?P<last>\d+)\.\) \{\n(?:.*\n)*?            return 0;\n"
    r"        \}\n"
    r"        int i = int\(xi\);\n        double theta = xi - double\(i\);\n"
    r"(?P<values>(?:.*\n)*?)        return 0;\n    \}\n"
)
_IN_LANES = "        #pragma omp simd\n        #pragma ivdep\n"
_ADDED = re.compile(r"inst->ion_\w+\[indexes\[[^\]]*\]\] \+=")
_LOOP = re.compile(
    r"        #pragma omp simd\n        #pragma ivdep\n"
    r"        for \(int id = 0; id < nodecount; id\+\+\) \{\n(?:.*\n)*?        \}\n"
)


# the solver as nmodl 9.0 puts it into a file, with the namespaces that it stands in
_SOLVER = re.compile(
    r"^namespace nmodl \{\nnamespace crout \{\n.*?"
    r"^\}  // namespace crout\n\}  // namespace nmodl\n",
    re.DOTALL | re.MULTILINE,
)


def with_one_solver(text: str) -> str:
    """Return a translated file without repetitions of its solver of linear systems.

    Parameters
    ----------
    text : str
        C++ that nmodl made.
    """
    first, *others = [*_SOLVER.finditer(text), None]
    for other in reversed(others):
        # only what is the same, word by word, may go
        if first is not None and other is not None and _words(other[0]) == _words(first[0]):
            text = text[: other.start()] + text[other.end() :]
    return text


def without_lost_currents(text: str) -> str:
    """Return a translated file whose point processes add up the currents of ions.

    Several of one class may lie on one node, and lanes of a vector that add to one number keep the
    sum of one of them alone. Such loops are told to be free of that; here they no longer are.

    Parameters
    ----------
    text : str
        C++ that nmodl made.
    """

    def careful(loop: re.Match[str]) -> str:
        # what lies on an area of its own is a point process
        if "inst->node_area[" in loop[0] and _ADDED.search(loop[0]):
            return loop[0].replace(_IN_LANES, "", 1)
        return loop[0]

    return _LOOP.sub(careful, text)


def _words(code: str) -> list[str]:
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", code, flags=re.DOTALL).split()


# the variable that only translations for threads have, its column and those behind it
_POTENTIAL = re.compile(r"^ *inst->v_unused = ml->data\+(\d+)\*pnodecount;\n", re.MULTILINE)
_COLUMN = re.compile(r"\bml->data\+(\d+)\*pnodecount")
_SIZE = re.compile(r"(\bfloat_variables_size\(\) \{\s*return )(\d+);")


def with_variables(text: str, count: int | None) -> str:
    """Return a translated file that has as many variables as NEURON's translation.

    NEURON keeps the potential among the variables of a mechanism where threads may share it, and
    CoreNEURON always, though it only writes it. CoreNEURON ends the process where they differ.

    Parameters
    ----------
    text : str
        C++ that nmodl made.
    count : int or None
        Variables of NEURON's translation; None where they are not known.
    """
    size, potential = _SIZE.search(text), _POTENTIAL.search(text)
    if count is None or size is None or potential is None or int(size[2]) != count + 1:
        return text
    column = int(potential[1])

    def moved(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"ml->data+{number - (number > column)}*pnodecount"

    changed = _SIZE.sub(rf"\g<1>{count};", _COLUMN.sub(moved, _POTENTIAL.sub("", text)))
    changed = re.sub(r"^ *double\* v_unused\{\};\n", "", changed, flags=re.MULTILINE)
    changed = re.sub(r"^ *inst->v_unused\[id\] = v;\n", "", changed, flags=re.MULTILINE)
    # where it is read, or columns are reached in another way, all stays
    is_whole = "v_unused" not in changed and not re.search(r"\bdata\[\d+\*pnodecount", changed)
    return changed if is_whole else text


def counts_of(variable: str) -> dict[str, int]:
    """Numbers of variables by file, from the environment variable that a compilation sets."""
    pairs = (pair.split("=") for pair in os.environ.get(variable, "").split())
    return {stem: int(count) for stem, count in pairs}


def without_branches(text: str) -> str:
    """Return a translated file whose loops look up in tables without branches.

    Parameters
    ----------
    text : str
        C++ that nmodl made. What does not look as expected stays as it is.
    """
    names = [match["name"] for match in _LOOKUP.finditer(text)]
    if not names:
        return text
    return _LOOP.sub(lambda loop: _twice(loop.group(), names), _LOOKUP.sub(_with_plain, text))


def _with_plain(match: re.Match[str]) -> str:
    """A look-up with a second one beside it that has no branches."""
    last, values = match["last"], match["values"].replace("[i+1]", "[j]")
    return match.group() + (
        f"\n    inline static int table_{match['name']}({match['arguments']}) {{\n"
        f"{match['position']}"
        f"        double xc = xi < {last}. ? xi : {last}.;\n"
        f"        xc = xc > 0. ? xc : 0.;\n"
        f"        const int i = int(xc);\n"
        f"        const int j = i < {last} ? i + 1 : {last};\n"
        # xi - xi keeps what is not a number
        f"        const double theta = (xc - double(i)) + (xi - xi);\n"
        f"{values}        return 0;\n    }}\n"
    )


def _twice(loop: str, names: list[str]) -> str:
    """A loop with and without tables, where it looks up in one."""
    quick = loop
    for name in names:
        quick = re.sub(rf"\b{name}\(", f"table_{name}(", quick)
    if quick == loop:
        return loop
    return f"        if (inst->global->usetable) {{\n{quick}        }} else {{\n{loop}        }}\n"


def main(arguments: list[str]) -> None:
    """Rewrite the file that nmodl has made with these arguments: ``FILE.mod -o FOLDER ...``."""
    folder = arguments[arguments.index("-o") + 1]
    path = Path(folder) / Path(arguments[0]).with_suffix(".cpp").name
    text = path.read_text(errors="surrogateescape")
    count = counts_of("LFP_VARIABLES").get(path.stem)
    changed = without_lost_currents(with_variables(with_one_solver(text), count))
    changed = without_branches(changed)
    if changed != text:
        path.write_text(changed, errors="surrogateescape")


if __name__ == "__main__":
    main(sys.argv[1:])
