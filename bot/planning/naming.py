"""Names: free text becomes a name that Kubernetes, Terraform, Proxmox and YAML all read the same way, or is refused.

In: text that people wrote. Out: a slug, or a ``Refusal`` with the rule. Never: a silent repair of hostile text.

Rule: letters, digits, ``-``, ``_``, ``.`` and single spaces; first a letter or digit, last a letter or digit; at most
40 characters. Upper case becomes lower, other separators become ``-``, a leading digit gets ``app-`` before it. Digits
alone, words that YAML reads as something else, and names that belong to a cluster are refused.
Sources: RFC 1123 and RFC 1035 labels (Kubernetes Services want the latter); YAML 1.1 core words.
"""

from __future__ import annotations

import re
from typing import Final

from bot.errors import Code, Refusal

LONGEST: Final = 40
RULE: Final = (
    "a name has 1 to 40 characters: letters, digits and '-' ('_', '.' and single spaces become '-'), begins and ends "
    "with a letter or digit, is not digits alone, and is no reserved word (null, true, false, yes, no, on, off, "
    "default, kube-…, kubernetes, openshift)"
)
_WRITTEN: Final = re.compile(r"[A-Za-z0-9]+(?:[-_. ][A-Za-z0-9]+)*", re.ASCII)
_SEPARATOR: Final = re.compile(r"[-_. ]", re.ASCII)
_NOT_TEXT_IN_YAML: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_OF_THE_CLUSTER: Final = frozenset({"default", "kubernetes", "openshift", "kube", "localhost"})
_CLUSTER_PREFIXES: Final = ("kube-", "openshift-")


def app_slug(text: str) -> str | Refusal:
    """The application's name as a DNS label of at most 40 characters, or a refusal with code ``name``.

    The slug is shown wherever the name is; two texts that differ only in case or separators give the same slug.
    """
    slug = service_slug(text)
    if isinstance(slug, Refusal):
        return slug
    return _refused(text) if belongs_to_the_cluster(slug) else slug


def service_slug(text: str) -> str | Refusal:
    """The same rule for a service, which may share a word with the cluster but not with YAML."""
    if len(text) > LONGEST or _WRITTEN.fullmatch(text) is None or text.isdigit():
        return _refused(text)
    slug = _SEPARATOR.sub("-", text).lower()
    if slug in _NOT_TEXT_IN_YAML:
        return _refused(text)
    slug = slug if slug[0].isalpha() else f"app-{slug}"
    return slug if len(slug) <= LONGEST else _refused(text)


def belongs_to_the_cluster(name: str) -> bool:
    """True for ``default`` and the namespaces that Kubernetes or its distribution keeps for itself."""
    return name in _OF_THE_CLUSTER or name.startswith(_CLUSTER_PREFIXES)


def shown(text: str) -> str:
    """Untrusted text for a message: ASCII, quoted, at most 48 characters."""
    return ascii(text if len(text) <= LONGEST else text[:LONGEST] + "...")


def _refused(text: str) -> Refusal:
    return Refusal(
        code=Code.NAME,
        message=f"{shown(text)} cannot name an application or a service: {RULE}.",
        remedy="Set `name:` in the Application Metadata header of the Dockerfile, or name a folder of the repository.",
    )
