"""The message that puts a question to a chat model, with all that an arm shows."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage

from reelgraph.eval.benchmarks.question import Captions, Question
from reelgraph.eval.scoring import letter
from reelgraph.eval.showing import Shown
from reelgraph.graph.serialize import estimate_tokens
from reelgraph.prompts import Prompt, load_prompt

__all__ = ["FRAME_TOKENS", "message", "prompt_of", "question_text", "tokens_of"]

FRAME_TOKENS = 1000
"""What one frame is taken to cost in an estimate; providers count 250 to 1,600."""
_GRAPH = (
    "Scene graph of the video, one statement a line: time in seconds, subject, predicate, object. "
    "A statement that is missing may still be true.\n<graph>\n{}\n</graph>"
)
_CAPTIONS = "Captions by second, written by a machine:\n<captions>\n{}\n</captions>"


def prompt_of(question: Question) -> Prompt:
    """Return the prompt for a question with options, or for an open one."""
    return load_prompt("eval_choice" if question.choices else "eval_open")


def question_text(question: Question, shown: Shown) -> str:
    """Return the text of the message; frames are attached apart."""
    values = {
        "given": _given(shown),
        "material": _material(shown),
        "question": " ".join(question.text.split()),
    }
    if question.choices:
        lines = (f"{letter(i)}. {' '.join(c.split())}" for i, c in enumerate(question.choices))
        values["options"] = "\n".join(lines)
    return prompt_of(question).render(**values)


def message(text: str, shown: Shown) -> HumanMessage:
    """Return the message with its frames, those first.

    Raises:
        VideoError: If the video cannot be read.
    """
    if not shown.frames or shown.video is None:
        return HumanMessage(text)
    from reelgraph.agent.look import Camera

    pictures = Camera(shown.video, None).images({"frames_s": list(shown.frames)})
    content: list[str | dict[Any, Any]] = [*pictures, {"type": "text", "text": text}]
    return HumanMessage(content)


def tokens_of(text: str, shown: Shown) -> int:
    """Return an estimate of the tokens that a message costs."""
    return estimate_tokens(text) + FRAME_TOKENS * len(shown.frames)


def _given(shown: Shown) -> str:
    parts = []
    if shown.frames:
        times = ", ".join(f"{time:.1f}" for time in shown.frames)
        parts.append(f"{len(shown.frames)} frames, at {times} s")
    if shown.captions:
        parts.append("captions")
    if shown.graph is not None:
        parts.append("a scene graph")
    return " and ".join(parts) or "nothing"


def _material(shown: Shown) -> str:
    parts = []
    if shown.captions:
        parts.append(_CAPTIONS.format(_inside(_lines(shown.captions))))
    if shown.graph is not None:
        parts.append(_GRAPH.format(_inside(shown.graph_text)))
    return "\n".join(f"\n{part}" for part in parts)


def _inside(text: str) -> str:
    """Return text that cannot end the fence around it."""
    return text.replace("</", "< /")


def _lines(captions: Captions) -> str:
    return "\n".join(f"{second:g} s: {' '.join(text.split())}" for second, text in captions)
