"""Stores as a provider uses them: status, one volume, downloads.

In: actions on ``/nodes/{node}/storage``. Out: rows, UPIDs. Never: a file from the network, sizes are told to it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from bot.emulators.proxmox import rights, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json

_DOWNLOAD_BYTES: Final = 600 * 1024**2
_TYPES: Final = {"iso": "application/x-iso9660-image", "img": "application/octet-stream"}


def status(action: Action) -> Json:
    """``GET storage/{storage}/status``."""
    row = volumes.store(action.site, action.node, action.word("storage"))
    return {key: value for key, value in row.items() if key not in {"storage", "used_fraction"}}


def volume(action: Action) -> Json:
    """``GET content/{volume}``."""
    name = _named(action)
    rights.may_use_volume(action, None, name)
    row = volumes.existing(action.site, action.node, name)
    return {"path": f"/{name.replace(':', '/')}", "size": row["size"], "used": row["size"], "format": row["format"]}


def _named(action: Action) -> str:
    text = action.word("volume")
    return text if ":" in text else f"{action.word('storage')}:{text}"


def remove(action: Action) -> Json:
    """``DELETE content/{volume}``: Datastore.Allocate on the store, whatever the volume is."""
    name, site = _named(action), action.site
    action.need(f"/storage/{volumes.split(name)[0]}", "Datastore.Allocate")
    volumes.existing(site, action.node, name)
    owner = volumes.owner(name)
    if owner is not None and site.guest(owner) is not None:
        raise ApiError(500, f"Cannot remove image, a guest with VMID '{owner}' exists!")
    return action.begin("imgdel", "", lambda: volumes.free(site, action.node, name))


def metadata(action: Action) -> Json:
    """``GET query-url-metadata``: what a server would say about a file."""
    url = action.word("url")
    if url in action.site.lost_urls:
        raise ApiError(500, "invalid server response: '404 Not Found'")
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    ending = name.rsplit(".", 1)[-1]
    size = action.site.downloads.get(url, _DOWNLOAD_BYTES)
    return {"filename": name, "size": size, "mimetype": _TYPES.get(ending, "application/octet-stream")}


def download(action: Action) -> Json:
    """``POST download-url``."""
    site, name, content = action.site, action.word("storage"), action.word("content")
    url, file = action.word("url"), action.word("filename")
    row = volumes.store(site, action.node, name)
    if content not in row["content"].split(","):
        raise ApiError(500, f"storage '{name}' is not configured for content-type '{content}'")
    _fits(content, file)
    if volumes.find(site, action.node, f"{name}:{content}/{file}") is not None:
        raise ApiError(500, f"refusing to override existing file '{file}'")
    size = site.downloads.get(url, _DOWNLOAD_BYTES)

    def fetch() -> None:
        if url in site.lost_urls:
            raise ApiError(500, "download failed: invalid server response: '404 Not Found'")
        volumes.add_file(site, action.node, name, file, content=content, size=size)

    return action.begin("download", file, fetch, store=name)


def _fits(content: str, file: str) -> None:
    endings: dict[str, tuple[str, ...]] = {
        "iso": (".iso", ".img"),
        "vztmpl": (".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2", ".tgz", ".txz"),
        "import": (".ova", ".ovf", ".qcow2", ".raw", ".vmdk"),
    }
    if not file.lower().endswith(endings.get(content, ())):
        raise ApiError(500, f"invalid filename or wrong extension: {file}")
