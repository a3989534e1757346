"""Labels without a model: what an object is, guessed from colour, shape, size and motion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from pydantic import Field

from reelgraph._types import Boxes, Image, Ints, Mask
from reelgraph.graph.schema import GraphLayer, LayerObject
from reelgraph.graph.tracks import Track, Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import GENERATORS, NO_PROGRESS, Availability, ToolConfig
from reelgraph.tools.colour import colour_shares, leading_colours, skin_mask
from reelgraph.tools.shape import Outline, outline, stiffness
from reelgraph.tools.video import Video

__all__ = ["AppearanceConfig", "AppearanceGenerator", "Features", "guess_label"]

_HEAD, _WAIST, _KNEE = 0.17, 0.5, 0.92
"""Shares of a standing figure's height: the head ends, the legs begin, the feet begin."""
_WHOLE = 0.7
"""Share of an object's usual box area above which it counts as seen whole."""
_GRID = 24
"""Moments, evenly spread, that all objects are looked at in where they can be."""


class AppearanceConfig(ToolConfig):
    """Options of the appearance generator.

    Attributes:
        samples: Frames looked at per object.
    """

    samples: int = Field(default=8, ge=1, le=64)


@dataclass(frozen=True)
class Features:
    """What an object looks like over its sampled frames, medians where not said otherwise.

    Attributes:
        outline: Shape.
        stiffness: How little the shape changes, 0 to 1.
        area: Share of the picture that it covers, 0 to 1.
        skin: Share of it that has the colour of skin.
        skin_above: Share of its upper quarter that has the colour of skin.
        reaches_in: Share of all its frames in which it is cut by the top, left or right
            border of the image but not by the bottom, as an arm is.
        cut_below: Share of all its frames in which it is cut by the bottom.
        travel: Way of its centre from end to end, by its size.
        colours: Share of each colour.
        upper: Share of each colour between head and waist, skin left out.
        lower: Share of each colour between waist and feet, skin left out.
    """

    outline: Outline
    stiffness: float
    area: float
    skin: float
    skin_above: float
    reaches_in: float
    cut_below: float
    travel: float
    colours: Mapping[str, float] = field(default_factory=dict)
    upper: Mapping[str, float] = field(default_factory=dict)
    lower: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_round(self) -> bool:
        """Whether it looks like a disc, of which fingers may hide some."""
        shape = self.outline
        return shape.roundness > 0.9 and shape.solidity > 0.82 and 0.8 < shape.aspect < 1.25

    @property
    def is_tall(self) -> bool:
        """Whether it is much higher than wide."""
        return self.outline.aspect >= 1.6


def guess_label(features: Features) -> tuple[str, float]:
    """Return the most likely of a few everyday labels, and how likely it is.

    Only what shape, skin and motion can tell: ``"ball"``, ``"hand"``, ``"person"``,
    ``"bottle"``; anything else is an ``"object"``.
    """
    scores = {
        "ball": _ball(features),
        "hand": _hand(features),
        "person": _person(features),
        "bottle": _bottle(features),
        "object": 0.4,
    }
    label = max(scores, key=lambda name: scores[name])
    return label, round(min(scores[label], 0.95), 2)


@GENERATORS.register("appearance")
class AppearanceGenerator:
    """Labels and attributes by rules, always marked uncertain; needs no weights."""

    name: ClassVar[str] = "appearance"
    version: ClassVar[str] = "3"
    config_type: ClassVar[type[ToolConfig]] = AppearanceConfig

    def __init__(self, config: AppearanceConfig | None = None) -> None:
        self._config = config or AppearanceConfig()

    @property
    def config(self) -> AppearanceConfig:
        """Options in use."""
        return self._config

    def available(self) -> Availability:
        """Always available: it needs no package and no device beyond the core."""
        return Availability()

    def generate(
        self, video: Video, tracks: Tracks, *, progress: Progress = NO_PROGRESS
    ) -> GraphLayer:
        """Return a guessed label and visible attributes of every object."""
        wanted = _sampled_positions(tracks, self._config.samples)
        looks: dict[int, list[_Look]] = defaultdict(list)
        positions = {int(frame): row for row, frame in enumerate(tracks.frame_indices)}
        times = [float(tracks.times_s[position]) for position in wanted]
        with progress.stage("appearance", total=len(times)) as stage:
            for frame in video.frames_at(times):
                position = positions[frame.index]
                for object_id in wanted[position]:
                    mask = tracks.mask(object_id, position)
                    if mask is not None and mask.any():
                        looks[object_id].append(_look(frame.image, mask))
                stage.advance()
        objects = {
            track.id: _describe(_features(track, looks[track.id], tracks))
            for track in tracks.objects
            if looks[track.id]
        }
        return GraphLayer(source=self.name, objects=objects)


