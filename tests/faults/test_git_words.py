"""What git says in its last words, and that names which people chose have no say in it."""

from __future__ import annotations

import pytest

from bot.edges.git.failures import Kind, kind_of

ACCESS = "fatal: unable to access 'https://git.example.test/org/{name}.git/': {rest}"


@pytest.mark.parametrize(
    "name", ["tls-demo", "certificate-authority", "not-found", "ssl:x", "dumb-http", "out of memory"]
)
@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        ("The requested URL returned error: 503", "outage"),
        ("The requested URL returned error: 429", "busy"),
        ("server certificate verification failed. CAfile: none CRLfile: none", "tls"),
        ("The requested URL returned error: 302", "moved"),
    ],
)
def test_a_repository_may_have_any_name(name: str, rest: str, kind: Kind) -> None:
    assert kind_of(ACCESS.format(name=name, rest=rest)) == kind


@pytest.mark.parametrize("branch", ["main", "fix-tls", "ssl_", "certificate", "dumb http"])
def test_a_branch_may_have_any_name(branch: str) -> None:
    assert kind_of(f"fatal: Remote branch {branch} not found in upstream origin") == "ref"


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        ("fatal: invalid server response; got 'surprise'", "dumb"),
        ("fatal: protocol error: bad line length character: <htm", "dumb"),
        ("fatal: protocol error: unexpected 'certificate'", "dumb"),
        ("fatal: repository 'https://git.example.test/org/shop.git/' not found", "absent"),
        ("fatal: could not read Username for 'https://tls.example.test': terminal prompts disabled", "private"),
        ("fatal: 'origin' does not appear to be a git repository", "absent"),
        ("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output", "broken"),
        ("error: inflate: data stream error\nfatal: fetch-pack: invalid index-pack output", "broken"),
        ("error: RPC failed; curl 18 transfer closed\nfatal: early EOF", "outage"),
    ],
)
def test_each_last_word_has_its_kind(err: str, kind: Kind) -> None:
    assert kind_of(err) == kind
