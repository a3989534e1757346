"""Automatic masks, weights, devices and prompts of the SAM 2 engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reelgraph.errors import SettingsError
from reelgraph.tools.sam2.engine import BoxPrompt, Embedding, Engine, PointPrompt
from reelgraph.tools.sam2.engine_config import EngineConfig
from reelgraph.tools.sam2.memory import Moment, ObjectBank, Reach
from reelgraph.tools.sam2.proposals import ProposalConfig, point_grid

torch = pytest.importorskip("torch", reason="needs the extra 'sam2'")
pytest.importorskip("sam2", reason="needs the extra 'sam2'")

from reelgraph.tools.sam2 import weights as weights_module  # noqa: E402
from reelgraph.tools.sam2.batching import batches  # noqa: E402
from reelgraph.tools.sam2.device import choose_device, choose_dtype, objects_that_fit  # noqa: E402
from reelgraph.tools.sam2.model import build_model  # noqa: E402
from reelgraph.tools.sam2.sam2_engine import Sam2Engine  # noqa: E402
from reelgraph.tools.sam2.weights import (  # noqa: E402
    PUBLISHED,
    Published,
    check_model,
    find_weights,
    load_engine,
    model_identity,
    random_engine,
    write_random_model,
)

CONFIG = EngineConfig(image_size=64, device="cpu")
FEW_POINTS = ProposalConfig(points_per_side=(3, 2), min_mask_region_area=20)
ANY_MASK = FEW_POINTS.model_copy(update={"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0})
REACH = Reach(spatial=7, pointers=16, conditioning=-1, past_pointers_only=True, signed=True)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def engine() -> Sam2Engine:
    return random_engine("tiny", CONFIG, FEW_POINTS)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (72, 96, 3), dtype=np.uint8)


# Automatic masks


def test_the_default_options_are_those_of_svg2():
    config = ProposalConfig()
    assert config.points_per_side == (32, 16, 4)
    assert config.model_dump(exclude={"points_per_side"}) == {
        "points_on_border": True,
        "crop_overlap_ratio": 0.5,
        "points_per_batch": 64,
        "pred_iou_thresh": 0.75,
        "stability_score_thresh": 0.85,
        "stability_score_offset": 1.0,
        "box_nms_thresh": 0.7,
        "crop_nms_thresh": 0.7,
        "min_mask_region_area": 200,
        "use_m2m": True,
        "multimask_output": False,
    }


@pytest.mark.parametrize("points", [2, 4, 32])
def test_outer_points_lie_on_the_border_or_as_in_the_package(points):
    from sam2.utils.amg import build_point_grid

    on_border = point_grid(points)
    assert on_border.shape == (points**2, 2)
    assert on_border.min() == 0
    assert on_border.max() == 1
    np.testing.assert_allclose(point_grid(points, on_border=False), build_point_grid(points))


def test_no_mask_survives_the_thresholds_of_a_model_that_sees_nothing(engine, image):
    assert engine.propose(image) == []


@pytest.mark.parametrize("change", [{}, {"use_m2m": False, "multimask_output": True}])
def test_masks_have_the_frames_size_and_their_own_box(engine, image, change):
    config = ANY_MASK.model_copy(update=change)
    found = Sam2Engine(engine.network.model, "random", CONFIG, config).propose(image)
    assert found
    for proposal in found:
        assert proposal.mask.shape == (72, 96)
        rows, columns = np.nonzero(proposal.mask)
        left, top, right, bottom = proposal.xyxy
        assert (left, top) == (columns.min(), rows.min())
        assert (right, bottom) == (columns.max() + 1, rows.max() + 1)
    quality = [proposal.predicted_iou for proposal in found]
    assert quality == sorted(quality, reverse=True)


def test_proposing_leaves_tracking_as_it_was(engine, image):
    embedding = engine.embed(image)
    before = engine.start(embedding, [BoxPrompt((5, 5, 40, 40))], 0)
    engine.propose(image)
    after = engine.start(embedding, [BoxPrompt((5, 5, 40, 40))], 0)
    assert engine.dump(before) == engine.dump(after)


# Weights


def test_a_checkpoint_in_a_folder_gives_the_engine_it_was_written_from(checkpoint, engine):
    loaded = load_engine(str(checkpoint.parent), CONFIG)
    assert isinstance(loaded, Engine)
    assert loaded.model_id == model_identity(str(checkpoint.parent))
    assert loaded.model_id.startswith("random-tiny@")
    fresh = engine.network.model.state_dict()
    for name, tensor in loaded.network.model.state_dict().items():
        assert torch.equal(tensor, fresh[name])


def test_a_checkpoint_as_meta_wrote_it_is_read(checkpoint, tmp_path):
    from safetensors.torch import load_file

    torch.save({"model": load_file(checkpoint)}, tmp_path / "sam2.1_hiera_tiny.pt")
    (tmp_path / "model.safetensors").write_bytes(b"the same model in another format")
    loaded = load_engine(str(tmp_path), CONFIG)
    assert loaded.model_id.startswith("sam2.1_hiera_tiny@")


def test_the_identity_follows_the_content_and_not_the_place(checkpoint, tmp_path):
    same = tmp_path / "elsewhere"
    same.mkdir()
    (same / checkpoint.name).write_bytes(checkpoint.read_bytes())
    other = write_random_model(tmp_path / "other", seed=1)
    assert model_identity(str(same)) == model_identity(str(checkpoint.parent))
    assert model_identity(str(other.parent)) != model_identity(str(checkpoint.parent))


def test_a_yaml_file_beside_the_checkpoint_describes_the_model(checkpoint, tmp_path):
    import sam2

    package = Path(sam2.__file__).parent
    (tmp_path / "mine.yaml").write_text(
        (package / "configs/sam2.1/sam2.1_hiera_t.yaml").read_text()
    )
    (tmp_path / "mine.safetensors").write_bytes(checkpoint.read_bytes())
    assert load_engine(str(tmp_path), CONFIG).model_id.startswith("mine@")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model:\n  _target_: os.getcwd\n", "os.getcwd"),
        (
            "model:\n  _target_: sam2.modeling.sam2_base.SAM2Base\n"
            "  image_encoder: [{_target_: subprocess.Popen}]\n",
            "subprocess.Popen",
        ),
        ("other: 1\n", "no 'model'"),
    ],
)
def test_a_yaml_file_can_only_name_the_parts_of_a_sam2_model(checkpoint, tmp_path, text, says):
    (tmp_path / "mine.yaml").write_text(text)
    (tmp_path / "mine.safetensors").write_bytes(checkpoint.read_bytes())
    with pytest.raises(SettingsError, match=says):
        load_engine(str(tmp_path), CONFIG)


def test_a_published_model_that_is_not_here_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for model, published in PUBLISHED.items():
        with pytest.raises(SettingsError) as raised:
            load_engine(model, CONFIG)
        for part in (f"hf download {model} {published.file}", "MB, Apache-2.0", "local folder"):
            assert part in str(raised.value)
        assert model_identity(model) == f"{model}@{published.sha256[:12]}"
        found = check_model(model, CONFIG)
        assert not found.ok
        assert "hf download" in found.fix


@pytest.fixture
def downloaded(checkpoint, tmp_path, monkeypatch) -> Path:
    """A published model in the Hub's cache, with random weights in place of its own."""
    model = "facebook/sam2.1-hiera-tiny"
    snapshot = tmp_path / "models--facebook--sam2.1-hiera-tiny"
    (snapshot / "refs").mkdir(parents=True)
    (snapshot / "refs" / "main").write_text("c" * 40)
    path = snapshot / "snapshots" / ("c" * 40) / PUBLISHED[model].file
    path.parent.mkdir(parents=True)
    from safetensors.torch import load_file

    torch.save({"model": load_file(checkpoint)}, path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return path


def test_a_downloaded_model_is_taken_from_the_hubs_cache(downloaded, monkeypatch):
    model = "facebook/sam2.1-hiera-tiny"
    digest = weights_module._digest(downloaded)
    here = Published("tiny", PUBLISHED[model].file, downloaded.stat().st_size, digest)
    monkeypatch.setattr(weights_module, "PUBLISHED", {model: here})
    assert load_engine(model, CONFIG).model_id == f"{model}@{digest[:12]}"
    assert check_model(model, CONFIG).ok


def test_a_downloaded_file_with_other_content_is_refused(downloaded):
    assert find_weights("facebook/sam2.1-hiera-tiny").path == downloaded
    with pytest.raises(SettingsError, match="not the checkpoint"):
        load_engine("facebook/sam2.1-hiera-tiny", CONFIG)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("tiny.safetensors", b"not tensors", "damaged"),
        ("tiny.pt", b"not a pickle", "damaged"),
        ("model.pt", b"", "cannot be told from its name"),
        ("tiny.bin", b"", "found none"),
    ],
)
def test_a_bad_folder_is_refused(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=says):
        load_engine(str(tmp_path), CONFIG)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    torch.save({"model": Path("x")}, tmp_path / "tiny.pt")
    with pytest.raises(SettingsError, match="tensors only"):
        load_engine(str(tmp_path), CONFIG)


