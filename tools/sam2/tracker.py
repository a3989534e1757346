"""The SAM 2 tracker: every object of a video as masks with one id, in fixed memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from reelgraph._atomic import replacing
from reelgraph.errors import MissingDependencyError, SettingsError
from reelgraph.graph.svg2_stages import (
    STAGE_FILES,
    AutomaticMasks,
    write_stage1,
    write_stage_tracks,
)
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import NO_PROGRESS, TRACKERS, Availability, ToolConfig
from reelgraph.tools.model_files import ModelFiles
from reelgraph.tools.sam2.cleanup import clean_tracks
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.device import choose_device
from reelgraph.tools.sam2.engine import Engine
from reelgraph.tools.sam2.prompts import ObjectPrompt, check_prompts
from reelgraph.tools.sam2.resuming import default_work_root, open_work, work_key
from reelgraph.tools.sam2.run import Run
from reelgraph.tools.sam2.weights import (
    PUBLISHED,
    check_model,
    find_weights,
    load_engine,
    model_identity,
)
from reelgraph.tools.video import Video

__all__ = ["Sam2Tracker"]

_SLOW = "there is no GPU, and SAM 2 takes seconds a frame on a CPU"


@TRACKERS.register("sam2")
class Sam2Tracker:
    """Finds and follows every object with SAM 2.1, as SVG2 does, in fixed memory.

    An online pass finds objects at checks; an offline pass follows each of them from its
    true first appearance; then duplicates and specks are removed (SVG2, stages 1 to 3). With
    prompts, just the objects that they point out are followed.

    A run that was killed goes on from the last part that it finished.

    Args:
        config: Options.
        engine: What segments, in place of the model that ``config`` names; for tests.
        work_root: Folder of unfinished runs; inside the platform's cache folder if None.

    Attributes:
        work_root: As given.
    """

    name: ClassVar[str] = "sam2"
    version: ClassVar[str] = "1"
    config_type: ClassVar[type[ToolConfig]] = Sam2Config

    def __init__(
        self,
        config: Sam2Config | None = None,
        *,
        engine: Engine | None = None,
        work_root: Path | None = None,
    ) -> None:
        self._config = config or Sam2Config()
        self._given_engine = engine
        self._engine = engine
        self.work_root = work_root

    @property
    def config(self) -> Sam2Config:
        """Options, all of which are part of the cache key."""
        return self._config

    @property
    def model_id(self) -> str:
        """Model and revision, part of the cache key; nothing is loaded for it."""
        if self._given_engine is not None:
            return self._given_engine.model_id
        return model_identity(self._config.model)

    def available(self) -> Availability:
        """Say whether packages, device and weights are here; the network is not touched."""
        if self._given_engine is not None:
            return Availability()
        state = check_model(self._config.model, self._config.engine)
        if not state.ok or choose_device(self._config.engine).type != "cpu":
            return state
        return Availability(slow=_SLOW)

    def keep_unfinished_in(self, folder: Path) -> None:
        """Leave unfinished runs there, unless ``work_root`` was given."""
        self.work_root = self.work_root or folder

    def models(self) -> tuple[ModelFiles, ...]:
        """Return the published models, the one in the options first."""
        first = self._config.model
        return tuple(_files(name) for name in sorted(PUBLISHED, key=lambda name: name != first))

    def track(
        self,
        video: Video,
        *,
        prompts: Sequence[ObjectPrompt] | None = None,
        stages: Path | None = None,
        progress: Progress = NO_PROGRESS,
    ) -> Tracks:
        """Return the tracks of the objects of a video.

        Args:
            video: The video.
            prompts: Objects to follow, before and after the times at which they are pointed
                out; nothing else is followed then, and nothing is cleaned up. The ids count
                the prompts from 1. None finds all objects.
            stages: Folder to write SVG2's files of stages 1 to 3 to.
            progress: Receives the passes, in frames, with objects and frames per second.

        Raises:
            QueryError: If a prompt is outside the video.
            SettingsError: If the model or the device cannot be used.
            OSError: If a file cannot be written.
        """
        if prompts is not None:
            check_prompts(prompts, video.info)
        if stages is not None:
            stages.mkdir(parents=True, exist_ok=True)
        engine = self._loaded_engine()
        root = self.work_root or default_work_root()
        with open_work(root, self._key(video, prompts, stages)) as work:
            run = Run(
                engine,
                self._run_config(prompts),
                video,
                work,
                progress,
                prompts=prompts or (),
                keep_masks=stages is not None,
            )
            if prompts is None:
                run.find()
            else:
                run.point_out()
            raw = dataclasses.replace(run.follow(), warnings=run.notes)
            cleans = prompts is None
            tracks = clean_tracks(raw, self._config.cleanup, progress=progress) if cleans else raw
            if stages is not None:
                self._write_stages(stages, run.automatic_masks(), raw, tracks)
        return tracks

    def _loaded_engine(self) -> Engine:
        """Return the engine, loaded on first use."""
        if self._engine is None:
            config = self._config
            self._engine = load_engine(config.model, config.engine, config.proposals)
        return self._engine

    def _run_config(self, prompts: Sequence[ObjectPrompt] | None) -> Sam2Config:
        """Return the options of a run; what a user points out is looked for everywhere."""
        if prompts is None:
            return self._config
        return self._config.model_copy(update={"lookback_s": None})

    def _key(
        self, video: Video, prompts: Sequence[ObjectPrompt] | None, stages: Path | None
    ) -> str:
        """Return the name of the run: equal only where the outcome is equal, too."""
        return work_key(
            {
                "media": video.info.sha256,
                "tool": [self.name, self.version, self.model_id],
                "config": self._config.model_dump(mode="json"),
                "prompts": None if prompts is None else [item.fingerprint() for item in prompts],
                "masks": stages is not None,
            }
        )

    def _write_stages(
        self, folder: Path, masks: dict[int, tuple[bytes, ...]], raw: Tracks, clean: Tracks
    ) -> None:
        """Write SVG2's files of stages 1 to 3."""
        info = raw.video
        rate = max(1, round(info.fps * self._config.discovery.every_s))
        first = AutomaticMasks(info.resolution_wh, info.fps, info.frame_count, rate, masks)
        with replacing(folder / STAGE_FILES[0]) as partial:
            write_stage1(first, partial, video=info.path)
        for name, tracks in zip(STAGE_FILES[1:], (raw, clean), strict=True):
            with replacing(folder / name) as partial:
                write_stage_tracks(tracks, partial)


def _files(model: str) -> ModelFiles:
    """Say whether the weights of a published model are here."""
    published = PUBLISHED[model]
    try:
        find_weights(model)
        fix = ""
    except (SettingsError, MissingDependencyError):
        fix = f"hf download {model} {published.file}"
    return ModelFiles(
        model=model, here=not fix, bytes=published.bytes, licence=published.licence, fix=fix
    )
