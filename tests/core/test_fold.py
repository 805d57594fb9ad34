"""Episodes are the same however samples are dealt into batches, and they lose no sample."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.episodes import HEARD_BY_SEEN, Folder, Heard, Sample, Seen, fold

MOMENTS = st.lists(st.tuples(st.integers(0, 400_000), st.sampled_from(Seen), st.integers(0, 900_000)), max_size=60)
EDGES = st.lists(st.integers(0, 12_000_000), max_size=4).map(tuple)


def samples_of(moments: list[tuple[int, Seen, int]]) -> list[Sample]:
    """Make samples in the order in which they were asked, each some time after the one before."""
    samples, at_us = [], 0
    for number, (after_us, seen, took_us) in enumerate(moments):
        at_us += after_us
        why = "" if seen is Seen.GOOD else "why"
        samples.append(Sample("probe", number, at_us, at_us + took_us, seen, None, why, HEARD_BY_SEEN[seen]))
    return samples


@given(MOMENTS, EDGES, st.lists(st.integers(0, 60), max_size=8))
def test_any_batches_fold_to_the_same_episodes(
    moments: list[tuple[int, Seen, int]], edges: tuple[int, ...], parts: list[int]
) -> None:
    samples = samples_of(moments)
    folder = Folder(edges)
    bounds = [0, *sorted(min(part, len(samples)) for part in parts), len(samples)]
    for start, end in pairwise(bounds):
        folder.add(samples[start:end])
    assert folder.episodes == fold(samples, edges)


@given(MOMENTS, EDGES)
def test_no_sample_is_lost_and_no_episode_lies_across_an_edge(
    moments: list[tuple[int, Seen, int]], edges: tuple[int, ...]
) -> None:
    samples = samples_of(moments)
    episodes = fold(samples, edges)
    assert sum(one.count for one in episodes) == len(samples)
    for one in episodes:
        assert one.first_us <= one.last_us
        assert not any(one.first_us < edge <= one.last_us for edge in edges)
        mine = [sample for sample in samples if one.first_us <= sample.asked_us <= one.last_us]
        assert any(sample.seen is one.seen for sample in mine)
        assert one.longest_gap_us <= one.last_us - one.first_us


@given(
    MOMENTS,
    st.lists(st.sampled_from(Heard), min_size=60, max_size=60),
    st.lists(st.sampled_from(["", "10.0.0.1"]), min_size=60, max_size=60),
)
def test_neighbours_differ_in_what_they_saw_or_heard(
    moments: list[tuple[int, Seen, int]], heard: list[Heard], senders: list[str]
) -> None:
    samples = [
        replace(sample, heard=what, sender=who)
        for sample, what, who in zip(samples_of(moments), heard, senders, strict=False)
    ]
    folded = [(one.seen, one.heard, one.sender) for one in fold(samples)]
    assert all(one != other for one, other in pairwise(folded))
    for one in fold(samples):
        mine = [sample for sample in samples if one.first_us <= sample.asked_us <= one.last_us]
        mine = [
            sample for sample in mine if (sample.seen, sample.heard, sample.sender) == (one.seen, one.heard, one.sender)
        ]
        assert len(mine) >= one.count
        assert one.ended_us == max(sample.answered_us for sample in mine) or len(mine) > one.count


def test_one_exception_among_silence_is_an_episode_of_its_own() -> None:
    silent = Sample("probe", 0, 0, 1, Seen.BAD, None, "no answer in time", Heard.NOTHING)
    answered = replace(silent, asked_us=2, answered_us=3, heard=Heard.ANSWER)
    later = replace(silent, asked_us=4, answered_us=9)
    one, exception, other = fold([silent, answered, later])
    assert (exception.heard, exception.count) == (Heard.ANSWER, 1)
    assert (one.heard, other.heard) == (Heard.NOTHING, Heard.NOTHING)
    assert (other.ended_us, other.waited_us) == (9, 5)
