"""What is read out of terraform's own words: actions, reasons, restarts, a digest, a masked diff, a failure's next step."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from bot.edges.terraform import PLAN_FILE, TerraformLimits, TerraformProgram
from bot.edges.terraform.environment import environment
from bot.edges.terraform.failures import Failed, trouble
from bot.edges.terraform.process import Ran
from bot.edges.terraform.reading import digest, planned, state_of
from bot.edges.terraform.wording import masked, shown
from bot.errors import BotError, Code, Refused, Unavailable

needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform on PATH")
VM = "proxmox_virtual_environment_vm"
LXC = "proxmox_virtual_environment_container"


def change(kind: str, actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    outer = {key: more.pop(key) for key in ("action_reason", "previous_address", "deposed") if key in more}
    return {
        "address": f"{kind}.web", "type": kind, "name": "web", **outer,
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}, **more},
    }  # fmt: skip


def plan(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"resource_changes": list(changes)}


@pytest.mark.parametrize(
    ("actions", "more", "action"),
    [
        (["no-op"], {}, "no-op"),
        (["no-op"], {"importing": {"id": "pve/1"}}, "import"),
        (["create"], {}, "create"),
        (["read"], {}, "read"),
        (["update"], {}, "update"),
        (["delete"], {}, "delete"),
        (["delete", "create"], {}, "replace"),
        (["create", "delete"], {}, "replace"),
        (["forget"], {}, "delete"),
    ],
)
def test_every_action_of_terraform_has_a_word(actions: list[str], more: dict[str, Any], action: str) -> None:
    (told,) = planned(plan(change(VM, actions, {"name": "web"}, {"name": "web"}, **more)))
    assert (told.action, told.name) == (action, "web")


def test_an_unknown_action_is_refused_and_not_passed_over() -> None:
    with pytest.raises(Refused) as told:
        planned(plan(change(VM, ["explode"], {}, {})))
    assert "explode" in told.value.refusal.message


def test_a_replacement_names_what_forces_it() -> None:
    paths = [["clone", 0, "vm_id"], ["node_name"], ["clone", 0, "vm_id"]]
    (told,) = planned(plan(change(VM, ["delete", "create"], {}, {}, replace_paths=paths)))
    assert told.because == ("clone[0].vm_id", "node_name")


@pytest.mark.parametrize(
    ("kind", "before", "after", "because", "reboots"),
    [
        (VM, {"cpu": [{"cores": 2}]}, {"cpu": [{"cores": 4}]}, ("cpu[0].cores",), True),
        (VM, {"memory": [{"dedicated": 1}]}, {"memory": [{"dedicated": 2}]}, ("memory[0].dedicated",), True),
        (VM, {"machine": "q35"}, {"machine": "pc"}, ("machine",), True),
        (VM, {"bios": "seabios"}, {"bios": "ovmf"}, ("bios",), True),
        (VM, {"network_device": [{"model": "e1000"}]}, {"network_device": [{"model": "virtio"}]},
         ("network_device[0].model",), True),
        (VM, {"network_device": [{"vlan_id": 1}]}, {"network_device": [{"vlan_id": 2}]},
         ("network_device[0].vlan_id",), False),
        (VM, {"disk": [{"size": 8}]}, {"disk": [{"size": 16}]}, ("disk[0].size",), False),
        (VM, {"disk": [{"aio": "native"}]}, {"disk": [{"aio": "io_uring"}]}, ("disk[0].aio",), True),
        (VM, {"tags": ["a"]}, {"tags": ["a", "b"]}, ("tags",), False),
        (VM, {"bios": "seabios", "started": False}, {"bios": "ovmf", "started": False}, ("bios",), False),
        (LXC, {"cpu": [{"cores": 1}]}, {"cpu": [{"cores": 2}]}, ("cpu[0].cores",), False),
        (LXC, {"memory": [{"dedicated": 1}]}, {"memory": [{"dedicated": 2}]}, ("memory[0].dedicated",), True),
        ("terraform_data", {"memory": 1}, {"memory": 2}, ("memory",), False),
    ],
)  # fmt: skip
def test_an_update_says_what_changes_and_whether_the_guest_restarts(
    kind: str, before: dict[str, Any], after: dict[str, Any], because: tuple[str, ...], reboots: bool
) -> None:
    (told,) = planned(plan(change(kind, ["update"], before, after)))
    assert (told.because, told.reboots) == (because, reboots)


def test_a_computed_attribute_is_no_reason_beside_a_real_one() -> None:
    given = change(VM, ["update"], {"bios": "a", "ipv4": ["1"]}, {"bios": "b"}, after_unknown={"ipv4": True})
    assert planned(plan(given))[0].because == ("bios",)


def test_the_digest_ignores_order_what_is_read_and_what_is_secret_and_sees_every_change() -> None:
    one = change(VM, ["create"], None, {"name": "web", "password": "x"}, after_sensitive={"password": True})
    idle = change(LXC, ["no-op"], {"uptime": 1}, {"uptime": 1})
    later = change(LXC, ["no-op"], {"uptime": 2}, {"uptime": 2})
    secret = change(VM, ["create"], None, {"password": "y", "name": "web"}, after_sensitive={"password": True})
    assert digest(plan(one, idle)) == digest(plan(later, secret))
    renamed = change(VM, ["create"], None, {"name": "web2", "password": "x"}, after_sensitive={"password": True})
    assert digest(plan(renamed)) != digest(plan(one))
    assert digest(plan(change(VM, ["delete"], {"name": "web"}, None))) != digest(plan())
    moved = change(VM, ["no-op"], {}, {}, previous_address="x.y")
    assert digest(plan(moved)) != digest(plan())


def test_a_deletion_has_one_digest_whatever_was_read_of_it() -> None:
    first, second = (plan(change(VM, ["delete"], {"name": "web", "uptime": each}, None)) for each in (1, 2))
    assert digest(first) == digest(second)


@pytest.mark.parametrize(
    "line",
    [
        '      + password = "hunter2"',
        '      ~ api_token     = "hunter2" -> "hunter2" # forces replacement',
        '          + "root_password" = "hunter2"',
        "            password: hunter2",
        '      + secret_values = [\n          + "hunter2",\n        ]',
        "      + private_key = <<-EOT\n            -----BEGIN\n\n            hunter2\n        EOT",
        '      + credentials = {\n          + a = {\n              + b = "hunter2"\n            }\n        }',
    ],
)  # fmt: skip
def test_a_value_under_a_secret_name_is_masked(line: str) -> None:
    told = masked(f'  + resource "x" "y" {{\n{line}\n      + size = 16\n    }}')
    assert "hunter2" not in told
    assert "+ size = 16" in told


def test_what_terraform_masked_itself_and_other_lines_stay() -> None:
    text = '      + password = (sensitive value)\n      + name     = "token-service"'
    assert masked(text) == text


def test_the_diff_is_redacted_cleaned_and_cut_at_a_line() -> None:
    text = "\x1b[1mone\x1b[0m \u202eleaked\n" + "two\n" * 50
    told, cut = shown(text, most=40, redact=lambda it: it.replace("leaked", "[redacted]"))
    assert told.startswith("one [redacted]\ntwo")
    assert cut
    assert len(told) <= 40
    assert told.endswith("two")


def test_the_environment_is_an_allow_list(tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text("")
    given = {
        "PATH": "/bin", "HOME": "/h", "GITHUB_TOKEN": "x", "AI_PROVISION_WEBHOOK_SECRET": "x", "TF_LOG": "trace",
        "TF_CLI_ARGS": "-lock=false", "TF_WORKSPACE": "w", "PROXMOX_VE_API_TOKEN": "t", "TF_VAR_a": "1", "AWS_REGION": "r",
        "PGHOST": "h", "KUBE_CONFIG_PATH": "k", "TF_HTTP_ADDRESS": "a", "https_proxy": "p", "TF_CLI_CONFIG_FILE": str(rc),
    }  # fmt: skip
    seen = environment(given)
    assert set(given) - set(seen) == {
        "GITHUB_TOKEN", "AI_PROVISION_WEBHOOK_SECRET", "TF_LOG", "TF_CLI_ARGS", "TF_WORKSPACE",
    }  # fmt: skip
    assert seen["TF_CLI_CONFIG_FILE"] == str(rc)
    assert "TF_CLI_CONFIG_FILE" not in environment({"TF_CLI_CONFIG_FILE": str(tmp_path / "none")})
    assert (seen["TF_IN_AUTOMATION"], seen["TF_INPUT"], seen["CHECKPOINT_DISABLE"]) == ("1", "0", "1")


def failure(err: str, *, out: str = "", step: str = "apply", code: int = 1) -> BotError:
    return trouble(Failed(Ran(code, out, err), step, "apps/shop/terraform", unsaved=False, redact=str))


@pytest.mark.parametrize(
    ("err", "code", "outage", "word"),
    [
        ("Error: error cloning VM: can't lock file '/var/lock/qemu-server/lock-9001.conf' - got timeout",
         Code.CONFLICT, True, "Run this again"),
        ("Error: Error acquiring the state lock\nAlready locked for workspace creation: default", Code.CONFLICT, False,
         "another database session"),
        ("Error: received an HTTP 401 response - Reason: No ticket", Code.PROXMOX_AUTH, False, "--print-roles"),
        ("Error: received an HTTP 403 response - Reason: Permission check failed (/vms/100, VM.Clone)",
         Code.PROXMOX_AUTH, False, "VM.Clone"),
        ("Error: failed to do: Get https://pve:8006/api2/json: tls: failed to verify certificate: x509: unknown authority",
         Code.TLS, False, "SSL_CERT_FILE"),
        ("Error: received an HTTP 595 response - Reason: No route to host", Code.CAPACITY, True, "goes on from there"),
        ("Error: Failed to query available provider packages\ncould not connect to registry", Code.CONFIG, True, "registry"),
        ("Error: error loading state: operation error S3: GetObject, StatusCode: 403, AccessDenied", Code.CONFIG, False,
         "credentials"),
        ("Error: Invalid value for disk", Code.CONFLICT, False, "goes on from there"),
    ],
)  # fmt: skip
def test_a_failure_has_its_code_and_its_next_step(err: str, code: Code, outage: bool, word: str) -> None:
    told = failure(err)
    assert isinstance(told, Unavailable if outage else Refused)
    assert told.refusal.code is code
    assert word in told.refusal.message + told.refusal.remedy


def test_a_long_message_is_cut_and_holds_no_address() -> None:
    told = failure("Error: odd https://user:pw@internal.host/x " + "word " * 500)
    assert isinstance(told, Refused)
    assert "internal.host" not in told.refusal.message
    assert len(told.refusal.message) < 900


def test_a_missing_terraform_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(Refused) as told:
        TerraformProgram(redact=str, ours={"PATH": str(tmp_path)}).plan(tmp_path)
    assert told.value.refusal.code is Code.CONFIG
    assert "Install terraform 1.5 or newer" in told.value.refusal.remedy


def imitation(folder: Path, script: str) -> TerraformProgram:
    program = folder / "imitation"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    limits = TerraformLimits(patience=0.2, ending=0.2, init=1.0, read=1.0, output=10_000)
    return TerraformProgram(redact=str, binary=str(program), limits=limits, ours=os.environ)


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("echo Terraform v1.4.7", "version 1.4"),
        ("echo hello", "does not tell"),
        ("echo Terraform v1.9.0; [ $1 = version ] || { trap '' INT TERM; sleep 30; }", "Stopped by the time limit"),
        (
            "echo Terraform v1.9.0; [ $1 = version ] || { yes | head -c 50000000; sleep 30; }",
            "Stopped by the limit on output",
        ),
    ],
    ids=["old", "odd", "deaf", "flood"],
)
def test_a_terraform_that_misbehaves_is_ended_and_said(tmp_path: Path, script: str, word: str) -> None:
    with pytest.raises(Refused) as told:
        imitation(tmp_path, script).plan(tmp_path)
    assert word in told.value.refusal.message


def test_a_file_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("odd")
    with pytest.raises(Refused) as told:
        state_of(tmp_path / "p")
    assert told.value.refusal.code is Code.CONFIG


@needs_terraform
def test_the_real_plan_is_private_masked_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'variable "password" {\n  type = string\n  sensitive = true\n  default = "hunter2-value"\n}\n'
        'resource "terraform_data" "a" {\n  input = { size = 1, admin_password = "hunter2-value", own = var.password }\n}\n'
    )
    told = TerraformProgram(redact=lambda it: it.replace("size", "SIZE"), ours=os.environ).plan(tmp_path)
    assert "hunter2" not in told.model_dump_json()
    assert "SIZE" in told.text
    assert not told.text_cut
    kept = tmp_path / PLAN_FILE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@needs_terraform
def test_a_configuration_that_is_wrong_is_refused_with_terraforms_reason(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "terraform_data" "a" {\n  input = var.none\n}\n')
    with pytest.raises(Refused) as told:
        TerraformProgram(redact=str, ours=os.environ).plan(tmp_path)
    assert told.value.refusal.code is Code.CONFIG
    assert "undeclared input variable" in told.value.refusal.message
    assert not (tmp_path / PLAN_FILE).exists()
