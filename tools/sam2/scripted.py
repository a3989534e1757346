"""Test double: an engine that segments by colour, so that every mask is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from reelgraph._types import Image, Mask
from reelgraph.graph.tracks import decode_rle, encode_mask
from reelgraph.tools.sam2.engine import (
    BoxPrompt,
    Embedding,
    ObjectMemory,
    PointPrompt,
    Prompt,
    Proposal,
    Segmentation,
)

__all__ = ["ColourEngine"]

Rgb: TypeAlias = tuple[int, int, int]


class ColourEngine:
    """An `Engine` for made videos: every colour of a palette is one object.

    Args:
        palette: Colours that are objects; every other colour is background.
        tolerance: Greatest difference in any channel for a pixel to have a colour.
        min_pixels: Fewer pixels of a colour are taken for noise.
    """

    def __init__(self, palette: Sequence[Rgb], *, tolerance: int = 24, min_pixels: int = 8) -> None:
        self._palette = list(palette)
        self._tolerance = tolerance
        self._min_pixels = min_pixels

    @property
    def model_id(self) -> str:
        """The palette, for it decides what is found."""
        return f"scripted/colour@{self._palette}-{self._tolerance}-{self._min_pixels}"

    def embed(self, image: Image) -> Embedding:
        """Return the frame itself."""
        return Embedding((image.shape[0], image.shape[1]), image)

    def propose(self, image: Image) -> list[Proposal]:
        """Return one perfect mask for each colour that is there."""
        masks = [self._mask(image, colour) for colour in range(len(self._palette))]
        return [Proposal(mask, _box(mask), 1.0, 1.0) for mask in masks if mask.any()]

    def start(
        self, embedding: Embedding, prompts: Sequence[Prompt], frame_index: int
    ) -> list[ObjectMemory]:
        """Return memories of the colours that the prompts point to; a mask is kept as it is."""
        memories = []
        for prompt in prompts:
            colour = self._pointed_at(embedding.features, prompt)
            mask = (
                prompt if isinstance(prompt, np.ndarray) else self._mask(embedding.features, colour)
            )
            memories.append(ObjectMemory(frame_index, mask, {"colour": colour, "remembered": 0}))
        return memories

    def step(
        self,
        embedding: Embedding,
        memories: Sequence[ObjectMemory],
        frame_index: int,
        *,
        remember: bool = True,
    ) -> Segmentation:
        """Return the pixels of each object's colour."""
        shape = (len(memories), *embedding.frame_hw)
        masks = np.zeros(shape, np.bool_)
        for row, memory in enumerate(memories):
            if memory.first_frame == frame_index:
                masks[row] = memory.first_mask
                continue
            masks[row] = self.segment(embedding.features, memory)
            if remember:
                memory.state["remembered"] += 1
        return Segmentation(masks, np.array([float(mask.any()) for mask in masks], np.float64))

    def segment(self, image: Image, memory: ObjectMemory) -> Mask:
        """Return the mask of one object; override to script something else."""
        return self._mask(image, memory.state["colour"])

    def fresh(self, memory: ObjectMemory) -> ObjectMemory:
        """Return a memory of the prompt only."""
        state = {**memory.state, "remembered": 0}
        return ObjectMemory(memory.first_frame, memory.first_mask, state)

    def dump(self, memories: Sequence[ObjectMemory]) -> bytes:
        """Return memories as JSON."""
        items = [
            {
                "first_frame": memory.first_frame,
                "shape": memory.first_mask.shape,
                "mask": encode_mask(memory.first_mask).decode("ascii"),
                "state": memory.state,
            }
            for memory in memories
        ]
        return json.dumps(items).encode()

    def load(self, data: bytes) -> list[ObjectMemory]:
        """Return the memories that `dump` wrote."""
        memories = []
        for item in json.loads(data):
            height, width = item["shape"]
            mask = decode_rle(item["mask"].encode("ascii"), resolution_wh=(width, height))
            memories.append(ObjectMemory(item["first_frame"], mask, item["state"]))
        return memories

    def _mask(self, image: Image, colour: int) -> Mask:
        if colour < 0:
            return np.zeros(image.shape[:2], np.bool_)
        apart = np.abs(image.astype(np.int16) - np.array(self._palette[colour], np.int16))
        mask: Mask = np.all(apart <= self._tolerance, axis=2)
        return mask if int(mask.sum()) >= self._min_pixels else np.zeros_like(mask)

    def _pointed_at(self, image: Image, prompt: Prompt) -> int:
        """Return the colour with most pixels where the prompt points; -1 if there is none."""
        area = _area(image.shape[:2], prompt)
        counts = [int((self._mask(image, c) & area).sum()) for c in range(len(self._palette))]
        return int(np.argmax(counts)) if max(counts, default=0) else -1


def _area(shape: tuple[int, ...], prompt: Prompt) -> Mask:
    """Return the pixels that a prompt names."""
    if isinstance(prompt, np.ndarray):
        return prompt
    area = np.zeros(shape, np.bool_)
    if isinstance(prompt, BoxPrompt):
        left, top, right, bottom = (round(side) for side in prompt.xyxy)
        area[top:bottom, left:right] = True
    if isinstance(prompt, PointPrompt):
        labels = prompt.labels or (1,) * len(prompt.points_xy)
        for (x, y), label in zip(prompt.points_xy, labels, strict=True):
            if label:
                area[int(y), int(x)] = True
    return area


def _box(mask: Mask) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
