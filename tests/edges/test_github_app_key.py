"""I9: the App's key and its tokens: usable or refused with a sentence, and never seen."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key as load
from pydantic import SecretStr

from bot.edges.github import AppCredentials
from bot.errors import Code, Refusal, Refused
from bot.rendering.redaction import KEPT, MASK, Secrets, redactor
from tests.edges.forge_contract import INFRA, publish
from tests.edges.github_app_kit import AppWorld, app_world, key
from tests.fakes.clock import StoppedClock


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AppWorld]:
    with app_world(tmp_path) as made:
        yield made


def refusal(act) -> Refusal:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.refusal


def token(world: AppWorld, repo: str = INFRA, number: int | None = None) -> str:
    return world.installations.token_for(repo, number).token().get_secret_value()


@pytest.mark.parametrize("case", ["I9-repr"])
def test_nothing_prints_itself(world: AppWorld, case: str) -> None:
    source = world.installations.token_for(INFRA)
    value = source.token().get_secret_value()
    credentials = AppCredentials("1", SecretStr(world.app.private_key), clock=world.clock)
    shown = f"{source!r} {credentials!r} {credentials!s} {source.token()!r} {credentials.token()!r} {vars(source)!r}"
    assert value not in shown
    assert world.app.private_key.splitlines()[3] not in shown
    assert "eyJ" not in shown


@pytest.mark.parametrize("long_tokens", [True, False], ids=["I9-520", "I9-40"])
def test_a_minted_token_is_a_secret_before_anybody_has_it(tmp_path: Path, long_tokens: bool) -> None:
    with app_world(tmp_path, long_tokens=long_tokens) as world:
        value = token(world)
        basic = base64.b64encode(f"x-access-token:{value}".encode()).decode()
        for form in (value, quote(value), basic, base64.urlsafe_b64encode(value.encode()).decode()):
            shown = world.secrets.redact(f"before {form} after")
            assert MASK in shown
            assert form[20:40] not in shown
        line = world.app.private_key.splitlines()[5]
        assert world.secrets.redact(f"log {line} end") == f"log {MASK} end"


@pytest.mark.parametrize("case", ["I9-errors"])
@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
def test_no_failure_quotes_a_token(world: AppWorld, status: int, case: str) -> None:
    value = token(world)
    body = {"message": f"you sent {value}"}
    world.github.faults.add("*", "/repos/acme/infra|/app/.*", status=status, body=body, times=100)
    with world.forge() as forge, pytest.raises(Exception, match=r".") as failed:
        publish(forge)
    assert value[:30] not in f"{failed.value} {failed.value!r} {getattr(failed.value, 'refusal', '')}"


def key_of(kind: str, folder: Path) -> str:
    pem = key("another's")
    if kind == "encrypted":
        pair = load(pem.encode(), None)
        return pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x" * 12)).decode()
    if kind == "elliptic":
        curve = ec.generate_private_key(ec.SECP256R1())
        return curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    if kind == "folder":
        return str(folder)
    odd = {
        "empty": "",
        "absent": str(folder / "absent.pem"),
        "cut": pem[: len(pem) // 2],
        "public": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "words": "not a key",
    }
    return odd[kind]


@pytest.mark.parametrize("kind", ["empty", "absent", "folder", "cut", "public", "words", "encrypted", "elliptic"])
def test_a_wrong_key_is_a_sentence(tmp_path: Path, kind: str) -> None:
    pem = key_of(kind, tmp_path)
    told = refusal(lambda: AppCredentials("1", SecretStr(pem), clock=StoppedClock()))
    assert told.code is Code.CONFIG
    assert "AI_PROVISION_GITHUB_PRIVATE_KEY" in told.message
    assert not pem or pem not in told.message + told.remedy


@pytest.mark.parametrize("app_id", ["", "a b", "1;2", "é"])
def test_a_wrong_app_id_is_a_sentence(app_id: str) -> None:
    told = refusal(lambda: AppCredentials(app_id, SecretStr(key("another's")), clock=StoppedClock()))
    assert told.code is Code.CONFIG


@pytest.mark.parametrize("form", ["text", "one-line", "path"])
def test_a_key_comes_as_text_in_one_line_or_in_a_file(world: AppWorld, tmp_path: Path, form: str) -> None:
    pem = world.app.private_key
    file = tmp_path / "app.pem"
    file.write_text(pem)
    with world.speak({"text": pem, "one-line": pem.replace("\n", "\\n"), "path": str(file)}[form]) as installations:
        assert installations.repositories() == (INFRA,)


def test_the_signed_token_is_what_github_asks_for(world: AppWorld) -> None:
    signed = AppCredentials("123", SecretStr(world.app.private_key), clock=world.clock).token().get_secret_value()
    claims = jwt.decode(signed, options={"verify_signature": False})
    now = int(world.clock.now().timestamp())
    assert claims == {"iat": now - 60, "exp": now + 540, "iss": "123"}
    assert jwt.get_unverified_header(signed)["alg"] == "RS256"


@pytest.mark.parametrize("kind", ["key", "app"])
def test_a_key_of_another_app_is_a_refusal_without_repetition(world: AppWorld, kind: str) -> None:
    pem = key("another's") if kind == "key" else world.app.private_key
    with world.speak(pem, app_id="77" if kind == "app" else None) as installations:
        told = refusal(installations.repositories)
    assert told.code is Code.GITHUB_AUTH
    assert "App" in told.remedy
    assert len(world.github.calls) == 1


def test_secrets_grow_while_others_redact() -> None:
    secrets = Secrets(["for-good-0001"])
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            assert secrets.redact("for-good-0001 and kept-0001").startswith(MASK)

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    secrets.keep("kept-0001")
    for number in range(KEPT + 10):
        secrets.add(f"passing-{number:04}")
    stop.set()
    for thread in threads:
        thread.join()
    assert secrets.redact("kept-0001 for-good-0001") == f"{MASK} {MASK}"
    assert secrets.redact(f"passing-{KEPT + 9:04}") == MASK
    assert secrets.redact("passing-0001") == "passing-0001"


def test_redaction_stays_fast_with_many_tokens() -> None:
    secrets = Secrets()
    for number in range(KEPT):
        secrets.add(f"ghs_{number}_" + "x.Y-z" * 100)
    text = "an innocent line of a log " * 40
    assert all(secrets.redact(text) == text for _ in range(50))
    assert re.fullmatch(re.escape(MASK), redactor(["plain-value"])("plain-value"))
