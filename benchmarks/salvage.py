"""How the time to read damaged TRASER text grows with its length.

    python -m benchmarks.salvage

Each text repeats one piece that a damaged answer may get stuck in. Ten times the text
should take about ten times as long; quadratic work would take a hundred times.
"""

from __future__ import annotations

import time

from rich.console import Console
from rich.table import Table

from reelgraph.graph.formats.traser import parse_traser

PIECES = ['[1,"', '{"object 1":"a","attributes":["b",', '"', "\\", "object 1 ", "[[0,1],", "["]
LENGTHS = 20_000, 200_000, 2_000_000


def seconds(piece: str, length: int) -> float:
    """Return the processor time that a text of some length takes."""
    text = '{"objects": [{"object 1": "a"}, ' + piece * (length // len(piece))
    began = time.process_time()
    parse_traser(text)
    return time.process_time() - began


def main() -> None:
    table = Table("piece", *(f"{length:,} characters" for length in LENGTHS), "growth")
    for piece in PIECES:
        times = [seconds(piece, length) for length in LENGTHS]
        growth = f"{times[-1] / max(times[-2], 1e-3):.1f}x"
        table.add_row(repr(piece), *(f"{value:.3f} s" for value in times), growth)
    Console().print(table)


if __name__ == "__main__":
    main()
