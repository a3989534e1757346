"""The command line: `reelgraph ask`, `graph`, `tracks`, `demo`, `doctor`, `cache`.

Exit codes: 0 done, 1 a bug (with its traceback), 2 something the user can fix (one
line on standard error), 130 stopped with Ctrl-C. Results go to standard output,
progress and warnings to standard error.
"""

from __future__ import annotations

from reelgraph.cli.app import app, main

__all__ = ["app", "main"]
