"""Which frames a video file holds: their times, key frames, and how to reach each one."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from reelgraph._types import Floats
from reelgraph.errors import VideoError

__all__ = ["FrameIndex", "Reader", "check_file", "index_frames"]

# A file cannot pull in others: playlists inside "videos" may name remote addresses.
_OPTIONS = {"protocol_whitelist": "file"}
# FFmpeg plays text files as ANSI art; a person who passes one made a mistake.
_NOT_VIDEO = {"tty"}
# Packets of these codecs may hold frames that are never shown.
_HIDDEN_FRAMES = {"vp8"}
# Headers round, and a last frame's duration may be missing.
_END_SLACK_S = Fraction(1, 4)
_FALLBACK_FPS = Fraction(25)


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The frames of a file, in the order in which they are shown.

    Attributes:
        pts: Presentation time stamps, increasing, in units of ``time_base``.
        times_s: The same in seconds from the first, shape ``(n,)``.
        key_pts: Time stamps of the key frames, increasing.
        end_s: When the last frame stops being shown, in seconds.
        resolution_wh: As shown, rotation applied.
        rotation: Clockwise degrees the container asks for: 0, 90, 180 or 270.
        warnings: What is wrong with the file.
    """

    pts: tuple[int, ...]
    times_s: Floats
    key_pts: tuple[int, ...]
    end_s: float
    resolution_wh: tuple[int, int]
    rotation: int
    warnings: tuple[str, ...]


def index_frames(path: Path) -> FrameIndex:
    """Find the frames of a video file from its packets, decoding only where it must.

    Raises:
        VideoError: If the file is missing or empty, or no video frame in it decodes.
    """
    check_file(path)
    try:
        with _open(path) as container:
            first = _first_frame(path, container)
        with _open(path) as container:
            scan = _scan_packets(_stream(path, container), container)
        if scan.doubtful:
            with _open(path) as container:
                scan.keep_decodable(_decoded(container, _stream(path, container)))
    except av.error.FFmpegError as error:
        raise _unreadable(path, error) from error
    return _build(path, scan, first)


def check_file(path: Path) -> None:
    """Refuse what is not a file with bytes in it, before FFmpeg words it worse.

    Raises:
        VideoError: If it is missing, no file, or empty.
    """
    name = str(path)
    if not path.exists():
        raise VideoError(f"there is no file {name!r}; check the path", path=name)
    if not path.is_file():
        raise VideoError(f"{name!r} is not a file; name a video file", path=name)
    if path.stat().st_size == 0:
        raise VideoError(f"{name!r} is empty (0 bytes); copy the video again", path=name)


def _open(path: Path) -> InputContainer:
    # An absolute path never looks like a protocol ("a:b.mp4" would).
    container = av.open(str(path.absolute()), mode="r", container_options=_OPTIONS)
    if container.format.name in _NOT_VIDEO:
        container.close()
        raise VideoError(f"{str(path)!r} is a text file; name a video file", path=str(path))
    return container


def _stream(path: Path, container: InputContainer) -> VideoStream:
    """Return the first video stream that is not a cover picture."""
    name = str(path)
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise VideoError(
                    f"{name!r} uses a video codec that cannot be decoded here; "
                    f"convert it, e.g. to H.264 in .mp4",
                    path=name,
                )
            stream.thread_type = "AUTO"
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise VideoError(
        f"{name!r} has no video stream (it holds: {', '.join(kinds) or 'nothing'}); "
        "name a file with pictures",
        path=name,
    )


def _unreadable(path: Path, error: Exception) -> VideoError:
    reason = str(getattr(error, "strerror", None) or error)
    return VideoError(
        f"{str(path)!r} cannot be read as a video ({reason}); "
        "it is no video, is cut short, or is damaged: check that a player opens it",
        path=str(path),
    )


@dataclass(frozen=True)
class _FirstFrame:
    resolution_wh: tuple[int, int]
    rotation: int


def _first_frame(path: Path, container: InputContainer) -> _FirstFrame:
    """Decode one frame: proves that the codec works, and says how frames are shown."""
    for frame in _decoded(container, _stream(path, container)):
        # FFmpeg counts counter-clockwise; only quarter turns can be shown on a pixel grid.
        rotation = round(-frame.rotation / 90) * 90 % 360
        wh = (frame.width, frame.height)
        return _FirstFrame(wh if rotation % 180 == 0 else wh[::-1], rotation)
    name = str(path)
    raise VideoError(
        f"{name!r} holds no frame that decodes; check that a player shows it", path=name
    )


@dataclass
class _Scan:
    """What the packets of one stream say about its frames."""

    time_base: Fraction
    rate: Fraction
    durations: dict[int, int]
    keys: list[int]
    doubtful: bool = False
    cut: bool = False

    def end(self) -> Fraction:
        """Return when the last frame ends, in seconds of the container's clock."""
        last = max(self.durations)
        return last * self.time_base + (self.durations[last] * self.time_base or 1 / self.rate)

    def keep_decodable(self, frames: Iterator[av.VideoFrame]) -> None:
        """Keep only frames that really come out of the decoder."""
        seen: dict[int, int] = {}
        for frame in frames:
            pts = frame.pts
            if pts is not None and pts not in seen:
                seen[pts] = self.durations.get(pts, 0) or frame.duration
        self.durations = seen


