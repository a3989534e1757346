"""`python -m reelgraph` is the command line."""

from __future__ import annotations

from reelgraph.cli import main

main()
