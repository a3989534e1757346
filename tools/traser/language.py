"""The language model on a cache of fixed size: reading a prompt, and one step for many.

The weights are those of the stock modules; only the way through them is written out, so
that a step has fixed shapes and addresses (which CUDA graphs need), prompts of different
lengths share a batch without padding, and no version of transformers changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from reelgraph.tools.traser.model import TraserModel

if TYPE_CHECKING:
    import torch

__all__ = ["SPLIT", "Cache", "LanguageModel", "LayerStep", "Shape", "layer_step"]

SPLIT: Final = 256
"""Cached tokens that one part of a step's attention reads; cache sizes are multiples."""


class Shape(NamedTuple):
    """Numbers of the attention, the same in every layer."""

    heads: int
    cached_heads: int
    head_size: int
    epsilon: float


class Layer(NamedTuple):
    """Weights of one layer."""

    norm: torch.Tensor
    query: tuple[torch.Tensor, torch.Tensor]
    key: tuple[torch.Tensor, torch.Tensor]
    value: tuple[torch.Tensor, torch.Tensor]
    out: torch.Tensor
    second_norm: torch.Tensor
    gate: torch.Tensor
    up: torch.Tensor
    down: torch.Tensor


LayerStep: TypeAlias = "Callable[..., torch.Tensor]"
"""`layer_step`, compiled or not."""


@dataclass(frozen=True, eq=False)
class Cache:
    """Keys and values of every layer, ``(layers, parts, B, cached_heads, SPLIT, head_size)``.

    Parts come before rows so that the first of them lie together in memory: a step looks at
    as many as are filled, without copying. 36,864 bytes a token in the published model.
    """

    keys: torch.Tensor
    values: torch.Tensor

    @property
    def capacity(self) -> int:
        """Tokens that fit in one row."""
        return int(self.keys.shape[1]) * SPLIT

    @property
    def bytes(self) -> int:
        """Memory it takes."""
        return 2 * self.keys.numel() * self.keys.element_size()


