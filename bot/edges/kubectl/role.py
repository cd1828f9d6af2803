"""The rights of the apply role in Kubernetes, as data and as YAML to be given to ``kubectl apply -f -``.

In: who applies and by which delivery. Out: rules, text. Never: a right to read a secret, to change a role, a node or an
existing namespace; a wildcard.

Each rule says what it is for. ``tests/realparts/test_delivery_role.py`` proves on a real control plane that together
they are enough and that each verb is needed.
"""

from __future__ import annotations

from typing import Final, Literal

import yaml

from bot.model.noun import Noun

Delivery = Literal["kubectl", "argocd", "flux"]
USER: Final = "ai-provision-apply"
SECRETS: Final = "ai-provision"
"""The namespace that receives the kubeconfigs of new clusters: ``bot.applying.machines.SECRETS``."""
_WHOLE: Final = ("get", "create", "patch", "delete")


_LABELS: Final = {"pod-security.kubernetes.io/enforce": "restricted"}


class Rule(Noun):
    """Verbs on resources of one API group (empty: the core group), and what for."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str

    def as_rbac(self) -> dict[str, list[str]]:
        """As a ClusterRole writes it."""
        return {"apiGroups": [self.group], "resources": list(self.resources), "verbs": list(self.verbs)}


LOOKING: Final = (
    Rule(group="", resources=("pods", "events"), verbs=("list",), why="the reason of a rollout that fails"),
    Rule(
        group="apps",
        resources=("deployments", "statefulsets", "controllerrevisions"),
        verbs=("list",),
        why="how far a rollout is, and which revision runs",
    ),
    Rule(
        group="autoscaling",
        resources=("horizontalpodautoscalers",),
        verbs=("list",),
        why="how many pods a rollout waits for",
    ),
    Rule(
        group="networking.k8s.io",
        resources=("ingresses",),
        verbs=("list",),
        why="the addresses of the application",
    ),
    Rule(
        group="gateway.networking.k8s.io",
        resources=("httproutes", "gateways"),
        verbs=("list",),
        why="the addresses of the application",
    ),
    Rule(group="cert-manager.io", resources=("certificates",), verbs=("list",), why="the state of its certificates"),
    Rule(group="", resources=("namespaces",), verbs=("get", "create"), why="a missing namespace is made"),
)
"""What every delivery needs."""

APPLYING: Final = (
    Rule(group="", resources=("services", "serviceaccounts"), verbs=_WHOLE, why="objects of a bundle"),
    Rule(group="apps", resources=("deployments", "statefulsets"), verbs=_WHOLE, why="objects of a bundle"),
    Rule(group="autoscaling", resources=("horizontalpodautoscalers",), verbs=_WHOLE, why="objects of a bundle"),
    Rule(group="policy", resources=("poddisruptionbudgets",), verbs=_WHOLE, why="objects of a bundle"),
    Rule(group="networking.k8s.io", resources=("networkpolicies",), verbs=_WHOLE, why="objects of a bundle"),
    Rule(
        group="",
        resources=("persistentvolumeclaims",),
        verbs=("get", "create", "patch"),
        why="claims of a bundle; they are not deleted by this role",
    ),
    Rule(group="apps", resources=("replicasets",), verbs=("list",), why="the return to the former revision"),
    Rule(
        group="",
        resources=("pods",),
        verbs=("delete",),
        why="a StatefulSet returns only when its broken pod is gone (kubernetes/kubernetes#67250)",
    ),
)
"""What ``delivery: kubectl`` needs beside ``LOOKING``."""

HANDING_OVER: Final = {
    "argocd": (Rule(group="argoproj.io", resources=("applications",), verbs=_WHOLE, why="the Application"),),
    "flux": (
        Rule(group="kustomize.toolkit.fluxcd.io", resources=("kustomizations",), verbs=_WHOLE, why="the Kustomization"),
    ),
}
"""What ``delivery: argocd`` and ``flux`` need beside ``LOOKING``, in the namespace of the tool alone."""

DATA: Final = (
    Rule(
        group="",
        resources=("persistentvolumeclaims",),
        verbs=("list", "delete"),
        why="/ai-destroy APP data, which names the data with a word of its own",
    ),
)
"""A role of its own: without its binding nothing of ours can delete a claim."""

KEEPING: Final = (
    Rule(group="", resources=("secrets",), verbs=("create", "patch"), why="kubeconfigs of new clusters; unreadable"),
)
"""In the namespace ``SECRETS`` alone."""


def rules(delivery: Delivery = "kubectl") -> tuple[Rule, ...]:
    """The rules that hold in the whole cluster, without ``DATA``."""
    return (*LOOKING, *APPLYING) if delivery == "kubectl" else LOOKING


def roles(
    user: str = USER, *, delivery: Delivery = "kubectl", tool: str = "argocd", name: str = USER
) -> tuple[dict[str, object], ...]:
    """Roles and their bindings for a user; ``tool`` is the namespace of Argo CD or Flux."""
    made = _cluster_wide(name, rules(delivery), user)
    if delivery == "kubectl":
        made += _cluster_wide(f"{name}-data", DATA, user)
    else:
        made += _within(tool, name, HANDING_OVER[delivery], user)
    home: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": SECRETS, "labels": _LABELS},
    }
    return (*made, home, *_within(SECRETS, f"{name}-secrets", KEEPING, user))


def roles_yaml(user: str = USER, *, delivery: Delivery = "kubectl", tool: str = "argocd") -> str:
    """The same as YAML, with the reasons, for ``kubectl apply -f -``."""
    why = [*rules(delivery), *(DATA if delivery == "kubectl" else HANDING_OVER[delivery]), *KEEPING]
    told = [f"#   {', '.join(each.verbs)} {', '.join(each.resources)}: {each.why}" for each in why]
    head = ["# The rights of `ai-provision apply` in Kubernetes. What each is for:", *told]
    if delivery == "kubectl":
        head.append(f"# Leave out the binding {USER}-data where nobody but a person may delete data.")
    documents = yaml.safe_dump_all(roles(user, delivery=delivery, tool=tool), sort_keys=False, default_flow_style=None)
    return "\n".join(head) + f"\n---\n{documents}"


def _cluster_wide(name: str, some: tuple[Rule, ...], user: str) -> list[dict[str, object]]:
    return [_role("ClusterRole", name, some, None), _binding("ClusterRole", name, user, None)]


def _within(namespace: str, name: str, some: tuple[Rule, ...], user: str) -> list[dict[str, object]]:
    return [_role("Role", name, some, namespace), _binding("Role", name, user, namespace)]


def _meta(name: str, namespace: str | None) -> dict[str, str]:
    return {"name": name} if namespace is None else {"name": name, "namespace": namespace}


def _role(kind: str, name: str, some: tuple[Rule, ...], namespace: str | None) -> dict[str, object]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": _meta(name, namespace),
        "rules": [each.as_rbac() for each in some],
    }


def _binding(kind: str, name: str, user: str, namespace: str | None) -> dict[str, object]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": f"{kind}Binding",
        "metadata": _meta(name, namespace),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
