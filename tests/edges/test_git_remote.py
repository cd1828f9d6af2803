"""Which places are public, and that git is never started for the others."""

import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edges.git import GitRepos, Remote, public_remote
from bot.edges.git.environment import environment
from bot.edges.git.failures import kind_of
from bot.edges.git.remote import is_public
from bot.emulators.certificate import self_signed
from bot.errors import Code, Refused, Unavailable
from bot.model.command import RepoTarget
from tests.edges.git_fixtures import TARGET, PlainYaml, repository, survey_set
from tests.git_server import git_host

PUBLIC = "140.82.112.3"


def recorder(tmp_path: Path) -> tuple[str, Path]:
    """A git that only leaves a mark."""
    mark = tmp_path / "git-was-started"
    program = tmp_path / "recorder"
    program.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    program.chmod(0o755)
    return str(program), mark


def read(tmp_path: Path, target: RepoTarget, addresses: tuple[str, ...]) -> tuple[Refused | Unavailable, bool]:
    program, mark = recorder(tmp_path)
    repos = GitRepos(
        select=survey_set,
        yaml=PlainYaml(),
        locate=lambda wanted: public_remote(wanted, lambda _host: addresses),
        workdir=tmp_path,
        git=program,
        pause=lambda _: None,
    )
    with pytest.raises((Refused, Unavailable)) as stop:
        repos.read(target)
    return stop.value, mark.exists()


def test_the_recorder_works(tmp_path: Path) -> None:
    assert read(tmp_path, TARGET, (PUBLIC,))[1]


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(host, id=f"R03-{host or 'empty'}")
        for host in (
            "127.0.0.1", "2130706433", "0x7f000001", "127.1", "017700000001", "0", "[::1]", "::1",
            "[::ffff:127.0.0.1]", "localhost", "github.com.", "github.com:22", "gith\u00fcb.com", "a b.com",
            "github.com@evil.example", "-oProxyCommand=x.com", "", "0x7f.0.0.1", "127.0.0.0x1", "x.com/y", "x..com",
        )
    ],
)  # fmt: skip
def test_a_host_that_is_no_name_is_refused_before_any_lookup(tmp_path: Path, host: str) -> None:
    stop, started = read(tmp_path, TARGET.model_copy(update={"host": host}), (PUBLIC,))
    assert stop.refusal.code == Code.REPO_HOST
    assert not started


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(address, id=f"R03-{address}")
        for address in (
            "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
            str(ip_address(0)), "255.255.255.255", "224.0.1.1", "198.18.0.1",
            "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
            "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
            "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::1", "ff0e::1", "2001:db8::1", "nonsense",
        )
    ],
)  # fmt: skip
def test_a_name_with_one_address_that_is_not_public_is_refused(tmp_path: Path, address: str) -> None:
    for addresses in ((address,), (PUBLIC, address), ()):
        stop, started = read(tmp_path, TARGET, addresses)
        assert stop.refusal.code == Code.REPO_HOST
        assert not started
        assert address not in stop.refusal.message


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param("..", "x", id="R01-parent"),
        pytest.param("org", "../x", id="R01-path"),
        pytest.param("org", "x y", id="R01-space"),
        pytest.param("-u", "x", id="R01-option"),
        pytest.param("org", "--upload-pack=touch", id="R01-upload-pack"),
        pytest.param("org", "ext::sh", id="R01-ext"),
        pytest.param("user:CANARY@x", "y", id="R06-credential"),
        pytest.param("org", "x?token=CANARY", id="R06-query"),
        pytest.param("org", "", id="R01-empty"),
    ],
)
def test_odd_owners_and_names_never_start_git(tmp_path: Path, owner: str, name: str) -> None:
    target = TARGET.model_copy(update={"owner": owner, "name": name})
    stop, started = read(tmp_path, target, (PUBLIC,))
    assert stop.refusal.code == Code.REPO_URL
    assert not started
    assert "CANARY" not in stop.refusal.message + stop.refusal.remedy


def test_an_unknown_name_is_an_outage() -> None:
    def nothing(_host: str) -> tuple[str, ...]:
        raise OSError("no such name")

    with pytest.raises(Unavailable) as stop:
        public_remote(TARGET, nothing)
    assert stop.value.code == Code.REPO_UNREACHABLE


def test_the_checked_address_is_pinned_and_ipv4_comes_first(tmp_path: Path) -> None:
    remote = public_remote(TARGET, lambda _: ("2606:50c0:8000::153", PUBLIC))
    values = environment(tmp_path, remote).values()
    assert f"git.example.test:443:{PUBLIC}" in values
    six = public_remote(TARGET, lambda _: ("2606:50c0:8000::153",))
    assert "git.example.test:443:[2606:50c0:8000::153]" in environment(tmp_path, six).values()
    assert environment(tmp_path, remote)["GIT_ALLOW_PROTOCOL"] == "https"


@given(st.ip_addresses(v=4))
def test_an_embedded_private_address_is_never_public(address: object) -> None:
    inner = ip_address(str(address))
    for shape in ("::ffff:{}", "64:ff9b::{}"):
        assert is_public(shape.format(inner)) == is_public(str(inner))
    assert not is_public(f"::{inner}")


@given(st.text(max_size=60))
def test_any_host_is_refused_or_a_plain_name(host: str) -> None:
    target = TARGET.model_copy(update={"host": host})
    if set(host) & set(":/@%?# ,[]\0\n") or not host.isascii() or host.endswith("."):
        with pytest.raises(Refused) as stop:
            public_remote(target, lambda _: (PUBLIC,))
        assert stop.value.refusal.code == Code.REPO_HOST


def unknown(folder: Path) -> ssl.SSLContext:
    """The TLS side of a server whose certificate nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(folder).chain)
    return context


def test_a_self_signed_certificate_is_a_tls_refusal(tmp_path: Path) -> None:
    repository(tmp_path, {"Dockerfile": "FROM scratch\n"})
    with git_host(tmp_path, tls=unknown(tmp_path)) as host:
        repos = GitRepos(
            select=survey_set,
            yaml=PlainYaml(),
            locate=lambda _: Remote(url=f"{host.url}/org/shop.git"),
            workdir=tmp_path,
        )
        with pytest.raises(Refused) as stop:
            repos.read(TARGET)
    assert stop.value.refusal.code == Code.REPO_TLS
    assert host.requests == []


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        ("fatal: unable to access 'https://x/': The requested URL returned error: 503", "outage"),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 301", "moved"),
        ("fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none", "tls"),
        ("fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate", "tls"),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "private"),
        ("remote: certificate not found\nfatal: early EOF", "broken"),
        ("error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec", "slow"),
    ],
)
def test_what_git_says_becomes_a_kind(err: str, kind: str) -> None:
    assert kind_of(err) == kind
