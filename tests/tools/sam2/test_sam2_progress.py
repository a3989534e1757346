"""What a person sees of a run: the passes, frames done, objects and frames per second."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest

from reelgraph.tools.sam2 import run as run_module
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.scripted import ColourEngine
from reelgraph.tools.sam2.tracker import Sam2Tracker

RED = (200, 30, 30)


class Recorder:
    """Progress that keeps what it was told, by stage."""

    def __init__(self):
        self.totals, self.done, self.notes = {}, {}, []

    @contextmanager
    def stage(self, name, total=None):
        self.totals[name], self.done[name] = total, 0.0
        self._name = name
        yield self

    def advance(self, steps=1.0):
        self.done[self._name] += steps

    def note(self, text):
        self.notes.append(text)


class StoppedEngine(ColourEngine):
    left = 1000

    def embed(self, image):
        self.left -= 1
        if self.left < 0:
            raise InterruptedError
        return super().embed(image)


def test_every_frame_of_both_passes_is_reported_with_objects_and_pace(make_scene, monkeypatch):
    monkeypatch.setattr(run_module, "_NOTE_EVERY_S", 0.0)
    scene = make_scene([(RED, lambda _: (0, 0, 40, 40))], frames=25)
    progress = Recorder()
    Sam2Tracker(engine=ColourEngine([RED])).track(scene.open(), progress=progress)
    assert list(progress.done) == ["finding objects", "following objects", "cleaning up"]
    assert progress.done == progress.totals
    assert progress.totals["finding objects"] == 25
    assert len(progress.notes) == 50
    assert all(re.fullmatch(r"1 object, \d+\.\d frames/s", note) for note in progress.notes)


def test_a_run_that_goes_on_shows_what_was_done_before(make_scene, tmp_path):
    scene = make_scene([(RED, lambda _: (0, 0, 40, 40))], frames=25)
    config = Sam2Config(part_s=1.0)
    engine = StoppedEngine([RED])
    engine.left = 22
    tracker = Sam2Tracker(config, engine=engine, work_root=tmp_path / "work")
    first, second = Recorder(), Recorder()
    with pytest.raises(InterruptedError):
        tracker.track(scene.open(), progress=first)
    assert first.done == {"finding objects": 22.0}
    engine.left = 1000
    tracker.track(scene.open(), progress=second)
    assert second.done == second.totals
    assert 1000 - engine.left == 5 + 25, "the last five frames, then the second pass"
