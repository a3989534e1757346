"""Run lengths of masks are those of the COCO library, byte by byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco

from reelgraph.graph.tracks import decode_rle, encode_mask


def library(mask: np.ndarray) -> bytes:
    return coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_any_mask_is_encoded_as_the_library_does(mask):
    assert encode_mask(mask) == library(mask)
    height, width = mask.shape
    assert np.array_equal(decode_rle(encode_mask(mask), resolution_wh=(width, height)), mask)


@given(*[st.integers(0, 40)] * 4)
def test_boxes_at_every_edge_too(left, top, right, bottom):
    mask = np.zeros((40, 37), bool)
    mask[top:bottom, left:right] = True
    assert encode_mask(mask) == library(mask)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_number_format_and_order_do_not_matter(dtype, order):
    mask = np.zeros((30, 20), dtype=dtype, order=order)
    mask[3:9, 4:11] = 1
    mask[20, 19] = 1
    assert encode_mask(mask) == library(mask.astype(bool))
    assert encode_mask(mask[::-1, ::2]) == library(mask[::-1, ::2].astype(bool))


def test_large_masks():
    rows, columns = np.ogrid[:540, :960]
    disc = (rows - 270) ** 2 + (columns - 480) ** 2 < 250**2
    assert encode_mask(disc) == library(disc)
    assert encode_mask(~disc) == library(~disc)
