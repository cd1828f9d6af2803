"""What a bundle does not hold is said, never hidden."""

from __future__ import annotations

import pytest

from bot.model.demand import Demand
from bot.model.plan import Source, Storage
from bot.model.profile import EnvName, Health, Volume
from bot.model.quantity import Bytes
from bot.rendering.left_out import gaps
from tests.rendering.bundles import data, text
from tests.rendering.scenes import Nouns, supermarket

API = supermarket()

CASES = {
    "ingress-left-out": API.changed(demand=Demand(public=True)),
    "engine-not-installed": API,
    "image-without-checksum": API.with_machine(source=Source(image="https://x.example/debian.qcow2")),
    "address-unknown": API.with_machine(address="dhcp"),
    "no-health-check": API.with_api(health=None),
    "health-check-unusable": API.with_api(health=Health(kind="http", path="no slash")),
    "image-user": API.with_api(user="root", base_image="golang:1.22"),
    "env-name": API.with_api(env=(EnvName(name="not a name"),)),
    "volume-path": API.with_api(volumes=(Volume(path="../x"), Volume(path="/etc"), Volume(path="/a:b"))),
    "volume-not-kept": API.with_api(volumes=(Volume(path="/cache"),)),
    "volume-path-unknown": API.with_api_plan(storage=Storage(size=Bytes.of_gib(1))),
    "no-pre-stop": API.changed(snapshot=API.snapshot.model_copy(update={"kubernetes": None})),
}


def rules(nouns: Nouns) -> set[str]:
    found = gaps(nouns)
    assert all(finding.severity in {"warn", "note"} for finding in found)
    return {finding.rule for finding in found}


@pytest.mark.parametrize(("rule", "nouns"), CASES.items(), ids=CASES)
def test_each_gap_is_found_and_shown(rule: str, nouns: Nouns) -> None:
    assert rule in rules(nouns)
    changes = nouns.render()
    assert rule in text(changes, "README.md")
    assert rule in {finding["rule"] for finding in data(changes, "plan.json")["findings"]}


def test_a_complete_scene_has_few_gaps() -> None:
    assert rules(API) == {"engine-not-installed", "no-health-check"}
    assert rules(API.with_plan(machines=(), services=API.plan.services[:1])) == set()


def test_public_access_makes_no_ingress_without_a_host() -> None:
    changes = CASES["ingress-left-out"].render()
    assert not [file for file in changes.files if "kind: Ingress" in file.content]
