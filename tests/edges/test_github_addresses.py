"""Which addresses of GitHub are taken, and that a broken one is a setting to correct, not a defect."""

from __future__ import annotations

import pytest

from bot.edges.github import is_plain_loopback
from bot.edges.github.addresses import checked_api, checked_clone_url
from bot.errors import Refused


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080/api", True),
        ("http://localhost", True),
        ("http://github.localhost:1", True),
        ("https://127.0.0.1", False),
        ("http://example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_plain_http_on_this_computer(url: str, expected: bool) -> None:
    assert is_plain_loopback(url) is expected


@pytest.mark.parametrize(
    "url", ["http://[::1", "https://[bad", "http://example.com", "api.github.com", "https://a@b.example", ""]
)
def test_an_unusable_api_address_is_refused_with_config(url: str) -> None:
    with pytest.raises(Refused) as stop:
        checked_api(url)
    assert stop.value.refusal.code == "config"


@pytest.mark.parametrize("clone", ["https://[bad", "https://evil.example/a/b.git", "http://github.com/a/b.git"])
def test_the_token_goes_to_the_own_web_host_alone(clone: str) -> None:
    with pytest.raises(Refused) as stop:
        checked_clone_url(clone, api_url="https://api.github.com")
    assert stop.value.refusal.code == "github-auth"
