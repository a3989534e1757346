"""The engine against the plain predictor of the sam2 package, on the real modules."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'sam2'")
pytest.importorskip("sam2", reason="needs the extra 'sam2'")

from PIL import Image  # noqa: E402

from reelgraph.tools.sam2.engine import BoxPrompt, ObjectMemory, PointPrompt, Prompt  # noqa: E402
from reelgraph.tools.sam2.engine_config import EngineConfig  # noqa: E402
from reelgraph.tools.sam2.model import build_model  # noqa: E402
from reelgraph.tools.sam2.sam2_engine import Sam2Engine  # noqa: E402

SIZE, HEIGHT, WIDTH = 64, 48, 60
FRAMES = 18  # longer than the spatial memory (7) and the object pointers (16)
TOLERANCE = 1e-4
MANY = 16
CONFIG = EngineConfig(image_size=SIZE, device="cpu")

Prompts = dict[int, tuple[int, Prompt]]
"""Frame and prompt of each object, by object id."""


def square(left: int, top: int, side: int = 16) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sum in one order: memories are kept in bfloat16, where a last bit becomes a visible one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> Any:
    """A model whose masks depend on its memory far more than the tolerance.

    Fresh weights hardly pass anything on from memory, so a parity test on them could not fail.
    """
    torch.manual_seed(7)
    model = build_model("tiny", CONFIG)
    decoder = model.sam_mask_decoder
    with torch.no_grad():
        for block in model.memory_encoder.fuser.layers:
            block.gamma.fill_(1.0)
        model.maskmem_tpos_enc.normal_()
        for layer in model.memory_attention.layers:
            for part in (layer.cross_attn_image.v_proj, layer.cross_attn_image.out_proj):
                part.weight *= 4
        for head in decoder.output_hypernetworks_mlps:
            head.layers[-1].weight *= 6
        decoder.pred_obj_score_head.layers[-1].bias.fill_(10.0)
    # Without autocast the plain predictor mixes float32 weights with the bfloat16 memory of a
    # prompt to come, and stops; autocast casts it as this hook does.
    model.memory_attention.register_forward_pre_hook(as_float32, with_kwargs=True)
    return model


def as_float32(_: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return args, kwargs | {"memory": kwargs["memory"].float()}


@contextmanager
def nothing_seen(model: Any) -> Iterator[None]:
    """Make the model find every object absent."""
    bias = model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias
    with torch.no_grad():
        before = bias.clone()
        bias.fill_(-10.0)
        yield
        bias.copy_(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of noise with a bright block that moves."""
    folder = tmp_path_factory.mktemp("frames")
    random = np.random.default_rng(3)
    for index in range(FRAMES):
        frame = random.integers(0, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        frame[10:30, index : index + 16] += 130
        Image.fromarray(frame).save(folder / f"{index:05d}.jpg", quality=95)
    return folder


@pytest.fixture(scope="module")
def images(folder: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(p).convert("RGB")) for p in sorted(folder.glob("*.jpg"))]


def plain(model: Any, folder: Path, prompts: Prompts, start: int) -> dict[int, dict]:
    """Mask logits at the original size, by frame and object, from the plain predictor."""
    state = model.init_state(str(folder))
    for number, (frame, prompt) in prompts.items():
        if isinstance(prompt, PointPrompt):
            labels = prompt.labels or (1,) * len(prompt.points_xy)
            given = {"points": np.array(prompt.points_xy), "labels": np.array(labels)}
            model.add_new_points_or_box(state, frame, number, **given)
        elif isinstance(prompt, BoxPrompt):
            model.add_new_points_or_box(state, frame, number, box=np.array(prompt.xyxy))
        else:
            model.add_new_mask(state, frame, number, prompt)
    return {
        frame: dict(zip(ids, logits[:, 0].numpy(), strict=True))
        for frame, ids, logits in model.propagate_in_video(state, start_frame_idx=start)
    }


def engine_for(model: Any, objects_per_batch: int) -> Sam2Engine:
    config = CONFIG.model_copy(update={"objects_per_batch": objects_per_batch})
    return Sam2Engine(model, "random", config)


def started(
    engine: Sam2Engine, images: list[np.ndarray], prompts: Prompts
) -> dict[int, ObjectMemory]:
    """The memory of each object after its prompt."""
    frames = sorted({frame for frame, _ in prompts.values()})
    memories = {}
    for frame in frames:
        chosen = {n: prompt for n, (at, prompt) in prompts.items() if at == frame}
        found = engine.start(engine.embed(images[frame]), list(chosen.values()), frame)
        memories |= dict(zip(chosen, found, strict=True))
    return memories


