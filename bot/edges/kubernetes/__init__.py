"""Reads one Kubernetes cluster by the official client, with rights that may only look.

In: a kubeconfig. Out: the Kubernetes part of a ``ClusterSnapshot``; what could not be read stands in ``missing`` with
verb, resource and remedy. Never: a write, a watch, a secret or the value of a ConfigMap.
"""

from bot.edges.kubernetes.inventory import KubernetesInventory
from bot.edges.kubernetes.troubles import KubernetesTroubles

__all__ = ["KubernetesInventory", "KubernetesTroubles"]
