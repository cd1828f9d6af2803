"""Who a container runs as, and where it may write, under Pod Security ``restricted``.

In: the image's USER, its base image and ports. Out: security contexts and writable folders. Never: root, a capability,
a writable image.

Numbers: ``nonroot`` is 65532 in distroless images, ``node`` 1000 in the Node images, ``nobody`` 65534 in Debian and
Alpine, ``nginx`` 101 in the nginx images. The sysctl is in Kubernetes' safe set, which ``restricted`` allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.model.profile import Service
from bot.rendering.ports import UNPRIVILEGED, NamedPort

ANY_USER: Final = 10001
_USERS: Final = {"nonroot": 65532, "node": 1000, "nobody": 65534}
_BASES: Final = {"nginx": 101}
_WRITABLE: Final = {"nginx": ("/var/cache/nginx", "/var/run")}
_ALREADY_NON_ROOT: Final = ("nonroot", "unprivileged")


@dataclass(frozen=True, kw_only=True)
class RunAs:
    """The user to set. None: the image's own USER is a number. ``guessed``: the image names no user we know."""

    uid: int | None
    guessed: bool = False


def run_as(facts: Service) -> RunAs:
    """The user of the container. Kubernetes cannot prove that a USER given by name is not root, so it gets a number."""
    user = (facts.user or "").split(":", 1)[0]
    base = facts.base_image or ""
    if (user.isascii() and user.isdecimal() and int(user) > 0) or (not user and _says_non_root(base)):
        return RunAs(uid=None)
    if user in _USERS:
        return RunAs(uid=_USERS[user])
    if base_name(base) in _BASES:
        return RunAs(uid=_BASES[base_name(base)])
    return RunAs(uid=ANY_USER, guessed=True)


def _says_non_root(base: str) -> bool:
    return any(word in base for word in _ALREADY_NON_ROOT)


def base_name(image: str) -> str:
    """The last part of an image's name: ``nginx`` of ``docker.io/library/nginx:1.27@sha256:…``."""
    return image.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0]


def writable_folders(facts: Service) -> tuple[str, ...]:
    """Folders that need an ``emptyDir`` because the image is read-only."""
    return ("/tmp", *_WRITABLE.get(base_name(facts.base_image or ""), ()))  # noqa: S108  # a path inside the container


def pod_security(facts: Service, ports: tuple[NamedPort, ...], *, keeps_data: bool) -> dict[str, object]:
    """``spec.securityContext`` of the pod."""
    if facts.windows:
        return {"runAsNonRoot": True}
    user = run_as(facts)
    made: dict[str, object] = {"runAsNonRoot": True}
    if user.uid is not None:
        made |= {"runAsUser": user.uid, "runAsGroup": user.uid}
    if keeps_data:
        made |= {"fsGroup": user.uid or ANY_USER, "fsGroupChangePolicy": "OnRootMismatch"}
    made["seccompProfile"] = {"type": "RuntimeDefault"}
    low = [port.number for port in ports if port.number < UNPRIVILEGED]
    if low:
        made["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": str(min(low))}]
    return made


def container_security(facts: Service) -> dict[str, object]:
    """``securityContext`` of the container. Windows containers know none of these fields."""
    if facts.windows:
        return {}
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
