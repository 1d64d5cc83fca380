"""Morphology files with seeded damage, as editors, transfers and other programs leave it."""

from __future__ import annotations

import html
import re

import numpy as np

WORDS = ("nan", "inf", "-1", "0", "1e999", "1e12", "x", "(", ")", "|", '"', "<", ">", "#", ";", ",")
SIGNS = "()|<>\"';,.#=- \n\t0123456789abcXYZ\u00e9"


def mutated_text(text: str, rng: np.random.Generator) -> str:
    """Return a text with one to four pieces cut, doubled, moved, or replaced."""
    for _ in range(int(rng.integers(1, 5))):
        if not text:
            return text
        start = int(rng.integers(len(text)))
        stop = min(start + int(rng.integers(1, 40)), len(text))
        piece = text[start:stop]
        choice = int(rng.integers(7))
        if choice == 0:
            text = text[:start] + text[stop:]
        elif choice == 1:
            text = text[:stop] + piece + text[stop:]
        elif choice == 2:
            sign = SIGNS[int(rng.integers(len(SIGNS)))]
            text = text[:start] + sign + text[start + 1 :]
        elif choice == 3:
            words = text.split(" ")
            words[int(rng.integers(len(words)))] = str(rng.choice(WORDS))
            text = " ".join(words)
        elif choice == 4:
            text = text[:start] + str(rng.choice(WORDS)) + text[start:]
        elif choice == 5:
            lines = text.split("\n")
            one, two = rng.integers(len(lines), size=2).tolist()
            lines[one], lines[two] = lines[two], lines[one]
            text = "\n".join(lines)
        elif rng.random() < 0.3:
            text = text[:start]
    return text


def mutated_xml(text: str, rng: np.random.Generator) -> str:
    """Return XML with one or two values changed, or an element cut, and sometimes more damage."""
    for _ in range(int(rng.integers(1, 3))):
        pattern = r'"[^"]*"' if rng.random() < 0.7 else r"<[a-z][^>]*/>"
        matches = list(re.finditer(pattern, text))
        if matches:
            match = matches[int(rng.integers(len(matches)))]
            word = str(rng.choice((*WORDS, "7", "1 mV", "soma")))
            value = "" if match[0].startswith("<") else f'"{html.escape(word)}"'
            text = text[: match.start()] + value + text[match.end() :]
    return mutated_text(text, rng) if rng.random() < 0.2 else text


def mutated_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with some of them flipped, zeroed or cut off."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        start = int(rng.integers(len(damaged)))
        choice = int(rng.integers(4))
        if choice == 0:
            damaged[start] ^= 1 << int(rng.integers(8))
        elif choice == 1:
            damaged[start] = int(rng.integers(256))
        elif choice == 2:
            damaged[start : start + 8] = bytes(len(damaged[start : start + 8]))
        elif rng.random() < 0.2:
            del damaged[start:]
            if not damaged:
                return b"\0"
    return bytes(damaged)
