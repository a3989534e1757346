"""Video files: opened, described and streamed frame by frame with true times."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from reelgraph._types import Floats, Image, Ints
from reelgraph.errors import VideoError, VideoWarning
from reelgraph.graph.schema import VideoInfo
from reelgraph.tools.video_index import FrameIndex, Reader, check_file, index_frames

__all__ = ["Frame", "Video", "hash_file", "shown_path"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded frame.

    Attributes:
        index: Position in the order in which frames are shown, from 0.
        time_s: Presentation time in seconds from the first frame's.
        image: RGB, uint8, ``(height, width, 3)``, rotation applied.
    """

    index: int
    time_s: float
    image: Image


def shown_path(path: Path) -> str:
    """Return a path as text that every encoding can write."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal.

    Raises:
        VideoError: If the file is missing, empty, or cannot be read.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise VideoError(
            f"cannot read {str(path)!r}: {error.strerror}; check the file and its permissions",
            path=str(path),
        ) from error


class Video:
    """A readable video file, decoded as a stream: about one frame is in memory at a time.

    Frames are numbered in the order in which they are shown, and a frame's time is its
    own presentation time, counted from the first frame shown; neither is ever computed
    from the other. The container's rotation is applied, so images and `info` describe
    what a player shows (mirroring and non-square pixels are not applied).

    Opening reads the packet headers (no decoding in a sound file) and decodes one frame.
    Each call of `frames` or `frames_at` opens the file anew, so iterators are independent.

    Attributes:
        path: The file, as it was opened.
    """

    def __init__(self, path: Path, index: FrameIndex, *, sha256: str | None = None) -> None:
        """Wrap an indexed file; `Video.open` is the way in."""
        self.path = path
        self._index = index
        self._sha256 = sha256
        self._warnings = list(index.warnings)

    @classmethod
    def open(cls, path: str | Path, *, sha256: str | None = None) -> Video:
        """Open a video file.

        Args:
            path: A local file.
            sha256: Hash of the file's bytes where the caller knows it; computed when
                `info` is first read otherwise.

        Raises:
            VideoError: If there is no such file, or no frame in it decodes.

        Warns:
            VideoWarning: If the file is damaged; what decodes is used.
        """
        path = Path(path)
        index = index_frames(path)
        for message in index.warnings:
            warnings.warn(VideoWarning(message), stacklevel=2)
        return cls(path, index, sha256=sha256)

    @cached_property
    def info(self) -> VideoInfo:
        """What is known of the file without looking at its pixels."""
        index = self._index
        return VideoInfo(
            path=shown_path(self.path),
            sha256=self._sha256 or hash_file(self.path),
            duration_s=index.end_s,
            fps=len(index.times_s) / index.end_s,
            frame_count=len(index.times_s),
            resolution_wh=index.resolution_wh,
            rotation=index.rotation,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with the file, as far as it was read, one sentence each."""
        return tuple(self._warnings)

    @property
    def times_s(self) -> Floats:
        """Presentation times of all frames in seconds from the first, shape ``(n,)``."""
        return self._index.times_s

    @property
    def end_s(self) -> float:
        """When the last frame stops being shown, in seconds."""
        return self._index.end_s

    def frame_indices(
        self, *, fps: float | None = None, start_s: float = 0.0, end_s: float | None = None
    ) -> Ints:
        """Return the indices of the frames that `frames` gives, without decoding any.

        Raises:
            ValueError: If ``fps`` is not positive.
        """
        selected = np.arange(len(self.times_s)) if fps is None else self._sample(fps)
        times = self.times_s[selected]
        inside = (times >= start_s) & (times < (np.inf if end_s is None else end_s))
        indices: Ints = selected[inside]
        return indices

    def frames(
        self,
        *,
        fps: float | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        resolution_wh: tuple[int, int] | None = None,
    ) -> Iterator[Frame]:
        """Stream the frames shown first in ``[start_s, end_s)``, in order.

        Args:
            fps: Frames per second to take; all frames if None. The frame nearest to each
                multiple of ``1 / fps`` is taken, no frame twice, so that windows of a video
                hold the same frames as the whole.
            start_s: Start of the window in seconds.
            end_s: End of the window in seconds, exclusive; the video's end if None.
            resolution_wh: Width and height to scale to; as shown if None.

        Raises:
            ValueError: If ``fps`` or ``resolution_wh`` is not positive.
        """
        indices = self.frame_indices(fps=fps, start_s=start_s, end_s=end_s)
        return self._read(indices, resolution_wh)

    def frames_at(
        self, times_s: Sequence[float], *, resolution_wh: tuple[int, int] | None = None
    ) -> Iterator[Frame]:
        """Stream the frames that are shown at given times, seeking to them.

        Args:
            times_s: Seconds, in any order; times outside the video give its first or last
                frame. A frame asked for twice is given once.
            resolution_wh: Width and height to scale to; as shown if None.

        Returns:
            Frames in the order in which they are shown.
        """
        # A nanosecond of slack: a time that went through JSON must find its own frame.
        wanted = np.asarray(times_s, dtype=np.float64) + 1e-9
        rows = np.searchsorted(self.times_s, wanted, side="right") - 1
        return self._read(np.unique(np.maximum(rows, 0)), resolution_wh)

    def _sample(self, fps: float) -> Ints:
        """Return the indices of the frames nearest to the multiples of ``1 / fps``."""
        if not fps > 0:
            raise ValueError(f"fps must be positive, got {fps!r}")
        times = self.times_s
        # A multiple of 1/fps is nearest to the frame between whose midpoints it lies; on a
        # midpoint, the earlier frame takes it (the slack is for rounding).
        bounds = np.append((times[:-1] + times[1:]) / 2, times[-1])
        multiples = np.floor(bounds * fps + 1e-6)
        taken: Ints = np.flatnonzero(np.diff(multiples, prepend=-1.0) > 0).astype(np.int64)
        return taken

    def _read(self, indices: Ints, resolution_wh: tuple[int, int] | None) -> Iterator[Frame]:
        """Decode the frames with these indices (increasing), seeking over long gaps."""
        if resolution_wh is not None and min(resolution_wh) < 1:
            raise ValueError(f"resolution_wh must be positive, got {resolution_wh!r}")
        return self._stream(indices, _Converter(self._index, resolution_wh))

    def _stream(self, indices: Ints, converter: _Converter) -> Iterator[Frame]:
        with Reader(self.path, self._index) as reader:
            for position in map(int, indices):
                frame = reader.frame(position)
                if frame is None:
                    self._warn(
                        f"some frames of {str(self.path)!r} do not decode and are left out; "
                        "encode the file anew if that matters"
                    )
                else:
                    yield Frame(position, float(self.times_s[position]), converter(frame))

    def _warn(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)
            warnings.warn(VideoWarning(message), stacklevel=2)


class _Converter:
    """Turns decoded frames into upright RGB arrays of one size."""

    def __init__(self, index: FrameIndex, resolution_wh: tuple[int, int] | None) -> None:
        self._turns = index.rotation // 90
        width, height = resolution_wh or index.resolution_wh
        self._coded_wh = (height, width) if self._turns % 2 else (width, height)
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Image:
        width, height = self._coded_wh
        shrinks = width < frame.width or height < frame.height
        rgb = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            interpolation=Interpolation.AREA if shrinks else Interpolation.BILINEAR,
        )
        image: Image = np.asarray(rgb.to_ndarray(), dtype=np.uint8)
        # rot90 turns counter-clockwise; the container's rotation is clockwise.
        return np.ascontiguousarray(np.rot90(image, -self._turns)) if self._turns else image
