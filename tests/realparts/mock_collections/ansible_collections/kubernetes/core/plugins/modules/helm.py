"""Stands in for the collection's module of this name: takes the options that our playbook uses, and does nothing."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: helm
short_description: Takes the options of a chart
description: Does nothing.
author: ai-provision
options:
  binary_path: {description: The helm program., type: path}
  kubeconfig: {description: The kubeconfig., type: path}
  release_name: {description: The release., type: str, required: true}
  release_namespace: {description: The namespace., type: str, required: true}
  create_namespace: {description: Make it., type: bool, default: false}
  chart_ref: {description: The chart., type: str}
  chart_repo_url: {description: The repository., type: str}
  chart_version: {description: The version., type: str}
  release_values: {description: The values., type: dict, default: {}}
  wait: {description: Wait for it., type: bool, default: false}
  timeout: {description: How long., type: str}
"""


def main() -> None:
    """Take the options."""
    AnsibleModule(
        argument_spec={
            "binary_path": {"type": "path"},
            "kubeconfig": {"type": "path"},
            "release_name": {"type": "str", "required": True},
            "release_namespace": {"type": "str", "required": True},
            "create_namespace": {"type": "bool", "default": False},
            "chart_ref": {"type": "str"},
            "chart_repo_url": {"type": "str"},
            "chart_version": {"type": "str"},
            "release_values": {"type": "dict", "default": {}},
            "wait": {"type": "bool", "default": False},
            "timeout": {"type": "str"},
        }
    ).exit_json(changed=False)


if __name__ == "__main__":
    main()
