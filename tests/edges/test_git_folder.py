"""A folder is read as it lies on disk, and nothing outside it."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edges.git import GitLimits, GitRepos
from bot.edges.git.folder import read_beneath
from bot.edges.git.links import MAX_HOPS, Links
from bot.edges.git.listing import Incoming, Listing
from bot.edges.git.texts import decode
from bot.errors import Code, Refused
from bot.model.command import FolderTarget
from bot.model.tree import Tree
from tests.edges.git_fixtures import PlainYaml, survey_set


def read(folder: Path, *, limits: GitLimits | None = None) -> Tree:
    repos = GitRepos(select=survey_set, yaml=PlainYaml(), limits=limits or GitLimits(), git="/nonexistent/git")
    return repos.read(FolderTarget(folder=str(folder)))


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        place = folder / name.replace("__", "/").replace("_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_a_plain_folder_is_read_and_no_git_is_needed(tmp_path: Path) -> None:
    tree = read(
        write(tmp_path / "shop", Dockerfile="FROM scratch\n", src__compose_yaml="a: 1\n", src__x_go="package x")
    )
    assert (tree.name, tree.ref, tree.commit, tree.part) == ("shop", None, None, "")
    assert tree.paths == ("Dockerfile", "src/compose.yaml", "src/x.go")
    assert tree.texts == {"Dockerfile": "FROM scratch\n", "src/compose.yaml": "a: 1\n"}
    assert set(tree.yaml) == {"src/compose.yaml"}


@pytest.mark.parametrize("skipped", [".git", "node_modules", "vendor", ".venv"])
def test_folders_of_other_people_are_skipped(tmp_path: Path, skipped: str) -> None:
    write(tmp_path, Dockerfile="FROM scratch\n")
    (tmp_path / "a" / skipped).mkdir(parents=True)
    (tmp_path / "a" / skipped / "Dockerfile").write_text("FROM other\n")
    assert read(tmp_path).paths == ("Dockerfile",)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        pytest.param("Dockerfile", "../secret/canary", id="R10-Dockerfile-to-canary"),
        pytest.param("Dockerfile", "ABSOLUTE", id="R10-absolute"),
        pytest.param("k8s", "../secret", id="R10-dir-symlink"),
        pytest.param("Dockerfile", "Dockerfile", id="R10-symlink-loop"),
        pytest.param("Dockerfile", "inside/../../secret/canary", id="R10-dots"),
    ],
)
def test_the_canary_outside_is_nowhere(tmp_path: Path, link: str, target: str) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "canary").write_text("CANARY")
    (tmp_path / "secret" / "Dockerfile").write_text("CANARY")
    root = write(tmp_path / "shop", README_md="hello\n", inside__a_go="package a\n")
    (root / link).symlink_to(target.replace("ABSOLUTE", str(tmp_path / "secret" / "canary")))
    tree = read(root)
    assert "CANARY" not in tree.model_dump_json()
    assert link not in tree.paths
    assert any(note.path == link for note in tree.unread)


@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
def test_a_link_inside_the_folder_is_resolved(tmp_path: Path, *, absolute: bool) -> None:
    root = write(tmp_path / "shop", docker__Dockerfile_debian="FROM debian\n")
    (root / "src").mkdir()
    (root / "src" / "Dockerfile").symlink_to(
        root.resolve() / "docker/Dockerfile.debian" if absolute else "../docker/Dockerfile.debian"
    )
    assert read(root).texts == {"src/Dockerfile": "FROM debian\n"}


def test_pipes_and_sockets_are_noted_and_never_opened(tmp_path: Path) -> None:
    write(tmp_path, README_md="hello\n")
    os.mkfifo(tmp_path / "Dockerfile")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "compose.yaml"))
        tree = read(tmp_path)
    assert set(tree.texts) == {"README.md"}
    assert {note.path for note in tree.unread} == {"Dockerfile", "compose.yaml"}


def test_read_beneath_refuses_links_on_the_way_and_special_files(tmp_path: Path) -> None:
    write(tmp_path / "root", a__b="text")
    (tmp_path / "root" / "link").symlink_to("a")
    os.mkfifo(tmp_path / "root" / "pipe")
    root = tmp_path / "root"
    assert read_beneath(root, "a/b", limit=10) == b"text"
    assert read_beneath(root, "a/b", limit=3) is None
    for path in ("link/b", "pipe", "a", "missing"):
        with pytest.raises(OSError, match=r"."):
            read_beneath(root, path, limit=10)


@pytest.mark.parametrize("folder", ["/nonexistent/x", "~nobody-here/x", "a\0b", __file__])
def test_no_folder_is_refused(folder: str) -> None:
    repos = GitRepos(select=survey_set, yaml=PlainYaml())
    with pytest.raises(Refused) as stop:
        repos.read(FolderTarget(folder=folder))
    assert stop.value.refusal.code == Code.REPO_URL


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as stop:
        read(tmp_path)
    assert stop.value.refusal.code == Code.REPO_EMPTY


def test_names_that_are_not_utf8_are_noted(tmp_path: Path) -> None:
    write(tmp_path, README_md="hello\n")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.yaml")).write_text("a: 1\n")
    tree = read(tmp_path)
    assert tree.paths == ("README.md",)
    assert len(tree.unread) == 1


@pytest.mark.parametrize(
    ("raw", "text", "note"),
    [
        pytest.param(b"caf\xc3\xa9", "caf\u00e9", None, id="utf-8"),
        pytest.param(b"\xef\xbb\xbfa: 1", "a: 1", None, id="byte-order-mark"),
        pytest.param(b"caf\xe9", "caf\u00e9", "not UTF-8", id="latin-1"),
        pytest.param("a: 1".encode("utf-16"), "a: 1", None, id="utf-16"),
        pytest.param(b"a\0:\0", None, "binary", id="utf-16-without-mark"),
        pytest.param(b"\xff\xfe\0", None, "broken UTF-16", id="broken-utf-16"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\noid x", None, "LFS", id="R09-LFS-pointer"),
        pytest.param(b"", "", None, id="empty"),
    ],
)
def test_bytes_become_text_or_a_reason(raw: bytes, text: str | None, note: str | None) -> None:
    got, why = decode(raw)
    assert got == text
    assert (why is None) == (note is None)
    assert note is None or note in (why or "")


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_have_a_reason(raw: bytes) -> None:
    text, note = decode(raw)
    assert (text is not None) or note
    assert "\0" not in (text or "")


WORDS = st.sampled_from(["a", "b", "..", ".", "", "Dockerfile", "x"])
PATHS = st.lists(WORDS, min_size=1, max_size=5).map("/".join)


@given(st.dictionaries(PATHS, PATHS, max_size=8), PATHS)
def test_a_resolved_link_is_always_a_file_of_the_tree(targets: dict[str, str], path: str) -> None:
    files = {"a/Dockerfile", "Dockerfile", "b/x"}
    found = Links(files, targets).resolve(path)
    assert found.path in files if found.path is not None else found.reason


def test_a_chain_of_the_greatest_length_still_resolves() -> None:
    targets = {f"l{n}": f"l{n + 1}" for n in range(MAX_HOPS)}
    assert Links({f"l{MAX_HOPS}"}, targets).resolve("l0").path == f"l{MAX_HOPS}"
    assert Links({f"l{MAX_HOPS}"}, {**targets, "start": "l0"}).resolve("start").path is None


def listing(raw: bytes, *, step: int = 1 << 16, entries: int = 1000) -> Listing:
    incoming = Incoming()
    for at in range(0, len(raw), step):
        incoming.take(raw[at : at + step])
    return incoming.listing(part="", entries=entries)


@pytest.mark.parametrize("step", [1, 7, 60, 64, 1000])
def test_a_listing_is_the_same_wherever_git_pauses(step: int) -> None:
    names = ["caf\u00e9.yaml", "src/main.go", "x" * 200, "\U0001f600/a"]
    raw = b"".join(b"100644 blob " + b"%040d" % at + b"\t" + name.encode() + b"\0" for at, name in enumerate(names))
    found = listing(raw, step=step)
    assert dict(found.files) == {name: f"{at:040}" for at, name in enumerate(names)}
    assert found.unread == ()


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw), max_size=20))
def test_a_listing_never_holds_an_unclean_path(names: list[bytes]) -> None:
    raw = b"".join(b"100644 blob " + b"0" * 40 + b"\t" + name + b"\0" for name in names)
    found = listing(raw)
    for path in found.paths:
        assert path.isprintable() or not path.isascii()
        assert not {"", ".", ".."} & set(path.split("/"))
    assert len(found.unread) + len(found.files) >= len(set(names))
