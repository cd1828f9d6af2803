"""The address of a repository: strict, and silent about what may be secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal
from bot.handlers.repo_url import parse_repo_url
from bot.model.command import RepoTarget

HOSTS = ("github.com", "git.example.org")


def parse(text: str) -> RepoTarget | Refusal:
    return parse_repo_url(text, hosts=HOSTS)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://github.com/a/b", RepoTarget(host="github.com", owner="a", name="b")),
        ("https://github.com/a/b.git", RepoTarget(host="github.com", owner="a", name="b")),
        ("https://github.com:443/a/b/", RepoTarget(host="github.com", owner="a", name="b")),
        ("https://git.example.org/A-1/b_.c", RepoTarget(host="git.example.org", owner="A-1", name="b_.c")),
        (
            "https://github.com/a/b/tree/main/src/cart",
            RepoTarget(host="github.com", owner="a", name="b", tree=("main", "src", "cart")),
        ),
        (
            "https://github.com/a/b/tree/feature/x/my%20dir/",
            RepoTarget(host="github.com", owner="a", name="b", tree=("feature", "x", "my dir")),
        ),
    ],
    ids=["plain", "dot-git", "port-443", "other-host", "tree", "tree-decoded"],
)
def test_right_addresses(text: str, target: RepoTarget) -> None:
    assert parse(text) == target


BAD_URLS = [
    "", " ", "file:///etc", "file://localhost/etc", "/srv/git/x", "../x", "./x", "ssh://git@github.com/a/b", "git://github.com/a/b",
    "git@github.com:a/b.git", "ext::sh -c id", "http://github.com/a/b", "ftp://github.com/a/b", "https:/github.com/a/b",
    "https://github.com", "https://github.com/a", "https:///a/b", "https://github.com/a/b.git.git", "https://github.com/a/b/c", "https://github.com/a/b/blob/main/x",
    "https://github.com/../b", "https://github.com/a/..", "https://github.com//b", "https://github.com/a/b/tree/",
    "https://github.com/a/b/tree/../x", "https://github.com/a/b/tree/main/%2e%2e/x", "https://github.com/a/b/tree/main/a%2Fb",
    "https://github.com/a/b/tree/main/%00", "https://github.com/a/b/tree/-x", "https://github.com/a/b\\c", "https://github.com/a b/c",
    "https://github.com/a/b\n", "javascript:alert(1)", "-oProxyCommand=id", "--upload-pack=id", "--upl=id",
    "https://github.com/-a/b", "https://github.com/a/b/tree/main/%ff", "https://" + "a" * 3000, "fd::17/foo", "data:,x",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_URLS, ids=[f"R01-{text[:40]!r}" for text in BAD_URLS])
def test_everything_that_is_no_https_repository(text: str) -> None:
    refusal = parse(text)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "repo-url"
    assert "https://" in refusal.remedy


BAD_HOSTS = [
    "127.0.0.1", "localhost", "2130706433", "0x7f000001", "017700000001", "0", "127.1", "[::1]", "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "172.16.0.1", "metadata.google.internal",
    "github.com.", "github.com:22", "github.com:8443", "github.com:0443", "github.com:", "github.com.evil.example", "evil.example",
    "gíthub.com", "xn--gthub-cta.com", "github。com", "[fe80::1%25eth0]", "0.0.0.0", "127.0.0.1.nip.io", "githubxcom",
]  # fmt: skip


@pytest.mark.parametrize("host", BAD_HOSTS, ids=[f"R03-{host}" for host in BAD_HOSTS])
def test_every_other_host_is_refused(host: str) -> None:
    refusal = parse(f"https://{host}/a/b")
    assert isinstance(refusal, Refusal)
    assert refusal.code in {"repo-host", "repo-url"}
    if host.isascii() and "%" not in host:
        assert refusal.code == "repo-host"
        assert "github.com" in refusal.remedy


@pytest.mark.parametrize(
    "text",
    [
        "https://user:CANARY@github.com/a/b", "https://CANARY@github.com/a/b", "https://github.com/a/b?token=CANARY",
        "https://github.com/a/b#CANARY", "https://github.com@CANARY.example/a/b", "http://x:CANARY@github.com/a/b",
        "ssh://CANARY@github.com/a/b", "https://github.com/a/b/tree/main?x=CANARY", "https://user:CANARY%40github.com/a/b",
        "https://user:CANARY\uff20github.com/a/b", "https://127.0.0.1\\@CANARY/a/b", "https://github.com/a/b;token=CANARY",
    ],
    ids=["R06-password", "R06-user", "R06-query", "R06-fragment", "R06-at-host", "R06-http", "R06-ssh", "R06-tree-query", "R06-encoded-at",
         "R06-fullwidth-at", "R06-backslash", "R06-parameter"],
)  # fmt: skip
def test_what_may_be_secret_is_not_repeated(text: str) -> None:
    refusal = parse(text)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "repo-url"
    assert "CANARY" not in refusal.model_dump_json()


@pytest.mark.parametrize(
    "text", ["https://user:CANARY/a/b", "https://github.com:CANARY/a/b"], ids=["R06-port", "R06-port-of-host"]
)
def test_a_port_is_not_repeated(text: str) -> None:
    refusal = parse(text)
    assert isinstance(refusal, Refusal)
    assert "CANARY" not in refusal.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        "https://127.0.0.1", "https://[::1]/", "https://localhost/a", "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "https://0/", "https://2130706433:443/a", "https://evil.example/a/b/c/d", "https://github.com:22", "https://[::ffff:7f00:1]:443/a/b",
    ],
    ids=lambda text: f"R03-host-first-{text}",
)  # fmt: skip
def test_a_wrong_host_is_named_before_a_wrong_path(text: str) -> None:
    refusal = parse(text)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "repo-host"


def test_owners_of_managed_accounts() -> None:
    assert parse("https://github.com/mona_octo/b") == RepoTarget(host="github.com", owner="mona_octo", name="b")


@given(st.text(max_size=120))
def test_any_text_is_a_target_on_an_allowed_host_or_a_refusal(text: str) -> None:
    for candidate in (text, f"https://{text}", f"https://github.com/{text}", f"https://github.com/a/b/tree/{text}"):
        result = parse(candidate)
        if isinstance(result, RepoTarget):
            assert result.host in HOSTS
            assert ".." not in result.tree
