"""Video files: true times, the right pixels, and one sentence for each kind of bad file."""

from __future__ import annotations

import hashlib
import math
import warnings
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import VideoError, VideoWarning
from reelgraph.tools.video import Video
from reelgraph.tools.video_index import FrameIndex

LONG_MS = tuple(range(0, 6000, 40))


def noise(index: int, width: int, height: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 255, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory, make_video) -> Path:
    """150 frames of 40 ms, a key frame every 12."""
    return make_video(tmp_path_factory.mktemp("long") / "long.mp4", times_ms=LONG_MS)


def test_info_describes_the_file(long_clip):
    info = Video.open(long_clip).info
    assert info.path == str(long_clip)
    assert info.sha256 == hashlib.sha256(long_clip.read_bytes()).hexdigest()
    assert (info.frame_count, info.resolution_wh, info.rotation) == (150, (64, 48), 0)
    assert info.duration_s == pytest.approx(6.0)
    assert info.fps == pytest.approx(25.0)


def test_a_known_hash_is_not_computed_again(long_clip):
    assert Video.open(long_clip, sha256="ab" * 32).info.sha256 == "ab" * 32


@pytest.mark.parametrize(
    "times_ms",
    [(0, 40, 80), (0, 10, 100, 101, 500, 2000, 2001), (5000, 5040, 5400), (0,)],
    ids=["constant", "variable", "late start", "one frame"],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_times_are_the_presentation_times(tmp_path, make_video, frame_number, times_ms, name):
    video = Video.open(make_video(tmp_path / name, times_ms=times_ms))
    expected = [(time - times_ms[0]) / 1000 for time in times_ms]
    assert video.times_s.tolist() == pytest.approx(expected, abs=1e-9)
    frames = list(video.frames())
    assert [frame.index for frame in frames] == list(range(len(times_ms)))
    assert [frame.time_s for frame in frames] == video.times_s.tolist()
    assert [frame_number(frame.image) for frame in frames] == list(range(len(times_ms)))
    assert video.end_s > expected[-1]
    assert video.info.duration_s == video.end_s


@pytest.mark.parametrize(
    ("codec", "name", "pix_fmt"),
    [
        ("libx265", "a.mp4", "yuv420p"),
        ("libvpx", "a.webm", "yuv420p"),
        ("libvpx-vp9", "a.webm", "yuv420p"),
        ("mpeg4", "a.avi", "yuv420p"),
        ("mjpeg", "a.mov", "yuvj420p"),
        ("libx264", "a.ts", "yuv420p"),
    ],
)
def test_containers_and_codecs(tmp_path, make_video, codec, name, pix_fmt):
    video = Video.open(make_video(tmp_path / name, codec=codec, pix_fmt=pix_fmt))
    assert video.times_s.tolist() == pytest.approx([k * 0.04 for k in range(10)])
    assert [frame.index for frame in video.frames()] == list(range(10))
    assert video.warnings == ()


@pytest.mark.parametrize(
    ("rotation", "corner"), [(0, (0, 0)), (90, (0, 1)), (180, (1, 1)), (270, (1, 0))]
)
def test_rotation_is_applied(tmp_path, make_video, rotation, corner):
    """The picture's top left quarter is black; turned clockwise it goes round."""
    video = Video.open(make_video(tmp_path / "clip.mp4", rotation=rotation))
    shown = (64, 48) if rotation % 180 == 0 else (48, 64)
    assert video.info.rotation == rotation
    assert video.info.resolution_wh == shown
    image = next(video.frames()).image
    assert image.shape == (shown[1], shown[0], 3)
    corners = {(r, c): image[-4 * r or 4, -4 * c or 4].mean() for r in (0, 1) for c in (0, 1)}
    assert min(corners, key=corners.__getitem__) == corner
    small = next(video.frames(resolution_wh=(20, 30))).image
    assert small.shape == (30, 20, 3)


@pytest.mark.parametrize(
    ("size", "pix_fmt", "name"),
    [
        ((8, 8), "yuv420p", "small.mp4"),
        ((4096, 64), "yuv420p", "wide.mp4"),
        ((63, 47), "yuv444p", "odd.mkv"),
        ((64, 48), "yuv420p", "a b  é 视频 %03d.mp4"),
        ((64, 48), "yuv420p", "scheme:name.mp4"),
    ],
)
def test_unusual_sizes_and_names(tmp_path, make_video, size, pix_fmt, name, monkeypatch):
    make_video(tmp_path / name, size=size, pix_fmt=pix_fmt)
    monkeypatch.chdir(tmp_path)
    video = Video.open(name)
    assert video.info.resolution_wh == size
    frames = list(video.frames())
    assert {frame.image.shape for frame in frames} == {(size[1], size[0], 3)}
    assert len(frames) == 10


@pytest.mark.parametrize(
    ("fps", "window", "expected"),
    [
        (None, (0.0, 0.2), [0, 1, 2, 3, 4]),
        (5, (0.0, None), list(range(0, 150, 5))),
        (25, (0.0, None), list(range(150))),
        (1000, (5.9, None), [148, 149]),
        (10, (0.0, 0.5), [0, 2, 5, 7, 10, 12]),
        (1, (2.0, 4.0), [50, 75]),
        (1, (2.1, 2.9), []),
        (0.01, (0.0, None), [0]),
    ],
)
def test_sampling_by_time(long_clip, fps, window, expected):
    start, end = window
    video = Video.open(long_clip)
    frames = list(video.frames(fps=fps, start_s=start, end_s=end, resolution_wh=(8, 8)))
    assert [frame.index for frame in frames] == expected
    assert [frame.time_s for frame in frames] == video.times_s[expected].tolist()


def test_sampling_follows_time_not_index_when_the_rate_varies(tmp_path, make_video):
    # A burst of frames in the first 90 ms, then one frame each second.
    times = [*range(0, 100, 10), 1000, 2000, 3000]
    video = Video.open(make_video(tmp_path / "vfr.mkv", times_ms=times))
    assert [frame.time_s for frame in video.frames(fps=1)] == [0.0, 1.0, 2.0, 3.0]


@given(
    st.lists(st.integers(1, 3000), max_size=40),
    st.sampled_from([0.3, 1, 2, 5, 12.5, 29.97, 1000, 1e12]),
)
def test_sampling_takes_the_frame_nearest_to_each_multiple(steps, fps):
    times = np.concatenate([[0], np.cumsum(steps)]) / 1000
    index = FrameIndex((), times, (), float(times[-1]) + 0.04, (8, 8), 0, ())
    taken = Video(Path("unused.mp4"), index)._sample(fps)
    if fps > 1000:
        assert taken.tolist() == list(range(len(times)))
        return
    grid = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
    distances = np.abs(times[None, :] - grid[:, None])
    best = distances.min(axis=1, keepdims=True)
    # Ties go either way by rounding in this check, so it allows both.
    allowed = [set(np.flatnonzero(row)) for row in distances <= best + 1e-6]
    assert all(choices & set(taken.tolist()) for choices in allowed)
    assert set(taken.tolist()) <= set().union(*allowed)
    assert len(taken) <= len(grid)


def test_windows_partition_the_whole(long_clip):
    video = Video.open(long_clip)
    whole = [frame.index for frame in video.frames(fps=7, resolution_wh=(8, 8))]
    parts = [
        frame.index
        for start in range(6)
        for frame in video.frames(fps=7, start_s=start, end_s=start + 1, resolution_wh=(8, 8))
    ]
    assert parts == whole


@pytest.mark.parametrize(
    ("times_s", "expected"),
    [
        ([5.5], [137]),
        ([0.039, 0.04, 0.079], [0, 1]),
        ([5.99, 0.0, 3.0], [0, 75, 149]),
        ([-1.0, 99.0], [0, 149]),
        ([], []),
    ],
)
def test_frames_at_gives_the_frames_shown_then(long_clip, frame_number, times_s, expected):
    frames = list(Video.open(long_clip).frames_at(times_s))
    assert [frame.index for frame in frames] == expected
    assert [frame_number(frame.image) for frame in frames] == [index % 50 for index in expected]


def test_seeking_gives_the_same_pixels_as_reading_through(long_clip):
    video = Video.open(long_clip)
    through = {frame.index: frame.image for frame in video.frames()}
    for time in video.times_s[::17]:
        (frame,) = video.frames_at([float(time)])
        assert np.array_equal(frame.image, through[frame.index])


def test_iterators_are_independent(long_clip):
    video = Video.open(long_clip)
    pairs = zip(video.frames(start_s=1.0, end_s=1.2), video.frames(end_s=0.2), strict=True)
    assert [(a.index, b.index) for a, b in pairs] == [(25 + k, k) for k in range(5)]


@pytest.mark.parametrize("arguments", [{"fps": 0}, {"fps": math.nan}, {"resolution_wh": (0, 9)}])
def test_impossible_sampling_is_refused(long_clip, arguments):
    with pytest.raises(ValueError, match="must be positive"):
        Video.open(long_clip).frames(**arguments)


# ---------------------------------------------------------------- files that are wrong


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def no_frames(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("missing.mp4", lambda path: None, "there is no file"),
        ("folder.mp4", lambda path: path.mkdir(), "not a file"),
        ("empty.mp4", lambda path: path.write_bytes(b""), "empty"),
        ("text.mp4", lambda path: path.write_text("hello\n" * 500), "cannot be read"),
        ("notes.txt", lambda path: path.write_text("hello\n" * 500), "text file"),
        (
            "subtitles.srt",
            lambda path: path.write_text("1\n00:00:00,0 --> 00:00:01,0\nhi\n"),
            "no video stream",
        ),
        ("audio.mp4", audio_only, "no video stream .*audio"),
        ("nothing.mkv", no_frames, "no frame|cannot be read"),
    ],
)
def test_what_is_no_video_gets_one_sentence(tmp_path, name, write, reason):
    path = tmp_path / name
    write(path)
    with pytest.raises(VideoError, match=reason) as caught:
        Video.open(path)
    message = str(caught.value)
    assert repr(str(path)) in message
    assert "\n" not in message
    assert ";" in message, "the fix follows the problem"
    assert caught.value.path == str(path)