@dataclass(frozen=True, eq=False)
class _Look:
    """One object in one frame."""

    mask: Mask
    outline: Outline
    skin: float
    skin_above: float
    colours: dict[str, float]
    upper: dict[str, float]
    lower: dict[str, float]


def _sampled_positions(tracks: Tracks, samples: int) -> dict[int, list[int]]:
    """Return which objects to look at in which processed frames, frames in order."""
    grid = np.unique(np.linspace(0, len(tracks.times_s) - 1, _GRID).round().astype(int))
    wanted: dict[int, list[int]] = defaultdict(list)
    for track in tracks.objects:
        for position in _good_views(track, tracks.video.resolution_wh, grid, samples):
            wanted[position].append(track.id)
    return {position: wanted[position] for position in sorted(wanted)}


def _good_views(track: Track, resolution_wh: tuple[int, int], grid: Ints, samples: int) -> Ints:
    """Return up to ``samples`` positions in which a track is best seen, spread over time."""
    boxes = track.boxes_xyxy
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    whole = areas >= _WHOLE * np.median(areas)
    free = whole & ~np.logical_or(*_borders(boxes, resolution_wh))
    for good in (free, whole):
        positions = track.positions[good]
        if len(positions) >= min(samples, 3):
            break
    shared = positions[np.isin(positions, grid)]
    pool = shared if len(shared) >= min(samples, 3) else positions
    chosen = np.linspace(0, len(pool) - 1, min(samples, len(pool))).round().astype(int)
    return np.asarray(pool[np.unique(chosen)], np.int64)


def _borders(boxes: Boxes, resolution_wh: tuple[int, int]) -> tuple[Mask, Mask]:
    """Return which boxes touch the top or a side of the image, and which its bottom."""
    width, height = resolution_wh
    sides: Mask = (boxes[:, 0] <= 1) | (boxes[:, 1] <= 1) | (boxes[:, 2] >= width - 1)
    bottom: Mask = boxes[:, 3] >= height - 1
    return sides, bottom


