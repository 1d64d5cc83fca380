"""Habits that make code hard to take over, counted: ``python tools/house.py [FOLDER...]``.

Names that say nothing of what they hold, nested comprehensions, conditional expressions, calls
with many positional arguments, comments per code line, sizes of functions and modules.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PRONOUNS = {"found", "made", "own", "given", "where", "what"}
HOMONYMS = {"kind", "place"}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# more than these many positional arguments hide what each one means
POSITIONAL = 4
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def bindings(tree: ast.AST) -> Iterator[str]:
    """Names that a module binds: variables, arguments, attributes of dataclasses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def nested(tree: ast.AST) -> int:
    """Comprehensions inside comprehensions, or with more than one loop."""
    count = 0
    for node in ast.walk(tree):
        if isinstance(node, COMPREHENSIONS):
            inner = [n for n in ast.walk(node) if isinstance(n, COMPREHENSIONS)]
            count += len(node.generators) > 1 or len(inner) > 1
    return count


def comment_lines(text: str) -> int:
    """Lines that hold a comment."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


def code_lines(text: str, tree: ast.AST) -> int:
    """Lines that hold code, docstrings left out."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            prose.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - prose)


def counts(paths: list[Path]) -> Counter[str]:
    """The counts of some modules."""
    total: Counter[str] = Counter()
    for path in paths:
        text = path.read_text()
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        total["modules"] += 1
        total["lines"] += len(text.splitlines())
        total["code"] += code_lines(text, tree)
        total["comments"] += comment_lines(text)
        for name in bindings(tree):
            total["pronouns"] += name in PRONOUNS
            total["kind, place"] += name in HOMONYMS
        total["nested"] += nested(tree)
        total["comprehensions"] += sum(isinstance(n, COMPREHENSIONS) for n in nodes)
        total["conditionals"] += sum(isinstance(n, ast.IfExp) for n in nodes)
        calls = (n for n in nodes if isinstance(n, ast.Call))
        total["positional"] += sum(len(call.args) > POSITIONAL for call in calls)
        functions = [n for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        total["functions"] += len(functions)
        total["over 35"] += sum((n.end_lineno or 0) - n.lineno + 1 > 35 for n in functions)
        total["over 400"] += len(text.splitlines()) > 400
    return total


def main(arguments: list[str]) -> None:
    """Print a table, a row a room."""
    folders = [Path(a) for a in arguments] or sorted(
        {p.parent for p in Path("lfpcli").rglob("*.py")}
    )
    columns = ["modules", "lines", "code", "comments", "pronouns", "kind, place", "nested"]
    columns += ["comprehensions", "conditionals", "positional", "functions", "over 35", "over 400"]
    print(f"{'':32}" + "".join(f"{c[:13]:>15}" for c in columns))
    whole: Counter[str] = Counter()
    for folder in folders:
        recursive = bool(arguments)
        paths = sorted(folder.rglob("*.py") if recursive else folder.glob("*.py"))
        row = counts(paths)
        whole += row
        print(f"{folder!s:32}" + "".join(f"{row[c]:15}" for c in columns))
    print(f"{'all':32}" + "".join(f"{whole[c]:15}" for c in columns))


if __name__ == "__main__":
    main(sys.argv[1:])
