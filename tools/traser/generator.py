"""The TRASER generator: labels, attributes and relations that the model says of tracks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import ClassVar, Final

from reelgraph._optional import is_installed
from reelgraph.errors import ModelOutputError, SettingsError
from reelgraph.graph.formats.traser import parse_traser, traser_layer
from reelgraph.graph.schema import GraphLayer
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import GENERATORS, NO_PROGRESS, Availability, ToolConfig
from reelgraph.tools.model_files import ModelFiles
from reelgraph.tools.traser.config import TraserConfig
from reelgraph.tools.traser.decoding import Ending
from reelgraph.tools.traser.engine import Engine, Written, load_engine, tokenizer_folder
from reelgraph.tools.traser.inputs import ClipInput, read_clips
from reelgraph.tools.traser.long_video import Said, join_layers
from reelgraph.tools.traser.masks import TrackMasks
from reelgraph.tools.traser.model import pick_device
from reelgraph.tools.traser.selection import asked_ids
from reelgraph.tools.traser.weights import find_weights, identity, model_files
from reelgraph.tools.video import Video

__all__ = ["TraserConfig", "TraserGenerator"]

_PACKAGES: Final = ("torch", "torchvision", "transformers", "accelerate")
_TOKENIZER: Final = ("vocab.json", "tokenizer.json")
_LONGEST_TRAINED: Final = 20_000
_LARGE: Final = 2_000_000_000
_ENDINGS: Final[dict[Ending, str]] = {
    "length": "the answer was cut at its longest length, max_new_tokens",
    "loop": "the model began to repeat itself and was stopped",
}


@GENERATORS.register("traser")
class TraserGenerator:
    """What the released TRASER says of a video's tracks (arXiv 2602.23543).

    The model reads the pixels under each object's masks, about one frame a second, and
    writes a scene graph over exactly these objects. Its answer is read however damaged.

    Args:
        config: Options; the GitHub program's by default.
        engine: Stands in for the model, in tests.
    """

    name: ClassVar[str] = "traser"
    version: ClassVar[str] = "1"
    config_type: ClassVar[type[ToolConfig]] = TraserConfig

    def __init__(self, config: TraserConfig | None = None, *, engine: Engine | None = None) -> None:
        self._config = config or TraserConfig()
        self._engine = engine
        self._stands_in = engine is not None
        self._loading = threading.Lock()

    @property
    def config(self) -> TraserConfig:
        """Options in use."""
        return self._config

    @property
    def model_id(self) -> str | None:
        """The weights and their revision; None where something stands in for the model."""
        if self._stands_in:
            return None
        return identity(self._config.model, self._config.revision)

    def available(self) -> Availability:
        """Say whether packages, device and weights are there; uses no network."""
        if self._stands_in:
            return Availability()
        lacking = [name for name in _PACKAGES if not is_installed(name)]
        if lacking:
            reason = f"{', '.join(lacking)} not installed"
            return Availability(ok=False, reason=reason, fix="pip install 'reelgraph[traser]'")
        try:
            # The weights first: looking for a device imports torch, which takes seconds.
            weights = find_weights(self._config.model, self._config.revision)
            device = pick_device(self._config.device)
        except SettingsError as error:
            reason, _, fix = str(error).partition("; ")
            return Availability(ok=False, reason=reason, fix=fix or "see the reason")
        folder = tokenizer_folder(self._config, weights)
        if not any((folder / name).is_file() for name in _TOKENIZER):
            return Availability(
                ok=False,
                reason=f"there is no tokenizer in {str(folder)!r}",
                fix="put vocab.json, merges.txt, added_tokens.json and tokenizer_config.json of "
                "UWGZQ/TRASER there, or set tokenizer=FOLDER",
            )
        if device.type == "cpu" and weights.bytes > _LARGE:
            size = f"{weights.bytes / 1e9:.1f} GB of weights"
            return Availability(slow=f"{size} without a GPU take minutes for a few words")
        return Availability()

    def models(self) -> tuple[ModelFiles, ...]:
        """Return the model in the options."""
        return (model_files(self._config.model, self._config.revision),)

    def generate(
        self, video: Video, tracks: Tracks, *, progress: Progress = NO_PROGRESS
    ) -> GraphLayer:
        """Return what the model says of the objects in ``tracks``.

        An answer of which nothing can be read leaves its objects undescribed; a warning in
        the layer says so.

        Raises:
            SettingsError: If the device, the weights or the tokenizer are not there.
            ModelOutputError: If the model computes numbers that are not finite.
        """
        answers, notes = self._asked(video, tracks, progress)
        layer = join_layers([_read(answer) for answer in answers], source=self.name)
        return layer.model_copy(update={"warnings": (*notes, *layer.warnings)})

    def answers(
        self, video: Video, tracks: Tracks, *, progress: Progress = NO_PROGRESS
    ) -> tuple[Written, ...]:
        """Return the model's own texts, one for each piece of the video and pass over objects.

        In them, ``object k`` is the track ``answer.part.arrangement.object_ids[k - 1]``, and
        frame ``n`` lasts from ``answer.bounds_s[n]`` to ``answer.bounds_s[n + 1]``.

        Raises:
            SettingsError: If the device, the weights or the tokenizer are not there.
            ModelOutputError: If the model computes numbers that are not finite.
        """
        return self._asked(video, tracks, progress)[0]

    def _asked(
        self, video: Video, tracks: Tracks, progress: Progress
    ) -> tuple[tuple[Written, ...], tuple[str, ...]]:
        """Return the answers, and what the reader of the graph must know of the questions."""
        if not tracks.objects:
            return (), ()
        engine = self._loaded(progress)
        notes: list[str] = []
        clips = self._clips(video, tracks, engine, notes)
        return tuple(engine.write(clips, progress)), tuple(dict.fromkeys(notes))

    def _clips(
        self, video: Video, tracks: Tracks, engine: Engine, notes: list[str]
    ) -> Iterator[ClipInput]:
        """Yield what the model reads, and add to ``notes`` as it is read."""
        masks = TrackMasks(tracks)
        described: set[int] = set()
        clips = read_clips(video, masks, engine.tokens, self._config, latents=engine.latents)
        for clip in clips:
            notes += clip.warnings
            described.update(k for part in clip.passes for k in part.arrangement.object_ids)
            longest = max((len(part.arrangement) for part in clip.passes), default=0)
            if longest > _LONGEST_TRAINED:
                notes.append(
                    f"a prompt has {longest} tokens; the model was trained on up to "
                    f"{_LONGEST_TRAINED}: lower max_objects or chunk_s"
                )
            yield clip
        lost = [k for k in asked_ids(masks, self._config) if k not in described]
        if lost:
            notes.append(
                f"{len(lost)} objects are in no prompt (unknown, beyond the limits, or without a "
                f"pixel on the sampled frames): {', '.join(map(str, lost[:12]))}"
            )

    def _loaded(self, progress: Progress) -> Engine:
        """Return the engine, loaded when it is first needed and then kept."""
        with self._loading:
            if self._engine is None:
                self._engine = load_engine(self._config, progress)
            return self._engine


def _read(answer: Written) -> Said:
    """Read an answer in true seconds and the tracks' ids (specification, 8)."""
    ids = answer.part.arrangement.object_ids
    edges = answer.bounds_s.tolist()
    notes = [_ENDINGS[answer.ending]] if answer.ending in _ENDINGS else []
    try:
        output = parse_traser(answer.text, object_count=len(ids), frame_count=len(edges) - 1)
        layer = _without_selves(traser_layer(output, edges, ids=ids))
    except ModelOutputError as error:
        layer = GraphLayer(source=TraserGenerator.name)
        notes.append(f"{error}; {len(ids)} objects stay undescribed")
    layer = layer.model_copy(update={"warnings": (*notes, *layer.warnings)})
    return Said(layer, ids, edges[0], edges[-1])


def _without_selves(layer: GraphLayer) -> GraphLayer:
    """Leave out what an object is said to do to itself, which says nothing of two objects."""
    kept = tuple(r for r in layer.relations if r.subject != r.object)
    lost = len(layer.relations) - len(kept)
    if not lost:
        return layer
    note = f"left out of the model's text: {lost} x relation of an object to itself"
    return layer.model_copy(update={"relations": kept, "warnings": (*layer.warnings, note)})
