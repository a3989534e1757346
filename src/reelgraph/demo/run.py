"""The demo: render a clip, build its graph from the pixels, ask, and check the answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reelgraph._atomic import replacing
from reelgraph.agent import Answer, VideoAgent
from reelgraph.demo.compare import Check, check_answers
from reelgraph.demo.scene import SCENE_VERSION, render
from reelgraph.demo.truth import Truth
from reelgraph.errors import ReelgraphError
from reelgraph.graph.schema import Interval, SceneGraph
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.track_formats import tracks_from_bytes, tracks_to_bytes
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import NO_PROGRESS
from reelgraph.tools.drawing import Clip, object_names, write_evidence
from reelgraph.tools.pipeline import Pipeline
from reelgraph.tools.video import Video, hash_file

__all__ = ["QUESTIONS", "DemoResult", "run_demo"]

QUESTIONS = ("Who hands the ball?", "When?", "Who has the ball at the end?")
"""What is asked; the second follows up on the first."""

_SEED = 0


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demo did.

    Attributes:
        clip: The rendered clip.
        graph_file: Its graph as JSON.
        contact_sheet: The frames that the answers rest on, with masks, ids and captions.
        graph: The graph that was built from the pixels.
        answers: The three questions with their answers.
        checks: The answers against the ground truth, in the same order.
    """

    clip: Path
    graph_file: Path
    contact_sheet: Path
    graph: TemporalGraph
    answers: tuple[tuple[str, Answer], ...]
    checks: tuple[Check, ...]

    @property
    def all_right(self) -> bool:
        """Whether every answer agrees with the ground truth."""
        return all(check.right for check in self.checks)


def run_demo(
    output_dir: str | Path = "reelgraph-demo",
    *,
    pipeline: Pipeline | None = None,
    progress: Progress = NO_PROGRESS,
) -> DemoResult:
    """Run the whole chain on a clip that is rendered on the spot.

    The graph is built from the clip's pixels; the ground truth is only compared with.
    A clip that is already in the folder is used again if it is the same.

    Args:
        output_dir: Folder to write to; made if new.
        pipeline: Tools and cache to use; the embedded tools and the user's cache if None.
        progress: Receives the stages.

    Raises:
        OSError: If the folder cannot be written to.
        ReelgraphError: If a step of the chain cannot be run.
    """
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    clip = folder / "clip.mp4"
    truth = _known_truth(clip) or _new_truth(clip, progress)
    pipeline = pipeline or Pipeline(tracker="motion", generators=("appearance", "geometry"))
    graph = pipeline.graph(clip, progress=progress)
    tracks = pipeline.tracks(clip, progress=progress)
    answers = _ask(VideoAgent("embedded", pipeline=pipeline), clip, graph)
    result = DemoResult(
        clip=clip,
        graph_file=folder / "graph.json",
        contact_sheet=folder / "evidence.png",
        graph=graph,
        answers=answers,
        checks=check_answers(answers, graph, tracks, truth),
    )
    with replacing(result.graph_file) as partial:
        partial.write_text(graph.document.model_dump_json(indent=2), encoding="utf-8")
    _write_sheet(result, tracks)
    return result


def _ask(agent: VideoAgent, clip: Path, graph: TemporalGraph) -> tuple[tuple[str, Answer], ...]:
    """Ask the three questions, the second about what the first was about."""
    who, when, last = QUESTIONS
    giving = agent.ask(who, clip)
    timed = agent.ask(_follow_up(giving, graph), clip)
    return (who, giving), (when, timed), (last, agent.ask(last, clip))


def _follow_up(giving: Answer, graph: TemporalGraph) -> str:
    """Return the full question that ``When?`` stands for after the first answer."""
    cited = [graph.relation(item.relation) for item in giving.evidence if item.relation]
    if not cited:
        return "When is the ball handed over?"
    giver, thing = graph.name(cited[0].subject), graph.name(cited[0].object)
    return f"When does {giver} hand {thing}?"


def _known_truth(clip: Path) -> Truth | None:
    """Return the truth of the clip that is there, or None if it has to be rendered anew."""
    graph_file, tracks_file = _truth_files(clip)
    try:
        graph = SceneGraph.model_validate_json(graph_file.read_bytes())
        tracks = tracks_from_bytes(tracks_file.read_bytes())
        same_clip = graph.video.sha256 == tracks.video.sha256 == hash_file(clip)
    except (OSError, ValueError, ReelgraphError):
        return None
    record = graph.provenance[0]
    same_scene = (record.version, record.config) == (SCENE_VERSION, {"seed": _SEED})
    return Truth(graph, tracks) if same_clip and same_scene else None


def _new_truth(clip: Path, progress: Progress) -> Truth:
    truth = render(clip, seed=_SEED, progress=progress)
    graph_file, tracks_file = _truth_files(clip)
    with replacing(graph_file) as partial:
        partial.write_text(truth.graph.model_dump_json(indent=2), encoding="utf-8")
    with replacing(tracks_file) as partial:
        partial.write_bytes(tracks_to_bytes(truth.tracks))
    return truth


def _truth_files(clip: Path) -> tuple[Path, Path]:
    return clip.with_name("truth.json"), clip.with_name("truth.tracks")


def _write_sheet(result: DemoResult, tracks: Tracks) -> None:
    """Write one row of frames per piece of evidence, under the questions it answers."""
    shown: dict[tuple[Interval, tuple[int, ...], str], list[str]] = {}
    for question, answer in result.answers:
        for item in answer.evidence:
            shown.setdefault((item.interval, item.objects, item.sentence), []).append(question)
    clips = [
        Clip(interval, objects, f"{' '.join(questions)}   {sentence}")
        for (interval, objects, sentence), questions in shown.items()
    ]
    names = object_names(tracks, graph=result.graph)
    write_evidence(Video.open(result.clip), tracks, clips, result.contact_sheet, names=names)
