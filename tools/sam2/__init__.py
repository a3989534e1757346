"""SAM 2: panoptic tracks of any video, in fixed memory."""
