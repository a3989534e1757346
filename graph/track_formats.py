"""Tracks as files: a compact one of our own, and the mask JSON that TRASER reads.

The compact file is a magic line, the SHA-256 of what follows, and a zlib stream of: the
length of a JSON header, the header (video, ids, counts), then the times and every track's
columns as little-endian arrays. Nothing in it is code, and every length is checked.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from reelgraph._types import Floats
from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import Document, VideoInfo
from reelgraph.graph.tracks import Track, Tracks, decode_rle, encode_mask, rle_area, rle_box

__all__ = [
    "TRACKS_FORMAT_VERSION",
    "Rle",
    "mask_counts",
    "read_traser_masks",
    "track_from_masks",
    "tracks_from_bytes",
    "tracks_to_bytes",
    "traser_rows",
    "write_traser_masks",
]

TRACKS_FORMAT_VERSION = 1
"""Version of the compact file."""

_MAGIC = b"reelgraph-tracks\n"

Rle: TypeAlias = dict[str, Any]
"""One COCO mask: ``{"size": [height, width], "counts": text}``."""


class _TrackHead(Document):
    id: int
    score: float | None
    count: int


class _Head(Document):
    version: int
    video: VideoInfo
    end_s: float
    frame_count: int
    warnings: tuple[str, ...]
    tracks: tuple[_TrackHead, ...]


def tracks_to_bytes(tracks: Tracks) -> bytes:
    """Return tracks as the compact file; equal tracks give equal bytes."""
    head = _Head(
        version=TRACKS_FORMAT_VERSION,
        video=tracks.video,
        end_s=tracks.end_s,
        frame_count=len(tracks.times_s),
        warnings=tracks.warnings,
        tracks=tuple(_TrackHead(id=t.id, score=t.score, count=len(t.rles)) for t in tracks.objects),
    )
    text = head.model_dump_json().encode()
    parts = [struct.pack("<I", len(text)), text]
    parts += [_packed(tracks.frame_indices, "<i8"), _packed(tracks.times_s, "<f8")]
    for track in tracks.objects:
        parts += [_packed(track.positions, "<i8"), _packed(track.boxes_xyxy, "<f8")]
        parts += [_packed(np.array([len(rle) for rle in track.rles]), "<u4"), *track.rles]
    body = zlib.compress(b"".join(parts), 6)
    return _MAGIC + hashlib.sha256(body).digest() + body


def tracks_from_bytes(data: bytes) -> Tracks:
    """Read the compact file.

    Raises:
        GraphFormatError: If it is another format or version, cut short, or changed.
    """
    digest_end = len(_MAGIC) + 32
    body = data[digest_end:]
    if not data.startswith(_MAGIC):
        raise GraphFormatError("these are no reelgraph tracks; write them with tracks_to_bytes()")
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : digest_end]:
        raise GraphFormatError("the tracks are cut short or were changed; run the tracker again")
    try:
        return _parse(zlib.decompress(body))
    except (zlib.error, struct.error, ValidationError, ValueError) as error:
        raise GraphFormatError(
            f"the tracks are malformed ({error}); run the tracker again"
        ) from error


def _parse(payload: bytes) -> Tracks:
    reader = _Reader(payload)
    (length,) = struct.unpack("<I", reader.take(4))
    text = reader.take(length)
    version = json.loads(text).get("version")
    if version != TRACKS_FORMAT_VERSION:
        raise GraphFormatError(
            f"tracks of format version {version!r} cannot be read by this release, which "
            f"reads version {TRACKS_FORMAT_VERSION}; run the tracker again"
        )
    head = _Head.model_validate_json(text)
    frame_indices = reader.array("<i8", head.frame_count).astype(np.int64)
    times_s = reader.array("<f8", head.frame_count).astype(np.float64)
    objects = tuple(_read_track(reader, item) for item in head.tracks)
    reader.finish()
    return Tracks(head.video, frame_indices, times_s, head.end_s, objects, head.warnings)


def _read_track(reader: _Reader, head: _TrackHead) -> Track:
    positions = reader.array("<i8", head.count).astype(np.int64)
    boxes = reader.array("<f8", head.count * 4).astype(np.float64).reshape(-1, 4)
    lengths = reader.array("<u4", head.count)
    rles = tuple(reader.take(int(length)) for length in lengths)
    return Track(head.id, positions, boxes, rles, head.score)


def _packed(values: NDArray[Any], kind: str) -> bytes:
    return values.astype(kind).tobytes()


class _Reader:
    """Takes pieces off a byte string and refuses to run past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        piece = self._data[self._at : self._at + length]
        if length < 0 or len(piece) != length:
            raise ValueError(f"{length} bytes expected at {self._at}, {len(piece)} left")
        self._at += length
        return piece

    def array(self, kind: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), dtype=kind)

    def finish(self) -> None:
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes too many")


# --------------------------------------------------------------------- TRASER mask JSON


def traser_rows(tracks: Tracks) -> Iterator[list[Rle | None]]:
    """Yield, for every frame of the video, one mask or None per object.

    Column ``k`` (from 0) holds the object with id ``k + 1``. A frame that the tracker did
    not process shows what the processed frame before it shows (the first one, before that).
    """
    width, height = tracks.video.resolution_wh
    columns = max((track.id for track in tracks.objects), default=0)
    frames = np.arange(tracks.video.frame_count)
    shown = np.searchsorted(tracks.frame_indices, frames, side="right") - 1
    for position in np.maximum(shown, 0):
        row: list[Rle | None] = [None] * columns
        for track in tracks.objects:
            place = track.row(int(position))
            if place is not None:
                counts = track.rles[place].decode("ascii")
                row[track.id - 1] = {"size": [height, width], "counts": counts}
        yield row


