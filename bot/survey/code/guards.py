"""Is a use of something optional? Blocks that a setting switches on, early returns when a setting is empty.

In: scanned code and a token in it. Out: a yes or no. Never: more than a few hundred steps per question.
"""

from __future__ import annotations

from bot.survey.code.calls import Call
from bot.survey.code.tokens import Code
from bot.survey.code.values import Book, top_block

_STEPS = 400
_LOUD = frozenset(
    {
        "panic",
        "Fatal",
        "Fatalf",
        "Fatalln",
        "Panic",
        "Panicf",
        "Exit",
        "throw",
        "Error",
        "errors",
        "Errorf",
        "exit",
        "raise",
    }
)
_SWITCH = ("enable", "enabled", "use", "with", "has", "is")


def optional_in(book: Book, code: Code, index: int, depth: int = 0) -> bool:
    """True for an optional use, and for one in a function that is only called from optional places."""
    if optional_use(code, index):
        return True
    name = function_name(code, index)
    if depth > 2 or name in {"", "main", "init"}:
        return False
    callers = [call for call in book.callers.get(name, []) if not _declares(call)]
    return bool(callers) and all(optional_in(book, call.code, call.open, depth + 1) for call in callers)


def _declares(call: Call) -> bool:
    """A declaration scans as a call: ``func name(``, ``func (s *T) name(``."""
    before = call.code.text(call.start - 1)
    return before in {"func", "function"} or (before == ")" and call.code.parent[call.open] < 0)


def asks_whether_set(code: Code, kind: str) -> bool:
    """``Boolean(process.env.REDIS_URL)`` or ``!!process.env.REDIS_URL``: the module of a store that may be absent."""
    word = kind.upper()[:5]
    for index in range(3, len(code.tokens) - 3):
        if code.text(index) == "env" and code.text(index - 2) == "process" and word in code.text(index + 2):
            before = code.text(index - 4) + code.text(index - 3)
            if before == "!!" or before.endswith("!!") or before == "Boolean(":
                return True
    return False


def optional_use(code: Code, index: int) -> bool:
    """True when the token stands in a block that runs only if a setting is given."""
    current = code.parent[index] if 0 <= index < len(code.parent) else -1
    for _ in range(60):
        if current < 0:
            break
        if code.text(current) == "{" and _is_switched(code, current):
            return True
        current = code.parent[current]
    return _after_quiet_return(code, index)


def _is_switched(code: Code, brace: int) -> bool:
    """``if x != "" {``, ``if cfg.Redis.Enabled {``, ``if (process.env.X) {``: the condition before the brace."""
    words: list[str] = []
    index = brace - 1
    while index >= 0 and brace - index < 24 and code.text(index) not in {"if", "{", "}", ";"}:
        words.append(code.text(index))
        index -= 1
    if code.text(index) == ";":
        return "!=" in words and '"' in words
    if code.text(index) != "if":
        return False
    if "==" in words or "nil" in words or "!" in words:
        return False
    return '"' in words or "env" in words or _is_flag(words)


def _is_flag(words: list[str]) -> bool:
    """A bare condition of one dotted name that reads as a switch."""
    names = [word for word in words if word not in {"(", ")", "."}]
    return bool(names) and all(name.isidentifier() for name in names) and names[0].lower().startswith(_SWITCH)


def _after_quiet_return(code: Code, index: int) -> bool:
    """``if x == "" { return }`` earlier in the same function."""
    block = top_block(code, index)
    if block < 0:
        return False
    for at in range(max(block, index - _STEPS), index):
        if code.text(at) == '"' and code.text(at - 1) in {"==", "==="} and code.text(at + 1) == "{":
            after = code.text(at + 3)
            if code.text(at + 2) == "return" and after in {"}", "nil", ";"}:
                return True
    return False


def emptiness(code: Code, end: int, name: str) -> bool | None:
    """What the code does when the variable ``name`` turns out empty: True stops loudly, False goes on, None unseen."""
    for at in range(end, min(end + 80, len(code.tokens) - 3)):
        if code.text(at) != name:
            continue
        sign = code.text(at + 1)
        if sign in {"!=", "!=="} and code.text(at + 2) == '"':
            return False
        if sign in {"==", "==="} and code.text(at + 2) == '"':
            return any(code.text(step) in _LOUD for step in range(at + 3, at + 16))
        if code.text(at - 1) == "!" and sign == ")":
            return any(code.text(step) in _LOUD for step in range(at + 2, at + 16))
    return None


def function_name(code: Code, index: int) -> str:
    """The name of the top-level function around a token, or the empty string."""
    block = top_block(code, index)
    for at in range(block - 1, max(block - 80, -1), -1):
        if code.text(at) in {"func", "function"}:
            opener = at + 1
            if code.text(opener) == "(" and code.match[opener] > 0:
                opener = code.match[opener] + 1
            return code.text(opener) if code.is_name(opener) else ""
    return ""
