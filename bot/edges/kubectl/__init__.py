"""kubectl behind the port ``bot.deploy.Manifests``."""

from bot.edges.kubectl.limits import KubectlLimits
from bot.edges.kubectl.manifests import KubectlManifests
from bot.edges.kubectl.role import roles_yaml

__all__ = ["KubectlLimits", "KubectlManifests", "roles_yaml"]
