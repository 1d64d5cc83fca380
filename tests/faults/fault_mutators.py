"""Ways to damage a file, drawn from a generator: the same seed damages in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from fault_storage import store_otherwise

Rng = np.random.Generator
Mutator = Callable[[bytes, Rng], bytes]

_NUMBER = re.compile(rb"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
_WORDS = (
    *b"nan inf -inf 0 -1 1e308 -1e308 1e-320 99999999999999999999 0x10 1,5 1_0 --1 1e".split(),
    *b"1e99999 9223372036854775808 2147483648 1e400 .5 5. true null".split(),
    *(b"", b"\xff\xfe", b"\x1b[31m", "\u0661".encode(), b"\0", b"'", b'"', b"[", b"("),
)


def _at(content: bytes | bytearray, rng: Rng) -> int:
    return int(rng.integers(0, max(len(content), 1)))


def flip_bits(content: bytes, rng: Rng) -> bytes:
    """Flip one to eight bits."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        if changed:
            changed[_at(changed, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def flip_bits_of_the_head(content: bytes, rng: Rng) -> bytes:
    """Flip bits where most formats keep their structure."""
    return flip_bits(content[:2048], rng) + content[2048:]


def truncate(content: bytes, rng: Rng) -> bytes:
    """Cut the end off."""
    return content[: _at(content, rng)]


def remove(content: bytes, rng: Rng) -> bytes:
    """Take a piece out."""
    first = _at(content, rng)
    return content[:first] + content[first + int(rng.integers(1, 64)) :]


def repeat(content: bytes, rng: Rng) -> bytes:
    """Put a piece in once more."""
    first = _at(content, rng)
    return content[: first + 64] + content[first:]


def insert(content: bytes, rng: Rng) -> bytes:
    """Put random bytes in."""
    first = _at(content, rng)
    return content[:first] + rng.bytes(int(rng.integers(1, 32))) + content[first:]


def overwrite(content: bytes, rng: Rng) -> bytes:
    """Write zeros, ones or random bytes over a piece."""
    first, count = _at(content, rng), int(rng.integers(1, 64))
    pieces = (bytes(count), b"\xff" * count, rng.bytes(count))
    return content[:first] + pieces[int(rng.integers(3))] + content[first + count :]


def other_number(content: bytes, rng: Rng) -> bytes:
    """Write something else for a number."""
    numbers = list(_NUMBER.finditer(content))
    if not numbers:
        return insert(content, rng)
    chosen = numbers[int(rng.integers(len(numbers)))]
    word = _WORDS[int(rng.integers(len(_WORDS)))]
    return content[: chosen.start()] + word + content[chosen.end() :]


def other_lines(content: bytes, rng: Rng) -> bytes:
    """Take a line out, put it in twice, or exchange it with another."""
    lines = content.splitlines(keepends=True)
    if len(lines) < 2:
        return remove(content, rng)
    a, b = (int(k) for k in rng.integers(0, len(lines), 2))
    how = int(rng.integers(3))
    if how == 0:
        del lines[a]
    elif how == 1:
        lines.insert(b, lines[a])
    else:
        lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def other_word(content: bytes, rng: Rng) -> bytes:
    """Write one word of the text for another."""
    words = list(re.finditer(rb"\w+", content))
    if len(words) < 2:
        return insert(content, rng)
    a, b = (words[int(k)] for k in rng.integers(0, len(words), 2))
    return content[: a.start()] + b.group() + content[a.end() :]


def nest(content: bytes, rng: Rng) -> bytes:
    """Put many brackets in."""
    first = _at(content, rng)
    bracket = (b"(", b"[", b"{", b"<a>")[int(rng.integers(4))]
    return content[:first] + bracket * int(rng.integers(1, 100_000)) + content[first:]


BYTES: tuple[Mutator, ...] = (
    flip_bits,
    flip_bits_of_the_head,
    truncate,
    remove,
    repeat,
    insert,
    overwrite,
)
TEXT: tuple[Mutator, ...] = (
    *BYTES,
    other_number,
    other_number,
    other_number,
    other_lines,
    other_word,
    nest,
)

_VALUES: tuple[Any, ...] = (
    np.nan,
    -1.0,
    1e308,
    2**63 - 1,
    "text",
    b"\xff",
    np.zeros(0),
    np.zeros((2, 2, 2)),
    np.array(["a"], "S1"),
    h5py.Empty("f8"),
    np.uint64(2**64 - 1),
)


def change_hdf5(path: Path, rng: Rng) -> None:
    """Change the structure of an HDF5 file by means of HDF5, so that checksums fit."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = names[int(rng.integers(len(names)))]
        node = file[name]
        changes = (_remove, _set_attribute, _replace, _scale, _link, store_otherwise)
        changes[int(rng.integers(len(changes)))](file, name, node, rng)


def _remove(file: h5py.File, name: str, node: Any, rng: Rng) -> None:
    del file[name]


def _set_attribute(file: h5py.File, name: str, node: Any, rng: Rng) -> None:
    keys = [*node.attrs, "units", "dt"]
    key = keys[int(rng.integers(len(keys)))]
    value = _VALUES[int(rng.integers(len(_VALUES)))]
    if key in node.attrs:
        del node.attrs[key]
    node.attrs[key] = value


def _replace(file: h5py.File, name: str, node: Any, rng: Rng) -> None:
    attributes = dict(node.attrs)
    del file[name]
    file[name] = _VALUES[int(rng.integers(len(_VALUES)))]
    file[name].attrs.update(attributes)


def _scale(file: h5py.File, name: str, node: Any, rng: Rng) -> None:
    if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiu" or not node.size:
        del file[name]
        return
    values = node[()]
    flat = values.reshape(-1)
    extreme = (0, 1, 127, 1e6)[int(rng.integers(4))]
    if node.dtype.kind == "f":
        extreme = (np.nan, np.inf, -1.0, 1e300)[int(rng.integers(4))]
    with np.errstate(over="ignore"):
        flat[int(rng.integers(flat.size))] = extreme
    node[()] = values


def _link(file: h5py.File, name: str, node: Any, rng: Rng) -> None:
    del file[name]
    how = int(rng.integers(4))
    if how == 0:
        file[name] = h5py.ExternalLink("/etc/passwd", "/")
    elif how == 1:
        file[name] = h5py.SoftLink(f"/{name}")
    elif how == 2:
        file[name] = file["/"]
    else:
        file.create_dataset(name, (1 << 34, 3), "f8", chunks=(1024, 3))
