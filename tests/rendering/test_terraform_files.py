"""Terraform: formatted, typed, free of values, and the same data after Terraform has read it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.checks.check import check
from bot.model.changes import ChangeSet
from bot.model.cluster import ClusterSnapshot, Store
from bot.model.config import Config
from bot.model.plan import DataDisk, Machine, Nic, Source
from bot.model.quantity import Bytes
from tests.rendering.bundles import compare_with_golden, data, text
from tests.rendering.scenes import Nouns, database, supermarket

IMAGE = "https://cloud.example.org/releases/noble/ubuntu-24.04-server.img?x=1"
TEMPLATE = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
TERRAFORM = shutil.which("terraform")


def machine(number: int, **fields: Any) -> Machine:
    made = {"name": f"m{number}", "vm_id": 300 + number, "role": "cache", "serves": None, "settings": {}, **fields}
    return database(1).model_copy(update=made)


def container(number: int, **fields: Any) -> Machine:
    return machine(number, kind="container", source=Source(ct_template=TEMPLATE), data_disks=(), **fields)


CASES: dict[str, tuple[Machine, ...]] = {
    "clone-data": (database(1), database(2)),
    "clone": (machine(1, data_disks=()),),
    "image": (machine(1, source=Source(image=IMAGE)), machine(2, source=Source(image=IMAGE), node="pve2")),
    "volume": (machine(1, source=Source(image="local:import/debian-12.qcow2"), data_disks=()),),
    "iso": (machine(1, source=Source(iso_image="local:iso/talos.iso"), data_disks=()),),
    "ipv6": (machine(1, address="2001:db8::5/64", gateway="2001:db8::1"),),
    "both-families": (machine(1, address="2001:db8::5/64"), machine(2)),
    "dhcp": (machine(1, address="dhcp", gateway=None),),
    "container": (container(1),),
    "container-data": (
        machine(1, kind="container", source=Source(ct_template=TEMPLATE)),
        container(2, address="2001:db8::6/64", gateway=None),
    ),
    "container-clone": (machine(1, kind="container", data_disks=()), container(2)),
    "container-download": (container(1).model_copy(update={"source": Source(ct_template="https://x.example/a.tar.zst")}),),
    "everything": (
        database(1), machine(1, data_disks=()), machine(2, source=Source(image=IMAGE)), container(3),
        machine(4, kind="container"), machine(5, source=Source(iso_image="local:iso/a.iso"), address="2001:db8::5/64"),
    ),
    "no-nic": (machine(1, nics=(), pool=None, tags=()),),
}  # fmt: skip


def bundle(machines: tuple[Machine, ...]) -> tuple[Nouns, ChangeSet]:
    nouns = supermarket().with_plan(machines=machines)
    return nouns, nouns.render()


@pytest.mark.parametrize("machines", CASES.values(), ids=CASES)
def test_the_provider_knows_every_word(machines: tuple[Machine, ...]) -> None:
    nouns, changes = bundle(machines)
    blocks = [
        finding for finding in check(changes, plan=nouns.plan, config=nouns.config) if finding.severity == "block"
    ]
    assert blocks == []


def test_all_variants_are_golden() -> None:
    compare_with_golden("everything", bundle(CASES["everything"])[1])


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed; the golden bundle was formatted by it")
def test_every_variant_is_formatted(tmp_path: Path) -> None:
    for name, machines in CASES.items():
        write(bundle(machines)[1], tmp_path / name)
    done = run("fmt", "-check", "-diff", "-recursive", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_values_are_the_plan() -> None:
    values = data(supermarket().render(), "terraform/app.auto.tfvars.json")
    first = values["machines"]["supermarket-db-1"]
    assert first["vm_id"] == 201
    assert first["memory_mib"] == 32768
    assert first["disk_gib"] == 32
    assert first["data_disks"] == [{"datastore": "local-zfs", "interface": "scsi1", "size_gib": 64}]
    assert first["nics"] == [{"bridge": "vmbr0", "vlan_id": 30}]
    assert first["tags"] == ["ai-provision", "database", "production"]
    assert first["settings"] == {"shared_buffers": "8GB", "max_connections": "106"}
    assert values["dns"] == {"domain": "internal.example", "servers": ["10.20.0.1"]}


def test_data_is_protected_and_the_rest_is_not() -> None:
    main = text(bundle((database(1), machine(1, data_disks=())))[1], "terraform/main.tf")
    stateful, stateless = main.split('resource "proxmox_virtual_environment_vm" "stateless"')
    assert "prevent_destroy = true" in stateful
    assert "prevent_destroy" not in stateless
    assert "delete_unreferenced_disks_on_destroy = false" in stateful


def test_an_image_is_downloaded_once_for_each_node() -> None:
    values = data(bundle(CASES["image"])[1], "terraform/app.auto.tfvars.json")
    assert sorted(values["images"]) == ["pve1/ubuntu-24.04-server.img", "pve2/ubuntu-24.04-server.img"]
    download = values["images"]["pve1/ubuntu-24.04-server.img"]
    assert download["file_name"] == "ubuntu-24.04-server.qcow2"
    assert download["content_type"] == "import"
    assert values["machines"]["m1"]["image_key"] == "pve1/ubuntu-24.04-server.img"
    assert "image" not in values["machines"]["m1"]


@pytest.mark.parametrize(
    ("config", "stores", "expected"),
    [
        (None, (), "local"),
        (None, (("nas", ("import", "iso"), ("pve1",)), ("other", ("import",), ("pve9",))), "nas"),
        (None, (("nas", ("iso",), ("pve1",)),), "local"),
        ("images", (("nas", ("import",), ("pve1",)),), "images"),
    ],
    ids=["unknown", "store-with-content", "no-content", "config-file"],
)
def test_where_an_image_is_kept(config: str | None, stores: tuple[Any, ...], expected: str) -> None:
    kept = tuple(
        Store(name=name, system="proxmox", kind="nfs", content=content, nodes=nodes) for name, content, nodes in stores
    )
    nouns = supermarket().with_machine(source=Source(image=IMAGE)).changed(snapshot=ClusterSnapshot(stores=kept))
    nouns = nouns.changed(config=Config.model_validate({"defaults": {"image_datastore": config}}))
    (download,) = data(nouns.render(), "terraform/app.auto.tfvars.json")["images"].values()
    assert download["datastore"] == expected


def test_a_container_knows_its_system() -> None:
    values = data(bundle(CASES["container-data"])[1], "terraform/app.auto.tfvars.json")
    assert values["machines"]["m1"]["os_type"] == "debian"
    assert values["machines"]["m1"]["data_disks"] == [{"datastore": "local-zfs", "path": "/data", "size_gib": 64}]


def test_nothing_about_access_stands_in_the_files() -> None:
    changes = supermarket().render()
    versions = text(changes, "terraform/versions.tf")
    assert 'provider "proxmox" {}' in versions
    assert 'version = "~> 0.111.1"' in versions
    for word in ("insecure", "api_token", "password", "access_key"):
        assert all(word not in file.content for file in changes.files if file.path.endswith((".tf", ".tfvars.json")))


HOSTILE = (
    '${file("/etc/passwd")}', "%{ if true }x%{ endif }", "$${x}", "%%{x}", 'a"} b', "line\nbreak\r\n\tx", "\\u0041\\n",
    "EOT\n", "{{ .Values }}", "🛒 é 漢字", "\u202eabc\u2066", "null", "true", "0x10", "</script><!--", "\x00\x1f\x7f",
    "ud\U0010ffff", "a" * 5000, "'`$(id)`'", "# comment // */",
)  # fmt: skip


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_T19_free_text_comes_back_from_terraform_as_it_was(tmp_path: Path) -> None:  # noqa: N802  # the row's name
    settings = {f"s{index}": value for index, value in enumerate(HOSTILE)}
    hostile = database(1).model_copy(update={"role": "".join(HOSTILE), "tags": HOSTILE, "settings": settings})
    write(bundle((hostile,))[1], tmp_path)
    folder = tmp_path / "apps/supermarket-inventory/terraform"
    for needs_provider in ("main.tf", "versions.tf", "backend.tf", "moved.tf"):
        (folder / needs_provider).unlink()
    (folder / "echo.tf").write_text('output "echo" {\n  value = var.machines\n}\n')
    assert run("apply", "-auto-approve", "-no-color", cwd=folder).returncode == 0
    outputs = json.loads(run("output", "-json", cwd=folder).stdout)
    read = outputs["echo"]["value"]["supermarket-db-1"]
    assert read["role"] == "".join(HOSTILE)
    assert read["settings"] == settings
    assert sorted(read["tags"]) == sorted({*HOSTILE, "ai-provision"})
    assert outputs["settings"]["value"] == {"supermarket-db-1": settings}
    assert outputs["machines"]["value"]["supermarket-db-1"]["address"] == "10.20.0.11/24"


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_terraform_refuses_a_doubled_vm_id(tmp_path: Path) -> None:
    write(bundle((database(1), database(2).model_copy(update={"vm_id": 201})))[1], tmp_path)
    folder = tmp_path / "apps/supermarket-inventory/terraform"
    for needs_provider in ("main.tf", "versions.tf", "backend.tf", "moved.tf"):
        (folder / needs_provider).unlink()
    done = run("apply", "-auto-approve", "-no-color", cwd=folder)
    assert done.returncode == 1
    assert "Two machines share one vm_id" in done.stderr


def test_sizes_are_rounded_up() -> None:
    disks = (DataDisk(size=Bytes(64 * 1024**3 + 1), datastore="d"),)
    nouns = supermarket().with_machine(memory=Bytes(1024**2 + 1), data_disks=disks, nics=(Nic(bridge="vmbr0"),))
    made = data(nouns.render(), "terraform/app.auto.tfvars.json")["machines"]["supermarket-db-1"]
    assert made["memory_mib"] == 2
    assert made["data_disks"][0]["size_gib"] == 65
    assert made["nics"] == [{"bridge": "vmbr0"}]


def write(changes: ChangeSet, folder: Path) -> None:
    for file in changes.files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, "utf-8")


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    assert TERRAFORM is not None
    quiet = {"PATH": os.environ["PATH"], "HOME": str(cwd), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    return subprocess.run([TERRAFORM, *words], cwd=cwd, env=quiet, check=False, capture_output=True, text=True)
