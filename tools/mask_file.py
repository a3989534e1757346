"""A tracker that finds nothing itself: masks that somebody else made are taken from a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from reelgraph.errors import SettingsError
from reelgraph.graph.track_formats import read_traser_masks
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import NO_PROGRESS, TRACKERS, Availability, ToolConfig
from reelgraph.tools.video import Video, hash_file

__all__ = ["MaskFileConfig", "MaskFileTracker"]


class MaskFileConfig(ToolConfig):
    """Where the masks are.

    Attributes:
        file: TRASER mask JSON: a list over the video's frames of a list over objects of COCO
            run lengths, null where an object is not seen. Objects are numbered from 1.
    """

    file: str = ""


@TRACKERS.register("masks")
class MaskFileTracker:
    """Takes objects from a file of masks (TRASER mask JSON), so that no tracker runs.

    Args:
        config: Where the masks are.

    Example:
        ``Pipeline(tracker="masks", options={"masks": {"file": "masks.json"}})``
    """

    name: ClassVar[str] = "masks"
    version: ClassVar[str] = "1"
    config_type: ClassVar[type[ToolConfig]] = MaskFileConfig

    def __init__(self, config: MaskFileConfig | None = None) -> None:
        self._config = config or MaskFileConfig()

    @property
    def config(self) -> MaskFileConfig:
        """Where the masks are."""
        return self._config

    @property
    def model_id(self) -> str:
        """SHA-256 of the file: other masks are other tracks, whatever the file's name."""
        return hash_file(self._path()) if self.available().ok else ""

    def available(self) -> Availability:
        """Say whether a file was named and is there."""
        if not self._config.file:
            return Availability(
                ok=False,
                reason="no file of masks was named",
                fix="name one: --masks FILE, or options={'masks': {'file': 'masks.json'}}",
            )
        if not self._path().is_file():
            reason = f"there is no file {self._config.file!r}"
            return Availability(ok=False, reason=reason, fix="check the name and its folder")
        return Availability()

    def track(self, video: Video, *, progress: Progress = NO_PROGRESS) -> Tracks:
        """Return the tracks that the file holds.

        Raises:
            SettingsError: If no file was named, or it is not there.
            GraphFormatError: If it is not of this form.
        """
        state = self.available()
        if not state.ok:
            raise SettingsError(f"{state.reason}; {state.fix}")
        with progress.stage("reading masks", 1) as stage:
            tracks = read_traser_masks(self._path(), video.info, video.times_s)
            stage.advance()
        return tracks

    def _path(self) -> Path:
        return Path(self._config.file).expanduser()
