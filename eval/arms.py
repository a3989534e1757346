"""Arms: what a model is shown of a video before it answers.

An arm is written as parts joined by ``+``:

    none             the question alone
    frames           pictures, spread evenly over the video
    captions         what is said of the video, second by second
    graph            the graph to be evaluated, asked by tools
    graph-text       the same, told as text in the prompt
    truth            the graph that people drew, asked by tools (truth-text: told as text)

With another part beside it a graph is always told as text: ``frames+graph``,
``captions+graph``. A graph may be spoilt, ``graph~drop:0.5``: half of its statements dropped,
relabelled, swapped or shifted, or half of the videos shown with another's graph
(`reelgraph.eval.corruption`). ``answers:FILE`` is no arm of a model but answers that were
published, ``{question id: {"prediction": index}}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from reelgraph.errors import EvalError
from reelgraph.eval.corruption import WAYS

__all__ = ["Arm", "GraphKind", "parse_arm", "parse_arms"]

GraphKind: TypeAlias = Literal["", "graph", "truth"]

_PART = re.compile(r"^(none|frames|captions|graph|truth)(-text)?(?:~([a-z]+):([0-9.]+))?$")
_FIX = (
    "Write parts joined by '+': none, frames, captions, graph, graph-text, truth, truth-text; "
    f"a graph may be spoilt, graph~drop:0.5 ({', '.join(WAYS)}); or answers:FILE"
)


class Arm(BaseModel):
    """What a model is shown.

    Attributes:
        name: As it was written.
        frames: Whether it sees pictures.
        captions: Whether it reads captions.
        graph: Which graph it has: the one to be evaluated, people's, or ``""`` for none.
        told: Whether the graph is asked by tools or told as text.
        corruption: How the graph is spoilt, ``""`` if it is not.
        rate: Which share of its statements is, 0 to 1.
        answers: File of published answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    frames: bool = False
    captions: bool = False
    graph: GraphKind = ""
    told: Literal["tools", "text"] = "tools"
    corruption: str = ""
    rate: float = 0.0
    answers: Path | None = None

    @property
    def by_tools(self) -> bool:
        """Whether the agent asks a graph by tools."""
        return bool(self.graph) and self.told == "tools"


def parse_arms(names: Iterable[str]) -> tuple[Arm, ...]:
    """Return the arms of some names.

    Raises:
        EvalError: If a name is no arm, is there twice, or there is none.
    """
    arms = tuple(parse_arm(name) for name in names)
    known = [arm.name for arm in arms]
    if not arms:
        raise EvalError(f"name at least one arm. {_FIX}")
    if len(set(known)) < len(known):
        raise EvalError(f"an arm is named twice: {', '.join(known)}")
    return arms


def parse_arm(name: str) -> Arm:
    """Return the arm of a name.

    Raises:
        EvalError: If it is none.
    """
    name = name.strip()
    if name.startswith("answers:"):
        path = Path(name.removeprefix("answers:")).expanduser()
        return Arm(name=path.stem, answers=path)
    parts = name.split("+")
    fields: dict[str, object] = {}
    for part in parts:
        fields |= _part(part, name, fields)
    if len(parts) > 1 and fields.get("graph"):
        fields["told"] = "text"
    return Arm(name=name, **fields)


def _part(part: str, name: str, fields: dict[str, object]) -> dict[str, object]:
    found = _PART.match(part.strip())
    if found is None:
        raise EvalError(f"no arm is called {name!r} ({part!r} is no part). {_FIX}")
    kind, text, corruption, rate = found.groups()
    if kind in {"frames", "captions", "none"}:
        if text or corruption or (kind == "none" and part != name) or kind in fields:
            raise EvalError(f"no arm is called {name!r}: {part!r} cannot stand there. {_FIX}")
        return {} if kind == "none" else {kind: True}
    if "graph" in fields:
        raise EvalError(f"arm {name!r} names two graphs. {_FIX}")
    graph: dict[str, object] = {"graph": kind, "told": "text" if text else "tools"}
    return graph | (_spoilt(name, corruption, rate) if corruption else {})


def _spoilt(name: str, corruption: str, rate: str) -> dict[str, object]:
    try:
        share = float(rate)
    except ValueError:
        share = -1.0
    if corruption not in WAYS or not 0 < share <= 1:
        known = ", ".join(WAYS)
        raise EvalError(
            f"arm {name!r}: a graph is spoilt by {known} at a rate above 0 and up to 1, "
            f"got {corruption!r} at {rate!r}"
        )
    return {"corruption": corruption, "rate": share}
