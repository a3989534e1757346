"""What happens in the demo clip, and when: two people, a ball, and one who walks past."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reelgraph._types import Floats
from reelgraph.demo.figure import Look, Point, Stance, paint_figure, paint_fingers, pose
from reelgraph.demo.paint import Disc, Layer, Painter

__all__ = [
    "BALL",
    "CANVAS_WH",
    "DURATION_S",
    "FPS",
    "FRAME_COUNT",
    "GIVER",
    "GRASP_S",
    "MARGIN",
    "PASSER",
    "RECEIVER",
    "RELEASE_S",
    "RESOLUTION_WH",
    "Script",
]

RESOLUTION_WH = (640, 360)
MARGIN = 12
"""Pixels painted beyond each border, so that a shaking camera finds them."""
CANVAS_WH = (RESOLUTION_WH[0] + 2 * MARGIN, RESOLUTION_WH[1] + 2 * MARGIN)
FPS = 25
DURATION_S = 12
FRAME_COUNT = FPS * DURATION_S

GIVER, RECEIVER, BALL, PASSER = 1, 2, 3, 4
"""Object ids in the ground truth."""
GRASP_S, RELEASE_S = 5.32, 5.76
"""When the receiver's hand closes around the ball, and when the giver's lets go."""

_LOOKS = {
    GIVER: Look((226, 178, 150), (70, 48, 38), (190, 38, 44), (44, 46, 66), (32, 30, 32), 118),
    RECEIVER: Look(
        (196, 142, 112), (38, 28, 26), (44, 84, 178), (190, 172, 138), (92, 66, 48), 114, True
    ),
    PASSER: Look((232, 190, 166), (148, 112, 66), (46, 128, 70), (72, 72, 76), (40, 40, 44), 150),
}
_FACING = {GIVER: 1.0, RECEIVER: -1.0, PASSER: 1.0}
_GROUND_Y = {GIVER: 322.0, RECEIVER: 320.0, PASSER: 370.0}
# Time in seconds and where the figure stands then, in canvas pixels; it moves smoothly between.
_WALKS = {
    GIVER: [(1.4, 122.0), (3.3, 268.0), (6.7, 268.0), (8.2, 204.0)],
    RECEIVER: [(1.8, 532.0), (3.7, 402.0), (6.9, 402.0), (8.3, 470.0)],
    PASSER: [(7.4, -80.0), (11.3, 760.0)],
}
_BALL_COLOUR = (242, 122, 20)
_BALL_RADIUS = 13.5
_CARRY = (47.0, -134.0)
"""From the feet of whoever holds the ball to its centre, in pixels, facing right."""
_MEETING: Point = (335.0, 178.0)
_CYCLE_M = 1.45
"""Metres walked in one cycle of two steps."""


@dataclass(frozen=True)
class _Walk:
    """One figure's place and gait in every frame."""

    x: Floats
    phase: Floats
    stride: Floats


