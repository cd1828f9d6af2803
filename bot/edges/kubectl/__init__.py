"""kubectl behind the port ``bot.deploy.Manifests``."""

from bot.edges.kubectl.program import KubectlManifests

__all__ = ["KubectlManifests"]
