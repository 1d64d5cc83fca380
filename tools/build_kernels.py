"""Build the Cython kernels: directives, optimisation and OpenMP where the compiler has it.

``LFP_DEBUG_BUILD=1`` builds with bounds checks, for the kernel tests.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

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
        # debugging symbols are nine tenths of a kernel's size
        flags = ["-O1" if DEBUG else "-O3", "-g" if DEBUG else "-g0", *FLOATS, *openmp]
        for extension in self.extensions:
            extension.include_dirs.append(numpy.get_include())
            extension.define_macros.append(("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"))
            extension.extra_compile_args += flags
            extension.extra_link_args += openmp
        try:
            super().build_extensions()
        except CompileError as error:
            raise SystemExit(
                f"lfpcli: the kernels do not compile ({error}); a C compiler is needed here: "
                "install gcc or clang (apt-get install gcc; on macOS xcode-select --install), "
                "or install a wheel, which needs none: pip install --only-binary lfpcli lfpcli"
            ) from error

    def openmp_flags(self) -> list[str]:
        """Return the flag for OpenMP, or none where a trial program does not build."""
        compiler = self.compiler.compiler_so[0]
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "trial.c")
            source.write_text(
                "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
            )
            trial = [compiler, "-fopenmp", str(source), "-o", str(Path(folder, "trial"))]
            try:
                built = subprocess.run(trial, capture_output=True, check=False).returncode == 0
            except OSError:
                return []  # no compiler: the build says so itself
        return ["-fopenmp"] if built else []
