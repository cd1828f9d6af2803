"""Serves the emulator on loopback over TLS, as a Terraform provider wants it.

In: an emulator. Out: its address, the file with the certificate to trust, the environment of the provider. Never:
``insecure``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.emulators.certificate import self_signed
from bot.emulators.loopback import Loopback
from bot.emulators.proxmox.app import ProxmoxEmulator


@dataclass(frozen=True)
class Served:
    """``url`` is https on 127.0.0.1, ``authority`` the PEM file of its certificate."""

    url: str
    authority: Path

    def environment(self, token: str) -> dict[str, str]:
        """What bpg/proxmox reads: endpoint, ``user@realm!id=secret``, and whom its TLS trusts."""
        return {
            "PROXMOX_VE_ENDPOINT": f"{self.url}/",
            "PROXMOX_VE_API_TOKEN": token,
            "SSL_CERT_FILE": str(self.authority),
        }


@contextmanager
def serve(emulator: ProxmoxEmulator) -> Iterator[Served]:
    """Serve while the context lasts, with a certificate made for it."""
    with TemporaryDirectory(prefix="proxmox-emulator-") as folder:
        certificate = self_signed(Path(folder))
        with Loopback(emulator.app, certificate=certificate.chain) as server:
            yield Served(server.url, certificate.authority)
