"""A self-signed certificate for servers on loopback.

In: a folder, the names it shall hold for. Out: PEM files: certificate with key for the server, certificate alone for
its clients. Never: a key that leaves the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """``chain`` holds key and certificate (for the server), ``authority`` the certificate alone (for clients)."""

    chain: Path
    authority: Path


def self_signed(
    folder: Path, *, names: tuple[str, ...] = ("127.0.0.1", "localhost"), stem: str = "loopback"
) -> Certificate:
    """Make one, good for these addresses and host names for a day before and after now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found = Certificate(chain=folder / f"{stem}.pem", authority=folder / f"{stem}-authority.pem")
    found.chain.touch(mode=0o600)
    found.chain.write_bytes(private + public)
    found.authority.write_bytes(public)
    return found


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
