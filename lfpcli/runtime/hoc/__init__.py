"""Model code of others: hoc files, templates, Python functions, Allen fits."""

from __future__ import annotations
