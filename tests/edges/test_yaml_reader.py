"""The YAML reader's contract, held by the real reader (a child process) and by the plain one that other tests use."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edges import _yaml_child
from bot.edges.yaml_reader import ChildYamlReader, RememberingYamlReader
from bot.model.tree import Unread, YamlDocument
from bot.ports import YamlReader
from tests.daily import searched
from tests.survey.trees import PlainYamlReader

NAMES = "abcdefghi"
ALIAS_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in pairwise(NAMES)
)
HOSTILE = {
    "P03-alias-bomb": ALIAS_BOMB,
    "P03-alias-bomb-of-text": "a: &a " + "x" * 500_000 + "\nb: [" + "*a," * 9_000 + "*a]",
    "P03-merge-bomb": "a: &a {k: 1, l: 2}\nb: {<<: [" + "*a," * 20_000 + "*a]}",
    "P03-depth-3000": "[" * 3_000 + "]" * 3_000,
    "P03-depth-by-indent": "".join(" " * depth + "a:\n" for depth in range(400)),
    "P03-depth-by-alias": "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 80)),
    "P03-python-object": "x: !!python/object/apply:os.system ['id']",
    "P03-python-object-by-tag-prefix": "%TAG !e! tag:yaml.org,2002:python/\n---\nx: !e!name:os.system ''",
    "P03-complex-key": "? [a]\n: b",
    "P03-recursive-anchor": "&a [*a]",
    "P03-recursive-mapping": "a: &a {b: *a}",
    "P03-10000-documents": "---\na\n" * 10_000,
    "P03-too-many-values": "[" + "1," * 20_000 + "1]",
    "P03-flood-of-braces": "{" * 100_000,
    "P03-flood-of-question-marks": "? " * 50_000,
    "P03-unknown-alias": "a: *nowhere",
    "P03-merge-of-text": "<<: [a, b]",
    "P03-not-yaml": "a: b: c: [",
    "P03-tab": "a:\n\t- b",
    "P03-lone-surrogate": r'a: "\ud800"',
}
READERS = [pytest.param(ChildYamlReader(), id="child"), pytest.param(PlainYamlReader(), id="plain")]


@pytest.mark.parametrize("reader", READERS)
def test_hostile_files_cost_only_themselves(reader: YamlReader) -> None:
    files = {name: text.encode() for name, text in HOSTILE.items()} | {"good.yaml": b"a: 1"}
    started = time.monotonic()
    documents, unread = reader.read(files)
    assert time.monotonic() - started < 10
    assert documents.keys() == {"good.yaml"}
    assert {item.path for item in unread} == HOSTILE.keys()
    assert all(0 < len(item.reason) < 120 for item in unread)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_each_hostile_file_is_refused_with_a_reason(text: str) -> None:
    assert _yaml_child.verdict(text.encode()).keys() == {"reason"}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param("a: b".encode("utf-16"), "UTF-16", id="utf-16-bom"),
        pytest.param(b"a: \x00", "NUL", id="nul"),
        pytest.param("a: é".encode("latin-1"), "UTF-8", id="latin-1"),
        pytest.param(b"a: '" + b"x" * 1_100_000 + b"'", "1 MB", id="too-large"),
        pytest.param(b"a: {{ .Values.image }}", "Helm", id="P06-helm-template"),
        pytest.param(b"{{- if .Values.on }}\na: b\n{{- end }}", "Helm", id="P06-helm-condition"),
        pytest.param(b'a: {{ env "HOME" }}\nb: {{ .Files.Get "/etc/passwd" }}', "Helm", id="P06-helm-functions"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_words(reader: YamlReader, data: bytes, reason: str) -> None:
    documents, (unread,) = reader.read({"x.yaml": data})
    assert documents == {}
    assert unread.path == "x.yaml"
    assert reason in unread.reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("22:22", "22:22", id="no-sexagesimal"),
        pytest.param("no", "no", id="no-is-text"),
        pytest.param("on", "on", id="on-is-text"),
        pytest.param("2024-01-01", "2024-01-01", id="date-is-text"),
        pytest.param("2024-13-45", "2024-13-45", id="P03-impossible-date"),
        pytest.param("9" * 5_000, "9" * 5_000, id="P03-5000-digit-int"),
        pytest.param(str(2**63), str(2**63), id="more-than-64-bits"),
        pytest.param(str(2**63 - 1), 2**63 - 1, id="64-bits"),
        pytest.param("-12", -12, id="negative"),
        pytest.param("0x10", "0x10", id="hexadecimal-is-text"),
        pytest.param("0644", "0644", id="octal-is-text"),
        pytest.param("1_000", "1_000", id="underscore-is-text"),
        pytest.param("1.5", 1.5, id="float"),
        pytest.param("1e5", "1e5", id="exponent-is-text"),
        pytest.param(".nan", ".nan", id="nan-is-text"),
        pytest.param(".inf", ".inf", id="infinity-is-text"),
        pytest.param("1.0e999", "1.0e999", id="overflow-is-text"),
        pytest.param("true", True, id="true"),
        pytest.param("~", None, id="null"),
        pytest.param("'1'", "1", id="quoted"),
        pytest.param("!!str 1", "1", id="tagged-text"),
        pytest.param("!!int '1'", 1, id="tagged-number"),
        pytest.param("!reset null", None, id="local-tag"),
        pytest.param("!!binary aGk=", "aGk=", id="binary-is-text"),
        pytest.param("|\n  a\n  b", "a\nb", id="block"),
    ],
)
def test_scalars_stay_what_a_person_wrote(text: str, value: object) -> None:
    verdict = _yaml_child.verdict(f"x: {text}".encode())
    assert verdict["documents"][0][0] == {"x": value}


@pytest.mark.parametrize("reader", READERS)
def test_anchors_and_merge_keys_are_resolved_with_the_lines_of_their_source(reader: YamlReader) -> None:
    text = "x-a: &a\n  k: 1\n  l: 2\nservices:\n  web:\n    <<: *a\n    k: 3\n    ports:\n      - '22:22'\n80: x\n"
    documents, unread = reader.read({"compose.yaml": text.encode()})
    (document,) = documents["compose.yaml"]
    assert unread == ()
    assert document.value == {
        "x-a": {"k": 1, "l": 2},
        "services": {"web": {"k": 3, "ports": ["22:22"], "l": 2}},
        "80": "x",
    }
    assert document.lines["/services/web"] == 5
    assert document.lines["/services/web/ports/0"] == 9
    assert document.lines["/services/web/l"] == 3


@pytest.mark.parametrize("reader", READERS)
def test_pointers_are_escaped_and_a_byte_order_mark_is_skipped(reader: YamlReader) -> None:
    documents, _ = reader.read({"x.yaml": b"\xef\xbb\xbfa/b~c:\n  d: 1\n"})
    assert documents["x.yaml"][0].lines == {"": 1, "/a~1b~0c": 1, "/a~1b~0c/d": 2}


def test_more_than_10_mb_in_all_is_cut_at_a_file() -> None:
    files = {f"{number:02}.yaml": b"a: '" + b"x" * 1_000_000 + b"'" for number in range(12)}
    documents, unread = ChildYamlReader().read(files)
    assert len(documents) == 10
    assert {item.reason for item in unread} == {"more than 10 MB of YAML in all"}


CHILD_THAT_DIES = """
import json, os, sys, time
while header := sys.stdin.buffer.readline():
    data = sys.stdin.buffer.read(json.loads(header)["size"])
    if b"kill" in data: os.kill(os.getpid(), 9)
    if b"exit" in data: os._exit(1)
    if b"sleep" in data: time.sleep(60)
    print(json.dumps({"documents": [["ok", {}]]}), flush=True)
