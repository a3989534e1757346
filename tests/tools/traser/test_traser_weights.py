"""TRASER's weights: found or explained, known by their content, and loaded whole."""

from __future__ import annotations

import json
import shutil

import pytest

torch = pytest.importorskip("torch", reason="needs the extra reelgraph[traser]")
pytest.importorskip("transformers", reason="needs the extra reelgraph[traser]")

from made_checkpoint import loaded, made_config, write_checkpoint  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from reelgraph.errors import SettingsError  # noqa: E402
from reelgraph.tools.traser.loading import (  # noqa: E402
    disk_name,
    load_model,
    save_model,
    tensor_place,
)
from reelgraph.tools.traser.model import pick_device, pick_precision  # noqa: E402
from reelgraph.tools.traser.weights import find_weights, identity, model_files  # noqa: E402

CPU = torch.device("cpu")
SHARD = "model-00001-of-00002.safetensors"


def load(folder):
    return load_model(find_weights(str(folder)), pick_precision("float32", CPU), CPU)


def all_parameters(model):
    return {
        f"{number}.{name}": value
        for number, part in enumerate(model.parts())
        for name, value in part.named_parameters()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("made"))


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made, tmp_path / "copy")


# ------------------------------------------------------------------------------ finding


def test_weights_that_are_not_here_are_explained_without_the_network(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SettingsError) as caught:
        find_weights()
    message = str(caught.value)
    for told in ("hf download UWGZQ/TRASER", "8.2 GB", "apache-2.0", "Qwen Research", "model="):
        assert told in message


def test_weights_in_the_hubs_cache_are_known_by_their_commit(made, tmp_path, monkeypatch):
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--someone--traser"
    shutil.copytree(made, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    found = find_weights("someone/traser")
    assert found.commit == commit
    assert found.bytes == sum(path.stat().st_size for path in made.glob("*.safetensors"))
    assert identity("someone/traser") == f"someone/traser@{commit}"
    (repository / "snapshots" / commit / SHARD).unlink()
    with pytest.raises(SettingsError, match=r"lacks model-00001.*hf download someone/traser"):
        find_weights("someone/traser")


def test_the_files_are_told_of_with_size_licence_and_how_to_get_them(made, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    published = model_files()
    assert (published.here, published.bytes) == (False, 8_200_000_000)
    assert "Qwen Research License" in published.licence
    assert published.fix == "hf download UWGZQ/TRASER"
    own = model_files(str(made))
    assert own.here
    assert own.bytes == find_weights(str(made)).bytes


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("config.json", None, "no config.json"),
        ("config.json", "[1]", "must hold a JSON object"),
        ("config.json", "{", "cannot be read as JSON"),
        (SHARD, None, f"lacks {SHARD}"),
        ("model.safetensors.index.json", None, "only safetensors are read"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "../../a"}}', "lacks ../../a"),
    ],
)
def test_an_incomplete_folder_is_explained(copy, file, content, told):
    (copy / file).unlink()
    if content is not None:
        (copy / file).write_text(content)
    with pytest.raises(SettingsError, match=told.replace(".", r"\.")):
        load(copy)


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "nothing", "a/b/c"])
def test_a_folder_that_is_not_there_is_no_id(name):
    with pytest.raises(SettingsError, match="there is no folder"):
        find_weights(name)


def test_weights_are_known_by_their_content_not_their_place(made, copy, tmp_path):
    assert identity(str(copy)) == identity(str(made))
    other = write_checkpoint(tmp_path / "other", seed=1)
    assert identity(str(other)) != identity(str(made))


# ------------------------------------------------------------------------------ loading


def test_every_tensor_finds_its_place_and_the_head_is_the_embedding(made):
    model = loaded(made)
    parameters = all_parameters(model)
    assert not [name for name, value in parameters.items() if value.is_meta]
    assert not [name for part in model.parts() for name, b in part.named_buffers() if b.is_meta]
    assert model.head.weight.data_ptr() == model.embedding.weight.data_ptr()
    stored = {k: v for path in made.glob("*.safetensors") for k, v in load_file(path).items()}
    assert len(stored) == len(parameters), "named_parameters counts the tied head once"
    places = {tensor_place(name) for name in stored}
    assert {disk_name(place) for place in places} == set(stored)
    vision = stored["visual.patch_embed.proj.weight"]
    assert torch.equal(model.visual.patch_embed.proj.weight.bfloat16(), vision)
    assert torch.equal(model.otr.latents.bfloat16(), stored["second_perceiver_resampler.latents"])
    assert torch.equal(model.twr.latents.bfloat16(), stored["perceiver_resampler.latents"])
    assert not any(part.training for part in model.parts())


def test_names_of_later_transformers_are_read_too(copy):
    before = all_parameters(load(copy))
    for path in copy.glob("*.safetensors"):
        save_file({tensor_place(k): v for k, v in load_file(path).items()}, path)
    after = all_parameters(load(copy))
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda held: held.pop(sorted(held)[0]), "lack 1 tensors"),
        (lambda held: held.update(stranger=torch.zeros(2)), "hold unknown 1 tensors .stranger"),
        (lambda held: held.update({"model.norm.weight": torch.ones(7)}), r"shape \(7,\)"),
    ],
    ids=["missing", "unknown", "shape"],
)
def test_weights_of_another_model_are_refused(copy, change, told):
    held = load_file(copy / SHARD)
    change(held)
    save_file(held, copy / SHARD)
    with pytest.raises(SettingsError, match=told):
        load(copy)


def test_a_damaged_file_is_refused(copy):
    data = (copy / SHARD).read_bytes()
    (copy / SHARD).write_bytes(data[: len(data) // 2])
    with pytest.raises(SettingsError, match="damaged or cut short"):
        load(copy)


def test_a_model_without_resamplers_is_refused(copy):
    config = made_config()
    del config["object_resampler_n_latents"]
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(SettingsError, match="no TRASER model"):
        load(copy)


def test_a_saved_model_is_read_back_bit_by_bit(made, tmp_path):
    model = loaded(made)
    save_model(model, tmp_path, made_config())
    before, after = all_parameters(model), all_parameters(load(tmp_path))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_tiny_checkpoint_of_the_official_class_loads(golden):
    model = loaded(golden / "tiny_checkpoint")
    assert model.embedding.weight.shape == (151_667, 32)
    assert model.head.weight.data_ptr() == model.embedding.weight.data_ptr()
    assert model.otr.latents.shape == (8, 32)
    assert model.twr.latents.shape == (4, 32)


# ------------------------------------------------------------------ devices and formats


@pytest.mark.parametrize("name", ["cuda:99", "mps:9", "abacus"])
def test_a_device_that_is_not_there_is_explained(name):
    with pytest.raises(SettingsError, match=f"no device '{name}'.*device='cpu'"):
        pick_device(name)


@pytest.mark.parametrize(
    ("dtype", "language", "rest"),
    [
        ("auto", "float32", "float32"),
        ("float16", "float16", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
    ],
)
def test_half_precision_leaves_vision_and_resamplers_whole(made, dtype, language, rest):
    model = load_model(find_weights(str(made)), pick_precision(dtype, CPU), CPU)
    assert model.dtype == getattr(torch, language)
    assert {p.dtype for p in model.visual.parameters()} == {getattr(torch, rest)}
    assert model.otr.latents.dtype == model.twr.latents.dtype == getattr(torch, rest)
    assert {p.dtype for p in model.language.parameters()} == {getattr(torch, language)}
