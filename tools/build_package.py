"""Put what ships beside the code into the package: morphologies, examples and manual pages."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

# folder of the source tree: folder of the package
SHIPPED = {"share": "share", "man": "share/man"}


class BuildPackage(build_py):
    """``build_py`` that copies `SHIPPED` into ``lfpcli``.

    An editable installation copies nothing: `lfpcli.builtin` finds the folders of the tree.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for source, target in self._copies():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def _copies(self) -> list[tuple[str, str]]:
        """Each shipped file and where it goes."""
        copies = []
        for folder, inside in SHIPPED.items():
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    target = Path(self.build_lib, "lfpcli", inside, path.relative_to(folder))
                    copies.append((str(path), str(target)))
        return copies

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Files that this step writes."""
        return [
            *super().get_outputs(include_bytecode),
            *(target for _, target in self._copies()),
        ]
