"""SAM 2 by objects, length and model: our engine beside the plain sam2 video predictor.

    python -m benchmarks.sam2_tracking                      # some minutes on a CPU
    python -m benchmarks.sam2_tracking --device cuda --image-size 1024 --fps 10

Weights are drawn at random, the same for both: the work does not depend on them, the
masks mean nothing. Speed is that of a full memory, both predictors by turns in one
process, the best of several rounds. Memory is the peak of a process of its own for each
predictor and length. On a CPU time is that of one core, so that other programs disturb
it less; with more threads, or on a GPU, it is the clock's.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

HEIGHT, WIDTH = 72, 96
FULL_MEMORY = 16
PLAIN, OURS = "plain sam2", "reelgraph"


def frame(index: int) -> np.ndarray:
    """Noise with a bright block that moves."""
    image = np.random.default_rng(index).integers(0, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    left = index % (WIDTH - 24)
    image[20:44, left : left + 24] += 100
    return image


def prompts(count: int) -> list[np.ndarray]:
    """Square masks all over the first frame."""
    masks = np.zeros((count, HEIGHT, WIDTH), bool)
    for number, mask in enumerate(masks):
        left, top = number * 7 % (WIDTH - 16), number * 5 % (HEIGHT - 16)
        mask[top : top + 16, left : left + 16] = True
    return list(masks)


def write_frames(folder: Path, count: int) -> None:
    from PIL import Image

    for index in range(count):
        Image.fromarray(frame(index)).save(folder / f"{index:05d}.jpg")


def read_frame(path: Path) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def follow_plain(engine: Any, folder: Path, objects: int) -> Iterator[int]:
    """Follow objects with the plain predictor; yields each frame's index when it is done."""
    model = engine.network.model
    with engine.network.running():
        state = model.init_state(str(folder))
        for number, mask in enumerate(prompts(objects)):
            model.add_new_mask(state, 0, number, mask)
        for index, _, logits in model.propagate_in_video(state):
            (logits > 0).cpu()
            yield index


def follow_ours(engine: Any, folder: Path, objects: int) -> Iterator[int]:
    """Follow objects with the engine; yields each frame's index when it is done."""
    memories = []
    for index, path in enumerate(sorted(folder.glob("*.jpg"))):
        embedding = engine.embed(read_frame(path))
        if index == 0:
            memories = engine.start(embedding, prompts(objects), 0)
        else:
            engine.step(embedding, memories, index)
        yield index


FOLLOW: dict[str, Callable[[Any, Path, int], Iterator[int]]] = {
    PLAIN: follow_plain,
    OURS: follow_ours,
}


def build(job: dict[str, Any]) -> Any:
    import sam2.sam2_video_predictor as predictor
    import torch

    from reelgraph.tools.sam2.engine_config import EngineConfig
    from reelgraph.tools.sam2.weights import random_engine

    predictor.tqdm = lambda frames, **_: frames
    torch.set_num_threads(job["threads"])
    config = EngineConfig(
        image_size=job["image_size"], device=job["device"], compile=job["compile"]
    )
    engine = random_engine(job["model"], config)
    # Fresh weights find objects absent or present by chance; here all are there.
    score = engine.network.model.sam_mask_decoder.pred_obj_score_head
    with torch.no_grad():
        score.layers[-1].bias.fill_(10.0)
    return engine


def clock(job: dict[str, Any]) -> float:
    """Seconds of the processor on one core of a CPU, of the wall clock elsewhere."""
    import torch

    if job["device"].startswith("cuda"):
        torch.cuda.synchronize()
    elif job["threads"] == 1:
        return time.process_time()
    return time.perf_counter()


