"""Addresses, tokens and certificates: what is accepted, what is refused, and that nothing is trusted unasked."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.edges.proxmox.endpoint import parse_endpoint, parse_token
from bot.errors import Code, Refused
from tests.edges.proxmox_kit import SECRET, TOKEN, emulator, inventory, running, served

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("text", "base", "tls"),
    [
        pytest.param("https://pve1.lan:8006/", "https://pve1.lan:8006/api2/json", True, id="bpg-form"),
        pytest.param("https://pve1.lan:8006", "https://pve1.lan:8006/api2/json", True, id="no-slash"),
        pytest.param("https://pve1.lan:8006/api2/json", "https://pve1.lan:8006/api2/json", True, id="telmate-form"),
        pytest.param(" https://pve1.lan ", "https://pve1.lan/api2/json", True, id="no-port"),
        pytest.param("https://[fd00::1]:8006/", "https://[fd00::1]:8006/api2/json", True, id="ipv6"),
        pytest.param("http://127.0.0.1:99/", "http://127.0.0.1:99/api2/json", False, id="loopback"),
        pytest.param("http://localhost:99", "http://localhost:99/api2/json", False, id="localhost"),
        pytest.param("http://[::1]:99", "http://[::1]:99/api2/json", False, id="loopback-6"),
    ],
)
def test_endpoints(text: str, base: str, tls: bool) -> None:
    endpoint = parse_endpoint(text)
    assert (endpoint.base_url, endpoint.tls) == (base, tls)


@pytest.mark.parametrize(
    "text",
    [
        "", "pve1.lan:8006", "ftp://pve1.lan", "http://pve1.lan:8006", "http://10.0.0.1:8006", "http://127.0.0.1.evil.com",
        "https://user:pw@pve1.lan", "https://pve1.lan/?a=1", "https://pve1.lan/#x", "https://pve1.lan/admin",
        "https://pve1.lan:port/", "https://", "https://a b/", "https://[::1",
    ],
)  # fmt: skip
def test_refused_endpoints(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_endpoint(text)
    assert caught.value.refusal.code == Code.CONFIG
    assert "pw" not in str(caught.value)


def test_tokens() -> None:
    for text in (TOKEN, f"PVEAPIToken={TOKEN}", f" {TOKEN}\n"):
        token = parse_token(text)
        assert (token.user, token.name, token.secret) == ("ai-provision@pve", "survey", SECRET)
        assert SECRET not in repr(token)


@pytest.mark.parametrize(
    "text", ["", "root@pam", "root!x=y", "root@pam!x", f"root@pam!x={SECRET} more", f"!x={SECRET}"]
)
def test_refused_tokens(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_token(text)
    assert caught.value.refusal.code == Code.PROXMOX_AUTH
    assert SECRET not in str(caught.value)


def certificate(folder: Path, *, name: str = "127.0.0.1", days: int = 30) -> Path:
    """A self-signed certificate with its key, as a fresh Proxmox VE node has one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pve1")])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=60))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}-{days}.pem"
    file.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.mark.parametrize(
    ("name", "days", "pinned", "words"),
    [
        pytest.param("127.0.0.1", 30, False, "does not know", id="T36-self-signed"),
        pytest.param("127.0.0.1", -1, True, "has expired", id="T36-expired"),
        pytest.param("10.9.9.9", 30, True, "another name", id="T36-other-name"),
    ],
)
def test_a_bad_certificate_is_refused_with_the_cure(
    tmp_path: Path, name: str, days: int, pinned: bool, words: str
) -> None:
    file = certificate(tmp_path, name=name, days=days)
    pve = emulator()
    with running(pve.app, certificate=file) as url, pytest.raises(Refused) as caught:
        inventory(url, verify=str(file) if pinned else True).read()
    refusal = caught.value.refusal
    assert (refusal.code, words in refusal.message) == (Code.TLS, True)
    assert "pve-root-ca.pem" in refusal.remedy
    assert pve.calls == []


def test_a_pinned_authority_is_trusted(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    with running(emulator().app, certificate=file) as url:
        assert inventory(url, verify=str(file)).read().missing == ()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_verification_goes_off_only_when_told_and_never_silently(tmp_path: Path) -> None:
    with running(emulator().app, certificate=certificate(tmp_path)) as url:
        snapshot = inventory(url, verify=False).read()
        checkup = inventory(url, verify=False).check()
    for missing in (snapshot.missing, checkup.missing):
        assert [(one.code, "TLS not verified" in one.reason) for one in missing] == [("tls", True)]


def test_plain_http_where_tls_is_expected() -> None:
    with served(emulator().app) as url, pytest.raises(Refused) as caught:
        inventory(url.replace("http://", "https://")).read()
    assert caught.value.refusal.code == Code.TLS


def test_an_authority_file_that_is_not_there(tmp_path: Path) -> None:
    with served(emulator().app) as url, pytest.raises(Refused) as caught:
        inventory(url.replace("http://", "https://"), verify=str(tmp_path / "none.pem")).read()
    assert caught.value.refusal.code == Code.TLS
