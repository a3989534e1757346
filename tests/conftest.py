"""Shared fixtures: real data, small made clips, and a cache folder that no test shares."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FIRST_LEVEL, LEVEL_STEP = 20, 4


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real test data; a test that needs it skips where it is absent."""
    folder = Path(os.environ.get("REELGRAPH_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real test data not found at {folder}; set REELGRAPH_TEST_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def private_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give each test its own cache folder and no provider keys from the environment."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    for name in [key for key in os.environ if key.startswith("REELGRAPH_")]:
        if name != "REELGRAPH_TEST_DATA":
            monkeypatch.delenv(name)
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    return folder


@pytest.fixture(scope="session")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered demo clip, made once a session."""
    from reelgraph.demo.scene import render

    path = tmp_path_factory.mktemp("demo") / "clip.mp4"
    render(path)
    return path


def paint(index: int, width: int, height: int) -> np.ndarray:
    """Return frame ``index``: a grey of its own, with the top left quarter black."""
    image = np.full((height, width, 3), FIRST_LEVEL + LEVEL_STEP * (index % 50), np.uint8)
    image[: height // 2, : width // 2] = 0
    return image


def write_video(
    path: Path,
    *,
    times_ms: Sequence[int] = tuple(range(0, 400, 40)),
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    gop: int = 12,
    options: dict[str, str] | None = None,
    painter: Callable[[int, int, int], np.ndarray] = paint,
) -> Path:
    """Write a clip whose frames are shown at ``times_ms``; ``rotation`` is clockwise."""
    clock = Fraction(1, 1000)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.time_base = stream.codec_context.time_base = clock
        stream.gop_size = gop
        for index, time in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(painter(index, *size), format="rgb24")
            frame.pts, frame.time_base = time, clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if rotation:
        turn(path, rotation)
    return path


def turn(path: Path, rotation: int) -> None:
    """Ask players, in the MP4 track header, to turn the picture clockwise."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
    one = 1 << 16
    rows = (cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
    data = bytearray(path.read_bytes())
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, *rows)
    path.write_bytes(data)


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    """Write a small clip: ``make_video(path, times_ms=..., size=..., ...)``."""
    return write_video


@pytest.fixture(scope="session")
def frame_number() -> Callable[[np.ndarray], int]:
    """Read back which painted frame an image is."""

    def read(image: np.ndarray) -> int:
        return round((float(np.median(image[image.shape[0] // 2 :])) - FIRST_LEVEL) / LEVEL_STEP)

    return read
