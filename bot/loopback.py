"""Which host is this computer: the one rule for where plain http, and with it a secret, may go.

In: a host as an address names it. Out: yes or no. Never: a look-up; a name that only resolves to loopback is none.
"""

from __future__ import annotations

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address is this computer."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