"""


def test_a_file_that_kills_the_child_leaves_the_others_readable(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD_THAT_DIES)
    files = {"1": b"fine", "2": b"kill", "3": b"fine", "4": b"exit", "5": b"fine"}
    documents, unread = ChildYamlReader(child=child).read(files)
    assert documents.keys() == {"1", "3", "5"}
    assert [item.path for item in unread] == ["2", "4"]


def test_time_is_bounded(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD_THAT_DIES)
    started = time.monotonic()
    documents, unread = ChildYamlReader(child=child, wall_seconds=1.0).read({"1": b"fine", "2": b"sleep", "3": b"fine"})
    assert time.monotonic() - started < 5
    assert documents.keys() == {"1"}
    assert [item.path for item in unread] == ["2", "3"]


def test_the_number_of_children_is_bounded(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD_THAT_DIES)
    documents, unread = ChildYamlReader(child=child).read({str(number): b"kill" for number in range(12)})
    assert documents == {}
    assert len(unread) == 12


WAITING_CHILD = """
import json, os, sys
open("PLACE", "a").write(f"{os.getpid()}\\n")
while header := sys.stdin.buffer.readline():
    data = sys.stdin.buffer.read(json.loads(header)["size"])
    print(json.dumps({"documents": [[data.decode(), {}]]}), flush=True)
