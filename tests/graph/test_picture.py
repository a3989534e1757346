"""The picture of a graph: what is in the file, and what a reader can do with it in Chromium."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from reelgraph.errors import GraphFormatError
from reelgraph.graph.picture.page import render, write_page
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Kind,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.temporal import TemporalGraph

EVIL = "</script><img src=x onerror=alert(1)>"
END = 12.0
ONE_PLACE = {"enters", "moves"}


def _video(path: str = "somewhere/private/clip.mp4") -> VideoInfo:
    return VideoInfo(
        path=path,
        sha256="0" * 64,
        duration_s=END,
        fps=25,
        frame_count=300,
        resolution_wh=(640, 360),
    )


def _object(number: int, label: str, *presence: tuple[float, float], **more: Any) -> SceneObject:
    spans = tuple(Interval(*map(float, span)) for span in presence)
    return SceneObject(id=number, label=label, presence=spans, **more)


def _relation(
    name: str, words: tuple[int, str, int], kind: Any, *times: tuple[float, float], **more: Any
) -> Relation:
    subject, predicate, other = words
    spans = tuple(Interval(*map(float, span)) for span in times)
    more = {"source": "geometry", **more}
    return Relation(
        id=name,
        subject=subject,
        predicate=predicate,
        object=other,
        kind=kind,
        intervals=spans,
        **more,
    )


def _handover() -> TemporalGraph:
    """Person 1 hands the ball 3 to person 2; later 4, whose label is an attack, comes in."""
    objects = (
        _object(1, "person", (0, 12), attributes=("red upper", "tall")),
        _object(2, "person", (0, 12)),
        _object(3, "ball", (0, 5), (6, 12), uncertain=True, score=0.8),
        _object(4, EVIL, (7.5, 11)),
    )
    relations = (
        _relation("r1", (1, "holds", 3), "contact", (0, 5.8)),
        _relation("r2", (2, "holds", 3), "contact", (5.3, 12)),
        _relation("r3", (1, "hands", 3), "event", (5.3, 5.8), recipient=2, score=0.9),
        _relation("r4", (1, "left of", 2), "spatial", (0, 4), (6, 12)),
        _relation("r5", (4, "enters", CAMERA), "event", (7.5, 8.2)),
        _relation("r6", (4, "in front of", 1), "spatial", (8.4, 9.1)),
        _relation("r7", (1, "moves", CAMERA), "motion", (4, 5)),
        _relation("r8", (2, "looks at", CAMERA), "attentional", (4.2, 5.5), source="traser"),
        _relation("r9", (2, "touches", 3), "contact", (6.5, 6.5)),
    )
    return TemporalGraph(SceneGraph(video=_video(), objects=objects, relations=relations))


def _crowd(count: int) -> TemporalGraph:
    """Many relations between 50 objects."""
    objects = tuple(_object(i, "thing", (0, END)) for i in range(1, 51))
    relations = tuple(
        _relation(
            f"r{i + 1}",
            (i % 50 + 1, ("near", "holds", "follows")[i % 3], (i + 1 + i // 50 % 49) % 50 + 1),
            ("spatial", "contact", "motion")[i % 3],
            (i % 100 / 10, i % 100 / 10 + 1.5),
        )
        for i in range(count)
    )
    return TemporalGraph(SceneGraph(video=_video(), objects=objects, relations=relations))


# --- what is in the file -------------------------------------------------------------------------


class _Elements(HTMLParser):
    """The elements of a page, and the text in its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in {"script", "style"} and data.strip():
            self.texts.append((self.tags[-1][0], data))

    def text(self, tag: str, order: int) -> str:
        return [text for name, text in self.texts if name == tag][order]


def _data(page: str) -> Any:
    return json.loads(_Elements(page).text("script", 0))


def test_the_page_holds_the_whole_graph() -> None:
    graph = _handover()
    data = _data(render(graph))
    assert SceneGraph.model_validate(data["graph"]) == graph.document
    assert data["words"]["sentences"][2] == "person #1 hands ball? #3 to person #2"
    assert data["words"]["names"] == {
        "-1": "camera", "1": "person #1", "2": "person #2", "3": "ball? #3", "4": f"{EVIL} #4"
    }  # fmt: skip
    assert data["words"]["alone"] == ["enters", "moves"]


