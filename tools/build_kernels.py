"""Build the Cython kernels: directives, optimisation and OpenMP where the compiler has it.

``LFP_DEBUG_BUILD=1`` builds with bounds checks, for the kernel tests.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from setuptools.command.build_ext import build_ext

DEBUG = os.environ.get("LFP_DEBUG_BUILD", "") not in ("", "0")

DIRECTIVES = {
    "language_level": "3",
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "cdivision": not DEBUG,
    "embedsignature": True,
}

# multiply-adds are fused where the kernels say so and nowhere else, for every vector width to
# give the same bits; without errno and traps, square roots and choices become vector instructions
FLOATS = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]


class BuildKernels(build_ext):
    """``build_ext`` that compiles every kernel with the flags that they need."""

    def finalize_options(self) -> None:
        from Cython.Build import cythonize

        self.distribution.ext_modules = cythonize(
            self.distribution.ext_modules, compiler_directives=DIRECTIVES, force=DEBUG
        )
        super().finalize_options()

    def build_extensions(self) -> None:
        import numpy

        openmp = self.openmp_flags()
        flags = ["-O1" if DEBUG else "-O3", *FLOATS, *openmp]
        for extension in self.extensions:
            extension.include_dirs.append(numpy.get_include())
            extension.define_macros.append(("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"))
            extension.extra_compile_args += flags
            extension.extra_link_args += openmp
        super().build_extensions()

    def openmp_flags(self) -> list[str]:
        """Return the flag for OpenMP, or none where a trial program does not build."""
        compiler = self.compiler.compiler_so[0]
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "trial.c")
            source.write_text(
                "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
            )
            trial = [compiler, "-fopenmp", str(source), "-o", str(Path(folder, "trial"))]
            built = subprocess.run(trial, capture_output=True, check=False).returncode == 0
        return ["-fopenmp"] if built else []
