"""Start, stop, shutdown, reboot, reset.

In: an action on a guest's status. Out: a UPID; when its time comes the guest runs or not, and its node's memory says
so. Never: more memory than a node has.
"""

from __future__ import annotations

from bot.emulators.proxmox import addresses, rights
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json
from bot.emulators.proxmox.site import Guest, Site, cores, memory_bytes


def start(action: Action) -> Json:
    """``POST status/start``."""
    guest = action.guest
    guest.unlocked()
    if guest.config.get("template"):
        raise ApiError(500, "you can't start a vm if it's a template")
    if guest.running:
        raise ApiError(500, f"{guest.label} already running")
    _request(action, guest, "started")
    return action.begin(_kind(guest, "start"), guest.vm_id, lambda: started(action.site, guest))


def stop(action: Action) -> Json:
    """``POST status/stop`` and ``shutdown``."""
    guest = action.guest
    guest.unlocked()
    word = action.path.rsplit("/", 1)[-1]
    if not guest.running and word == "shutdown":
        raise ApiError(
            500, f"{guest.label} is not running" if guest.kind == "qemu" else f"CT {guest.vm_id} not running"
        )
    _request(action, guest, "stopped")
    return action.begin(_kind(guest, word), guest.vm_id, lambda: stopped(action.site, guest))


def restart(action: Action) -> Json:
    """``POST status/reboot`` and ``reset``: what waits for a restart holds afterwards."""
    guest = action.guest
    guest.unlocked()
    word = action.path.rsplit("/", 1)[-1]
    if not guest.running:
        raise ApiError(500, f"{guest.label} is not running")
    return action.begin(_kind(guest, word), guest.vm_id, lambda: _again(action.site, guest))


def _kind(guest: Guest, word: str) -> str:
    return f"{'qm' if guest.kind == 'qemu' else 'vz'}{word}"


def _request(action: Action, guest: Guest, state: str) -> None:
    """A guest under high availability changes its requested state with it, as ``ha-manager`` does."""
    for row in action.site.state.get("cluster/ha/resources", []):
        if row["sid"] == guest.service:
            row["state"] = state


def _again(site: Site, guest: Guest) -> None:
    stopped(site, guest)
    started(site, guest)


def started(site: Site, guest: Guest) -> None:
    """A guest runs. Raises ApiError(500) when its node has too few CPUs or too little memory, or lacks its bridge."""
    if guest.running:
        return
    node, wanted = site.nodes()[guest.node], memory_bytes(guest.config, guest.kind)
    if guest.kind == "qemu" and cores(guest.config) > node["maxcpu"]:
        raise ApiError(500, f"MAX {node['maxcpu']} vcpus allowed per VM on this node")
    if node.get("mem", 0) + wanted > node["maxmem"]:
        words = "cannot set up guest memory 'pc.ram': Cannot allocate memory"
        raise ApiError(500, f"start failed: QEMU exited with code 1 ({words})" if guest.kind == "qemu" else words)
    rights.bridges_there(site, guest.node, guest.config)
    guest.row.update({"status": "running", "mem": wanted, "memhost": wanted, "uptime": 1})
    site.charge(guest.node, wanted)
    if site.agent_seconds:
        site.tasks.later(site.agent_seconds, lambda: _speak(site, guest))
    else:
        _speak(site, guest)


def stopped(site: Site, guest: Guest) -> None:
    """A guest stops and gives its memory back."""
    if not guest.running:
        return
    site.charge(guest.node, -guest.row["mem"])
    guest.row.update({"status": "stopped", "mem": 0, "memhost": 0, "uptime": 0, "cpu": 0})
    for end in ("agent/network-get-interfaces", "interfaces"):
        site.state.pop(f"{guest.base}/{end}", None)


def _speak(site: Site, guest: Guest) -> None:
    """The guest has booted: its agent, or the container's own interfaces, can be asked."""
    if f"{guest.base}/config" not in site.state or not guest.running:
        return
    if guest.kind == "lxc":
        site.state[f"{guest.base}/interfaces"] = addresses.container_answer(site, guest)
    elif guest.vm_id in site.agents and addresses.agent_enabled(guest.config):
        site.state[f"{guest.base}/agent/network-get-interfaces"] = addresses.agent_answer(site, guest)


def ping(action: Action) -> Json:
    """``POST agent/ping``."""
    guest = action.guest
    if not addresses.agent_enabled(guest.config):
        raise ApiError(500, "No QEMU guest agent configured")
    if not guest.running:
        raise ApiError(500, f"VM {guest.vm_id} is not running")
    if f"{guest.base}/agent/network-get-interfaces" not in action.site.state:
        raise ApiError(500, "QEMU guest agent is not running")
    return {"result": {}}


def lost_agent(site: Site, vm_id: int, seconds: float) -> None:
    """The agent of a guest restarts: it does not answer for so many seconds. Raises KeyError for an unknown guest."""
    guest = site.guest(vm_id)
    if guest is None:
        raise KeyError(vm_id)
    site.state.pop(f"{guest.base}/agent/network-get-interfaces", None)
    site.tasks.later(seconds, lambda: _speak(site, guest))
