"""The TRASER generator: from video and tracks to a layer in true seconds, whatever is written."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from reelgraph.graph.schema import CAMERA, Interval
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.tools.video import Video

torch = pytest.importorskip("torch", reason="needs the extra reelgraph[traser]")
pytest.importorskip("torchvision", reason="needs the extra reelgraph[traser]")
pytest.importorskip("transformers", reason="needs the extra reelgraph[traser]")

from made_checkpoint import loaded, write_checkpoint  # noqa: E402

from reelgraph.errors import ModelOutputError, SettingsError  # noqa: E402
from reelgraph.progress import NullProgress  # noqa: E402
from reelgraph.tools.merge import checked_layer  # noqa: E402
from reelgraph.tools.pipeline import Pipeline  # noqa: E402
from reelgraph.tools.scripted import ScriptedTracker  # noqa: E402
from reelgraph.tools.traser.arrangement import Latents, arrange  # noqa: E402
from reelgraph.tools.traser.decoding import DecodingRules  # noqa: E402
from reelgraph.tools.traser.engine import TraserEngine, load_engine, rules_of  # noqa: E402
from reelgraph.tools.traser.generator import TraserConfig, TraserGenerator  # noqa: E402
from reelgraph.tools.traser.inputs import ClipFrames, ClipInput, Pass  # noqa: E402
from reelgraph.tools.traser.masks import mask_source  # noqa: E402
from reelgraph.tools.traser.patches import resize_frame  # noqa: E402
from reelgraph.tools.traser.scripted import ScriptedEngine  # noqa: E402
from reelgraph.tools.traser.selection import select  # noqa: E402
from reelgraph.tools.traser.tokens import load_tokens  # noqa: E402
from reelgraph.tools.traser.weights import find_weights  # noqa: E402

SIZE = (64, 48)
GRAPH = json.dumps(
    {
        "objects": [
            {"object 1": "Dog", "attributes": ["brown", "brown", "furry"]},
            {"object 2": "ball (uncertain)"},
        ],
        "relationships": [
            [1, "chases", 2, [[0, 1], [3, 3]]],
            [2, "rolls toward", -1, [[1, 9]]],
            [1, "chases", 2, [[2, 2]]],
            [1, "near", 1, [[0, 1]]],
            [1, "near", 7, [[0, 1]]],
        ],
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def video(tmp_path_factory, make_video) -> Video:
    """Four seconds, eight frames, not quite regular."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    times = (0, 500, 1000, 1500, 2040, 2500, 3000, 3500)
    return Video.open(make_video(path, times_ms=times, size=SIZE))


