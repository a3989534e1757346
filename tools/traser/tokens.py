"""TRASER's words: the prompts of its four tasks, and the tokenizer of the model's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reelgraph._optional import require
from reelgraph.errors import SettingsError
from reelgraph.tools.traser.arrangement import PromptIds, SpecialIds
from reelgraph.tools.traser.options import InputPath, Task

__all__ = ["TASK_TEXTS", "TraserTokens", "load_tokens", "task_text"]

TASK_TEXTS: Final[dict[Task, str]] = {
    "scene_graph": "Output the Video Scene Graph",
    "relationships": "List all objects and their relationships",
    "attributes": "List all objects and their attributes",
    "objects": "List all objects",
}
"""What each task asks for (TRASER specification, 6)."""

_FROM: Final = " from the video and object trajectories:\n"
_SYSTEM: Final = "You are a helpful assistant."
_FILES: Final = ("vocab.json", "merges.txt")
_WORDS: Final = {
    "trajectory_start": "<obj_traj_start>",
    "trajectory_end": "<obj_traj_end>",
    "vision_start": "<|vision_start|>",
    "vision_end": "<|vision_end|>",
    "video_pad": "<|video_pad|>",
    "pad": "<|endoftext|>",
}


def task_text(task: Task, path: InputPath = "github") -> str:
    """Return what stands before the video in a task's prompt.

    The model card's program writes "video" in lower case.
    """
    text = TASK_TEXTS[task] + _FROM
    return text.replace("Video", "video") if path == "hub" else text


class TraserTokens:
    """Turns the words of prompts and answers into token ids.

    Attributes:
        tokenizer: The Hugging Face tokenizer; None where ``encode`` was given alone.
        special: Ids of the special tokens.
    """

    def __init__(
        self,
        encode: Callable[[str], Sequence[int]],
        *,
        special: SpecialIds | None = None,
        tokenizer: Any = None,
    ) -> None:
        """Use ``encode``, which gives the ids of a text and adds nothing."""
        self.special = special or SpecialIds()
        self.tokenizer = tokenizer
        self._plain = encode
        self._labels: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the ids of a text; special tokens in it count as such."""
        return tuple(self._plain(text))

    def _label(self, text: str) -> tuple[int, ...]:
        """Return the ids of a label; there are few, and each is asked for often."""
        if text not in self._labels:
            self._labels[text] = self.encode(text)
        return self._labels[text]

    def object_label(self, number: int) -> tuple[int, ...]:
        """Return the ids of ``"Object k: "``, the space behind it a token of its own."""
        return self._label(f"Object {number}: ")

    def window_label(self, start_s: int, end_s: int) -> tuple[int, ...]:
        """Return the ids of ``"<a - b sec>"``."""
        return self._label(f"<{start_s} - {end_s} sec>")

    def prompt(self, task: Task, *, path: InputPath = "github", answer: str = "") -> PromptIds:
        """Return the ids around the objects of a prompt (TRASER specification, 6).

        Args:
            task: What to ask for.
            path: Which official program's wording to use.
            answer: The answer to train on, closed as a turn; empty to let the model write.
        """
        # The model card's program lets the chat template place the video, which writes no
        # newline behind it.
        return self.turns(task_text(task, path), "" if path == "hub" else "\n", answer)

    def turns(self, before: str, behind: str, answer: str = "") -> PromptIds:
        """Return the ids of a chat whose user says something with a video in it.

        Args:
            before: What the user says before the video.
            behind: What the user says after it.
            answer: The answer to train on; empty to let the model write.
        """
        return PromptIds(
            self.encode(f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n")
            + self.encode(f"<|im_start|>user\n{before}"),
            self.encode(f"{behind}<|im_end|>\n") + self.encode("<|im_start|>assistant\n"),
            self.encode(f"{answer}<|im_end|>\n") if answer else (),
        )


def load_tokens(folder: str | Path) -> TraserTokens:
    """Load the tokenizer of a model's folder: ``vocab.json``, ``merges.txt`` and added tokens.

    Raises:
        SettingsError: If the files are missing, or their special tokens are not TRASER's.
        MissingDependencyError: If transformers is not installed.
    """
    transformers = require("transformers", extra="traser", feature="TRASER")
    missing = [name for name in _FILES if not (Path(folder) / name).is_file()]
    if missing and not (Path(folder) / "tokenizer.json").is_file():
        raise SettingsError(
            f"no tokenizer in {str(folder)!r}: {', '.join(missing)} missing; take the files of "
            "UWGZQ/TRASER (vocab.json, merges.txt, added_tokens.json, tokenizer_config.json)"
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    known = tokenizer.get_vocab()
    unknown = [word for word in _WORDS.values() if word not in known]
    if unknown:
        raise SettingsError(
            f"the tokenizer in {str(folder)!r} does not know {', '.join(unknown)}; take "
            "added_tokens.json and tokenizer_config.json of UWGZQ/TRASER"
        )

    special = SpecialIds(**{name: known[word] for name, word in _WORDS.items()})
    return TraserTokens(_Encoder(tokenizer), special=special, tokenizer=tokenizer)


@dataclass(frozen=True)
class _Encoder:
    """Encodes with a Hugging Face tokenizer; unlike a closure, it can go to a worker process."""

    tokenizer: Any

    def __call__(self, text: str) -> Sequence[int]:
        ids: Sequence[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
