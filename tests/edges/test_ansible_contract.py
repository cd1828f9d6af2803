"""The port ``Playbooks``, kept by the real program on this machine and by the fake alike."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.deploy import Playbooks
from bot.edges.ansible import AnsiblePlaybooks
from bot.errors import Code, Refusal, Refused
from tests.fakes.playbooks import FakePlaybooks
from tests.realparts.ansible_parts import needs, surroundings

CONFIG = "[defaults]\ncollections_path = collections\n[ssh_connection]\nssh_args = -o ConnectTimeout=2\n"
INVENTORY = """all:
  hosts:
    web-1: {{ansible_connection: {connection}, ansible_host: 127.0.0.1, ansible_port: 9, ansible_python_interpreter: {python}}}
  children:
    k8s_cluster: {{hosts: {{web-1: {{}}}}}}
"""
GOOD = """- name: Work
  hosts: all
  gather_facts: false
  tasks:
    - name: Make the folder
      ansible.builtin.file: {path: "{{ inventory_dir }}/artifacts", state: directory, mode: "0750"}
    - name: Leave the kubeconfig
      ansible.builtin.copy: {content: "kind: Config", dest: "{{ inventory_dir }}/artifacts/admin.conf", mode: "0600"}
"""
BAD = """- name: Work
  hosts: all
  gather_facts: false
  tasks:
    - name: Forgive
      ansible.builtin.command: /bin/false
      ignore_errors: true
    - name: Fail
      ansible.builtin.fail: {msg: it fails}
"""
WANTS = "collections:\n  - {name: no.such, version: 1.0.0}\n"


@dataclass
class Bench:
    """Playbooks, and how a test changes the world under them."""

    playbooks: Playbooks
    folder: Path
    fault: Callable[[str], None]


def real(folder: Path, home: Path) -> Bench:
    def write(fault: str) -> None:
        connection = "ssh" if fault == "unreachable" else "local"
        inventory = INVENTORY.format(connection=connection, python=sys.executable)
        folder.joinpath("ansible.cfg").write_text(CONFIG)
        folder.joinpath("inventory.yml").write_text(inventory)
        folder.joinpath("site.yml").write_text(BAD if fault == "task" else GOOD)
        folder.joinpath("requirements.yml").write_text(WANTS if fault == "collections" else "collections: []\n")

    ours = {**surroundings(home), "ALL_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    write("")
    return Bench(AnsiblePlaybooks(redact=str, ours=ours), folder, write)


def fake(folder: Path) -> Bench:
    folder.joinpath("inventory.yml").write_text(INVENTORY.format(connection="local", python="python3"))
    it = FakePlaybooks()
    return Bench(it, folder, lambda fault: setattr(it, "fault", fault))


@pytest.fixture(params=[pytest.param("real", marks=needs("ansible-playbook")), "fake"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    folder = tmp_path / "clusters" / "dev" / "ansible"
    folder.mkdir(parents=True)
    return fake(folder) if request.param == "fake" else real(folder, tmp_path)


def refusal(bench: Bench, fault: str) -> Refusal:
    bench.fault(fault)
    with pytest.raises(Refused) as told:
        bench.playbooks.run(bench.folder, extra={"address_web-1": "127.0.0.1"})
    assert told.value.refusal.code is Code.CONFIG
    return told.value.refusal


def test_a_run_tells_its_hosts_leaves_the_kubeconfig_and_may_be_repeated(bench: Bench) -> None:
    for _ in range(2):
        assert bench.playbooks.run(bench.folder, extra={"address_web-1": "127.0.0.1"}).startswith("1 host: ")
    assert "Config" in (bench.folder / "artifacts" / "admin.conf").read_text()


def test_a_failed_task_is_named_with_its_host(bench: Bench) -> None:
    told = refusal(bench, "task")
    assert "task `Fail` on `web-1`: it fails" in told.message
    assert "run this again" in told.remedy


def test_a_host_that_does_not_answer_is_named_with_what_to_look_at(bench: Bench) -> None:
    told = refusal(bench, "unreachable")
    assert "could not reach web-1 by SSH" in told.message
    assert "key" in told.remedy


def test_collections_that_cannot_be_fetched_are_told_with_the_command(bench: Bench) -> None:
    told = refusal(bench, "collections")
    assert "ansible-galaxy could not install the collections" in told.message
    assert "ansible-galaxy collection install -r requirements.yml -p collections" in told.remedy


def test_a_missing_program_is_told_with_how_to_get_it(bench: Bench) -> None:
    playbooks = bench.playbooks
    if isinstance(playbooks, AnsiblePlaybooks):
        bench = replace(bench, playbooks=AnsiblePlaybooks(redact=str, ours={"PATH": "/nowhere"}))
    told = refusal(bench, "missing")
    assert "not installed" in told.message
    assert "ansible-core" in told.remedy
