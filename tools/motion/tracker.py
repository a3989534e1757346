"""The embedded tracker: finds what moves, or ever moved, without any learned weights."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from threading import Event
from typing import ClassVar, TypeVar

import cv2
import numpy as np
from pydantic import Field

from reelgraph._types import Image, Mask
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.progress import NullProgress, Progress, Stage
from reelgraph.tools.base import TRACKERS, Availability, ToolConfig
from reelgraph.tools.motion.background import Background, estimate_background
from reelgraph.tools.motion.camera import Affine
from reelgraph.tools.motion.foreground import foreground
from reelgraph.tools.motion.identity import link
from reelgraph.tools.motion.parts import join_parts
from reelgraph.tools.motion.propagation import Propagator
from reelgraph.tools.motion.quality import absorb_scraps, confidence, is_thing, without_specks
from reelgraph.tools.motion.shots import Stretch, find_stretches
from reelgraph.tools.motion.sightings import Sighting
from reelgraph.tools.motion.splitting import apply_aliases, split_back
from reelgraph.tools.motion.tracklets import Collection, Tracklet
from reelgraph.tools.motion.view import Labels, View
from reelgraph.tools.video import Frame, Video

__all__ = ["MotionConfig", "MotionTracker"]

Item = TypeVar("Item")

WINDOW_FRAMES = 320
OVERLAP_FRAMES = 60
MIN_SECONDS = 0.4
MIN_SHORT_SIDE = 64


class MotionConfig(ToolConfig):
    """Options of the embedded tracker.

    Attributes:
        fps: Frames per second to process.
        long_side: Longer side of the working frames in pixels; larger videos are scaled
            down, but not below 64 pixels on the shorter side. Masks come back at the
            video's size.
        min_area: Smallest object as a share of the picture.
        max_objects: How many objects to keep, the most conspicuous ones.
    """

    fps: float = Field(12.5, gt=0)
    long_side: int = Field(320, ge=64)
    min_area: float = Field(0.0005, gt=0, lt=1)
    max_objects: int = Field(20, ge=1)


@TRACKERS.register("motion")
class MotionTracker:
    """Tracks what stands out from the background that the video itself reveals."""

    name: ClassVar[str] = "motion"
    version: ClassVar[str] = "2"
    config_type: ClassVar[type[ToolConfig]] = MotionConfig

    def __init__(self, config: MotionConfig | None = None) -> None:
        self._config = config or MotionConfig()

    @property
    def config(self) -> MotionConfig:
        """Options, all of which are part of the cache key."""
        return self._config

    def available(self) -> Availability:
        """Say that the tracker can run: it needs nothing but the core packages."""
        return Availability()

    def track(self, video: Video, *, progress: Progress = NullProgress()) -> Tracks:  # noqa: B008
        """Return the tracks of every object found in ``video``."""
        cv2.setRNGSeed(0)
        return _Run(video, self._config).tracks(progress)


class _Window:
    """Consecutive frames in memory, with their labels.

    The pixels lie in arrays that are used over and over: a fresh array per frame would
    scatter over the heap and let a long video take more memory than a short one.

    Args:
        size_wh: Size of the working frames.
    """

    def __init__(self, size_wh: tuple[int, int]) -> None:
        shape = (WINDOW_FRAMES, size_wh[1], size_wh[0])
        self._images = np.empty((*shape, 3), np.uint8)
        self._labels = np.empty(shape, np.int16)
        self._next = 0
        self.views: list[View] = []
        self.labels: list[Labels] = []

    def view(self, image: Image, mask: Mask, to_canvas: Affine) -> View:
        """Return the next frame's view, its image kept in the window."""
        slot = self._images[self._next % WINDOW_FRAMES]
        slot[:] = image
        return View(slot, mask, to_canvas)

    def add(self, view: View, labels: Labels) -> None:
        """Append a frame made by `view`, with its labels."""
        slot = self._labels[self._next % WINDOW_FRAMES]
        slot[:] = labels
        self._next += 1
        if self.views:
            self.views[-1].release()
        self.views.append(View(view.image, slot > 0, view.to_canvas))
        self.labels.append(slot)

    def drop(self, count: int) -> None:
        """Forget the first frames."""
        del self.views[:count], self.labels[:count]


