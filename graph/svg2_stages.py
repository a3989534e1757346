"""SVG2's mask files: automatic masks (stage 1), tracks (stage 2) and clean tracks (stage 3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
from pydantic import Field

from reelgraph._types import Floats
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.track_formats import Rle, mask_counts, track_from_masks
from reelgraph.graph.tracks import Track, Tracks, encode_mask

__all__ = [
    "STAGE_FILES",
    "AutomaticMasks",
    "read_stage1",
    "read_stage_tracks",
    "write_stage1",
    "write_stage_tracks",
]

STAGE_FILES: Final = ("stage1_masks.json", "stage2_tracks.json", "stage3_tracks_clean.json")
"""Names that SVG2 gives the files of its first three stages."""

_FIX = "Read one of SVG2's " + ", ".join(STAGE_FILES)
_TIGHT = (",", ":")


@dataclass(frozen=True)
class AutomaticMasks:
    """Masks of sampled frames that no track joins yet: SVG2's stage 1.

    Attributes:
        resolution_wh: Width and height of the masks.
        fps: The video's frames per second.
        frame_count: The video's number of frames.
        sample_rate: Frames from one sampled frame to the next, about.
        masks: Run lengths of the masks by index of the sampled video frame.
    """

    resolution_wh: tuple[int, int]
    fps: float
    frame_count: int
    sample_rate: int
    masks: Mapping[int, tuple[bytes, ...]]


class _Stage1(Form):
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    fps: float = Field(gt=0)
    total_frames: int = Field(ge=1)
    frame_sample_rate: int = Field(ge=1)
    sampled_frame_indices: list[int]
    frames: list[list[Any]]


class _Object(Form):
    object_id: int = Field(ge=0)
    masks: list[Any]


class _StageTracks(Form):
    objects: list[_Object]


def write_stage1(found: AutomaticMasks, path: str | Path, *, video: str = "") -> None:
    """Write automatic masks as SVG2's ``stage1_masks.json``.

    A sampled frame without masks holds one mask without pixels, as in SVG2.

    Args:
        found: The masks.
        path: Where to write.
        video: The video file as the masks' reader should name it.

    Raises:
        OSError: If the file cannot be written.
    """
    width, height = found.resolution_wh
    nothing = encode_mask(np.zeros((height, width), np.bool_))
    sampled = sorted(found.masks)
    head = {
        "video": video,
        "height": height,
        "width": width,
        "fps": found.fps,
        "total_frames": found.frame_count,
        "frame_sample_rate": found.sample_rate,
        "sampled_frame_indices": sampled,
    }
    rows = ([_rle(c, width, height) for c in found.masks[i] or (nothing,)] for i in sampled)
    with Path(path).open("w", encoding="ascii") as file:
        _write_object(file, head, "frames", (json.dumps(row, separators=_TIGHT) for row in rows))


def read_stage1(path: str | Path) -> AutomaticMasks:
    """Read SVG2's ``stage1_masks.json``; masks without pixels are left out.

    Raises:
        GraphFormatError: If the file is not of this form.
    """
    source = SourceFile(Path(path), "file of SVG2's stage 1", _FIX)
    found = source.parse(_Stage1)
    if len(found.frames) != len(found.sampled_frame_indices):
        raise source.error(
            "frames", f"{len(found.frames)} of them, {len(found.sampled_frame_indices)} indices"
        )
    size = found.width, found.height
    masks: dict[int, tuple[bytes, ...]] = {}
    for index, items in zip(found.sampled_frame_indices, found.frames, strict=True):
        counts = [mask_counts(item, size, f"{source.path}: frame {index}") for item in items]
        masks[index] = tuple(each for each in counts if each is not None)
    return AutomaticMasks(size, found.fps, found.total_frames, found.frame_sample_rate, masks)


def write_stage_tracks(tracks: Tracks, path: str | Path) -> None:
    """Write tracks as SVG2's ``stage2_tracks.json`` or ``stage3_tracks_clean.json``.

    Ids are ours minus 1, for SVG2 counts from 0. A frame that the tracker did not process
    holds the masks of the processed frame before it. ``fps``, which SVG2 drops after its
    first stage, is written too. ``first_frame`` is the first frame with a mask.

    Raises:
        OSError: If the file cannot be written.
    """
    width, height = tracks.video.resolution_wh
    head = {
        "video": tracks.video.path,
        "height": height,
        "width": width,
        "fps": tracks.video.fps,
        "total_frames": tracks.video.frame_count,
    }
    frames = np.arange(tracks.video.frame_count)
    shown = np.maximum(np.searchsorted(tracks.frame_indices, frames, side="right") - 1, 0)
    with Path(path).open("w", encoding="ascii") as file:
        objects = (_object(track, shown, width, height) for track in tracks.objects)
        _write_object(file, head, "objects", objects)


def read_stage_tracks(path: str | Path, video: VideoInfo, times_s: Floats) -> Tracks:
    """Read SVG2's ``stage2_tracks.json`` or ``stage3_tracks_clean.json``.

    Ids become the file's plus 1. An object without a mask is left out; masks beyond the
    video's last frame are left out with a warning.

    Args:
        path: The JSON file.
        video: The video that the masks belong to.
        times_s: Presentation times of all its frames, shape ``(n,)``.

    Raises:
        GraphFormatError: If the file is not of this form.
    """
    source = SourceFile(Path(path), "file of SVG2's stage 2 or 3", _FIX)
    found = source.parse(_StageTracks)
    ids = [item.object_id for item in found.objects]
    if len(set(ids)) < len(ids):
        raise source.error("objects", f"an object_id comes twice in {sorted(ids)}")
    objects = [
        track_from_masks(item.object_id + 1, masks, video.resolution_wh)
        for item in sorted(found.objects, key=lambda item: item.object_id)
        if (masks := list(_visible(item, video, len(times_s), source)))
    ]
    surplus = max((len(item.masks) for item in found.objects), default=0) - len(times_s)
    notes = (f"{surplus} mask frames beyond the video's last were left out",) if surplus > 0 else ()
    indices = np.arange(len(times_s), dtype=np.int64)
    return Tracks(video, indices, times_s, video.duration_s, tuple(objects), notes)


def _visible(
    item: _Object, video: VideoInfo, count: int, source: SourceFile
) -> Iterator[tuple[int, bytes]]:
    for frame, mask in enumerate(item.masks[:count]):
        where = f"{source.path}: object {item.object_id}, frame {frame}"
        counts = mask_counts(mask, video.resolution_wh, where)
        if counts is not None:
            yield frame, counts


def _object(track: Track, shown: Sequence[int] | Any, width: int, height: int) -> str:
    """Return one object of stage 2 as JSON: a mask or null for every frame of the video."""
    rows = [track.row(int(position)) for position in shown]
    masks = [None if row is None else _rle(track.rles[row], width, height) for row in rows]
    first = next(frame for frame, row in enumerate(rows) if row is not None)
    item = {"object_id": track.id - 1, "first_frame": first, "masks": masks}
    return json.dumps(item, separators=_TIGHT)


def _rle(counts: bytes, width: int, height: int) -> Rle:
    return {"size": [height, width], "counts": counts.decode("ascii")}


def _write_object(file: TextIO, head: Mapping[str, object], key: str, items: Iterator[str]) -> None:
    """Write a JSON object whose last key holds a long list, one item in memory at a time."""
    file.write(json.dumps(head)[:-1] + f', "{key}": [')
    before = "\n"
    for item in items:
        file.write(before + item)
        before = ",\n"
    file.write("\n]}\n")
