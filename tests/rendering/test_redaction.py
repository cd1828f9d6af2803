"""T30: no form of a secret leaves; text without one leaves unchanged."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.redaction import MASK, redactor

SECRET = "Canary/+=%&<secret>\"'\\of thirty chars"
TOKENS = {
    "T30-classic": "ghs_" + "a1B2" * 9,
    "T30-520": "ghs_12345_eyJhbGci." + "Ab9-_." * 83,
    "pat": "github_pat_" + "A1" * 40,
    "jwt": "eyJ" + "a" * 20 + "." + "b" * 20 + "." + "c" * 20,
    "google": "AIza" + "x" * 35,
    "aws": "AKIA" + "Q" * 16,
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
@pytest.mark.parametrize("around", ["{}", "a {} b", "`{}`", "token={}\n", '"{}"'])
def test_known_shapes_leave_no_tail(token: str, around: str) -> None:
    shown = redactor([])(around.format(token))
    assert shown == around.format(MASK)


def test_a_url_keeps_its_host() -> None:
    assert redactor([])("https://user:hunter2@example.com/x") == f"https://{MASK}@example.com/x"


FORMS = {
    "exact": str,
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "json": lambda text: json.dumps(text)[1:-1],
    "base64-0": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-1": lambda text: base64.b64encode(b"u" + text.encode()).decode(),
    "base64-2": lambda text: base64.b64encode(b"us" + text.encode()).decode(),
    "basic-auth": lambda text: base64.b64encode(f"x-access-token:{text}".encode()).decode(),
    "base64-url": lambda text: base64.urlsafe_b64encode(f"x:{text}:y".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_a_value_is_masked(form) -> None:
    shown = redactor([SECRET])(f"before {form(SECRET)} after")
    assert MASK in shown
    assert form(SECRET)[4:-4] not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@given(st.text(min_size=8, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_the_value_is_never_in_the_result(secret: str, before: str, after: str) -> None:
    value = secret.strip()
    if len(value) >= 8 and value not in MASK and not any(part in value for part in (MASK, "redacted")):
        assert value not in redactor([secret])(before + secret + after).replace(MASK, "\0")


@pytest.mark.parametrize(
    "text", ["", "a token of thanks", "sha256:" + "a" * 64, "https://github.com/a/b", "api@sha256:" + "0" * 64]
)
def test_innocent_text_is_unchanged(text: str) -> None:
    assert redactor([SECRET, "test", "token"])(text) == text


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    key = "-----BEGIN X-----\n" + "\n".join(letter * 64 for letter in "abc") + "\n-----END X-----"
    assert redactor([key])("log: " + "b" * 64) == f"log: {MASK}"


def test_long_text_is_fast() -> None:
    assert len(redactor([SECRET])("ghs_ eyJ. ://a:b " * 50_000)) > 100_000
