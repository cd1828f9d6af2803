"""What the edge adds to the contract: where values go, what the programs may see, how a run is ended, what is told."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from bot.edges.ansible import AnsibleLimits, AnsiblePlaybooks
from bot.edges.ansible.environment import environment
from bot.edges.ansible.recap import failures, hosts, recap
from bot.errors import Broken, Refused

OUT = """
PLAY [Work] ****************

TASK [kubernetes/preinstall : Stop if memory is too small] ****************
ok: [a]
fatal: [b]: FAILED! => {"changed": false, "msg": "Assertion failed", "stderr": "too small"}
...ignoring

TASK [Fetch] ****************
fatal: [a -> localhost]: FAILED! => {"msg": "no route"}
failed: [b] (item=one) => {"ansible_loop_var": "item", "msg": "bad item"}
fatal: [c]: UNREACHABLE! => {"changed": false, "msg": "Permission denied (publickey)", "unreachable": true}

PLAY RECAP ****************
a                          : ok=3    changed=1    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
b                          : ok=2    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=1
"""
SHOW = """#!/bin/sh
env > "$PWD/environment"
printf '%s\\n' "$@" > "$PWD/arguments"
for each in "$@"; do case "$each" in @*) file="${each#@}"; cp -p "$file" "$PWD/values"; echo "$file" > "$PWD/where";; esac; done
"""


def program(folder: Path, text: str, name: str = "ansible-playbook") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def playbooks(tmp_path: Path, text: str, **fields: Any) -> AnsiblePlaybooks:
    program(tmp_path / "bin", text)
    ours = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", **fields.pop("ours", {})}
    return AnsiblePlaybooks(redact=lambda text: text.replace("hunter2", "[redacted]"), ours=ours, **fields)


def message(it: AnsiblePlaybooks, folder: Path, **extra: str) -> str:
    with pytest.raises(Refused) as told:
        it.run(folder, extra=extra)
    return told.value.refusal.message


def test_values_go_by_a_file_of_ours_alone_that_is_gone_afterwards(tmp_path: Path) -> None:
    extra = {"join_command": "kubeadm join a:6443 --token abc", "address_web-1": "10.0.0.1"}
    playbooks(tmp_path, SHOW).run(tmp_path, extra=extra)
    assert json.loads((tmp_path / "values").read_text()) == extra
    assert stat.S_IMODE((tmp_path / "values").stat().st_mode) == 0o600
    assert not Path((tmp_path / "where").read_text().strip()).exists()
    assert "abc" not in (tmp_path / "arguments").read_text()
    assert "abc" not in (tmp_path / "environment").read_text()


def test_a_name_that_is_none_is_a_defect_and_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        playbooks(tmp_path, SHOW).run(tmp_path, extra={"a b": "1"})
    assert not (tmp_path / "arguments").exists()


def test_secrets_and_switches_of_ours_stay_here(tmp_path: Path) -> None:
    ours = {
        "GITHUB_TOKEN": "x", "PROXMOX_VE_API_TOKEN": "x", "TF_VAR_a": "x", "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no", "ANSIBLE_CALLBACK_PLUGINS": "/tmp", "ANSIBLE_CONFIG": "/x",
        "SSH_AUTH_SOCK": "/run/agent", "ANSIBLE_PRIVATE_KEY_FILE": "/keys/id", "ANSIBLE_COLLECTIONS_PATH": "/shared",
    }  # fmt: skip
    seen = environment(ours, tmp_path)
    assert not {"GITHUB_TOKEN", "PROXMOX_VE_API_TOKEN", "TF_VAR_a", "ANSIBLE_SSH_ARGS"} & seen.keys()
    assert "ANSIBLE_CALLBACK_PLUGINS" not in seen
    assert seen["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert seen["ANSIBLE_CONFIG"] == str(tmp_path / "ansible.cfg")
    assert (seen["SSH_AUTH_SOCK"], seen["ANSIBLE_PRIVATE_KEY_FILE"]) == ("/run/agent", "/keys/id")
    assert seen["ANSIBLE_COLLECTIONS_PATH"] == f"{tmp_path / 'collections'}:/shared"


def test_the_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    text = "#!/bin/sh\ntrap '' INT TERM\nsleep 300 &\necho $! > child\nwait\nwait\nwait\n"
    limits = AnsibleLimits(playbook=0.3, patience=0.2, ending=0.2)
    begun = time.monotonic()
    assert "stopped by the time limit" in message(playbooks(tmp_path, text, limits=limits), tmp_path)
    assert time.monotonic() - begun < 20
    child = int((tmp_path / "child").read_text())
    assert _gone(child)


def _gone(process: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
                return True
            os.kill(process, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_a_request_to_stop_is_an_interrupt_that_says_to_run_again(tmp_path: Path) -> None:
    text = "#!/bin/sh\ntrap 'echo interrupted > told; exit 99' INT\nwhile :; do sleep 0.1; done\n"
    begun = time.monotonic()
    it = playbooks(tmp_path, text, asked=lambda: time.monotonic() - begun > 0.5)
    with pytest.raises(Refused) as told:
        it.run(tmp_path, extra={})
    assert "a request to stop" in told.value.refusal.message
    assert "Run this again" in told.value.refusal.remedy
    assert (tmp_path / "told").exists()


def test_much_output_is_read_in_part_and_the_end_counts(tmp_path: Path) -> None:
    text = "#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' x\necho\ncat <<'END'\n" + OUT + "END\nexit 2\n"
    told = message(playbooks(tmp_path, text, limits=AnsibleLimits(output=4096)), tmp_path)
    assert "could not reach c by SSH: Permission denied" in told
    assert len(told) < 1000


def test_secret_values_and_control_characters_are_left_out(tmp_path: Path) -> None:
    line = 'fatal: [a]: FAILED! => {"msg": "hunter2 \\u001b[31m kubeadm join a:6443 --token abc"}'
    text = f"#!/bin/sh\ncat <<'END'\nTASK [Join] ***\n{line}\nEND\nexit 2\n"
    told = message(playbooks(tmp_path, text), tmp_path, join_command="kubeadm join a:6443 --token abc")
    assert "hunter2" not in told
    assert "abc" not in told
    assert "\x1b" not in told
    assert told.count("[redacted]") == 2


def test_a_run_that_never_began_is_told_with_its_error(tmp_path: Path) -> None:
    text = "#!/bin/sh\necho 'ERROR! the role a.b was not found' >&2\nexit 4\n"
    assert "could not be run: the role a.b was not found" in message(playbooks(tmp_path, text), tmp_path)


def test_the_recap_and_the_failures_are_read() -> None:
    told = failures(OUT)
    assert [(each.task, each.host, each.unreachable) for each in told] == [
        ("Fetch", "a", False), ("Fetch", "b", False), ("Fetch", "c", True),
    ]  # fmt: skip
    assert [each.message for each in told] == ["no route", "bad item", "Permission denied (publickey)"]
    assert recap(hosts(OUT)) == "2 hosts: 5 tasks ok, 1 changed"


def galaxy(tmp_path: Path, version: str) -> tuple[AnsiblePlaybooks, Path]:
    it = playbooks(tmp_path, SHOW)
    program(tmp_path / "bin", '#!/bin/sh\nprintf "%s " "$@" >> "$PWD/fetched"\n', "ansible-galaxy")
    at = tmp_path / "collections" / "ansible_collections" / "kubernetes_sigs" / "kubespray"
    at.mkdir(parents=True)
    (at / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": version}}))
    (tmp_path / "requirements.yml").write_text(
        "collections:\n  - {name: https://github.com/kubernetes-sigs/kubespray.git, type: git, version: v2.31.0}\n"
    )
    return it, tmp_path / "fetched"


def test_collections_that_are_there_at_the_pinned_version_are_not_fetched(tmp_path: Path) -> None:
    it, fetched = galaxy(tmp_path, "2.31.0")
    it.run(tmp_path, extra={})
    assert not fetched.exists()


def test_a_collection_of_another_version_is_fetched_into_the_folder(tmp_path: Path) -> None:
    it, fetched = galaxy(tmp_path, "2.30.0")
    it.run(tmp_path, extra={})
    assert fetched.read_text() == "collection install -r requirements.yml -p collections "


def test_requirements_that_cannot_be_read_are_left_to_ansible_galaxy(tmp_path: Path) -> None:
    it, fetched = galaxy(tmp_path, "2.31.0")
    (tmp_path / "requirements.yml").write_text("collections: [\n")
    it.run(tmp_path, extra={})
    assert fetched.exists()
