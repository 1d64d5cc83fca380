import numpy as np

PANEL: int

def use_level(wanted: int) -> int: ...
def contract(
    currents: np.ndarray,
    columns: np.ndarray,
    widths: np.ndarray,
    groups: np.ndarray,
    panels: np.ndarray,
    bounds: np.ndarray,
    parts: np.ndarray,
    threads: int,
) -> bool: ...
