"""Look-ups of NMODL's tables without branches, so that loops over segments become vectors.

A program of its own, which a wrapper of nmodl runs on each translated file: it needs nothing but
the standard library, and imports nothing of this package.

Below the table its first value holds and above it its last one. Position and index are clamped
instead of asked for, so that one formula holds everywhere: t[i] + theta (t[j] - t[i]), with
theta = 0 at both ends. The values have the same bits. The switch usetable_NAME leaves the loop.
"""

from __future__ import annotations

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
_LOOP = re.compile(
    r"        #pragma omp simd\n        #pragma ivdep\n"
    r"        for \(int id = 0; id < nodecount; id\+\+\) \{\n(?:.*\n)*?        \}\n"
)


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
    changed = without_branches(text)
    if changed != text:
        path.write_text(changed, errors="surrogateescape")


if __name__ == "__main__":
    main(sys.argv[1:])
