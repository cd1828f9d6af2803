"""Machines and clusters of every kind: golden, known to the provider, and safe against its traps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.checks.check import check
from bot.errors import Refused
from bot.model.changes import ChangeSet
from bot.model.plan import Backup, ClusterPlan, DataDisk, Firewall, Nic, Source
from bot.model.quantity import Bytes
from tests.rendering.bundles import compare_with_golden, data, names, text
from tests.rendering.machine_scenes import KINDS, available, cluster, planned, postgresql, vm, web
from tests.rendering.test_terraform_files import TERRAFORM, run, write

VALUES = "terraform/app.auto.tfvars.json"


def one(**fields: Any) -> ChangeSet:
    return planned("x", "one machine", (vm("m", 101, **fields),)).render()


def values(changes: ChangeSet, name: str = "m") -> dict[str, Any]:
    machine = data(changes, VALUES)["machines"][name]
    assert isinstance(machine, dict)
    return machine


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_golden(kind: str) -> None:
    compare_with_golden(kind, KINDS[kind]().render())


@pytest.mark.parametrize("kind", KINDS)
def test_no_check_has_anything_to_say(kind: str) -> None:
    nouns = KINDS[kind]()
    assert check(nouns.render(), plan=nouns.plan, config=nouns.config) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_same_input_same_bytes(kind: str) -> None:
    assert KINDS[kind]().render() == KINDS[kind]().render()


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed; the golden bundles were formatted by it")
def test_every_kind_is_formatted(tmp_path: Path) -> None:
    for name, kind in KINDS.items():
        write(kind().render(), tmp_path / name)
    done = run("fmt", "-check", "-diff", "-recursive", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
@pytest.mark.parametrize("kind", ["machines-ha-rules", "cluster-ha", "machine-two-nics", "machine-postgresql"])
def test_terraform_reads_the_values_into_the_declared_types(kind: str, tmp_path: Path) -> None:
    nouns = KINDS[kind]()
    write(nouns.render(), tmp_path)
    folder = tmp_path / nouns.root / "terraform"
    for file in folder.glob("*.tf"):
        if file.name != "variables.tf":
            file.unlink()
    wanted = sorted(set(data(nouns.render(), VALUES)))
    echo = "\n".join(f'output "{name}" {{\n  value = var.{name}\n}}' for name in wanted)
    (folder / "echo.tf").write_text(echo)
    done = run("apply", "-auto-approve", "-no-color", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "undeclared" not in done.stdout + done.stderr
    read = json.loads(run("output", "-json", cwd=folder).stdout)
    assert sorted(read) == wanted
    for name, machine in data(nouns.render(), VALUES)["machines"].items():
        kept = read["machines"]["value"][name]
        assert {key: kept[key] for key in machine if key not in {"addresses", "nics", "data_disks"}} == {
            key: machine[key] for key in machine if key not in {"addresses", "nics", "data_disks"}
        }


def test_a_cluster_has_a_folder_of_its_own() -> None:
    changes = cluster().render()
    assert changes.root == "clusters/ha"
    assert "terraform/main.tf" in names(changes)
    assert not [name for name in names(changes) if name.startswith("kubernetes/")]
    assert data(changes, VALUES)["clusters"]["ha"]["endpoint"] == "10.20.0.1"
    assert 'output "clusters"' in text(changes, "terraform/outputs.tf")


def test_each_machine_of_a_cluster_knows_its_part_and_asks_for_no_right_on_the_whole_cluster() -> None:
    changes = cluster().render()
    parts = {name: values(changes, name)["part"] for name in ("ha-control-plane-1", "ha-worker-1")}
    assert parts == {"ha-control-plane-1": "control-plane", "ha-worker-1": "worker"}
    assert 'dynamic "startup"' not in text(changes, "terraform/main.tf")  # it needs Sys.Modify on /


def test_each_interface_has_its_own_configuration_in_order() -> None:
    nics = (
        Nic(bridge="vmbr0"),
        Nic(bridge="vmbr1", vlan=40),
        Nic(bridge="vmbr1", vlan=41, address="2001:db8::7/64", gateway="2001:db8::1"),
        Nic(bridge="vmbr2", address="dhcp"),
        Nic(bridge="vmbr3"),
    )
    made = values(one(nics=nics, address="10.0.0.5/24", gateway="10.0.0.1"))
    assert made["addresses"] == [
        {"ipv4": {"address": "10.0.0.5/24", "gateway": "10.0.0.1"}},
        {},
        {"ipv6": {"address": "2001:db8::7/64", "gateway": "2001:db8::1"}},
        {"ipv4": {"address": "dhcp"}},
    ]
    assert [nic["bridge"] for nic in made["nics"]] == ["vmbr0", "vmbr1", "vmbr1", "vmbr2", "vmbr3"]
    assert [nic.get("vlan_id") for nic in made["nics"]] == [None, 40, 41, None, None]


def test_a_leased_address_names_no_gateway() -> None:
    assert values(one(address="dhcp", gateway="10.0.0.1"))["addresses"] == [{"ipv4": {"address": "dhcp"}}]


def test_a_leased_address_is_reported_where_somebody_can_tell_it() -> None:
    told = one(address="dhcp", gateway=None, agent=True)
    silent = one(address="dhcp", gateway=None, agent=False)
    assert "leased_addresses" in text(told, "terraform/outputs.tf")
    assert "leased_addresses" not in text(silent, "terraform/outputs.tf")


def test_trap_parallel_clones_are_retried() -> None:
    main = text(one(), "terraform/main.tf")
    assert re.search(r"retries\s+= 5", main)
    assert "-parallelism=2" in text(one(), "README.md")


def test_trap_a_missing_agent_is_not_waited_for() -> None:
    assert values(one())["agent"] is False
    assert values(one(agent=True))["agent"] is True
    assert 'timeout = "5m"' in text(one(), "terraform/main.tf")


def test_trap_every_argument_of_a_cloned_disk_is_stated() -> None:
    blocks = re.findall(
        r"(?:disk|content) \{\n(?:[^}]*interface    =[^}]*)\}", text(postgresql().render(), "terraform/main.tf")
    )
    assert len(blocks) == 2
    for block in blocks:
        for argument in ("size", "aio", "backup", "cache", "discard", "iothread", "replicate", "ssd"):
            assert re.search(rf"\b{argument}\s+=", block), argument


def test_trap_a_template_on_another_node_is_named() -> None:
    assert values(one(template_node="pve3"))["template_node"] == "pve3"


def test_trap_destroying_takes_the_running_machine_and_its_disks() -> None:
    main = text(one(), "terraform/main.tf")
    assert re.search(r"stop_on_destroy\s+= true", main)
    assert re.search(r"purge_on_destroy\s+= true", main)


def test_trap_ha_moves_are_not_undone() -> None:
    main = text(available("rules").render(), "terraform/main.tf")
    assert len(re.findall(r"ignore_changes\s+= \[clone, node_name\]", main)) == 2
    assert "node_name]" not in text(one(), "terraform/main.tf")


def test_PVE_9_has_rules_and_no_groups() -> None:  # noqa: N802  # a product's name
    changes = available("rules").render()
    ha = text(changes, "terraform/ha.tf")
    assert "proxmox_hagroup" not in ha
    assert "group " not in ha
    assert ha.count('resource "proxmox_harule"') == 2
    assert data(changes, VALUES)["ha"] == {
        "nodes": {"api-pve2-pve3": {"machines": ["store"], "nodes": {"pve2": 1, "pve3": 1}, "strict": True}},
        "apart": {"api-apart-1": ["api-1", "api-2"]},
    }


def test_PVE_8_has_groups_and_no_rules() -> None:  # noqa: N802  # a product's name
    changes = available("groups").render()
    ha = text(changes, "terraform/ha.tf")
    assert "proxmox_harule" not in ha
    assert 'resource "proxmox_hagroup"' in ha
    made = data(changes, VALUES)["ha"]
    assert made["apart"] == {}
    assert {name: group["strict"] for name, group in made["nodes"].items()} == {
        "api-pve1": False,
        "api-pve2": False,
        "api-pve2-pve3": True,
    }


def test_no_high_availability_where_the_cluster_has_none() -> None:
    changes = available("none").render()
    assert "terraform/ha.tf" not in names(changes)
    assert "ha" not in data(changes, VALUES)


def test_equal_machines_on_one_node_are_not_forced_apart() -> None:
    machines = tuple(vm(f"a-{i}", 100 + i, ha=True) for i in (1, 2))
    made = data(planned("a", "two", machines, ha="rules").render(), VALUES)["ha"]
    assert made == {"nodes": {}, "apart": {}}


def test_what_concerns_the_cluster_has_a_token_of_its_own() -> None:
    for changes in (available("rules").render(), postgresql().render()):
        assert "ephemeral   = true" in text(changes, "terraform/variables.tf")
        assert "api_token = var.cluster_api_token" in text(changes, "terraform/versions.tf")
        assert 'required_version = ">= 1.10.0' in text(changes, "terraform/versions.tf")
        assert "TF_VAR_cluster_api_token" in text(changes, "README.md")
    assert "cluster_api_token" not in "".join(file.content for file in web().render().files)


def test_a_replicated_machine_s_copy_may_turn_round_under_ha() -> None:
    copies = text(available("rules").render(), "terraform/replication.tf")
    assert 'resource "proxmox_replication" "ha"' in copies
    assert "ignore_changes = [target]" in copies
    fixed = text(one(replicate_to="pve2"), "terraform/replication.tf")
    assert 'resource "proxmox_replication" "fixed"' in fixed
    assert "ignore_changes" not in fixed


def test_the_firewall_lets_in_ssh_and_the_ports_and_closes_last() -> None:
    changes = one(firewall=Firewall(ports=(443, 80)))
    assert values(changes)["firewall_ports"] == [80, 443]
    rules = text(changes, "terraform/firewall.tf")
    assert "concat([22], each.value.firewall_ports)" in rules
    assert "depends_on = [proxmox_virtual_environment_firewall_rules.guest]" in rules
    assert "terraform/firewall.tf" not in names(one())


def test_a_firewall_without_ports_still_lets_in_ssh() -> None:
    changes = one(firewall=Firewall())
    assert values(changes)["firewall_ports"] == []
    assert "terraform/firewall.tf" in names(changes)


def test_trap_existing_firewall_rules_are_left_alone() -> None:
    assert "terraform/firewall.tf" not in names(one(firewall=Firewall(ports=(80,)), adopted=True))


def test_a_backup_job_needs_a_datastore_and_a_machine() -> None:
    job = Backup(datastore="backups", schedule="sat 03:00", keep_last=3)
    made = planned("x", "one", (vm("m", 101, backup=True),), backup=job).render()
    assert data(made, VALUES)["backup"] == {"datastore": "backups", "keep_last": 3, "schedule": "sat 03:00"}
    assert "terraform/backup.tf" not in names(planned("x", "one", (vm("m", 101),), backup=job).render())
    without = one(backup=True)
    assert "terraform/backup.tf" not in names(without)
    assert "no datastore for backups is configured" in text(without, "README.md")


def test_an_adopted_machine_is_imported_protected_and_left_as_it_is() -> None:
    changes = KINDS["machines-adopted"]().render()
    assert 'id = "pve1/160"' in text(changes, "terraform/imports.tf")
    assert 'id = "pve1/162"' not in text(changes, "terraform/imports.tf")
    adopted = text(changes, "terraform/main.tf").split('"adopted"')[1].split("\nresource ")[0]
    assert "prevent_destroy = true" in adopted
    assert "initialization {" not in adopted
    assert "template_id" not in values(changes, "legacy")
    assert "leaves disks" in text(changes, "README.md")


def test_no_image_is_downloaded_for_an_adopted_machine() -> None:
    changes = one(source=Source(image="https://x.example/a.img"), adopted=True)
    assert "images" not in data(changes, VALUES)


def test_an_installer_boots_until_the_disk_can() -> None:
    changes = one(source=Source(iso_image="local:iso/talos.iso"))
    assert '["scsi0", "ide3"]' in text(changes, "terraform/main.tf")
    assert values(changes)["iso"] == "local:iso/talos.iso"


def test_a_device_is_passed_through_by_mapping() -> None:
    changes = one(pci_mapping="a100")
    main = text(changes, "terraform/main.tf")
    assert "mapping = hostpci.value" in main
    assert '"q35"' in main
    assert values(changes)["pci_mapping"] == "a100"
    assert "hostpci" not in text(one(), "terraform/main.tf")


def moves(**fields: Any) -> list[tuple[str, str]]:
    found = re.findall(
        r'from = \S+\.(\w+)\["m"\]\n  to   = \S+\.(\w+)\["m"\]', text(one(**fields), "terraform/moved.tf")
    )
    return [(str(source), str(target)) for source, target in found]


DISK = (DataDisk(size=Bytes.of_gib(10), datastore="d"),)


@pytest.mark.parametrize("fields", [{}, {"ha": True}, {"data_disks": DISK}, {"ha": True, "data_disks": DISK}])
def test_a_machine_keeps_its_place_in_the_state(fields: dict[str, Any]) -> None:
    chain = moves(**fields)
    sources = [source for source, _ in chain]
    targets = [target for _, target in chain]
    assert len(set(sources)) == len(sources)
    assert len(set(targets)) == len(targets)
    assert targets[:-1] == sources[1:]
    own = ("stateful" if "data_disks" in fields else "stateless") + ("_ha" if "ha" in fields else "")
    assert targets[-1] == own
    assert own not in sources


@pytest.mark.parametrize("ha", [False, True])
def test_data_is_never_moved_out_of_protection(ha: bool) -> None:  # a parameter of the test
    assert not [source for source, _ in moves(ha=ha) if source.startswith("stateful")]


def test_only_what_terraform_takes_no_variable_for_stands_in_the_files() -> None:
    hostile = 'x" ${file("/etc/passwd")}'
    changes = one(role=hostile, tags=(hostile,), pool=hostile, settings={"a": hostile}, adopted=True, node=hostile)
    for file in changes.files:
        if file.path.endswith(".tf") and not file.path.endswith("imports.tf"):
            assert "passwd" not in file.content
    assert 'id = "x\\" $${file(\\"/etc/passwd\\")}/101"' in text(changes, "terraform/imports.tf")


def test_a_cluster_s_name_is_guarded() -> None:
    plan = ClusterPlan(
        name="../x", control_planes=1, workers=0, version="1.33.4", cni="flannel", pod_cidr="10.244.0.0/16", why="x"
    )
    with pytest.raises(Refused, match="cluster name"):
        planned("x", "one", (vm("m", 101),), clusters=(plan,)).render()


def test_telmate_is_not_offered() -> None:
    for kind in KINDS.values():
        assert not [file.path for file in kind().render().files if "elmate" in file.content]
