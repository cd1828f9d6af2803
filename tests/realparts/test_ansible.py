"""The rendered Ansible folders under the real programs; the collections are stand-ins (their names and options)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.edges.ansible import AnsiblePlaybooks
from bot.rendering.ansible import ansible_files
from tests.realparts.ansible_parts import MOCKED, needs, program, surroundings
from tests.rendering.ansible_scenes import CLUSTERS, clustered
from tests.rendering.scenes import Nouns
from tests.rendering.test_ansible_files import joining

KINDS = {name: (lambda name=name: clustered(name)) for name in CLUSTERS} | {"joining": joining}


def write(nouns: Nouns, into: Path) -> Path:
    for path, text in ansible_files(nouns).items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_text(text, "utf-8")
    return into / "ansible"


def run(name: str, *arguments: str, cwd: Path, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    found = program(name)
    assert found is not None
    return subprocess.run(
        [str(found), *arguments], cwd=cwd, env=surroundings(cwd), capture_output=True, text=True, timeout=seconds,
        check=False,
    )  # fmt: skip


@needs("ansible-playbook")
@pytest.mark.parametrize("kind", KINDS)
def test_the_playbook_has_no_mistake_of_syntax(kind: str, tmp_path: Path) -> None:
    done = run(
        "ansible-playbook", "-i", "inventory.yml", "--syntax-check", "site.yml", cwd=write(KINDS[kind](), tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs("ansible-lint")
def test_ansible_lint_has_nothing_to_say_under_its_strictest_profile(tmp_path: Path) -> None:
    for kind, made in KINDS.items():
        write(made(), tmp_path / kind)
    arguments = ("--offline", "--nocolor", "--strict", "--profile", "production", "--")
    done = run("ansible-lint", *arguments, *(f"{kind}/ansible" for kind in KINDS), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed: 0 failure(s), 0 warning(s)" in done.stderr + done.stdout


@needs("ansible-playbook")
def test_the_inventory_has_the_groups_and_the_run_learns_leased_addresses(tmp_path: Path) -> None:
    nouns = clustered("ha")
    machines = tuple(each.model_copy(update={"address": "dhcp"}) for each in nouns.plan.machines)
    folder = write(nouns.with_plan(machines=machines), tmp_path)
    (folder / "site.yml").write_text(_LOOK)
    (folder / "requirements.yml").unlink()
    extra = {f"address_{each.name}": f"10.9.0.{number}" for number, each in enumerate(machines, 1)}
    told = AnsiblePlaybooks(redact=str, ours=surroundings(tmp_path)).run(folder, extra=extra)
    assert told == "6 hosts: 6 tasks ok, 0 changed"


_LOOK = """- name: Look
  hosts: k8s_cluster
  gather_facts: false
  tasks:
    - name: Compare
      ansible.builtin.assert:
        that:
          - ansible_host == vars['address_' ~ inventory_hostname]
          - hostvars[groups['kube_control_plane'][1]].ansible_host == '10.9.0.2'
          - groups['kube_control_plane'] | length == 3
          - groups['kube_node'] | length == 3
          - groups['etcd'] | length == 3
          - ansible_user == 'provision'
          - kube_version == '1.34.3'
"""


def test_the_stand_ins_have_the_pinned_versions() -> None:
    nouns = clustered("dev")
    text = ansible_files(nouns)["ansible/requirements.yml"]
    for name, shown in (("kubernetes_sigs/kubespray", "v{}"), ("kubernetes/core", '"{}"')):
        manifest = (MOCKED / "ansible_collections" / name / "MANIFEST.json").read_text()
        version = manifest.split('"version": "')[1].split('"')[0]
        assert shown.format(version) in text
