"""Environment variables: names from the repository, values from Secrets and ConfigMaps that people make.

In: the names that the survey saw and the values that our own rules set. Out: ``env`` entries. Never: a value from the
repository.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.plan import ServicePlan
from bot.model.profile import EnvName, Service
from bot.rendering.data_text import without_secrets
from bot.rendering.ports import NamedPort

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,252}", re.ASCII)
_SECRET_WORDS: Final = (
    "PASSWORD", "PASSWD", "SECRET", "TOKEN", "PRIVATE", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY", "DSN",
    "DATABASE_URL", "CONNECTION_STRING",
)  # fmt: skip
PORT_NAME: Final = "PORT"


def env_source(service: str) -> str:
    """The name of the Secret and of the ConfigMap that hold a workload's variables."""
    return f"{service}-env"


def usable_names(facts: Service) -> tuple[EnvName, ...]:
    """Names that Kubernetes accepts, sorted, each once; the strictest statement about a name wins."""
    merged: dict[str, EnvName] = {}
    for item in facts.env:
        if _usable(item.name):
            seen = merged.get(item.name, item)
            merged[item.name] = EnvName(
                name=item.name,
                required=item.required or seen.required,
                secret=item.secret or seen.secret or _sounds_secret(item.name),
            )
    return tuple(merged[name] for name in sorted(merged))


def unusable_count(facts: Service) -> int:
    """How many names Kubernetes would refuse."""
    return sum(not _usable(item.name) for item in facts.env)


def _usable(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and without_secrets(name) == name


def from_sources(planned: ServicePlan, facts: Service, ports: tuple[NamedPort, ...]) -> tuple[EnvName, ...]:
    """The names whose values a person must provide."""
    ours = {*planned.runtime_env, *([PORT_NAME] if ports else [])}
    return tuple(item for item in usable_names(facts) if item.name not in ours)


def env_entries(planned: ServicePlan, facts: Service, ports: tuple[NamedPort, ...]) -> list[dict[str, object]]:
    """The container's ``env``: our own settings, the port, then references."""
    entries: list[dict[str, object]] = [
        {"name": name, "value": planned.runtime_env[name]} for name in sorted(planned.runtime_env)
    ]
    reads_port = any(item.name == PORT_NAME for item in usable_names(facts))
    if reads_port and ports and PORT_NAME not in planned.runtime_env:
        entries.append({"name": PORT_NAME, "value": str(ports[0].number)})
    return [*entries, *(_reference(planned.name, item) for item in from_sources(planned, facts, ports))]


def _reference(service: str, item: EnvName) -> dict[str, object]:
    kind = "secretKeyRef" if item.secret else "configMapKeyRef"
    optional = not (item.secret and item.required)
    return {
        "name": item.name,
        "valueFrom": {kind: {"name": env_source(service), "key": item.name, "optional": optional}},
    }


def _sounds_secret(name: str) -> bool:
    upper = name.upper()
    return any(word in upper for word in _SECRET_WORDS)
