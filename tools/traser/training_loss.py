"""The training loss: next-token cross-entropy of the answers, all the way to the merger."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from reelgraph.tools.traser.arrangement import IGNORED, ArrangementBatch, batch
from reelgraph.tools.traser.embedding import prompt_embeddings, video_features
from reelgraph.tools.traser.model import TraserModel
from reelgraph.tools.traser.training_data import TrainingSample

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["MAX_LENGTH", "batch_loss", "loss_module"]

MAX_LENGTH = 20_000
"""Tokens of an arranged example; what is longer is cut on the right (specification, 10.2)."""


def batch_loss(
    model: TraserModel,
    samples: Sequence[TrainingSample],
    *,
    pad: int,
    max_length: int = MAX_LENGTH,
) -> torch.Tensor:
    """Return the mean cross-entropy over the supervised tokens of a batch.

    Logits are computed where a token is supervised only, which changes nothing but the
    memory that the others would take.

    Args:
        model: The model.
        samples: The examples, padded on the right to the longest.
        pad: Id whose vector fills the padding.
        max_length: Longest example.

    Returns:
        A scalar in float32; zero if the cut left nothing to supervise.

    Warns:
        UserWarning: If an example is cut.
    """
    import torch
    from torch.nn import functional

    layout = batch([sample.arrangement for sample in samples], pad=pad)
    length = layout.ids.shape[1]
    if length > max_length:
        warnings.warn(
            f"an example of {length} tokens is cut to {max_length}, which may cut its answer; "
            "leave examples with so many objects or windows out",
            stacklevel=2,
        )
    hidden = _hidden_states(model, layout, _padded(model, samples, layout, pad), max_length)
    wanted = torch.from_numpy(layout.labels[:, 1:max_length]).to(model.device)
    supervised = wanted != IGNORED
    logits = model.head(hidden[:, :-1][supervised]).float()
    total = functional.cross_entropy(logits, wanted[supervised], reduction="sum")
    return total / max(1, int(supervised.sum()))


def _hidden_states(
    model: TraserModel, layout: ArrangementBatch, vectors: torch.Tensor, length: int
) -> torch.Tensor:
    """Return what the language model makes of the first ``length`` places."""
    import torch

    mask = torch.from_numpy(layout.attention_mask).to(model.device)
    positions = torch.from_numpy(layout.position_ids).to(model.device)
    hidden: torch.Tensor = model.language(
        inputs_embeds=vectors[:, :length],
        attention_mask=mask[:, :length].long(),
        position_ids=positions[..., :length],
        use_cache=False,
    ).last_hidden_state
    return hidden


def _padded(
    model: TraserModel, samples: Sequence[TrainingSample], layout: ArrangementBatch, pad: int
) -> torch.Tensor:
    """Return the vectors of a batch, ``(B, L, hidden)``, padding filled with ``pad``'s."""
    import torch
    from torch.nn import utils

    vectors = utils.rnn.pad_sequence(
        [_vectors(model, sample) for sample in samples], batch_first=True
    )
    blank = model.embedding(torch.tensor([pad], device=model.device))[0]
    mask = torch.from_numpy(layout.attention_mask).to(model.device)
    return torch.where(mask[..., None], vectors, blank)


def _vectors(model: TraserModel, sample: TrainingSample) -> torch.Tensor:
    """Return an example's vectors, ``(L, hidden)``."""
    rows = partial(sample.frames.rows, device=model.device)
    features = video_features(model, rows, sample.frames.grid)
    return prompt_embeddings(model, features, sample.arrangement)


def loss_module(model: TraserModel, *, pad: int, max_length: int = MAX_LENGTH) -> nn.Module:
    """Return a module whose forward pass is `batch_loss`, as trainers want it.

    Args:
        model: The model, whose parts become the module's.
        pad: See `batch_loss`.
        max_length: See `batch_loss`.
    """
    from torch import nn

    class TraserLoss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vlm, self.otr, self.twr = model.parts()

        def forward(self, samples: Sequence[TrainingSample]) -> dict[str, torch.Tensor]:
            return {"loss": batch_loss(model, samples, pad=pad, max_length=max_length)}

    return TraserLoss()
