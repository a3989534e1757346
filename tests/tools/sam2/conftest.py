"""Made videos whose masks are known: coloured boxes on a grey wall, written without loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from reelgraph.tools.video import Video

Box: TypeAlias = tuple[int, int, int, int]
Layer: TypeAlias = tuple[tuple[int, int, int], Callable[[int], Box | None]]
WALL = (90, 90, 90)


class Scene:
    """A video of coloured boxes, later ones in front, and the truth about it."""

    def __init__(self, path: Path, layers: Sequence[Layer], size: tuple[int, int]) -> None:
        self.path = path
        self.layers = list(layers)
        self.size = size

    def paint(self, index: int, width: int, height: int) -> np.ndarray:
        image = np.full((height, width, 3), WALL, np.uint8)
        for colour, place in self.layers:
            box = place(index)
            if box is not None:
                left, top, right, bottom = box
                image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = colour
        return image

    def mask(self, layer: int, index: int) -> np.ndarray:
        """Return what is visible of a layer on a frame."""
        return (self.paint(index, *self.size) == self.layers[layer][0]).all(axis=2)

    @property
    def palette(self) -> list[tuple[int, int, int]]:
        return [colour for colour, _ in self.layers]

    def open(self) -> Video:
        return Video.open(self.path)


@pytest.fixture
def make_scene(tmp_path: Path, make_video: Callable[..., Path]) -> Callable[..., Scene]:
    """Write a scene: ``make_scene(layers, frames=40, fps=10)``."""

    def make(
        layers: Sequence[Layer],
        *,
        frames: int = 40,
        fps: int = 10,
        size: tuple[int, int] = (96, 64),
        name: str = "scene.mkv",
    ) -> Scene:
        scene = Scene(tmp_path / name, layers, size)
        times = [index * 1000 // fps for index in range(frames)]
        make_video(
            scene.path,
            times_ms=times,
            size=size,
            codec="ffv1",
            pix_fmt="bgr0",
            painter=scene.paint,
        )
        return scene

    return make


@pytest.fixture
def boxes() -> Callable[[Mapping[int, Box]], Callable[[int], Box | None]]:
    """A layer that is somewhere on some frames only: ``boxes({0: (...), 1: (...)})``."""
    return lambda places: places.get
