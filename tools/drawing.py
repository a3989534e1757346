"""Pictures for people: masks, ids and names drawn on frames.

`write_preview` draws everything that was tracked over the whole video;
`write_evidence` puts the few frames that an answer rests on in one picture.
"""

from __future__ import annotations

import bisect
import colorsys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import cv2
import numpy as np

from reelgraph._atomic import replacing
from reelgraph._types import Image, Mask
from reelgraph.graph.schema import CAMERA, Interval, Relation
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import NO_PROGRESS
from reelgraph.tools.encoding import encode_mp4
from reelgraph.tools.lettering import (
    GREY,
    INK,
    WHITE,
    Rgb,
    banner,
    letter_height,
    plate_size,
    readable_on,
    write,
)
from reelgraph.tools.video import Frame, Video

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = [
    "Clip",
    "color",
    "contact_sheet",
    "draw_objects",
    "object_names",
    "relation_clips",
    "write_evidence",
    "write_preview",
]

Box: TypeAlias = tuple[int, int, int, int]

MASK_OPACITY: Final = 0.38
PREVIEW_LONG_SIDE: Final = (480, 1280)
"""Smallest and largest long side of a preview, so that names can be read and files stay small."""
STRIP_LINES: Final = 4
EVENT_SHOWN_S: Final = 1.5
"""Events last a moment; the preview shows them at least this long."""
TILE_WH: Final = (400, 320)
TILES: Final = 3
GAP: Final = 8
MAX_ROWS: Final = 12
KIND_ORDER: Final = (
    "event",
    "contact",
    "functional",
    "social",
    "stateful",
    "attentional",
    "motion",
)


@dataclass(frozen=True)
class Clip:
    """One row of a contact sheet.

    Attributes:
        interval: The time that the row shows frames of.
        object_ids: Objects whose masks are drawn.
        caption: What is to be seen there, one sentence.
    """

    interval: Interval
    object_ids: tuple[int, ...]
    caption: str


@lru_cache(maxsize=1024)
def color(object_id: int) -> Rgb:
    """Return the RGB colour of an object: always the same, and far from its neighbours'.

    Example:
        >>> color(1) == color(1), color(1) == color(2)
        (True, False)
    """
    hue = (object_id * 0.618034) % 1.0
    saturation = (0.85, 0.6)[object_id // 8 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def object_names(
    tracks: Tracks,
    *,
    labels: Mapping[int, str] | None = None,
    graph: TemporalGraph | None = None,
) -> dict[int, str]:
    """Return what to write beside each object: ``"person #1"``, or ``"#1"`` without a label.

    A label that is a guess is marked: ``"person? #1"``.

    Args:
        tracks: The objects to name.
        labels: Labels by id; they win over the graph's.
        graph: The graph that knows the other labels.
    """
    names = {track.id: f"#{track.id}" for track in tracks.objects}
    if graph is not None:
        known = names.keys() & {item.id for item in graph.document.objects}
        names |= {number: graph.name(number, mark=True) for number in known}
    return names | {number: f"{label} #{number}" for number, label in (labels or {}).items()}


def draw_objects(image: Image, masks: Mapping[int, Mask], names: Mapping[int, str]) -> Image:
    """Return a copy of ``image`` with masks, contours and names drawn over it.

    Args:
        image: RGB, ``(height, width, 3)``.
        masks: Binary masks by object id, of any resolution with the image's proportions.
        names: What to write beside each object; objects without a name get their id.
    """
    canvas = image.copy()
    boxes: dict[int, Box] = {}
    for object_id, mask in sorted(masks.items()):
        box = _paint_mask(canvas, mask, color(object_id))
        if box is not None:
            boxes[object_id] = box
    placed: list[Box] = []
    for object_id, box in boxes.items():
        text = names.get(object_id, f"#{object_id}")
        placed.append(_paint_name(canvas, text, box, color(object_id), placed))
    return canvas


def relation_clips(graph: TemporalGraph, relations: Iterable[Relation]) -> list[Clip]:
    """Return one clip per interval of each relation, captioned with its sentence."""
    clips: list[Clip] = []
    for relation in relations:
        ends = (relation.subject, relation.object, relation.recipient)
        ids = tuple(end for end in ends if end is not None and end > 0)
        caption = f"{graph.describe(relation)}  [{relation.id}]"
        clips += [Clip(interval, ids, caption) for interval in relation.intervals]
    return clips


def write_preview(
    video: Video,
    tracks: Tracks,
    path: str | Path,
    *,
    labels: Mapping[int, str] | None = None,
    graph: TemporalGraph | None = None,
    progress: Progress = NO_PROGRESS,
) -> None:
    """Write the video again, with every object's mask, id and label drawn over it.

    Frames keep their own presentation times. A frame between two processed frames
    shows the masks of the processed frame before it.

    Args:
        video: The video that was tracked.
        tracks: Its tracks.
        path: Where to write; H.264 in MP4, replaced in one step when it is complete.
        labels: Labels by id; they win over the graph's.
        graph: Where given, labels come from it and the relations that hold are
            listed below each frame.
        progress: Receives one stage of ``frame_count`` steps.

    Raises:
        VideoError: If no H.264 encoder is there.
        OSError: If the file cannot be written.
    """
    names = object_names(tracks, labels=labels, graph=graph)
    size = _preview_size(video.info.resolution_wh)
    with (
        replacing(path) as partial,
        progress.stage("Drawing the preview", video.info.frame_count) as stage,
    ):
        pages = _preview_pages(video, tracks, names, graph, size)
        until_s = np.append(video.times_s[1:], video.end_s)
        encode_mp4(partial, pages, until_s, on_frame=stage.advance)