"""


def waiting_child(tmp_path: Path) -> tuple[Path, Path]:
    child, place = tmp_path / "child.py", tmp_path / "children"
    child.write_text(WAITING_CHILD.replace("PLACE", str(place)))
    return child, place


def born(place: Path) -> list[int]:
    """The process ids of all children, once there is one."""
    until = time.monotonic() + 5
    while not place.exists() or not place.read_text().endswith("\n"):
        assert time.monotonic() < until
        time.sleep(0.005)
    return [int(line) for line in place.read_text().splitlines()]


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_warm_reader_starts_its_child_before_there_is_work_and_uses_it_once(tmp_path: Path) -> None:
    child, place = waiting_child(tmp_path)
    with ChildYamlReader(child=child).warm() as reader:
        (early,) = born(place)
        assert reader.read({"1": b"a", "2": b"b"})[0].keys() == {"1", "2"}
        assert born(place) == [early]
        assert gone(early)
        assert reader.read({"3": b"c"})[0].keys() == {"3"}
    assert len(born(place)) == 2
    assert all(map(gone, born(place)))


@pytest.mark.parametrize("failure", [None, ValueError, KeyboardInterrupt])
def test_a_child_that_nobody_asked_ends_with_the_block(tmp_path: Path, failure: type[BaseException] | None) -> None:
    child, place = waiting_child(tmp_path)
    with contextlib.suppress(ValueError, KeyboardInterrupt), ChildYamlReader(child=child).warm():
        (early,) = born(place)
        if failure is not None:
            raise failure
    assert gone(early)


def test_a_child_that_never_stops_talking_is_cut(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text("import sys\nwhile True: sys.stdout.write('x' * 1_000_000)\n")
    started = time.monotonic()
    documents, unread = ChildYamlReader(child=child).read({"1": b"a"})
    assert time.monotonic() - started < 10
    assert documents == {}
    assert [item.path for item in unread] == ["1"]


@searched(150, deadline=2_000)
@given(st.text(alphabet="ab:-?[]{}&*!|><'\"#%@, \n\t<0.9~", max_size=300) | st.binary(max_size=200))
def test_a_verdict_is_always_plain_json(source: str | bytes) -> None:
    data = source if isinstance(source, bytes) else source.encode()
    verdict = _yaml_child.verdict(data)
    assert json.loads(json.dumps(verdict, allow_nan=False)).keys() <= {"documents", "reason"}


class _Counting(ChildYamlReader):
    """The real reader, with its starts counted."""

    reads = 0

    def read(self, files: Mapping[str, bytes]) -> tuple[dict[str, tuple[YamlDocument, ...]], tuple[Unread, ...]]:
        type(self).reads += 1
        return super().read(files)


def test_a_small_file_is_parsed_once_and_a_broken_one_every_time() -> None:
    reader, before = RememberingYamlReader(_Counting()), _Counting.reads
    first = reader.read({"a.yaml": b"x: 1\n"})
    again = reader.read({"b.yaml": b"x: 1\n"})
    assert first[0]["a.yaml"] == again[0]["b.yaml"]
    assert _Counting.reads - before == 1
    for _ in range(2):
        assert reader.read({"c.yaml": b"x: [\n"})[1]
    assert _Counting.reads - before == 3