def test_unknown_codec(tmp_path, make_video):
    path = make_video(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(VideoError, match=r"codec that cannot be decoded here; convert it"):
        Video.open(path)


def test_a_playlist_cannot_reach_the_network(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(VideoError):
        Video.open(path)


@pytest.mark.parametrize(
    ("name", "options"), [("cut.mp4", {"movflags": "faststart"}), ("cut.mkv", {})]
)
def test_a_truncated_file_is_used_as_far_as_it_goes(tmp_path, make_video, name, options):
    path = make_video(tmp_path / name, times_ms=LONG_MS, options=options, painter=noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.warns(VideoWarning, match="cut short"):
        video = Video.open(path)
    assert len(video.warnings) == 1
    assert 50 <= video.info.frame_count < 100
    assert video.end_s == pytest.approx(video.info.frame_count * 0.04)
    assert [frame.index for frame in video.frames()] == list(range(video.info.frame_count))


def test_damage_inside_is_noticed_while_reading(tmp_path, make_video):
    path = make_video(tmp_path / "clip.mp4", times_ms=LONG_MS, painter=noise)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 6000] = bytes(k % 251 for k in range(6000))
    path.write_bytes(data)
    video = Video.open(path)
    with pytest.warns(VideoWarning, match="do not decode"):
        frames = list(video.frames())
    indices = [frame.index for frame in frames]
    assert indices == sorted(set(indices))
    assert 100 < len(indices) < 150
    assert [frame.time_s for frame in frames] == video.times_s[indices].tolist()
    assert len(video.warnings) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(video.frames())
    assert len(video.warnings) == 1, "said once"


def test_real_clips_index_without_decoding(data_dir):
    for path in sorted((data_dir / "videos").glob("*.mp4")):
        video = Video.open(path)
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            pts = [frame.pts for frame in container.decode(stream)]
            base = stream.time_base
        expected = [float((value - pts[0]) * base) for value in pts]
        assert video.times_s.tolist() == pytest.approx(expected, abs=1e-9), path.name


@pytest.mark.parametrize("fps", [None, 5.0, 100.0])
@pytest.mark.parametrize("window", [(0.0, None), (0.5, 1.2), (1.2, 0.5), (99.0, None)])
def test_the_frames_to_come_are_known_without_decoding(tmp_path, make_video, fps, window):
    path = make_video(tmp_path / "clip.mp4", times_ms=[*range(0, 1000, 40), 1130, 1500, 1520])
    video = Video.open(path)
    options = {"fps": fps, "start_s": window[0], "end_s": window[1]}
    decoded = [frame.index for frame in video.frames(**options)]
    assert video.frame_indices(**options).tolist() == decoded
