"""SVG2's training files: records of a video, its masks and a conversation, made into samples."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import CAMERA
from reelgraph.tools.traser.arrangement import LATENTS, Arrangement, Latents, arrange
from reelgraph.tools.traser.clips import plan_clips
from reelgraph.tools.traser.inputs import ClipFrames, sample_clip_frames, select_passes
from reelgraph.tools.traser.masks import mask_source
from reelgraph.tools.traser.options import InputConfig
from reelgraph.tools.traser.tokens import TraserTokens
from reelgraph.tools.video import Video

__all__ = [
    "TrainingData",
    "TrainingRecord",
    "TrainingSample",
    "read_records",
    "renumbered_answer",
]

_PLACE = "<video>"
_OBJECT_KEY = re.compile(r"object[ _](\d+)")


class Turn(BaseModel):
    """One side of a conversation."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    speaker: Literal["human", "gpt"] = Field(alias="from")
    value: str


class TrainingRecord(BaseModel):
    """One training example as SVG2's files hold it (TRASER specification, 10.1).

    Attributes:
        video: The video file.
        mask_json: Mask JSON: a list over video frames of a list over objects of masks.
        obj_list: Columns of the mask JSON, and numbers in the answer's ``object_N``.
        conversations: The prompt, with ``<video>`` in it, and the answer.
    """

    model_config = ConfigDict(frozen=True)

    video: Path
    mask_json: Path
    obj_list: tuple[int, ...]
    conversations: tuple[Turn, Turn]

    @model_validator(mode="after")
    def _in_order(self) -> TrainingRecord:
        if [turn.speaker for turn in self.conversations] != ["human", "gpt"]:
            raise ValueError("conversations must be one turn of 'human', then one of 'gpt'")
        if self.conversations[0].value.count(_PLACE) != 1:
            raise ValueError(f"the human turn must hold {_PLACE} once")
        return self


_RECORDS = TypeAdapter(list[TrainingRecord])


def read_records(source: str, *, seed: int = 42) -> list[TrainingRecord]:
    """Read one training file, or a random share of it.

    Args:
        source: Path of a JSON list of records; ``path%10`` takes 10 % of them. Relative
            paths in it start from its folder.
        seed: Chooses the share.

    Raises:
        GraphFormatError: If the file is not of this form.
    """
    name, _, share = source.partition("%")
    path = Path(name)
    try:
        part = float(share) / 100 if share else 1.0
        records = _RECORDS.validate_json(path.read_bytes())
    except OSError as error:
        raise GraphFormatError(f"training file {name!r} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise GraphFormatError(
            f"training file {name!r}: record {place}: {first['msg']}; it must be a list of "
            "records with video, mask_json, obj_list and conversations"
        ) from error
    except ValueError as error:
        raise GraphFormatError(
            f"{source!r} must end in a share such as %10 or in none ({error})"
        ) from error
    if not 0 < part <= 1:
        raise GraphFormatError(f"the share of {source!r} must be above 0 and at most 100")
    if part < 1:
        records = random.Random(seed).sample(records, int(len(records) * part))
    return [
        record.model_copy(
            update={
                "video": path.parent / record.video,
                "mask_json": path.parent / record.mask_json,
            }
        )
        for record in records
    ]


def renumbered_answer(text: str, numbers: Mapping[int, int]) -> str:
    """Rewrite an answer to the objects that a prompt holds (TRASER specification, 10.1).

    Objects get the numbers of the prompt and ``object k`` as their key; objects that are not
    in the prompt go, and every relationship that names one. The camera stays -1. The text is
    written with the separators that the released model was trained on.

    Args:
        text: The answer of a record, JSON with keys ``object_N``.
        numbers: For each object that the prompt holds, its number there.

    Raises:
        GraphFormatError: If the answer is not of this form.

    Example:
        >>> renumbered_answer('{"objects":[{"object_4":"cat"},{"object_2":"dog"}]}', {4: 1})
        '{"objects": [{"object 1": "cat"}]}'
    """
    try:
        answer = json.loads(text)
        entries = [(entry, _number(entry)) for entry in answer["objects"]]
        found: dict[str, list[Any]] = {
            "objects": [_renamed(entry, numbers[n]) for entry, n in entries if n in numbers]
        }
        if "relationships" in answer:
            names = {**numbers, CAMERA: CAMERA}
            found["relationships"] = [
                [names[item[0]], item[1], names[item[2]], item[3]]
                for item in answer["relationships"]
                if item[0] in names and item[2] in names
            ]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise GraphFormatError(
            f"an answer must be JSON of 'objects' and 'relationships', got {text[:80]!r} ({error})"
        ) from error
    return json.dumps(found, ensure_ascii=False)


def _number(entry: Mapping[str, Any]) -> int:
    numbers = [int(match[1]) for key in entry if (match := _OBJECT_KEY.fullmatch(key))]
    if len(numbers) != 1:
        raise ValueError(f"an object needs one key 'object_N', got {entry!r:.60}")
    return numbers[0]


def _renamed(entry: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        f"object {number}" if _OBJECT_KEY.fullmatch(key) else key: value
        for key, value in entry.items()
    }


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """One example, ready for the model.

    Attributes:
        frames: The sampled frames.
        arrangement: Prompt and answer; only the answer is supervised.
    """

    frames: ClipFrames
    arrangement: Arrangement


class TrainingData:
    """Records read on demand; item ``i`` is a `TrainingSample` (a map-style dataset).

    Attributes:
        records: The records, in order.
    """

    def __init__(
        self,
        records: Sequence[TrainingRecord],
        tokens: TraserTokens,
        *,
        latents: Latents = LATENTS,
        config: InputConfig | None = None,
    ) -> None:
        """Wrap records.

        Args:
            records: The examples.
            tokens: The model's words.
            latents: Lengths of the model's slots.
            config: How to sample and select; the official numbers if None.
        """
        self.records = tuple(records)
        self._tokens = tokens
        self._latents = latents
        self._config = config or InputConfig()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, row: int) -> TrainingSample:
        """Read one example.

        Raises:
            VideoError: If its video cannot be read.
            GraphFormatError: If its masks or answer are malformed, or none of its objects
                shows a pixel.
        """
        record = self.records[row]
        # All of an example's objects are trained on: the files are cut to what fits.
        most = max(1, len(record.obj_list))
        asked = {"objects": record.obj_list, "max_objects": most, "chunk_s": None, "max_passes": 1}
        config = self._config.model_copy(update=asked)
        video = Video.open(record.video)
        frames = sample_clip_frames(video, plan_clips(video, config)[0])
        source = mask_source(_parsed(record.mask_json))
        passes, _ = select_passes(source, frames.frame_indices, frames.grid, config)
        if not passes:
            raise GraphFormatError(
                f"no object of {str(record.mask_json)!r} shows a pixel on the sampled frames of "
                f"{str(record.video)!r}; leave the record out"
            )
        (selection,) = passes
        asks, answers = (turn.value for turn in record.conversations)
        numbers = {value: place for place, value in enumerate(selection.object_ids, start=1)}
        before, _, behind = asks.partition(_PLACE)
        arrangement = arrange(
            selection.tokens,
            grid=frames.grid,
            prompt=self._tokens.turns(before, behind, renumbered_answer(answers, numbers)),
            words=self._tokens,
            object_ids=selection.object_ids,
            latents=self._latents,
            special=self._tokens.special,
            window_s=config.window_s,
        )
        return TrainingSample(frames, arrangement)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise GraphFormatError(f"masks {str(path)!r} cannot be read: {error}") from error
