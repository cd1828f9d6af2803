"""What leaves for a model, and what comes back as prose: without secrets, internal addresses and names of machines.

In: text and plain data, the names of a snapshot. Out: the same with each such place replaced by a word that says so.
Never: a secret value in a reply, a change of a number.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from bot.model.cluster import ClusterSnapshot
from bot.model.noun import JsonValue
from bot.rendering.data_text import without_secrets
from bot.survey.secrets import looks_secret

SECRET: Final = "[left out: looked like a secret]"  # noqa: S105  # the word that stands in its place
ADDRESS: Final = "[internal address]"
_WINDOW, _STEP = 2_000, 1_000
"""``looks_secret`` judges 2,000 characters; windows that overlap by half hold every shorter secret whole."""
_CLAUSE: Final = re.compile(r"(?<=[,;.!?])\s+")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s<>\"'`)\]}|]*(?:\][^\s<>\"'`)}|]*)?")
_IPV4: Final = re.compile(r"(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){3,}(?![0-9])")
_IPV6: Final = re.compile(r"(?<![A-Za-z0-9])[0-9A-Fa-f:.]{2,100}(?![A-Za-z0-9])")
_HOST: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]{1,255}\.){1,20}"
    r"(?:localdomain|localhost|local|internal|intranet|lan|corp|home|svc)(?![A-Za-z0-9_-])(?:\.[A-Za-z0-9.-]{1,255})?"
    r"|(?<![A-Za-z0-9_.-])localhost(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_SHORTEST: Final = 3
"""Shorter names are words of everybody: replacing each ``a`` would hide nothing and destroy the text."""
_LONG: Final = 8
_PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)


def quiet(text: str, limit: int = 200) -> str:
    """Prose of a model as a record keeps it: one line of visible characters, without secrets, cut with a mark."""
    plain = " ".join(_visible(text[: 8 * limit]).split())
    safe = without_internal(_without_secrets(plain))
    return safe if len(safe) <= limit else f"{safe[:limit]}… cut"


def without_internal(text: str) -> str:
    """The text with private addresses, internal host names and the URLs that hold them replaced."""
    text = _URL.sub(lambda found: ADDRESS if _internal_url(found[0]) else found[0], text)
    text = _IPV4.sub(lambda found: found[0] if _is_public(found[0]) else ADDRESS, text)
    text = _IPV6.sub(lambda found: ADDRESS if _holds_internal(found[0]) else found[0], text)
    return _HOST.sub(ADDRESS, text)


@dataclass(frozen=True)
class Scrubber:
    """Cleans everything that a payload holds. ``names`` maps real names to the ones that are shown instead; ``redact``
    takes out exact values.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    redact: Callable[[str], str] = without_secrets

    @classmethod
    def of(cls, snapshot: ClusterSnapshot, *, keep: Collection[str] = ()) -> Scrubber:
        """For the nodes, stores and guests of a snapshot. ``keep`` are the application's own words, which stay."""
        kept = {word.lower() for word in keep}
        names: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for kind, name in _names(snapshot):
            plain = _visible(name).lower()
            if len(plain) >= _SHORTEST and not plain.isdigit() and plain not in kept and plain not in names:
                counts[kind] += 1
                names[plain] = f"{kind}-{counts[kind]}"
        return cls(names=names)

    def text(self, text: str, limit: int | None = None) -> str:
        """One text, cut at ``limit`` characters after cleaning."""
        cleaned = self._named(without_internal(_without_secrets(self.redact(_visible(text)))))
        return cleaned if limit is None else cleaned[:limit]

    def value(self, value: JsonValue) -> JsonValue:
        """Plain data with every key and every text cleaned."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def _named(self, text: str) -> str:
        lowered = text.lower()
        present = sorted((name for name in self.names if name in lowered), key=lambda name: (-len(name), name))
        if not present:
            return text
        pattern = re.compile("|".join(map(_bounded, present)), re.IGNORECASE)
        return pattern.sub(lambda found: self.names.get(found[0].lower(), ADDRESS), text)


def _bounded(name: str) -> str:
    """Short names only as whole words, long ones wherever they stand."""
    escaped = re.escape(name)
    return escaped if len(name) >= _LONG else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


def _names(snapshot: ClusterSnapshot) -> Iterator[tuple[str, str]]:
    yield from (("node", node.name) for node in snapshot.nodes)
    yield from (("store", store.name) for store in snapshot.stores)
    for facts in (snapshot.proxmox, snapshot.kubernetes):
        if facts is not None and facts.name:
            yield "cluster", facts.name
    if snapshot.proxmox is not None:
        yield from (("machine", guest.name) for guest in snapshot.proxmox.guests)
        yield from (("pool", pool) for pool in snapshot.proxmox.pools)


def _visible(text: str) -> str:
    """Without control and invisible characters, which would hide a secret from the patterns; line ends stay."""
    return "".join(letter for letter in text if letter in "\n\t " or _shows(letter))


def _shows(letter: str) -> bool:
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _without_secrets(text: str) -> str:
    return "\n".join(map(_safe_line, without_secrets(text).split("\n")))


def _safe_line(line: str) -> str:
    """Only the clauses that look like a secret go, unless two of them look like one together."""
    if not _suspicious(line):
        return line
    kept = " ".join(SECRET if _suspicious(clause) else clause for clause in _CLAUSE.split(line))
    return SECRET if _suspicious(kept.replace(SECRET, "")) else kept


def _suspicious(line: str) -> bool:
    starts = range(0, max(1, len(line) - _STEP), _STEP)
    return any(looks_secret(line[start : start + _WINDOW]) for start in starts)


def _internal_url(url: str) -> bool:
    """True as well for a host without a dot, and for what does not parse."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    if ":" in host:
        return _is_internal(host)
    if "." not in host.strip(".") or _PLAIN_HOST.fullmatch(host) is None or _HOST.search(host) is not None:
        return True
    return host.replace(".", "").isdigit() and not _is_public(host)


def _holds_internal(run: str) -> bool:
    """For IPv6: a run of its letters is one address, or ends in one behind a colon."""
    plain = run.strip(".")
    if plain.count(":") < 2 or not plain.strip(":"):  # fewer colons make no address
        return False
    if _judged(plain, lambda _: True):
        return _is_internal(plain)
    ends = [plain[at:] for at, letter in enumerate(plain) if letter == ":" or plain[at - 1 : at] == ":"]
    return any(map(_is_internal, ends[:40]))


def _is_public(text: str) -> bool:
    return _judged(text, lambda address: address.is_global) is True


def _is_internal(text: str) -> bool:
    return _judged(text, lambda address: not address.is_global) is True


def _judged(text: str, judge: Callable[[ipaddress.IPv4Address | ipaddress.IPv6Address], bool]) -> bool | None:
    try:
        return judge(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None