def _scan_packets(stream: VideoStream, container: InputContainer) -> _Scan:
    """Read the packet headers of ``stream`` to the end of the file."""
    rate = stream.average_rate or stream.guessed_rate or _FALLBACK_FPS
    scan = _Scan(stream.time_base or Fraction(1, 1000), rate, {}, [])
    scan.doubtful = stream.codec_context.name in _HIDDEN_FRAMES
    count = 0
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            count += 1
            scan.doubtful |= packet.is_corrupt or packet.pts is None
            if packet.pts is None or packet.is_discard:
                continue
            scan.doubtful |= packet.pts in scan.durations or not (scan.keys or packet.is_keyframe)
            scan.durations[packet.pts] = packet.duration or 0
            if packet.is_keyframe:
                scan.keys.append(packet.pts)
    except av.error.FFmpegError:
        scan.cut = True
    # Only MP4 counts real frames; an AVI's count includes empty ones.
    scan.cut |= "mp4" in container.format.name and count < stream.frames
    scan.cut |= not scan.cut and bool(scan.durations) and _ends_early(scan, container)
    scan.doubtful |= scan.cut or bool(scan.keys and min(scan.durations) < scan.keys[0])
    return scan


def _ends_early(scan: _Scan, container: InputContainer) -> bool:
    """Return whether the file stops before the end its header announces."""
    if container.duration is None:
        return False
    announced = Fraction(container.duration + max(0, container.start_time or 0), av.time_base)
    if scan.end() > announced - _END_SLACK_S:
        return False
    # Sound may rightly outlast the pictures: only if no stream goes on is the file cut.
    container.seek(0)
    end = scan.end()
    for packet in container.demux():
        if packet.pts is not None and packet.time_base is not None:
            end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
    return end <= announced - _END_SLACK_S


def _build(path: Path, scan: _Scan, first: _FirstFrame) -> FrameIndex:
    pts = sorted(scan.durations)
    if not pts:
        name = str(path)
        raise VideoError(
            f"{name!r} holds no time stamps; put it in a container such as .mp4", path=name
        )
    base = scan.time_base
    # One division of integers rounds once; a product with 1/rate would not be exact.
    times = (np.array(pts, dtype=np.int64) - pts[0]) * base.numerator / base.denominator
    end_s = float(scan.end() - pts[0] * base)
    found: list[str] = []
    if scan.cut:
        found.append(
            f"{str(path)!r} is cut short or damaged: only its first {end_s:.1f} s "
            f"({len(pts)} frames) decode and are used"
        )
    return FrameIndex(
        tuple(pts),
        times,
        tuple(sorted(scan.keys)),
        end_s,
        first.resolution_wh,
        first.rotation,
        tuple(found),
    )


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Decode from where the container stands, passing over what is damaged."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            break
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
    try:
        yield from stream.decode(None)
    except av.error.FFmpegError:
        return


class Reader:
    """Gives the frames of one file by index, forwards, seeking where that is faster."""

    def __init__(self, path: Path, index: FrameIndex) -> None:
        self._index = index
        self._container = _open(path)
        self._stream = _stream(path, self._container)
        self._frames = _decoded(self._container, self._stream)
        self._at = index.pts[0] - 1
        self._pending: av.VideoFrame | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def frame(self, index: int) -> av.VideoFrame | None:
        """Return a frame, or None if it does not decode; ask with increasing indices."""
        wanted = self._index.pts[index]
        self._approach(wanted)
        while True:
            frame = self._pending or next(self._frames, None)
            self._pending = None
            if frame is None:
                return None
            if frame.pts is None:
                continue
            self._at = frame.pts
            if frame.pts == wanted:
                return frame
            if frame.pts > wanted:
                self._pending = frame
                return None

    def _approach(self, wanted: int) -> None:
        """Seek if a key frame lies between here and there."""
        keys = self._index.key_pts
        place = bisect.bisect_right(keys, wanted) - 1
        if place < 1 or keys[place] <= self._at + self._gap():
            return
        self._seek(keys[place])
        first = next(self._frames, None)
        if first is None or first.pts is None or first.pts > wanted:
            # The container's seek table is wrong: the slow way is the sure one.
            self._seek(self._index.pts[0])
            first = next(self._frames, None)
        self._pending = first

    def _gap(self) -> int:
        """Return how far it is quicker to decode than to seek, in time stamps."""
        span = self._index.pts[-1] - self._index.pts[0]
        return 8 * span // max(1, len(self._index.pts))

    def _seek(self, pts: int) -> None:
        self._frames.close()  # type: ignore[attr-defined]
        self._container.seek(pts, stream=self._stream, backward=True, any_frame=False)
        self._frames = _decoded(self._container, self._stream)
