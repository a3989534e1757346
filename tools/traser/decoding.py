"""From prompts to tokens: several at a time, until each ends, loops or is full."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

from reelgraph.tools.traser.choosing import Chooser, Sampling
from reelgraph.tools.traser.language import LanguageModel
from reelgraph.tools.traser.loops import is_periodic, repeats_relations
from reelgraph.tools.traser.stepping import Mode, Stepper, pick_mode

if TYPE_CHECKING:
    import torch

__all__ = ["STOP_IDS", "Decoded", "Decoder", "DecodingRules", "Ending", "Watch"]

STOP_IDS: Final = (151645, 151643)
"""``<|im_end|>`` and ``<|endoftext|>``, the model's own generation_config.json."""
_CHECK_EVERY: Final = 16
"""Steps between looks at what was written; a look waits for the device."""
_LOOP_EVERY: Final = 128

Ending: TypeAlias = Literal["stop", "length", "loop"]
"""Why a text ended: the model ended it, it was full, or it had begun to loop."""


class DecodingRules(NamedTuple):
    """What is written, apart from how fast (specification, 7).

    Attributes:
        max_new_tokens: Longest text.
        min_new_tokens: Shortest text: before, no token may end it.
        repetition_penalty: See `Chooser`.
        sampling: How tokens are drawn; None takes the best (the GitHub path).
        stop_ids: Tokens that end a text.
        stop_loops: Whether a text that has begun to repeat itself is ended.
    """

    max_new_tokens: int = 8192
    min_new_tokens: int = 0
    repetition_penalty: float = 1.05
    sampling: Sampling | None = None
    stop_ids: tuple[int, ...] = STOP_IDS
    stop_loops: bool = True


class Decoded(NamedTuple):
    """What was written for one prompt.

    Attributes:
        ids: Tokens, without the one that ended it.
        ending: Why it ended.
    """

    ids: tuple[int, ...]
    ending: Ending


class Watch(Protocol):
    """Is told how far decoding is."""

    def __call__(self, tokens: int, seconds: float) -> None:
        """Take the tokens written so far, over all prompts, and the seconds it took."""


@dataclass(eq=False)
class Decoder:
    """Writes texts with one model.

    Attributes:
        language: The language model.
        rules: What is written.
        mode: How steps are run.
        text_of: Turns tokens into text, for the detection of loops; None looks at tokens only.
    """

    language: LanguageModel
    rules: DecodingRules = field(default_factory=DecodingRules)
    mode: Mode = "auto"
    text_of: Callable[[Sequence[int]], str] | None = None

    def write(self, prompts: Sequence[torch.Tensor], watch: Watch | None = None) -> list[Decoded]:
        """Write a text for each prompt; a text does not depend on its neighbours.

        Prompts are read one after the other, each into its row of a cache of fixed size, and
        go on together, every row at its own place. So there is no padding on any side.

        Args:
            prompts: Vectors of each prompt, ``(L, hidden)``.
            watch: Is told how far it is.
        """
        import torch

        if not prompts:
            return []
        with torch.inference_mode():
            return _Writing(self, prompts).run(watch)


class _Writing:
    """One batch under way."""

    def __init__(self, decoder: Decoder, prompts: Sequence[torch.Tensor]) -> None:
        import torch

        self._rules = decoder.rules
        self._text_of = decoder.text_of
        language, device = decoder.language, decoder.language.device
        count, longest = len(prompts), max(map(len, prompts))
        cache = language.new_cache(count, longest + self._rules.max_new_tokens)
        logits = [language.read(prompt, cache, row) for row, prompt in enumerate(prompts)]
        self._logits = torch.stack(logits)
        self._stops = torch.tensor(self._rules.stop_ids, device=device)
        self._longest = longest
        self._stepper = Stepper(
            language,
            cache,
            pick_mode(decoder.mode, device),
            tokens=torch.zeros(count, dtype=torch.long, device=device),
            positions=torch.tensor([len(prompt) - 1 for prompt in prompts], device=device),
            may_fall_back=decoder.mode == "auto",
        )
        seen = torch.zeros((count, language.vocabulary), dtype=torch.bool, device=device)
        chooser = Chooser(self._rules.repetition_penalty, self._rules.sampling, seen)
        self._chooser = chooser
        self._fresh: list[torch.Tensor] = []
        self._written: list[list[int]] = [[] for _ in prompts]
        self._endings: list[Ending | None] = [None] * count

    def run(self, watch: Watch | None) -> list[Decoded]:
        started = time.monotonic()
        for number in range(self._rules.max_new_tokens):
            self._choose(number)
            last = number + 1 == self._rules.max_new_tokens
            if last or (number + 1) % _CHECK_EVERY == 0:
                self._look(number + 1)
                if watch is not None:
                    watch(sum(map(len, self._written)), time.monotonic() - started)
                if all(self._endings):
                    break
            if not last:
                self._logits = self._stepper.step(self._longest + number)
        return [
            Decoded(tuple(ids), ending or "length")
            for ids, ending in zip(self._written, self._endings, strict=True)
        ]

    def _choose(self, number: int) -> None:
        """Choose the next tokens, and put them where the next step takes them from."""
        blocked = self._stops if number < self._rules.min_new_tokens else None
        chosen = self._chooser.choose(self._logits, blocked)
        self._fresh.append(chosen)
        self._stepper.tokens.copy_(chosen)
        self._stepper.positions.add_(1)

    def _look(self, number: int) -> None:
        """Take what was written from the device, and see which texts have ended."""
        import torch

        fresh = torch.stack(self._fresh, dim=1).tolist()
        self._fresh.clear()
        for row, ids in enumerate(fresh):
            if self._endings[row] is None:
                self._take(row, ids)
        if self._rules.stop_loops and number % _LOOP_EVERY == 0:
            for row, written in enumerate(self._written):
                if self._endings[row] is None and self._loops(written):
                    self._endings[row] = "loop"

    def _take(self, row: int, ids: Sequence[int]) -> None:
        for token in ids:
            if token in self._rules.stop_ids:
                self._endings[row] = "stop"
                return
            self._written[row].append(token)

    def _loops(self, written: list[int]) -> bool:
        if is_periodic(written):
            return True
        return self._text_of is not None and repeats_relations(self._text_of(written))
