import numpy as np

TILE: int
LINE_ROWS: int
POINT_ROWS: int

def use_level(wanted: int) -> int: ...
def max_threads() -> int: ...
def fill(
    tiles: np.ndarray,
    points: np.ndarray,
    weights: np.ndarray,
    out: np.ndarray,
    line: bool,
    threads: int,
) -> None: ...
def near_tiles(tiles: np.ndarray, points: np.ndarray, found: np.ndarray, threads: int) -> None: ...
