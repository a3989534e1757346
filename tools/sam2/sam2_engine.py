"""SAM 2.1 as an engine: many objects at once, each with a memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reelgraph._types import Floats, Image, Masks
from reelgraph.errors import SettingsError
from reelgraph.tools.sam2.batching import batches
from reelgraph.tools.sam2.device import choose_dtype, objects_that_fit
from reelgraph.tools.sam2.engine import Embedding, ObjectMemory, Prompt, Proposal, Segmentation
from reelgraph.tools.sam2.engine_config import EngineConfig
from reelgraph.tools.sam2.memory import ObjectBank
from reelgraph.tools.sam2.network import Found, FrameFeatures, Network
from reelgraph.tools.sam2.prompting import prompt_batches
from reelgraph.tools.sam2.proposals import ProposalConfig, ProposalMaker

if TYPE_CHECKING:
    import torch

__all__ = ["Sam2Engine"]


class Sam2Engine:
    """Runs a SAM 2.1 video model for the tracker (Ravi et al., arXiv 2408.00714).

    Objects share a frame's image features and go through memory attention, mask decoder
    and memory encoder in batches; none enters the result of another, as in the plain
    ``SAM2VideoPredictor``. An object's memory holds its prompts' frames, the last
    ``num_maskmem - 1`` spatial memories and the last ``max_obj_ptrs_in_encoder - 1``
    object pointers, which is all that memory attention reads.

    Args:
        model: A ``SAM2VideoPredictor`` in eval mode on its device, see `build_model`.
        model_id: Model and revision, part of cache keys.
        config: How it is run.
        proposals: Options of the automatic masks.
    """

    def __init__(
        self,
        model: Any,
        model_id: str,
        config: EngineConfig | None = None,
        proposals: ProposalConfig | None = None,
    ) -> None:
        self.config = config or EngineConfig()
        self.network = Network(model, choose_dtype(self.config, model.device))
        self._model_id = model_id
        self._objects = objects_that_fit(self.config, model.device)
        self._proposals = ProposalMaker(model, proposals or ProposalConfig())

    @property
    def model_id(self) -> str:
        """Model and revision."""
        return self._model_id

    def embed(self, image: Image) -> Embedding:
        """Return the image features of one RGB frame, shape ``(h, w, 3)``.

        Raises:
            SettingsError: If ``image`` has another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise SettingsError(f"image must be uint8 (h, w, 3), got {image.dtype} {image.shape}")
        with self.network.running():
            features = self.network.encode_image(self._pixels(image))
        return Embedding(frame_hw=(image.shape[0], image.shape[1]), features=features)

    def propose(self, image: Image) -> list[Proposal]:
        """Return the automatic masks of one RGB frame, duplicates removed."""
        with self.network.running():
            return self._proposals.propose(image)

    def start(
        self, embedding: Embedding, prompts: Sequence[Prompt], frame_index: int
    ) -> list[ObjectMemory]:
        """Return the memory of one new object per prompt.

        A mask is taken as it is; points and boxes are segmented on this frame alone.

        Raises:
            SettingsError: If a mask has not the frame's size, or points lack labels.
        """
        memories: dict[int, ObjectMemory] = {}
        chosen = prompt_batches(
            prompts,
            frame_hw=embedding.frame_hw,
            image_size=self.config.image_size,
            limit=self._objects,
            device=self.network.model.device,
        )
        with self.network.running():
            for batch in chosen:
                found = self.network.prompted(embedding.features, batch)
                started = self._started(embedding, found, frame_index)
                memories.update(zip(batch.positions, started, strict=True))
        return [memories[position] for position in range(len(prompts))]

    def step(
        self,
        embedding: Embedding,
        memories: Sequence[ObjectMemory],
        frame_index: int,
        *,
        remember: bool = True,
    ) -> Segmentation:
        """Find each object on a frame and, if ``remember``, update its memory in place."""
        masks = np.zeros((len(memories), *embedding.frame_hw), bool)
        scores = np.zeros(len(memories))
        for position, memory in enumerate(memories):
            if memory.first_frame == frame_index:
                masks[position] = memory.first_mask
                scores[position] = memory.state.score
        with self.network.running():
            for positions, found in self.found(embedding, memories, frame_index):
                masks[positions] = self._masks(found.logits, embedding.frame_hw)
                scores[positions] = _scores(found.presence)
                if remember:
                    moments = self.network.moments(embedding.features, found, prompted=False)
                    for position, moment in zip(positions, moments, strict=True):
                        bank: ObjectBank = memories[position].state
                        bank.remember(frame_index, moment, self.network.reach)
        return Segmentation(masks=masks, scores=scores)

    def found(
        self, embedding: Embedding, memories: Sequence[ObjectMemory], frame_index: int
    ) -> Iterator[tuple[list[int], Found]]:
        """Yield, batch by batch, positions in ``memories`` and what the model says of them.

        Objects whose prompt was given on this very frame are left out.
        """
        asked = [p for p, m in enumerate(memories) if frame_index not in m.state.conditioning]
        readings = [memories[p].state.read(frame_index, self.network.reach) for p in asked]
        features: FrameFeatures = embedding.features
        for batch in batches(readings, self._objects):
            found = self.network.tracked(features, [readings[row] for row in batch])
            yield [asked[row] for row in batch], found

    def fresh(self, memory: ObjectMemory) -> ObjectMemory:
        """Return a memory with the prompt's frame only, for a second pass."""
        return replace(memory, state=memory.state.fresh())

    def dump(self, memories: Sequence[ObjectMemory]) -> bytes:
        """Return memories as safetensors bytes, from which `load` goes on exactly."""
        from reelgraph.tools.sam2.snapshot import dump

        return dump(memories)

    def load(self, data: bytes) -> list[ObjectMemory]:
        """Return the memories that `dump` wrote.

        Raises:
            SettingsError: If ``data`` is damaged or not a snapshot.
        """
        from reelgraph.tools.sam2.snapshot import load

        return load(data, self.network.model.device)

    def _pixels(self, image: Image) -> torch.Tensor:
        """Resize a frame as the plain predictor does when it reads frames from a folder."""
        import torch
        from PIL import Image as Pictures

        side = self.config.image_size
        resized = np.asarray(Pictures.fromarray(image).resize((side, side)))
        return torch.from_numpy((resized / 255.0).astype(np.float32)).permute(2, 0, 1)

    def _started(
        self, embedding: Embedding, found: Found, frame_index: int
    ) -> Iterator[ObjectMemory]:
        """Return a memory for each object of a batch that its prompt segmented."""
        moments = self.network.moments(embedding.features, found, prompted=True)
        masks = self._masks(found.logits, embedding.frame_hw)
        for moment, mask, score in zip(moments, masks, _scores(found.presence), strict=True):
            bank = ObjectBank({frame_index: moment}, score=float(score))
            yield ObjectMemory(frame_index, mask.copy(), bank)

    def _masks(self, logits: torch.Tensor, frame_hw: tuple[int, int]) -> Masks:
        """Return masks at the original size, shape ``(n, h, w)``."""
        masks: Masks = (self.network.resized(logits, frame_hw)[:, 0] > 0).cpu().numpy()
        return masks


def _scores(presence: torch.Tensor) -> Floats:
    """Return how sure the model is that each object is there, 0..1, shape ``(n,)``."""
    scores: Floats = presence[:, 0].float().sigmoid().double().cpu().numpy()
    return scores