def write_evidence(
    video: Video,
    tracks: Tracks,
    clips: Sequence[Clip],
    path: str | Path,
    *,
    names: Mapping[int, str] | None = None,
) -> None:
    """Write a contact sheet of the frames that an answer rests on, as a PNG.

    Raises:
        OSError: If the file cannot be written.
    """
    sheet = contact_sheet(video, tracks, clips, names=names)
    encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
    with replacing(path) as partial:
        partial.write_bytes(encoded.tobytes())


def contact_sheet(
    video: Video,
    tracks: Tracks,
    clips: Sequence[Clip],
    *,
    names: Mapping[int, str] | None = None,
) -> Image:
    """Return one row of frames per clip, each with its caption and the frames' times.

    Args:
        video: The video to take frames from.
        tracks: Where the masks come from.
        clips: What to show, in order; after `MAX_ROWS` the rest is only counted.
        names: What to write beside each object, e.g. from `object_names`.

    Returns:
        RGB, ``(height, width, 3)``.
    """
    shown = clips[:MAX_ROWS]
    times = [_sample_times(clip.interval, video.end_s) for clip in shown]
    size = _tile_size(video.info.resolution_wh)
    frames = list(video.frames_at([t for row in times for t in row], resolution_wh=size))
    width = GAP + TILES * (size[0] + GAP)
    rows = [] if shown else [banner("No evidence", width)]
    for clip, wanted in zip(shown, times, strict=True):
        rows.append(banner(f"{_span(clip.interval)}: {clip.caption}", width))
        tiles = [_draw_tile(f, tracks, clip, names or {}) for f in _shown_at(frames, wanted)]
        rows.append(_row(tiles, width))
    if len(clips) > len(shown):
        rows.append(banner(f"and {len(clips) - len(shown)} more", width))
    return np.vstack(rows)


# --- objects on one frame ----------------------------------------------------------------------


