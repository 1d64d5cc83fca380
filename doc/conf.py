"""The site: the manual, examples with their pictures, and the library from its docstrings."""

from __future__ import annotations

import lfpcli

project = "lfp"
author = "The lfpcli developers"
copyright = "the lfpcli developers"
release = lfpcli.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "jobs", "notebooks"]
html_theme = "alabaster"
html_title = f"lfp {release}"
html_theme_options = {
    "description": "Neurons and networks, and what instruments would measure from them",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
}
html_static_path = ["static"]
html_css_files = ["manual.css"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# NumPy's style writes single backquotes around names of all kinds
default_role = "code"
napoleon_use_rtype = False
napoleon_use_ivar = True
