"""TRASER's speed and memory with random weights: ours, and plain `generate` of transformers.

    python -m benchmarks.traser [--size full] [--objects 1 10 40] [--seconds 10 60 120]

A clip of so many seconds at 560x1008 in which every object shows all the time goes through
the vision tower, the resamplers, the reading of the prompt and the writing of tokens. Plain
`generate` gets the same prompt; both write the same number of tokens, one prompt at a time.
The limit of decoding is the memory bandwidth, measured here by copying, over the weights that
one token needs. Rounds alternate between both, and the best of each is kept. The full size is
the published model's (8.2 GB of memory in bfloat16).
"""

from __future__ import annotations

import argparse
import gc
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch  # noqa: TID253 - a benchmark of torch needs it
import transformers  # noqa: TID253

from reelgraph.tools.traser.arrangement import Arrangement, PromptIds, arrange
from reelgraph.tools.traser.decoding import Decoder, DecodingRules
from reelgraph.tools.traser.embedding import prompt_embeddings, video_features
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.language import LanguageModel
from reelgraph.tools.traser.loading import random_model
from reelgraph.tools.traser.model import TraserModel, pick_device, pick_precision

GB = 1e9
FULL = {
    "text": {
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
    },
    "vision": {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16},
    "full_attention": [7, 15, 23, 31],
    "rotary": [16, 24, 24],
}
SMALL = {
    "text": {
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_hidden_layers": 8,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
    "vision": {"depth": 4, "hidden_size": 128, "intermediate_size": 256, "num_heads": 4},
    "full_attention": [1, 3],
    "rotary": [8, 12, 12],
}
SIZES = {"full": FULL, "small": SMALL}
FRAME = {"full": (560, 1008), "small": (224, 224)}


class Words:
    """Labels of the lengths that TRASER's tokenizer gives them."""

    def object_label(self, number: int) -> list[int]:
        return [1190] * (5 if number < 10 else 6)

    def window_label(self, start_s: int, end_s: int) -> list[int]:
        return [27] * (5 + len(str(start_s)) + len(str(end_s)))


class Case(NamedTuple):
    """What one clip took, in seconds, tokens a second, and bytes."""

    objects: int
    seconds: int
    prompt: int
    vision_s: float
    read_s: float
    step_rate: float
    plain_read_s: float
    plain_rate: float
    peak: int
    plain_peak: int


def config_of(size: dict[str, Any]) -> dict[str, Any]:
    """A config.json of the published form."""
    text = size["text"] | {
        "vocab_size": 151_667,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000.0,
        "max_position_embeddings": 128_000,
        "rope_scaling": {
            "type": "default",
            "rope_type": "default",
            "mrope_section": size["rotary"],
        },
        "bos_token_id": 151643,
        "eos_token_id": 151645,
    }
    vision = size["vision"] | {
        "model_type": "qwen2_5_vl",
        "out_hidden_size": text["hidden_size"],
        "fullatt_block_indexes": size["full_attention"],
    }
    return text | {
        "model_type": "qwen2_5_vl",
        "text_config": text | {"model_type": "qwen2_5_vl_text"},
        "vision_config": vision,
        "image_token_id": 151655,
        "video_token_id": 151656,
        "vision_start_token_id": 151652,
        "vision_end_token_id": 151653,
        "resampler_depth": 3,
        "object_resampler_n_latents": 32,
        "temporal_resampler_n_latents": 32,
    }


def layout(objects: int, grid: Grid) -> Arrangement:
    """A prompt in which every object has a share of the cells of every time step."""
    cells = np.arange(grid.tokens, dtype=np.int64)
    share = max(1, grid.cells // objects)
    inside = cells % grid.cells
    selected = [cells[inside // share == number] for number in range(objects)]
    prompt = PromptIds(before=(198,) * 26, after=(198,) * 6)
    return arrange(selected, grid=grid, prompt=prompt, words=Words())


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(device: torch.device, work: Callable[[], Any]) -> tuple[float, Any]:
    synchronize(device)
    started = time.perf_counter()
    result = work()
    synchronize(device)
    return time.perf_counter() - started, result


def with_peak(device: torch.device, work: Callable[[], Any]) -> tuple[int | None, Any]:
    if device.type != "cuda":
        return None, work()
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    result = work()
    return torch.cuda.max_memory_allocated(device), result


def bandwidth(device: torch.device) -> float:
    """Bytes a second that a large copy reads and writes, the best of several."""
    source = torch.empty((1 << 30) if device.type == "cuda" else (1 << 28), dtype=torch.uint8)
    source = source.to(device).zero_()
    target = torch.empty_like(source)
    target.copy_(source)
    best = min(timed(device, lambda: target.copy_(source))[0] for _ in range(5))
    return 2 * source.numel() / best


def rules(tokens: int) -> DecodingRules:
    return DecodingRules(max_new_tokens=tokens, min_new_tokens=tokens, stop_loops=False)


def ours(
    model: TraserModel, pixels: torch.Tensor, prompt: Arrangement, tokens: int, mode: str
) -> tuple[float, float, float, torch.Tensor]:
    """Seconds of vision and of reading, tokens a second of writing, and the prompt's vectors."""
    grid, per_step = prompt.grid, pixels.shape[0] // prompt.grid.steps

    def rows(start: int, stop: int) -> torch.Tensor:
        return pixels[start * per_step : stop * per_step]

    def see() -> torch.Tensor:
        return prompt_embeddings(model, video_features(model, rows, grid), prompt)

    device = model.device
    with torch.inference_mode():
        see_s, vectors = timed(device, see)
    language = LanguageModel(model)
    warm = Decoder(language, rules(24), mode=mode)
    warm.write([vectors])  # compiles, and settles which kernels are used
    read_s = timed(device, lambda: Decoder(language, rules(1), mode=mode).write([vectors]))[0]
    told: list[float] = []
    Decoder(language, rules(tokens), mode=mode).write([vectors], lambda _, s: told.append(s))
    return see_s, read_s, tokens / told[-1], vectors


def plain(model: TraserModel, vectors: torch.Tensor, tokens: int) -> tuple[float, float]:
    """Seconds of reading and tokens a second of writing of plain `generate`."""
    ends: list[float] = []

    def note(ids: torch.Tensor, _: Any) -> torch.Tensor:
        synchronize(model.device)
        ends.append(time.perf_counter())
        return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

    def write(count: int) -> float:
        started = time.perf_counter()
        model.vlm.generate(
            inputs_embeds=vectors[None],
            attention_mask=torch.ones((1, len(vectors)), dtype=torch.long, device=vectors.device),
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
            repetition_penalty=1.05,
            use_cache=True,
            stopping_criteria=transformers.StoppingCriteriaList([note]),
        )
        return started

    write(2)
    ends.clear()
    started = write(tokens)
    return ends[0] - started, (len(ends) - 1) / (ends[-1] - ends[0])


def batched(model: TraserModel, prompt: Arrangement, sizes: list[int], tokens: int) -> None:
    """Print the tokens a second that several prompts have together."""
    print("\n| prompts at once | tokens/s in all | cache GB |\n|---|---|---|")
    language = LanguageModel(model)
    random = torch.Generator().manual_seed(0)
    shape = (len(prompt), model.embedding.embedding_dim)
    vectors = torch.randn(shape, generator=random).to(model.device, model.dtype)
    for count in sizes:
        told: list[float] = []
        decoder = Decoder(language, rules(tokens))
        decoder.write([vectors] * count)  # compiles, and settles which kernels are used
        decoder.write([vectors] * count, lambda _, s, told=told: told.append(s))
        held = language.new_cache(count, len(prompt) + tokens).bytes
        print(f"| {count} | {count * tokens / told[-1]:.1f} | {held / GB:.2f} |", flush=True)


def cases(model: TraserModel, options: argparse.Namespace) -> Iterator[Case]:
    height, width = FRAME[options.size]
    for seconds in options.seconds:
        grid = Grid.of(seconds, (height, width))
        random = torch.Generator().manual_seed(0)
        pixels = torch.randn((grid.patches, 1176), generator=random)
        for objects in options.objects:
            prompt = layout(objects, grid)
            runs = [measured(model, pixels, prompt, options) for _ in range(options.rounds)]
            yield best(objects, seconds, len(prompt), runs)
    grid = Grid.of(options.seconds[0], FRAME[options.size])
    batched(model, layout(options.objects[0], grid), options.batches, options.tokens)


def measured(
    model: TraserModel, pixels: torch.Tensor, prompt: Arrangement, options: argparse.Namespace
) -> tuple[Any, ...]:
    """Seconds, rates and peaks of one round: ours, then plain `generate`."""
    tokens, mode = options.tokens, options.decoding
    peak, found = with_peak(model.device, lambda: ours(model, pixels, prompt, tokens, mode))
    *speeds, vectors = found
    plain_peak, plain_speeds = with_peak(model.device, lambda: plain(model, vectors, tokens))
    return *speeds, *plain_speeds, peak or 0, plain_peak or 0


def best(objects: int, seconds: int, prompt: int, runs: list[tuple[Any, ...]]) -> Case:
    """The least seconds, the highest rates and the highest peaks of all rounds."""
    see, read, rate, plain_read, plain_rate, peak, plain_peak = zip(*runs, strict=True)
    times = (min(see), min(read), max(rate), min(plain_read), max(plain_rate))
    return Case(objects, seconds, prompt, *times, max(peak), max(plain_peak))


def shown(peak: int) -> str:
    return f"{peak / GB:.1f}" if peak else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="full" if on_gpu() else "small")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--decoding", default="auto")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 10, 40])
    parser.add_argument("--seconds", type=int, nargs="+", default=[10, 60, 120])
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many is kept")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--tokens", type=int, default=256, help="tokens to write")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="Passing `repetition_penalty`")
    device = pick_device(options.device)
    precision = pick_precision(options.dtype, device)
    model = random_model(config_of(SIZES[options.size]), precision, device)
    model.vlm.generation_config.pad_token_id = 151643
    language = LanguageModel(model)
    speed = bandwidth(device)
    limit = speed / language.step_bytes
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    print(
        f"{device} {name or platform.machine()}, {torch.get_num_threads()} threads, torch "
        f"{torch.__version__}, transformers {transformers.__version__}, {options.size} size, "
        f"{str(model.dtype).removeprefix('torch.')}, weights {model.parameter_bytes / GB:.2f} GB"
    )
    print(
        f"copying moves {speed / GB:.1f} GB/s; a token needs {language.step_bytes / GB:.2f} GB "
        f"of weights, so the limit is {limit:.0f} tokens/s\n"
    )
    print(
        "| objects | s | prompt | vision s | read s | tokens/s | of limit | plain read s ", end=""
    )
    print("| plain tokens/s | faster | peak GB | plain peak GB |")
    print("|" + "---|" * 12)
    for c in cases(model, options):
        print(
            f"| {c.objects} | {c.seconds} | {c.prompt} | {c.vision_s:.2f} | {c.read_s:.2f} "
            f"| {c.step_rate:.1f} | {c.step_rate / limit:.0%} | {c.plain_read_s:.2f} "
            f"| {c.plain_rate:.1f} | {c.step_rate / c.plain_rate:.2f} | {shown(c.peak)} "
            f"| {shown(c.plain_peak)} |",
            flush=True,
        )


def on_gpu() -> bool:
    return torch.cuda.is_available()


if __name__ == "__main__":
    main()
