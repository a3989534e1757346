"""What a question is about: one graph, or several in one space of ids.

Two videos both have a person #1 and a relation r1. Asked together, the objects of video
2 are numbered from 2001 on and its relations are called v2_r1, so that an id alone says
which video is meant; times stay those of each video. Evidence and text give the ids that
the video's own graph has.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from reelgraph.agent.answer import Evidence
from reelgraph.agent.evidence import gather_evidence
from reelgraph.agent.facts import ResultRow
from reelgraph.agent.references import Reference, fill
from reelgraph.errors import AgentError
from reelgraph.graph.schema import CAMERA, Relation, SceneGraph, SceneObject
from reelgraph.graph.serialize import clean
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Tracks

__all__ = ["MAX_VIDEOS", "Asked", "Part", "Scene", "Source", "graph_hash", "sources_of"]

Source: TypeAlias = str | Path | TemporalGraph
"""A video file, or a graph without one."""

Asked: TypeAlias = Source | Sequence[Source]
"""What a question is about: one source, or several."""

MAX_VIDEOS = 16
"""A question is about at most so many videos."""

_STEP = 1000
_NUMBERED = re.compile(r"#(\d+)\b")


def sources_of(asked: Asked) -> tuple[Source, ...]:
    """Return what is asked about as a tuple.

    Raises:
        AgentError: If it is nothing, too much, or no video.
    """
    found = (asked,) if isinstance(asked, str | Path | TemporalGraph) else tuple(asked)
    if not found or len(found) > MAX_VIDEOS:
        raise AgentError(f"ask about 1 to {MAX_VIDEOS} videos at once, got {len(found)}: {asked!r}")
    for source in found:
        if not isinstance(source, str | Path | TemporalGraph):
            raise AgentError(f"a video is a path or a TemporalGraph, got {source!r}")
    return found


def graph_hash(graph: TemporalGraph) -> str:
    """Return the hash of a graph's document that answers carry."""
    return hashlib.sha256(graph.document.model_dump_json().encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Part:
    """One video of a question.

    Attributes:
        graph: Its graph with its own ids, cut to the asked time.
        tracks: Its masks and boxes, or None where only a graph was given.
        path: The file that its frames are read from, or None.
        during: The seconds that the graph was cut to, or None.
    """

    graph: TemporalGraph
    tracks: Tracks | None = None
    path: str | Path | None = None
    during: tuple[float, float] | None = None

    @property
    def title(self) -> str:
        """What the video is called, as one short line."""
        return clean(Path(self.graph.video.path).name) or "a video"


class Scene:
    """The parts of a question in one space of ids.

    Args:
        parts: One part for each video, at least one.
        graph_id: Hash of the graphs, before they were cut to a time.

    Attributes:
        parts: The videos, by their number, from 1.
        graph_id: Hash of the graphs; "" if there are none.
    """

    def __init__(self, parts: Sequence[Part], graph_id: str = "") -> None:
        self.parts: tuple[Part, ...] = ()
        self.graph_id = ""
        self.become(parts, graph_id)

    def become(self, parts: Sequence[Part], graph_id: str) -> None:
        """Replace the parts by others of the same videos."""
        self.parts, self.graph_id = tuple(parts), graph_id
        for cached in ("numbered", "graph"):
            self.__dict__.pop(cached, None)
        highest = max((o.id for p in self.parts for o in p.graph.objects()), default=0)
        self._step = _STEP
        while self._step <= highest:
            self._step *= 10

    @property
    def several(self) -> bool:
        """Whether there is more than one video."""
        return len(self.parts) > 1

    @cached_property
    def numbered(self) -> tuple[Part, ...]:
        """The parts with ids that are unique in the scene."""
        if not self.several:
            return self.parts
        return tuple(self._renumbered(n, part) for n, part in enumerate(self.parts, 1))

    @cached_property
    def graph(self) -> TemporalGraph:
        """What ids and claims are checked against; of several videos, all they hold.

        Times of several videos lie side by side in it: look up in it, but ask each part.
        """
        if not self.several:
            return self.parts[0].graph
        documents = [part.graph.document for part in self.numbered]
        longest = max((d.video for d in documents), key=lambda video: video.duration_s)
        return TemporalGraph(
            SceneGraph(
                video=longest,
                objects=tuple(o for d in documents for o in d.objects),
                relations=tuple(r for d in documents for r in d.relations),
            )
        )

    def number_of(self, reference: Reference) -> int:
        """Return the number of the video, from 1, that a relation or object belongs to."""
        if not self.several:
            return 1
        if reference.object_id is not None:
            return reference.object_id // self._step
        return int(reference.key[1:].partition("_")[0])

    def example(self) -> str:
        """Return in words how ids say which video is meant."""
        return (
            f"objects of video 2 are numbered from {2 * self._step + 1} on, "
            f"its relations are called v2_r1, v2_r2 and so on"
        )

    def evidence(
        self, references: Sequence[Reference], results: dict[str, ResultRow]
    ) -> tuple[Evidence, ...]:
        """Return the evidence for checked references, video by video."""
        found: list[Evidence] = []
        for number, part in enumerate(self.parts, 1):
            rows = {k: told for k, row in results.items() if (told := self._own_row(row, number))}
            mine = [own for r in references if (own := self._own(r, number, rows))]
            shown = gather_evidence(mine, part.graph, rows, part.tracks)
            path = part.graph.video.path
            found += [item.model_copy(update={"video": path}) for item in shown]
        return tuple(found)

    def tell(self, text: str, results: dict[str, ResultRow]) -> str:
        """Return a checked text with its references filled in."""
        filled = fill(text, self.graph, results)
        return _NUMBERED.sub(self._own_number, filled) if self.several else filled

    # -- ids ---------------------------------------------------------------------------

    def _own_number(self, found: re.Match[str]) -> str:
        number, own = divmod(int(found[1]), self._step)
        if not 1 <= number <= len(self.parts) or own == 0:
            return found[0]
        return f"#{own} of video {number}"

    def _own(
        self, reference: Reference, number: int, results: dict[str, ResultRow]
    ) -> Reference | None:
        """Return a reference with the ids of video ``number``, or None if it is of another."""
        if not self.several or reference.key in results:
            return reference
        if reference.key == "video" or reference.key.startswith("c"):
            return None
        if self.number_of(reference) != number:
            return None
        if reference.object_id is not None:
            return replace(reference, key=f"o{reference.object_id % self._step}")
        return replace(reference, key=reference.key.partition("_")[2])

    def _own_row(self, row: ResultRow, number: int) -> ResultRow | None:
        """Return what a figure says about video ``number``, or None if nothing."""
        if not self.several:
            return row
        of_relations = [Reference(i.partition(".")[0]) for i in row["relations"]]
        relations = [r.key for r in of_relations if self.number_of(r) == number]
        objects = [i for i in row["objects"] if i // self._step == number]
        if not relations and not objects:
            return None
        return {
            **row,
            "relations": [key.partition("_")[2] for key in relations],
            "objects": [i % self._step for i in objects],
        }

    def _renumbered(self, number: int, part: Part) -> Part:
        document = part.graph.document
        objects = tuple(self._object(number, item) for item in document.objects)
        relations = tuple(self._relation(number, item) for item in document.relations)
        graph = TemporalGraph(
            document.model_copy(update={"objects": objects, "relations": relations})
        )
        return replace(part, graph=graph, tracks=self._tracks(number, part.tracks))

    def _id(self, number: int, object_id: int) -> int:
        return object_id if object_id == CAMERA else number * self._step + object_id

    def _object(self, number: int, item: SceneObject) -> SceneObject:
        return item.model_copy(update={"id": self._id(number, item.id)})

    def _relation(self, number: int, item: Relation) -> Relation:
        recipient = item.recipient
        return item.model_copy(
            update={
                "id": f"v{number}_{item.id}",
                "subject": self._id(number, item.subject),
                "object": self._id(number, item.object),
                "recipient": None if recipient is None else self._id(number, recipient),
            }
        )

    def _tracks(self, number: int, tracks: Tracks | None) -> Tracks | None:
        if tracks is None:
            return None
        moved = tuple(replace(track, id=self._id(number, track.id)) for track in tracks.objects)
        return replace(tracks, objects=moved)
