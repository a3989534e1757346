"""What the embedded default costs: speed by clip, memory by length, warm latency.

    python -m benchmarks.embedded --data ../shared/data

Prints one JSON document: for each clip its speed (times real time) and objects, the
peak memory on a long video next to that on the clip it repeats, the median time of a
warm question, and the time of ``import reelgraph``. Each measure runs in a process of
its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import av

TRACK = """
import json, resource, sys, time
from reelgraph import GraphStore, Pipeline
began = time.perf_counter()
pipeline = Pipeline(tracker="motion", store=GraphStore(sys.argv[2]))
graph = pipeline.graph(sys.argv[1])
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
stats = {
    "duration_s": graph.video.duration_s, "graph_s": seconds,
    "times_real_time": graph.video.duration_s / seconds, "peak_mib": peak,
    "objects": {graph.name(o.id): sum(i.duration for i in o.presence) for o in graph.objects()},
    "relations": len(graph.relations()),
}
print(json.dumps(stats))
"""

ASK = """
import json, statistics, sys, time
from reelgraph import GraphStore, Pipeline, VideoAgent
agent = VideoAgent("embedded", pipeline=Pipeline(tracker="motion", store=GraphStore(sys.argv[2])))
questions = ["what happens first?", "how many objects are there?", "when does something move?"]
agent.ask(questions[0], sys.argv[1])
times = []
for round in range(10):
    for question in questions:
        began = time.perf_counter()
        agent.ask(question, sys.argv[1])
        times.append(time.perf_counter() - began)
print(json.dumps({"median_ms": 1e3 * statistics.median(times), "worst_ms": 1e3 * max(times)}))
"""  # fmt: skip


def run(code: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def repeat(source: Path, target: Path, times: int) -> None:
    """Write ``source`` to ``target`` ``times`` times over, packets copied, not encoded again."""
    with av.open(str(target), "w") as output:
        copy, offset = None, 0
        for _ in range(times):
            with av.open(str(source)) as clip:
                stream = clip.streams.video[0]
                copy = copy or output.add_stream_from_template(stream)
                end = 0
                for packet in clip.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    end = max(end, packet.pts + packet.duration)
                    packet.pts += offset
                    packet.dts += offset
                    packet.stream = copy
                    output.mux(packet)
                offset += end


def import_ms() -> float:
    """Return the median time of ``import reelgraph`` beyond an empty interpreter, in ms."""
    code = "import time; b=time.perf_counter(); import reelgraph; print(time.perf_counter()-b)"
    times = [
        float(subprocess.check_output([sys.executable, "-c", code], text=True)) for _ in range(5)
    ]
    return 1e3 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds videos/")
    parser.add_argument("--long", default="bottle-detection", help="clip to repeat")
    parser.add_argument("--minutes", type=float, default=10, help="length of the long video")
    options = parser.parse_args()
    clips = sorted((options.data / "videos").glob("*.mp4"))
    with tempfile.TemporaryDirectory() as folder:
        report: dict[str, Any] = {"import_ms": import_ms()}
        report["clips"] = {clip.stem: run(TRACK, str(clip), folder) for clip in clips}
        clip = options.data / "videos" / f"{options.long}.mp4"
        report["warm_ask"] = run(ASK, str(clip), folder)
        once = report["clips"][options.long]
        long = Path(folder) / "long.mp4"
        repeat(clip, long, round(options.minutes * 60 / once["duration_s"]))
        report["long"] = run(TRACK, str(long), folder)
        report["memory_ratio"] = report["long"]["peak_mib"] / once["peak_mib"]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