def measure_speed(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Seconds a frame of both predictors with a full memory, the best of several rounds."""
    engine = build(job)
    seconds: dict[str, list[float]] = {PLAIN: [], OURS: []}
    for _ in range(job["rounds"]):
        for name, follow in FOLLOW.items():
            marks = [clock(job) for index in follow(engine, folder, job["objects"])]
            timed = marks[FULL_MEMORY:]
            seconds[name].append((timed[-1] - timed[0]) / (len(timed) - 1))
    return {name: min(found) for name, found in seconds.items()}


def measure_memory(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Peak memory in MiB of following to the end, and that of the model alone."""
    import torch

    engine = build(job)
    follow = FOLLOW[job["predictor"]]
    engine.embed(frame(0))
    before = peak_mib(job["device"])
    if job["device"].startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    for _ in follow(engine, folder, job["objects"]):
        pass
    return {"before": before, "peak": peak_mib(job["device"])}


def peak_mib(device: str) -> float:
    import torch

    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


MEASURE = {"speed": measure_speed, "memory": measure_memory}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Measure in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_frames(Path(folder), job["frames"])
        command = [sys.executable, "-m", "benchmarks.sam2_tracking", "--worker", json.dumps(job)]
        environment = os.environ | {"OMP_NUM_THREADS": str(job["threads"]), "FRAMES": folder}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{job} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed_rows(options: argparse.Namespace, job: dict[str, Any]) -> Iterator[str]:
    yield "| model | objects | plain sam2, frames/s | reelgraph, frames/s | ratio |"
    yield "|---|---|---|---|---|"
    for model in options.models:
        for objects in options.objects:
            found = run(
                job
                | {"kind": "speed", "model": model, "objects": objects, "rounds": options.rounds}
                | {"frames": FULL_MEMORY + options.timed_frames + 1}
            )
            plain, ours = found[PLAIN], found[OURS]
            yield (
                f"| {model} | {objects} | {1 / plain:.2f} | {1 / ours:.2f} | {plain / ours:.2f} |"
            )


def memory_rows(options: argparse.Namespace, job: dict[str, Any]) -> Iterator[str]:
    yield (
        "| length | frames | plain sam2, peak MiB | of that for the video "
        "| reelgraph, peak MiB | of that for the video |"
    )
    yield "|---|---|---|---|---|---|"
    for length_s in options.lengths:
        frames = round(length_s * options.fps)
        cells = []
        for predictor in (PLAIN, OURS):
            found = run(
                job
                | {"kind": "memory", "model": options.models[0], "predictor": predictor}
                | {"objects": options.memory_objects, "frames": frames}
                | {"image_size": options.memory_image_size or options.image_size}
            )
            cells.append(f"{found['peak']:.0f} | {found['peak'] - found['before']:.0f}")
        yield f"| {length_s:g} s | {frames} | {' | '.join(cells)} |"


def circumstances(options: argparse.Namespace) -> Iterator[str]:
    import torch

    device = platform.processor() or platform.machine()
    if options.device.startswith("cuda"):
        device = torch.cuda.get_device_name()
    elif Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        device = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    packages = ("torch", "torchvision", "sam2", "reelgraph")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    yield f"- {datetime.now(UTC):%Y-%m-%d}, {options.device}: {device}, {options.threads} thread(s)"
    yield f"- Python {platform.python_version()}, {versions}"
    yield f"- random weights, frames {WIDTH}x{HEIGHT}, model image {options.image_size} px"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=list(MEASURE), default=list(MEASURE))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=["tiny"])
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--objects", nargs="+", type=int, default=[1, 8, 16, 32, 64])
    parser.add_argument("--timed-frames", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lengths", nargs="+", type=float, default=[10, 60, 600], help="seconds")
    parser.add_argument("--fps", type=float, default=1.0, help="frames a second for the lengths")
    parser.add_argument("--memory-objects", type=int, default=1)
    parser.add_argument("--memory-image-size", type=int)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.worker:
        job = json.loads(options.worker)
        print(json.dumps(MEASURE[job["kind"]](job, Path(os.environ["FRAMES"]))))
        return
    job = {
        "device": options.device,
        "threads": options.threads,
        "image_size": options.image_size,
        "compile": options.compile,
    }
    rows: dict[str, Callable[..., Iterator[str]]] = {"speed": speed_rows, "memory": memory_rows}
    for line in circumstances(options):
        print(line, flush=True)
    for part in options.parts:
        print(flush=True)
        for line in rows[part](options, job):
            print(line, flush=True)


if __name__ == "__main__":
    main()