class LanguageModel:
    """Qwen2.5's layers, one way for prompts and one for steps.

    Rotary positions are those of plain text: TRASER numbers its latents like words, which
    makes all three rows of the multimodal positions equal (specification, 5.4).

    Args:
        model: The model whose weights are used; nothing is copied.
    """

    def __init__(self, model: TraserModel) -> None:
        config = model.vlm.config.text_config
        heads = config.num_attention_heads
        self.shape = Shape(
            heads=heads,
            cached_heads=config.num_key_value_heads,
            head_size=config.hidden_size // heads,
            epsilon=config.rms_norm_eps,
        )
        self._layers = [_weights(layer) for layer in model.language.layers]
        self._frequencies = model.language.rotary_emb.inv_freq
        self._norm = model.language.norm.weight
        self._embedding = model.embedding.weight
        self._head = model.head.weight

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._embedding.device

    @property
    def vocabulary(self) -> int:
        """Number of different tokens."""
        return int(self._head.shape[0])

    @property
    def step_bytes(self) -> int:
        """Weights that one step reads, in bytes: all layers and the head."""
        tensors = [*_tensors(self._layers), self._norm, self._head]
        return sum(t.numel() * t.element_size() for t in tensors)

    def new_cache(self, rows: int, tokens: int) -> Cache:
        """Return an empty cache for ``rows`` sequences of up to ``tokens`` tokens."""
        shape = self.shape
        parts = -(-tokens // SPLIT)
        size = (len(self._layers), parts, rows, shape.cached_heads, SPLIT, shape.head_size)
        # Zeros, since what is masked is still multiplied: with 0, which no NaN survives.
        keys = self._embedding.new_zeros(size)
        return Cache(keys, keys.new_zeros(size))

    def read(self, prompt: torch.Tensor, cache: Cache, row: int) -> torch.Tensor:
        """Read a prompt into a row of the cache; return the logits of its last place.

        Args:
            prompt: Vectors, ``(L, hidden)``.
            cache: Where keys and values go.
            row: The row.

        Returns:
            Logits of what comes next, ``(vocabulary,)``; no other row is ever computed.
        """
        import torch

        rotation = self._rotation(torch.arange(len(prompt), device=prompt.device)[None])
        x = prompt[None]
        for number, layer in enumerate(self._layers):
            query, key, value = _projected(x, layer, self.shape, rotation)
            _store(cache.keys[number], row, key[0])
            _store(cache.values[number], row, value[0])
            x = _finished(x, _attend_causally(query, key, value), layer, self.shape.epsilon)
        return self._logits(x[:, -1])[0]

    def step(
        self,
        tokens: torch.Tensor,
        positions: torch.Tensor,
        cache: Cache,
        extent: int,
        layer_step: LayerStep,
    ) -> torch.Tensor:
        """Take one token in every row; return the logits of the next.

        Repeating a step changes nothing: it writes the same keys and values again.

        Args:
            tokens: The token of each row, ``(B,)``.
            positions: Its place in its row, ``(B,)``.
            cache: What was read before.
            extent: Cached tokens to look at, a multiple of `SPLIT` above all positions.
            layer_step: `layer_step`, compiled or not.

        Returns:
            Logits, ``(B, vocabulary)``.
        """
        import torch

        rotation = self._rotation(positions[:, None])
        places = torch.arange(extent, device=positions.device)
        hidden = places[None] > positions[:, None]
        x = torch.nn.functional.embedding(tokens, self._embedding)[:, None]
        for number, layer in enumerate(self._layers):
            keys, values = cache.keys[number], cache.values[number]
            x = layer_step(x, layer, keys, values, rotation, positions, hidden, self.shape)
        return self._logits(x[:, -1])

    def _rotation(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return cosines and sines of positions, ``(B, 1, L, head_size)`` each."""
        import torch

        angles = positions[..., None].float() * self._frequencies.float()
        both = torch.cat((angles, angles), dim=-1)[:, None]
        dtype = self._embedding.dtype
        return both.cos().to(dtype), both.sin().to(dtype)

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        import torch

        normed = _rms_norm(x, self._norm, self.shape.epsilon)
        return torch.nn.functional.linear(normed, self._head)


def layer_step(
    x: torch.Tensor,
    layer: Layer,
    keys: torch.Tensor,
    values: torch.Tensor,
    rotation: tuple[torch.Tensor, torch.Tensor],
    positions: torch.Tensor,
    hidden: torch.Tensor,
    shape: Shape,
) -> torch.Tensor:
    """Take one token a row through one layer.

    A function of tensors alone, so that one compilation serves all layers.

    Args:
        x: ``(B, 1, hidden)``.
        layer: The weights.
        keys: The layer's cache, ``(parts, B, cached_heads, SPLIT, head_size)``; written to.
        values: As ``keys``.
        rotation: Cosines and sines of the positions.
        positions: Place of the token in each row, ``(B,)``.
        hidden: True where a cached place is not to be looked at, ``(B, extent)``.
        shape: Numbers of the attention.
    """
    import torch

    query, key, value = _projected(x, layer, shape, rotation)
    rows = torch.arange(len(x), device=x.device)
    parts, offsets = positions // SPLIT, positions % SPLIT
    keys[parts, rows, :, offsets] = key[:, :, 0]
    values[parts, rows, :, offsets] = value[:, :, 0]
    attended = _attend_cached(query, keys, values, hidden, shape)
    return _finished(x, attended, layer, shape.epsilon)


def _attend_cached(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    hidden: torch.Tensor,
    shape: Shape,
) -> torch.Tensor:
    """Attend from one token a row to the cache, in parts that run side by side.

    With one token, the heads that share a key are what fills the rows of the products, so
    keys are never repeated; the sum over the cache is split, or it would run on a handful
    of the processors of a GPU.
    """
    import torch

    count, extent = hidden.shape
    parts, groups = extent // SPLIT, shape.heads // shape.cached_heads
    q = query.view(1, count, shape.cached_heads, groups, shape.head_size) * shape.head_size**-0.5
    scores = torch.matmul(q, keys[:parts].transpose(-1, -2)).float()
    # Parts go last for the softmax over the whole cache, and first again behind it.
    whole = scores.permute(1, 2, 3, 0, 4).flatten(3)
    shares = torch.softmax(whole.masked_fill(hidden[:, None, None], float("-inf")), dim=-1)
    split = shares.view(*whole.shape[:3], parts, SPLIT).permute(3, 0, 1, 2, 4)
    summed = torch.matmul(split.to(values.dtype), values[:parts]).float().sum(dim=0)
    return summed.to(values.dtype).view(count, 1, shape.heads * shape.head_size)


def _store(cache: torch.Tensor, row: int, read: torch.Tensor) -> None:
    """Put ``(cached_heads, L, head_size)`` into a row of ``(parts, B, heads, SPLIT, size)``."""
    heads, length, size = read.shape
    whole = length // SPLIT
    full = read[:, : whole * SPLIT].view(heads, whole, SPLIT, size)
    cache[:whole, row] = full.transpose(0, 1)
    if whole * SPLIT < length:
        cache[whole, row, :, : length - whole * SPLIT] = read[:, whole * SPLIT :]


def _attend_causally(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Attend within a prompt: ``(B, heads, L, head_size)`` to ``(B, L, hidden)``."""
    import torch

    # Grouped heads inside torch's attention need a kernel that older GPUs do not have; they
    # would fall back to one that stores all L x L scores (specification, 9).
    groups = query.shape[1] // key.shape[1]
    key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    out = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    return out.transpose(1, 2).flatten(2)


def _projected(
    x: torch.Tensor,
    layer: Layer,
    shape: Shape,
    rotation: tuple[torch.Tensor, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return queries, keys and values, ``(B, heads, L, head_size)``, the first two rotated."""
    import torch

    normed = _rms_norm(x, layer.norm, shape.epsilon)
    query, key, value = (
        torch.nn.functional.linear(normed, *weights)
        .view(*x.shape[:2], -1, shape.head_size)
        .transpose(1, 2)
        for weights in (layer.query, layer.key, layer.value)
    )
    return _rotated(query, rotation), _rotated(key, rotation), value


def _rotated(x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    import torch

    cosine, sine = rotation
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


def _finished(
    x: torch.Tensor, attended: torch.Tensor, layer: Layer, epsilon: float
) -> torch.Tensor:
    """Return a layer's output: what was attended to, then the feed-forward block."""
    import torch

    linear, silu = torch.nn.functional.linear, torch.nn.functional.silu
    x = x + linear(attended, layer.out)
    normed = _rms_norm(x, layer.second_norm, epsilon)
    return x + linear(silu(linear(normed, layer.gate)) * linear(normed, layer.up), layer.down)


def _rms_norm(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    import torch

    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + epsilon)
    return weight * wide.to(x.dtype)


def _weights(layer: Any) -> Layer:
    attention, block = layer.self_attn, layer.mlp
    return Layer(
        norm=layer.input_layernorm.weight,
        query=(attention.q_proj.weight, attention.q_proj.bias),
        key=(attention.k_proj.weight, attention.k_proj.bias),
        value=(attention.v_proj.weight, attention.v_proj.bias),
        out=attention.o_proj.weight,
        second_norm=layer.post_attention_layernorm.weight,
        gate=block.gate_proj.weight,
        up=block.up_proj.weight,
        down=block.down_proj.weight,
    )


def _tensors(layers: list[Layer]) -> list[torch.Tensor]:
    flat: list[torch.Tensor] = []
    for layer in layers:
        for item in layer:
            flat.extend(item if isinstance(item, tuple) else (item,))
    return flat
