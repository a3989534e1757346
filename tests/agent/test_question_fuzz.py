"""Whatever is asked, there is an answer, and it claims nothing that the graph does not say."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from reasoning_graphs import REASONING_GRAPHS

from reelgraph.agent import VideoAgent

TEXT = """
who what which when where why how many long times often is does did person ball cup car dog
bottle knife hands holds picks up puts down the a first last second next before after while
during at end start to from by left right of in front person 1 2 #3 #99 red blue , 5 s
never not visible there it someone other and between moves color most fewest number 0:04
or that whose both then longest longer than shortest until once stops starts holding nobody
everybody order next thing happens come left again he she them throw hug #whichone
"""
WORDS = TEXT.split()

AGENT = VideoAgent()
MADE = {name: make() for name, make in REASONING_GRAPHS.items()}

questions = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join),
    st.text(min_size=1, max_size=80).filter(str.strip),
)


@settings(max_examples=150, deadline=None)
@example(question="times times most", graph="hand-over", choices=None)
@given(
    question=questions,
    graph=st.sampled_from(sorted(REASONING_GRAPHS)),
    choices=st.none() | st.lists(questions, min_size=2, max_size=4),
)
def test_every_answer_is_supported_or_abstains(
    question: str, graph: str, choices: list[str] | None
) -> None:
    answer = AGENT.ask(question, MADE[graph], choices=choices)
    assert answer.unsupported == ()
    assert answer.text
    assert answer.abstained == (answer.confidence == 0.0)
    if not answer.abstained:
        assert answer.evidence or "video lasts" in answer.text
