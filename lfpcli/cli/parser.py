"""The argument parser that every command uses."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from typing import Any, NoReturn

from lfpcli.errors import UsageError


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples as written and the option column narrow."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


class Parser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` without abbreviations, whose errors are `UsageError`."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", HelpFormatter)
        if sys.version_info >= (3, 14):
            kwargs.setdefault("color", False)
        super().__init__(**kwargs)
        # remedies for options that a command has under another name
        self.others: dict[str, str] = {}
        # values such as -100,0,30 are no options
        self._negative_number_matcher = re.compile(r"-\.?\d[-+\d.,eE]*")

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, remedy=f"see '{self.prog} --help'")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown option is an error that names the nearest known one.

        Options may stand between operands: ``lfp convert a.h5 -q b.npz``.
        """
        parsed, rest = self.parse_known_intermixed_args(args, namespace)
        if rest:
            self.reject(rest)
        return parsed

    def reject(self, rest: list[str]) -> NoReturn:
        """Raise the error for arguments that no option or operand takes."""
        options = [a for a in rest if a.startswith("-") and a != "-"]
        if not options:
            raise UsageError(f"unexpected argument '{rest[0]}'", remedy=f"see '{self.prog} --help'")
        name = options[0].split("=", 1)[0]
        known = list(self._option_string_actions)
        # the dashes are all that many options have in common
        bare = {option.lstrip("-"): option for option in known}
        near = difflib.get_close_matches(name.lstrip("-"), bare, n=1, cutoff=0.6)
        remedy = f"did you mean '{bare[near[0]]}'?" if near else f"see '{self.prog} --help'"
        raise UsageError(f"unknown option '{name}'", remedy=self.others.get(name, remedy))