def lose(state: dict[str, Any]) -> None:
    del state["no_mem_embed"]


def add(state: dict[str, Any]) -> None:
    state["extra"] = torch.zeros(1)


def reshape(state: dict[str, Any]) -> None:
    state["no_mem_embed"] = torch.zeros(2, 1, 256)


@pytest.mark.parametrize(
    ("damage", "says"), [(lose, "lack 1 "), (add, "hold unknown 1 "), (reshape, "reshape 1 ")]
)
def test_weights_must_fit_tensor_by_tensor(checkpoint, tmp_path, damage, says):
    from safetensors.torch import load_file, save_file

    state = load_file(checkpoint)
    damage(state)
    save_file(state, tmp_path / "tiny.safetensors")
    with pytest.raises(SettingsError, match=says):
        load_engine(str(tmp_path), CONFIG)


def test_a_model_that_is_neither_an_id_nor_a_folder_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"sam2\.1-hiera-tiny"):
        load_engine(str(tmp_path / "nowhere"), CONFIG)


def test_building_a_model_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    random_engine("tiny", CONFIG)
    assert torch.equal(torch.rand(3), expected)


def test_an_unknown_size_is_refused():
    with pytest.raises(SettingsError, match="tiny, small, base-plus, large"):
        build_model("huge", CONFIG)


