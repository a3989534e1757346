"""A walking, breathing, reaching human figure seen from the side."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reelgraph.demo.paint import Colour, Disc, Layer, Painter

__all__ = ["Look", "Point", "Pose", "Stance", "paint_figure", "paint_fingers", "pose"]

Point = tuple[float, float]

# Body measures in metres, for a figure 1.75 m tall.
_THIGH, _SHIN, _FOOT = 0.44, 0.43, 0.20
_TORSO, _NECK = 0.52, 0.20
_UPPER_ARM, _FOREARM = 0.30, 0.27
_ANKLE = 0.06
_FULL_SWING = 0.46
"""Thigh angle at walking speed, in radians."""


@dataclass(frozen=True)
class Look:
    """Colours and build of a figure.

    Attributes:
        scale: Pixels per metre, which grows as the figure comes nearer.
        long_hair: Whether the hair reaches the shoulders.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    scale: float
    long_hair: bool = False


@dataclass(frozen=True)
class Stance:
    """What a figure does at one moment.

    Attributes:
        ground_xy: Where it stands, in pixels.
        facing: 1 looks to the right, -1 to the left.
        phase: Place in the walking cycle, in radians.
        stride: 0 stands, 1 walks at full step.
        breath: -1 to 1.
        sway: Shift of the weight in metres.
        reach_xy: Where the near hand is to be, in pixels, or None if it hangs.
        reach: 0 hangs, 1 is at ``reach_xy``.
        gesture: 0 to 1, how far the other hand is raised.
    """

    ground_xy: Point
    facing: float
    phase: float = 0.0
    stride: float = 0.0
    breath: float = 0.0
    sway: float = 0.0
    reach_xy: Point | None = None
    reach: float = 0.0
    gesture: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Joints in pixels; limbs are root, middle and end, near side first."""

    hip: Point
    shoulder: Point
    head: Point
    near_leg: tuple[Point, Point, Point]
    far_leg: tuple[Point, Point, Point]
    near_arm: tuple[Point, Point, Point]
    far_arm: tuple[Point, Point, Point]


def pose(stance: Stance, look: Look) -> Pose:
    """Return where the joints are; the lower foot stands on the ground."""
    scale, facing = look.scale, stance.facing
    legs = [_leg(stance, side, scale) for side in (0.0, math.pi)]
    lowest = max(leg[2][1] for leg in legs)
    hip = (
        stance.ground_xy[0] + stance.sway * scale,
        stance.ground_xy[1] - _ANKLE * scale - lowest,
    )
    lean = facing * (0.03 + 0.05 * stance.stride) * scale
    rise = (_TORSO + 0.006 * stance.breath) * scale
    shoulder = (hip[0] + lean, hip[1] - rise)
    head = (shoulder[0] + facing * 0.025 * scale, shoulder[1] - _NECK * scale)
    near_leg, far_leg = ((hip, _plus(hip, leg[1]), _plus(hip, leg[2])) for leg in legs)
    return Pose(hip, shoulder, head, near_leg, far_leg, *_arms(stance, shoulder, scale))


def _leg(stance: Stance, side: float, scale: float) -> tuple[Point, Point, Point]:
    """Return hip, knee and ankle relative to the hip."""
    cycle = stance.phase + side
    thigh = _FULL_SWING * stance.stride * math.sin(cycle) + (0.13 if side else -0.05)
    bend = 0.06 + 0.95 * stance.stride * max(0.0, math.cos(cycle)) ** 1.5
    knee = (stance.facing * _THIGH * math.sin(thigh), _THIGH * math.cos(thigh))
    shin = thigh - bend
    ankle = (
        knee[0] + stance.facing * _SHIN * math.sin(shin),
        knee[1] + _SHIN * math.cos(shin),
    )
    return (0.0, 0.0), _times(knee, scale), _times(ankle, scale)


def _arms(
    stance: Stance, shoulder: Point, scale: float
) -> tuple[tuple[Point, Point, Point], tuple[Point, Point, Point]]:
    down = (shoulder[0], shoulder[1] + 0.06 * scale)
    hanging = [_hanging_hand(stance, down, scale, side) for side in (math.pi, 0.0)]
    near_hand = hanging[0]
    if stance.reach_xy is not None:
        near_hand = _mix(hanging[0], stance.reach_xy, stance.reach)
    raised = (down[0] + stance.facing * 0.33 * scale, down[1] + 0.12 * scale)
    far_hand = _mix(hanging[1], raised, stance.gesture)
    return (
        _bent(down, near_hand, stance.facing, scale),
        _bent(down, far_hand, stance.facing, scale),
    )


def _hanging_hand(stance: Stance, shoulder: Point, scale: float, side: float) -> Point:
    angle = 0.5 * stance.stride * math.sin(stance.phase + side) + 0.08
    length = (_UPPER_ARM + _FOREARM) * 0.96 * scale
    return (
        shoulder[0] + stance.facing * length * math.sin(angle),
        shoulder[1] + length * math.cos(angle),
    )


def _bent(root: Point, end: Point, facing: float, scale: float) -> tuple[Point, Point, Point]:
    """Return shoulder, elbow and hand: the elbow falls below and behind the straight line."""
    upper, lower = _UPPER_ARM * scale, _FOREARM * scale
    dx, dy = end[0] - root[0], end[1] - root[1]
    span = math.hypot(dx, dy) or 1.0
    reachable = min(span, (upper + lower) * 0.995)
    hand = (root[0] + dx / span * reachable, root[1] + dy / span * reachable)
    along = (upper**2 - lower**2 + reachable**2) / (2 * reachable)
    off = math.sqrt(max(upper**2 - along**2, 0.0))
    ux, uy = dx / span, dy / span
    elbow = (
        root[0] + ux * along - facing * uy * off,
        root[1] + uy * along + facing * ux * off,
    )
    return root, elbow, hand


def paint_figure(
    owner: int, body: Pose, stance: Stance, look: Look, canvas_wh: tuple[int, int]
) -> Layer | None:
    """Return the figure as a layer, far limbs behind the trunk and near ones before it."""
    painter = Painter(owner, canvas_wh)
    darker = _dim(look.shirt), _dim(look.trousers)
    _paint_arm(painter, body.far_arm, darker[0], look)
    _paint_leg(painter, body.far_leg, darker[1], stance.facing, look)
    _paint_leg(painter, body.near_leg, look.trousers, stance.facing, look)
    _paint_trunk(painter, body, look)
    _paint_head(painter, body, stance.facing, look)
    _paint_arm(painter, body.near_arm, look.shirt, look)
    return painter.layer()


def paint_fingers(
    owner: int, around: Disc, toward: Point, look: Look, canvas_wh: tuple[int, int]
) -> Layer | None:
    """Return the fingers that close around a held ball from the side of the hand."""
    painter = Painter(owner, canvas_wh)
    x, y, radius = around
    angle = math.atan2(toward[1] - y, toward[0] - x)
    thick = 0.021 * look.scale
    for turn in (-0.42, -0.14, 0.14, 0.42):
        tip = _on_circle((x, y), 0.62 * radius, angle + turn)
        root = _on_circle((x, y), 1.1 * radius, angle + turn * 0.8)
        painter.blob([(*root, thick * 1.15), (*tip, thick)], look.skin)
    return painter.layer(softness_px=0.5)


def _paint_leg(
    painter: Painter, leg: tuple[Point, Point, Point], cloth: Colour, facing: float, look: Look
) -> None:
    hip, knee, ankle = leg
    s = look.scale
    toe = (ankle[0] + facing * _FOOT * 0.75 * s, ankle[1] + 0.02 * s)
    heel = (ankle[0] - facing * 0.03 * s, ankle[1] + 0.015 * s)
    painter.blob([(*heel, 0.05 * s), (*toe, 0.035 * s)], look.shoes)
    painter.blob([(*hip, 0.105 * s), (*knee, 0.075 * s)], cloth)
    painter.blob([(*knee, 0.075 * s), (*ankle, 0.058 * s)], cloth)


def _paint_trunk(painter: Painter, body: Pose, look: Look) -> None:
    s = look.scale
    (hx, hy), (sx, sy) = body.hip, body.shoulder
    painter.blob([(hx - 0.04 * s, hy, 0.11 * s), (hx + 0.04 * s, hy, 0.11 * s)], look.trousers)
    painter.blob(
        [
            (sx - 0.09 * s, sy + 0.08 * s, 0.085 * s),
            (sx + 0.09 * s, sy + 0.08 * s, 0.085 * s),
            (sx, sy + 0.03 * s, 0.075 * s),
            (hx - 0.06 * s, hy - 0.08 * s, 0.095 * s),
            (hx + 0.06 * s, hy - 0.08 * s, 0.095 * s),
        ],
        look.shirt,
    )


def _paint_head(painter: Painter, body: Pose, facing: float, look: Look) -> None:
    s = look.scale
    (x, y), (sx, sy) = body.head, body.shoulder
    if look.long_hair:
        back = x - facing * 0.05 * s
        painter.blob(
            [(back, y - 0.02 * s, 0.1 * s), (back - facing * 0.03 * s, y + 0.17 * s, 0.06 * s)],
            look.hair,
        )
    painter.blob([(sx, sy, 0.052 * s), (x - facing * 0.02 * s, y + 0.06 * s, 0.05 * s)], look.skin)
    painter.blob([(x, y - 0.03 * s, 0.093 * s), (x + facing * 0.015 * s, y + 0.05 * s, 0.07 * s)],
                 look.skin)  # fmt: skip
    painter.blob([(x + facing * 0.1 * s, y + 0.015 * s, 0.017 * s)], look.skin)
    painter.blob(
        [
            (x - facing * 0.04 * s, y - 0.05 * s, 0.085 * s),
            (x + facing * 0.02 * s, y - 0.085 * s, 0.06 * s),
        ],
        look.hair,
    )
    painter.blob([(x - facing * 0.062 * s, y + 0.0 * s, 0.055 * s)], look.hair)
    painter.blob([(x - facing * 0.015 * s, y + 0.01 * s, 0.02 * s)], look.skin)
    painter.blob([(x + facing * 0.062 * s, y - 0.012 * s, 0.011 * s)], (40, 30, 30), shaded=False)


def _paint_arm(
    painter: Painter, arm: tuple[Point, Point, Point], cloth: Colour, look: Look
) -> None:
    shoulder, elbow, hand = arm
    s = look.scale
    cuff = _mix(elbow, hand, 0.82)
    painter.blob([(*cuff, 0.036 * s), (*hand, 0.042 * s)], look.skin)
    painter.blob([(*elbow, 0.05 * s), (*cuff, 0.042 * s)], cloth)
    painter.blob([(*shoulder, 0.068 * s), (*elbow, 0.053 * s)], cloth)


def _dim(colour: Colour) -> Colour:
    r, g, b = (round(channel * 0.78) for channel in colour)
    return r, g, b


def _plus(a: Point, b: Point) -> Point:
    return a[0] + b[0], a[1] + b[1]


def _times(a: Point, factor: float) -> Point:
    return a[0] * factor, a[1] * factor


def _mix(a: Point, b: Point, weight: float) -> Point:
    return a[0] + (b[0] - a[0]) * weight, a[1] + (b[1] - a[1]) * weight


def _on_circle(centre: Point, radius: float, angle: float) -> Point:
    return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)
