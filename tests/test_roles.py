"""The printed roles: the emulator uses exactly these, they are enough to read and to apply, and no word is left over."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml

from bot.capacity.headroom import headroom
from bot.checks.preflight.tests import preflight
from bot.edges.github.installation_token import WRITING
from bot.edges.kubectl import role as delivery
from bot.edges.kubernetes import inventory as kubernetes
from bot.edges.kubernetes.calls import Source
from bot.emulators.github.state import JOB
from bot.emulators.proxmox import ProxmoxEmulator
from bot.emulators.proxmox.presets import apply_grants, backup_grants, ha_grants
from bot.model.config import Config, Defaults
from bot.model.plan import Plan
from bot.model.wishes import Wishes
from bot.planning.infrastructure.plan import plan_wishes
from bot.roles import (
    BOT_TOKEN,
    JOB_TOKEN,
    MAJORS,
    SURVEY_YAML,
    apply_roles,
    cluster_roles,
    guest_privileges,
    roles_text,
    survey_privileges,
)
from tests.edges.proxmox_kit import inventory, served
from tests.emulators import test_proxmox_roles as scenario
from tests.emulators.proxmox_client import Client
from tests.planning.wishing import machine
from tests.realparts.provider_scene import cluster

TOKENS = {f"{name}@pve!ai-provision": f"00000000-0000-4000-8000-{name:0>12}" for name in ("survey", "apply")}
WORDS = {
    "POOL": "shop", "TEMPLATE": "9001", "DISKS": "local-lvm", "ZONE": "localnetwork", "IMAGES": "nas", "NODE": "pve1",
    "MAPPING": "gpu", "BACKUPS": "nas",
}  # fmt: skip
VERSIONS = {9: "9.2.3", 8: "8.4.5"}


@pytest.mark.parametrize("major", MAJORS)
def test_the_emulator_gives_exactly_these_privileges(major: int) -> None:
    grants = apply_grants(
        pool="POOL", templates=(1,), stores=("DISKS",), images=("IMAGES",), zones=("ZONE",), nodes=("NODE",),
        major=major,
    )  # fmt: skip
    given = {one.path.replace("/vms/1", "/vms/TEMPLATE"): set(one.privileges) for one in grants}
    roles = {role.path: set(role.privileges) for role in apply_roles(major) if role.name != "AiProvisionDevice"}
    assert roles == given
    assert len(set().union(*roles.values())) == 20


def test_the_emulators_opt_ins_are_these() -> None:
    given = [(one.path, set(one.privileges)) for one in (*ha_grants(), *backup_grants("BACKUPS"))]
    roles = {role.name: (role.path, set(role.privileges)) for role in cluster_roles(9)}
    assert [roles[name] for name in ("AiProvisionHA", "AiProvisionBackup", "AiProvisionBackupStore")] == given


def test_version_8_has_the_right_to_monitor_in_place_of_the_agents() -> None:
    assert set(guest_privileges(9)) ^ set(guest_privileges(8)) == {"VM.GuestAgent.Audit", "VM.Monitor"}
    assert set(survey_privileges(9)) ^ set(survey_privileges(8)) == {"VM.GuestAgent.Audit", "VM.Monitor"}
    text = roles_text(8)
    assert "GuestAgent" not in text
    assert "PVEAuditor" not in text
    assert "VM.Replicate" not in text


def test_nothing_that_hands_out_rights_is_ever_printed() -> None:
    words = set(re.findall(r"[A-Z][A-Za-z]+(?:\.[A-Za-z]+)+", roles_text()))
    assert {"VM.Allocate", "Sys.Console"} <= words
    assert {"Permissions.Modify", "Realm.Allocate", "User.Modify", "Sys.Incoming", "Sys.PowerMgmt"}.isdisjoint(words)


def commands(major: int) -> list[list[str]]:
    """The lines that a person pastes, with the words in capitals replaced."""
    lines = [line for line in roles_text(major).splitlines() if line.startswith("pveum")]
    for word, name in WORDS.items():
        lines = [re.sub(rf"\b{word}\b", name, line) for line in lines]
    return [shlex.split(line) for line in lines]


def pasted(state: dict[str, Any], major: int, *, less: str = "") -> dict[str, Any]:
    """The state after the commands, without one role. Any other command fails the test."""
    rights = {"PVEAuditor": survey_privileges(9)}
    for words in commands(major):
        match words:
            case ["pveum", "role", "add", name, "--privs", privileges]:
                assert name not in rights
                rights[name] = tuple(privileges.split())
            case ["pveum", "user", "add", user]:
                state["access/users"].append({"userid": user, "enable": 1, "tokens": []})
            case ["pveum", "user", "token", "add", user, name, "--privsep", "1"]:
                row = next(row for row in state["access/users"] if row["userid"] == user)
                row["tokens"].append({"tokenid": name, "privsep": 1})
            case ["pveum", "acl", "modify", path, kind, who, "--roles", name, "--propagate", "1"]:
                assert name in rights
                if name != less:
                    entry = {"--users": "user", "--tokens": "token"}[kind]
                    state["access/acl"].append(
                        {"path": path, "roleid": name, "type": entry, "ugid": who, "propagate": 1}
                    )
            case _:
                pytest.fail(f"no command that Proxmox VE knows: {words}")
    known = {row["roleid"] for row in state["access/roles"]}
    state["access/roles"] += [
        {"roleid": name, "privs": ",".join(privileges)} for name, privileges in rights.items() if name not in known
    ]
    return state


def house(major: int, *, less: str = "") -> ProxmoxEmulator:
    return ProxmoxEmulator(pasted(cluster(), major, less=less), tokens=TOKENS, version=VERSIONS[major])


def secret(name: str) -> str:
    token = f"{name}@pve!ai-provision"
    return f"{token}={TOKENS[token]}"


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("who", ["survey", "apply"])
def test_under_the_printed_roles_the_reading_misses_nothing(who: str, major: int) -> None:
    """The apply token reads as well as the survey's: an ACL on a deeper path takes nothing away."""
    with served(house(major).app) as url:
        taken = inventory(url, token=secret(who)).read()
        whole = inventory(url, token=secret("survey")).read()
    assert [gap for gap in taken.missing if gap.code == "proxmox-auth"] == []
    bare = {"proxmox": None, "taken_at": None}
    assert taken.model_copy(update=bare) == whole.model_copy(update=bare)
    assert taken.proxmox is not None
    assert whole.proxmox is not None
    assert taken.proxmox.guests == whole.proxmox.guests


