"""A small TRASER of random weights and a tokenizer of bytes, for checkouts without data."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from reelgraph.tools.traser.loading import disk_name, empty_model, load_model
from reelgraph.tools.traser.model import TraserModel, pick_device, pick_precision
from reelgraph.tools.traser.weights import find_weights

BYTES = 256
WORDS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<obj_traj_start>",
    "<obj_traj_end>",
)
IDS = {word: BYTES + number for number, word in enumerate(WORDS)}
HIDDEN = 16
TEXT = {
    "hidden_size": HIDDEN,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "rope_scaling": {"type": "default", "rope_type": "default", "mrope_section": [1, 1, 0]},
    "vocab_size": BYTES + len(WORDS),
    "bos_token_id": IDS["<|endoftext|>"],
    "eos_token_id": IDS["<|im_end|>"],
    "pad_token_id": IDS["<|endoftext|>"],
}


def made_config() -> dict[str, Any]:
    """Return a ``config.json`` of the published one's form."""
    vision = {
        "depth": 2,
        "fullatt_block_indexes": [1],
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_heads": 2,
        "out_hidden_size": HIDDEN,
        "model_type": "qwen2_5_vl",
    }
    return TEXT | {
        "architectures": ["Qwen2_5_VLForConditionalGeneration_Insert"],
        "model_type": "qwen2_5_vl",
        "vision_config": vision,
        "text_config": TEXT | {"model_type": "qwen2_5_vl_text"},
        "image_token_id": IDS["<|image_pad|>"],
        "video_token_id": IDS["<|video_pad|>"],
        "vision_start_token_id": IDS["<|vision_start|>"],
        "vision_end_token_id": IDS["<|vision_end|>"],
        "obj_traj_start_id": IDS["<obj_traj_start>"],
        "obj_traj_end_id": IDS["<obj_traj_end>"],
        "use_resampler": True,
        "object_resampler": True,
        "resampler_depth": 3,
        "temporal_resampler_n_latents": 3,
        "object_resampler_n_latents": 5,
    }


def write_checkpoint(folder: Path, *, seed: int = 0, tokenizer: bool = True) -> Path:
    """Write the model, in two shards under the names on disk of the published one."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = made_config()
    (folder / "config.json").write_text(json.dumps(config))
    stops = [IDS["<|im_end|>"], IDS["<|endoftext|>"]]
    generation = {"eos_token_id": stops, "repetition_penalty": 1.05, "do_sample": True}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    random = torch.Generator().manual_seed(seed)
    model = empty_model(config)
    parts = {"": model.vlm, "perceiver_resampler.": model.twr}
    parts["second_perceiver_resampler."] = model.otr
    tensors = {
        disk_name(prefix + name): 0.3 * torch.randn(value.shape, generator=random)
        for prefix, part in parts.items()
        for name, value in part.named_parameters()
    }
    tensors.pop("lm_head.weight", None)
    names = sorted(tensors)
    shards = {"model-00001-of-00002.safetensors": names[::2]}
    shards["model-00002-of-00002.safetensors"] = names[1::2]
    for file, held in shards.items():
        save_file({name: tensors[name].bfloat16() for name in held}, folder / file)
    index = {"weight_map": {name: file for file, held in shards.items() for name in held}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    if tokenizer:
        write_tokenizer(folder)
    return folder


def write_tokenizer(folder: Path) -> None:
    """Write a tokenizer whose tokens are single bytes and the special words."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable}
    characters |= {byte: chr(256 + place) for place, byte in enumerate(others)}
    vocabulary = {characters[byte]: byte for byte in range(256)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    (folder / "added_tokens.json").write_text(json.dumps(IDS))
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    decoder = {str(i): {"content": word, "special": True} | flags for word, i in IDS.items()}
    settings = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": decoder,
        "additional_special_tokens": list(WORDS[1:]),
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "bos_token": None,
        "unk_token": None,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


@lru_cache(maxsize=4)
def loaded(folder: Path) -> TraserModel:
    """Return the model of a folder, in float32 on the CPU."""
    device = pick_device("cpu")
    return load_model(find_weights(str(folder)), pick_precision("float32", device), device)


def random_prompt(length: int, seed: int = 0) -> Any:
    """Return vectors of a prompt for the made model, ``(length, HIDDEN)``."""
    import torch

    values = np.random.default_rng(seed).normal(size=(length, HIDDEN))
    return torch.from_numpy(values.astype(np.float32))
