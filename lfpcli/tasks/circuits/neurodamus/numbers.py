"""Numbers that neurodamus gives cells and populations; its random streams are keyed by them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

# cells of a population are numbered from a multiple of this on
_BLOCK = 1000


def first_numbers(largest: Mapping[str, int]) -> dict[str, int]:
    """First number of each population of nodes, in the order of their names.

    Parameters
    ----------
    largest : mapping of str to int
        By population, the largest node id that is simulated; 0 where none is.
    """
    first: dict[str, int] = {}
    following = 0
    for name in sorted(largest):
        first[name] = following
        following = ((following + largest[name]) // _BLOCK + 1) * _BLOCK
    return first


def pathway_number(source: str, target: str) -> int:
    """What the streams of the synapses between two populations have in common.

    12 bits of the MD5 digest of the name of each, which is how neurodamus numbers populations.
    """
    return _population_number(source) * 65536 + _population_number(target)


def _population_number(name: str) -> int:
    digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
    return ((digest[1] & 0x0F) << 8) + digest[0]
