"""Each rule trips on a bad file and stays silent on the golden bundle."""

from __future__ import annotations

import re
from functools import lru_cache

import pytest

from bot.checks.check import check
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.config import Config
from bot.model.finding import Finding
from bot.model.plan import Storage
from bot.model.profile import Volume
from bot.model.quantity import Bytes
from tests.rendering.scenes import Nouns, supermarket

ROOT = "apps/supermarket-inventory"


@lru_cache(maxsize=1)
def good() -> tuple[Nouns, ChangeSet]:
    nouns = supermarket()
    return nouns, nouns.render()


def judged(changes: ChangeSet, *, config: Config | None = None) -> tuple[Finding, ...]:
    nouns, _ = good()
    return check(changes, plan=nouns.plan, config=config or nouns.config)


def replaced(path: str, old: str, new: str) -> ChangeSet:
    """The golden bundle with the first ``old`` of one file replaced; fails when it is not there."""
    changes = good()[1]
    text = changes.content(f"{ROOT}/{path}")
    assert text is not None
    assert old in text, f"{old!r} is not in {path}"
    return with_file(path, text.replace(old, new, 1))


def with_file(path: str, text: str) -> ChangeSet:
    """The golden bundle with one file added or exchanged."""
    files = {file.path: file.content for file in good()[1].files} | {f"{ROOT}/{path}": text}
    return ChangeSet(root=ROOT, files=tuple(RenderedFile(path=p, content=files[p]) for p in sorted(files)))


def without(path: str) -> ChangeSet:
    kept = tuple(file for file in good()[1].files if file.path != f"{ROOT}/{path}")
    assert len(kept) == len(good()[1].files) - 1
    return ChangeSet(root=ROOT, files=kept)


def test_the_golden_bundle_has_no_finding() -> None:
    assert judged(good()[1]) == ()


POD = "kubernetes/api-deployment.yaml"
WEB = "kubernetes/web-deployment.yaml"
MAIN = "terraform/main.tf"
SERVICE = "kubernetes/api-service.yaml"
TFVARS = "terraform/app.auto.tfvars.json"