@pytest.mark.parametrize("major", MAJORS)
def test_under_the_printed_roles_the_preflight_passes_and_the_apply_works(major: int) -> None:
    config = Config(defaults=Defaults(template_id=9001, pool="shop", bridge="vmbr0", datastore="local-lvm"))
    with served(house(major).app) as url:
        taken = inventory(url, token=secret("apply")).read()
        made = plan_wishes(
            Wishes(name="shop", environment="dev", machines=(machine("web"),)),
            snapshot=taken, headroom=headroom(taken, config), config=config,
        )  # fmt: skip
        assert isinstance(made, Plan), made
        done = preflight(made, snapshot=taken, headroom=headroom(taken, config), config=config)
        assert done.stopping == ()
        [rights] = [check for check in done.checks if check.name == "privileges"]
        assert rights.state == "passed"
        scenario.apply(Client(url, secret("apply")))


@pytest.mark.parametrize("role", ["AiProvisionGuests", "AiProvisionTemplate", "AiProvisionDisks", "AiProvisionNetwork"])
def test_a_role_that_was_not_given_is_missed_by_the_preflight(role: str) -> None:
    config = Config(defaults=Defaults(template_id=9001, pool="shop", bridge="vmbr0", datastore="local-lvm"))
    with served(house(9).app) as url:
        whole = inventory(url, token=secret("apply")).read()
    made = plan_wishes(
        Wishes(name="shop", environment="dev", machines=(machine("web"),)),
        snapshot=whole, headroom=headroom(whole, config), config=config,
    )  # fmt: skip
    assert isinstance(made, Plan), made
    with served(house(9, less=role).app) as url:
        taken = inventory(url, token=secret("apply")).read()
    done = preflight(made, snapshot=taken, headroom=headroom(taken, config), config=config)
    [rights] = [check for check in done.checks if check.name == "privileges"]
    assert rights.state == "failed"


def test_the_survey_of_kubernetes_lists_what_is_read_and_no_more() -> None:
    role, binding = yaml.safe_load_all(SURVEY_YAML)
    given = {
        (group, resource) for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]
    }
    lists = [one for one in vars(kubernetes).values() if isinstance(one, Source) and one.verb == "list"]
    assert given == {(one.group, one.resource) for one in lists} | {("", "events")}
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list"}
    assert {subject["name"] for subject in binding["subjects"]} == {"ai-provision-survey", delivery.USER}
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_the_text_holds_yaml_that_kubectl_takes() -> None:
    text = roles_text(9, kubernetes_apply="kind: ClusterRole\nmetadata:\n  name: mine\n")
    blocks = re.findall(r"kubectl apply -f - <<'YAML'\n(.*?)\nYAML\n", text, re.DOTALL)
    kinds = [document["kind"] for block in blocks for document in yaml.safe_load_all(block)]
    assert kinds == ["ClusterRole", "ClusterRoleBinding", "ClusterRole"]
    assert roles_text(9).count("kubectl apply") == 1


def test_the_rights_at_github_are_those_of_the_product() -> None:
    assert BOT_TOKEN == WRITING
    assert {name.replace("-", "_"): level for name, level in JOB_TOKEN.items()} | {"metadata": "read"} == JOB
    assert {"workflows", "actions", "id-token"}.isdisjoint(JOB_TOKEN)