def _paint_mask(canvas: Image, mask: Mask, rgb: Rgb) -> Box | None:
    """Blend a mask into the canvas in place and return its box, or None if it is empty."""
    height, width = canvas.shape[:2]
    bits = mask.astype(np.uint8)
    if bits.shape != (height, width):
        bits = cv2.resize(bits, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(bits)
    if w == 0 or h == 0:
        return None
    crop, inside = canvas[y : y + h, x : x + w], bits[y : y + h, x : x + w].astype(bool)
    crop[inside] = (crop[inside] * (1 - MASK_OPACITY) + np.array(rgb) * MASK_OPACITY).astype(
        np.uint8
    )
    line = max(1, round(min(height, width) / 300))
    contours, _ = cv2.findContours(bits, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(canvas, contours, -1, INK, line + 1, cv2.LINE_AA)
    cv2.drawContours(canvas, contours, -1, rgb, line, cv2.LINE_AA)
    return x, y, x + w, y + h


def _paint_name(canvas: Image, text: str, box: Box, rgb: Rgb, placed: list[Box]) -> Box:
    """Write a name on a plate near ``box``, away from the names already there."""
    height, width = canvas.shape[:2]
    letters = letter_height((width, height))
    plate_w, plate_h = plate_size(text, letters)
    left, top = _free_place(box, (plate_w, plate_h), (width, height), placed)
    plate = (left, top, left + plate_w, top + plate_h)
    cv2.rectangle(canvas, plate[:2], (plate[2] - 1, plate[3] - 1), rgb, cv2.FILLED)
    cv2.rectangle(canvas, plate[:2], (plate[2] - 1, plate[3] - 1), INK, 1)
    write(canvas, text, (left + letters // 2, top), letters, readable_on(rgb), line=plate_h)
    return plate


def _free_place(
    box: Box, plate_wh: tuple[int, int], canvas_wh: tuple[int, int], placed: list[Box]
) -> tuple[int, int]:
    """Return the corner for a plate: the nearest place to its object with the least overlap."""
    x0, y0, x1, y1 = box
    w, h = plate_wh
    right, bottom = max(0, canvas_wh[0] - w), max(0, canvas_wh[1] - h)
    wanted = [(x0, y0 - h), (x0, y1), (x0, y0), (x1, y0), (x0 - w, y0)]
    wanted += [(x0, y0 - n * h) for n in (2, 3)] + [(x0, y1 + n * h) for n in (1, 2, 3)]
    places = [(min(max(x, 0), right), min(max(y, 0), bottom)) for x, y in wanted]
    return min(places, key=lambda p: sum(_overlap((*p, p[0] + w, p[1] + h), q) for q in placed))


def _overlap(a: Box, b: Box) -> int:
    """Return the area that two boxes share in square pixels."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    return max(0, w) * max(0, h)


def _masks_at(tracks: Tracks, position: int, ids: Iterable[int]) -> dict[int, Mask]:
    """Return the masks of the given objects on one processed frame, where visible."""
    known = {track.id for track in tracks.objects}
    found = {i: tracks.mask(i, position) for i in ids if i in known}
    return {i: mask for i, mask in found.items() if mask is not None}


# --- the preview -------------------------------------------------------------------------------


def _preview_size(resolution_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the size that frames are drawn at: readable, and not larger than needed."""
    smallest, largest = PREVIEW_LONG_SIDE
    long_side = max(resolution_wh)
    scale = min(max(long_side, smallest), largest) / long_side
    width, height = (max(1, round(side * scale)) for side in resolution_wh)
    return width, height


def _preview_pages(
    video: Video,
    tracks: Tracks,
    names: Mapping[int, str],
    graph: TemporalGraph | None,
    size_wh: tuple[int, int],
) -> Iterator[Frame]:
    """Yield every frame of the video as the preview shows it."""
    position, masks = -1, dict[int, Mask]()
    ids = [track.id for track in tracks.objects]
    for frame in video.frames(resolution_wh=size_wh):
        if position != tracks.position_at(frame.time_s):
            position = tracks.position_at(frame.time_s)
            masks = _masks_at(tracks, position, ids)
        page = draw_objects(frame.image, masks, names)
        if graph is not None:
            page = np.vstack([page, _strip(graph, frame.time_s, size_wh[0])])
        yield Frame(frame.index, frame.time_s, page)


def _strip(graph: TemporalGraph, time_s: float, width: int) -> Image:
    """Return a band that lists the most telling relations that hold at a time."""
    letters = max(9, round(width / 64))
    row = round(letters * 1.9)
    band = np.full((row * (STRIP_LINES + 1) + letters, width, 3), INK, np.uint8)
    write(band, f"{time_s:.2f} s", (letters, letters // 2), letters, GREY, line=row)
    for number, relation in enumerate(_telling(graph, time_s)[:STRIP_LINES], start=1):
        corner = (letters, letters // 2 + number * row)
        write(band, graph.describe(relation), corner, letters, WHITE, line=row)
    return band


def _telling(graph: TemporalGraph, time_s: float) -> list[Relation]:
    """Return the relations shown at a time, spatial ones left out.

    What happens between objects comes first, what one object does alone last.
    """

    def shown(relation: Relation) -> bool:
        least = EVENT_SHOWN_S if relation.kind == "event" else 0.0
        return any(i.start <= time_s < max(i.end, i.start + least) for i in relation.intervals)

    recent = graph.relations(during=(max(0.0, time_s - EVENT_SHOWN_S), time_s + 1e-6))
    active = [r for r in recent if r.kind in KIND_ORDER and shown(r)]
    return sorted(active, key=lambda r: (r.object == CAMERA, KIND_ORDER.index(r.kind)))


# --- the contact sheet -------------------------------------------------------------------------


def _sample_times(interval: Interval, end_s: float) -> list[float]:
    """Return the times of a clip's pictures; a short clip also shows before and after."""
    around = max(0.0, (EVENT_SHOWN_S - interval.duration) / 2)
    first, last = max(0.0, interval.start - around), min(end_s, interval.end + around)
    return [float(t) for t in np.linspace(first, last, TILES)]


def _tile_size(resolution_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the size of one picture on the sheet, proportions kept."""
    scale = min(most / side for most, side in zip(TILE_WH, resolution_wh, strict=True))
    width, height = (max(1, round(side * scale)) for side in resolution_wh)
    return width, height


def _draw_tile(frame: Frame, tracks: Tracks, clip: Clip, names: Mapping[int, str]) -> Image:
    """Return one picture of the sheet: a frame with the clip's objects, its time below."""
    masks = _masks_at(tracks, tracks.position_at(frame.time_s), clip.object_ids)
    picture = draw_objects(frame.image, masks, names)
    return np.vstack([picture, banner(f"{frame.time_s:.2f} s", picture.shape[1], rgb=GREY)])


def _shown_at(frames: Sequence[Frame], times_s: Iterable[float]) -> list[Frame]:
    """Return the frames (sorted by time) that are shown at given times, each once."""
    starts = [frame.time_s for frame in frames]
    places = (max(0, bisect.bisect_right(starts, t + 1e-9) - 1) for t in times_s)
    return [frames[place] for place in dict.fromkeys(places)]


def _row(tiles: Sequence[Image], width: int) -> Image:
    """Return pictures side by side on a dark row of ``width`` pixels."""
    row = np.full((tiles[0].shape[0], width, 3), INK, np.uint8)
    for number, tile in enumerate(tiles):
        left = GAP + number * (tile.shape[1] + GAP)
        row[:, left : left + tile.shape[1]] = tile
    return row


def _span(interval: Interval) -> str:
    if interval.duration == 0:
        return f"at {interval.start:.2f} s"
    return f"{interval.start:.2f} - {interval.end:.2f} s"