# Devices


@pytest.mark.parametrize("device", ["cuda:17", "tpu9", "xpu"])
def test_a_device_that_is_not_here_is_refused(device):
    with pytest.raises(SettingsError, match=device):
        choose_device(EngineConfig(device=device))


def test_the_cpu_computes_in_float32_and_objects_per_batch_can_be_set():
    cpu = torch.device("cpu")
    assert choose_device(EngineConfig(device="cpu")) == cpu
    assert choose_dtype(CONFIG, cpu) == torch.float32
    assert choose_dtype(CONFIG, torch.device("cuda")) == torch.bfloat16
    assert choose_dtype(EngineConfig(dtype="bfloat16"), cpu) == torch.bfloat16
    assert objects_that_fit(EngineConfig(objects_per_batch=3), cpu) == 3


@pytest.mark.parametrize(("image_size", "objects"), [(32, 64), (64, 16), (128, 4), (1024, 1)])
def test_on_a_cpu_fewer_objects_go_at_once_the_larger_the_image(image_size, objects):
    config = EngineConfig(image_size=image_size, device="cpu")
    assert objects_that_fit(config, torch.device("cpu")) == objects


def test_bfloat16_gives_nearly_the_same_masks(engine, image):
    mixed = Sam2Engine(
        engine.network.model, "random", CONFIG.model_copy(update={"dtype": "bfloat16"})
    )
    prompts = [BoxPrompt((5, 5, 40, 40)), np.ones((72, 96), bool)]
    logits = []
    for one in (engine, mixed):
        embedding = one.embed(image)
        memories = one.start(embedding, prompts, 0)
        for frame in (1, 2, 3):
            one.step(embedding, memories, frame)
        with one.network.running():
            ((_, found),) = one.found(embedding, memories, 4)
        logits.append(found.logits.flatten())
    exact, rounded = logits
    assert not torch.equal(exact, rounded)
    assert torch.corrcoef(torch.stack(logits))[0, 1] > 0.98


