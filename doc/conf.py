"""The site: the manual, examples with their pictures, and the library from its docstrings."""

from __future__ import annotations

import lfpcli

project = "lfp"
author = "The lfpcli developers"
copyright = "the lfpcli developers"
release = lfpcli.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "jobs", "notebooks"]
# light and dark, wide and narrow
html_theme = "furo"
html_title = f"lfp {release}"
html_static_path = ["static"]
html_css_files = ["manual.css"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# NumPy's style writes single backquotes around names of all kinds
default_role = "code"
napoleon_use_rtype = False
napoleon_use_ivar = True
