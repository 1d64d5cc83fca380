"""Write the options of each command into its manual page, as its parser has them.

Usage: python tools/page_options.py [--check]

The section OPTIONS IN SHORT of a page comes from here; what options mean at length is written by
hand. With --check nothing is written, and pages that are not fresh are named.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from pathlib import Path

from lfpcli.cli.main import COMMANDS, command_parser, load

MAN = Path(__file__).resolve().parents[1] / "man"
HEADING = ".SH OPTIONS IN SHORT\n"
COMMON = {"-h", "-q", "-v", "--debug"}
WIDTH = 78
# the section goes before the first of these that the page has
FOLLOWING = (".SH EXIT STATUS\n", ".SH EXAMPLES\n", ".SH ENVIRONMENT\n", ".SH SEE ALSO\n")


def main() -> int:
    """Write or check all pages; return 1 where one is not fresh."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args()
    stale = []
    for name in COMMANDS:
        path = MAN / f"lfp-{name}.1"
        text = path.read_text(encoding="utf-8")
        fresh = with_options(text, options_of(command_parser(name, load(name))))
        if text != fresh:
            stale.append(path.name)
            if not args.check:
                path.write_text(fresh, encoding="utf-8")
    if args.check and stale:
        print(f"not fresh: {', '.join(stale)}; run python tools/page_options.py")
        return 1
    return 0


def options_of(parser: argparse.ArgumentParser) -> str:
    """The section of a parser's options, in roff."""
    lines: list[str] = []
    for action in parser._actions:
        is_common = bool(COMMON & set(action.option_strings))
        if not action.option_strings or is_common or action.help == argparse.SUPPRESS:
            continue
        names = ", ".join(rf"\fB{escaped(name)}\fR" for name in action.option_strings)
        value = value_of(action)
        lines += [".TP\n", f"{names} {value}".rstrip() + "\n"]
        help_text = " ".join((action.help or "").replace("%%", "%").split())
        lines += [f"{line}\n" for line in wrapped(escaped(help_text))]
    if not lines:
        return ""
    common = [".PP\n", "Common options are described in\n", ".BR lfp (1).\n"]
    return "".join([HEADING, *lines, *common])


def value_of(action: argparse.Action) -> str:
    """What an option takes, in italics."""
    if action.nargs == 0:
        return ""
    text = action.metavar
    if text is None and action.choices is not None:
        text = "{" + ",".join(map(str, action.choices)) + "}"
    if text is None:
        text = action.dest.upper()
    word = " ".join(text) if isinstance(text, tuple) else str(text)
    return rf"\fI{escaped(word)}\fR"


def escaped(text: str) -> str:
    """Text as roff takes it."""
    for plain, roff in (("\\", r"\e"), ("-", r"\-"), ("'", r"\(aq"), ('"', r"\(dq")):
        text = text.replace(plain, roff)
    return text


def wrapped(text: str) -> list[str]:
    """Lines of text, of which none begins as a macro does."""
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"\\&{line}" if line[:1] in ".'" else line for line in lines]


def with_options(page: str, section: str) -> str:
    """A page whose section of options is `section`."""
    pattern = re.compile(re.escape(HEADING) + r".*?(?=^\.SH |\Z)", re.DOTALL | re.MULTILINE)
    if pattern.search(page):
        return pattern.sub(lambda _: section, page)
    place = next(page.index(heading) for heading in FOLLOWING if heading in page)
    return page[:place] + section + page[place:]


if __name__ == "__main__":
    sys.exit(main())
