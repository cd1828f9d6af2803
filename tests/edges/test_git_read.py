"""Reading a repository over HTTP: what is read, in how many exchanges, and what is left alone."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.edges.git import GitLimits, Remote
from bot.errors import Code, Refused
from bot.model.command import RepoTarget
from bot.model.tree import Link
from tests.edges.git_fixtures import (
    TARGET,
    PlainYaml,
    add_entry,
    add_oid,
    commit,
    head,
    reader,
    repository,
    served,
)
from tests.git_server import git_host, run_git

SHOP = {
    "Dockerfile": "FROM scratch\n",
    "compose.yaml": "services: {}\n",
    "src/cart/Dockerfile": "FROM golang\n",
    "src/cart/main.go": "package main\n",
    "assets/logo.bin": b"\0\1\2" * 500,
}


def at(*words: str) -> RepoTarget:
    return TARGET.model_copy(update={"tree": words})


def test_reads_the_survey_set_in_three_exchanges_and_leaves_nothing_on_disk(tmp_path: Path) -> None:
    folder = repository(tmp_path, SHOP)
    with served(tmp_path) as (repos, host):
        tree = repos.read(TARGET)
    assert tree.name == "shop"
    assert (tree.ref, tree.commit, tree.part) == ("main", head(folder), "")
    assert set(tree.texts) == {"Dockerfile", "compose.yaml", "src/cart/Dockerfile"}
    assert tree.paths == tuple(sorted(SHOP))
    assert tree.unread == ()
    assert len(host.requests) <= 6
    assert list((tmp_path / "work").iterdir()) == []


def test_only_wanted_blobs_travel(tmp_path: Path) -> None:
    repository(tmp_path, {**SHOP, "assets/movie.bin": bytes(range(256)) * 40_000})
    with served(tmp_path, limits=GitLimits(seconds=10, blob_pack_bytes=100_000, tree_pack_bytes=100_000)) as (repos, _):
        assert repos.read(TARGET).texts["Dockerfile"] == "FROM scratch\n"


def test_yaml_files_go_to_the_reader_in_one_call(tmp_path: Path) -> None:
    repository(tmp_path, SHOP)
    yaml = PlainYaml()
    with git_host(tmp_path) as host:
        tree = reader(host, tmp_path / "work", yaml=yaml).read(TARGET)
    assert yaml.files == {"compose.yaml": b"services: {}\n"}
    assert set(tree.yaml) == {"compose.yaml"}


@pytest.mark.parametrize(
    ("words", "ref", "part"),
    [
        pytest.param((), "main", "", id="default-branch"),
        pytest.param(("main",), "main", "", id="branch"),
        pytest.param(("main", "src", "cart"), "main", "src/cart", id="branch-and-path"),
        pytest.param(("feature", "new", "cart"), "feature/new/cart", "", id="branch-with-slashes"),
        pytest.param(("feature", "new", "cart", "src"), "feature/new/cart", "src", id="branch-with-slashes-and-path"),
        pytest.param(("release", "src"), "release", "src", id="tag-and-path"),
    ],
)
def test_ref_and_path_are_divided_by_the_refs_of_the_remote(
    tmp_path: Path, words: tuple[str, ...], ref: str, part: str
) -> None:
    folder = repository(tmp_path, SHOP, branches=["feature/new/cart", "feature/newer"])
    run_git("tag", "-a", "-m", "one", "release", cwd=folder)
    with served(tmp_path) as (repos, _):
        tree = repos.read(at(*words))
    assert (tree.ref, tree.part, tree.commit) == (ref, part, head(folder))


def test_the_longest_ref_wins(tmp_path: Path) -> None:
    folder = repository(tmp_path, SHOP)
    run_git("tag", "release/src", cwd=folder)
    run_git("branch", "release", cwd=folder)
    with served(tmp_path) as (repos, _):
        assert repos.read(at("release", "src")).part == ""
        assert repos.read(at("release", "src", "src")).part == "src"


def test_a_full_commit_is_read_even_when_no_branch_ends_there(tmp_path: Path) -> None:
    folder = repository(tmp_path, SHOP)
    first = head(folder)
    (folder / "Dockerfile").write_text("FROM later\n")
    run_git("add", "-A", cwd=folder)
    commit(folder)
    with served(tmp_path) as (repos, _):
        tree = repos.read(at(first, "src", "cart"))
    assert (tree.commit, tree.ref, tree.part) == (first, None, "src/cart")
    assert tree.texts["src/cart/Dockerfile"] == "FROM golang\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("nowhere",), Code.REPO_URL, id="unknown-branch"),
        pytest.param(("--upload-pack=touch x",), Code.REPO_URL, id="option-as-branch"),
        pytest.param(("ma*",), Code.REPO_URL, id="pattern-as-branch"),
        pytest.param(("main", "..", "x"), Code.REPO_URL, id="upwards"),
        pytest.param(("0" * 40,), Code.REPO_URL, id="unknown-commit"),
        pytest.param(("main", "src", "cars"), Code.REPO_EMPTY, id="no-such-folder"),
        pytest.param(("main", "Dockerfile"), Code.REPO_EMPTY, id="a-file-is-no-folder"),
    ],
)
def test_unknown_refs_and_folders_are_refused(tmp_path: Path, words: tuple[str, ...], code: Code) -> None:
    repository(tmp_path, SHOP)
    with served(tmp_path) as (repos, _), pytest.raises(Refused) as refused:
        repos.read(at(*words))
    assert refused.value.refusal.code == code
    assert list((tmp_path / "work").iterdir()) == []


def test_an_unknown_folder_names_the_nearest(tmp_path: Path) -> None:
    repository(tmp_path, SHOP)
    with served(tmp_path) as (repos, _), pytest.raises(Refused, match="nearest folders are src/cart"):
        repos.read(at("main", "src", "cars"))


def test_an_empty_repository_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "org" / "shop.git"
    folder.mkdir(parents=True)
    run_git("init", "-q", "-b", "main", ".", cwd=folder)
    with served(tmp_path) as (repos, _), pytest.raises(Refused) as refused:
        repos.read(TARGET)
    assert refused.value.refusal.code == Code.REPO_EMPTY


def test_without_filter_support_everything_is_read_in_one_pack(tmp_path: Path) -> None:
    folder = repository(tmp_path, SHOP)
    run_git("config", "uploadpack.allowFilter", "false", cwd=folder)
    with served(tmp_path) as (repos, host):
        assert repos.read(TARGET).texts["Dockerfile"] == "FROM scratch\n"
    assert sum("POST" in line for line in host.requests) == 2


@pytest.mark.parametrize("gone", ["Dockerfile", "compose.yaml"])
def test_a_blob_that_the_remote_lacks_is_noted_and_the_rest_is_read(tmp_path: Path, gone: str) -> None:
    folder = repository(tmp_path, SHOP)
    oid = run_git("rev-parse", f"HEAD:{gone}", cwd=folder).decode().strip()
    (folder / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    with served(tmp_path) as (repos, _):
        tree = repos.read(TARGET)
    assert gone not in tree.texts
    assert "src/cart/Dockerfile" in tree.texts
    assert [note.path for note in tree.unread] == [gone]


def test_the_authorization_header_is_sent_and_stands_in_no_file_or_argument(tmp_path: Path) -> None:
    repository(tmp_path, SHOP)
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {tmp_path}/arguments\nexec git "$@"\n')
    spy.chmod(0o755)
    with git_host(tmp_path, "private") as host:
        host.token = "Basic CANARY"
        plain = reader(host, tmp_path / "work")
        remote = Remote(url=f"{host.url}/org/shop.git", protocol="http", authorization=SecretStr("Basic CANARY"))
        tree = type(plain)(
            select=plain.select, yaml=plain.yaml, locate=lambda _: remote, workdir=plain.workdir, git=str(spy)
        ).read(TARGET)
    assert "Dockerfile" in tree.texts
    assert set(host.authorizations) == {"Basic CANARY"}
    assert "clone" in (tmp_path / "arguments").read_text()
    assert "CANARY" not in (tmp_path / "arguments").read_text() + repr(remote)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param(b"../../etc/hostname", "out of the tree", id="R10-Dockerfile-to-canary"),
        pytest.param(b"/etc/hostname", "out of the tree", id="R10-absolute"),
        pytest.param(b"src", "folder or to nothing", id="R10-dir-symlink"),
        pytest.param(b"Dockerfile", "loop", id="R10-symlink-loop"),
        pytest.param(b"x" * 1_000_000, "not readable", id="R10-1-MB-target"),
        pytest.param(b"a\0b", "not readable", id="R10-NUL-in-target"),
    ],
)
def test_links_out_of_the_tree_are_skipped_with_a_note(tmp_path: Path, target: bytes, reason: str) -> None:
    folder = repository(tmp_path, {"src/main.go": "package main\n", "README.md": "hello\n"})
    add_entry(folder, "120000", "Dockerfile", target)
    commit(folder)
    canary = Path("/etc/hostname").read_text() if Path("/etc/hostname").exists() else "no-canary"
    with served(tmp_path) as (repos, _):
        tree = repos.read(TARGET)
    assert "Dockerfile" not in tree.texts
    assert "Dockerfile" not in tree.paths
    assert any(note.path == "Dockerfile" and reason in note.reason for note in tree.unread)
    assert [link.path for link in tree.links] == ["Dockerfile"]
    assert canary.strip() not in tree.texts.values()


@pytest.mark.parametrize(
    ("links", "ends"),
    [
        pytest.param({"Dockerfile": "docker/Dockerfile.debian"}, True, id="direct"),
        pytest.param({"Dockerfile": "one", "one": "docker/two", "docker/two": "Dockerfile.debian"}, True, id="chain"),
        pytest.param({"Dockerfile": "here/Dockerfile.debian", "here": "docker"}, True, id="through-a-linked-folder"),
        pytest.param({"Dockerfile": "x/../docker/./Dockerfile.debian", "x": "src"}, True, id="dots"),
        pytest.param(
            {"Dockerfile": "l1", **{f"l{n}": f"l{n + 1}" for n in range(1, 6)}, "l6": "docker/Dockerfile.debian"},
            False,
            id="too-long-a-chain",
        ),
    ],
)
def test_links_inside_the_tree_are_resolved(tmp_path: Path, links: dict[str, str], *, ends: bool) -> None:
    folder = repository(tmp_path, {"docker/Dockerfile.debian": "FROM debian\n", "src/a.go": "package a\n"})
    for path, target in links.items():
        add_entry(folder, "120000", path, target.encode())
    commit(folder)
    with served(tmp_path) as (repos, _):
        tree = repos.read(TARGET)
    assert tree.texts.get("Dockerfile") == ("FROM debian\n" if ends else None)
    assert Link(path="Dockerfile", kind="symlink", target=links["Dockerfile"]) in tree.links


@pytest.mark.parametrize(
    "address",
    ["file:///etc", "TRAP/org/internal.git", "ext::sh -c touch% owned"],
    ids=["R09-file", "R09-http", "R09-ext"],
)
def test_submodules_are_noted_and_never_followed(tmp_path: Path, address: str) -> None:
    folder = repository(tmp_path, SHOP)
    with git_host(tmp_path) as trap, served(tmp_path) as (repos, _):
        url = address.replace("TRAP", trap.url)
        (folder / ".gitmodules").write_text(f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n')
        run_git("add", ".gitmodules", cwd=folder)
        add_oid(folder, "160000", "lib", "1" * 40)
        commit(folder)
        tree = repos.read(TARGET)
    assert trap.requests == []
    assert Link(path="lib", kind="submodule") in tree.links
    assert any(note.path == "lib" and "submodule" in note.reason for note in tree.unread)


HOOK = "#!/bin/sh\ntouch owned\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"


@pytest.mark.parametrize("folders", [(".GIT", "git~1")], ids=["R09-lfs-filter-hooks-git-folders"])
def test_lfs_filters_hooks_and_git_folders_in_the_tree_do_nothing(tmp_path: Path, folders: tuple[str, ...]) -> None:
    folder = repository(tmp_path, {**SHOP, ".gitattributes": "* filter=evil\n", "README.md": LFS})
    with git_host(tmp_path) as trap, served(tmp_path) as (repos, _):
        add_entry(folder, "100644", ".lfsconfig", f"[lfs]\n\turl = {trap.url}\n".encode())
        add_entry(folder, "100755", "hooks/post-checkout", HOOK.encode())
        commit(folder)
        add_folders(folder, *folders)
        tree = repos.read(TARGET)
    assert trap.requests == []
    assert any(note.path == "README.md" and "LFS" in note.reason for note in tree.unread)
    assert "README.md" not in tree.texts
    assert "Dockerfile" in tree.texts
    assert not list(tmp_path.rglob("owned"))


def add_folders(folder: Path, *names: str) -> None:
    """A commit whose tree holds folders that git itself would refuse to add."""
    blob = run_git("hash-object", "-w", "--stdin", cwd=folder, stdin=HOOK.encode()).decode().strip()
    inner = run_git("mktree", cwd=folder, stdin=f"100644 blob {blob}\tconfig\n".encode()).decode().strip()
    replace_tree(folder, b"".join(f"040000 tree {inner}\t{name}\0".encode() for name in names))


def replace_tree(folder: Path, more: bytes) -> None:
    listed = run_git("ls-tree", "-z", "HEAD", cwd=folder)
    whole = run_git("mktree", "-z", cwd=folder, stdin=listed + more).decode().strip()
    new = run_git("commit-tree", "-m", "odd", whole, cwd=folder).decode().strip()
    run_git("update-ref", "HEAD", new, cwd=folder)


@pytest.mark.parametrize(
    "name",
    [b"Dock\nerfile.yaml", b"caf\xe9.yaml", b"x" * 250 + b"\x1b.yaml", b"tab\there.yaml"],
    ids=["newline", "latin-1", "escape", "tab"],
)
def test_odd_path_names_are_skipped_with_a_printable_note(tmp_path: Path, name: bytes) -> None:
    folder = repository(tmp_path, SHOP)
    blob = run_git("hash-object", "-w", "--stdin", cwd=folder, stdin=b"a: 1\n").decode().strip()
    replace_tree(folder, f"100644 blob {blob}\t".encode() + name + b"\0")
    with served(tmp_path) as (repos, _):
        tree = repos.read(TARGET)
    assert tree.paths == tuple(sorted(SHOP))
    assert len(tree.unread) == 1
    assert tree.unread[0].path.isprintable()
