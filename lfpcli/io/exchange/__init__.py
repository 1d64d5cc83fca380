"""Files of other tools: what each holds of a recording, written and read."""

from __future__ import annotations
