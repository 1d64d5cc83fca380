"""What `lfp sim` was given: a model, or a morphology that a model is made of."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lfpcli.builtin import label, resolved
from lfpcli.errors import InputError, UsageError
from lfpcli.io import stream
from lfpcli.io.provenance import digest
from lfpcli.io.sonata.config import read_config
from lfpcli.model import Model, check_files, load_model, model_files
from lfpcli.morphology.formats import morphology_format
from lfpcli.tasks.circuits.simulation_model import circuit_files, is_config_file, simulation_tree
from lfpcli.tasks.simulate.quick import Quick, attached_model, quick_model
from lfpcli.vocabulary import MODEL_SUFFIXES, MORPHOLOGY_SUFFIXES


@dataclass(frozen=True)
class Source:
    """A model that was read.

    Attributes
    ----------
    model : Model
        The model.
    inputs : dict of str to str
        Names and SHA-256 digests of the files it was made of.
    renamed : dict of str to str
        Paths of temporary files, and what they stand for.
    """

    model: Model
    inputs: dict[str, str]
    renamed: dict[str, str]


@contextlib.contextmanager
def model_source(
    source: str | os.PathLike[str],
    quick: Quick,
    overrides: Sequence[str] = (),
    *,
    hoc: bool = False,
    attach: bool = False,
) -> Iterator[Source]:
    """Read a model file, or make a model of a morphology; ``-`` is standard input.

    Parameters
    ----------
    source : path-like
        ``.toml`` or ``.json``, a morphology, or ``-``, which is known by its content.
    quick : Quick
        Texts that make a model of a morphology.
    overrides : sequence of str
        ``a.b.c=value`` texts.
    hoc : bool
        Whether the source is a hoc file that builds a cell, not only its morphology.
    attach : bool
        Whether the source is a Python script that builds a model in NEURON.

    Raises
    ------
    UsageError
        Where quick options meet a model file.
    InputError
        Where the source is missing, empty, or neither.
    """
    source = resolved(source)
    stream.check_input(source)
    if attach:
        tree = attached_model(Path(source).absolute(), quick)
        model = load_model(tree, overrides=overrides, name="command line")
        yield Source(model, {str(source): digest(Path(source))}, {})
        return
    if hoc:
        tree = quick_model(Path(source).absolute(), quick, hoc=True)
        model = load_model(tree, overrides=overrides, name="command line")
        yield Source(model, {str(source): digest(Path(source))}, {})
        return
    if str(source) != stream.STDIN and Path(source).suffix.lower() in MODEL_SUFFIXES:
        _refuse_quick(quick)
        if is_config_file(Path(source)):
            yield _circuit(Path(source), overrides)
            return
        yield _loaded(load_model(source, overrides=overrides), Path(source), str(source))
        return
    with stream.local_file(source) as (path, name):
        if morphology_format(path, suffix=Path(source).suffix) is not None:
            tree = quick_model(path.absolute(), quick)
            model = load_model(tree, overrides=overrides, name="command line")
            # provenance names what the user did, not the copy of standard input
            renamed = {} if str(path) == str(source) else {str(path): name}
            yield Source(model, {label(name): digest(path)}, renamed)
            return
        _check_model_text(path, name)
        _refuse_quick(quick)
        with path.open("rb") as file:
            model = load_model(file, overrides=overrides, name=name, folder=Path.cwd())
        yield _loaded(model, path, name)


def is_circuit_alone(source: str) -> bool:
    """Whether a file is a configuration of SONATA that tells of no simulation."""
    path = Path(source)
    return is_config_file(path) and not read_config(path).simulates


def _circuit(path: Path, overrides: Sequence[str]) -> Source:
    """A model that runs a configuration of SONATA."""
    tree = simulation_tree(path)
    model = load_model(tree, overrides=overrides, name=str(path), folder=path.parent)
    inputs = {file.name: digest(file) for file in circuit_files(path)}
    return Source(model, inputs, {})


def _refuse_quick(quick: Quick) -> None:
    if names := quick.present():
        raise UsageError(
            f"--{names[0]} makes a model of a morphology, but this is a model file",
            remedy="change the model, or use --set KEY=VALUE",
        )


def _loaded(model: Model, path: Path, name: str) -> Source:
    check_files(model)
    files = {path: name} | {file: str(file) for _, file in model_files(model) if file.is_file()}
    folder = str(model.folder) + os.sep
    inputs = {label(name.removeprefix(folder)): digest(file) for file, name in files.items()}
    return Source(model, inputs, {})


def _check_model_text(path: Path, name: str) -> None:
    """Raise `InputError` unless the first line that is no comment could begin TOML or JSON."""
    for line in stream.head(path).splitlines():
        text = line.strip()
        if text and not text.startswith(b"#"):
            if text.startswith((b"[", b"{")) or b"=" in text:
                return
            break
    raise InputError(
        "is neither a model nor a morphology",
        source=name,
        remedy="give TOML, JSON, or a morphology: " + " ".join(MORPHOLOGY_SUFFIXES),
    )
