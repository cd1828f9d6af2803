"""Phrases of names and of where a disk comes from.

In: nothing. Out: ``NAMES`` and ``SOURCES``. Never: an image from another scheme than https, an address with a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.errors import Code
from bot.model.plan import Source
from bot.survey.request.rule import RequestRule, refuse

_STORE: Final = r"[a-z][a-z0-9._-]{0,39}"
_FILE: Final = r"[a-z0-9][a-z0-9._+-]{0,120}"
_FROM: Final = r"(?:\b(?:(?:cloned|built|made|created|imported|installed|boot(?:ed|ing)?|boots|install|import) )?(?:from|using|uses?|with|off|of) )?(?:an? |the )?"
_IMAGE_ADDRESS: Final = re.compile(
    r"https://[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::\d{1,5})?(?:/[A-Za-z0-9._~+-]{1,120}){1,12}",
    re.ASCII | re.IGNORECASE,
)
_LEAST_ID: Final = 100
_MOST_ID: Final = 999_999_999
_NOT_A_NAME: Final = r"(?!(?:after|by|as|with|and|for|the|in|on)\b)"


def _template_id(found: re.Match[str]) -> Mapping[str, Any]:
    number = int(found["t"] or found["u"])
    if not _LEAST_ID <= number <= _MOST_ID:
        raise refuse(f"template {number} is no id of a guest.", "Proxmox VE counts from 100 to 999999999.")
    return {"source": Source(template_id=number)}


def _address(found: re.Match[str]) -> Mapping[str, Any]:
    """An address may hold a password, so no message repeats it."""
    address = found["a"].rstrip(".:!?)]'\"")
    scheme = address.partition(":")[0].lower()
    if scheme != "https":
        raise refuse(
            f"nothing is fetched over {scheme}: images come over https alone.",
            "Name an https address, or an image that the storage holds, such as `local:import/debian-12.qcow2`.",
        )
    if _IMAGE_ADDRESS.fullmatch(address) is None:
        raise refuse(
            "the image's address is no plain https address: no user, query, fragment or empty part may stand in it.",
            "Name the file itself, such as `https://example.org/debian-12.qcow2`.",
            Code.SYNTAX,
        )
    return {"source": Source(iso_image=address) if address.lower().endswith(".iso") else Source(image=address)}


def _volume(found: re.Match[str]) -> Mapping[str, Any]:
    volume, content = found["v"].rstrip("."), found["content"].lower()
    match content:
        case "vztmpl":
            return {"source": Source(ct_template=volume), "kind": "container"}
        case "iso":
            return {"source": Source(iso_image=volume)}
        case _:
            return {"source": Source(image=volume)}


NAMES: Final = (
    RequestRule(
        id="name", about="names", field="name",
        pattern=rf"\b(?:(?:that is |which is |is )?(?:named|called)|(?:host)?names?(?: is|\s?[:=]))\s{_NOT_A_NAME}[\"'`]?(?P<n>[^\s,;\"'`{{}}()]{{1,80}}[^\s,;\"'`]{{0,80}})[\"'`]?",
        examples=("named web-prod-01", "called lab", "name: lab"), changes=lambda found: {"name": found["n"].rstrip(".:!?)")},
    ),
)  # fmt: skip

SOURCES: Final = (
    RequestRule(
        id="image-address", about="source", field="source", pattern=rf"{_FROM}(?:cloud[- ]?images? |images? |isos? )?(?:at |from )?[\"'`<]?(?P<a>\b[a-z][a-z0-9+.-]{{1,11}}://[^\s,;<>\"'`]{{0,400}})",
        examples=("from the cloud image https://example.org/debian-12.qcow2",), changes=_address, note="https only, without a password or a query",
    ),
    RequestRule(
        id="volume", about="source", field="source",
        pattern=rf"{_FROM}(?:cloud[- ]?image |image |iso |template )?[\"'`]?(?P<v>\b{_STORE}:(?P<content>vztmpl|iso|import)/{_FILE})[\"'`]?(?: (?:template|image))?",
        examples=("local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", "boot from ISO local:iso/debian-12.iso", "local:import/x.qcow2"), changes=_volume,
    ),
    RequestRule(
        id="iso", about="source", field="source", pattern=rf"{_FROM}(?:iso )?[\"'`]?(?P<f>\b{_FILE}\.iso)\b[\"'`]?",
        examples=("install from debian-12.iso",), changes=lambda found: {"source": Source(iso_image=found["f"])}, note="a bare file name is looked for on the storages",
    ),
    RequestRule(
        id="template-id", about="source", field="source",
        pattern=rf"{_FROM}(?:vm )?template(?: vm)?(?: id)?(?:\s?[#:=]\s?|\s)(?P<t>\d{{1,12}})\b(?![.,]\d)|\b(?:cloned? (?:of|from)|clone) (?:vm |the )?(?P<u>\d{{1,12}})\b",
        examples=("using template 9001", "template 9000", "clone of 9000"), changes=_template_id,
    ),
    RequestRule(
        id="template-name", about="source", field="source", pattern=r"\b(?:from|using|with) (?:an? |the )?[\"'`]?(?P<c>(?!vm\b|lxc\b|same\b|container\b|ct\b)[a-z][a-z0-9._-]{1,79})[\"'`]? (?:(?:container|ct|lxc) )?template\b",
        examples=("from debian-12 template",), changes=lambda found: {"template_name": found["c"]},
        note="for containers the template whose file begins so; a VM's template is named by its id",
    ),
    RequestRule(
        id="system", about="source", field=None,
        pattern=r"\b(?:debian|ubuntu|rocky(?: ?linux)?|alma ?linux|fedora|centos|rhel|red hat|alpine|opensuse|arch linux|windows(?: server)?)(?:[ -]?\d{1,4}(?:\.\d{1,3}){0,2})?(?: lts)?\b",
        examples=("Debian 12", "Ubuntu 24.04 LTS"), note="a system is chosen by its template, cloud image or ISO: name one of these",
    ),
)  # fmt: skip
