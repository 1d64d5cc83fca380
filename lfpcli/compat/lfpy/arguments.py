"""Arguments of LFPy's cells in the terms of the library."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lfpcli.errors import UsageError, nearest
from lfpcli.runtime.cell.sections import Discretisation
from lfpcli.runtime.hoc.hooks import run_hoc_code
from lfpcli.runtime.neuron import nrn

Hook = Callable[..., object]


def check_step(tstart: float, dt: float) -> None:
    """Raise `UsageError` where the way from tstart to 0 (ms) is not whole steps."""
    steps = tstart / dt if dt > 0 else 0.0
    if abs(steps - round(steps)) > 1e-9 * max(1.0, abs(steps)):
        raise UsageError(
            f"tstart is {tstart:g} ms, no multiple of dt, {dt:g} ms", remedy="take one that is"
        )


def define_shape(cell: Any) -> None:
    """Give all sections points in space, as NEURON lays them out."""
    nrn().define_shape()


def code_hooks(files: Sequence[str | os.PathLike[str]] | None) -> list[Hook]:
    """Functions of a cell that run hoc files for it."""
    hooks = []
    for name in files or ():
        file = Path(name)
        if file.suffix != ".hoc":
            raise UsageError(
                f"custom_code has {file}, which is no .hoc file",
                remedy="give functions of Python as custom_fun",
            )
        hooks.append(_run_hoc(file))
    return hooks


def _run_hoc(file: Path) -> Hook:
    return lambda cell: run_hoc_code(file, cell)


def function_hooks(
    functions: Sequence[Hook] | None, arguments: Sequence[Mapping[str, Any]] | None
) -> list[Hook]:
    """Functions of a cell, with their further arguments."""
    functions = list(functions or ())
    if arguments is None:
        return functions
    if len(arguments) != len(functions):
        raise UsageError(f"there are {len(functions)} custom_fun and {len(arguments)} of arguments")
    return [_with(f, args) for f, args in zip(functions, arguments, strict=True)]


def _with(function: Hook, arguments: Mapping[str, Any]) -> Hook:
    return lambda cell: function(cell, **arguments)


def discretisation(
    method: str | None, lambda_f: float, d_lambda: float, longest: float | None
) -> Discretisation:
    if method is None:
        return Discretisation(rule="keep")
    rules = {
        "lambda100": Discretisation(d_lambda=d_lambda),
        "lambda_f": Discretisation(d_lambda=d_lambda, frequency=lambda_f),
    }
    if method == "fixed_length":
        return Discretisation(rule="length", max=longest)
    if method not in rules:
        raise UsageError(
            f"unknown nsegs_method '{method}'",
            remedy=nearest(method, [*rules, "fixed_length"], "method"),
        )
    return rules[method]
