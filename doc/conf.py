"""The site: the manual, examples with their pictures, and the library from its docstrings."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import lfpcli

project = "lfp"
author = "The lfpcli developers"
copyright = "the lfpcli developers"
release = lfpcli.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "jobs", "notebooks"]
# light and dark, wide and narrow
html_theme = "furo"
html_title = f"lfp {release}"
html_static_path = ["static"]
html_css_files = ["manual.css"]
html_math_renderer = "mathml"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# NumPy's style writes single backquotes around names of all kinds
default_role = "code"
napoleon_use_rtype = False
napoleon_use_ivar = True


def inline_equation(translator: HTML5Translator, node: nodes.math) -> None:
    """An equation within a line, which browsers set by themselves."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def displayed_equation(translator: HTML5Translator, node: nodes.math_block) -> None:
    """An equation on lines of its own."""
    translator.body.append(f'<div class="equation">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Set equations as MathML, which needs neither scripts nor a network."""
    app.add_html_math_renderer("mathml", (inline_equation, None), (displayed_equation, None))