def _look(image: Image, mask: Mask) -> _Look:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    crop, part = image[window], mask[window]
    skin = skin_mask(crop) & part
    height = len(part)
    cloth = part & ~skin
    return _Look(
        mask=mask,
        outline=outline(part),
        skin=float(skin.sum() / part.sum()),
        skin_above=float(skin[: -(-height // 4)].sum() / part[: -(-height // 4)].sum()),
        colours=colour_shares(crop, part),
        upper=colour_shares(crop, _band(cloth, _HEAD, _WAIST)),
        lower=colour_shares(crop, _band(cloth, _WAIST, _KNEE)),
    )


def _band(mask: Mask, top: float, bottom: float) -> Mask:
    """Return the part of a mask between two shares of its height."""
    band = np.zeros_like(mask)
    rows = slice(int(top * len(mask)), max(int(bottom * len(mask)), 1))
    band[rows] = mask[rows]
    return band


def _features(track: Track, looks: Sequence[_Look], tracks: Tracks) -> Features:
    width, height = tracks.video.resolution_wh
    shapes = [look.outline for look in looks]
    sides, bottom = _borders(track.boxes_xyxy, (width, height))
    return Features(
        outline=Outline(
            aspect=float(np.median([s.aspect for s in shapes])),
            roundness=float(np.median([s.roundness for s in shapes])),
            solidity=float(np.median([s.solidity for s in shapes])),
            top_width=float(np.median([s.top_width for s in shapes])),
            evenness=float(np.median([s.evenness for s in shapes])),
        ),
        stiffness=stiffness([look.mask for look in looks]),
        area=float(np.median([look.mask.sum() for look in looks])) / (width * height),
        skin=float(np.median([look.skin for look in looks])),
        skin_above=float(np.median([look.skin_above for look in looks])),
        reaches_in=float((sides & ~bottom).mean()),
        cut_below=float(bottom.mean()),
        travel=_travel(track.boxes_xyxy),
        colours=_mean_shares([look.colours for look in looks]),
        upper=_mean_shares([look.upper for look in looks]),
        lower=_mean_shares([look.lower for look in looks]),
    )


def _travel(boxes: Boxes) -> float:
    centres = np.column_stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    low, high = np.percentile(centres, (5, 95), axis=0)
    return float(np.hypot(*(high - low)) / np.sqrt(max(1.0, float(np.median(areas)))))


def _mean_shares(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    seen = [share for share in shares if share]
    names = sorted({name for share in seen for name in share})
    return {name: sum(share.get(name, 0.0) for share in seen) / len(seen) for name in names}


def _describe(features: Features) -> LayerObject:
    label, score = guess_label(features)
    words: list[str] = []
    if label == "person":
        for part, shares in (("upper", features.upper), ("lower", features.lower)):
            words += [f"{name} {part}" for name in leading_colours(shares)[:1]]
    words += leading_colours(features.colours)
    words += ["small"] * (features.area < 0.01) + ["large"] * (features.area > 0.15)
    words += ["round"] * features.is_round
    words += ["tall"] * (features.is_tall and label != "person")
    return LayerObject(label=label, attributes=tuple(words), uncertain=True, score=score)


def _ball(features: Features) -> float:
    """Round, compact, and not most of the picture."""
    if not features.is_round or features.area > 0.06:
        return 0.0
    return 0.55 + 0.15 * (features.outline.roundness > 0.93) + 0.15 * (features.travel > 1.0)


def _hand(features: Features) -> float:
    """Much skin, and reaching in over the border; less surely, nothing but skin."""
    if features.skin < 0.3 or features.is_round:
        return 0.0
    if features.reaches_in < 0.5:
        return 0.45 if features.skin > 0.85 else 0.0
    return 0.6 + 0.15 * (features.skin > 0.45) + 0.15 * (features.skin > 0.6)


def _person(features: Features) -> float:
    """A limbed figure, upright or cut by the bottom; surer with a face's colour at its top."""
    shape = features.outline
    plain = max(features.colours.values(), default=0.0) > 0.6
    vessel = plain and shape.evenness > 0.6 and shape.solidity > 0.7
    limbed = features.stiffness < 0.85 and not vessel
    if features.area < 0.006 or features.is_round:
        return 0.0
    faced = features.skin_above > 0.05 and 0.02 < features.skin < 0.75
    half_figure = features.cut_below > 0.7 and features.area > 0.08
    if faced and ((shape.aspect > 1.3 and limbed) or half_figure):
        score = 0.7 + 0.1 * (shape.aspect > 2.0) + 0.1 * (features.travel > 0.3)
    elif limbed and shape.aspect > 1.6 and features.area > 0.01:
        score = 0.5
    else:
        score = 0.0
    return score - 0.3 * (features.reaches_in > 0.5)


def _bottle(features: Features) -> float:
    """A stiff, even, upright shape with a neck."""
    shape = features.outline
    upright = 2.0 < shape.aspect < 6.0 and shape.evenness > 0.75
    if not (upright and features.stiffness > 0.8 and shape.top_width < 0.62):
        return 0.0
    return 0.55 + 0.15 * (features.skin < 0.1) + 0.1 * (shape.solidity > 0.85)
