"""Array aliases by rank and dtype, one place for the whole package."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
"""Integers, shape ``(n,)``."""
Floats: TypeAlias = NDArray[np.float64]
"""64-bit floats, shape ``(n,)``."""
Boxes: TypeAlias = NDArray[np.float64]
"""Boxes ``xyxy`` in pixels, shape ``(n, 4)``; right and bottom edges are exclusive."""
Mask: TypeAlias = NDArray[np.bool_]
"""One binary mask, shape ``(height, width)``."""
Masks: TypeAlias = NDArray[np.bool_]
"""Binary masks, shape ``(n, height, width)``."""
Image: TypeAlias = NDArray[np.uint8]
"""One RGB image, shape ``(height, width, 3)``."""
