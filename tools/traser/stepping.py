"""How a decoding step is run: as it is, compiled, or replayed from a CUDA graph."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from reelgraph._optional import is_installed
from reelgraph.errors import SettingsError
from reelgraph.tools.traser.language import SPLIT, Cache, LanguageModel, LayerStep, layer_step

if TYPE_CHECKING:
    import torch

__all__ = ["Mode", "Stepper", "pick_mode"]

Mode: TypeAlias = Literal["auto", "eager", "graph", "compiled"]
"""``eager`` runs everywhere. ``graph`` replays a CUDA graph, which saves the time in which a
GPU waits for Python. ``compiled`` compiles a layer first (some seconds, once a process), which
saves the memory traffic between its parts."""

_WARM_UP = 3
_GRAPH_EXTENT = 2048
"""A graph is captured for each multiple of so many cached tokens."""

_logger = logging.getLogger("reelgraph")


def pick_mode(asked: Mode, device: torch.device) -> Mode:
    """Return how steps are run on a device.

    Raises:
        SettingsError: If CUDA graphs are asked for on another device.
    """
    if asked == "auto":
        if device.type != "cuda":
            return "eager"
        return "compiled" if is_installed("triton") else "graph"
    if asked == "graph" and device.type != "cuda":
        raise SettingsError(
            f"decoding='graph' replays CUDA graphs, and the device is {str(device)!r}; "
            "use decoding='auto'"
        )
    return asked


@dataclass(eq=False)
class Stepper:
    """Takes steps through the language model.

    Attributes:
        language: The language model.
        cache: What was read; its addresses stay.
        mode: How steps are run; never ``auto``.
        tokens: The token of each row, ``(B,)``; written to before a step.
        positions: Its place, ``(B,)``; written to before a step.
        may_fall_back: Whether ``compiled`` may become ``graph`` where the compiler fails.
    """

    language: LanguageModel
    cache: Cache
    mode: Mode
    tokens: torch.Tensor
    positions: torch.Tensor
    may_fall_back: bool = True
    _graphs: dict[int, tuple[Any, torch.Tensor]] = field(default_factory=dict, init=False)
    _layer_step: LayerStep = field(default_factory=lambda: layer_step, init=False)

    def __post_init__(self) -> None:
        if self.mode == "compiled":
            self._layer_step = _compiled(self.tokens.device)

    @property
    def _on_graphs(self) -> bool:
        return self.mode != "eager" and self.tokens.device.type == "cuda"

    def step(self, longest: int) -> torch.Tensor:
        """Take a step; return the logits ``(B, vocabulary)``, valid until the next step.

        Args:
            longest: The greatest of the positions, known without asking the device.
        """
        unit = _GRAPH_EXTENT if self._on_graphs else SPLIT
        extent = min(-(-(longest + 1) // unit) * unit, self.cache.capacity)
        if not self._on_graphs:
            logits: torch.Tensor = self._guarded(lambda: self._run(extent))
            return logits
        if extent not in self._graphs:
            # The old graph's memory is free before the new one asks for its own.
            self._graphs.clear()
            self._graphs[extent] = self._guarded(lambda: self._capture(extent))
        graph, logits = self._graphs[extent]
        graph.replay()
        return logits

    def _run(self, extent: int) -> torch.Tensor:
        return self.language.step(self.tokens, self.positions, self.cache, extent, self._layer_step)

    def _capture(self, extent: int) -> tuple[Any, torch.Tensor]:
        """Record a step; the runs before it settle what is chosen on the first call."""
        import torch

        current = torch.cuda.current_stream()
        aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(current)
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                self._run(extent)
        current.wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits = self._run(extent)
        return graph, logits

    def _guarded(self, work: Callable[[], Any]) -> Any:
        """Do work; where a compiler is missing or fails, do it again without."""
        try:
            return work()
        except Exception as error:
            if self._layer_step is layer_step or not self.may_fall_back:
                raise
            _logger.warning("a layer could not be compiled (%s); going on without", error)
            self._layer_step = layer_step
            self.mode = "graph" if self.tokens.device.type == "cuda" else "eager"
            return work()


def _compiled(device: torch.device) -> LayerStep:
    import torch

    # Products with a single row become reductions of their own, tuned to the device: they
    # are bound by memory, and a library made for large matrices leaves much of that unused.
    tuned: Any = {"coordinate_descent_tuning": True} if device.type == "cuda" else None
    step: LayerStep = torch.compile(layer_step, fullgraph=True, options=tuned)
    return step
