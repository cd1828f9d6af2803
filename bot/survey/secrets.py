"""Values that look like secrets: found by file and line, so that a person can take them out of the repository.

In: texts. Out: notes that name file and line. Never: the value itself, in a note, an excerpt or a log.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.tree import Tree
from bot.survey.places import is_below

MAX_NOTES: Final = 20
MAX_LINE: Final = 2_000

_TOKEN: Final = re.compile(
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40,}|SG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}|hvs\.[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|PVEAPIToken=\S{20,}"
)
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_URL_PASSWORD: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"']{0,80}:(?P<value>[^\s@/\"']{3,200})@")
_NAMED: Final = re.compile(
    r"(?i)(?:password|passwd|passphrase|secret(?!_?-?(?:name|ref|key_?ref|provider|store|s?_?manager))|api[_-]?key|access[_-]?key(?!_?id)"
    r"|private[_-]?key|auth[_-]?token|access[_-]?token|_token|client[_-]?secret|credential)s?(?!ref)[a-z0-9_]{0,20}[\"']?\s{0,4}[=:]\s{0,4}"
    r"[\"']?(?P<value>[^\s\"',;]{4,300})"
)
_NAME: Final = re.compile(
    r"(?i)pass(?:word|wd|phrase)?(?:_|$)|secret|token|api_?key|access_?key|private_?key|credential|_key$|^key_|_dsn$|_pwd$|signing|encryption"
)
_URL_NAME: Final = re.compile(
    r"(?i)^(?:database|db|redis|mongo(?:db)?|amqp|rabbitmq|postgres(?:ql)?|mysql)_?(?:ur[il]|connection(?:_string)?)$"
)
_PLACEHOLDER: Final = re.compile(
    r"(?i)\$.*|<.*|\{.*|%.*|\[.*|[x*.-]{3,}|(?:true|false|none|null|undefined|optional|required|string|file|vault|dummy|placeholder)"
    r"|(?:your|my|some|the)[_-].*|example[_-]?\w{0,12}|.*(?:change[_-]?me|change[_-]?this|replace[_-]?me|to[_-]?be[_-]?set|secretkeyref|process\.env"
    r"|environ|getenv|config\.|settings\.|valuefrom).*|/[\w./-]*|~/.*"
)
_DATA_FILES: Final = re.compile(
    r"(?i)(?:.*/)?(?:\.?env(?:[._-].*)?|.*\.env(?:[._-].*)?|.*\.ya?ml|.*\.properties|.*\.ini|\.npmrc|\.pypirc|\.netrc|\.pgpass|credentials"
    r"|(?:appsettings|config|settings|secrets?|credentials|.*service[_-]?account)[^/]{0,60}\.(?:json|toml)"
    r"|(?:.*\.)?(?:docker|container)file(?:[._-].*)?)"
)


def looks_secret(text: str) -> bool:
    """True when a text holds something that looks like a key, a token or a password."""
    line = text[:MAX_LINE]
    if _TOKEN.search(line) or _PRIVATE_KEY.search(line):
        return True
    return any(
        not _PLACEHOLDER.fullmatch(match["value"])
        for pattern in (_URL_PASSWORD, _NAMED)
        for match in pattern.finditer(line)
    )


def is_secret_name(name: str) -> bool:
    """True when a variable's name says that its value is a secret."""
    return _NAME.search(name) is not None or _URL_NAME.fullmatch(name) is not None


def excerpt(text: str) -> str:
    """At most 120 characters of a line; empty when it looks like it holds a secret."""
    line = " ".join(text[:MAX_LINE].split())
    return "" if looks_secret(line) else line[:120]


def secret_notes(tree: Tree) -> tuple[str, ...]:
    """One note per line that looks like it holds a secret, at most 20, in path order."""
    notes: list[str] = []
    for path in sorted(path for path in tree.texts if is_below(path, tree.part)):
        for line in _suspects(path, tree.texts[path]):
            if len(notes) == MAX_NOTES:
                return (*notes, "more secret-looking values were found; only the first 20 are listed")
            notes.append(f"secret-looking value in file {path} line {line}: not copied; take it out and rotate it")
    return tuple(notes)


def _suspects(path: str, text: str) -> list[int]:
    named = _DATA_FILES.fullmatch(path) is not None
    found: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if "-----BEGIN" in line:
            suspicious = _PRIVATE_KEY.search(line[:MAX_LINE]) is not None
        elif named:
            suspicious = looks_secret(line)
        else:
            suspicious = _TOKEN.search(line[:MAX_LINE]) is not None
        if suspicious:
            found.append(number)
            if len(found) == MAX_NOTES + 1:
                break
    return found
