"""ansible-playbook behind the port ``bot.deploy.Playbooks``."""

from bot.edges.ansible.limits import AnsibleLimits
from bot.edges.ansible.playbooks import AnsiblePlaybooks

__all__ = ["AnsibleLimits", "AnsiblePlaybooks"]
