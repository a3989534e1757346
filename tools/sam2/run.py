"""One run of the tracker over one video: two passes, saved part by part."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ValidationError

from reelgraph.errors import QueryError
from reelgraph.graph.track_formats import tracks_from_bytes, tracks_to_bytes
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress, Stage
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.engine import Engine, ObjectMemory
from reelgraph.tools.sam2.finding import FindingPass, FindingState, Found
from reelgraph.tools.sam2.following import FollowingPass, FollowingState
from reelgraph.tools.sam2.parts import joined
from reelgraph.tools.sam2.prompts import ObjectPrompt
from reelgraph.tools.sam2.resuming import WorkFolder
from reelgraph.tools.sam2.schedule import Schedule
from reelgraph.tools.video import Frame, Video

__all__ = ["Run"]

_NOTE_EVERY_S = 0.5


class _State(BaseModel):
    """Where a run stands.

    Attributes:
        stage: The pass that is under way.
        saves: How often the run was saved; names the file of the memories.
        finding: Where the online pass stands.
        following: Where the offline pass stands.
        found: What the offline pass follows.
        notes: What the reader of the tracks must know.
        parts: Parts that the pass under way has finished.
        mask_parts: Parts of automatic masks.
    """

    stage: Literal["finding", "following"] = "finding"
    saves: int = 0
    finding: FindingState = FindingState()
    following: FollowingState = FollowingState()
    found: tuple[Found, ...] = ()
    notes: tuple[str, ...] = ()
    parts: int = 0
    mask_parts: int = 0


class _Pass(Protocol):
    @property
    def title(self) -> str: ...

    def step(self, position: int, frame: Frame) -> int: ...


class Run:
    """Tracks of one video, by an engine.

    Whatever is finished lies in the work folder; in memory are one frame, the objects'
    memories, and the run lengths of the part that is under way. A part border changes
    nothing, for the objects' memories go on over it: there are no windows, hence no seams
    at which an id would have to be guessed.

    Args:
        engine: The model.
        config: Options of the tracker.
        video: The video.
        work: Where the run is saved; it goes on from what lies there.
        progress: Receives one stage for each pass.
        prompts: What to follow instead of what is found, see `point_out`.
        keep_masks: Whether automatic masks are kept, for `automatic_masks`.
    """

    def __init__(
        self,
        engine: Engine,
        config: Sam2Config,
        video: Video,
        work: WorkFolder,
        progress: Progress,
        *,
        prompts: Sequence[ObjectPrompt] = (),
        keep_masks: bool = False,
    ) -> None:
        self._engine = engine
        self._config = config
        self._video = video
        self._work = work
        self._progress = progress
        self._keep_masks = keep_masks
        self._prompts = prompts
        self._schedule = Schedule(video, config, include_s=[item.time_s for item in prompts])
        self._state = self._saved_state() or _State()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of the tracks must know, in sentences."""
        return self._state.notes

    def find(self) -> None:
        """Find the objects of the video: the online pass."""
        if self._state.stage != "finding":
            return
        state = self._state.finding
        finding = FindingPass(
            self._engine, self._config, self._schedule, self._keep, state, self._memories()
        )

        def save(position: int) -> None:
            masks = self._save_masks(finding)
            standing, memories = finding.save(position)
            self._save({"finding": standing, "mask_parts": masks}, memories)

        self._sweep(finding, state.next, save)
        masks = self._save_masks(finding)
        found = finding.found
        notes = tuple(finding.warnings()) if found else ("No objects were found in this video.",)
        update = {"stage": "following", "found": found, "notes": notes, "mask_parts": masks}
        self._save({**update, "finding": FindingState()}, b"")

    def point_out(self) -> None:
        """Take the objects from the prompts; their ids count the prompts from 1.

        Raises:
            QueryError: If the frame of a prompt does not decode.
        """
        if self._state.stage != "finding":
            return
        found, notes = [], []
        for number, prompt in enumerate(self._prompts, start=1):
            position = self._schedule.position_at(prompt.time_s)
            frame = self._schedule.frame(position)
            if frame is None:
                raise QueryError(f"the frame at {prompt.time_s!r} s is damaged; choose another")
            embedding = self._engine.embed(frame.image)
            (memory,) = self._engine.start(embedding, [prompt.shape], position)
            if memory.first_mask.any():
                found.append(Found(id=number, position=position))
                self._keep(number, self._engine.fresh(memory))
            else:
                notes.append(f"Prompt {number} at {prompt.time_s:g} s gave no mask.")
        self._save({"stage": "following", "found": tuple(found), "notes": tuple(notes)}, b"")

    def follow(self) -> Tracks:
        """Return the masks of everything that was found: the offline pass."""
        state = self._state.following
        following = FollowingPass(
            self._engine,
            self._config,
            self._schedule,
            self._state.found,
            self._recall,
            self._video.info,
            state,
            self._memories(),
        )

        def save(position: int) -> None:
            standing, memories = following.save(position)
            self._save({"following": standing, "parts": self._save_part(following)}, memories)

        end = len(self._schedule)
        if state.next < end:
            self._sweep(following, state.next, save)
            parts = self._save_part(following)
            self._save({"following": FollowingState(next=end), "parts": parts}, b"")
        done = [tracks_from_bytes(self._read(f"part-{n}")) for n in range(self._state.parts)]
        return joined(done, self._video.info, end_s=self._video.end_s)

    def automatic_masks(self) -> dict[int, tuple[bytes, ...]]:
        """Return the automatic masks of the online pass by frame index (``keep_masks``)."""
        masks: dict[int, tuple[bytes, ...]] = {}
        for number in range(self._state.mask_parts):
            for index, counts in json.loads(self._read(f"masks-{number}")).items():
                masks[int(index)] = tuple(text.encode("ascii") for text in counts)
        return masks

    def _sweep(self, steps: _Pass, start: int, save: Callable[[int], None]) -> None:
        """Take a pass through the frames from a position on, saving it between parts."""
        with self._progress.stage(steps.title, len(self._schedule)) as stage:
            pace = _Pace(stage, start)
            part: int | None = None
            for position, frame in self._schedule.frames(start):
                here = self._schedule.part(position)
                if part is not None and here != part:
                    save(position)
                part = here
                pace.done(position + 1, steps.step(position, frame))

    # ------------------------------------------------------------------- what is saved

    def _save(self, update: dict[str, object], memories: bytes) -> None:
        """Save the run; the state comes last, so that it never names what is not there."""
        before = self._state.saves
        self._work.write(f"memories-{before + 1}", memories)
        self._state = self._state.model_copy(update={**update, "saves": before + 1})
        self._work.save_state(self._state.model_dump(mode="json"))
        self._work.remove(f"memories-{before}")

    def _save_part(self, following: FollowingPass) -> int:
        """Save the masks since the last time; return how many parts there are."""
        number = self._state.parts
        self._work.write(f"part-{number}", tracks_to_bytes(following.take_part()))
        return number + 1

    def _save_masks(self, finding: FindingPass) -> int:
        """Save the automatic masks since the last time; return how many parts there are."""
        number = self._state.mask_parts
        taken, finding.masks = finding.masks, {}
        if not self._keep_masks:
            return number
        texts = {index: [rle.decode("ascii") for rle in rles] for index, rles in taken.items()}
        self._work.write(f"masks-{number}", json.dumps(texts).encode())
        return number + 1

    def _keep(self, number: int, memory: ObjectMemory) -> None:
        self._work.write(f"object-{number}", self._engine.dump([memory]))

    def _recall(self, number: int) -> ObjectMemory:
        (memory,) = self._engine.load(self._read(f"object-{number}"))
        return memory

    def _memories(self) -> bytes:
        return self._read(f"memories-{self._state.saves}") if self._state.saves else b""

    def _read(self, name: str) -> bytes:
        data = self._work.read(name)
        if data is None:
            raise OSError(f"{name!r} in {str(self._work.path)!r} is gone or damaged; run again")
        return data

    def _saved_state(self) -> _State | None:
        """Return the state that lies in the work folder if all it names is there, too."""
        data = self._work.state()
        try:
            state = None if data is None else _State.model_validate(data)
        except ValidationError:
            return None
        if state is None:
            return None
        found = state.found or state.finding.found
        names = [f"memories-{state.saves}", *(f"object-{item.id}" for item in found)]
        names += [f"part-{number}" for number in range(state.parts)]
        names += [f"masks-{number}" for number in range(state.mask_parts)]
        return state if all(self._work.read(name) is not None for name in names) else None


class _Pace:
    """Reports frames done, objects and frames per second."""

    def __init__(self, stage: Stage, start: int) -> None:
        self._stage = stage
        self._start = self._done = start
        self._began = self._noted = time.monotonic()
        if start:
            stage.advance(start)

    def done(self, count: int, objects: int) -> None:
        """Report that ``count`` frames are done, the last of them with so many objects."""
        self._stage.advance(count - self._done)
        self._done = count
        now = time.monotonic()
        if now - self._noted >= _NOTE_EVERY_S:
            self._noted = now
            rate = (count - self._start) / (now - self._began)
            plural = "" if objects == 1 else "s"
            self._stage.note(f"{objects} object{plural}, {rate:.1f} frames/s")