def logits_of(
    engine: Sam2Engine, embedding: Any, memories: list[ObjectMemory], frame: int
) -> dict[int, np.ndarray]:
    """Mask logits at the original size, by position."""
    result = {}
    with engine.network.running():
        for positions, found in engine.found(embedding, memories, frame):
            logits = engine.network.resized(found.logits, (HEIGHT, WIDTH))[:, 0].numpy()
            result |= dict(zip(positions, logits, strict=True))
    return result


def largest_difference(
    engine: Sam2Engine,
    images: list[np.ndarray],
    memories: dict[int, ObjectMemory],
    expected: dict[int, dict],
) -> float:
    """Follow the objects; masks must be equal, and logits differ by no more than this."""
    worst = 0.0
    numbers = list(memories)
    for frame in sorted(expected):
        alive = [n for n in numbers if n in expected[frame]]
        chosen = [memories[n] for n in alive]
        embedding = engine.embed(images[frame])
        for position, logits in logits_of(engine, embedding, chosen, frame).items():
            worst = max(worst, np.abs(logits - expected[frame][alive[position]]).max())
        seen = engine.step(embedding, chosen, frame)
        for number, mask in zip(alive, seen.masks, strict=True):
            off = np.abs(expected[frame][number]) > TOLERANCE
            np.testing.assert_array_equal(mask[off], (expected[frame][number] > 0)[off])
    return float(worst)


SAME_FRAME: Prompts = {
    1: (0, square(3, 5)),
    2: (0, square(30, 20)),
    3: (0, PointPrompt(((20.0, 20.0),))),
    4: (0, PointPrompt(((20.0, 20.0), (50.0, 40.0)), (1, 0))),
    5: (0, BoxPrompt((5, 5, 30, 30))),
    6: (0, np.zeros((HEIGHT, WIDTH), bool)),
}
SPREAD: Prompts = {
    1: (0, square(3, 5)),
    2: (4, square(30, 20)),
    3: (11, BoxPrompt((5, 5, 30, 30))),
    4: (4, PointPrompt(((20.0, 20.0),))),
}


@pytest.fixture(scope="module")
def same_frame(model: Any, folder: Path) -> dict[int, dict]:
    """What the plain predictor makes of `SAME_FRAME`."""
    return plain(model, folder, SAME_FRAME, start=0)


def test_one_object_is_found_as_by_the_plain_predictor(model, folder, images):
    prompts = {1: SAME_FRAME[1]}
    expected = plain(model, folder, prompts, start=0)
    engine = engine_for(model, MANY)
    difference = largest_difference(engine, images, started(engine, images, prompts), expected)
    assert difference <= TOLERANCE / 10


@pytest.mark.parametrize(
    ("at_once", "tolerance"), [(1, TOLERANCE / 10), (4, TOLERANCE), (MANY, TOLERANCE)]
)
def test_objects_of_one_frame_are_found_as_one_by_one(
    model, images, same_frame, at_once, tolerance
):
    engine = engine_for(model, at_once)
    difference = largest_difference(engine, images, started(engine, images, SAME_FRAME), same_frame)
    assert difference <= tolerance


def test_the_masks_compared_differ_between_objects_far_more_than_the_tolerance(same_frame):
    last = same_frame[FRAMES - 1]
    apart = [np.abs(last[a] - last[b]).max() for a in last for b in last if a < b]
    assert min(apart) > 5 * TOLERANCE
    assert np.median(apart) > 100 * TOLERANCE


def test_objects_that_start_on_different_frames_are_found_as_alone(model, folder, images):
    expected: dict[int, dict] = {}
    for number, (frame, prompt) in SPREAD.items():
        alone = plain(model, folder, {number: (frame, prompt)}, start=frame)
        for index, logits in alone.items():
            expected.setdefault(index, {}).update(logits)
    engine = engine_for(model, MANY)
    difference = largest_difference(engine, images, started(engine, images, SPREAD), expected)
    assert difference <= TOLERANCE


def test_the_offline_pass_looks_for_objects_before_their_prompt(model, folder, images):
    expected = plain(model, folder, SPREAD, start=0)
    engine = engine_for(model, MANY)
    online = started(engine, images, SPREAD)
    engine.step(engine.embed(images[12]), list(online.values()), 12)
    again = {number: engine.fresh(memory) for number, memory in online.items()}
    assert largest_difference(engine, images, again, expected) <= TOLERANCE


