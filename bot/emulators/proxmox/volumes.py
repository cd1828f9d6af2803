"""Volumes on stores: names, space, content lists.

In: a store, a size, an owner. Out: a volume id, and less free space everywhere it is shown. Never: more than a store
has.
"""

from __future__ import annotations

import re
from typing import Final

from bot.emulators.proxmox.answers import ApiError, Row, wrong_parameters
from bot.emulators.proxmox.site import RESOURCES, Site

_FILES: Final = frozenset({"dir", "nfs", "cifs", "btrfs", "cephfs", "glusterfs"})
_BIRTH: Final = 1_790_000_000
CLOUD_INIT_BYTES: Final = 4 * 1024**2


def store(site: Site, node: str, name: str) -> Row:
    """The row of a store on a node. Raises ApiError(500) when there is none, or not there."""
    found = next((row for row in site.rows(f"nodes/{node}/storage") if row["storage"] == name), None)
    if found is None:
        known = any(row["storage"] == name for row in site.rows("storage"))
        words = f"is not available on node '{node}'" if known else "does not exist"
        raise ApiError(500, f"storage '{name}' {words}")
    if not found.get("enabled", 1):
        raise ApiError(500, f"storage '{name}' is disabled")
    if not found.get("active", 1):
        raise ApiError(500, f"storage '{name}' is not online")
    return found


def usable(site: Site, node: str, name: str, content: str, *, parameter: str = "storage") -> Row:
    """The same for a store that must hold this kind of content. Raises ApiError(400) when it may not."""
    row = store(site, node, name)
    if content not in row["content"].split(","):
        kinds = {"images": "vm images", "rootdir": "container directories"}
        words = f"storage '{name}' does not support {kinds.get(content, f'content-type {content!r}')}"
        raise wrong_parameters({parameter: words})
    return row


def contents(site: Site, node: str, row: Row) -> list[Row]:
    """The content list of a store; a shared one has one list, under whichever node it stands."""
    own = f"nodes/{node}/storage/{row['storage']}/content"
    if not row.get("shared") or own in site.state:
        return site.rows(own)
    ends = f"/storage/{row['storage']}/content"
    key = next((key for key in site.state if key.startswith("nodes/") and key.endswith(ends)), own)
    return site.rows(key)


def split(volume: str) -> tuple[str, str]:
    """Store and name of a volume id. Raises ApiError(500) for text without a store."""
    name, colon, rest = volume.partition(":")
    if not colon:
        raise ApiError(500, f"unable to parse volume ID '{volume}'")
    return name, rest


def owner(volume: str) -> int | None:
    """The guest that a volume belongs to, by its name."""
    match = re.search(r"(?:^|/)(?:vm|base|subvol)-(\d+)-[^/]*$", split(volume)[1])
    return int(match[1]) if match else None


def kind_of(volume: str) -> str:
    """``iso``, ``vztmpl``, ``import``, ``backup`` or ``images``."""
    head = split(volume)[1].split("/")[0]
    return head if head in {"iso", "vztmpl", "import", "backup", "snippets"} else "images"


def find(site: Site, node: str, volume: str) -> Row | None:
    """The content row of a volume as this node sees it, or None."""
    rows = contents(site, node, store(site, node, split(volume)[0]))
    return next((row for row in rows if row["volid"] == volume), None)


def existing(site: Site, node: str, volume: str) -> Row:
    """The same. Raises ApiError(500) when it is not there."""
    found = find(site, node, volume)
    if found is None:
        raise ApiError(500, f"volume '{volume}' does not exist")
    return found


def account(site: Site, node: str, row: Row, size: int) -> None:
    """Add bytes to what a store uses, in every row that shows it."""
    name, shared = row["storage"], bool(row.get("shared"))
    nodes = list(site.nodes()) if shared else [node]
    for one in nodes:
        for shown in site.rows(f"nodes/{one}/storage"):
            if shown["storage"] == name and "used" in shown:
                shown["used"] += size
                shown["avail"] -= size
                shown["used_fraction"] = round(shown["used"] / max(1, shown["total"]), 4)
    for known in site.rows(RESOURCES):
        if known["type"] == "storage" and known["storage"] == name and known["node"] in nodes:
            known["disk"] = known.get("disk", 0) + size


