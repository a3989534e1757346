"""The thresholds of the geometry generator, all relative to object size or in seconds."""

from __future__ import annotations

from pydantic import Field

from reelgraph.tools.base import ToolConfig

__all__ = ["GeometryConfig"]


class GeometryConfig(ToolConfig):
    """Thresholds of the geometric relations.

    A *size* is the square root of an object's median box area, in pixels. Each
    state has an *on* and an *off* threshold (hysteresis), so that intervals do
    not flicker where a measure hovers around one value.

    Attributes:
        min_duration_s: Shortest state that is reported.
        max_gap_s: Longest interruption of a state that is bridged.
        smoothing_s: Standard deviation of the Gaussian that smooths positions.
        moving_on: Speed in sizes per second above which an object starts to move.
        moving_off: Speed in sizes per second below which it stops.
        still_min_s: Shortest rest that is reported as standing still.
        approach_on: Rate in mean sizes per second at which a distance shrinks or grows.
        approach_min_change: Total change of distance, in mean sizes, worth reporting.
        near_on: Gap between boxes, in sizes of the smaller, below which two are near.
        near_off: Gap above which they no longer are.
        contact_gap: Gap between masks, in sizes of the smaller, that counts as contact.
        contact_gap_px: Smallest gap in pixels that counts as contact (mask accuracy).
        rest_s: How long a thing must lie still to have rested.
        travel_min: Distance, in sizes of the held thing, that makes contact a hold.
        grip_drift: Largest drift of the grip point, in sizes per second of the held thing.
        handover_gap_s: Longest pause between two holders that is still a hand-over.
        border: Distance to the image border, as a share of its diagonal, that counts as at it.
    """

    min_duration_s: float = Field(default=0.3, ge=0)
    max_gap_s: float = Field(default=0.3, ge=0)
    smoothing_s: float = Field(default=0.15, gt=0)
    moving_on: float = Field(default=0.30, gt=0)
    moving_off: float = Field(default=0.15, gt=0)
    still_min_s: float = Field(default=1.0, gt=0)
    approach_on: float = Field(default=0.25, gt=0)
    approach_min_change: float = Field(default=0.5, gt=0)
    near_on: float = Field(default=0.5, gt=0)
    near_off: float = Field(default=0.75, gt=0)
    contact_gap: float = Field(default=0.05, ge=0)
    contact_gap_px: float = Field(default=4.0, ge=0)
    rest_s: float = Field(default=0.5, gt=0)
    travel_min: float = Field(default=0.35, gt=0)
    grip_drift: float = Field(default=1.0, gt=0)
    handover_gap_s: float = Field(default=1.0, ge=0)
    border: float = Field(default=0.03, ge=0)
