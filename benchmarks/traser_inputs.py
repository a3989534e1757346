"""TRASER's input side: time and memory of token selection and arrangement.

Forty objects on 128 frames at 560x1008, the formula of the golden fixtures' large case, once
with masks stored at that size and once stored at 1080x1920. Beside ours, a plain version of
the official method: every mask painted and resized into one float32 table (objects, frames,
height, width), which is pooled and compared as a whole. The plain version runs on a few
objects only, as forty would need more than 20 GB; both methods run on those in the same
conditions, each in a process of its own.

    python -m benchmarks.traser_inputs [--golden DIR] [--plain-objects N]

CPU seconds are those of all threads, which other work on the machine changes little.

Official program on the whole case (2 cores, measured by the fixtures' authors): 20 s and
21.5 GiB for the table from 1080x1920 masks, 5.0 s and 10.8 GiB more for the selection.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reelgraph.graph.tracks import encode_mask
from reelgraph.tools.traser.arrangement import PromptIds, arrange
from reelgraph.tools.traser.coverage import nearest_source
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.masks import RowMasks
from reelgraph.tools.traser.options import InputConfig
from reelgraph.tools.traser.selection import Selection, select

OBJECTS, FRAMES = 40, 128
RESIZED = (560, 1008)
GRID = Grid.of(FRAMES, RESIZED)
OFFICIAL_S, OFFICIAL_GIB = 25.0, 21.5
GIB = 1 << 30


def painted(number: int, frame: int) -> np.ndarray | None:
    """One mask of the large case, at the resized resolution."""
    if (frame // 8 + number) % 5 == 0:
        return None
    cy = 560 * (0.15 + 0.7 * ((0.37 * number + 0.004 * frame) % 1.0))
    cx = 1008 * (0.1 + 0.8 * ((0.61 * number + 0.006 * frame) % 1.0))
    y, x = np.ogrid[: RESIZED[0], : RESIZED[1]]
    ry, rx = 30 + 5 * (number % 9), 40 + 7 * (number % 8)
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1


def stored(number: int, frame: int, size: tuple[int, int]) -> dict[str, Any] | None:
    """One mask as mask JSON holds it."""
    mask = painted(number, frame)
    if mask is None:
        return None
    if size != RESIZED:
        mask = mask[np.ix_(*(nearest_source(n, o) for n, o in zip(size, RESIZED, strict=True)))]
    return {"size": list(size), "counts": encode_mask(mask).decode()}


def rows_of(objects: int, size: tuple[int, int]) -> list[list[Any]]:
    return [[stored(number, frame, size) for number in range(objects)] for frame in range(FRAMES)]


class Words:
    """Labels as long as the model's, so that the arrangement does its full work."""

    def object_label(self, number: int) -> list[int]:
        return [1] * (4 + len(str(number)))

    def window_label(self, start_s: int, end_s: int) -> list[int]:
        return [2] * (5 + len(str(start_s)) + len(str(end_s)))


def ours(rows: list[list[Any]]) -> list[np.ndarray]:
    selection: Selection = select(
        RowMasks(rows), range(len(rows[0])), np.arange(FRAMES), GRID, InputConfig()
    )
    arrange(selection.tokens, grid=GRID, prompt=PromptIds((0,) * 26, (0,) * 6), words=Words())
    return list(selection.tokens)


