"""Ask questions of a video, get checked answers from a spatio-temporal scene graph."""
