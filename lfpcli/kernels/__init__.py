"""The inner loops, compiled, each behind a function that checks shapes."""

import os

# GNU's OpenMP reads this once, as the first kernel is loaded. Its threads would otherwise spin
# for milliseconds after every loop, on the cores that NumPy's products want next
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
