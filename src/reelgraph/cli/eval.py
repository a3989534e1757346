"""`reelgraph eval`: ask a benchmark with and without graphs, and look at what came out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelgraph.cli.eval_options import (
    ArmsOption,
    AtOnceOption,
    BenchmarkArgument,
    CaptionsOption,
    DataOption,
    DryRunOption,
    FramesOption,
    GraphsOption,
    GraphTokensOption,
    LimitOption,
    NoCacheOption,
    OutOption,
    PriceOption,
    RetryFailedOption,
    RunsArgument,
    SeedOption,
    ShardOption,
    SplitOption,
    VideosOption,
)
from reelgraph.cli.eval_rendering import (
    show_comparisons,
    show_list,
    show_question,
    show_summary,
)
from reelgraph.cli.failures import warn
from reelgraph.cli.options import (
    CacheOption,
    GeneratorOption,
    ModelOption,
    QuietOption,
    SetOption,
    TrackerOption,
    settings_from,
)
from reelgraph.cli.rendering import remark
from reelgraph.cli.services import services_of
from reelgraph.cli.terminal import progress_for
from reelgraph.errors import EvalError

if TYPE_CHECKING:
    from reelgraph.eval import Benchmark, RunLog
    from reelgraph.settings import Settings
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Measure what graphs bring: ask a benchmark, report, compare, look at single questions.",
    rich_markup_mode="rich",
)


@app.command()
def run(
    context: typer.Context,
    benchmark: BenchmarkArgument,
    data: DataOption,
    arms: ArmsOption = "none,graph",
    model: ModelOption = None,
    out: OutOption = None,
    graphs: GraphsOption = None,
    captions: CaptionsOption = None,
    videos: VideosOption = None,
    split: SplitOption = None,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    frames: FramesOption = 8,
    graph_tokens: GraphTokensOption = 4000,
    shard: ShardOption = None,
    at_once: AtOnceOption = 8,
    price: PriceOption = None,
    dry_run: DryRunOption = False,
    retry_failed: RetryFailedOption = False,
    no_cache: NoCacheOption = False,
    tracker: TrackerOption = None,
    generator: GeneratorOption = None,
    tool_options: SetOption = None,
    cache: CacheOption = None,
    quiet: QuietOption = False,
) -> None:
    r"""Ask every question with each of several arms, and log each answer as it comes.

    All arms get the same questions: those for which every arm has its graph,
    captions or video. Stop it at any time; the same command goes on where it was.

    [bold]Examples[/bold]
      reelgraph eval run nextqa --data NExT-QA/ --arms none,captions,graph,captions+graph
      reelgraph eval run star --data STAR/ --arms none,truth,truth~drop:0.5
      reelgraph eval run jsonl --data mine.jsonl --videos clips/ --shard 1/2
      reelgraph eval run agqa --data AGQA/ --videos Charades/ --graphs traser/ \
        --arms frames,frames+graph --model openai:gpt-5 --limit 1000 --dry-run
    """
    from reelgraph.eval import Config, Manner, Prices, load_benchmark
    from reelgraph.eval.plan import parse_shard
    from reelgraph.eval.runner import run as ask

    settings = settings_from(
        cache=cache, tracker=tracker, generators=generator, model=model, tool_options=tool_options
    )
    found = load_benchmark(
        benchmark, data, split=split, graphs=graphs, captions=captions, videos=videos
    )
    part = parse_shard(shard) if shard else None
    try:
        log = ask(
            found,
            arms=[arm for arm in arms.split(",") if arm.strip()],
            out=out or _folder(benchmark, settings.model, shard),
            model=settings.model,
            config=Config(limit=limit, seed=seed, frames=frames, graph_tokens=graph_tokens),
            shard=part,
            cache=not no_cache if cache is None else (cache / "eval" if not no_cache else False),
            pipeline=_pipeline(context, settings, found),
            manner=Manner(
                at_once=at_once,
                retry_failed=retry_failed,
                prices=Prices(*price) if price else None,
                progress=progress_for(quiet=quiet),
                say=(lambda _: None) if quiet else remark,
            ),
            dry=dry_run,
        )
    except KeyboardInterrupt:
        remark("answers that came are kept; the same command goes on with the rest")
        raise
    if log is not None:
        show_summary(log)
        remark(f"reelgraph eval report {log.folders[0]}")


@app.command()
def report(
    runs: RunsArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where to, by default the run.", metavar="FOLDER"),
    ] = None,
    wordnet: Annotated[
        Path | None,
        typer.Option(
            help="WordNet's files, to score open answers by WUPS, e.g. /usr/share/wordnet.",
            metavar="FOLDER",
        ),
    ] = None,
) -> None:
    """Write report.md, report.html and report.json: accuracies, paired differences, answers.

    Several runs on one benchmark are reported together, and shards as one run.

    [bold]Examples[/bold]
      reelgraph eval report runs/nextqa-embedded
      reelgraph eval report runs/nextqa-1of2 runs/nextqa-2of2 -o nextqa-report
    """
    from reelgraph.eval import read_runs, summarize, write_report

    logs = read_runs(*runs)
    if wordnet is not None:
        logs = _near(logs, wordnet)
    found = summarize(logs)
    written = write_report(found, logs, out or runs[0])
    for log in logs:
        show_summary(log)
        if log.missing:
            warn(f"{log.missing} answers are missing; the run was stopped, or a shard is not here")
    for path in written:
        remark(str(path))


@app.command()
def compare(
    runs: RunsArgument,
    arms: Annotated[
        list[str] | None,
        typer.Option(
            "--arms",
            help="Two arms, the one expected to be better first; repeat it. Default: all pairs.",
            metavar="A,B",
        ),
    ] = None,
) -> None:
    """Compare arms on the same questions: who won which, and how sure that is.

    [bold]Examples[/bold]
      reelgraph eval compare runs/nextqa-embedded --arms graph,none
      reelgraph eval compare runs/gpt runs/embedded --arms "graph (gpt-5),graph (embedded)"
    """
    from reelgraph.eval import read_runs, summarize

    pairs = [_pair(text) for text in arms] if arms else None
    show_comparisons(summarize(read_runs(*runs), pairs=pairs))


@app.command()
def show(
    runs: RunsArgument,
    question: Annotated[
        str | None,
        typer.Option(
            "--question", "-q", help="Id of one question, to see all of it.", metavar="ID"
        ),
    ] = None,
    won: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Only questions that the first arm got right and the second wrong.",
            metavar="ARM ARM",
        ),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only questions that failed in some arm.")
    ] = False,
) -> None:
    """Show the questions of a run, or all that is known of one of them.

    [bold]Examples[/bold]
      reelgraph eval show runs/nextqa-embedded --won graph none
      reelgraph eval show runs/nextqa-embedded -q 4882821564_1
    """
    from reelgraph.eval import read_run

    log = read_run(*runs)
    if question is not None:
        show_question(log, question)
        return
    show_list(log, _chosen(log, won, failed=failed))


def _chosen(log: RunLog, won: tuple[str, str] | None, *, failed: bool) -> list[str]:
    """Return the ids of the questions to list."""
    ids = dict.fromkeys(record.question_id for record in log.records)
    if failed:
        wanted = {record.question_id for record in log.records if record.error is not None}
        ids = {key: None for key in ids if key in wanted}
    if won is not None:
        for arm in won:
            if arm not in log.arms:
                raise EvalError(f"the run has no arm {arm!r}; it has {', '.join(log.arms)}")
        right = {arm: {r.question_id for r in log.of(arm) if r.correct} for arm in won}
        ids = {key: None for key in ids if key in right[won[0]] - right[won[1]]}
    return list(ids)


def _near(logs: list[RunLog], wordnet: Path) -> list[RunLog]:
    """Return runs whose open answers are scored by WUPS."""
    from reelgraph.eval.metrics.wordnet import WordNet
    from reelgraph.eval.open_answers import with_wups

    similarity = WordNet(wordnet)
    return [with_wups(log, similarity) for log in logs]


def _pair(text: str) -> tuple[str, str]:
    first, comma, second = text.partition(",")
    if not (comma and first.strip() and second.strip()) or "," in second:
        raise EvalError(f"two arms are written A,B, got {text!r}")
    return first.strip(), second.strip()


def _folder(benchmark: str, model: str, shard: str | None) -> Path:
    """Return where a run goes if nothing else is said."""
    part = f"-{shard.replace('/', 'of')}" if shard else ""
    return Path("runs", re.sub(r"[^\w.-]+", "-", f"{benchmark}-{model}{part}"))


def _pipeline(context: typer.Context, settings: Settings, found: Benchmark) -> Pipeline | None:
    """Return what builds graphs from video, where there is any."""
    return None if found.videos is None else services_of(context).pipeline(settings)