def plain(rows: list[list[Any]]) -> list[np.ndarray]:
    """Paint everything into one table, then pool and compare it."""
    import torch
    from pycocotools import mask as coco
    from torch.nn import functional

    table = torch.zeros((len(rows[0]), FRAMES, *RESIZED))
    for frame, row in enumerate(rows):
        for number, item in enumerate(row):
            if item is not None and coco.area(item) > 0:
                mask = torch.from_numpy(coco.decode(item)).float()[None, None]
                table[number, frame] = functional.interpolate(mask, size=RESIZED)[0, 0] > 0.5
    table = table[table.flatten(1).any(1)]
    pooled = functional.avg_pool2d(table, 28, 28)
    cover = pooled.unflatten(1, (FRAMES // 2, 2)).amax(2).flatten(1)
    found = []
    for row in cover:
        steps = [torch.nonzero(row >= t).flatten() for t in (0.5, 0.3, 0.1)]
        found.append(next((s for s in steps if len(s)), row.argmax()[None]).numpy())
    return found


def memory(field: str) -> int:
    """Resident memory of this process in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def measure(method: str, objects: int, height: int, width: int, check: str) -> None:
    """Run one method in this process and print what it took."""
    rows = rows_of(objects, (height, width))
    run: Callable[[list[list[Any]]], list[np.ndarray]] = {"ours": ours, "plain": plain}[method]
    run([rows[8][:1], *[[None]] * (FRAMES - 1)])  # imports and caches
    before = memory("VmRSS")
    start, busy = time.perf_counter(), time.process_time()
    tokens = run(rows)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = memory("VmHWM") - before
    if method == "ours":
        # So little that the process may take it from what it freed before.
        peak = max(peak, allocated(run, rows))
    total = int(sum(map(len, tokens)))
    print(
        json.dumps(
            {
                "s": seconds,
                "cpu": busy,
                "gib": peak / GIB,
                "tokens": total,
                "same": same(tokens, check),
            }
        )
    )


def allocated(run: Callable[[list[list[Any]]], list[np.ndarray]], rows: list[list[Any]]) -> int:
    """Most bytes that Python and NumPy hold at once."""
    tracemalloc.start()
    run(rows)
    return tracemalloc.get_traced_memory()[1]


def same(tokens: list[np.ndarray], golden: str) -> bool | None:
    """Whether the tokens are the official program's; None without its file."""
    path = Path(golden) / "dev" / "perf_large.npz"
    if not golden or not path.is_file():
        return None
    with np.load(path) as file:
        wanted = np.split(file["sel_flat"], file["sel_ptr"][1:-1])[: len(tokens)]
    return all(np.array_equal(a, b) for a, b in zip(tokens, wanted, strict=True))


def measured(method: str, objects: int, size: tuple[int, int], golden: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", method, str(objects), *map(str, size), golden]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def report(golden: str, plain_objects: int) -> None:
    print(
        f"{'masks':>10} {'objects':>7} {'method':>7} {'wall s':>8} {'CPU s':>8} {'GiB':>8} "
        f"{'tokens':>7} equal"
    )
    for size, check in ((RESIZED, golden), ((1080, 1920), "")):
        taken = {}
        for method, objects in (
            ("plain", plain_objects),
            ("ours", plain_objects),
            ("ours", OBJECTS),
        ):
            result = measured(method, objects, size, check)
            taken[method, objects] = result
            print(
                f"{size[0]:>5}x{size[1]:<4} {objects:>7} {method:>7} {result['s']:>8.2f} "
                f"{result['cpu']:>8.2f} "
                f"{result['gib']:>8.4f} {result['tokens']:>7} {result['same']}"
            )
        slow, fast = taken["plain", plain_objects], taken["ours", plain_objects]
        whole = taken["ours", OBJECTS]
        print(
            f"  same run, {plain_objects} objects: 1/{slow['cpu'] / fast['cpu']:.0f} of the CPU "
            f"time, 1/{slow['gib'] / fast['gib']:.0f} of the memory, tokens equal: "
            f"{slow['tokens'] == fast['tokens']}"
        )
        print(
            f"  official, {OBJECTS} objects ({OFFICIAL_S:.0f} s, {OFFICIAL_GIB} GiB): "
            f"{OFFICIAL_S / whole['s']:.0f} times as fast, 1/{OFFICIAL_GIB / whole['gib']:.0f} "
            "of the memory"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of TRASER's input side.")
    parser.add_argument("--golden", default="", help="folder of the golden fixtures, to compare")
    parser.add_argument("--plain-objects", type=int, default=4)
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        method, objects, height, width, golden = options.measure
        measure(method, int(objects), int(height), int(width), golden)
    else:
        report(options.golden, options.plain_objects)


if __name__ == "__main__":
    main()
