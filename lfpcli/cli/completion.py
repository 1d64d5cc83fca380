"""Words that the tab key offers for values: arrays, montages, mechanisms, signals, keys.

They are asked for only then, so that all of this is imported at no other time.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from lfpcli.vocabulary import MODEL_SUFFIXES

Words = Callable[[argparse.Namespace], Iterable[str]]
# those of NEURON itself that are inserted
_MECHANISMS = ("extracellular", "fastpas", "hh", "pas")
_SECTIONS = ("soma", "dend", "apic", "axon")
_SUFFIX = re.compile(r"^\s*SUFFIX\s+(\w+)", re.MULTILINE)


def attach(parser: argparse.ArgumentParser) -> None:
    """Let the options of a command offer words."""
    for action in parser._actions:
        for option in action.option_strings:
            if option in _WORDS:
                _offer(action, _WORDS[option])


def _offer(action: argparse.Action, words: Words) -> None:
    def offer(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        # of a list with commas the last entry is completed
        done, comma, _rest = prefix.rpartition(",")
        completions = [f"{done}{comma}{word}" for word in words(parsed_args)]
        return [word for word in completions if word.startswith(prefix)]

    vars(action)["completer"] = offer


def _arrays(_: argparse.Namespace) -> Iterable[str]:
    from lfpcli.io.arrays import array_files

    return sorted(array_files())


def _montages(_: argparse.Namespace) -> Iterable[str]:
    from lfpcli.forward.montages import SYSTEMS

    return SYSTEMS


def _mechanisms(_: argparse.Namespace) -> Iterable[str]:
    """NEURON's own, and those of .mod files here."""
    names = set(_MECHANISMS)
    for path in Path().glob("*.mod"):
        names.update(_SUFFIX.findall(path.read_text(encoding="utf-8", errors="replace")))
    return sorted(names)


def _places(_: argparse.Namespace) -> Iterable[str]:
    return [f"{name}:" for name in _SECTIONS]


def _signals(parsed: argparse.Namespace) -> Iterable[str]:
    """Signals and other parts of the recording that the line names."""
    from lfpcli.io.recording import open_recording

    names: dict[str, None] = {}
    for path in _files(parsed):
        with open_recording(path) as recording:
            names |= dict.fromkeys(recording.signals)
            names |= dict.fromkeys(recording.reports)
            if recording.spike_populations:
                names["spikes"] = None
    return list(names)


def _files(parsed: argparse.Namespace) -> Iterator[Path]:
    for name in ("input", "inputs", "file", "files"):
        value: Any = getattr(parsed, name, None) or []
        for text in [value] if isinstance(value, str) else value:
            if Path(text).is_file():
                yield Path(text)


def _keys(parsed: argparse.Namespace) -> Iterable[str]:
    """Keys of the model that the line names, and those of [run] and [record]."""
    from lfpcli.model import Model, load_model
    from lfpcli.model.run import Record, Run
    from lfpcli.model.tables import keys_of
    from lfpcli.model.text import parse, read_file

    names: dict[str, None] = {}
    for table, cls in (("run", Run), ("record", Record)):
        names |= dict.fromkeys(f"{table}.{name}" for name, _, _ in keys_of(cls))
    source = getattr(parsed, "model", None)
    if source and source.lower().endswith(MODEL_SUFFIXES):
        tree, _ = parse(read_file(Path(source)), source)
        names |= dict.fromkeys(_paths(tree))
    elif source and source.startswith("builtin:"):
        model: Model = load_model(source)
        if model.path is not None:
            names |= dict.fromkeys(_paths(parse(read_file(model.path), source)[0]))
    return [f"{name}=" for name in names]


def _paths(node: Any, path: str = "") -> Iterator[str]:
    """Dotted keys of the values of nested tables and lists of tables."""
    tables = isinstance(node, list) and node and all(isinstance(each, dict) for each in node)
    if isinstance(node, dict) or tables:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            yield from _paths(value, f"{path}.{key}" if path else str(key))
    else:
        yield path


_WORDS: dict[str, Words] = {
    "--array": _arrays,
    "--electrodes": _montages,
    "--montage": _montages,
    "--insert": _mechanisms,
    "--input": _places,
    "--stim": _places,
    "--signal": _signals,
    "--what": _signals,
    "--set": _keys,
}
