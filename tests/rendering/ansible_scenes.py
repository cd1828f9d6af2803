"""The eight clusters of the issue as scenes: read from their words and planned for the example snapshot."""

from __future__ import annotations

from typing import Any

from bot.capacity.headroom import headroom
from bot.model.config import Config
from bot.model.demand import Demand
from bot.model.document import Request
from bot.model.plan import Plan
from bot.model.profile import AppProfile
from bot.model.wishes import Wishes
from bot.planning.infrastructure.plan import plan_wishes
from bot.survey.request.reading import read_request
from tests.fakes.house import snapshot
from tests.rendering.scenes import Nouns

CLUSTERS = {
    "dev": "dev cluster",
    "production": "production cluster with 5 workers",
    "ml": "ML training cluster with 16GB RAM",
    "ci": "CI/CD runner cluster",
    "ha": "HA cluster with monitoring",
    "single-node": "minimal single-node cluster",
    "staging": "staging with calico and ingress",
    "five-nodes": "5 node cluster with 4 cores 8gb",
}
CONFIG: dict[str, Any] = {
    "defaults": {
        "addresses": "10.30.0.50-10.30.0.99/24",
        "gateway": "10.30.0.1",
        "bridge": "vmbr0",
        "template_id": 9000,
        "dns": {"servers": ("10.30.0.1",), "domain": "lab.example"},
        "ssh_keys": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ops",),
    },
}


def asked(text: str, **config: Any) -> Nouns:
    """The scene of a request in words, for the example snapshot."""
    wishes, settings = read_request(text), Config.model_validate({**CONFIG, **config})
    assert isinstance(wishes, Wishes), wishes
    facts = snapshot()
    plan = plan_wishes(wishes, snapshot=facts, headroom=headroom(facts, settings), config=settings)
    assert isinstance(plan, Plan), plan
    return Nouns(
        request=Request(git_repo="", app_description=text),
        demand=Demand(),
        profile=AppProfile(name=plan.app),
        snapshot=facts,
        plan=plan,
        config=settings,
    )


def clustered(name: str) -> Nouns:
    """One of the eight."""
    return asked(CLUSTERS[name])
