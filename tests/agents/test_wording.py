"""Which numbers follow from words: every spelling, every relative word, and nothing far away that nobody said."""

from __future__ import annotations

import pytest

from bot.agents.wording import follows

FOLLOWS = [
    ("make it 9 replicas", "replicas", "9", "3"), ("nine pods please", "replicas", "9", "3"), ("replicas=9", "replicas", "9", "3"),
    ("a dozen pods", "replicas", "12", "3"), ("between 2 and 20", "max", "20", "5"), ("target 90 %", "target", "90", "40"),
    ("90 percent", "target", "90", "40"), ("4 cores", "cpu", "4", "500m"), ("4000m", "cpu", "4", "500m"),
    ("100 millicores", "cpu", "100m", "2"), ("half a core", "cpu", "500m", "4"), ("0.1 CPU", "cpu", "100m", "2"),
    ("8Gi", "memory", "8Gi", "128Mi"), ("8 GiB", "memory", "8Gi", "128Mi"), ("8 gb of RAM", "memory", "8Gi", "128Mi"),
    ("8 GB", "memory", "8G", "128Mi"), ("8 gigabytes", "memory", "8Gi", "128Mi"), ("1.5 GB", "memory", "1536Mi", "128Mi"),
    ("512 MB", "memory", "512Mi", "4Gi"), ("1,024 MiB", "memory", "1Gi", "128Mi"), ("20Gi disk", "storage", "20Gi", None),
    ("double the pods", "replicas", "8", "4"), ("twice the memory", "memory", "4Gi", "2Gi"), ("triple it", "replicas", "9", "3"),
    ("halve the cpu", "cpu", "500m", "1"), ("three times as many", "replicas", "12", "4"), ("5x the pods", "replicas", "15", "3"),
    ("150 % more memory", "memory", "640Mi", "256Mi"), ("25 percent of the memory", "memory", "256Mi", "1Gi"),
    ("70% less cpu", "cpu", "300m", "1"), ("ten more pods", "replicas", "13", "3"), ("add 10 replicas", "replicas", "13", "3"),
    ("8 fewer", "replicas", "2", "10"), ("512 MB more", "memory", "640Mi", "128Mi"), ("+10 pods", "replicas", "13", "3"),
    ("another pod", "replicas", "2", "1"), ("a bit more memory", "memory", "160Mi", "128Mi"), ("smaller", "cpu", "500m", "1"),
    ("more", "memory", "256Mi", "128Mi"), ("less", "memory", "64Mi", "128Mi"),
]  # fmt: skip
STRAY = [
    ("more pods", "replicas", "9", "3"), ("a bit more memory", "memory", "8Gi", "128Mi"), ("less", "memory", "63Mi", "128Mi"),
    ("more", "memory", "257Mi", "128Mi"), ("5 Gi of memory", "replicas", "50", "3"), ("5 Gi of memory", "replicas", "5", "1"),
    ("5 pods", "cpu", "5", "500m"), ("50 % more replicas", "replicas", "50", "4"), ("memory 8", "memory", "8Gi", "128Mi"),
    ("8 gb", "cpu", "8", "500m"), ("a disk", "storage", "20Gi", None), ("a cpu limit", "cpu_limit", "2", None),
    ("double the pods", "replicas", "16", "4"), ("10 pods", "replicas", "13", "3"), ("version 1.22.5", "replicas", "22", "3"),
    ("see issue api2", "replicas", "20", "3"), ("/ai-destroy shop", "replicas", "1", "5"), ("", "max", "10000", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "key", "value", "present"), FOLLOWS)
def test_a_number_follows(words: str, key: str, value: str, present: str | None) -> None:
    assert follows(words, key=key, value=value, present=present)


@pytest.mark.parametrize(("words", "key", "value", "present"), STRAY)
def test_a_number_does_not_follow(words: str, key: str, value: str, present: str | None) -> None:
    assert not follows(words, key=key, value=value, present=present)


@pytest.mark.parametrize("words", ["9 " * 500, "half " * 200, "nine-" * 200, "1.5" * 300, "%" * 1_000])
def test_long_words_are_read_in_bounded_time(words: str) -> None:
    assert isinstance(follows(words, key="memory", value="1Gi", present="128Mi"), bool)
