import numpy as np

TILE: int
LINE_ROWS: int
POINT_ROWS: int
ALONG: int
START: int
INVERSE: int
RADIUS2: int

def use_level(wanted: int) -> int: ...
def max_threads() -> int: ...
def make(
    start: np.ndarray,
    end: np.ndarray,
    radius: np.ndarray,
    stretch: np.ndarray,
    tiles: np.ndarray,
    threads: int,
) -> None: ...
def within(
    start: np.ndarray,
    end: np.ndarray,
    radius: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    found: np.ndarray,
) -> None: ...
def fill(
    tiles: np.ndarray,
    points: np.ndarray,
    weights: np.ndarray,
    out: np.ndarray,
    line: bool,
    threads: int,
) -> None: ...
def near_tiles(tiles: np.ndarray, points: np.ndarray, found: np.ndarray, threads: int) -> None: ...
