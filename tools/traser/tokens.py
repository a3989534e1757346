"""TRASER's words: the prompts of its four tasks, and the tokenizer of the model's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
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
        self._encode = lru_cache(maxsize=4096)(lambda text: tuple(encode(text)))

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the ids of a text; special tokens in it count as such."""
        return self._encode(text)

    def object_label(self, number: int) -> tuple[int, ...]:
        """Return the ids of ``"Object k: "``, the space behind it a token of its own."""
        return self._encode(f"Object {number}: ")

    def window_label(self, start_s: int, end_s: int) -> tuple[int, ...]:
        """Return the ids of ``"<a - b sec>"``."""
        return self._encode(f"<{start_s} - {end_s} sec>")

    def prompt(self, task: Task, *, path: InputPath = "github", answer: str = "") -> PromptIds:
        """Return the ids around the objects of a prompt (TRASER specification, 6).

        Args:
            task: What to ask for.
            path: Which official program's wording to use.
            answer: The answer to train on, closed as a turn; empty to let the model write.
        """
        # The model card's program lets the chat template place the video, which writes no
        # newline behind it.
        behind = "" if path == "hub" else "\n"
        return PromptIds(
            self._encode(f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n")
            + self._encode(f"<|im_start|>user\n{task_text(task, path)}"),
            self._encode(f"{behind}<|im_end|>\n") + self._encode("<|im_start|>assistant\n"),
            self._encode(f"{answer}<|im_end|>\n") if answer else (),
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

    def encode(text: str) -> Sequence[int]:
        ids: Sequence[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    return TraserTokens(encode, special=special, tokenizer=tokenizer)