BAD: list[tuple[str, str, str, str]] = [
    ("yaml-syntax", POD, "spec:\n", "spec: [\n"),
    ("yaml-syntax", POD, "---\n", "---\na: 1\n---\n"),
    ("yaml-ambiguous", POD, "apiVersion: apps/v1", "apiVersion: apps/v1\nx: yes"),
    ("yaml-ambiguous", POD, "apiVersion: apps/v1", "apiVersion: apps/v1\nx: 1e3"),
    ("yaml-ambiguous", POD, "apiVersion: apps/v1", "apiVersion: apps/v1\nx: 0o10"),
    ("yaml-ambiguous", POD, "kind: Deployment", "kind: Deployment\nkind: Deployment"),
    ("yaml-ambiguous", POD, "metadata:\n", "metadata: &m\n"),
    ("yaml-ambiguous", POD, "kind: Deployment", "kind: !!str Deployment"),
    ("yaml-ambiguous", POD, "/healthz", '"{{ env }}"'),
    ("json-syntax", "plan.json", "{", "{,"),
    ("terraform-syntax", MAIN, "{", "{{"),
    ("kubernetes-schema", POD, "serviceAccountName: api", "serviceAccountName: api\n      hostnetwork: true"),
    ("kubernetes-schema", POD, "containerPort: 8080", "containerPort: eighty"),
    ("kubernetes-kind", POD, "kind: Deployment", "kind: Deplyoment"),
    ("kubernetes-kind", POD, "apiVersion: apps/v1", "apiVersion: apps/v9"),
    ("forbidden-kind", POD, "kind: Deployment", "kind: DaemonSet"),
    ("kustomization", "kubernetes/kustomization.yaml", "  - api-hpa.yaml\n", ""),
    ("kustomization", "kubernetes/kustomization.yaml", "  - api-hpa.yaml", "  - ../../other/x.yaml"),
    ("kustomization", "kubernetes/kustomization.yaml", "kind:", "helmCharts: []\nkind:"),
    ("namespace", "kubernetes/kustomization.yaml", "namespace: supermarket-inventory", "namespace: kube-system"),
    ("namespace", "kubernetes/kustomization.yaml", "namespace: supermarket-inventory", "namespace: default"),
    ("namespace", "kubernetes/kustomization.yaml", "namespace: supermarket-inventory", 'namespace: "../x"'),
    ("namespace", POD, "  name: api\n", "  name: api\n  namespace: other\n"),
    ("name", POD, "  name: api\n", "  name: Foo_Bar\n"),
    ("name", "kubernetes/web-pdb.yaml", "  name: web\n", "  name: api\n"),
    ("replicas", WEB, "replicas: 3", "replicas: -5"),
    ("replicas", WEB, "replicas: 3", "replicas: 0"),
    ("replicas", WEB, "replicas: 3", "replicas: 51"),
    ("replicas", WEB, "replicas: 3\n", "paused: false\n"),
    ("replicas-beside-hpa", POD, "spec:\n", "spec:\n  replicas: 3\n"),
    ("hpa-target", "kubernetes/api-hpa.yaml", "    name: api", "    name: nobody"),
    ("hpa-target", "kubernetes/api-hpa.yaml", "averageUtilization: 65", "averageUtilization: 650"),
    ("hpa-bounds", "kubernetes/api-hpa.yaml", "minReplicas: 3", "minReplicas: 11"),
    ("hpa-bounds", "kubernetes/api-hpa.yaml", "maxReplicas: 10", "maxReplicas: 1000"),
    ("pdb", "kubernetes/api-pdb.yaml", "maxUnavailable: 1", "maxUnavailable: 0"),
    ("pdb", "kubernetes/api-pdb.yaml", "maxUnavailable: 1", "minAvailable: 3"),
    ("pdb", "kubernetes/api-pdb.yaml", "maxUnavailable: 1", "minAvailable: 1\n  maxUnavailable: 1"),
    ("selector", "kubernetes/api-pdb.yaml", "      app.kubernetes.io/name: api", "      app.kubernetes.io/name: none"),
    ("selector", SERVICE, "  selector:\n    app.kubernetes.io/name: api", "  selector:\n    app.kubernetes.io/name: x"),
    ("selector", POD, "    matchLabels:\n      app.kubernetes.io/name: api", "    matchLabels:\n      a: b"),
    ("selector", "kubernetes/api-networkpolicy.yaml", "io/name: api\n      app", "io/name: zzz\n      app"),
    ("service-type", SERVICE, "type: ClusterIP", "type: LoadBalancer"),
    ("service-type", SERVICE, "type: ClusterIP", "type: NodePort"),
    ("service-port", SERVICE, "targetPort: http", "targetPort: admin"),
    ("port", SERVICE, "port: 8080", "port: 99999"),
    ("port", POD, "containerPort: 8080", "containerPort: 99999"),
    ("service-account", POD, "serviceAccountName: api", "serviceAccountName: default"),
    ("privileged", POD, "serviceAccountName: api", "serviceAccountName: api\n      hostNetwork: true"),
    ("privileged", POD, "serviceAccountName: api", "serviceAccountName: api\n      hostPID: true"),
    ("privileged", POD, "emptyDir: {}", "hostPath: {path: /}"),
    ("privileged", POD, "containerPort: 8080", "containerPort: 8080\n              hostPort: 8080"),
    ("privileged", POD, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: true\n            privileged: true"),
    ("not-restricted", POD, "runAsNonRoot: true", "runAsNonRoot: false"),
    ("not-restricted", POD, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
    ("not-restricted", POD, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"),
    ("not-restricted", POD, "                - ALL", "                - NET_RAW"),
    ("not-restricted", POD, "type: RuntimeDefault", "type: Unconfined"),
    ("not-restricted", POD, "automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    ("not-restricted", WEB, "runAsUser: 101", "runAsUser: 0"),
    ("not-restricted", WEB, "net.ipv4.ip_unprivileged_port_start", "kernel.msgmax"),
    ("image", POD, "supermarket-inventory-api:0123456789ab", "supermarket-inventory-api:latest"),
    ("image", POD, "supermarket-inventory-api:0123456789ab", "supermarket-inventory-api"),
    ("image", POD, "ghcr.io/myorg/supermarket-inventory-api:0123456789ab", "nginx:1.27"),
    ("image", POD, "ghcr.io/myorg/supermarket-inventory-api:0123456789ab", "library/nginx:1.27"),
    ("image", POD, "ghcr.io/myorg/supermarket-inventory-api:0123456789ab", "ghcr.io/MyOrg/x:1"),
    ("env-value", POD, 'value: "115MiB"', 'value: "116MiB"'),
    ("env-value", POD, 'value: "8080"', 'value: "hunter2"'),
    ("env-twice", POD, "- name: LOG_LEVEL", "- name: DATABASE_URL"),
    ("request-above-limit", POD, "memory: 128Mi", "memory: 129Mi"),
    ("quantity", POD, "cpu: 850m", 'cpu: "4 bananas"'),
    ("quantity", POD, "cpu: 850m", 'cpu: "0"'),
    ("quantity", POD, "limits:\n              memory: 128Mi", 'limits:\n              memory: "-1Gi"'),
    ("quantity", POD, "limits:\n              memory: 128Mi", 'limits:\n              memory: "1e99"'),
    ("no-memory-limit", POD, "limits:\n              memory: 128Mi", "limits:\n              cpu: 900m"),
    ("probe-port", POD, "              port: http", "              port: admin"),
    ("mount", POD, "- name: tmp\n              mount", "- name: other\n              mount"),
    ("terraform-resource", MAIN, "proxmox_virtual_environment_vm", "proxmox_virtual_machine"),
    ("terraform-argument", MAIN, "on_boot ", "onboot  "),
    ("terraform-argument", MAIN, "  node_name   = each.value.node_name\n", ""),
    ("terraform-argument", MAIN, '    interface    = "scsi0"\n', ""),
    ("terraform-argument", MAIN, "      model   = ", "      modell  = "),
    ("terraform-type", MAIN, "sockets = 1", 'sockets = "one"'),
    ("terraform-type", MAIN, "on_boot          = true", 'on_boot          = "yes"'),
    ("terraform-block", MAIN, '  operating_system {\n    type = "l26"\n  }', '  os {\n    type = "l26"\n  }'),
    ("terraform-block", MAIN, "  memory {", "  cpu {\n    cores = 1\n  }\n\n  memory {"),
    ("terraform-block", MAIN, '  operating_system {\n    type = "l26"\n  }', "  operating_system = 1"),
    ("terraform-deprecated", MAIN, "  started ", "  timeout_move_disk = 1\n  started "),
    ("terraform-argument", MAIN, "  started ", "  ipv4_addresses = []\n  started "),
    (
        "terraform-forbidden",
        MAIN,
        "  lifecycle {",
        '  provisioner "local-exec" {\n    command = "id"\n  }\n  lifecycle {',
    ),
    ("terraform-forbidden", MAIN, "resource ", 'data "external" "x" {\n  program = ["id"]\n}\n\nresource '),
    ("terraform-forbidden", MAIN, "resource ", 'module "x" {\n  source = "git::https://x.example/y"\n}\n\nresource '),
    ("terraform-forbidden", MAIN, "= each.key", '= file("/etc/passwd")'),
    ("terraform-forbidden", MAIN, "= each.key", '= "x-${timestamp()}"'),
    (
        "terraform-forbidden",
        "terraform/versions.tf",
        "  required_providers",
        '  backend "http" {}\n  required_providers',
    ),
    ("terraform-provider", "terraform/versions.tf", "~> 0.111.1", ">= 0.1"),
    ("terraform-provider", "terraform/versions.tf", "bpg/proxmox", "evil/proxmox"),
    (
        "terraform-provider",
        "terraform/versions.tf",
        'provider "proxmox" {}',
        'provider "proxmox" {\n  insecure = true\n}',
    ),
    ("terraform-data-loss", MAIN, "prevent_destroy = true", "prevent_destroy = false"),
    ("terraform-machine", MAIN, "  vm_id       = each.value.vm_id\n", ""),
    ("terraform-machine", MAIN, '    timeout = "5m"\n', ""),
    ("terraform-machine", TFVARS, '"vm_id": 202', '"vm_id": 201'),
    ("terraform-machine", TFVARS, '"vm_id": 202', '"vm_id": 7'),
    ("terraform-machine", TFVARS, '"supermarket-db-2"', '"supermarket-db-3"'),
    ("secret", "README.md", "# super", "ghs_" + "A1b2c3." * 70 + "\n# super"),
    ("secret", TFVARS, "postgresql primary", "AKIA" + "A1B2C3D4E5F6G7H8"),
    ("secret", POD, "/readyz", '"/x?db=postgres://u:hunter2hunter2@db/x"'),
    ("secret", "terraform/versions.tf", "# Made", "# PVEAPIToken=root@pam!x=0123456789\n# Made"),
    ("markdown", "README.md", "## Machines", "## ![x](https://evil.example/x.png)"),
    ("markdown", "README.md", "## Machines", "## [x](https://evil.example)"),
    ("markdown", "README.md", "## Machines", "<img src=x>"),
    ("markdown", "README.md", "## Machines", "hello @octocat"),
    ("markdown", "README.md", "## Machines", "closes #1"),
    ("markdown", "README.md", "## Machines", "## \u202eMachines"),
    ("clock", MAIN, "# Made", "# 2026-09-01T10:00:00Z Made"),
    ("clock", POD, "0123456789abcdef0123456789abcdef01234567", "2026-09-01T10:00:00Z"),
    ("clock", POD, "# Made", "# 2026-09-01 10:00 Made"),
    ("clock", "plan.json", '"schema_version"', '"created_at": "x",\n  "schema_version"'),
]


@pytest.mark.parametrize(("rule", "path", "old", "new"), BAD, ids=[f"{i}-{case[0]}" for i, case in enumerate(BAD)])
def test_a_bad_file_trips_its_rule(rule: str, path: str, old: str, new: str) -> None:
    found = [finding for finding in judged(replaced(path, old, new)) if finding.rule == rule]
    assert found, f"{rule} did not trip"
    first = found[0]
    assert first.severity == "block"
    assert first.path is not None
    assert first.path.startswith(ROOT)
    assert re.search(r"[a-z].*\.$", first.message)
    assert first.remedy.endswith(".")


ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: x\n"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (without("kubernetes/kustomization.yaml"), "kustomization"),
        (without("kubernetes/api-networkpolicy.yaml"), "network-policy"),
        (without("kubernetes/api-serviceaccount.yaml"), "service-account"),
        (without("terraform/versions.tf"), "terraform-provider"),
        (without(TFVARS), "terraform-machine"),
        (with_file("kubernetes/role.yaml", ROLE), "forbidden-kind"),
        (with_file("kubernetes/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n"), "forbidden-kind"),
        (with_file("kubernetes/list.yaml", "- a\n"), "yaml-syntax"),
        (with_file("kubernetes/deep.yaml", "a: " + "[" * 3000), "yaml-syntax"),
        (with_file("kubernetes/date.yaml", "a: 2024-13-45\n"), "yaml-syntax"),
        (with_file("run.sh", "id\n"), "path"),
        (with_file(".github/workflows/x.yml", "on: push\n"), "path"),
        (with_file("terraform/extra.tf", ""), "path"),
    ],
    ids=lambda value: value if isinstance(value, str) else "files",
)  # fmt: skip
def test_a_missing_or_extra_file_trips_its_rule(changes: ChangeSet, rule: str) -> None:
    assert rule in {finding.rule for finding in judged(changes) if finding.severity == "block"}


def test_T35_another_application_s_folder_is_refused() -> None:  # noqa: N802  # the row's name
    moved = ChangeSet(root="apps/other", files=(RenderedFile(path="apps/other/README.md", content="x\n"),))
    assert "path" in {finding.rule for finding in judged(moved)}


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"namespaces": ("other",)}, "namespace"),
        ({"registries": ("registry.example.org",)}, "image"),
        ({"registries": ("ghcr.io/my",)}, "image"),
        ({"max_replicas": 5}, "hpa-bounds"),
        ({"max_replicas": 2}, "replicas"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_config_file_decides(limits: dict[str, object], rule: str) -> None:
    config = Config.model_validate({"limits": limits})
    assert rule in {finding.rule for finding in judged(good()[1], config=config)}


@pytest.mark.parametrize(
    "limits", [{"namespaces": ("supermarket-inventory",)}, {"registries": ("ghcr.io/myorg/",)}], ids=str
)
def test_the_config_file_allows(limits: dict[str, object]) -> None:
    config = Config.model_validate({"limits": limits, "state": {"backend": "local", "allow_local": True}})
    assert judged(good()[1], config=config) == ()


def test_a_moving_tag_is_a_warning() -> None:
    found = judged(replaced(POD, "supermarket-inventory-api:0123456789ab", "supermarket-inventory-api:main"))
    assert [(finding.rule, finding.severity) for finding in found] == [("image-moving", "warn")]


@pytest.mark.parametrize("image", ["localhost:5000/a/b:1", "registry.example:443/a@sha256:" + "0" * 64])
def test_an_image_in_a_private_registry_is_fine(image: str) -> None:
    assert judged(replaced(POD, "ghcr.io/myorg/supermarket-inventory-api:0123456789ab", image)) == ()


def test_a_finding_names_the_line_and_hides_the_secret() -> None:
    changes = replaced(POD, "runAsNonRoot: true", "runAsNonRoot: false")
    (finding,) = judged(changes)
    text = changes.content(finding.path or "") or ""
    assert finding.line is not None
    assert "securityContext" in text.splitlines()[finding.line - 1]
    token = "ghp_" + "a1B2" * 9
    for found in judged(replaced("README.md", "# super", f"{token}\n# super")):
        assert token not in found.model_dump_json()


def test_stateful_bundles_are_clean_too() -> None:
    nouns = supermarket().with_api(volumes=(Volume(path="/var/lib/x"),))
    nouns = nouns.with_api_plan(kind="StatefulSet", hpa=None, storage=Storage(size=Bytes.of_gib(10)))
    assert check(nouns.render(), plan=nouns.plan, config=nouns.config) == ()
