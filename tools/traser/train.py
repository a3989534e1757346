"""Fine-tunes TRASER: ``python -m reelgraph.tools.traser.train --help``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer import Argument, Option

from reelgraph.errors import ReelgraphError
from reelgraph.tools.traser.training import TrainConfig, train
from reelgraph.tools.traser.weights import MODEL, REVISION

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_DEFAULT = TrainConfig(data=("-",), output=Path())


@app.command()
def fine_tune(
    data: Annotated[list[str], Argument(help="Training files; path%10 takes 10 % of one.")],
    output: Annotated[Path, Option(help="Folder for checkpoints and the result.")],
    model: Annotated[str, Option(help="Weights to start from: a folder or a Hub id.")] = MODEL,
    revision: Annotated[str, Option(help="Branch, tag or commit of a Hub id.")] = REVISION,
    tokenizer: Annotated[str | None, Option(help="Folder of the tokenizer's files.")] = None,
    epochs: Annotated[float, Option(help="How often each example is seen.")] = _DEFAULT.epochs,
    max_steps: Annotated[int | None, Option(help="End after so many steps.")] = None,
    batch_size: Annotated[int, Option(help="Examples per device.")] = _DEFAULT.batch_size,
    accumulation: Annotated[int, Option(help="Batches per step.")] = _DEFAULT.accumulation,
    lr_language: Annotated[float, Option(help="Rate of the language model.")] = (
        _DEFAULT.lr_language
    ),
    lr_merger: Annotated[float, Option(help="Rate of the vision merger.")] = _DEFAULT.lr_merger,
    lr_resamplers: Annotated[float, Option(help="Rate of both resamplers.")] = (
        _DEFAULT.lr_resamplers
    ),
    warmup_ratio: Annotated[float, Option(help="Share of steps of rising rates.")] = (
        _DEFAULT.warmup_ratio
    ),
    weight_decay: Annotated[float, Option(help="Decay of the matrices.")] = (_DEFAULT.weight_decay),
    max_grad_norm: Annotated[float, Option(help="Longest gradient.")] = _DEFAULT.max_grad_norm,
    max_length: Annotated[int, Option(help="Longest example in tokens.")] = _DEFAULT.max_length,
    dtype: Annotated[str, Option(help="Weights: float32 or bfloat16.")] = _DEFAULT.dtype,
    mixed_precision: Annotated[bool, Option(help="Compute in bfloat16 on a GPU.")] = (
        _DEFAULT.mixed_precision
    ),
    checkpointing: Annotated[bool, Option(help="Compute activations again to save memory.")] = (
        _DEFAULT.checkpointing
    ),
    device: Annotated[str, Option(help="auto or cpu.")] = _DEFAULT.device,
    workers: Annotated[int, Option(help="Processes that read examples.")] = _DEFAULT.workers,
    seed: Annotated[int, Option(help="Of shuffling.")] = _DEFAULT.seed,
    log_steps: Annotated[int, Option(help="Steps between reports.")] = _DEFAULT.log_steps,
    save_steps: Annotated[int | None, Option(help="Steps between checkpoints; 0 for none.")] = (
        _DEFAULT.save_steps
    ),
    keep_checkpoints: Annotated[int, Option(help="Checkpoints that stay, the latest.")] = (
        _DEFAULT.keep_checkpoints
    ),
    resume: Annotated[Path | None, Option(help="Checkpoint folder to go on from.")] = None,
) -> None:
    """Fine-tune TRASER on SVG2-format data; the defaults are the official script's.

    A training file is a JSON list of records with video, mask_json, obj_list and
    conversations. The vision tower stays frozen. With several GPUs:
    accelerate launch -m reelgraph.tools.traser.train ...
    """
    options: dict[str, Any] = dict(locals())
    result = train(TrainConfig(**options | {"save_steps": save_steps or None}))
    # Launchers start one process per device and number them.
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"{result.steps} steps; the model is in {result.folder}")


def main() -> None:
    """Run the command; what the user can fix is told in one line."""
    try:
        app()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        _fail(f"--{place.replace('_', '-')}: {first['msg']}, got {first['input']!r}")
    except (ReelgraphError, OSError) as error:
        _fail(str(error))


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
