"""Writing video: H.264 in MP4, every frame at its own presentation time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from reelgraph._types import Floats
from reelgraph.errors import VideoError
from reelgraph.tools.video import Frame

__all__ = ["encode_mp4"]

CLOCK_HZ: Final = 90_000
"""Fine enough for any frame's own presentation time."""
ENCODERS: Final = ("libx264", "libopenh264")


def encode_mp4(
    path: Path, frames: Iterable[Frame], until_s: Floats, *, on_frame: Callable[[], None]
) -> None:
    """Write frames of one size as H.264 in MP4, each at its own time.

    Args:
        path: The file to write; MP4 whatever its suffix.
        frames: What to write, in order.
        until_s: By frame index, when the frame is replaced by the next, in seconds.
        on_frame: Called after each frame.

    Raises:
        VideoError: If this build of PyAV has no H.264 encoder.
        OSError: If the file cannot be written.
    """
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream: VideoStream | None = None
        shown: dict[int, int] = {}
        for frame in frames:
            pts = round(frame.time_s * CLOCK_HZ)
            shown[pts] = round(float(until_s[frame.index]) * CLOCK_HZ) - pts
            picture = _picture(frame, pts)
            stream = stream or _add_stream(container, picture)
            _mux(container, stream.encode(picture), shown)
            on_frame()
        if stream is not None:
            _mux(container, stream.encode(None), shown)


def _picture(frame: Frame, pts: int) -> av.VideoFrame:
    """Return a frame for the encoder, padded: chroma at half size needs even sides."""
    height, width = frame.image.shape[:2]
    even = np.pad(frame.image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    picture = av.VideoFrame.from_ndarray(even, format="rgb24")
    picture.pts, picture.time_base = pts, Fraction(1, CLOCK_HZ)
    return picture


def _add_stream(container: OutputContainer, picture: av.VideoFrame) -> VideoStream:
    name = next((name for name in ENCODERS if name in av.codecs_available), None)
    if name is None:
        raise VideoError(
            f"this build of PyAV has no H.264 encoder ({' or '.join(ENCODERS)}); "
            "install the wheel from PyPI: pip install --force-reinstall --only-binary :all: av"
        )
    options = {"crf": "23", "preset": "veryfast"} if name == "libx264" else {}
    stream = container.add_stream(name, options=options)
    assert isinstance(stream, VideoStream)  # noqa: S101
    stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
    return stream


def _mux(container: OutputContainer, packets: Iterable[Any], shown: dict[int, int]) -> None:
    """Write packets with the time that each is shown, which the encoder does not know."""
    for packet in packets:
        if packet.pts in shown:
            packet.duration = shown.pop(packet.pts)
        container.mux(packet)
