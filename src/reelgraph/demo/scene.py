"""The demo clip: painted frame by frame, filmed by a shaking, noisy camera, with its truth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._atomic import replacing
from reelgraph._types import Image, Mask
from reelgraph.demo.backdrop import paint_room
from reelgraph.demo.paint import Layer
from reelgraph.demo.script import (
    CANVAS_WH,
    DURATION_S,
    FPS,
    FRAME_COUNT,
    MARGIN,
    RESOLUTION_WH,
    Script,
)
from reelgraph.demo.truth import Shot, Truth, tell
from reelgraph.graph.schema import VideoInfo
from reelgraph.progress import Progress
from reelgraph.tools.base import NO_PROGRESS
from reelgraph.tools.encoding import encode_mp4
from reelgraph.tools.video import Frame, hash_file

__all__ = ["SCENE_VERSION", "Scene", "render"]

SCENE_VERSION = "1"
"""Changes when the same seed paints other pixels."""

_NOISE_SPREAD = 0.011
_SHAKE_PX, _TILT_DEGREES = 1.3, 0.1
_DRIFT_PERIODS_S = ((4.1, 5.3, 3.7), (1.3, 1.7, 1.1))
"""Slow and quick swing of the camera along x, along y and around its axis."""


@dataclass(frozen=True, eq=False)
class View:
    """One frame as the camera sees it.

    Attributes:
        image: RGB, uint8, ``(height, width, 3)``.
        shot: What is where in it.
    """

    image: Image
    shot: Shot


class Scene:
    """The play on its stage, seen through a camera.

    Args:
        seed: Decides textures, idle movements, camera shake and noise.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._script = Script(seed)
        self._room = paint_room(CANVAS_WH, np.random.default_rng([seed, 2]))
        self._shake = np.random.default_rng([seed, 3]).uniform(0, 2 * math.pi, (2, 3))
        self._grain = _grain(np.random.default_rng([seed, 4]))

    def views(self) -> Iterator[View]:
        """Yield every frame in order."""
        return map(self.view, range(FRAME_COUNT))

    def view(self, frame: int) -> View:
        """Return one frame and what is where in it."""
        layers = self._script.layers(frame)
        stage = self._lit_room(frame)
        for layer in layers:
            patch = stage[layer.window]
            patch *= 1 - layer.rgba[..., 3:]
            patch += layer.rgba[..., :3]
        camera = self._camera(frame)
        seen = _through(camera, stage, cv2.INTER_CUBIC) + self._noise(frame)
        image: Image = np.rint(np.clip(seen, 0, 1) * 255).astype(np.uint8)
        full, visible = _coverage(layers)
        shot = Shot(
            visible=_masks(camera, visible),
            whole=_masks(camera, full),
            holders=self._script.holders(frame),
        )
        return View(image, shot)

    def _lit_room(self, frame: int) -> NDArray[np.float32]:
        """Return the room with a soft shadow under each figure."""
        stage = self._room.copy()
        for (x, y), scale in self._script.feet(frame):
            rx, ry = 0.30 * scale, 0.05 * scale
            left, right = (int(np.clip(x + s * 3 * rx, 0, CANVAS_WH[0])) for s in (-1, 1))
            top, bottom = (int(np.clip(y + s * 3 * ry, 0, CANVAS_WH[1])) for s in (-1, 1))
            dx = (np.arange(left, right, dtype=np.float32) - x) / rx
            dy = (np.arange(top, bottom, dtype=np.float32) - y) / ry
            dark = 0.38 * np.exp(-0.5 * (dx[None, :] ** 2 + dy[:, None] ** 2))
            stage[top:bottom, left:right] *= 1 - dark[..., None]
        return stage

    def _camera(self, frame: int) -> NDArray[np.float64]:
        """Return the map from output to canvas pixels: the drift of a hand-held camera."""
        time = frame / FPS
        slow, quick = (
            [
                math.sin(2 * math.pi * time / p + start)
                for p, start in zip(periods, starts, strict=True)
            ]
            for periods, starts in zip(_DRIFT_PERIODS_S, self._shake, strict=True)
        )
        dx, dy, tilt = (a + 0.3 * b for a, b in zip(slow, quick, strict=True))
        turn = math.radians(_TILT_DEGREES * tilt)
        cx, cy = RESOLUTION_WH[0] / 2, RESOLUTION_WH[1] / 2
        cos, sin = math.cos(turn), math.sin(turn)
        return np.array(
            [
                [cos, -sin, MARGIN + _SHAKE_PX * dx + cx - cos * cx + sin * cy],
                [sin, cos, MARGIN + _SHAKE_PX * dy + cy - sin * cx - cos * cy],
            ]
        )

    def _noise(self, frame: int) -> NDArray[np.float32]:
        """Return this frame's sensor noise: a random window of a larger field."""
        rng = np.random.default_rng([self._seed, 5, frame])
        width, height = RESOLUTION_WH
        top, left = (
            rng.integers(0, self._grain.shape[0] - height),
            rng.integers(0, self._grain.shape[1] - width),
        )
        window = self._grain[top : top + height, left : left + width]
        return window[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]