def tracks_of(video: Video, ids=(3, 8)) -> Tracks:
    """Objects that stand in columns of their own from the first frame to the last."""
    width, height = video.info.resolution_wh
    positions = np.arange(len(video.times_s))
    objects = []
    for place, key in enumerate(sorted(ids)):
        mask = np.zeros((height, width), bool)
        left = place * width // len(ids)
        mask[:, left : left + max(1, width // len(ids))] = True
        box = [left, 0, left + max(1, width // len(ids)), height]
        boxes = np.array([box] * len(positions), float)
        objects.append(Track(key, positions, boxes, (encode_mask(mask),) * len(positions)))
    return Tracks(video.info, positions, video.times_s, video.end_s, tuple(objects))


def scripted(text: str, *, ending="stop", **options) -> TraserGenerator:
    engine = ScriptedEngine(lambda clip, part: text, ending=ending)
    return TraserGenerator(TraserConfig(**options), engine=engine)


class Notes:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.stages: dict[str, list[str]] = {}
        self.steps: dict[str, float] = {}

    @contextmanager
    def stage(self, name, total=None):
        self._name = name
        self.stages.setdefault(name, [])
        self.steps.setdefault(name, 0)
        yield self

    def advance(self, steps: float = 1.0) -> None:
        self.steps[self._name] += steps

    def note(self, text: str) -> None:
        self.stages[self._name].append(text)


# ------------------------------------------------------------------------- what is read


def test_an_answer_becomes_a_layer_in_true_seconds_and_the_tracks_ids(video):
    layer = scripted(GRAPH).generate(video, tracks_of(video))
    assert layer.source == "traser"
    dog, ball = layer.objects[3], layer.objects[8]
    assert (dog.label, dog.attributes, dog.uncertain) == ("dog", ("brown", "furry"), False)
    assert (ball.label, ball.uncertain) == ("ball", True)
    chases, rolls = layer.relations
    assert (chases.subject, chases.predicate, chases.object) == (3, "chases", 8)
    # Four samples of two frames each; the fifth frame is late.
    assert chases.intervals == (Interval(0.0, video.end_s),)
    assert (rolls.subject, rolls.object) == (8, CAMERA)
    assert rolls.intervals == (Interval(1.0, video.end_s),)
    told = " ".join(layer.warnings)
    assert "relation of an object to itself" in told
    assert "object number out of range" in told
    assert checked_layer(layer, tracks_of(video), source="traser") == layer


def test_spans_are_cut_at_the_frames_own_times(video):
    text = '{"objects": [], "relationships": [[1, "near", 2, [[2, 2]]]]}'
    (near,) = scripted(text).generate(video, tracks_of(video)).relations
    assert near.intervals == (Interval(2.04, 3.0),)


@pytest.mark.parametrize(
    ("text", "ending", "told"),
    [
        ("", "stop", "undescribed"),
        ("!" * 300, "length", "'!' 300 times"),
        ("no graph at all", "stop", "no object and no relation can be read"),
        (GRAPH[:-30], "length", "cut at its longest length"),
        (GRAPH[:70], "loop", "began to repeat itself"),
        ('{"objects": [], "relationships": []}', "stop", None),
    ],
)
def test_whatever_is_written_ends_in_a_layer(video, text, ending, told):
    layer = scripted(text, ending=ending).generate(video, tracks_of(video))
    assert layer.source == "traser"
    assert {*layer.objects} <= {3, 8}
    if told:
        assert told in " ".join(layer.warnings)
    else:
        assert layer.warnings == ()


def test_real_answers_are_read_as_their_own_times_say(data_dir, tmp_path, make_video):
    """Texts of the released model, with the lengths of the videos that they are about."""
    stats = json.loads((data_dir / "pvsg_traser" / "stats_selected.json").read_text())
    read = 0
    folder = data_dir / "pvsg_traser" / "preds"
    for path in [path for path in sorted(folder.glob("*.json")) if path.stem in stats]:
        facts = stats[path.stem]
        step = round(1000 / facts["video_fps"])
        times = range(0, step * facts["video_frames"], step)
        video = Video.open(make_video(tmp_path / f"{path.stem}.mp4", times_ms=times, size=SIZE))
        said = json.loads(path.read_text(encoding="utf-8"))
        columns = tuple(column + 1 for column in facts["mask_columns"])
        layer = scripted(json.dumps(said)).generate(video, tracks_of(video, columns))
        count = facts["sampled_frames"]
        second = video.end_s / count
        by_words = {(r.subject, r.predicate, r.object): r for r in layer.relations}
        for subject, predicate, other, spans in said["relationships"]:
            ends = [CAMERA if k == CAMERA else columns[k - 1] for k in (subject, other)]
            if ends[0] == ends[1]:
                continue
            relation = by_words[ends[0], predicate, ends[1]]
            for first, last in spans:
                middle = (first + min(last, count - 1) + 1) / 2 * second
                assert any(t.start <= middle < t.end for t in relation.intervals)
            wanted = min(first for first, _ in spans) * second
            assert relation.start <= wanted + step / 1000
            read += 1
        assert len(layer.objects) == len(columns)
    assert read > 20


def test_the_models_own_text_can_be_had(video):
    (answer,) = scripted(GRAPH).answers(video, tracks_of(video))
    assert answer.text == GRAPH
    assert answer.part.arrangement.object_ids == (3, 8)
    assert len(answer.bounds_s) == 5
    assert answer.bounds_s[-1] == video.end_s


def test_no_object_needs_no_model(video, monkeypatch):
    monkeypatch.setattr("reelgraph.tools.traser.generator.load_engine", None)
    none = Tracks(video.info, np.arange(8), video.times_s, video.end_s)
    layer = TraserGenerator().generate(video, none)
    assert (layer.objects, layer.relations, layer.warnings) == ({}, (), ())


# ------------------------------------------------------------------------- with a model


@pytest.mark.parametrize("path", ["github", "hub"])
@pytest.mark.parametrize("task", ["scene_graph", "objects"])
def test_a_model_of_random_weights_runs_from_end_to_end(folder, video, path, task):
    config = TraserConfig(model=str(folder), max_new_tokens=40, path=path, task=task)
    generator = TraserGenerator(config)
    assert generator.available().ok
    progress = Notes()
    layer = generator.generate(video, tracks_of(video), progress=progress)
    assert layer.warnings, "nonsense is told of"
    assert progress.steps["TRASER: writing"] == 40
    assert progress.stages["TRASER: writing"][-1].startswith("40 tokens, ")
    assert progress.stages["TRASER: writing"][-1].endswith(" tokens/s")
    assert progress.steps["TRASER: vision"] == 2
    assert "GB to cpu" in progress.stages["TRASER: loading weights"][0]
    assert generator.generate(video, tracks_of(video)) == layer


def test_geometry_answers_beside_nonsense(folder, video, tmp_path):
    generator = TraserGenerator(TraserConfig(model=str(folder), max_new_tokens=20))
    pipeline = Pipeline(tracker=ScriptedTracker(tracks_of), generators=["geometry", generator])
    graph = pipeline.graph(video.path)
    assert "geometry" in {relation.source for relation in graph.relations()}
    (record,) = [r for r in graph.document.provenance if r.tool == "traser"]
    assert record.model_id.startswith("folder@")
    assert record.config["model"] == str(folder)
    assert record.warnings


def test_numbers_that_are_not_finite_are_an_error(folder, video):
    engine = load_engine(TraserConfig(model=str(folder)), NullProgress())
    engine.model.twr.latents.data[0, 0] = float("nan")
    generator = TraserGenerator(engine=engine)
    with pytest.raises(ModelOutputError, match=r"not finite numbers.*bfloat16"):
        generator.generate(video, tracks_of(video))


@pytest.mark.parametrize("name", ["d1_two_frames_thresholds", "d7_stage6_min_w8"])
def test_the_engine_writes_the_official_programs_text(golden_case, golden, name):
    """Frames, masks, prompt, vectors, tokens and text of a golden case, in one go."""
    case = golden_case(name)
    model, words = loaded(golden / "tiny_checkpoint"), load_tokens(golden / "tokenizer")
    size = tuple(case.facts["outputs"]["resized"])
    resized = np.stack([resize_frame(frame, size) for frame in case.frames()])
    numbers = case.arrays["frame_idx"].astype(np.int64)
    kept = tuple(case.arrays["kept_ids"].tolist())
    selection = select(mask_source(case.masks), kept, numbers, case.grid, case.config)
    latents = Latents(trajectory=8, window=4)
    arrangement = arrange(
        selection.tokens,
        grid=case.grid,
        prompt=words.prompt(case.config.task),
        words=words,
        object_ids=selection.object_ids,
        latents=latents,
        window_s=case.config.window_s,
    )
    bounds = np.linspace(0, 1, len(numbers) + 1)
    clip = ClipInput(ClipFrames(resized, numbers, bounds), (Pass(selection, arrangement),))
    rules = DecodingRules(max_new_tokens=24, min_new_tokens=24)
    engine = TraserEngine(model, words, latents, rules, TraserConfig())
    (answer,) = engine.write([clip], NullProgress())
    assert answer.text == case.facts["outputs"]["gen_text"]
    assert answer.part.arrangement.object_ids == kept


# --------------------------------------------------------------------------- settings


def test_the_paths_differ_in_how_tokens_are_chosen(folder):
    weights = find_weights(str(folder))
    github = rules_of(TraserConfig(), weights)
    assert github.sampling is None
    assert github.repetition_penalty == 1.05
    assert github.stop_ids == (258, 256), "of the model's generation_config.json"
    hub = rules_of(TraserConfig(path="hub", repetition_penalty=1.2), weights)
    assert (hub.sampling.temperature, hub.sampling.top_p, hub.sampling.seed) == (1e-6, 0.9, 42)
    assert hub.repetition_penalty == 1.2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": "/no/such/folder"}, "no folder"),
        ({"model": "nobody/nothing"}, "not on this machine"),
        ({"device": "cuda:77"}, "no device 'cuda:77'"),
    ],
)
def test_what_is_missing_is_said_before_anything_runs(folder, options, told, monkeypatch):
    config = TraserConfig(**{"model": str(folder)} | options)
    state = TraserGenerator(config).available()
    assert not state.ok
    assert told in state.reason
    assert state.fix


def test_a_large_model_on_a_cpu_is_slow(folder, monkeypatch):
    monkeypatch.setattr("reelgraph.tools.traser.generator._LARGE", 1000)
    state = TraserGenerator(TraserConfig(model=str(folder), device="cpu")).available()
    assert state.ok
    assert "without a GPU" in state.slow


def test_a_tokenizer_of_another_model_is_refused(folder, golden):
    config = TraserConfig(model=str(folder), tokenizer=str(golden / "tokenizer"))
    with pytest.raises(SettingsError, match="do not belong together"):
        load_engine(config, NullProgress())


def test_weights_without_a_tokenizer_are_explained(golden):
    config = TraserConfig(model=str(golden / "tiny_checkpoint"))
    state = TraserGenerator(config).available()
    assert "there is no tokenizer in" in state.reason
    assert "tokenizer=FOLDER" in state.fix
    with pytest.raises(SettingsError, match="no tokenizer in"):
        load_engine(config, NullProgress())


def test_the_cache_key_holds_the_weights_content(folder, tmp_path):
    other = write_checkpoint(tmp_path / "other", seed=5)
    one, two = (TraserGenerator(TraserConfig(model=str(f))).model_id for f in (folder, other))
    assert one != two
    assert scripted("").model_id is None


def test_the_folder_may_be_given_as_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    state = TraserGenerator(TraserConfig(model=f"~/{folder.name}")).available()
    assert state.ok
    assert Path(folder).is_dir()
