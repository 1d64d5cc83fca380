# PYTHON_ARGCOMPLETE_OK
"""``python -m lfpcli`` is ``lfp``."""

from lfpcli.cli.main import console_main

if __name__ == "__main__":
    console_main()
