"""The room that the demo clip plays in: a still, textured picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph.demo.paint import Colour, Painter

__all__ = ["paint_room"]

_FLOOR_Y = 0.70
"""Where the wall meets the floor, as a share of the height."""


def paint_room(size_wh: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the room as RGB, 0 to 1, float32 ``(height, width, 3)``."""
    width, height = size_wh
    room = np.empty((height, width, 3), np.float32)
    floor = round(_FLOOR_Y * height)
    room[:floor] = _wall((width, floor), rng)
    room[floor:] = _planks((width, height - floor), rng)
    room[floor - 9 : floor] = _rgb(0.93, 0.92, 0.89)
    room[floor - 10] *= 0.8
    room[floor : floor + 6] *= np.linspace(0.72, 1.0, 6, dtype=np.float32)[:, None, None]
    _window(room, width - 190, 34)
    _picture(room, 262, 48, rng)
    _bookshelf(room, 18, 74, floor, rng)
    _plant(room, width - 58, floor + 22, rng)
    return np.asarray(np.clip(room * _vignette(size_wh), 0, 1), np.float32)


def _rgb(*channels: float) -> NDArray[np.float32]:
    return np.array(channels, np.float32)


def _noise(
    shape: tuple[int, int], rng: np.random.Generator, sigma_xy: tuple[float, float]
) -> NDArray[np.float32]:
    """Return smooth noise with unit spread."""
    white = rng.standard_normal(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(white, (0, 0), sigmaX=sigma_xy[0], sigmaY=sigma_xy[1])
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)


def _wall(size_wh: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    width, height = size_wh
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pattern = np.sin(x * 2 * math.pi / 22) * np.sin(y * 2 * math.pi / 26) > 0.72
    grain = 0.018 * _noise((height, width), rng, (1.0, 1.0))
    blotch = 0.02 * _noise((height, width), rng, (40.0, 40.0))
    light = 1.03 - 0.1 * (x / width) + grain + blotch - 0.055 * pattern
    return np.asarray(_rgb(0.80, 0.82, 0.77) * light[..., None], np.float32)


def _planks(size_wh: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return floor boards that run away from the viewer."""
    width, height = size_wh
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    depth = 1.0 + 1.1 * y / height
    across = (x - width / 2) / depth / 26 + 40.5
    board = np.floor(across).astype(int)
    seam = np.abs(across - np.rint(across)) < 0.045 / depth + 0.02
    tone = rng.uniform(0.86, 1.06, 128)[board]
    joint = np.abs(y - rng.uniform(0, height, 128)[board]) < 1.0
    grain = 0.035 * _noise((height, width), rng, (0.8, 9.0))
    light = (tone + grain) * np.where(seam | joint, 0.74, 1.0)
    return np.asarray(_rgb(0.52, 0.45, 0.40) * light[..., None], np.float32)


def _window(room: NDArray[np.float32], x: int, y: int) -> None:
    w, h = 96, 104
    room[y : y + h, x : x + w] = _rgb(0.95, 0.95, 0.94)
    sky = np.linspace(0.0, 1.0, h - 10, dtype=np.float32)[:, None, None]
    pane = _rgb(0.66, 0.80, 0.93) * (1 - sky) + _rgb(0.88, 0.93, 0.96) * sky
    room[y + 5 : y + h - 5, x + 5 : x + w - 5] = pane
    room[y + h - 34 : y + h - 5, x + 5 : x + w - 5] = _rgb(0.55, 0.67, 0.55)
    room[y : y + h, x + w // 2 - 2 : x + w // 2 + 2] = _rgb(0.95, 0.95, 0.94)
    room[y + h // 2 - 2 : y + h // 2 + 2, x : x + w] = _rgb(0.95, 0.95, 0.94)
    room[y + h : y + h + 6, x - 5 : x + w + 5] = _rgb(0.88, 0.87, 0.85)
    room[y + h + 6 : y + h + 9, x - 5 : x + w + 5] *= 0.85


def _picture(room: NDArray[np.float32], x: int, y: int, rng: np.random.Generator) -> None:
    w, h = 92, 66
    room[y + 3 : y + h + 4, x + 3 : x + w + 4] *= 0.8
    room[y : y + h, x : x + w] = _rgb(0.27, 0.22, 0.20)
    hills = _noise((h - 10, w - 10), rng, (12.0, 5.0))[..., None]
    night, dawn = _rgb(0.25, 0.34, 0.45), _rgb(0.72, 0.70, 0.74)
    rise = 1 / (1 + np.exp(-2.5 * hills))
    room[y + 5 : y + h - 5, x + 5 : x + w - 5] = night * (1 - rise) + dawn * rise


def _bookshelf(
    room: NDArray[np.float32], x: int, y: int, floor: int, rng: np.random.Generator
) -> None:
    w, depth = 74, floor + 4 - y
    room[y : y + depth, x : x + w] = _rgb(0.36, 0.32, 0.31)
    spines = np.array(
        [[0.42, 0.45, 0.52], [0.62, 0.60, 0.56], [0.35, 0.42, 0.40], [0.50, 0.40, 0.44],
         [0.70, 0.70, 0.68], [0.28, 0.30, 0.38]], np.float32
    )  # fmt: skip
    for top in range(y + 5, y + depth - 30, 44):
        room[top : top + 39, x + 4 : x + w - 4] = _rgb(0.22, 0.20, 0.20)
        left = x + 5
        while left < x + w - 12:
            thick, tall = int(rng.integers(4, 9)), int(rng.integers(24, 36))
            spine = spines[rng.integers(len(spines))] * rng.uniform(0.85, 1.1)
            room[top + 39 - tall : top + 39, left : left + thick] = spine
            room[top + 39 - tall : top + 39, left + thick - 1] *= 0.75
            left += thick


def _plant(room: NDArray[np.float32], x: int, y: int, rng: np.random.Generator) -> None:
    height, width = room.shape[:2]
    painter = Painter(1, (width, height))
    for angle in np.linspace(-1.25, 1.25, 15):
        length = float(rng.uniform(52, 96))
        tip = (x + length * math.sin(angle), y - 40 - length * math.cos(angle))
        middle = (x + 0.55 * (tip[0] - x), y - 40 + 0.62 * (tip[1] - y + 40))
        green: Colour = (60 + int(rng.integers(20)), 92 + int(rng.integers(25)), 62)
        painter.blob([(x, y - 38, 1.2), (*middle, 5.5)], green)
        painter.blob([(*middle, 5.5), (*tip, 1.0)], green)
    painter.blob([(x - 17, y - 38, 3), (x + 17, y - 38, 3), (x - 12, y, 3), (x + 12, y, 3)],
                 (150, 146, 150))  # fmt: skip
    layer = painter.layer()
    if layer is not None:
        patch = room[layer.window]
        patch *= 1 - layer.rgba[..., 3:]
        patch += layer.rgba[..., :3]


def _vignette(size_wh: tuple[int, int]) -> NDArray[np.float32]:
    width, height = size_wh
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    return np.asarray(1.0 - 0.1 * (x**2 + y**2), np.float32)[..., None]