class Script:
    """The play: who stands, reaches and holds what in each frame.

    Args:
        seed: Varies the timing of small idle movements.
    """

    def __init__(self, seed: int = 0) -> None:
        self._times = np.arange(FRAME_COUNT) / FPS
        self._walks = {who: self._walk(who) for who in _WALKS}
        rng = np.random.default_rng([seed, 1])
        self._idle = {who: rng.uniform(0, 2 * math.pi, 2) for who in _WALKS}

    def layers(self, frame: int) -> list[Layer]:
        """Return what is to be painted in a frame, back to front."""
        ball = self._ball(frame)
        layers = [self._figure(who, frame) for who in (GIVER, RECEIVER)]
        layers.append(_paint_ball(ball))
        layers += [self._fingers(who, frame, ball) for who in (GIVER, RECEIVER)]
        layers.append(self._figure(PASSER, frame))
        return [layer for layer in layers if layer is not None]

    def feet(self, frame: int) -> list[tuple[Point, float]]:
        """Return where each figure stands, and its size in pixels per metre."""
        return [
            ((float(walk.x[frame]), _GROUND_Y[who]), _LOOKS[who].scale)
            for who, walk in self._walks.items()
        ]

    def holders(self, frame: int) -> tuple[int, ...]:
        """Return who has a hand closed around the ball."""
        time = float(self._times[frame])
        return (GIVER,) * (time < RELEASE_S) + (RECEIVER,) * (time >= GRASP_S)

    def _walk(self, who: int) -> _Walk:
        walks = _WALKS[who]
        x = _glide(self._times, walks) if who != PASSER else _march(self._times, walks)
        speed = np.gradient(x, 1 / FPS) / _LOOKS[who].scale
        phase = np.cumsum(speed) / FPS / _CYCLE_M * 2 * math.pi * _FACING[who]
        return _Walk(x, phase, np.clip(np.abs(speed) / 1.1, 0, 1))

    def _stance(self, who: int, frame: int) -> Stance:
        time, walk = float(self._times[frame]), self._walks[who]
        breath_at, sway_at = self._idle[who]
        still = 1.0 - float(walk.stride[frame])
        target, reach = self._reach(who, frame)
        return Stance(
            ground_xy=(float(walk.x[frame]), _GROUND_Y[who]),
            facing=_FACING[who],
            phase=float(walk.phase[frame]),
            stride=float(walk.stride[frame]),
            breath=math.sin(2 * math.pi * time / 3.1 + breath_at),
            sway=0.022 * still * math.sin(2 * math.pi * time / 2.6 + sway_at),
            reach_xy=target,
            reach=reach,
            gesture=_wave(time) if who == RECEIVER else 0.0,
        )

    def _reach(self, who: int, frame: int) -> tuple[Point | None, float]:
        """Return where the near hand wants to be and how far it has got."""
        if who == PASSER:
            return None, 0.0
        time = float(self._times[frame])
        x, y, radius = self._ball(frame) if who in self.holders(frame) else (*_MEETING, 13.5)
        hand = (x - _FACING[who] * 0.85 * radius, y + 0.55 * radius)
        if who == GIVER:
            return hand, 1.0 - _ease(time, RELEASE_S, RELEASE_S + 0.8)
        return hand, _ease(time, GRASP_S - 0.9, GRASP_S)

    def _ball(self, frame: int) -> Disc:
        time = float(self._times[frame])
        before, after = (self._carried(who, frame) for who in (GIVER, RECEIVER))
        offered = _ease(time, 4.2, GRASP_S - 0.2)
        taken = _ease(time, RELEASE_S + 0.15, 6.75)
        x, y = (b + (m - b) * offered for b, m in zip(before, _MEETING, strict=True))
        return x + (after[0] - x) * taken, y + (after[1] - y) * taken, _BALL_RADIUS

    def _carried(self, who: int, frame: int) -> Point:
        walk, time = self._walks[who], float(self._times[frame])
        bob = 1.6 * math.sin(2 * math.pi * time / 2.9 + self._idle[who][0])
        step = 2.0 * float(walk.stride[frame]) * math.cos(2 * float(walk.phase[frame]))
        x = float(walk.x[frame]) + _FACING[who] * _CARRY[0]
        return x, _GROUND_Y[who] + _CARRY[1] + bob + step

    def _figure(self, who: int, frame: int) -> Layer | None:
        stance, look = self._stance(who, frame), _LOOKS[who]
        return paint_figure(who, pose(stance, look), stance, look, CANVAS_WH)

    def _fingers(self, who: int, frame: int, ball: Disc) -> Layer | None:
        if who not in self.holders(frame):
            return None
        hand = pose(self._stance(who, frame), _LOOKS[who]).near_arm[2]
        return paint_fingers(who, ball, hand, _LOOKS[who], CANVAS_WH)


def _paint_ball(ball: Disc) -> Layer | None:
    x, y, radius = ball
    painter = Painter(BALL, CANVAS_WH)
    painter.blob([ball], _BALL_COLOUR)
    painter.blob([(x - 0.34 * radius, y - 0.36 * radius, 0.2 * radius)], (255, 196, 130))
    return painter.layer(softness_px=1.6)


def _glide(times: Floats, stops: list[tuple[float, float]]) -> Floats:
    """Return positions that ease from stop to stop and rest before and after."""
    x = np.full(len(times), stops[0][1])
    for (start, here), (end, there) in pairwise(stops):
        share = np.clip((times - start) / (end - start), 0, 1)
        x += (there - here) * share**2 * (3 - 2 * share)
    return x


def _march(times: Floats, stops: list[tuple[float, float]]) -> Floats:
    """Return positions at an even pace from the first stop to the last."""
    (start, here), (end, there) = stops[0], stops[-1]
    return here + (there - here) * np.clip((times - start) / (end - start), 0, 1)


def _ease(time: float, start: float, end: float) -> float:
    share = min(1.0, max(0.0, (time - start) / (end - start)))
    return share * share * (3 - 2 * share)


def _wave(time: float) -> float:
    """Return how far the greeting hand is raised: up, a little to and fro, down."""
    raised = _ease(time, 0.3, 0.8) - _ease(time, 1.3, 1.9)
    return 0.6 * raised + 0.08 * raised * math.sin(2 * math.pi * 2.2 * time)
