"""The running model: clips in, the text of an answer for each prompt out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reelgraph._types import Floats
from reelgraph.errors import SettingsError
from reelgraph.progress import Progress, Stage
from reelgraph.tools.traser.arrangement import Latents
from reelgraph.tools.traser.choosing import Sampling
from reelgraph.tools.traser.config import TraserConfig
from reelgraph.tools.traser.decoding import STOP_IDS, Decoder, DecodingRules, Ending
from reelgraph.tools.traser.embedding import prompt_embeddings, video_features
from reelgraph.tools.traser.inputs import ClipInput, Pass
from reelgraph.tools.traser.language import LanguageModel
from reelgraph.tools.traser.loading import load_model
from reelgraph.tools.traser.model import TraserModel, pick_device, pick_precision
from reelgraph.tools.traser.tokens import TraserTokens, load_tokens
from reelgraph.tools.traser.weights import Weights, find_weights

if TYPE_CHECKING:
    import torch

__all__ = ["Engine", "Written", "load_engine", "rules_of", "tokenizer_folder"]

_PENALTY = 1.05
# What the model card's program sets; so cold that it draws the best token all but surely.
_HUB_SAMPLING = Sampling(temperature=1e-6, top_p=0.9, seed=42)


class Written(NamedTuple):
    """An answer.

    Attributes:
        part: The prompt that it answers.
        bounds_s: When each frame that the model saw begins, and the end of the last.
        text: What it wrote, without special tokens.
        ending: Why the text ended.
    """

    part: Pass
    bounds_s: Floats
    text: str
    ending: Ending


class Engine(Protocol):
    """What the generator needs of a model."""

    @property
    def tokens(self) -> TraserTokens:
        """The words of prompts."""

    @property
    def latents(self) -> Latents:
        """Vectors that each resampler writes."""

    def write(self, clips: Iterable[ClipInput], progress: Progress) -> Iterator[Written]:
        """Answer every prompt of every clip, in order."""


class _Prompt(NamedTuple):
    """A prompt that waits for its batch; the clip's pixels are not held any longer."""

    part: Pass
    bounds_s: Floats
    vectors: torch.Tensor


@dataclass(eq=False)
class TraserEngine:
    """The model with its tokenizer, ready to write."""

    model: TraserModel
    tokens: TraserTokens
    latents: Latents
    rules: DecodingRules
    config: TraserConfig

    def write(self, clips: Iterable[ClipInput], progress: Progress) -> Iterator[Written]:
        """Answer every prompt of every clip, in order.

        Raises:
            ModelOutputError: If the model computes numbers that are not finite.
        """
        decoder = Decoder(
            LanguageModel(self.model), self.rules, self.config.decoding, text_of=self._text
        )
        waiting: list[_Prompt] = []
        for prompt in self._prompts(clips, progress):
            waiting.append(prompt)
            if len(waiting) == self.config.batch_size:
                yield from self._answers(decoder, waiting, progress)
                waiting = []
        yield from self._answers(decoder, waiting, progress)

    def _prompts(self, clips: Iterable[ClipInput], progress: Progress) -> Iterator[_Prompt]:
        import torch

        for clip in clips:
            if not clip.passes:
                continue
            frames = clip.frames
            steps = frames.grid.steps
            with torch.inference_mode(), progress.stage("TRASER: vision", steps) as stage:
                # Bytes travel to the device, a quarter of what their rows take.
                rows = partial(frames.rows, device=self.model.device)
                seen = video_features(self.model, rows, frames.grid, advance=stage.advance)
            for part in clip.passes:
                with torch.inference_mode():
                    vectors = prompt_embeddings(self.model, seen, part.arrangement)
                yield _Prompt(part, frames.bounds_s, vectors)

    def _answers(
        self, decoder: Decoder, prompts: Sequence[_Prompt], progress: Progress
    ) -> Iterator[Written]:
        if not prompts:
            return
        with progress.stage("TRASER: writing") as stage:
            told = _Speedometer(stage)
            decoded = decoder.write([prompt.vectors for prompt in prompts], told)
        for prompt, answer in zip(prompts, decoded, strict=True):
            yield Written(prompt.part, prompt.bounds_s, self._text(answer.ids), answer.ending)

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self.tokens.tokenizer.decode(list(ids), skip_special_tokens=True)
        return text


@dataclass
class _Speedometer:
    """Tells a stage how many tokens are written, and how many a second."""

    stage: Stage
    before: int = 0

    def __call__(self, tokens: int, seconds: float) -> None:
        self.stage.advance(tokens - self.before)
        self.before = tokens
        self.stage.note(f"{tokens} tokens, {tokens / max(seconds, 1e-9):.0f} tokens/s")


def load_engine(config: TraserConfig, progress: Progress) -> TraserEngine:
    """Load the weights and the tokenizer.

    Raises:
        SettingsError: If the device, the weights or the tokenizer are not there, or do not
            belong together.
        MissingDependencyError: If a package is not installed.
    """
    device = pick_device(config.device)
    weights = find_weights(config.model, config.revision)
    with progress.stage("TRASER: loading weights", 1) as stage:
        stage.note(f"{weights.bytes / 1e9:.1f} GB to {device}")
        model = load_model(weights, pick_precision(config.dtype, device), device)
        tokens = load_tokens(tokenizer_folder(config, weights))
        stage.advance()
    _check_vocabulary(model, tokens)
    latents = Latents(len(model.otr.latents), len(model.twr.latents))
    return TraserEngine(model, tokens, latents, rules_of(config, weights), config)


def tokenizer_folder(config: TraserConfig, weights: Weights) -> Path:
    """Return the folder with the tokenizer's files: the one in the options, or the model's."""
    return Path(config.tokenizer).expanduser() if config.tokenizer else weights.folder


def rules_of(config: TraserConfig, weights: Weights) -> DecodingRules:
    """Return what is written: the model's own generation settings and the path's.

    On the GitHub path the best token is taken, on the Hub path tokens are drawn
    (specification, 3.5 and 7).
    """
    own = _generation_settings(weights)
    stops = own.get("eos_token_id") or STOP_IDS
    penalty = config.repetition_penalty or own.get("repetition_penalty", _PENALTY)
    return DecodingRules(
        max_new_tokens=config.max_new_tokens,
        repetition_penalty=float(penalty),
        sampling=_HUB_SAMPLING if config.path == "hub" else None,
        stop_ids=(stops,) if isinstance(stops, int) else tuple(stops),
        stop_loops=config.stop_loops,
    )


def _generation_settings(weights: Weights) -> dict[str, Any]:
    path = weights.folder / "generation_config.json"
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{str(path)!r} cannot be read as JSON ({error})") from error
    return settings if isinstance(settings, dict) else {}


def _check_vocabulary(model: TraserModel, tokens: TraserTokens) -> None:
    rows, largest = len(model.embedding.weight), max(tokens.special)
    if largest >= rows:
        raise SettingsError(
            f"the tokenizer has a special token {largest} and the model only {rows} rows; they "
            "do not belong together. Take both from UWGZQ/TRASER, or set tokenizer=FOLDER"
        )