def test_absent_objects_have_empty_masks_and_low_scores(model, folder, images):
    prompts = {n: SAME_FRAME[n] for n in (1, 2)}
    with nothing_seen(model):
        expected = plain(model, folder, prompts, start=0)
        engine = engine_for(model, MANY)
        memories = started(engine, images, prompts)
        assert largest_difference(engine, images, memories, expected) == 0.0
        again = [engine.fresh(memory) for memory in memories.values()]
        found = engine.step(engine.embed(images[1]), again, 1)
    assert not found.masks.any()
    assert (found.scores < 0.5).all()
    assert all(memory.first_mask.any() for memory in again)


def test_a_saved_memory_goes_on_bit_for_bit(model, images):
    engine = engine_for(model, MANY)
    memories = list(started(engine, images, SAME_FRAME).values())
    for frame in range(1, 10):
        engine.step(engine.embed(images[frame]), memories, frame)
    restored = engine.load(engine.dump(memories))
    for frame in range(10, FRAMES):
        embedding = engine.embed(images[frame])
        going_on = engine.step(embedding, memories, frame)
        resumed = engine.step(embedding, restored, frame)
        np.testing.assert_array_equal(going_on.masks, resumed.masks)
        np.testing.assert_array_equal(going_on.scores, resumed.scores)
    for kept, loaded in zip(memories, restored, strict=True):
        assert kept.first_frame == loaded.first_frame
        np.testing.assert_array_equal(kept.first_mask, loaded.first_mask)


def test_an_object_that_is_only_looked_at_remembers_nothing(model, images):
    engine = engine_for(model, MANY)
    (memory,) = engine.start(engine.embed(images[0]), [square(3, 5)], 0)
    embedding = engine.embed(images[1])
    looked = engine.step(embedding, [memory], 1, remember=False)
    assert memory.state.recent == {}
    found = engine.step(embedding, [memory], 1)
    np.testing.assert_array_equal(looked.masks, found.masks)
    assert list(memory.state.recent) == [1]


def test_the_prompts_frame_gives_the_prompts_mask_and_is_not_remembered_twice(model, images):
    engine = engine_for(model, MANY)
    embedding = engine.embed(images[0])
    (memory,) = engine.start(embedding, [square(3, 5)], 0)
    found = engine.step(embedding, [memory], 0)
    np.testing.assert_array_equal(found.masks[0], memory.first_mask)
    assert found.scores[0] > 0.99
    assert memory.state.recent == {}


def test_a_memory_does_not_grow_with_the_video(model, images):
    engine = engine_for(model, MANY)
    (memory,) = engine.start(engine.embed(images[0]), [square(3, 5)], 0)
    sizes = []
    for frame in range(1, 40):
        engine.step(engine.embed(images[frame % FRAMES]), [memory], frame)
        sizes.append(len(engine.dump([memory])))
    assert max(sizes[25:]) == min(sizes[25:])
    moments = memory.state.recent
    assert len(moments) == 15
    assert sum(moment.features is not None for moment in moments.values()) == 6
    for moment in moments.values():
        parts = [moment.pointer] + ([] if moment.features is None else [moment.features])
        for part in parts:
            assert part.untyped_storage().nbytes() == part.numel() * part.element_size()


def test_several_prompt_frames_of_one_object_are_all_read(model, folder, images):
    state = model.init_state(str(folder))
    model.add_new_mask(state, 0, 1, square(3, 5))
    model.add_new_mask(state, 8, 1, square(11, 5))
    expected = {f: logits[0, 0].numpy() for f, _, logits in model.propagate_in_video(state)}
    engine = engine_for(model, MANY)
    first, second = (
        engine.start(engine.embed(images[frame]), [square(3 + frame, 5)], frame)[0]
        for frame in (0, 8)
    )
    state = dataclasses.replace(
        first.state, conditioning=first.state.conditioning | second.state.conditioning
    )
    memory = dataclasses.replace(first, state=state)
    for frame in [f for f in range(1, FRAMES) if f != 8]:
        embedding = engine.embed(images[frame])
        (logits,) = logits_of(engine, embedding, [memory], frame).values()
        assert np.abs(logits - expected[frame]).max() <= TOLERANCE
        engine.step(embedding, [memory], frame)
