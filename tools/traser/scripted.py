"""Test double: an engine that answers with given texts, without weights or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from reelgraph.progress import Progress
from reelgraph.tools.traser.arrangement import LATENTS, Latents
from reelgraph.tools.traser.decoding import Ending
from reelgraph.tools.traser.engine import Written
from reelgraph.tools.traser.inputs import ClipInput, Pass
from reelgraph.tools.traser.tokens import TraserTokens

__all__ = ["ScriptedEngine"]


class ScriptedEngine:
    """An `Engine` that answers each prompt with what a function of it returns.

    Frames are read and prompts are laid out as for the model; only the model is missing.

    Args:
        play: Gives the answer to a prompt about a clip.
        ending: Why each answer ended.
    """

    def __init__(self, play: Callable[[ClipInput, Pass], str], *, ending: Ending = "stop") -> None:
        self._play = play
        self._ending = ending
        self.tokens = TraserTokens(lambda text: tuple(text.encode()))
        self.latents: Latents = LATENTS

    def write(self, clips: Iterable[ClipInput], progress: Progress) -> Iterator[Written]:
        """Answer every prompt of every clip, in order."""
        for clip in clips:
            for part in clip.passes:
                with progress.stage("TRASER: writing", 1) as stage:
                    text = self._play(clip, part)
                    stage.advance()
                yield Written(part, clip.frames.bounds_s, text, self._ending)