def reserve(site: Site, node: str, row: Row, size: int) -> None:
    """Take bytes from a store. Raises ApiError(500) when it has not so many."""
    free = int(row.get("avail", 0))
    if size > free:
        raise ApiError(500, f"no space left on storage '{row['storage']}': {size} bytes wanted, {free} bytes available")
    account(site, node, row, size)


def allocate(
    site: Site, node: str, name: str, vm_id: int, size: int, *, content: str = "images", form: str | None = None
) -> str:
    """A new disk of a guest; returns its volume id. Raises ApiError when the store lacks space or the content type."""
    row = usable(site, node, name, content)
    files = row["type"] in _FILES
    form = form or "raw"
    taken = {one["volid"] for one in contents(site, node, row)}
    number = next(
        place for place in range(1000) if _name(name, vm_id, f"disk-{place}", None, files=files) not in _bare(taken)
    )
    volume = _name(name, vm_id, f"disk-{number}", form, files=files)
    made = {"volid": volume, "content": content, "format": form if files else "raw", "size": size, "vmid": vm_id}
    return _add(site, node, row, made)


def cloud_init(site: Site, node: str, name: str, vm_id: int, form: str | None = None) -> str:
    """A new cloud-init drive of a guest. Raises ApiError(500) when it has one there already."""
    row = usable(site, node, name, "images")
    files = row["type"] in _FILES
    form = form or ("qcow2" if files else "raw")
    volume = _name(name, vm_id, "cloudinit", form, files=files)
    if any(one["volid"] == volume for one in contents(site, node, row)):
        raise ApiError(500, f"disk image '{volume}' already exists")
    made = {"volid": volume, "content": "images", "format": form, "size": CLOUD_INIT_BYTES, "vmid": vm_id}
    return _add(site, node, row, made)


def _name(store_name: str, vm_id: int, tail: str, form: str | None, *, files: bool) -> str:
    folder, ending = (f"{vm_id}/", f".{form}" if form else "") if files else ("", "")
    return f"{store_name}:{folder}vm-{vm_id}-{tail}{ending}"


def _bare(names: set[str]) -> set[str]:
    """The names without their endings: two disks of one number never differ by format alone."""
    return {
        re.sub(r"\.(raw|qcow2|vmdk)$", "", name).replace("/base-", "/vm-").replace(":base-", ":vm-") for name in names
    }


def _add(site: Site, node: str, row: Row, made: Row) -> str:
    reserve(site, node, row, made["size"])
    contents(site, node, row).append(made | {"ctime": _BIRTH})
    return str(made["volid"])


def add_file(site: Site, node: str, name: str, file: str, *, content: str, size: int) -> str:
    """A downloaded file (``iso``, ``vztmpl``, ``import``). Raises ApiError(500) when the store has no room."""
    volume = f"{name}:{content}/{file}"
    form = (
        "iso" if content == "iso" else "t" + file.rsplit(".", 1)[-1] if content == "vztmpl" else file.rsplit(".", 1)[-1]
    )
    made = {"volid": volume, "content": content, "format": form, "size": size}
    return _add(site, node, store(site, node, name), made)


def free(site: Site, node: str, volume: str) -> None:
    """Remove a volume and give its space back; one that is not there is no error."""
    row = store(site, node, split(volume)[0])
    found = find(site, node, volume)
    if found is not None:
        contents(site, node, row).remove(found)
        account(site, node, row, -found["size"])


def grow(site: Site, node: str, volume: str, size: int) -> None:
    """Bring a volume to a size. Raises ApiError(500) when it would shrink or there is no room."""
    found = existing(site, node, volume)
    if size < found["size"]:
        raise ApiError(500, "shrinking disks is not supported")
    reserve(site, node, store(site, node, split(volume)[0]), size - found["size"])
    found["size"] = size


def owned_by(site: Site, node: str, vm_id: int) -> list[str]:
    """Every volume of a guest on the stores of a node."""
    found: list[str] = []
    for row in site.rows(f"nodes/{node}/storage"):
        found += [one["volid"] for one in contents(site, node, row) if str(one.get("vmid")) == str(vm_id)]
    return found
