"""Tools that look at pixels: video, trackers, graph generators, pipeline."""
