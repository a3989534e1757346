"""Golden inputs and outputs of the official TRASER program, read from the shared data."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.options import InputConfig

sys.path.insert(0, str(Path(__file__).parent))  # for made_checkpoint

CASES = (
    "d1_two_frames_thresholds",
    "d2_vga_38s",
    "d3_portrait_lowres_masks_mean",
    "d4_long_130s",
    "d5_short_list_placeholders",
    "d6_over_40_objects",
    "d7_stage6_min_w8",
)


@dataclass(frozen=True)
class GoldenCase:
    """One end-to-end case of the official program."""

    folder: Path
    name: str

    @cached_property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.folder / f"{self.name}.json").read_text(encoding="utf-8"))

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / f"{self.name}.npz") as file:
            return dict(file)

    @cached_property
    def masks(self) -> Any:
        with gzip.open(self.folder / self.facts["masks_file"]) as file:
            return json.load(file)

    @property
    def grid(self) -> Grid:
        return Grid(*map(int, self.arrays["video_grid_thw"]))

    @property
    def config(self) -> InputConfig:
        options = self.facts["options"]
        return InputConfig(
            task=options["task"],
            objects=options["objects"],
            max_objects=options["max_objects"],
            coverage=options["coverage_thresh"],
            time_reduce=options["time_reduce"],
            window_s=options["temporal_window_length"],
        )

    def selected(self) -> list[np.ndarray]:
        """Selected tokens of each kept object."""
        return list(split(self.arrays["sel_flat"], self.arrays["sel_ptr"]))

    def frames(self) -> np.ndarray:
        """The sampled frames, RGB ``(n, height, width, 3)``."""
        video = self.facts["video"]
        size = (video["height"], video["width"])
        numbers = self.arrays["frame_idx"]
        return np.stack([painted(video["frame_formula"], int(n), *size) for n in numbers])


def split(flat: np.ndarray, pointers: np.ndarray) -> list[np.ndarray]:
    return np.split(flat.astype(np.int64), pointers[1:-1])


def painted(formula: dict[str, Any], n: int, height: int, width: int) -> np.ndarray:
    """Frame ``n`` of the synthetic videos (formula in the fixtures' README)."""
    f = SimpleNamespace(**formula)
    y, x = np.mgrid[:height, :width]
    image = np.empty((height, width, 3), np.uint8)
    for c in range(3):
        m = (f.ax[c] * x + f.ay[c] * y + f.an[c] * n + f.b[c]) % 512
        image[..., c] = np.minimum(m, 511 - m)
    left, top = (f.px + f.vx * n) % width, (f.py + f.vy * n) % height
    image[top : top + f.side, left : left + f.side] = f.colour
    return image


@pytest.fixture(scope="session")
def golden(data_dir: Path) -> Path:
    """Folder of the golden fixtures; a test that needs it skips where it is absent."""
    folder = data_dir / "traser_golden"
    if not folder.is_dir():
        pytest.skip(f"TRASER's golden fixtures not found at {folder}")
    return folder


@pytest.fixture(scope="session")
def golden_case(golden: Path) -> Callable[[str], GoldenCase]:
    """A case by its name."""
    return lambda name: GoldenCase(golden / "dev", name)


@pytest.fixture(scope="session", params=CASES)
def case(request: pytest.FixtureRequest, golden: Path) -> GoldenCase:
    """Each end-to-end case in turn."""
    return GoldenCase(golden / "dev", request.param)
