"""What a Dockerfile says, hostile ones included (rows P01 of the suite)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.tree import Unread
from bot.survey.dockerfile import ImageFacts, read_dockerfile
from bot.survey.survey import survey
from tests.daily import searched
from tests.survey.trees import tree_of


def facts(text: str, target: str | None = None) -> ImageFacts:
    found = read_dockerfile("Dockerfile", text, target)
    assert found is not None
    return found


def ports(text: str) -> list[int]:
    return [fact.port for fact in facts(text).exposed]


@pytest.mark.parametrize(
    ("text", "base"),
    [
        pytest.param("FROM node:22", "node:22", id="plain"),
        pytest.param("from node:22 as base", "node:22", id="lower-case"),
        pytest.param("ARG V=22\nFROM node:${V}-alpine", "node:22-alpine", id="arg-default"),
        pytest.param("ARG V=22\nARG I=node:$V\nFROM $I", "node:22", id="arg-of-arg"),
        pytest.param("FROM node:${V:-20}", "node:20", id="default-in-place"),
        pytest.param("ARG V\nFROM node:${V:+x}20", "node:20", id="alternative-of-nothing"),
        pytest.param("ARG V\nFROM node:$V", None, id="arg-without-default"),
        pytest.param("ARG V=\nFROM servercore:${V}", None, id="arg-resolves-to-nothing"),
        pytest.param("FROM $UNKNOWN", None, id="no-arg"),
        pytest.param("ARG A=$B\nARG B=$A\nFROM $A", None, id="arg-circle"),
        pytest.param("FROM --platform=$BUILDPLATFORM golang:1", "golang:1", id="platform"),
        pytest.param("FROM a:1 AS x\nFROM x AS y\nFROM y", "a:1", id="chain-of-stages"),
        pytest.param("FROM a AS a\nFROM a", "a", id="stage-named-like-its-base"),
        pytest.param("# escape=`\nFROM `\n  mcr.example/win", "mcr.example/win", id="escape-directive"),
        pytest.param("\ufeffFROM a:1\r\nEXPOSE 80\r\n", "a:1", id="P01-crlf-and-bom"),
    ],
)
def test_base_image(text: str, base: str | None) -> None:
    assert facts(text).base_image == base


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("FROM a\nEXPOSE 80 443/tcp", [80, 443], id="several"),
        pytest.param("FROM a\nARG P=8081\nEXPOSE ${P}", [8081], id="arg"),
        pytest.param("ARG P=8081\nFROM a\nARG P\nEXPOSE $P", [8081], id="global-arg"),
        pytest.param("ARG P=8081\nFROM a\nEXPOSE $P", [], id="global-arg-not-taken-over"),
        pytest.param("FROM a\nARG P\nEXPOSE $P", [], id="unresolved"),
        pytest.param("FROM a\nENV P=99\nEXPOSE $P", [99], id="env"),
        pytest.param("FROM a AS x\nEXPOSE 1\nFROM x\nEXPOSE 2", [1, 2], id="inherited"),
        pytest.param("FROM a AS x\nEXPOSE 1\nFROM b\nEXPOSE 2", [2], id="other-stage"),
        pytest.param("FROM a\nEXPOSE 0 70000 x", [], id="impossible"),
        pytest.param("FROM a\n# EXPOSE 1\nRUN b \\\n# c\n\n && d\nEXPOSE 2", [2], id="comment-in-continuation"),
        pytest.param("FROM a\nRUN <<EOF\nEXPOSE 1\nFROM x\nEOF\nEXPOSE 2", [2], id="heredoc"),
        pytest.param("FROM a\nCOPY <<-'A' <<B /x\nEXPOSE 1\nA\nEXPOSE 3\nB\nEXPOSE 2", [2], id="two-heredocs"),
        pytest.param("FROM a\nRUN <<EOF\nEXPOSE 1", [], id="heredoc-without-end"),
    ],
)
def test_expose(text: str, expected: list[int]) -> None:
    assert ports(text) == expected


def test_an_unresolved_expose_is_reported() -> None:
    assert [fact.value for fact in facts("FROM a\nARG P\nEXPOSE $P").unresolved] == ["EXPOSE $P"]


@pytest.mark.parametrize(
    ("text", "target", "stage"),
    [
        pytest.param("FROM a AS base\nFROM a AS dev\nFROM a AS final", None, "final", id="last"),
        pytest.param("FROM a AS base\nFROM a AS dev\nFROM a AS final", "dev", "final", id="target-for-developers"),
        pytest.param("FROM a AS api\nFROM a AS worker", "api", "api", id="target"),
        pytest.param("FROM a AS release\nFROM a AS test", None, "release", id="last-is-a-test"),
        pytest.param("FROM a AS build\nFROM a AS debug", None, "debug", id="nothing-better"),
    ],
)
def test_the_stage_that_runs(text: str, target: str | None, stage: str) -> None:
    assert facts(text, target).stage == stage


@pytest.mark.parametrize(
    ("text", "start"),
    [
        pytest.param('FROM a\nCMD ["a", "b"]', ("a", "b"), id="exec"),
        pytest.param("FROM a\nCMD a b", ("a", "b"), id="shell"),
        pytest.param("FROM a\nCMD a && b", ("/bin/sh", "-c", "a && b"), id="shell-syntax"),
        pytest.param('FROM a\nENTRYPOINT ["tini"]\nCMD ["a"]', ("tini", "a"), id="entrypoint-and-cmd"),
        pytest.param('FROM a AS x\nCMD ["a"]\nFROM x\nENTRYPOINT ["b"]', ("b",), id="entrypoint-takes-cmd-away"),
        pytest.param('FROM a AS x\nENTRYPOINT ["a"]\nFROM x\nCMD ["b"]', ("a", "b"), id="inherited-entrypoint"),
    ],
)
def test_start(text: str, start: tuple[str, ...]) -> None:
    found = facts(text).start
    assert found is not None
    assert found.words == start


def test_names_of_variables_are_kept_and_values_are_not() -> None:
    found = facts("FROM a\nENV TOKEN=hunter2hunter2 PORT=8080\nENV OLD style value\nENV DB_HOST=pg")
    assert [fact.value for fact in found.env] == ["TOKEN", "PORT", "OLD", "DB_HOST"]
    assert [(fact.variable, fact.port) for fact in found.env_ports] == [("PORT", 8080)]
    assert "hunter2" not in found.model_dump_json()


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        pytest.param('FROM a\nCMD ["java", "-Xmx768m", "-jar", "x"]', 918, id="xmx-and-native-memory"),
        pytest.param("FROM a\nENV JAVA_OPTS=-Xmx1g\nCMD java $JAVA_OPTS", 1174, id="xmx-in-env"),
        pytest.param('FROM a\nCMD ["node", "--max-old-space-size=2048", "x"]', 2048, id="node"),
    ],
)
def test_heap_flags_are_a_floor(text: str, mib: int) -> None:
    (service,) = survey(tree_of({"Dockerfile": text})).services
    assert service.memory_floor is not None
    assert service.memory_floor.mib == mib


HOSTILE: dict[str, Callable[[], str]] = {
    "P01-0-bytes": lambda: "",
    "P01-only-comments": lambda: "# a\n# b\n",
    "P01-100-mb-in-one-line": lambda: "F" * 100_000_000,
    "P01-100-mb-from": lambda: "FROM " + "a" * 100_000_000,
    "P01-nul": lambda: "\0\0FROM\0 a\0\n\0",
    "P01-arg-doubling": lambda: "ARG A=aa\n" + "ARG A=$A$A\n" * 3_000 + "FROM $A",
    "P01-endless-continuation": lambda: "FROM a\nRUN " + "\\\n" * 130_000,
    "P01-many-stages": lambda: "FROM a AS a\n" * 20_000,
    "P01-many-variables": lambda: "FROM a\nENV " + "a=b " * 60_000,
    "P01-many-ports": lambda: "FROM a\nEXPOSE " + "$A " * 80_000,
    "P01-deep-json": lambda: "FROM a\nCMD [" + "[" * 100_000,
    "P01-open-quote": lambda: "FROM a\nENV " + "'" * 250_000,
    "P01-heredoc-forest": lambda: "FROM a\nRUN " + "<<A " * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_dockerfiles_end_soon(name: str) -> None:
    text = HOSTILE[name]()
    started = time.process_time()
    profile = survey(tree_of({"Dockerfile": text, "app/main.py": ""}))
    assert time.process_time() - started < 2
    assert len(profile.model_dump_json()) < 100_000


@pytest.mark.parametrize("name", ["P01-0-bytes", "P01-only-comments", "P01-nul"])
def test_a_dockerfile_that_says_nothing_becomes_a_question(name: str) -> None:
    (doubt, *_) = survey(tree_of({"Dockerfile": HOSTILE[name]()})).unsure
    assert "could not read Dockerfile" in doubt.question


@pytest.mark.parametrize("reason", ["UTF-16 text", "larger than 256 KB"], ids=["P01-utf-16", "P01-100-mb"])
def test_a_dockerfile_that_was_not_read_becomes_a_question(reason: str) -> None:
    profile = survey(tree_of({}, unread=(Unread(path="Dockerfile", reason=reason),)))
    assert f"could not read Dockerfile: {reason}" in profile.unsure[0].question
    assert [service.dockerfile for service in profile.services] == ["Dockerfile"]


@searched(200, deadline=2_000)
@given(
    st.lists(
        st.sampled_from(
            ["FROM a AS b", "ARG", "ENV", "EXPOSE", "CMD", "ENTRYPOINT [", "RUN <<E", "HEALTHCHECK", "VOLUME"]
        )
        | st.text(alphabet="$ {}A:-+?[]\"'\\<`#\n=/0", max_size=30),
        max_size=20,
    ).map(" ".join)
)
def test_no_text_breaks_the_parser(text: str) -> None:
    found = read_dockerfile("Dockerfile", text)
    assert found is None or found.path == "Dockerfile"
