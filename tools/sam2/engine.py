"""What the SAM 2 tracker needs of a video segmentation model, as a Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from reelgraph._types import Floats, Image, Mask, Masks

__all__ = [
    "BoxPrompt",
    "Embedding",
    "Engine",
    "ObjectMemory",
    "PointPrompt",
    "Prompt",
    "Proposal",
    "Segmentation",
]


@dataclass(frozen=True)
class PointPrompt:
    """Clicks on one object, in pixels of the original frame.

    Attributes:
        points_xy: ``(x, y)`` of each click.
        labels: 1 for on the object, 0 for off it, one per click; all on it if empty.
    """

    points_xy: tuple[tuple[float, float], ...]
    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class BoxPrompt:
    """A box around one object.

    Attributes:
        xyxy: Left, top, right, bottom in pixels of the original frame.
    """

    xyxy: tuple[float, float, float, float]


Prompt: TypeAlias = Mask | PointPrompt | BoxPrompt
"""What points out one object on one frame; a mask is bool, shape ``(h, w)``."""


@dataclass(frozen=True)
class Embedding:
    """Image features of one frame.

    Attributes:
        frame_hw: Height and width of the original frame in pixels.
        features: The engine's own.
    """

    frame_hw: tuple[int, int]
    features: Any = None


@dataclass(frozen=True)
class Proposal:
    """One automatic mask.

    Attributes:
        mask: The pixels, shape ``(h, w)``.
        xyxy: Its box in pixels; right and bottom edges are exclusive.
        predicted_iou: The model's own estimate of the mask's quality, 0..1.
        stability_score: IoU of the mask with itself at two thresholds, 0..1.
    """

    mask: Mask
    xyxy: tuple[float, float, float, float]
    predicted_iou: float
    stability_score: float


@dataclass
class ObjectMemory:
    """What an engine remembers of one object; its size does not grow with the video.

    Attributes:
        first_frame: Frame index at which the object was pointed out.
        first_mask: The mask that its prompt gave there, shape ``(h, w)``.
        state: The engine's own; changed by `Engine.step`.
    """

    first_frame: int
    first_mask: Mask
    state: Any = None


@dataclass(frozen=True)
class Segmentation:
    """What `Engine.step` found on one frame, one row per object in the order asked.

    Attributes:
        masks: Pixels of each object at the original size, shape ``(n, h, w)``;
            all False for an object that is not in the frame.
        scores: How sure the engine is that the object is in the frame, 0..1.
    """

    masks: Masks
    scores: Floats


@runtime_checkable
class Engine(Protocol):
    """Segments chosen objects frame after frame; its memory of an object does not grow."""

    @property
    def model_id(self) -> str:
        """Model and revision, e.g. ``"facebook/sam2.1-hiera-tiny@1234abcd"``."""

    def embed(self, image: Image) -> Embedding:
        """Return the features of one RGB frame, shape ``(h, w, 3)``; once a frame."""

    def propose(self, image: Image) -> list[Proposal]:
        """Return the automatic masks of one RGB frame, duplicates removed."""

    def start(
        self, embedding: Embedding, prompts: Sequence[Prompt], frame_index: int
    ) -> list[ObjectMemory]:
        """Return the memory of one new object per prompt, conditioned on this frame."""

    def step(
        self,
        embedding: Embedding,
        memories: Sequence[ObjectMemory],
        frame_index: int,
        *,
        remember: bool = True,
    ) -> Segmentation:
        """Find each object on a frame and, if ``remember``, update its memory in place.

        ``frame_index`` counts the frames that are processed: the memory of an object
        is read by its distance in that count. An object whose prompt was given on this
        very frame gets its first mask back and remembers nothing new. An object may be
        looked for before its prompt (the offline pass).
        """

    def fresh(self, memory: ObjectMemory) -> ObjectMemory:
        """Return a memory with the prompt's frame only, for a second pass."""

    def dump(self, memories: Sequence[ObjectMemory]) -> bytes:
        """Return memories as safetensors bytes, from which `load` goes on exactly."""

    def load(self, data: bytes) -> list[ObjectMemory]:
        """Return the memories that `dump` wrote."""