# Prompts and memory


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (np.zeros((5, 5), bool), r"\(72, 96\)"),
        (BoxPrompt((10, 10, 5, 20)), "left, top, right, bottom"),
        (PointPrompt(()), "at least one"),
        (PointPrompt(((1.0, 1.0),), (1, 0)), "one label a point"),
        (PointPrompt(((1.0, 1.0),), (4,)), r"1 \(on the object\) or 0"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_refused(engine, prompt, says):
    with pytest.raises(SettingsError, match=says):
        engine.start(Embedding((72, 96)), [prompt], 0)


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_an_image_must_be_rgb_bytes(engine, bad):
    with pytest.raises(SettingsError, match="uint8"):
        engine.embed(bad)


def test_no_objects_and_no_prompts_are_fine(engine, image):
    embedding = engine.embed(image)
    assert engine.start(embedding, [], 0) == []
    found = engine.step(embedding, [], 1)
    assert found.masks.shape == (0, 72, 96)
    assert engine.load(engine.dump([])) == []


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_snapshot_is_refused(engine, data):
    with pytest.raises(SettingsError, match="start the run afresh"):
        engine.load(data)


def test_a_snapshot_of_something_else_is_refused(engine):
    from safetensors.torch import save

    other = {"reelgraph": '{"format": "other", "objects": []}'}
    with pytest.raises(SettingsError, match="'other'"):
        engine.load(save({"a": torch.zeros(1)}, metadata=other))


def moment(number: float) -> Moment:
    return Moment(torch.tensor([number]), torch.tensor([[number]]))


def reads(bank: ObjectBank, frame: int) -> tuple[list[float], list[int], list[float], list[int]]:
    read = bank.read(frame, REACH)
    features = [float(f) for f in read.features]
    return features, list(read.ages), [float(p) for p in read.pointers], list(read.distances)


def test_memory_attention_reads_the_prompt_then_the_past_and_pointers_from_near_to_far():
    bank = ObjectBank({0: moment(0)})
    for frame in range(1, 30):
        bank.remember(frame, moment(frame), REACH)
    features, ages, pointers, distances = reads(bank, 30)
    assert features == [0, 24, 25, 26, 27, 28, 29]
    assert ages == [6, 5, 4, 3, 2, 1, 0]
    assert pointers == [0, *range(29, 14, -1)]
    assert distances == [30, *range(1, 16)]


def test_a_gap_in_time_is_not_closed():
    bank = ObjectBank({0: moment(0)})
    for frame in (1, 2, 20):
        bank.remember(frame, moment(frame), REACH)
    features, ages, pointers, distances = reads(bank, 22)
    assert (features, ages) == ([0, 20], [6, 1])
    assert (pointers, distances) == ([0, 20], [22, 2])


def test_before_its_prompt_an_object_has_a_spatial_memory_but_no_pointer():
    bank = ObjectBank({9: moment(9)})
    assert reads(bank, 3) == ([9], [6], [], [])
    bank.remember(3, moment(3), REACH)
    assert reads(bank, 4) == ([9, 3], [6, 0], [3], [1])


def test_batches_hold_objects_that_read_equally_much():
    bank = ObjectBank({0: moment(0)})
    later = ObjectBank({0: moment(0)})
    later.remember(1, moment(1), REACH)
    readings = [b.read(2, REACH) for b in (bank, later, bank, bank, later)]
    assert sorted(map(tuple, batches(readings, 2))) == [(0, 2), (1, 4), (3,)]
    assert list(batches([], 2)) == []
