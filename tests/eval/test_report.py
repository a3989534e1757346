"""Reports: what they count, that the same answers give the same bytes, and the page in Chromium."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reelgraph.errors import EvalError
from reelgraph.eval.benchmarks.nextqa import read_nextqa
from reelgraph.eval.benchmarks.question import Benchmark, Question
from reelgraph.eval.log import Evidence, LogWriter, Record, Run, RunLog, Tokens, read_run
from reelgraph.eval.report import (
    log_from_predictions,
    records_from_predictions,
    summarize,
    write_report,
)
from reelgraph.eval.report.markdown import markdown
from reelgraph.eval.report.page import page
from reelgraph.eval.report.systems import ALL

EVIL = "</script><img src=x onerror=alert(1)>"
GROUPS = {"CW": "causal", "TN": "temporal"}


def _record(number: int, arm: str, right: bool | None, **more: Any) -> Record:
    """Question ``number``, two of them a video; the right option is 1, another is 0."""
    video = f"v{number // 2}"
    return Record(
        **{
            "question_id": f"{video}_{number % 2}",
            "video": video,
            "cluster": video,
            "type": ("CW", "TN")[number % 2],
            "arm": arm,
            "question": f"what happens {number}",
            "choices": ("nothing", "something"),
            "gold": 1,
            "prediction": None if right is None else int(right),
            "correct": right,
            "seconds": 0.1 * number,
            **more,
        }
    )


def _log(records: Sequence[Record], model: str = "embedded", **more: Any) -> RunLog:
    arms = list(dict.fromkeys(record.arm for record in records))
    header = Run(
        benchmark="made",
        questions=len({record.question_id for record in records}),
        questions_hash="0",
        groups=GROUPS,
        arms={arm: {"parts": arm} for arm in arms},
        model=model,
        **more,
    )
    return RunLog(header=header, records=tuple(records))


def _two_arms(count: int = 12) -> RunLog:
    """The graph answers questions of odd number, and every third; no arm all but the odd."""
    none = [_record(i, "none", i % 2 == 0) for i in range(count)]
    graph = [_record(i, "graph", i % 2 == 1 or i % 3 == 0) for i in range(count)]
    return _log([*none, *graph])


# --- what is counted -----------------------------------------------------------------------------


def test_published_predictions_get_their_published_accuracy(data_dir: Path) -> None:
    folder = data_dir / "nextqa_vidor"
    predictions = json.loads((folder / "hga_predictions.json").read_text())
    log = log_from_predictions(read_nextqa(folder), predictions, arm="HGA")
    report = summarize([log])
    found = report.systems[0].by_group
    shares = {name: round(100 * found[name].value, 2) for name in (ALL, *report.groups)}
    assert shares == {ALL: 50.59, "causal": 46.09, "temporal": 53.16, "descriptive": 60.67}
    sizes = [found[name].questions for name in (ALL, "causal", "temporal", "descriptive")]
    assert sizes == [2552, 1341, 822, 389]
    assert re.search(r"\| HGA \| 50\.59 \| 48\.\d to 52\.\d \| 1291 \| 2552 \|", markdown(report))


def test_accuracy_is_counted_by_arm_group_and_type() -> None:
    report = summarize([_two_arms()])
    none, graph = report.systems
    assert {name: found.value for name, found in none.by_group.items()} == {
        ALL: 0.5, "causal": 1, "temporal": 0, "CW": 1, "TN": 0
    }  # fmt: skip
    assert graph.by_group[ALL].value == pytest.approx(8 / 12)
    assert graph.by_group[ALL].clusters == 6
    assert (report.groups, report.types, report.chance) == (
        ("causal", "temporal"),
        ("CW", "TN"),
        0.5,
    )


def test_pairs_compare_the_later_arm_with_the_earlier() -> None:
    (found,) = summarize([_two_arms()]).comparisons
    assert (found.first, found.second) == ("graph", "none")
    table = found.difference.mcnemar
    assert (table.only_first, table.only_second, table.both_right) == (6, 4, 2)
    by_type = {item.group: item for item in found.types}
    assert by_type["TN"].difference.estimate.value == 1
    assert by_type["TN"].holm_p == 4 / 64
    assert by_type["CW"].holm_p == 2 / 16


def test_lost_answers_are_wrong_and_counted_apart() -> None:
    lost = [
        _record(0, "none", True, usage=Tokens(model_calls=1, input_tokens=10, output_tokens=2)),
        _record(1, "none", False, parsed=False, prediction=None),
        _record(2, "none", False, error="the provider refused", parsed=False, prediction=None),
        _record(3, "none", False, abstained=True, parsed=False, prediction=None),
        _record(4, "none", None),
    ]
    report = summarize([_log(lost)])
    counts = report.systems[0].counts
    assert (counts.right, counts.graded, counts.answered) == (1, 4, 5)
    assert (counts.unparsed, counts.failed, counts.abstained) == (1, 1, 1)
    assert (counts.input_tokens, counts.output_tokens) == (10, 2)
    assert report.systems[0].by_group[ALL].value == 0.25
    assert sum("count as wrong" in note for note in report.notes) == 3


def test_what_is_missing_is_told() -> None:
    log = _two_arms()
    cut = log.model_copy(update={"records": log.records[:-3]})
    report = summarize([cut])
    assert "lacks 3 of 24 answers" in " ".join(report.notes)
    assert report.comparisons[0].difference.estimate.questions == 9


def test_runs_of_two_models_are_told_apart_and_paired() -> None:
    first = _log([_record(i, "graph", i % 2 == 0) for i in range(8)], model="one")
    second = _log([_record(i, "graph", True) for i in range(8)], model="two")
    third = _log([_record(i, "graph", False) for i in range(8)], model="two")
    report = summarize([first, second, third])
    names = [system.name for system in report.systems]
    assert names == ["graph (one)", "graph (two)", "graph (two, run 3)"]
    assert len(report.comparisons) == 3
    (only,) = summarize([first, second], pairs=[("graph (one)", "graph (two)")]).comparisons
    assert only.difference.estimate.value == -0.5


def test_what_a_reader_must_know_is_told() -> None:
    first = _log([_record(0, "none", True)], data={"val.csv": "1", "map.json": "7"})
    second = _log([_record(0, "graph", True)], data={"val.csv": "2", "map.json": "7"})
    second = second.model_copy(
        update={"header": second.header.model_copy(update={"config": {"left_out": "3 questions"}})}
    )
    notes = " ".join(summarize([first, second]).notes)
    assert "different versions of val.csv:" in notes
    assert "3 questions." in notes
    assert "only 6 videos" in " ".join(summarize([_two_arms()]).notes)


def test_sentences_say_what_holds_after_correction() -> None:
    def sentences(first: Sequence[int], second: Sequence[int]) -> str:
        arms = {"none": second, "graph": first}
        rows = [
            _record(2 * i, a, bool(x)) for a, found in arms.items() for i, x in enumerate(found)
        ]
        return markdown(summarize([_log(rows)])).split("##", maxsplit=1)[0]

    assert "graph is better than none by 75.0 points" in sentences([1] * 24, [0] * 18 + [1] * 6)
    assert "none is better than graph by 75.0 points" in sentences([0] * 18 + [1] * 6, [1] * 24)
    assert "are right on the same questions" in sentences([1, 0] * 9, [1, 0] * 9)
    assert "No difference between graph and none is shown" in sentences([1, 0] * 9, [0, 1] * 9)
    ahead = sentences([1] * 5 + [0] * 20, [0] * 25)
    assert "graph is ahead of none by 20.0 points" in ahead
    assert "Holm p 0.062" in ahead


def test_many_arms_are_compared_with_the_first_only() -> None:
    names = [f"arm{i}" for i in range(7)]
    report = summarize([_log([_record(i, name, True) for name in names for i in range(4)])])
    assert {comparison.second for comparison in report.comparisons} == {"arm0"}
    assert len(report.comparisons) == 6


def test_when_it_was_is_scored_where_an_arm_says_it() -> None:
    spans = {"gold_spans": ((0.0, 10.0),)}
    told = _record(0, "graph", True, predicted_spans=((2.0, 3.0), (5.0, 6.0)), **spans)
    silent = _record(1, "graph", True, **spans)
    other = [_record(i, "none", True, **spans) for i in (0, 1)]
    graph, none = summarize([_log([told, silent, *other])]).systems
    assert none.grounding is None
    found = graph.grounding
    assert found is not None
    assert (found.coverage, found.mean_iop, found.mean_iou) == pytest.approx((0.5, 0.5, 0.2))
    assert found.accuracy_gqa == 0.5


def test_further_scores_are_averaged() -> None:
    rows = [_record(i, "none", True, scores={"wups": 0.25 * i}) for i in range(4)]
    assert summarize([_log(rows)]).systems[0].scores == {"wups": 0.375}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: summarize([]), "at least one run"),
        (lambda: summarize([_two_arms()], pairs=[("graph", "frames")]), "no arm 'frames'"),
        (
            lambda: summarize(
                [_log([_record(0, "a", True)]), _log([_record(2, "b", True)], model="other")]
            ),
            "share no question",
        ),
    ],
    ids=["nothing", "unknown arm", "other questions"],
)
def test_what_cannot_be_reported_is_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(EvalError, match=message):
        call()


# --- answers made elsewhere ----------------------------------------------------------------------

QUESTION = Question(id="v_0", video="v", text="what?", answer=1, choices=("a", "b"), type="CW")
OPEN = Question(id="w_0", video="w", text="what?", answer="the ball")


def test_predictions_become_records() -> None:
    benchmark = Benchmark(name="made", questions=(QUESTION, OPEN))
    log = log_from_predictions(benchmark, {"v_0": {"prediction": 1, "answer": 0}, "other": 3})
    first, second = log.records
    assert (first.correct, first.prediction, first.cluster) == (True, 1, "v")
    assert (second.correct, second.parsed) == (False, False)
    (said,) = records_from_predictions([OPEN], {"w_0": "A Ball"})
    assert said.correct is True


@pytest.mark.parametrize("value", [2, -1, "b", True, 0.5])
def test_a_prediction_that_names_no_option_is_refused(value: object) -> None:
    with pytest.raises(EvalError, match="'v_0' must be an index from 0 to 1"):
        records_from_predictions([QUESTION], {"v_0": value})


def test_predictions_for_other_questions_are_refused() -> None:
    with pytest.raises(EvalError, match="look like 'v_0', the predictions' like 'x-1'"):
        records_from_predictions([QUESTION], {"x-1": 1})


# --- files ---------------------------------------------------------------------------------------


def _bytes(log: RunLog, folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in write_report(summarize([log]), [log], folder)]


def test_the_same_answers_give_the_same_files(tmp_path: Path) -> None:
    log = _two_arms()
    header = log.header.model_copy(update={"created": "later"})
    slower = tuple(r.model_copy(update={"seconds": 9.0, "cached": True}) for r in log.records)
    other = log.model_copy(update={"header": header, "records": slower})
    assert _bytes(log, tmp_path / "a") == _bytes(other, tmp_path / "b")


def test_shards_together_give_the_report_of_the_whole_run(tmp_path: Path) -> None:
    log = _two_arms()
    parts: dict[str, tuple[tuple[int, int] | None, Sequence[Record]]] = {
        "whole": (None, log.records),
        "one": ((1, 2), log.records[1::2]),
        "two": ((2, 2), log.records[::2][::-1]),
    }
    for name, (shard, records) in parts.items():
        header = log.header.model_copy(update={"shard": shard, "created": name})
        with LogWriter(tmp_path / name, header) as writer:
            for record in records:
                kept = {"graph_text": writer.keep_text(f"the graph of {record.video}")}
                writer.append(record.model_copy(update=kept))
    whole = read_run(tmp_path / "whole")
    merged = read_run(tmp_path / "two", tmp_path / "one")
    assert _bytes(whole, tmp_path / "a") == _bytes(merged, tmp_path / "b")


def test_json_is_for_machines(tmp_path: Path) -> None:
    log = _log([_record(i, arm, True) for arm in ("none", "graph") for i in (0, 1)])
    *_, path = write_report(summarize([log]), [log], tmp_path, name="one")
    assert path.name == "one.json"

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(path.read_text(), parse_constant=refuse)
    estimate = found["comparisons"][0]["difference"]["estimate"]
    assert (estimate["value"], estimate["low"]) == (0, None)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    log = _two_arms()
    (tmp_path / "file").write_text("")
    with pytest.raises(EvalError, match=r"cannot write a report to .*file"):
        write_report(summarize([log]), [log], tmp_path / "file")


def test_tables_of_markdown_have_as_many_cells_in_every_row() -> None:
    log = _log([_record(i, arm, i % 2 == 0) for arm in ("a|b", "*c*") for i in range(6)])
    text = markdown(summarize([log]))
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table
    assert "a\\|b" in text
    assert "nothing follows" not in text


# --- the page ------------------------------------------------------------------------------------


class _Elements(HTMLParser):
    """The elements of a page, and the text in its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in {"script", "style"} and data.strip():
            self.raw.append((self.tags[-1][0], data))


