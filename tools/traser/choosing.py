"""Which token comes next: the penalty on repetition, then the best or a drawn one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["Chooser", "Sampling"]


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: Divides the logits.
        top_p: The likeliest tokens up to this probability are drawn from.
        seed: Start of the random numbers.
    """

    temperature: float
    top_p: float
    seed: int


@dataclass(eq=False)
class Chooser:
    """Chooses the tokens of a batch (specification, 7).

    Attributes:
        penalty: Logits of tokens written before are divided by this where positive and
            multiplied where negative. The prompt does not count.
        sampling: How tokens are drawn; None takes the best.
        seen: Tokens that each row has written, ``(B, vocabulary)``.
    """

    penalty: float
    sampling: Sampling | None
    seen: torch.Tensor
    _random: torch.Generator | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        import torch

        if self.sampling is not None:
            self._random = torch.Generator(self.seen.device).manual_seed(self.sampling.seed)

    def choose(self, logits: torch.Tensor, blocked: torch.Tensor | None = None) -> torch.Tensor:
        """Return the next token of each row, ``(B,)``, and remember it.

        Args:
            logits: ``(B, vocabulary)``.
            blocked: Tokens that may not come now, ``(n,)``.
        """
        import torch

        scores = logits.float()
        punished = torch.where(scores > 0, scores / self.penalty, scores * self.penalty)
        scores = torch.where(self.seen, punished, scores)
        if blocked is not None:
            scores[:, blocked] = float("-inf")
        chosen = scores.argmax(-1) if self.sampling is None else self._draw(scores, self.sampling)
        self.seen.scatter_(1, chosen[:, None], value=True)
        return chosen

    def _draw(self, scores: torch.Tensor, how: Sampling) -> torch.Tensor:
        import torch

        ordered, places = (scores / how.temperature).sort(dim=-1, descending=True)
        shares = torch.softmax(ordered, dim=-1)
        # The token that passes top_p belongs to those drawn from, so the best always does.
        beyond = shares.cumsum(-1) - shares >= how.top_p
        drawn = torch.multinomial(shares.masked_fill(beyond, 0.0), 1, generator=self._random)
        return places.gather(1, drawn)[:, 0]
