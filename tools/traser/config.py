"""The options of the TRASER generator: what is read, with which weights, and how it is run."""

from __future__ import annotations

from pydantic import Field

from reelgraph.tools.traser.model import DType
from reelgraph.tools.traser.options import InputConfig
from reelgraph.tools.traser.stepping import Mode
from reelgraph.tools.traser.weights import MODEL, REVISION

__all__ = ["TraserConfig"]


class TraserConfig(InputConfig):
    """How TRASER is run; `InputConfig` says how a video becomes prompts.

    By default this is the repository's official program, except that a video longer than
    the model was trained on is read in pieces, and more objects than that in several
    prompts (``chunk_s=None, max_passes=1`` does neither, as the official program).

    Attributes:
        chunk_s: See `InputConfig`.
        max_passes: See `InputConfig`.
        model: Local folder with the weights, or id on the Hugging Face Hub.
        revision: Branch, tag or commit; only for an id.
        tokenizer: Folder with the tokenizer's files; the model's own if None.
        device: ``"auto"`` (CUDA, else Apple's MPS, else the CPU), ``"cpu"``, ``"cuda:1"``, ...
        dtype: Number format. ``"auto"`` is bfloat16 on CUDA devices that compute it, else
            float16 with vision and resamplers in float32, and float32 on the CPU.
        decoding: How a decoding step is run: ``"auto"``, ``"eager"``, ``"graph"`` or
            ``"compiled"``. The tokens are the same up to rounding.
        batch_size: Prompts (pieces of a video, passes over its objects) that are decoded
            together. Each takes 37 kB of memory a token in the published model.
        max_new_tokens: Longest answer to one prompt.
        repetition_penalty: Divides the logits of what was written before; the one in the
            model's ``generation_config.json`` (1.05) if None.
        stop_loops: Whether an answer that has begun to repeat itself is ended early.
    """

    chunk_s: float | None = Field(default=128.0, ge=8, le=128)
    max_passes: int = Field(default=4, ge=1)
    model: str = Field(default=MODEL, min_length=1)
    revision: str = Field(default=REVISION, min_length=1)
    tokenizer: str | None = None
    device: str = "auto"
    dtype: DType = "auto"
    decoding: Mode = "auto"
    batch_size: int = Field(default=4, ge=1)
    max_new_tokens: int = Field(default=8192, ge=1)
    repetition_penalty: float | None = Field(default=None, gt=0)
    stop_loops: bool = True