def write_traser_masks(tracks: Tracks, path: str | Path) -> None:
    """Write TRASER's mask JSON (see `traser_rows`), one frame in memory at a time.

    Raises:
        OSError: If the file cannot be written.
    """
    with Path(path).open("w", encoding="ascii") as file:
        before = "[\n"
        for row in traser_rows(tracks):
            file.write(before + json.dumps(row, separators=(",", ":")))
            before = ",\n"
        file.write("\n]\n")


def read_traser_masks(path: str | Path, video: VideoInfo, times_s: Floats) -> Tracks:
    """Read TRASER's mask JSON: a list over video frames of a list over objects of masks.

    Column ``k`` becomes the object with id ``k + 1``. A mask may be null, absent, empty or
    at another resolution than the video (it is scaled, nearest pixel). A list that is
    shorter than the video means nothing is visible after its end; frames beyond the
    video's last are left out with a warning.

    Args:
        path: The JSON file.
        video: The video the masks belong to.
        times_s: Presentation times of all its frames, shape ``(n,)``.

    Raises:
        GraphFormatError: If the file is not of this form.
    """
    rows = _load_rows(Path(path))
    kept: dict[int, list[tuple[int, bytes]]] = {}
    for position, row in enumerate(rows[: len(times_s)]):
        for column, item in enumerate(row or ()):
            counts = mask_counts(item, video.resolution_wh, f"frame {position}, object {column}")
            if counts is not None:
                kept.setdefault(column + 1, []).append((position, counts))
    surplus = len(rows) - len(times_s)
    notes = (f"{surplus} mask frames beyond the video's last were left out",) if surplus > 0 else ()
    objects = tuple(track_from_masks(key, kept[key], video.resolution_wh) for key in sorted(kept))
    indices = np.arange(len(times_s), dtype=np.int64)
    return Tracks(video, indices, times_s, video.duration_s, objects, notes)


def _load_rows(path: Path) -> list[Sequence[Any] | None]:
    try:
        rows = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise GraphFormatError(f"{str(path)!r} is not JSON ({error})") from error
    if not isinstance(rows, list) or not all(row is None or isinstance(row, list) for row in rows):
        raise GraphFormatError(
            f"{str(path)!r} must be a list over video frames of lists over objects of masks"
        )
    return rows


def mask_counts(item: Any, resolution_wh: tuple[int, int], where: str) -> bytes | None:
    """Return the run lengths of one mask of a file; None if nothing is visible.

    Args:
        item: ``{"size": [height, width], "counts": ...}``, compressed or a list; None or
            empty where the object is absent.
        resolution_wh: The video's; a mask of another size is scaled, nearest pixel.
        where: The place in the file, for messages.

    Raises:
        GraphFormatError: If it is no mask.
    """
    if item is None or item == {}:
        return None
    size, counts = _fields(item, where)
    if isinstance(counts, list):
        mask = _from_plain_runs(counts, size, where)
    elif isinstance(counts, str):
        # Published placeholders for "absent" hold one run of any length.
        if not rle_area(counts.encode("utf-8")):
            return None
        mask = decode_rle(counts.encode("utf-8"), resolution_wh=(size[1], size[0]))
    else:
        raise GraphFormatError(f"{where}: 'counts' must be text or a list, got {counts!r:.80}")
    if (size[1], size[0]) != resolution_wh:
        mask = _scaled(mask, resolution_wh)
    # Encoding anew completes run lengths that stop short.
    return encode_mask(mask) if mask.any() else None


def _from_plain_runs(runs: list[Any], size: tuple[int, int], where: str) -> NDArray[np.bool_]:
    """Decode COCO's uncompressed form: a list of run lengths, background first."""
    height, width = size
    if not all(type(run) is int and run >= 0 for run in runs) or sum(runs) > height * width:
        raise GraphFormatError(f"{where}: {runs[:8]!r}... are no run lengths of {height}x{width}")
    flat = np.zeros(height * width, dtype=np.bool_)
    painted = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    flat[: len(painted)] = painted
    return flat.reshape(width, height).T


def _fields(item: Any, where: str) -> tuple[tuple[int, int], Any]:
    size = item.get("size") if isinstance(item, Mapping) else None
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(type(side) is int and side > 0 for side in size)
    ):
        raise GraphFormatError(
            f"{where}: a mask is {{'size': [height, width], 'counts': ...}}, got {item!r:.80}"
        )
    return (size[0], size[1]), item.get("counts")


def _scaled(mask: NDArray[np.bool_], resolution_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Resize to the nearest pixel, source index = floor(target * in / out)."""
    width, height = resolution_wh
    rows = np.arange(height) * mask.shape[0] // height
    columns = np.arange(width) * mask.shape[1] // width
    return mask[np.ix_(rows, columns)]


def track_from_masks(
    object_id: int, masks: Sequence[tuple[int, bytes]], resolution_wh: tuple[int, int]
) -> Track:
    """Return a track of masks: row of the processed frame and run lengths, none empty."""
    boxes = [rle_box(counts, resolution_wh=resolution_wh) for _, counts in masks]
    return Track(
        object_id,
        np.array([position for position, _ in masks], dtype=np.int64),
        np.array(boxes, dtype=np.float64),
        tuple(counts for _, counts in masks),
    )