def test_the_page_asks_for_nothing_and_lets_only_its_own_script_run() -> None:
    page = _Elements(render(_handover()))
    attributes = {name for _, found in page.tags for name in found}
    assert not attributes & {"src", "href", "srcset", "data", "action", "style", "onclick"}
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "img", "iframe", "object", "base"})
    style, script = page.text("style", 0), page.text("script", 1)
    assert not re.search(r"url\(|@import", style)
    assert not re.search(r"fetch\(|XMLHttp|WebSocket|import\(|innerHTML|eval\(", script)
    assert re.findall(r"\w+://[^\"']*", script + style) == ["http://www.w3.org/2000/svg"]
    (policy,) = [found["content"] for _, found in page.tags if "http-equiv" in found]
    hashes = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'/!-\u2028{}"), min_size=1
) | st.sampled_from([EVIL, "<!--<script>", "]]>", "{{script}}", "\\u003c", "&lt;"])


@given(label=texts, predicate=texts, path=texts)
def test_no_text_of_a_graph_breaks_out_of_it(label: str, predicate: str, path: str) -> None:
    relation = _relation("r1", (1, predicate, CAMERA), "event", (0, 1), source=label)
    graph = TemporalGraph(
        SceneGraph(video=_video(path), objects=(_object(1, label),), relations=(relation,))
    )
    page = render(graph)
    harmless = render(_handover())
    assert [tag for tag, _ in _Elements(page).tags] == [t for t, _ in _Elements(harmless).tags]
    assert SceneGraph.model_validate(_data(page)["graph"]) == graph.document


def test_the_same_graph_gives_the_same_page(tmp_path: Path) -> None:
    _handover().save(tmp_path / "graph.json")
    again = TemporalGraph.load(tmp_path / "graph.json")
    assert render(again) == render(_handover())


def _luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_has_enough_contrast(scheme: str) -> None:
    style = _Elements(render(_handover())).text("style", 0)
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    panel = _luminance(colours["panel"])
    for name in (*get_args(Kind), "ink", "soft", "accent", "cursor"):
        dim, bright = sorted((panel, _luminance(colours[name])))
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, name


def test_the_title_is_the_file_without_its_folder() -> None:
    assert "<title>clip.mp4 - scene graph</title>" in render(_handover())
    page = render(TemporalGraph(SceneGraph(video=_video("C:\\films\\<b>.mp4"))))
    assert "<title>&lt;b&gt;.mp4 - scene graph</title>" in page


def test_the_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "graph.html"
    write_page(_handover(), path)
    assert path.read_text(encoding="utf-8") == render(_handover())
    with pytest.raises(GraphFormatError, match=r"missing.*graph\.html"):
        write_page(_handover(), tmp_path / "missing" / "graph.html")
    assert [found.name for found in tmp_path.iterdir()] == ["graph.html"]


