import numpy as np

def add_waveforms(
    signal: np.ndarray,
    waveforms: np.ndarray,
    rows: np.ndarray,
    begins: np.ndarray,
    gains: np.ndarray,
    threads: int,
) -> None: ...