def _page(log: RunLog) -> str:
    return page(summarize([log]), [log])


def test_the_page_asks_for_nothing_and_lets_only_its_own_script_run() -> None:
    found = _Elements(_page(_two_arms()))
    attributes = {name for _, names in found.tags for name in names}
    assert not attributes & {"src", "srcset", "data", "action", "style", "onclick"}
    assert {tag for tag, _ in found.tags}.isdisjoint({"link", "img", "iframe", "object", "base"})
    assert all(names["href"].startswith("#") for tag, names in found.tags if tag == "a")
    style, _, script = (text for _, text in found.raw)
    assert not re.search(r"url\(|@import", style)
    assert not re.search(r"fetch\(|XMLHttp|WebSocket|import\(|innerHTML|eval\(", script)
    (policy,) = [names["content"] for _, names in found.tags if "http-equiv" in names]
    for text in (style, script):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'/!-\u2028{}"), min_size=1
) | st.sampled_from([EVIL, "<!--<script>", "]]>", "{{script}}", "\\u003c", "&lt;"])
HARMLESS = [tag for tag, _ in _Elements(_page(_log([_record(0, "a", True)]))).tags]


@settings(max_examples=50)
@given(text=texts)
def test_no_text_of_a_run_breaks_out_of_the_page(text: str) -> None:
    evidence = Evidence(relations=("r1",), intervals=((0.0, 1.0),), sentences=(text,))
    record = _record(
        0, text, True, question=text, choices=(text, "b"), text=text, evidence=evidence
    )
    log = _log([record], model=text)
    found = _Elements(_page(log))
    assert [tag for tag, _ in found.tags] == HARMLESS
    (data,) = [json.loads(raw) for _, raw in found.raw if raw.startswith('{"systems"')]
    assert data["questions"][0]["text"] == text
    assert data["questions"][0]["answers"][0]["evidence"] == [["r1", [0.0, 1.0], text]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run on disk in which the graph's text was kept."""
    log = _two_arms()
    evidence = Evidence(
        relations=("r7",), intervals=((1.0, 2.5),), sentences=("person #1 holds ball #2",)
    )
    with LogWriter(tmp_path / "run", log.header) as writer:
        name = writer.keep_text("0.0-2.5 person #1 holds ball #2 [r7]")
        for record in log.records:
            more: dict[str, Any] = {}
            if record.arm == "graph":
                more = {"evidence": evidence, "graph_text": name, "text": f"It is so. {EVIL}"}
            writer.append(record.model_copy(update=more))
    return tmp_path / "run"


@pytest.fixture
def opened(browser: Browser, run_folder: Path) -> Iterator[Page]:
    """The page of that run; it may complain of nothing and ask for nothing."""
    log = read_run(run_folder)
    _, path, _ = write_report(summarize([log]), [log], run_folder)
    complaints: list[str] = []
    requests: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    shown = context.new_page()
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("dialog", lambda dialog: complaints.append(dialog.message))
    shown.on("request", lambda request: requests.append(request.url))
    shown.goto(path.as_uri())
    yield shown
    assert complaints == []
    assert {url.partition("#")[0] for url in requests} == {path.as_uri()}
    context.close()


def test_the_page_shows_every_arm_with_bar_and_interval(opened: Page) -> None:
    rows = opened.locator("#accuracy tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("graph")
    expect(rows.nth(1)).to_contain_text("66.67")
    bars = [rows.nth(i).locator(".bar").bounding_box() for i in (0, 1)]
    assert bars[0]
    assert bars[1]
    assert bars[1]["width"] / bars[0]["width"] == pytest.approx(4 / 3, rel=0.01)
    expect(rows.nth(1).locator(".whisker")).to_have_count(3)
    expect(opened.locator("#types tbody td[class^=heat]")).to_have_count(10)
    assert opened.evaluate("scrollY") == 0


def test_a_count_leads_to_its_questions_and_their_answers(opened: Page) -> None:
    opened.locator("#paired tbody tr").first.locator("a").first.click()
    expect(opened.locator("#count")).to_contain_text("6 of 12 questions")
    expect(opened.locator("#list [role=option]")).to_have_count(6)
    detail = opened.locator("#detail")
    expect(detail).to_contain_text("what happens 1")
    expect(detail.locator("h4")).to_have_text(["✓ graph", "✗ none"])
    expect(detail.locator(".gold")).to_have_text("something")
    expect(detail).to_contain_text("person #1 holds ball #2 (1.0–2.5 s, r7)")
    expect(detail).to_contain_text(EVIL)
    detail.locator("summary").click()
    expect(detail.locator("pre")).to_have_text("0.0-2.5 person #1 holds ball #2 [r7]")


def test_the_address_names_the_question_that_is_shown(opened: Page) -> None:
    opened.locator("#list [role=option]").nth(3).click()
    assert "q=v1_1" in opened.url
    opened.evaluate("location.hash = 'pair=0&only=second&q=v2_0'")
    expect(opened.locator("#detail h3")).to_have_text("what happens 4")
    expect(opened.locator("#count")).to_contain_text("4 of 12 questions")
    opened.evaluate("location.hash = 'pair=9&type=none&q=unknown'")
    expect(opened.locator("#count")).to_contain_text("12 of 12 questions")


def test_filters_and_keys_choose_questions(opened: Page) -> None:
    opened.select_option("#type", "TN")
    expect(opened.locator("#count")).to_contain_text("6 of 12 questions")
    opened.fill("#find", "v4")
    expect(opened.locator("#detail h3")).to_have_text("what happens 9")
    opened.fill("#find", "nowhere")
    expect(opened.locator("#list [role=option]")).to_have_count(0)
    expect(opened.locator("#detail")).to_have_text("")
    opened.fill("#find", "")
    opened.select_option("#type", "")
    opened.locator("#list").focus()
    for _ in range(3):
        opened.keyboard.press("ArrowDown")
    selected = opened.locator("#list [aria-selected=true]")
    expect(selected).to_have_count(1)


def test_one_arm_alone_is_shown_too(browser: Browser, tmp_path: Path) -> None:
    log = _log([_record(i, "none", i == 0, type="") for i in range(3)])
    _, path, _ = write_report(summarize([log]), [log], tmp_path)
    shown = browser.new_page()
    errors: list[str] = []
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.goto(path.as_uri())
    expect(shown.locator("#list [role=option]")).to_have_count(3)
    expect(shown.locator("#paired")).to_contain_text("There is only one arm")
    shown.locator("#list [role=option]").first.click()
    expect(shown.locator("#detail h4")).to_have_text("✓ none")
    assert errors == []
    assert not math.isnan(summarize([log]).chance)
    shown.close()
