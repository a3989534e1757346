"""Where everything stands in TRASER's prompt: text, and the slots that latents fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Ints
from reelgraph.tools.traser.grid import FRAMES_PER_STEP, Grid

__all__ = [
    "IGNORED",
    "LATENTS",
    "SPECIAL_IDS",
    "Arrangement",
    "ArrangementBatch",
    "Latents",
    "PromptIds",
    "Slot",
    "SpecialIds",
    "WordIds",
    "arrange",
    "batch",
    "grids_per_window",
]

IGNORED = -100
"""Label of a position that the loss leaves out."""


class Latents(NamedTuple):
    """Vectors that each resampler writes (``*_resampler_n_latents`` in the model's config)."""

    trajectory: int = 32
    window: int = 32


class SpecialIds(NamedTuple):
    """Token ids with a role in the prompt (the model's config)."""

    trajectory_start: int = 151665
    trajectory_end: int = 151666
    vision_start: int = 151652
    vision_end: int = 151653
    video_pad: int = 151656
    pad: int = 151643


LATENTS = Latents()
"""Lengths in the published model."""
SPECIAL_IDS = SpecialIds()
"""Ids in the published model."""


class PromptIds(NamedTuple):
    """Token ids around the objects.

    Attributes:
        before: Up to the place of the video, without ``<|vision_start|>``.
        after: From behind ``<|vision_end|>`` to the start of the answer.
        answer: The answer with its closing tokens; empty where the model is to write it.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    answer: tuple[int, ...] = ()

    def unarranged(self, grid: Grid, special: SpecialIds) -> Ints:
        """Return the ids before the arrangement: one video pad for each visual token."""
        pads = (special.vision_start, *[special.video_pad] * grid.tokens, special.vision_end)
        return np.array([*self.before, *pads, *self.after, *self.answer], dtype=np.int64)


class WordIds(Protocol):
    """Token ids of the words inside an object's block."""

    def object_label(self, number: int) -> Sequence[int]:
        """Return the ids of ``"Object k: "``."""

    def window_label(self, start_s: int, end_s: int) -> Sequence[int]:
        """Return the ids of ``"<a - b sec>"``."""


@dataclass(frozen=True, eq=False)
class Slot:
    """A run of latents: which visual tokens they sum up, and where they stand.

    Attributes:
        number: The object's number in the prompt, from 1.
        window: The window's number from 0; None for the whole trajectory.
        start: Position of the first latent in the arranged sequence.
        length: Number of latents.
        tokens: Ascending indices into the clip's visual tokens, shape ``(n,)``, n > 0.
    """

    number: int
    window: int | None
    start: int
    length: int
    tokens: Ints


@dataclass(frozen=True, eq=False)
class Arrangement:
    """One prompt, ready but for the vectors of its slots (TRASER specification, 5).

    Attributes:
        ids: Token ids, shape ``(L,)``; slots hold the video pad id.
        labels: What each position is trained to be, ``IGNORED`` outside the answer,
            shape ``(L,)``.
        trajectories: The slot of each object's trajectory (OTR), by number.
        windows: The slots of the windows (TWR) in which objects have tokens, in order.
        object_ids: Original id of object ``k`` at ``k - 1``.
        grid: Grid of the clip's visual tokens.
        window_s: Nominal length of a window in seconds.
    """

    ids: Ints
    labels: Ints
    trajectories: tuple[Slot, ...]
    windows: tuple[Slot, ...]
    object_ids: tuple[int, ...]
    grid: Grid
    window_s: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def position_ids(self) -> Ints:
        """Rotary positions 0 .. L-1, the same for time, row and column, ``(3, L)``."""
        return np.tile(np.arange(len(self.ids), dtype=np.int64), (3, 1))


@dataclass(frozen=True, eq=False)
class ArrangementBatch:
    """Several prompts padded on the right (TRASER specification, 5.4).

    Attributes:
        arrangements: The prompts, in order.
        ids: ``(B, L)``, padding holds the pad id.
        labels: ``(B, L)``, padding is ``IGNORED``.
        attention_mask: ``(B, L)``, False on padding.
        position_ids: ``(3, B, L)``, 0 on padding.
        rope_deltas: Own length minus padded length, ``(B, 1)``.
    """

    arrangements: tuple[Arrangement, ...]
    ids: Ints
    labels: Ints
    attention_mask: NDArray[np.bool_]
    position_ids: Ints
    rope_deltas: Ints


def grids_per_window(window_s: int) -> int:
    """Return the time steps of one window, at the nominal one frame a second.

    Raises:
        ValueError: If ``window_s`` is not a positive even number (a step is two seconds).
    """
    if window_s < FRAMES_PER_STEP or window_s % FRAMES_PER_STEP:
        raise ValueError(f"window_s must be a positive even number of seconds, got {window_s!r}")
    return window_s // FRAMES_PER_STEP


def arrange(
    selected: Sequence[Ints],
    *,
    grid: Grid,
    prompt: PromptIds,
    words: WordIds,
    object_ids: Sequence[int] = (),
    latents: Latents = LATENTS,
    special: SpecialIds = SPECIAL_IDS,
    window_s: int = 4,
) -> Arrangement:
    """Lay out one prompt: text, one block per object, text (TRASER specification, 5.2).

    A block holds the object's number, the slot of its whole trajectory, and for each window
    in which it has tokens the window's time and slot; windows without tokens are left out.

    Args:
        selected: For each object, ascending indices into the visual tokens, none empty.
        grid: Grid of the visual tokens.
        prompt: Token ids around the objects.
        words: Token ids of labels and times.
        object_ids: Original ids by number; 1, 2, ... if empty.
        latents: Lengths of the two kinds of slots.
        special: Ids of the special tokens.
        window_s: Nominal seconds of a window, even.

    Raises:
        ValueError: If an object has no tokens, or tokens out of order or outside the grid.
    """
    _check(selected, object_ids, grid)
    per_window = grids_per_window(window_s) * grid.cells
    page = _Page(words, latents, special, window_s)
    page.write(prompt.before)
    for number, tokens in enumerate(selected, start=1):
        page.write_block(number, tokens, tokens // per_window)
    page.write(prompt.after)
    ids = np.array([*page.ids, *prompt.answer], dtype=np.int64)
    labels = np.full(len(ids), IGNORED, dtype=np.int64)
    labels[len(page.ids) :] = prompt.answer
    return Arrangement(
        ids,
        labels,
        tuple(page.trajectories),
        tuple(page.windows),
        tuple(object_ids) or tuple(range(1, len(selected) + 1)),
        grid,
        window_s,
    )


def _check(selected: Sequence[Ints], object_ids: Sequence[int], grid: Grid) -> None:
    if object_ids and len(object_ids) != len(selected):
        raise ValueError(f"{len(selected)} objects but {len(object_ids)} object_ids")
    for number, tokens in enumerate(selected, start=1):
        if len(tokens) == 0:
            raise ValueError(f"object {number} has no visual token; leave it out of the prompt")
        if tokens[0] < 0 or tokens[-1] >= grid.tokens or np.any(np.diff(tokens) <= 0):
            raise ValueError(
                f"object {number}: tokens must be ascending indices below {grid.tokens}, "
                f"got {tokens[:4]}..{tokens[-1]}"
            )


class _Page:
    """The sequence while it is written."""

    def __init__(
        self, words: WordIds, latents: Latents, special: SpecialIds, window_s: int
    ) -> None:
        self.ids: list[int] = []
        self.trajectories: list[Slot] = []
        self.windows: list[Slot] = []
        self._words = words
        self._latents = latents
        self._special = special
        self._window_s = window_s

    def write(self, ids: Sequence[int]) -> None:
        self.ids.extend(ids)

    def write_block(self, number: int, tokens: Ints, windows: Ints) -> None:
        special = self._special
        self.write([special.trajectory_start])
        self.write(self._words.object_label(number))
        self.write([special.vision_start])
        self.trajectories.append(self._slot(number, None, tokens, self._latents.trajectory))
        for window, inside in _by_window(tokens, windows):
            start_s = window * self._window_s
            self.write(self._words.window_label(start_s, start_s + self._window_s))
            self.windows.append(self._slot(number, window, inside, self._latents.window))
        self.write([special.vision_end, special.trajectory_end])

    def _slot(self, number: int, window: int | None, tokens: Ints, length: int) -> Slot:
        slot = Slot(number, window, len(self.ids), length, tokens)
        self.write([self._special.video_pad] * length)
        return slot


def _by_window(tokens: Ints, windows: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each window that holds tokens, with them, in order."""
    numbers, starts = np.unique(windows, return_index=True)
    for window, inside in zip(numbers, np.split(tokens, starts[1:]), strict=True):
        yield int(window), inside


def batch(arrangements: Sequence[Arrangement], *, pad: int = SPECIAL_IDS.pad) -> ArrangementBatch:
    """Pad prompts on the right to the longest (TRASER specification, 5.4).

    Raises:
        ValueError: If there is no prompt.
    """
    if not arrangements:
        raise ValueError("a batch needs at least one prompt")
    count, length = len(arrangements), max(map(len, arrangements))
    ids = np.full((count, length), pad, dtype=np.int64)
    labels = np.full((count, length), IGNORED, dtype=np.int64)
    lengths = np.array([[len(item)] for item in arrangements], dtype=np.int64)
    places = np.arange(length, dtype=np.int64)
    mask = places < lengths
    for row, item in enumerate(arrangements):
        ids[row, : len(item)] = item.ids
        labels[row, : len(item)] = item.labels
    positions = np.tile(np.where(mask, places, 0), (3, 1, 1))
    return ArrangementBatch(tuple(arrangements), ids, labels, mask, positions, lengths - length)
