"""Fine-tuning: what trains at which rate, and the run on Hugging Face's Trainer."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from reelgraph._optional import require
from reelgraph.errors import SettingsError
from reelgraph.tools.base import ToolConfig
from reelgraph.tools.traser.arrangement import Latents
from reelgraph.tools.traser.loading import load_model, save_model
from reelgraph.tools.traser.model import Precision, TraserModel
from reelgraph.tools.traser.tokens import TraserTokens, load_tokens
from reelgraph.tools.traser.training_data import TrainingData, TrainingRecord, read_records
from reelgraph.tools.traser.training_loss import MAX_LENGTH, loss_module
from reelgraph.tools.traser.weights import MODEL, REVISION, Weights, find_weights

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["TrainConfig", "TrainResult", "parameter_groups", "train", "training_steps"]

_KEPT_FILES: Final = (
    "added_tokens.json",
    "chat_template.jinja",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
)
_FINAL: Final = "model"


class TrainConfig(ToolConfig):
    """How TRASER is fine-tuned; the defaults are the official script's (specification, 10.3).

    The vision tower's blocks stay as they are. The official run had 8 devices with one
    example each, twice accumulated: 16 examples a step. Weights, gradients and AdamW's state
    of the published model take about 58 GB in float32 and 30 GB in bfloat16, on each device.

    Attributes:
        data: Training files; ``path%10`` takes a random 10 % of one.
        output: Folder for checkpoints; the result is its sub-folder ``model``.
        model: Local folder with the weights to start from, or id on the Hugging Face Hub.
        revision: Branch, tag or commit; only for an id.
        tokenizer: Folder with the tokenizer's files; the model's own if None.
        epochs: How often each example is seen.
        max_steps: Ends the run early; None sees all epochs.
        batch_size: Examples a device reads at once.
        accumulation: Batches that make one step.
        lr_language: Learning rate of the language model with the embedding.
        lr_merger: Learning rate of the vision tower's merger.
        lr_resamplers: Learning rate of both resamplers.
        warmup_ratio: Share of the steps in which the rates rise; then they fall like a
            cosine. (The paper's text says 0.03.)
        weight_decay: Of matrices; none for norms, biases and the resamplers.
        max_grad_norm: Longest gradient; a longer one is shortened.
        max_length: Longest example in tokens; what is longer is cut on the right.
        dtype: Format of the weights that train. bfloat16 takes half the memory, but loses
            small steps.
        mixed_precision: Whether to compute in bfloat16 on a GPU while weights are float32.
        checkpointing: Whether activations are computed again rather than kept.
        device: ``"auto"`` (a GPU where there is one) or ``"cpu"``.
        workers: Processes that read examples.
        seed: Of shuffling.
        log_steps: Steps between two reports of the loss.
        save_steps: Steps between two checkpoints to resume from; None writes none.
        keep_checkpoints: How many checkpoints stay, the latest. Each of the published model
            takes about 44 GB in float32.
        resume: Checkpoint folder to go on from.
    """

    data: tuple[str, ...] = Field(min_length=1)
    output: Path
    model: str = MODEL
    revision: str = REVISION
    tokenizer: str | None = None
    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=1, ge=1)
    accumulation: int = Field(default=2, ge=1)
    lr_language: float = Field(default=2e-5, gt=0)
    lr_merger: float = Field(default=5e-5, gt=0)
    lr_resamplers: float = Field(default=1e-4, gt=0)
    warmup_ratio: float = Field(default=0.01, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    max_length: int = Field(default=MAX_LENGTH, ge=1)
    dtype: Literal["float32", "bfloat16"] = "float32"
    mixed_precision: bool = True
    checkpointing: bool = True
    device: Literal["auto", "cpu"] = "auto"
    workers: int = Field(default=4, ge=0)
    seed: int = 42
    log_steps: int = Field(default=10, ge=1)
    save_steps: int | None = Field(default=1000, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)
    resume: Path | None = None


@dataclass(frozen=True)
class TrainResult:
    """What a run did.

    Attributes:
        folder: The trained model, to load like the published one.
        steps: Steps that were taken in all.
        losses: Mean loss of each report's steps, in order.
    """

    folder: Path
    steps: int
    losses: tuple[float, ...]


def train(config: TrainConfig) -> TrainResult:
    """Fine-tune TRASER and save it under ``config.output``.

    With several devices, start it through ``accelerate launch``; each holds the whole model.

    Raises:
        SettingsError: If weights or tokenizer are missing, or the output cannot be used.
        GraphFormatError: If a training file is malformed.
        MissingDependencyError: If a package is not installed.
    """
    require("transformers", extra="traser", feature="training TRASER")
    require("accelerate", extra="traser", feature="training TRASER")
    records = [r for source in config.data for r in read_records(source, seed=config.seed)]
    if not records:
        raise SettingsError(f"no example in {', '.join(config.data)}; check files and shares")
    weights = find_weights(config.model, config.revision)
    tokens = load_tokens(config.tokenizer or weights.folder)
    arguments = _arguments(config, len(records))
    model = _trainable(weights, config, arguments.device)
    trainer = _trainer(model, tokens, records, config, arguments, weights)
    trainer.train(resume_from_checkpoint=str(config.resume) if config.resume else None)
    folder = config.output / _FINAL
    if arguments.should_save:
        with _replaced_folder(folder) as partial:
            _write(model, weights, config, partial)
    history = trainer.state.log_history
    losses = tuple(float(entry["loss"]) for entry in history if "loss" in entry)
    return TrainResult(folder, int(trainer.state.global_step), losses)


def training_steps(examples: int, config: TrainConfig, devices: int = 1) -> int:
    """Return the number of steps: all epochs, or ``config.max_steps`` if that is less."""
    batches = math.ceil(examples / (config.batch_size * devices))
    steps = math.ceil(config.epochs * math.ceil(batches / config.accumulation))
    return steps if config.max_steps is None else min(steps, config.max_steps)


def parameter_groups(model: TraserModel, config: TrainConfig) -> list[dict[str, Any]]:
    """Return the optimizer's groups: one rate for each part (specification, 10.3).

    Norms and biases are not decayed, nor is anything in the resamplers.
    """
    groups: list[dict[str, Any]] = []
    for rate, decay, parts in (
        (config.lr_language, config.weight_decay, (model.language,)),
        (config.lr_merger, config.weight_decay, (model.visual.merger,)),
        (config.lr_resamplers, 0.0, (model.otr, model.twr)),
    ):
        held = [p for part in parts for p in part.parameters()]
        for share, weight_decay in (
            ([p for p in held if p.ndim > 1], decay),
            ([p for p in held if p.ndim <= 1], 0.0),
        ):
            groups.append({"params": share, "lr": rate, "weight_decay": weight_decay})
    return groups


def _trainable(weights: Weights, config: TrainConfig, device: torch.device) -> TraserModel:
    import torch

    dtype = getattr(torch, config.dtype)
    model = load_model(weights, Precision(dtype, dtype, dtype), device)
    for part in (model.language, model.visual.merger, model.otr, model.twr):
        part.requires_grad_(True)
    if config.checkpointing:
        # The new name of late 5.x; the old one warns there.
        name = "activation_checkpointing_enable"
        enable = getattr(model.vlm, name, None) or model.vlm.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    return model


def _arguments(config: TrainConfig, examples: int) -> Any:
    import torch
    from transformers import TrainingArguments

    on_gpu = config.device == "auto" and torch.cuda.is_available()
    mixed = on_gpu and config.mixed_precision and config.dtype == "float32"
    fixed: dict[str, Any] = {
        "output_dir": str(config.output),
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.accumulation,
        "max_grad_norm": config.max_grad_norm,
        "bf16": mixed and torch.cuda.is_bf16_supported(),
        "use_cpu": config.device == "cpu",
        "dataloader_num_workers": config.workers,
        "dataloader_pin_memory": on_gpu,
        "remove_unused_columns": False,
        "ddp_find_unused_parameters": False,
        "seed": config.seed,
        "logging_steps": config.log_steps,
        "save_strategy": "no" if config.save_steps is None else "steps",
        "save_steps": config.save_steps or 1,
        "save_total_limit": config.keep_checkpoints,
        "report_to": "none",
        "disable_tqdm": True,
    }
    # The number of devices is known only to the arguments themselves.
    devices = TrainingArguments(**fixed).world_size
    arguments = TrainingArguments(**fixed, max_steps=training_steps(examples, config, devices))
    if arguments.n_gpu > 1:
        # One process is one device; more of them need `accelerate launch`.
        arguments._n_gpu = 1
    return arguments


def _trainer(
    model: TraserModel,
    tokens: TraserTokens,
    records: Sequence[TrainingRecord],
    config: TrainConfig,
    arguments: Any,
    weights: Weights,
) -> Any:
    import torch
    from transformers import Trainer, get_cosine_schedule_with_warmup

    class TraserTrainer(Trainer):
        """Checkpoints are models like the published one."""

        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            del state_dict
            folder = Path(output_dir or config.output)
            folder.mkdir(parents=True, exist_ok=True)
            _write(model, weights, config, folder)

        def _load_from_checkpoint(
            self, resume_from_checkpoint: str, model: nn.Module | None = None
        ) -> None:
            _read_into(self.model if model is None else model, Path(resume_from_checkpoint))

    data = TrainingData(
        records, tokens, latents=Latents(len(model.otr.latents), len(model.twr.latents))
    )
    optimizer = torch.optim.AdamW(parameter_groups(model, config), lr=config.lr_language)
    steps = arguments.max_steps
    schedule = get_cosine_schedule_with_warmup(
        optimizer, math.ceil(config.warmup_ratio * steps), steps
    )
    return TraserTrainer(
        model=loss_module(model, pad=tokens.special.pad, max_length=config.max_length),
        args=arguments,
        train_dataset=data,
        data_collator=_as_batch,
        optimizers=(optimizer, schedule),
    )


def _as_batch(samples: list[Any]) -> dict[str, Any]:
    return {"samples": samples}


def _read_into(module: Any, folder: Path) -> None:
    """Put a checkpoint's weights into a module's parts, where optimizers know them."""
    import torch

    own = TraserModel(module.vlm, module.otr, module.twr)
    precision = Precision(own.dtype, own.dtype, own.dtype)
    saved = load_model(find_weights(str(folder)), precision, torch.device("cpu"))
    with torch.no_grad():
        for part, source in zip(own.parts(), saved.parts(), strict=True):
            for parameter, value in zip(part.parameters(), source.parameters(), strict=True):
                parameter.copy_(value)


def _write(model: TraserModel, weights: Weights, config: TrainConfig, folder: Path) -> None:
    """Write weights, tokenizer, and how they were trained."""
    sources = [weights.folder, Path(config.tokenizer or weights.folder)]
    for file in (source / name for source in sources for name in _KEPT_FILES):
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    record = {
        "config": config.model_dump(mode="json"),
        "from": {"model": config.model, "commit": weights.commit},
        "versions": {name: version(name) for name in ("torch", "transformers", "accelerate")},
    }
    text = json.dumps(record, indent=2) + "\n"
    (folder / "training.json").write_text(text, encoding="utf-8")
    save_model(model, folder, weights.config())
    # safetensors writes for the owner alone.
    (folder / "model.safetensors").chmod((folder / "training.json").stat().st_mode)


@contextmanager
def _replaced_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder to write to, and put it in the place of ``folder`` at the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    # mkdtemp lets nobody else in; the result is as open as a folder made by hand.
    mask = os.umask(0)
    os.umask(mask)
    partial.chmod(0o777 & ~mask)
    # The old folder goes only once the new one is in its place.
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-old-"))
    if folder.exists():
        folder.rename(aside / folder.name)
    partial.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
