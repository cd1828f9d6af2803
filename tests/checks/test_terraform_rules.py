"""Rules on the Terraform of machines: each trips on a bad file and stays silent on the golden one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.checks.check import check
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.config import Config
from bot.model.finding import Finding
from tests.rendering.machine_scenes import CONFIG, KINDS
from tests.rendering.scenes import Nouns

HA = "machines-ha-rules"


def judged(kind: str, changes: ChangeSet | None = None, config: Config | None = None) -> tuple[Finding, ...]:
    nouns: Nouns = KINDS[kind]()
    return check(changes or nouns.render(), plan=nouns.plan, config=config or nouns.config)


def replaced(kind: str, path: str, old: str, new: str) -> ChangeSet:
    changes = KINDS[kind]().render()
    full = f"{changes.root}/terraform/{path}"
    content = changes.content(full)
    assert content is not None
    assert old in content, f"{old!r} is not in {path}"
    return with_file(changes, f"terraform/{path}", content.replace(old, new, 1))


def with_file(changes: ChangeSet, path: str, content: str) -> ChangeSet:
    files = {file.path: file.content for file in changes.files} | {f"{changes.root}/{path}": content}
    return ChangeSet(root=changes.root, files=tuple(RenderedFile(path=p, content=files[p]) for p in sorted(files)))


BAD = [
    ("terraform-provider", HA, "ha.tf", "  provider = proxmox.cluster\n", ""),
    ("terraform-provider", HA, "variables.tf", "sensitive   = true", "sensitive   = false"),
    ("terraform-provider", HA, "variables.tf", "ephemeral   = true", "ephemeral   = false"),
    ("terraform-provider", HA, "versions.tf", "var.cluster_api_token", '"root@pam!x=1"'),
    ("terraform-provider", HA, "versions.tf", 'alias     = "cluster"', 'alias     = "other"'),
    ("terraform-provider", HA, "versions.tf", "  api_token", "  insecure  = true\n  api_token"),
    ("terraform-data-loss", HA, "main.tf", "prevent_destroy = true", "prevent_destroy = false"),
    ("terraform-data-loss", "machines-adopted", "main.tf", "prevent_destroy = true", "prevent_destroy = false"),
    ("terraform-import", "machines-adopted", "imports.tf", "pve1/160", "pve1/100"),
    ("terraform-import", "machines-adopted", "imports.tf", "pve1/160", "pve1/161"),
    ("terraform-forbidden", HA, "ha.tf", "locals {", 'import {\n  to = a.b\n  id = "x"\n}\n\nlocals {'),
    ("terraform-forbidden", HA, "main.tf", "# Made", 'terraform {\n  backend "local" {}\n}\n# Made'),
    ("terraform-forbidden", HA, "backend.tf", "# Made", 'data "http" "x" {\n  url = "x"\n}\n# Made'),
    ("terraform-forbidden", HA, "backend.tf", "terraform {\n", "terraform {\n  cloud {}\n"),
    ("terraform-argument", "machine-postgresql", "backup.tf", "storage ", "storrage "),
    ("terraform-argument", HA, "replication.tf", "target ", "tarket "),
    ("terraform-resource", "machine-web", "firewall.tf", "firewall_rules", "firewall_ruls"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "kind", "path", "old", "new"), BAD, ids=[f"{i}-{c[0]}" for i, c in enumerate(BAD)])
def test_a_bad_file_trips_its_rule(rule: str, kind: str, path: str, old: str, new: str) -> None:
    found = [finding for finding in judged(kind, replaced(kind, path, old, new)) if finding.rule == rule]
    assert found
    assert found[0].severity == "block"
    assert found[0].remedy.endswith(".")


def state(**fields: Any) -> Config:
    return Config.model_validate({**CONFIG, "state": fields or None})


@pytest.mark.parametrize(
    ("config", "rules"),
    [
        (state(), ["state-local"]),
        (state(backend="local"), ["state-local"]),
        (state(backend="local", allow_local=True), []),
        (state(backend="http", settings={"address": "http://state.example.org"}), ["state-unencrypted"]),
        (state(backend="http", settings={"address": "http://x.example"}, allow_unencrypted=True), []),
        (state(backend="s3", settings={"bucket": "b", "region": "r", "encrypt": False}), ["state-unencrypted"]),
        (state(backend="s3", settings={"bucket": "b", "region": "r"}), []),
        (state(backend="kubernetes"), []),
    ],
)
def test_a_state_that_is_lost_or_readable_is_a_warning(config: Config, rules: list[str]) -> None:
    nouns = KINDS["machine-web"]().changed(config=config)
    found = check(nouns.render(), plan=nouns.plan, config=config)
    assert [finding.rule for finding in found] == rules
    assert {finding.severity for finding in found} <= {"warn"}


@pytest.mark.parametrize(
    "path",
    [
        "ansible/site.yml", "ansible/group_vars/all.yaml", "ansible/ansible.cfg", "ansible/templates/a.conf.j2",
        "ansible/README.md", "kubernetes/namespace.yaml",
    ],
)  # fmt: skip
def test_the_layout_knows(path: str) -> None:
    changes = with_file(KINDS["cluster-ha"]().render(), path, "a: b\n")
    assert "path" not in {finding.rule for finding in judged("cluster-ha", changes)}


@pytest.mark.parametrize(
    "path",
    [
        "ansible/run.sh", "ansible/../x.yml", "ansible/.hidden.yml", "ansible/a b.yml", "ansible//x.yml",
        "terraform/.terraform.lock.hcl", "terraform/extra.tf", "ansible/../../other/x.yml", "terraform/modules/x.tf",
    ],
)  # fmt: skip
def test_the_layout_refuses(path: str) -> None:
    changes = KINDS["cluster-ha"]().render()
    files = (*changes.files, RenderedFile.model_construct(path=f"{changes.root}/{path}", content="a: b\n"))
    moved = ChangeSet.model_construct(root=changes.root, files=files)
    assert "path" in {finding.rule for finding in judged("cluster-ha", moved)}


def test_a_cluster_s_files_lie_in_its_folder_alone() -> None:
    moved = ChangeSet(root="apps/ha", files=(RenderedFile(path="apps/ha/README.md", content="x\n"),))
    assert "path" in {finding.rule for finding in judged("cluster-ha", moved)}


def test_a_playbook_is_no_kubernetes_object_and_may_hold_templates() -> None:
    playbook = '---\n- hosts: all\n  vars:\n    address: "{{ ansible_host }}"\n    flag: yes\n'
    changes = with_file(KINDS["cluster-ha"]().render(), "ansible/site.yml", playbook)
    assert judged("cluster-ha", changes) == ()


@pytest.mark.parametrize(
    ("content", "rule"), [("a: [\n", "yaml-syntax"), ('a: "postgres://u:hunter2hunter2@db/x"\n', "secret")]
)
def test_a_playbook_still_has_to_parse_and_holds_no_secret(content: str, rule: str) -> None:
    changes = with_file(KINDS["cluster-ha"]().render(), "ansible/group_vars/all.yml", content)
    assert rule in {finding.rule for finding in judged("cluster-ha", changes) if finding.severity == "block"}
