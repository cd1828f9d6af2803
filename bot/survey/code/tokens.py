"""A bounded scanner for Go and JavaScript text: tokens with line numbers, brackets matched, comments gone.

In: text of any content. Out: ``Code``. Never: an exception, more than one pass over the text, execution of anything.
A JavaScript template becomes the concatenation it means: ``a${b}`` reads ``("a" + (b) + "")``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bot.survey.code.sources import Source

Kind = Literal["name", "string", "number", "op"]


class Token(NamedTuple):
    """One token; ``text`` of a string is its content without quotes."""

    kind: Kind
    text: str
    line: int


_SKIP = r"(?P<line>\n)|(?P<skip>[ \t\r\f\v]++|//[^\n]*+|/\*(?s:.*?)(?:\*/|\Z))"
_QUOTED = r'"(?:[^"\\\n]++|\\(?s:.))*+"?+'
_SINGLE = r"'(?:[^'\\\n]++|\\(?s:.))*+'?+"
_WORDS = r"(?P<number>\d[\w.]*+)|(?P<name>[^\W\d]\w*+)"
_GO = re.compile(
    rf"{_SKIP}|(?P<string>{_QUOTED}|{_SINGLE}|`[^`]*+`?+)|{_WORDS}|(?P<op>:=|==|!=|<=|>=|&&|\|\||<-|\.\.\.|(?s:.))"
)
_JS = re.compile(
    rf"{_SKIP}|(?P<string>{_QUOTED}|{_SINGLE})|(?P<number>\d[\w.]*+)|(?P<name>[$#]?[^\W\d][\w$]*+|\$)"
    r"|(?P<op>===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.|=>|\.\.\.|(?s:.))"
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]++|\\.|\[(?:[^\]\\\n]++|\\.)*+\])++/\w*+")
_PIECE = re.compile(r"(?:[^`\\$]++|\\(?s:.)|\$(?!\{))*+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN: dict[str | None, Kind] = {"name": "name", "number": "number", "op": "op"}
_OPEN = {"(": ")", "[": "]", "{": "}"}
_BEFORE_REGEX = frozenset({"return", "typeof", "case", "in", "of", "do", "else"})


@dataclass(frozen=True)
class Code:
    """Tokens of one file. ``match`` pairs brackets (-1 without partner), ``parent`` is the innermost open bracket."""

    path: str
    tokens: tuple[Token, ...]
    match: tuple[int, ...]
    parent: tuple[int, ...]

    def text(self, index: int) -> str:
        """The token's text, or the empty string outside the file; strings answer with a quote in front."""
        if not 0 <= index < len(self.tokens):
            return ""
        token = self.tokens[index]
        return '"' + token.text if token.kind == "string" else token.text

    def is_name(self, index: int) -> bool:
        """True when the token is an identifier."""
        return 0 <= index < len(self.tokens) and self.tokens[index].kind == "name"

    def literal(self, index: int) -> str | None:
        """The content of a string token, or None."""
        if 0 <= index < len(self.tokens) and self.tokens[index].kind == "string":
            return self.tokens[index].text
        return None

    def line(self, index: int) -> int:
        """The 1-based line of a token."""
        return self.tokens[index].line if 0 <= index < len(self.tokens) else 1


def scan_go(source: Source) -> Code:
    """Tokens of a Go file."""
    tokens: list[Token] = []
    line = 1
    for found in _GO.finditer(source.text):
        kind, text = found.lastgroup, found.group()
        if kind == "string":
            tokens.append(Token("string", _content(text), line))
        elif kind in _PLAIN:
            tokens.append(Token(_PLAIN[kind], text, line))
        if kind in {"line", "skip", "string"}:
            line += text.count("\n")
    return _paired(source.path, tokens)


def scan_js(source: Source) -> Code:
    """Tokens of a JavaScript or TypeScript file."""
    return _paired(source.path, _Script(source.text).run())


class _Script:
    """One pass over a script; ``braces`` remembers which closing brace ends a template's expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.line = 1
        self.tokens: list[Token] = []
        self.braces: list[bool] = []

    def run(self) -> list[Token]:
        while self.position < len(self.text):
            self._next()
        return self.tokens

    def _next(self) -> None:
        found = _JS.match(self.text, self.position)
        if found is None:
            self.position += 1
            return
        kind, text = found.lastgroup, found.group()
        if kind == "op":
            self._op(text)
            return
        self.position = found.end()
        if kind == "string":
            self._add("string", _content(text))
        elif kind in _PLAIN:
            self._add(_PLAIN[kind], text)
        self.line += text.count("\n")

    def _op(self, text: str) -> None:
        if text == "`":
            self.position += 1
            self._add("op", "(")
            self._piece()
        elif text == "/" and self._regex_may_start():
            found = _REGEX.match(self.text, self.position)
            self.position = found.end() if found else self.position + 1
            self._add("string", "")
        else:
            self._plain(text)

    def _plain(self, text: str) -> None:
        self.position += len(text)
        if text == "{":
            self.braces.append(False)
        elif text == "}" and self.braces and self.braces.pop():
            self._add("op", ")")
            self._add("op", "+")
            self._piece()
            return
        self._add("op", "." if text == "?." else text)

    def _piece(self) -> None:
        found = _PIECE.match(self.text, self.position)
        text = found.group() if found else ""
        self.position += len(text)
        self._add("string", _ESCAPE.sub(r"\1", text))
        self.line += text.count("\n")
        if self.text.startswith("${", self.position):
            self.position += 2
            self.braces.append(True)
            self._add("op", "+")
            self._add("op", "(")
        else:
            self.position += 1
            self._add("op", ")")

    def _regex_may_start(self) -> bool:
        if not self.tokens:
            return True
        last = self.tokens[-1]
        if last.kind == "op":
            return last.text not in {")", "]", "}"}
        return last.kind == "name" and last.text in _BEFORE_REGEX

    def _add(self, kind: Kind, text: str) -> None:
        self.tokens.append(Token(kind, text, self.line))


def _content(text: str) -> str:
    quote = text[0]
    inner = text[1:-1] if len(text) > 1 and text[-1] == quote else text[1:]
    return inner if quote == "`" or "\\" not in inner else _ESCAPE.sub(r"\1", inner)


def _paired(path: str, tokens: list[Token]) -> Code:
    """Match brackets; a closing bracket that fits nothing is ignored."""
    match = [-1] * len(tokens)
    parent = [-1] * len(tokens)
    stack: list[int] = []
    for index, token in enumerate(tokens):
        parent[index] = stack[-1] if stack else -1
        if token.kind != "op":
            continue
        if token.text in _OPEN:
            stack.append(index)
        elif stack and token.text == _OPEN[tokens[stack[-1]].text]:
            opener = stack.pop()
            match[opener], match[index] = index, opener
            parent[index] = parent[opener]
    return Code(path, tuple(tokens), tuple(match), tuple(parent))
