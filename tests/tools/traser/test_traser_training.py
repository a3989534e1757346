"""Fine-tuning: the data, the loss and its gradients, and a run on a small model."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra reelgraph[traser]")
pytest.importorskip("torchvision", reason="needs the extra reelgraph[traser]")
pytest.importorskip("transformers", reason="needs the extra reelgraph[traser]")
pytest.importorskip("accelerate", reason="needs the extra reelgraph[traser]")

from made_checkpoint import write_checkpoint  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from reelgraph.errors import GraphFormatError, SettingsError, VideoError  # noqa: E402
from reelgraph.graph.tracks import encode_mask  # noqa: E402
from reelgraph.progress import NullProgress  # noqa: E402
from reelgraph.tools.traser.arrangement import IGNORED, Latents, arrange  # noqa: E402
from reelgraph.tools.traser.config import TraserConfig  # noqa: E402
from reelgraph.tools.traser.engine import load_engine  # noqa: E402
from reelgraph.tools.traser.inputs import ClipFrames, read_clips  # noqa: E402
from reelgraph.tools.traser.loading import load_model  # noqa: E402
from reelgraph.tools.traser.masks import mask_source  # noqa: E402
from reelgraph.tools.traser.model import TraserModel, pick_device, pick_precision  # noqa: E402
from reelgraph.tools.traser.patches import resize_frame  # noqa: E402
from reelgraph.tools.traser.tokens import load_tokens  # noqa: E402
from reelgraph.tools.traser.train import app, fine_tune  # noqa: E402
from reelgraph.tools.traser.training import (  # noqa: E402
    TrainConfig,
    parameter_groups,
    train,
    training_steps,
)
from reelgraph.tools.traser.training_data import (  # noqa: E402
    TrainingData,
    TrainingSample,
    read_records,
    renumbered_answer,
)
from reelgraph.tools.traser.training_loss import batch_loss  # noqa: E402
from reelgraph.tools.traser.weights import find_weights  # noqa: E402
from reelgraph.tools.video import Video  # noqa: E402

CPU = pick_device("cpu")


def load(folder: Path) -> TraserModel:
    return load_model(find_weights(str(folder)), pick_precision("float32", CPU), CPU)


# --------------------------------------------------------------------------- made data

PROMPT = "Output the Video Scene Graph from the video and object trajectories:\n<video>\n"
ANSWER = {
    "objects": [
        {"object_0": "ball", "attributes": ["red"]},
        {"object_2": "ghost"},
        {"object_5": "box"},
    ],
    "relationships": [[0, "near", 5, [[0, 2]]], [2, "in", 5, [[0, 1]]], [-1, "sees", 0, [[1, 1]]]],
}


def rle(left: int) -> dict[str, Any]:
    mask = np.zeros((48, 64), bool)
    mask[8:40, left : left + 24] = True
    return {"size": [48, 64], "counts": encode_mask(mask).decode()}


@pytest.fixture(scope="module")
def data_file(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Path:
    """A training file with one video, in which column 2 never shows a pixel."""
    folder = tmp_path_factory.mktemp("svg2")
    make_video(folder / "clip.mp4", times_ms=range(0, 4000, 250))
    rows = [[rle(2), None, None, None, None, rle(30)]] * 16
    (folder / "masks.json").write_text(json.dumps(rows))
    record = {
        "video": "clip.mp4",
        "mask_json": "masks.json",
        "obj_list": [0, 2, 5],
        "has_relationships": True,
        "conversations": [
            {"from": "human", "value": PROMPT},
            {"from": "gpt", "value": json.dumps(ANSWER, separators=(",", ":"))},
        ],
    }
    (folder / "train.json").write_text(json.dumps([record] * 4))
    return folder / "train.json"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("made"))


def options(data_file: Path, checkpoint: Path, output: Path, **changes: Any) -> TrainConfig:
    return TrainConfig(
        data=(str(data_file),),
        output=output,
        model=str(checkpoint),
        device="cpu",
        workers=0,
        log_steps=1,
        **changes,
    )


# -------------------------------------------------------------------------------- data


def test_answers_are_renumbered_to_what_the_prompt_holds() -> None:
    assert renumbered_answer(json.dumps(ANSWER), {0: 1, 5: 2}) == (
        '{"objects": [{"object 1": "ball", "attributes": ["red"]}, {"object 2": "box"}], '
        '"relationships": [[1, "near", 2, [[0, 2]]], [-1, "sees", 1, [[1, 1]]]]}'
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"objects":[{"object 7":"é"}]}', '{"objects": [{"object 1": "é"}]}'),
        ('{"objects":[],"relationships":[]}', '{"objects": [], "relationships": []}'),
        (
            '{"objects":[],"relationships":[[7,"on",7,[],"spatial"]]}',
            '{"objects": [], "relationships": [[1, "on", 1, []]]}',
        ),
    ],
)
def test_forms_of_answers(text: str, wanted: str) -> None:
    assert renumbered_answer(text, {7: 1}) == wanted


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"objects":[{"cat":1}]}', '{"objects":[],"relationships":[[1]]}']
)
def test_malformed_answers(text: str) -> None:
    with pytest.raises(GraphFormatError, match="answer must be"):
        renumbered_answer(text, {1: 1})


def test_a_sample_holds_the_visible_objects_and_supervises_the_answer(
    data_file: Path, checkpoint: Path
) -> None:
    tokens = load_tokens(checkpoint)
    data = TrainingData(read_records(str(data_file)), tokens, latents=Latents(5, 3))
    assert len(data) == 4
    sample = data[0]
    assert sample.arrangement.object_ids == (0, 5)
    labels = sample.arrangement.labels
    supervised = tokens.tokenizer.decode(labels[labels != IGNORED].tolist())
    assert supervised == renumbered_answer(json.dumps(ANSWER), {0: 1, 5: 2}) + "<|im_end|>\n"
    assert np.all(np.diff(np.flatnonzero(labels != IGNORED)) == 1)
    prompt = tokens.prompt("scene_graph")
    assert tuple(sample.arrangement.ids[: len(prompt.before)]) == prompt.before


def test_data_can_go_to_worker_processes(data_file: Path, checkpoint: Path) -> None:
    data = TrainingData(
        read_records(str(data_file)), load_tokens(checkpoint), latents=Latents(5, 3)
    )
    copy = pickle.loads(pickle.dumps(data))  # noqa: S301
    np.testing.assert_array_equal(copy[1].arrangement.ids, data[1].arrangement.ids)
    np.testing.assert_array_equal(copy[1].frames.pixels, data[1].frames.pixels)


def test_a_share_of_a_file(data_file: Path) -> None:
    assert len(read_records(f"{data_file}%50")) == 2
    assert len(read_records(f"{data_file}%100")) == len(read_records(str(data_file))) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conversations": []}, "conversations"),
        ({"conversations": [{"from": "gpt", "value": ""}] * 2}, "human"),
        ({"obj_list": "all"}, "obj_list"),
        (
            {
                "conversations": [
                    {"from": "human", "value": "no place"},
                    {"from": "gpt", "value": ""},
                ]
            },
            "<video>",
        ),
    ],
)
def test_malformed_records(
    change: dict[str, Any], message: str, data_file: Path, tmp_path: Path
) -> None:
    (record, *_) = json.loads(data_file.read_text())
    (tmp_path / "bad.json").write_text(json.dumps([record | change]))
    with pytest.raises(GraphFormatError, match=message):
        read_records(str(tmp_path / "bad.json"))


@pytest.mark.parametrize("share", ["x", "0", "101", "nan"])
def test_shares_that_cannot_be(share: str, data_file: Path) -> None:
    with pytest.raises(GraphFormatError, match="share"):
        read_records(f"{data_file}%{share}")


def test_missing_files_are_named(data_file: Path, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(GraphFormatError, match="nowhere"):
        read_records("nowhere.json")
    (record, *_) = read_records(str(data_file))
    tokens = load_tokens(checkpoint)
    with pytest.raises(VideoError):
        TrainingData([record.model_copy(update={"video": tmp_path / "x.mp4"})], tokens)[0]
    with pytest.raises(GraphFormatError, match=r"x\.json"):
        TrainingData([record.model_copy(update={"mask_json": tmp_path / "x.json"})], tokens)[0]
    with pytest.raises(GraphFormatError, match="shows a pixel"):
        TrainingData([record.model_copy(update={"obj_list": (2,)})], tokens)[0]


# -------------------------------------------------------------------------------- loss


def test_golden_loss_and_gradients(golden: Path, golden_case: Any) -> None:
    facts = json.loads((golden / "dev" / "batch2_labels.json").read_text())
    with np.load(golden / "dev" / "batch2_labels.npz") as file:
        arrays = dict(file)
    tokens = load_tokens(golden / "tokenizer")
    samples = [
        sample_of(golden_case(name), tokens, answer)
        for name, answer in zip(facts["cases"], facts["answers"], strict=True)
    ]
    model = load(golden / "tiny_checkpoint")
    for part in model.parts():
        part.requires_grad_(True).train()
    loss = batch_loss(model, samples, pad=tokens.special.pad)
    loss.backward()
    assert loss.item() == pytest.approx(facts["loss"], abs=1e-3)
    names = dict(model.vlm.named_parameters())
    names |= {f"perceiver_resampler.{n}": p for n, p in model.twr.named_parameters()}
    names |= {f"second_perceiver_resampler.{n}": p for n, p in model.otr.named_parameters()}
    stored = [key for key in arrays if key.startswith("grad:")]
    assert len(stored) == len(facts["grad_keys"]) == 7
    for key in stored:
        wanted = arrays[key]
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(
            names[key[5:]].grad.numpy(), wanted, atol=1e-3 * scale, err_msg=key
        )
    for key, norm in facts["grad_norms"].items():
        assert names[key].grad.norm().item() == pytest.approx(norm, rel=1e-3), key
    rows = model.embedding.weight.grad[torch.from_numpy(arrays["grad_embed_rows_idx"]).long()]
    np.testing.assert_allclose(rows.numpy(), arrays["grad_embed_rows"], atol=1e-4)


def sample_of(case: Any, tokens: Any, answer: str) -> TrainingSample:
    frames = case.frames()
    pixels = np.stack([resize_frame(frame, case.grid.resized_hw) for frame in frames])
    arrangement = arrange(
        case.selected(),
        grid=case.grid,
        prompt=tokens.prompt(case.config.task, answer=answer),
        words=tokens,
        latents=Latents(8, 4),
    )
    bounds = np.arange(len(frames) + 1.0)
    return TrainingSample(ClipFrames(pixels, case.arrays["frame_idx"], bounds), arrangement)


@pytest.fixture(scope="module")
def made_sample(data_file: Path, checkpoint: Path) -> TrainingSample:
    tokens = load_tokens(checkpoint)
    return TrainingData(read_records(str(data_file)), tokens, latents=Latents(5, 3))[0]


def test_the_loss_of_a_batch_is_the_mean_over_its_tokens(
    checkpoint: Path, made_sample: TrainingSample
) -> None:
    model = load(checkpoint)
    with torch.no_grad():
        single = batch_loss(model, [made_sample], pad=256)
        double = batch_loss(model, [made_sample] * 2, pad=256)
    torch.testing.assert_close(single, double)


def test_a_cut_example_supervises_what_is_left(
    checkpoint: Path, made_sample: TrainingSample
) -> None:
    model = load(checkpoint)
    length = len(made_sample.arrangement)
    with torch.no_grad(), pytest.warns(UserWarning, match=f"{length} tokens is cut"):
        shorter = batch_loss(model, [made_sample], pad=256, max_length=length - 30)
    with torch.no_grad():
        whole = batch_loss(model, [made_sample], pad=256)
    assert shorter.item() != whole.item()
    with torch.no_grad(), pytest.warns(UserWarning, match="is cut to 20,?"):
        nothing = batch_loss(model, [made_sample], pad=256, max_length=20)
    assert nothing.item() == 0


# ---------------------------------------------------------------------------- optimizer


def test_each_part_has_its_rate_and_the_vision_tower_none(checkpoint: Path) -> None:
    model = load(checkpoint)
    config = TrainConfig(data=("-",), output=Path())
    found: dict[int, tuple[float, float]] = {}
    for group in parameter_groups(model, config):
        for parameter in group["params"]:
            assert id(parameter) not in found, "a parameter in two groups"
            found[id(parameter)] = (group["lr"], group["weight_decay"])
    matrix = next(p for p in model.visual.merger.parameters() if p.ndim > 1)
    assert found[id(model.embedding.weight)] == (2e-5, 0.01)
    assert id(model.head.weight) == id(model.embedding.weight)
    assert found[id(matrix)] == (5e-5, 0.01)
    assert {found[id(p)] for m in (model.otr, model.twr) for p in m.parameters()} == {(1e-4, 0)}
    assert not any(id(p) in found for p in model.visual.blocks.parameters())


@pytest.mark.parametrize(
    ("examples", "devices", "changes", "steps"),
    [
        (604_052, 8, {}, 37_754),
        (5, 1, {"accumulation": 2}, 3),
        (5, 1, {"accumulation": 2, "epochs": 2}, 6),
        (100, 1, {"max_steps": 7}, 7),
    ],
)
def test_number_of_steps(examples: int, devices: int, changes: dict[str, Any], steps: int) -> None:
    config = TrainConfig(data=("-",), output=Path(), **changes)
    assert training_steps(examples, config, devices) == steps


# -------------------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def run(data_file: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    output = tmp_path_factory.mktemp("run")
    rates = {"lr_language": 6e-2, "lr_merger": 2e-2, "lr_resamplers": 2e-2}
    config = options(
        data_file, checkpoint, output, epochs=3.0, accumulation=1, save_steps=6, **rates
    )
    return config, train(config)


def test_the_loss_falls(run: Any) -> None:
    _, result = run
    assert result.steps == len(result.losses) == 12
    assert result.losses[-1] < 0.8 * result.losses[0]


def test_a_trained_model_is_loaded_as_it_was_saved(run: Any, checkpoint: Path) -> None:
    config, result = run
    before, after = load(checkpoint), load(result.folder)
    last = load(config.output / "checkpoint-12")
    for part, start, end in zip(
        (before.vlm, before.otr, before.twr), after.parts(), last.parts(), strict=True
    ):
        changed = {
            name: not torch.equal(p, q)
            for (name, p), q in zip(part.named_parameters(), start.parameters(), strict=True)
        }
        frozen = {name for name in changed if ".visual." in f".{name}" and ".merger." not in name}
        assert not any(changed[name] for name in frozen)
        assert sum(changed.values()) > 0.8 * (len(changed) - len(frozen))
        for p, q in zip(start.parameters(), end.parameters(), strict=True):
            assert torch.equal(p, q)
    record = json.loads((result.folder / "training.json").read_text())
    assert record["config"]["epochs"] == 3
    assert not [path for path in config.output.iterdir() if path.name.startswith(".")]


def test_a_trained_model_has_a_lower_loss(
    run: Any, checkpoint: Path, made_sample: TrainingSample
) -> None:
    _, result = run
    before, after = load(checkpoint), load(result.folder)
    with torch.no_grad():
        losses = [batch_loss(model, [made_sample], pad=256).item() for model in (before, after)]
    assert losses[1] < 0.8 * losses[0]


def test_a_trained_model_generates(run: Any, data_file: Path) -> None:
    _, result = run
    config = TraserConfig(model=str(result.folder), device="cpu", max_new_tokens=8)
    engine = load_engine(config, NullProgress())
    (record, *_) = read_records(str(data_file))
    masks = mask_source(json.loads(record.mask_json.read_bytes()))
    clips = read_clips(
        Video.open(record.video), masks, engine.tokens, config, latents=engine.latents
    )
    (written,) = engine.write(clips, NullProgress())
    assert written.part.arrangement.object_ids == (0, 5)
    assert written.text


def test_a_resumed_run_ends_with_the_same_weights(
    run: Any, data_file: Path, tmp_path: Path
) -> None:
    config, result = run
    resumed = train(
        config.model_copy(update={"output": tmp_path, "resume": config.output / "checkpoint-6"})
    )
    assert resumed.steps == 12
    for one, other in zip(load(result.folder).parts(), load(resumed.folder).parts(), strict=True):
        for p, q in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p, q)


def test_the_command_trains(data_file: Path, checkpoint: Path, tmp_path: Path) -> None:
    arguments = [str(data_file), "--output", str(tmp_path / "out"), "--model", str(checkpoint)]
    arguments += ["--device", "cpu", "--workers", "0", "--max-steps", "1", "--save-steps", "0"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "1 steps; the model is in" in done.output
    assert load(tmp_path / "out" / "model")


def test_the_command_has_every_option_with_its_default(tmp_path: Path) -> None:
    import inspect

    parameters = inspect.signature(fine_tune).parameters
    assert set(parameters) == set(TrainConfig.model_fields)
    config = TrainConfig(data=("-",), output=tmp_path)
    for name, parameter in parameters.items():
        if name not in {"data", "output"}:
            assert parameter.default == getattr(config, name), name


def test_nothing_to_train_on(data_file: Path, checkpoint: Path, tmp_path: Path) -> None:
    config = options(data_file, checkpoint, tmp_path)
    with pytest.raises(SettingsError, match="no example"):
        train(config.model_copy(update={"data": (f"{data_file}%1",)}))