def _scene(stretch: Stretch) -> tuple[Stretch, Background]:
    """Return a stretch with its background and without its samples."""
    background = estimate_background(stretch)
    stretch.samples.clear()
    return stretch, background


def _ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; the next one is made in a thread while one is used."""
    with ThreadPoolExecutor(1, "reelgraph-ahead") as worker:
        coming = worker.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = worker.submit(next, items, None)
            yield item


class _Run:
    """One pass of the tracker over one video."""

    def __init__(self, video: Video, config: MotionConfig) -> None:
        self._video = video
        self._config = config
        width, height = video.info.resolution_wh
        scale = max(config.long_side / max(width, height), MIN_SHORT_SIDE / min(width, height))
        scale = min(1.0, scale)
        self._size = max(1, round(width * scale)), max(1, round(height * scale))
        self._min_area = max(6, round(config.min_area * self._size[0] * self._size[1]))
        self._propagator = Propagator(min_area=self._min_area)
        self._collection = Collection()
        self._frame_indices: list[int] = []
        self._times: list[float] = []
        self._warnings: list[str] = []
        self._scores: dict[int, float] = {}
        self._ended = Event()

    def _frames(self) -> Iterator[Frame]:
        """Yield the frames to process; none any more once the run has ended."""
        frames = self._video.frames(fps=self._config.fps, resolution_wh=self._size)
        return takewhile(lambda _: not self._ended.is_set(), frames)

    def tracks(self, progress: Progress) -> Tracks:
        """Return the tracks."""
        frames = self._frames()
        try:
            with progress.stage("tracking objects", self._video.info.duration_s) as stage:
                scenes = _ahead(map(_scene, find_stretches(_ahead(self._frames()))))
                for number, (stretch, background) in enumerate(scenes):
                    self._follow(stretch, background, number, frames, stage)
        finally:
            self._ended.set()
        return self._finish()

    def _follow(
        self,
        stretch: Stretch,
        background: Background,
        scene: int,
        frames: Iterator[Frame],
        stage: Stage,
    ) -> None:
        """Label the frames of a stretch, window by window."""
        if stretch.after_cut:
            self._propagator.forget()
        window = _Window(self._size)
        for frame, mask, to_canvas in _ahead(self._masked(stretch, background, frames)):
            view = window.view(frame.image, mask, to_canvas)
            self._frame_indices.append(frame.index)
            stage.advance(frame.time_s - (self._times[-1] if self._times else 0.0))
            self._times.append(frame.time_s)
            window.add(view, self._propagator.step(view))
            if len(window.views) >= WINDOW_FRAMES:
                self._settle(window, background, scene, keep=OVERLAP_FRAMES)
        self._settle(window, background, scene, keep=0)

    def _masked(
        self, stretch: Stretch, background: Background, frames: Iterator[Frame]
    ) -> Iterator[tuple[Frame, Mask, Affine]]:
        """Yield the frames of a stretch with their foreground and camera pose."""
        for to_canvas, frame in zip(stretch.to_canvas, frames, strict=False):
            mask = foreground(frame.image, to_canvas, background, min_area=self._min_area)
            yield frame, mask, to_canvas

    def _settle(self, window: _Window, background: Background, scene: int, *, keep: int) -> None:
        """Settle a window's labels, write down its masks and drop all but the last frames.

        The frames that are kept can still be divided by what comes apart after them.
        """
        propagator = self._propagator
        apply_aliases(window.labels, propagator.aliases, propagator.next_number)
        parts = [t for t in propagator.born if t.split and t.number not in propagator.aliases]
        for part in parts:
            while part.parent in propagator.aliases:
                part.parent = propagator.aliases[part.parent]
        parts = [part for part in parts if part.parent != part.number]
        split_back(window.views, window.labels, parts, min_area=self._min_area)
        propagator.born.clear()
        first = len(self._times) - len(window.views)
        done = len(window.views) - keep
        for row in range(done):
            view = window.views[row]
            image = background.seen_by(view.to_canvas, self._size)[0]
            self._collection.add(view, window.labels[row], image, first + row, scene)
        window.drop(done)

    def _finish(self) -> Tracks:
        """Link the tracklets and write the masks at the video's size."""
        times = np.array(self._times)
        rate = len(times) / max(self._video.end_s, 1e-6)
        groups = link(self._things(rate), size_wh=self._size, frames_per_s=rate)
        groups = self._budget(groups)
        if not groups:
            self._warnings.append("Nothing moved in this video, so no objects were found.")
        objects = tuple(self._write(number, group) for number, group in enumerate(groups, start=1))
        return Tracks(
            video=self._video.info,
            frame_indices=np.array(self._frame_indices, np.int64),
            times_s=times,
            end_s=self._video.end_s,
            objects=objects,
            warnings=tuple(self._warnings),
        )

    def _things(self, rate: float) -> list[Tracklet]:
        """Return the tracklets that behave like things; scraps go to what they touch."""
        area = self._size[0] * self._size[1]
        joined = [without_specks(t) for t in join_parts(self._collection)]
        self._collection = Collection()
        self._scores = {t.number: confidence(t, area) for t in joined}
        things = [
            t
            for t in joined
            if is_thing(t, self._scores[t.number], min_frames=MIN_SECONDS * rate, frame_area=area)
        ]
        kept = {tracklet.number for tracklet in things}
        return absorb_scraps(things, [t for t in joined if t.number not in kept])

    def _budget(self, groups: list[list[Tracklet]]) -> list[list[Tracklet]]:
        """Return the most conspicuous groups, in order of appearance."""
        limit = self._config.max_objects
        if len(groups) > limit:
            self._warnings.append(
                f"{len(groups)} objects were found, the {limit} most conspicuous ones are kept."
            )
        kept = sorted(groups, key=lambda g: -sum(s.area for t in g for s in t.sightings))[:limit]
        return sorted(kept, key=lambda g: (g[0].first.row, g[0].first.box))

    def _write(self, number: int, group: list[Tracklet]) -> Track:
        """Return the track of one object."""
        sightings = [s for tracklet in group for s in tracklet.sightings]
        boxes, rles = [], []
        for sighting in sightings:
            mask = self._enlarge(sighting)
            ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            boxes.append((xs[0], ys[0], xs[-1] + 1, ys[-1] + 1))
            rles.append(encode_mask(mask))
        return Track(
            id=number,
            positions=np.array([s.row for s in sightings], np.int64),
            boxes_xyxy=np.array(boxes, np.float64),
            rles=tuple(rles),
            score=round(self._confidence(group), 3),
        )

    def _confidence(self, group: list[Tracklet]) -> float:
        """Return the confidence of a group: its tracklets', weighted by their length."""
        weights = [len(tracklet.sightings) for tracklet in group]
        return float(np.average([self._scores[t.number] for t in group], weights=weights))

    def _enlarge(self, sighting: Sighting) -> Mask:
        """Return a mask at the video's size."""
        small = np.zeros(self._size[::-1], np.uint8)
        x0, y0, x1, y1 = sighting.box
        small[y0:y1, x0:x1] = sighting.mask()
        if self._size == self._video.info.resolution_wh:
            return small.astype(bool)
        large = cv2.resize(small * 255, self._video.info.resolution_wh) > 127
        if not large.any():
            large = cv2.resize(
                small, self._video.info.resolution_wh, interpolation=cv2.INTER_NEAREST
            ).astype(bool)
        return np.asarray(large, bool)
