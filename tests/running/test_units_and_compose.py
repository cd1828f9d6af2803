"""The systemd units and the compose files: well-formed, hardened, and with settings that exist."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.settings import Settings
from tests.running.deployed import DEPLOY, settings_named, unit

SYSTEMD = DEPLOY / "systemd"
UNITS = ("ai-provision.service", "ai-provision-worker@.service")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
REQUIRED = {
    "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
    "PrivateTmp": "yes", "PrivateDevices": "yes", "ProtectKernelTunables": "yes", "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes", "RestrictNamespaces": "yes", "RestrictSUIDSGID": "yes", "LockPersonality": "yes",
    "CapabilityBoundingSet": "", "SystemCallFilter": "@system-service", "SystemCallArchitectures": "native",
    "UMask": "0077", "StateDirectoryMode": "0700", "KillSignal": "SIGTERM", "KillMode": "mixed",
    "EnvironmentFile": "/etc/ai-provision/settings.env", "Restart": "on-failure",
}  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_hardened_and_bounded(name: str) -> None:
    keys = unit(SYSTEMD / name)
    assert {key: keys.get(key) for key in REQUIRED} == {key: [value] for key, value in REQUIRED.items()}
    assert {"MemoryMax", "TasksMax", "LimitNOFILE"} <= set(keys)
    assert int(keys["TimeoutStopSec"][0]) > 60
    assert keys["StateDirectory"][0].startswith("ai-provision")


def test_the_units_start_verbs_that_exist() -> None:
    started = [unit(SYSTEMD / name)["ExecStart"][0].split()[1] for name in UNITS]
    assert started == ["serve", "worker"]


def test_a_worker_has_an_id_of_its_own_and_no_file_of_its_own() -> None:
    environment = dict(value.split("=", 1) for value in unit(SYSTEMD / UNITS[1])["Environment"])
    assert "%i" in environment["AI_PROVISION_EXECUTOR_ID"]
    assert environment["AI_PROVISION_DATABASE_URL"].startswith("postgresql://not-set.invalid/")


def test_the_app_key_is_a_credential_and_no_variable() -> None:
    keys = unit(SYSTEMD / "github-app.conf")
    [credential] = keys["LoadCredential"]
    assert keys["Environment"] == [f"AI_PROVISION_GITHUB_PRIVATE_KEY=%d/{credential.split(':')[0]}"]


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault(name: str, tmp_path: Path) -> None:
    """Where systemd is installed its own checker reads the unit; everywhere each key is one that it knows."""
    text = (SYSTEMD / name).read_text()
    tool = shutil.which("systemd-analyze")
    if tool is None:
        assert {line.partition("=")[0] for line in text.splitlines() if "=" in line and line[0] not in "#["} <= KNOWN
        return
    path = tmp_path / name.replace("@.", "@1.")
    path.write_text(text.replace("/opt/ai-provision/bin/ai-provision", sys.executable))
    drop_in = tmp_path / f"{path.name}.d"
    drop_in.mkdir()
    (drop_in / "github-app.conf").write_text((SYSTEMD / "github-app.conf").read_text())
    done = subprocess.run([tool, "verify", str(path)], check=False, capture_output=True, text=True, timeout=60)
    assert [line for line in done.stderr.splitlines() if path.name in line or "Unknown" in line] == []
    assert done.returncode == 0, done.stderr


KNOWN = {
    *REQUIRED,
    "Description", "Wants", "After", "StartLimitIntervalSec", "StartLimitBurst", "Type", "ExecStart", "RestartSec",
    "TimeoutStopSec", "Environment", "StateDirectory", "WorkingDirectory", "MemoryMax", "TasksMax", "LimitNOFILE",
    "AmbientCapabilities", "ProtectClock", "ProtectHostname", "ProtectKernelLogs", "ProtectProc", "PrivateUsers",
    "RemoveIPC", "RestrictAddressFamilies", "RestrictRealtime", "SystemCallErrorNumber", "WantedBy",
}  # fmt: skip


@pytest.mark.parametrize("name", ["compose.yaml", "compose.github-app.yaml"])
def test_compose_files_follow_the_specification(name: str) -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [tool, "--builtin-schema", "vendor.compose-spec", DEPLOY / name],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_opens_one_port_on_this_computer_alone() -> None:
    assert [port for service in COMPOSE["services"].values() for port in service.get("ports", ())] == [
        "127.0.0.1:8080:8080"
    ]
    assert COMPOSE["services"]["postgres"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("service", ["bot", "worker"])
def test_compose_keeps_the_bot_in_its_place(service: str) -> None:
    found = COMPOSE["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "tmpfs", "volumes"} <= set(found)
    assert int(found["stop_grace_period"].removesuffix("s")) > 65
    assert found["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert found["environment"]["AI_PROVISION_DATABASE_URL"].startswith("postgresql://")


def test_compose_workers_have_different_ids_and_postgres_its_password_from_a_file() -> None:
    services = COMPOSE["services"]
    ids = [services[name]["environment"]["AI_PROVISION_EXECUTOR_ID"] for name in ("bot", "worker")]
    assert len(set(ids)) == 2
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password"
    assert services["postgres"]["image"].partition(":")[2][0].isdigit()


def test_every_setting_in_deploy_exists() -> None:
    known = {
        name
        for field in Settings.model_fields.values()
        for name in field.validation_alias.choices  # type: ignore[union-attr]
    }
    named = set(settings_named())
    assert len(named) > 20
    assert {(path, name) for path, name in named if name not in known} == set()
