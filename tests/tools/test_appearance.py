"""Made objects get the label, colours and attributes that a person would give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from reelgraph.demo.scene import render
from reelgraph.graph.schema import LayerObject, VideoInfo
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.tools.appearance import AppearanceConfig, AppearanceGenerator
from reelgraph.tools.base import GENERATORS, GraphGenerator
from reelgraph.tools.colour import COLOUR_NAMES, colour_shares, leading_colours, skin_mask
from reelgraph.tools.shape import outline, stiffness
from reelgraph.tools.video import Frame, Video

WH = (320, 180)
WALL = (150, 160, 165)
SKIN = (224, 172, 144)
FRAMES = 12

Painting = Callable[[np.ndarray, int], None]


@dataclass
class PaintedVideo:
    """Stands in for a file: hands out the frames that were painted."""

    images: list[np.ndarray]

    def frames_at(self, times_s: Sequence[float], **_: object) -> Iterator[Frame]:
        for index in sorted({round(time * 10) for time in times_s}):
            yield Frame(index, index / 10, self.images[index])


def describe(paint: Painting, *, config: AppearanceConfig | None = None) -> LayerObject:
    """Return what is said of the one thing that ``paint`` draws over a grey wall."""
    rng = np.random.default_rng(0)
    images, masks = [], []
    for index in range(FRAMES):
        blank = np.full((WH[1], WH[0], 3), WALL, np.uint8)
        image = blank.copy()
        paint(image, index)
        masks.append((image != blank).any(axis=2))
        noisy = image + rng.normal(0, 5, image.shape)
        images.append(np.clip(noisy, 0, 255).astype(np.uint8))
    layer = AppearanceGenerator(config).generate(PaintedVideo(images), _tracks(masks))  # type: ignore[arg-type]
    return layer.objects[1]


def _tracks(masks: Sequence[np.ndarray]) -> Tracks:
    boxes = [(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) for ys, xs in map(np.nonzero, masks)]
    track = Track(
        id=1,
        positions=np.arange(len(masks)),
        boxes_xyxy=np.array(boxes, float),
        rles=tuple(map(encode_mask, masks)),
    )
    info = VideoInfo(
        path="made", sha256="0" * 64, duration_s=1.2, fps=10, frame_count=FRAMES, resolution_wh=WH
    )
    times = np.arange(FRAMES) / 10
    return Tracks(
        video=info, frame_indices=np.arange(FRAMES), times_s=times, end_s=1.2, objects=(track,)
    )


def disc(radius: int, colour: tuple[int, int, int]) -> Painting:
    def paint(image: np.ndarray, index: int) -> None:
        cv2.circle(image, (60 + 10 * index, 90), radius, colour, -1)

    return paint


def walker(shirt: tuple[int, int, int], trousers: tuple[int, int, int]) -> Painting:
    def paint(image: np.ndarray, index: int) -> None:
        x, swing = 60 + 12 * index, int(22 * np.sin(index))
        cv2.line(image, (x, 100), (x + swing, 160), trousers, 12)
        cv2.line(image, (x, 100), (x - swing, 160), trousers, 12)
        cv2.rectangle(image, (x - 14, 45), (x + 14, 105), shirt, -1)
        cv2.line(image, (x, 55), (x + 14 + swing, 92), shirt, 9)
        cv2.circle(image, (x, 32), 13, SKIN, -1)

    return paint


def arm(image: np.ndarray, index: int) -> None:
    tip = (90 + 8 * index, 95 - 3 * index)
    cv2.line(image, (0, 120), tip, SKIN, 22)
    cv2.circle(image, tip, 15, SKIN, -1)


def sleeved_arm(image: np.ndarray, index: int) -> None:
    x = 150 + 5 * index
    cv2.line(image, (x - 30, 0), (x, 40), (150, 30, 40), 24)
    cv2.line(image, (x, 40), (x + 14, 75), SKIN, 24)
    cv2.line(image, (x + 14, 75), (x + 20 - index, 100), SKIN, 9)


def half_figure(image: np.ndarray, index: int) -> None:
    x = 150 + index
    cv2.ellipse(image, (x, 190), (75, 70), 0, 0, 360, (40, 45, 70), -1)
    cv2.circle(image, (x, 80), 38, SKIN, -1)
    cv2.ellipse(image, (x, 58), (40, 25), 0, 180, 360, (60, 40, 30), -1)


def bottle(image: np.ndarray, index: int) -> None:
    x = 150 + 3 * index
    cv2.rectangle(image, (x - 16, 80), (x + 16, 150), (40, 110, 60), -1)
    cv2.fillConvexPoly(
        image, np.array([(x - 16, 80), (x + 16, 80), (x + 5, 58), (x - 5, 58)]), (40, 110, 60)
    )
    cv2.rectangle(image, (x - 5, 40), (x + 5, 60), (40, 110, 60), -1)


def box(image: np.ndarray, index: int) -> None:
    cv2.rectangle(image, (100 + index, 60), (200 + index, 130), (90, 60, 140), -1)


@pytest.mark.parametrize(
    ("paint", "label", "attributes"),
    [
        pytest.param(disc(9, (242, 122, 20)), "ball", {"orange", "small", "round"}, id="ball"),
        pytest.param(disc(24, (245, 245, 245)), "ball", {"white", "round"}, id="large ball"),
        pytest.param(
            walker((190, 38, 44), (28, 28, 30)),
            "person",
            {"red upper", "black lower", "red"},
            id="red and black walker",
        ),
        pytest.param(
            walker((44, 84, 178), (205, 185, 150)),
            "person",
            {"blue upper", "beige lower"},
            id="blue and beige walker",
        ),
        pytest.param(arm, "hand", set(), id="arm from the border"),
        pytest.param(sleeved_arm, "hand", set(), id="sleeved arm from above"),
        pytest.param(half_figure, "person", {"large"}, id="person cut by the bottom"),
        pytest.param(bottle, "bottle", {"green", "tall"}, id="bottle"),
        pytest.param(box, "object", {"purple"}, id="box"),
    ],
)
def test_labels_and_attributes(paint: Painting, label: str, attributes: set[str]) -> None:
    said = describe(paint)
    assert said.label == label
    assert attributes <= set(said.attributes)
    assert said.uncertain
    assert said.score is not None
    assert 0 < said.score < 1


def test_one_sampled_frame_is_enough_for_a_label() -> None:
    assert describe(disc(9, (242, 122, 20)), config=AppearanceConfig(samples=1)).label == "ball"


def test_the_generator_is_registered_and_follows_the_protocol() -> None:
    generator = GENERATORS.get("appearance")()
    assert isinstance(generator, GraphGenerator)
    assert generator.available().ok


@pytest.mark.slow
def test_the_demo_clip_is_described_as_it_was_painted(tmp_path: Path) -> None:
    truth = render(tmp_path / "clip.mp4")
    layer = AppearanceGenerator().generate(Video.open(tmp_path / "clip.mp4"), truth.tracks)
    for painted in truth.graph.objects:
        said = layer.objects[painted.id]
        assert said.label == painted.label
        colours = {word for word in painted.attributes if word.split()[0] in COLOUR_NAMES}
        assert colours <= set(said.attributes)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((200, 30, 40), "red"),
        ((242, 122, 20), "orange"),
        ((240, 220, 40), "yellow"),
        ((40, 130, 60), "green"),
        ((40, 80, 180), "blue"),
        ((25, 35, 90), "blue"),
        ((110, 50, 140), "purple"),
        ((240, 160, 180), "pink"),
        ((100, 65, 40), "brown"),
        ((210, 190, 155), "beige"),
        ((15, 15, 15), "black"),
        ((128, 128, 128), "grey"),
        ((250, 250, 250), "white"),
    ],
)
@pytest.mark.parametrize("shade", [0.85, 1.0])
def test_colours_keep_their_names_under_noise_and_shade(
    rgb: tuple[int, int, int], name: str, shade: float
) -> None:
    noise = np.random.default_rng(1).normal(0, 8, (40, 40, 3))
    image = np.clip(np.array(rgb) * shade + noise, 0, 255).astype(np.uint8)
    shares = colour_shares(image, np.ones((40, 40), bool))
    assert leading_colours(shares)[0] == name
    assert sum(shares.values()) == pytest.approx(1)


def test_two_colours_are_named_when_both_cover_much() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:24], image[24:] = (200, 30, 40), (40, 80, 180)
    assert leading_colours(colour_shares(image, np.ones((40, 40), bool))) == ("red", "blue")


def test_no_pixels_have_no_colour() -> None:
    assert colour_shares(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), bool)) == {}


@pytest.mark.parametrize(
    ("rgb", "is_skin"),
    [
        ((226, 178, 150), True),
        ((196, 142, 112), True),
        ((120, 80, 60), True),
        ((242, 122, 20), False),
        ((190, 172, 138), False),
        ((200, 30, 40), False),
        ((130, 130, 130), False),
    ],
)
def test_skin_is_told_from_other_colours(rgb: tuple[int, int, int], is_skin: bool) -> None:
    image = np.full((8, 8, 3), rgb, np.uint8)
    assert bool(skin_mask(image).all()) == is_skin
    assert bool(skin_mask(image).any()) == is_skin


def test_a_disc_is_rounder_than_a_square_and_a_square_is_more_solid_than_a_cross() -> None:
    disc_mask = np.zeros((60, 60), np.uint8)
    cv2.circle(disc_mask, (30, 30), 20, 1, -1)
    square = np.zeros((60, 60), bool)
    square[10:50, 10:50] = True
    cross = np.zeros((60, 60), bool)
    cross[26:34, 10:50] = cross[10:50, 26:34] = True
    assert outline(disc_mask.astype(bool)).roundness > 0.93 > outline(square).roundness
    assert outline(square).solidity > 0.95
    assert outline(cross).solidity < 0.7


def test_a_shifted_shape_is_stiff_and_a_changing_one_is_not() -> None:
    wide, high = np.zeros((50, 50), bool), np.zeros((50, 50), bool)
    wide[20:24, 5:45] = True
    wide[10:24, 5:9] = True
    high[5:45, 20:24] = True
    high[5:9, 20:34] = True
    assert stiffness([wide, np.roll(wide, (9, 3), (0, 1))]) == pytest.approx(1)
    assert stiffness([wide, high]) < 0.7
    assert stiffness([wide]) == 1


def test_an_empty_mask_has_no_shape() -> None:
    with pytest.raises(ValueError, match="empty"):
        outline(np.zeros((5, 5), bool))