def render(path: str | Path, *, seed: int = 0, progress: Progress = NO_PROGRESS) -> Truth:
    """Paint the clip, write it to a file, and return what is true in it.

    The same seed gives the same pixels and the same truth.

    Args:
        path: The MP4 file to write; replaced in one step when it is complete.
        seed: Decides textures, idle movements, camera shake and noise.
        progress: Receives one stage with a step per frame.

    Raises:
        VideoError: If no H.264 encoder is there.
        OSError: If the file cannot be written.
    """
    shots: list[Shot] = []
    until_s = np.arange(1, FRAME_COUNT + 1) / FPS

    def frames() -> Iterator[Frame]:
        for index, view in enumerate(Scene(seed).views()):
            shots.append(view.shot)
            yield Frame(index, index / FPS, view.image)

    with replacing(path) as partial, progress.stage("Painting the clip", FRAME_COUNT) as stage:
        encode_mp4(partial, frames(), until_s, on_frame=stage.advance)
    return tell(_video_info(Path(path)), shots, version=SCENE_VERSION, seed=seed)


def _video_info(path: Path) -> VideoInfo:
    return VideoInfo(
        path=str(path),
        sha256=hash_file(path),
        duration_s=float(DURATION_S),
        fps=float(FPS),
        frame_count=FRAME_COUNT,
        resolution_wh=RESOLUTION_WH,
    )


def _grain(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise that is mostly the same in all three channels, as cameras make it."""
    shape = (RESOLUTION_WH[1] + 160, RESOLUTION_WH[0] + 240)
    grey = rng.standard_normal((*shape, 1), dtype=np.float32)
    colour = rng.standard_normal((*shape, 3), dtype=np.float32)
    return np.asarray(_NOISE_SPREAD * (grey + 0.5 * colour), np.float32)


def _through(
    camera: NDArray[np.float64], canvas: NDArray[np.float32], sampling: int
) -> NDArray[np.float32]:
    """Return what the camera sees of the canvas."""
    flags = sampling | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(canvas, camera, RESOLUTION_WH, flags=flags), np.float32)


Alphas = dict[int, NDArray[np.float32]]


def _coverage(layers: list[Layer]) -> tuple[Alphas, Alphas]:
    """Return each object's coverage of the canvas: all of it, and what nothing hides."""
    blank = np.zeros((CANVAS_WH[1], CANVAS_WH[0]), np.float32)
    full: Alphas = {}
    visible: Alphas = {}
    for layer in layers:
        alpha = layer.rgba[..., 3]
        for coverage in visible.values():
            coverage[layer.window] *= 1 - alpha
        for coverages in (full, visible):
            own = coverages.setdefault(layer.owner, blank.copy())[layer.window]
            own += alpha * (1 - own)
    return full, visible


def _masks(
    camera: NDArray[np.float64], alphas: Mapping[int, NDArray[np.float32]]
) -> dict[int, Mask]:
    # Linear sampling never overshoots, so visible masks stay disjoint.
    masks = {
        owner: _through(camera, alpha, cv2.INTER_LINEAR) > 0.5 for owner, alpha in alphas.items()
    }
    return {owner: mask for owner, mask in masks.items() if mask.any()}
