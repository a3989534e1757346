"""Action Genome: relations of people and things on key frames, read from its release."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from reelgraph.errors import QueryError
from reelgraph.graph.formats import inert_pickle
from reelgraph.graph.formats.dataset_names import spaced
from reelgraph.graph.formats.frames import described_video, provenance
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.intervals import union
from reelgraph.graph.schema import Interval, Kind, Relation, SceneGraph, SceneObject, VideoInfo

__all__ = ["iter_action_genome", "read_action_genome"]

_NAME = "action-genome"
_OBJECTS = "object_bbox_and_relationship"
_PEOPLE = "person_bbox"
_FIX = (
    f"Read {_OBJECTS} (.json or .pkl): {{'VIDEO.mp4/000042.png': [{{'class', 'visible', "
    "'attention_relationship', 'spatial_relationship', 'contacting_relationship'}]}"
)
_PERSON = 1
_NOTHING = frozenset({"unsure", "not_looking_at", "not_contacting", "other_relationship"})
"""What an annotator chose for want of a relation."""


class _Loose(Form):
    # Pickled files hold what NumPy made of numbers and flags.
    model_config = ConfigDict(frozen=True, strict=False)


class _Thing(_Loose):
    name: str = Field(alias="class", min_length=1)
    visible: bool = True
    attention_relationship: list[str] | None = None
    spatial_relationship: list[str] | None = None
    contacting_relationship: list[str] | None = None


class _Person(_Loose):
    bbox: list[list[float]] | None = None
    bbox_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class _Release:
    """The two files of the release: things and people by video and frame, unchecked."""

    objects: SourceFile
    people: SourceFile
    things: Mapping[str, Mapping[int, Any]]
    persons: Mapping[str, Mapping[int, Any]]


@dataclass(frozen=True)
class _KeyFrame:
    time: Interval
    things: dict[tuple[str, int], _Thing]
    person: bool


def read_action_genome(
    path: str | Path,
    video_id: str,
    *,
    fps: float | None = None,
    video: VideoInfo | None = None,
    reach_s: float = 1.0,
) -> SceneGraph:
    """Read the annotation of one video.

    The person is object 1; things follow in order of appearance, one for each class (and
    for each further one of that class in a frame), for the data set tells no other
    identity. Attention and contact read ``person predicate thing``, spatial relations
    ``thing predicate person``, as the data set means them. "Unsure", "not looking at", "not
    contacting" and "other relationship" state no relation and are left out.

    Times: frame ``N`` (counted from 1, as the data set does) is at ``(N - 1) / fps``. A key
    frame speaks for the time half way to the key frames before and after it, but for no
    more than ``reach_s`` on each side and within the video (which ends with the last key
    frame if nothing else is known of it); where these times touch, a relation goes on. A
    person or thing is present in the same way. Boxes are not kept.

    Args:
        path: The folder of the release, or the file of objects in it. Files may be JSON
            (the same structure) or the released pickles, which are read without running
            any code in them (`reelgraph.graph.formats.inert_pickle`). Without
            ``person_bbox`` the person is taken to be in every key frame.
        video_id: E.g. ``"001YG.mp4"`` or ``"001YG"``.
        fps: Frame rate of the video; the data set does not state it.
        video: What is known of the video, in place of ``fps``.
        reach_s: How far a key frame speaks, in seconds.

    Raises:
        GraphFormatError: If a file cannot be read or is not of this form, or if the frame
            rate is not given.
        QueryError: If there is no such video.
    """
    release = _open(Path(path))
    names = {name: name for name in release.things}
    names |= {Path(name).stem: name for name in release.things}
    if video_id not in names:
        near = tuple(difflib.get_close_matches(video_id, names, n=3))
        hint = f"; near are {', '.join(near)}" if near else ""
        raise QueryError(f"{str(path)!r} holds no video {video_id!r}{hint}", choices=near)
    rate = fps or (video.fps if video else None)
    if not rate or rate < 0:
        raise release.objects.error("fps", "not stated, and needed for times; give fps= or video=")
    return _document(release, names[video_id], rate, video, reach_s)


def iter_action_genome(
    path: str | Path, *, fps: float, reach_s: float = 1.0
) -> Iterator[tuple[str, SceneGraph]]:
    """Yield every video as its name and its graph, all at one frame rate.

    Arguments and errors are those of `read_action_genome`.
    """
    release = _open(Path(path))
    for name in release.things:
        yield name, _document(release, name, fps, None, reach_s)


def _open(path: Path) -> _Release:
    file = _beside(path, _OBJECTS) if path.is_dir() else path
    objects = SourceFile(file, "Action Genome annotation", _FIX)
    people = SourceFile(_beside(file.parent, _PEOPLE), "Action Genome person file", _FIX)
    persons = _by_video(people) if people.path.exists() else {}
    return _Release(objects, people, _by_video(objects), persons)


def _by_video(source: SourceFile) -> dict[str, dict[int, Any]]:
    """Return the values of a file, unchecked, by video and frame number."""
    frames: dict[str, dict[int, Any]] = {}
    for key, value in _load(source).items():
        name, _, frame = key.rpartition("/")
        number = Path(frame).stem
        if not name or not (number.isascii() and number.isdigit() and len(number) < 12):
            raise source.error(f"key {key!r:.60}", "a key is VIDEO/FRAME, the frame a number")
        frames.setdefault(name, {})[int(number)] = value
    return frames


def _beside(folder: Path, name: str) -> Path:
    json_file, pickle_file = folder / f"{name}.json", folder / f"{name}.pkl"
    return pickle_file if pickle_file.exists() and not json_file.exists() else json_file


def _load(source: SourceFile) -> dict[str, Any]:
    if source.path.suffix != ".pkl":
        return source.parse(dict[str, Any])
    with source.checking():
        return source.shaped(inert_pickle.load(source.read()), dict[str, Any], "")


def _document(
    release: _Release, name: str, fps: float, video: VideoInfo | None, reach_s: float
) -> SceneGraph:
    with release.objects.checking(name):
        found = video or _video(release, name, fps)
        numbers = sorted(release.things[name])
        times = _times([(number - 1) / fps for number in numbers], reach_s, found.duration_s)
        frames = [
            _KeyFrame(time, _things(release, name, number), _has_person(release, name, number))
            for number, time in zip(numbers, times, strict=True)
        ]
        ids = {key: _PERSON + 1 + i for i, key in enumerate(_order(frames))}
        return SceneGraph(
            video=found,
            objects=tuple(_scene_objects(frames, ids)),
            relations=tuple(_relations(frames, ids)),
            provenance=provenance(_NAME),
        )


def _times(at: list[float], reach_s: float, end_s: float) -> list[Interval]:
    """Return what each key frame speaks for, within a video that ends at ``end_s``."""
    half_way = [0.0, *((before + after) / 2 for before, after in pairwise(at)), end_s]
    return [
        Interval(min(start, end), end)
        for t, (before, after) in zip(at, pairwise(half_way), strict=True)
        for start, end in [(max(t - reach_s, before), max(0.0, min(t + reach_s, after, end_s)))]
    ]


def _things(release: _Release, name: str, number: int) -> dict[tuple[str, int], _Thing]:
    place = f"{name}/{number:06d}"
    found: dict[tuple[str, int], _Thing] = {}
    for item in release.objects.shaped(release.things[name][number], list[_Thing], place):
        if item.visible:
            count = sum(key[0] == item.name for key in found)
            found[item.name, count] = item
    return found


def _person(release: _Release, name: str, number: int) -> _Person | None:
    found = release.persons.get(name, {})
    if number not in found:
        return None
    return release.people.shaped(found[number], _Person, f"{name}/{number:06d}")


def _has_person(release: _Release, name: str, number: int) -> bool:
    person = _person(release, name, number)
    return bool(person.bbox) if person else not release.persons


def _video(release: _Release, name: str, fps: float) -> VideoInfo:
    """Return what the key frames tell: the length up to the last of them, perhaps the size."""
    numbers = sorted(release.things[name])
    person = _person(release, name, numbers[-1])
    size = (person.bbox_size if person else None) or (0, 0)
    return described_video(name, fps=fps, frame_count=max(1, numbers[-1]), resolution_wh=size)


def _order(frames: list[_KeyFrame]) -> list[tuple[str, int]]:
    return list(dict.fromkeys(key for frame in frames for key in frame.things))


def _scene_objects(
    frames: list[_KeyFrame], ids: Mapping[tuple[str, int], int]
) -> Iterator[SceneObject]:
    seen = union(frame.time for frame in frames if frame.person)
    yield SceneObject(id=_PERSON, label="person", presence=seen)
    for key, object_id in ids.items():
        seen = union(frame.time for frame in frames if key in frame.things)
        yield SceneObject(id=object_id, label=spaced(key[0]), presence=seen)


def _relations(frames: list[_KeyFrame], ids: Mapping[tuple[str, int], int]) -> Iterator[Relation]:
    times: dict[tuple[int, str, int, Kind], list[Interval]] = {}
    for frame in frames:
        for key, thing in frame.things.items():
            for statement in _statements(thing, ids[key]):
                times.setdefault(statement, []).append(frame.time)
    for number, ((subject, predicate, other, kind), spans) in enumerate(times.items(), start=1):
        yield Relation(
            id=f"r{number}",
            subject=subject,
            predicate=spaced(predicate),
            object=other,
            intervals=union(spans),
            kind=kind,
            source=_NAME,
        )


def _statements(thing: _Thing, object_id: int) -> Iterator[tuple[int, str, int, Kind]]:
    for name in thing.attention_relationship or ():
        if name not in _NOTHING:
            yield _PERSON, name, object_id, "attentional"
    for name in thing.spatial_relationship or ():
        if name not in _NOTHING:
            yield object_id, name, _PERSON, "spatial"
    for name in thing.contacting_relationship or ():
        if name not in _NOTHING:
            yield _PERSON, name, object_id, "contact"
