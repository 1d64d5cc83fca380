import numpy as np

def means(
    start: np.ndarray,
    end: np.ndarray,
    radius: np.ndarray,
    centre: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    stretch: np.ndarray,
    shape: int,
    rows: np.ndarray,
    columns: np.ndarray,
    out: np.ndarray,
    threads: int,
) -> None: ...
