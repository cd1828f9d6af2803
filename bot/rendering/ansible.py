"""Ansible files of the machines and clusters of a plan.

In: a scene. Out: file texts by path below the stack's folder. Never: a secret.
"""

from __future__ import annotations

from bot.rendering.scene import Scene


def ansible_files(scene: Scene) -> dict[str, str]:
    """File texts by path; empty where nothing has to be installed."""
    del scene
    return {}