# --- what a reader can do with it ----------------------------------------------------------------

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; nothing is downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a graph from its file; it may complain of nothing and ask for nothing."""
    complaints: list[str] = []
    requests: list[str] = []
    context = browser.new_context()
    context.set_default_timeout(10_000)
    path = tmp_path / "graph.html"

    def opened(graph: TemporalGraph, width: int = 1280, height: int = 800) -> Page:
        write_page(graph, path)
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    context.close()
    assert complaints == []
    assert requests == [path.as_uri()]


def _rows(page: Page) -> list[str]:
    """The ids of the relations that are listed."""
    rows = page.locator(".row.relation")
    return sorted(row.get_attribute("data-relations") or "" for row in rows.all())


def _shown_span(page: Page) -> tuple[float, float]:
    start, end = re.findall(r"[\d.]+", page.locator("#span").inner_text())
    return float(start), float(end)


def _time(page: Page) -> float:
    return float(page.locator("#axis").get_attribute("aria-valuenow") or "nan")


def _across(place: Locator, share: float) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def _choose_time(page: Page, time_s: float) -> float:
    page.mouse.click(*_across(page.locator("#axis"), time_s / END))
    assert _time(page) == pytest.approx(time_s, abs=0.02)
    return _time(page)


def _drawn(page: Page) -> tuple[set[int], set[tuple[int, int, str]], set[str]]:
    """Objects, edges (from, to, relation) and states (relations said on a node) as drawn."""
    nodes = {int(node.get_attribute("data-object") or 0) for node in page.locator(".node").all()}
    edges = set()
    for edge in page.locator(".edge:not(.onward)").all():
        ends = [int(edge.get_attribute(f"data-{name}") or 0) for name in ("from", "to")]
        relations = (edge.get_attribute("data-relations") or "").split()
        edges |= {(ends[0], ends[1], relation) for relation in relations}
    states = page.locator(".states tspan").all()
    return nodes, edges, {state.get_attribute("data-relations") or "" for state in states}


def test_the_timeline_has_a_row_for_each_relation_and_a_bar_for_each_interval(
    open_page: Open,
) -> None:
    page = open_page(_handover())
    assert _rows(page) == [f"r{i}" for i in range(1, 10)]
    groups = page.locator(".row.group .name").all_inner_texts()
    assert groups == ["person #1", "person #2", f"{EVIL} #4"]
    assert page.locator("[data-relations=r4] .bar").count() == 2
    bar = page.locator(".row[data-relations=r3] .bar")
    lane = page.locator("#axis").bounding_box()
    box = bar.bounding_box()
    assert lane is not None
    assert box is not None
    assert (box["x"] - lane["x"]) / lane["width"] == pytest.approx(5.3 / END, abs=0.002)
    assert box["width"] / lane["width"] == pytest.approx(0.5 / END, abs=0.002)
    assert page.locator(".tick").all_inner_texts()[:3] == ["0 s", "1 s", "2 s"]
    colours = {_colour(page, f"[data-relations={name}] .bar") for name in ("r1", "r3", "r4", "r7")}
    assert len(colours) == 4


def _colour(page: Page, place: str) -> str:
    script = "element => getComputedStyle(element).backgroundColor"
    return str(page.locator(place).first.evaluate(script))


def test_zooming_by_buttons_wheel_keys_and_drag(open_page: Open) -> None:
    page = open_page(_handover())
    assert _shown_span(page) == (0, END)
    page.get_by_role("button", name="Zoom in").click()
    start, end = _shown_span(page)
    assert end - start == pytest.approx(6)
    page.get_by_role("button", name="Zoom out").click()
    assert _shown_span(page) == (0, END)

    lane = page.locator(".row[data-relations=r4] .lane")
    _drag(page, _across(lane, 4.6 / END), _across(lane, 5.6 / END))
    assert _shown_span(page) == pytest.approx((4.6, 5.6), abs=0.03)
    assert page.locator(".row[data-relations=r4] .bar").count() == 0
    assert page.locator(".row[data-relations=r3] .bar").count() == 1
    assert "5.2 s" in page.locator(".tick").all_inner_texts()
    page.get_by_role("button", name="Whole video").click()
    assert _shown_span(page) == (0, END)

    page.mouse.move(*_across(page.locator("#axis"), 0.25))
    page.mouse.wheel(0, -400)
    expect(page.locator("#span")).not_to_have_text("0.00 – 12.00 s")
    start, end = _shown_span(page)
    assert end - start < 8
    assert start + 0.25 * (end - start) == pytest.approx(3, abs=0.05), "the pointed time stays"
    page.keyboard.press("0")
    assert _shown_span(page) == (0, END)
    page.keyboard.press("+")
    assert _shown_span(page) != (0, END)


def test_filtering_by_predicate_object_text_and_kind(open_page: Open) -> None:
    page = open_page(_handover())
    shown = page.locator("#shown")
    expect(shown).to_have_text("9 relations")
    page.get_by_label("Predicate").select_option("holds")
    assert _rows(page) == ["r1", "r2"]
    expect(shown).to_have_text("2 of 9 relations")
    page.get_by_role("combobox", name="Object").select_option("1")
    assert _rows(page) == ["r1"]
    page.get_by_role("button", name="Clear filters").click()
    expect(shown).to_have_text("9 relations")
    page.get_by_role("combobox", name="Object").select_option("2")
    assert _rows(page) == ["r2", "r3", "r4", "r8", "r9"], "the one who receives takes part"
    page.get_by_label("Text").fill("ball, hands")
    assert _rows(page) == ["r3"]
    page.get_by_label("Text").fill("no such thing")
    assert _rows(page) == []
    expect(page.get_by_text("No relation fits the filters.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(shown).to_have_text("9 relations")
    page.get_by_role("button", name="spatial").click()
    assert _rows(page) == ["r1", "r2", "r3", "r5", "r7", "r8", "r9"]


def test_the_object_list_names_all_objects_and_filters(open_page: Open) -> None:
    page = open_page(_handover())
    entries = page.locator("#object-list .entry")
    assert entries.locator(".name").all_inner_texts() == [
        "person #1", "person #2", "ball? #3", f"{EVIL} #4"
    ]  # fmt: skip
    first, ball = entries.nth(0), entries.nth(2)
    assert first.locator(".attribute").all_inner_texts() == ["red upper", "tall"]
    expect(ball.locator(".times")).to_have_text("0.00 – 12.00 s, in 2 parts")
    ball.click()
    expect(ball).to_have_attribute("aria-pressed", "true")
    assert page.get_by_role("combobox", name="Object").input_value() == "3"
    assert _rows(page) == ["r1", "r2", "r3", "r9"]
    ball.click()
    assert len(_rows(page)) == 9


def test_pointing_at_a_bar_tells_id_times_score_and_source(open_page: Open) -> None:
    page = open_page(_handover())
    tip = page.get_by_role("tooltip")
    expect(tip).to_be_hidden()
    page.locator("[data-relations=r3] .bar").hover()
    expect(tip).to_contain_text("r3 person #1 hands ball? #3 to person #2")
    for said in ("event", "5.30 – 5.80 s", "0.90", "geometry"):
        expect(tip).to_contain_text(said)
    page.locator("[data-relations=r4] .bar").nth(1).hover()
    expect(tip).to_contain_text("0.00 – 4.00 s, 6.00 – 12.00 s")
    expect(tip.locator("b").last).to_have_text("6.00 – 12.00 s")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_the_network_shows_who_is_present_and_what_holds(open_page: Open) -> None:
    graph = _handover()
    page = open_page(graph)
    for time_s in (0.5, 4.1, 4.6, 5.4, 7.0, 7.8, 8.7, 11.5):
        _compare_with(graph, page, _choose_time(page, time_s))
    page.locator("#axis").press("End")
    _compare_with(graph, page, END)
    for name, start_s in (("r7", 4.0), ("r9", 6.5)):
        page.locator(f".row[data-relations={name}] .label").click()
        assert _time(page) == start_s
        _compare_with(graph, page, start_s)


def _compare_with(graph: TemporalGraph, page: Page, time_s: float) -> None:
    """The page shows at a time what the graph says of it."""
    then = graph.at(time_s)
    single = [r for r in then.relations() if r.predicate in ONE_PLACE]
    double = [r for r in then.relations() if r.predicate not in ONE_PLACE]
    nodes, edges, states = _drawn(page)
    assert nodes - {CAMERA} == {item.id for item in then.objects()}
    assert (CAMERA in nodes) == any(r.predicate == "looks at" for r in double)
    assert states == {r.id for r in single}
    assert edges == {(r.subject, r.object, r.id) for r in double}
    labels = " ".join(page.locator(".edge .label").all_text_contents())
    assert all(r.predicate in labels for r in double)
    listed = page.locator("#holding-list .name").all_inner_texts()
    assert sorted(listed) == sorted(then.describe(r, mark=True) for r in single + double)


def test_the_time_is_chosen_by_dragging_and_by_keys(open_page: Open) -> None:
    page = open_page(_handover())
    axis = page.locator("#axis")
    _drag(page, _across(axis, 0.1), _across(axis, 0.75))
    assert _time(page) == pytest.approx(9, abs=0.02)
    expect(page.locator("#now")).to_have_text(f"{_time(page):.2f} s")
    before = _time(page)
    axis.press("ArrowRight")
    assert _time(page) == pytest.approx(before + END / 100, abs=0.002)
    axis.press("Home")
    assert _time(page) == 0
    page.mouse.click(*_across(page.locator("[data-relations=r5] .lane"), 0.5))
    assert _time(page) == pytest.approx(6, abs=0.02)


def test_what_is_handed_over_also_leads_to_the_one_who_gets_it(open_page: Open) -> None:
    page = open_page(_handover())
    _choose_time(page, 5.5)
    onward = page.locator(".edge.onward")
    ends = [onward.get_attribute(f"data-{name}") for name in ("from", "to", "relations")]
    assert ends == ["3", "2", "r3"]
    assert "unseen" in (page.locator(".node[data-object='3']").get_attribute("class") or "")
    page.locator(".node[data-object='2']").click()
    assert page.get_by_role("combobox", name="Object").input_value() == "2"


def test_the_network_keeps_to_the_filters_and_to_one_layout(open_page: Open) -> None:
    page = open_page(_handover())
    _choose_time(page, 5.5)
    before = page.locator("#drawing").inner_html()
    page.get_by_label("Predicate").select_option("hands")
    assert _drawn(page) == ({1, 2, 3}, {(1, 3, "r3")}, set())
    page.get_by_label("Predicate").select_option("")
    _choose_time(page, 8.7)
    _choose_time(page, 5.5)
    assert page.locator("#drawing").inner_html() == before


def test_rows_are_walked_and_opened_by_keys(open_page: Open) -> None:
    page = open_page(_handover())
    page.locator("#axis").press("Tab")
    focus = page.locator(":focus")
    expect(focus).to_have_attribute("aria-label", "person #1, 4 relations")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("tooltip")).to_contain_text("r1 person #1 holds ball? #3")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(focus).to_have_attribute("data-relations", "r3")
    page.keyboard.press("Enter")
    assert _time(page) == pytest.approx(5.3)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(focus).to_have_attribute("aria-expanded", "false")
    assert _rows(page) == ["r2", "r5", "r6", "r8", "r9"]
    page.keyboard.press("ArrowRight")
    assert len(_rows(page)) == 9


def test_playing_runs_the_time_to_the_end(open_page: Open) -> None:
    page = open_page(_handover())
    _choose_time(page, 11.8)
    play = page.locator("#play")
    play.click()
    expect(play).to_have_text("Pause")
    expect(page.locator("#now")).to_have_text("12.00 s")
    expect(play).to_have_text("Play")


def test_an_empty_graph_says_so(open_page: Open) -> None:
    page = open_page(TemporalGraph(SceneGraph(video=_video())))
    expect(page.get_by_text("The graph has no relations.")).to_be_visible()
    expect(page.locator("#network-remark")).to_have_text("nothing is visible at this time")
    page.get_by_role("button", name="Zoom in").click()
    page.locator("#axis").press("End")
    assert _time(page) == END


def test_thousands_of_relations_stay_usable(open_page: Open) -> None:
    page = open_page(_crowd(5000))
    expect(page.locator("#shown")).to_have_text("5,000 relations")
    assert page.locator(".row").count() < 60, "only the rows in sight are in the page"
    page.locator("#axis").press("Tab")
    page.keyboard.press("End")
    last = page.locator(":focus")
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("data-relations", re.compile(r"r\d*50|r5000"))
    expect(page.locator("#pinned")).to_have_text("thing #50")
    page.get_by_label("Text").fill("r4321")
    assert _rows(page) == ["r4321"]
    page.get_by_label("Text").fill("")
    _choose_time(page, 5.05)
    holding = len(_crowd(5000).at(5.05).relations())
    expect(page.locator("#holding-count")).to_have_text(str(holding))
    assert page.locator(".node").count() == 40
    remark = page.locator("#network-remark")
    expect(remark).to_contain_text(re.compile(r"40 of 50 objects and 150 of \d+ edges are drawn"))


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_everything_fits_the_screen(open_page: Open, width: int, height: int) -> None:
    page = open_page(_handover(), width, height)
    root = page.locator("html")
    assert root.evaluate("element => element.scrollWidth") <= width
    if width > 1000:
        assert root.evaluate("element => element.scrollHeight") <= height
    for part in ("#timeline", "#objects", "#network", "#holding"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 80
    page.locator(".node").first.scroll_into_view_if_needed()
    expect(page.locator(".node").first).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(open_page: Open, scheme: Any) -> None:
    page = open_page(_handover())
    page.emulate_media(color_scheme=scheme)
    bright = [
        sum(map(int, re.findall(r"\d+", page.locator("#timeline").evaluate(script))[:3]))
        for script in (
            "element => getComputedStyle(element).backgroundColor",
            "element => getComputedStyle(element).color",
        )
    ]
    background, ink = bright
    assert (background > ink) == (scheme == "light")
    assert abs(background - ink) > 400
