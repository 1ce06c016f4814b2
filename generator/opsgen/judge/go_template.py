"""A Go template goes in, with the functions and variables that it may use; what keeps Go from
parsing it comes out.

It follows the grammar of text/template/parse: Prometheus parses the templates of all alerts when it
loads a rule file, and refuses the file if one of them does not parse. Nothing is executed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from opsgen.judge.go_template_tokens import Token, TokenKind, tokens_of

# Blocks in blocks, and parentheses in them; our own stack ends at some 200.
_DEEPEST = 60
_OPERANDS: frozenset[TokenKind] = frozenset(
    {
        "bool",
        "char",
        ".",
        "field",
        "identifier",
        "number",
        "nil",
        "string",
        "variable",
        "(",
    }
)
# They can't be called, and have no fields.
_LITERALS: frozenset[TokenKind] = frozenset({"bool", "char", ".", "number", "nil", "string"})


@dataclass(frozen=True, slots=True)
class TemplateError:
    """What keeps Go from parsing a template, and what would be right."""

    message: str
    right: str


@dataclass(frozen=True, slots=True)
class Names:
    """What a template may use. `else_with` says whether Go knows `{{ else with }}` (from 1.23)."""

    functions: Collection[str]
    variables: Collection[str]
    else_with: bool = True


class _Refused(Exception):
    def __init__(self, message: str, right: str = "correct the template") -> None:
        super().__init__(message)
        self.error = TemplateError(message, right)


class _TooDeep(Exception):
    """Nobody writes that; it is not judged."""


def template_error(text: str, names: Names) -> TemplateError | None:
    """The first thing in the template that Go refuses, or None."""
    if "{{" not in text:
        return None
    try:
        _Parser(text, names).parse()
    except _Refused as refused:
        return refused.error
    except _TooDeep:
        return None
    return None


class _Parser:
    def __init__(self, text: str, names: Names) -> None:
        self._tokens = list(tokens_of(text))
        self._position = 0
        self._names = names
        self._variables = ["$", *names.variables]
        self._ranges = 0
        self._depth = 0
        self._defined: set[str] = set()

    def parse(self) -> None:
        while self._peek().kind != "end":
            if self._starts_definition():
                continue
            found = self._item()
            if found.ends:
                raise _Refused(
                    f"`{{{{ {found.ends} }}}}` belongs to no block",
                    "remove it, or write the `{{ if }}`, `{{ with }}` or `{{ range }}` before it",
                )

    # Tokens

    def _peek(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._tokens[self._position]
        if token.kind == "error":
            raise _Refused(token.text)
        self._position += token.kind != "end"
        return token

    def _next_word(self) -> Token:
        """The next token that is not a space."""
        self._skip_space()
        return self._next()

    def _peek_word(self) -> Token:
        self._skip_space()
        return self._peek()

    def _skip_space(self) -> None:
        while self._peek().kind == "space":
            self._position += 1

    def _expect(self, kind: TokenKind, where: str) -> Token:
        token = self._next_word()
        if token.kind != kind:
            raise _unexpected(token, where)
        return token

    # Text and blocks

    def _item(self) -> _Item:
        """A text or a `{{ }}`, with all that belongs to it."""
        token = self._next_word()
        if token.kind == "text":
            return _Item(is_empty=not token.text.strip())
        if token.kind != "open":
            raise _unexpected(token, "the template")
        return self._action()

    def _action(self) -> _Item:
        word = self._peek_word()
        if word.kind != "keyword":
            self._pipeline("a command", "close")
            return _Item()
        self._next()
        if word.text in ("end", "else"):
            return self._end_or_else(word.text)
        if word.text in ("break", "continue"):
            self._jump(word.text)
        elif word.text in ("if", "with", "range"):
            self._control(word.text)
        elif word.text == "template":
            self._template()
        elif word.text == "block":
            self._block()
        else:
            raise _Refused(
                "`{{ define }}` stands inside of another block", "write it before all else"
            )
        return _Item()

    def _end_or_else(self, word: str) -> _Item:
        following = self._peek_word()
        continues = word == "else" and following.text in ("if", "with")
        if not (continues and following.kind == "keyword"):
            self._expect("close", f"`{word}`")
        return _Item(ends=word)

    def _jump(self, word: str) -> None:
        self._expect("close", f"`{word}`")
        if not self._ranges:
            raise _Refused(f"`{{{{ {word} }}}}` stands outside of `{{{{ range }}}}`", "remove it")

    def _control(self, keyword: str) -> None:
        """What follows `if`, `with` or `range`, to its `end`."""
        with self._deeper():
            known = len(self._variables)
            self._pipeline(f"`{keyword}`", "close")
            self._ranges += keyword == "range"
            ends = self._items(keyword).ends
            self._ranges -= keyword == "range"
            if ends == "else":
                self._else(keyword)
            del self._variables[known:]

    def _else(self, keyword: str) -> None:
        following = self._peek_word()
        again = following.kind == "keyword" and following.text == keyword != "range"
        if again and (keyword == "if" or self._names.else_with):
            self._next()
            self._control(keyword)
        elif self._items(keyword).ends != "end":
            raise _Refused("`{{ else }}` comes twice in one block", "write one")

    def _items(self, keyword: str) -> _Item:
        """All up to `end` or `else`; says which, and whether there is nothing but spaces."""
        is_empty = True
        while self._peek_word().kind != "end":
            found = self._item()
            if found.ends:
                return _Item(is_empty, found.ends)
            is_empty = is_empty and found.is_empty
        raise _Refused(
            f"`{{{{ {keyword} }}}}` is never closed", "write `{{ end }}` where the block ends"
        )

    def _template(self) -> None:
        self._expect("string", "`template`")
        if self._peek_word().kind == "close":
            self._next()
        else:
            self._pipeline("`template`", "close")

    def _block(self) -> None:
        name = self._expect("string", "`block`").text
        self._pipeline("`block`", "close")
        self._definition(name, "block")

    def _starts_definition(self) -> bool:
        """Reads a `{{ define }}`, if one begins here."""
        start = self._position
        if self._next().kind == "open" and self._peek_word().text == "define":
            self._next()
            name = self._expect("string", "`define`").text
            self._expect("close", "`define`")
            self._definition(name, "define")
            return True
        self._position = start
        return False

    def _definition(self, name: str, keyword: str) -> None:
        """The body of a definition, which sees none of the variables around it."""
        outside, self._variables = self._variables, ["$"]
        ranges, self._ranges = self._ranges, 0
        with self._deeper():
            body = self._items(keyword)
        self._variables, self._ranges = outside, ranges
        if body.ends != "end":
            raise _Refused(f"`{{{{ else }}}}` can't stand in `{{{{ {keyword} }}}}`", "remove it")
        if not body.is_empty and name in self._defined:
            raise _Refused(f"the template {name} is defined twice", "define it once")
        if not body.is_empty:
            self._defined.add(name)

    # Pipelines

    def _pipeline(self, where: str, end: TokenKind) -> None:
        self._declarations(where)
        commands = 0
        while (token := self._peek_word()).kind in _OPERANDS:
            if commands and token.kind in _LITERALS:
                raise _Refused(
                    f"`{token.text}` is no function, but stands behind `|`",
                    "write a function there",
                )
            self._command()
            commands += 1
        if token.kind != end:
            self._next()
            raise _unexpected(token, where)
        self._next()
        if not commands:
            raise _Refused(f"{where} has no value", "write one")

    def _declarations(self, where: str) -> None:
        """`$x :=`, `$x =`, and for `range` also `$i, $x :=`."""
        for declared in (0, 1):
            start = self._position
            if self._peek_word().kind != "variable":
                return
            name = self._next().text
            sign = self._peek_word()
            if sign.kind in (":=", "="):
                self._next()
                self._variables.append(name)
                return
            if sign.kind != ",":
                self._position = start
                return
            self._next()
            self._variables.append(name)
            if where != "`range`" or declared or self._peek_word().kind != "variable":
                raise _Refused(f"`,` can't stand in {where} there", "remove it")

    def _command(self) -> None:
        """Operands up to `|` or the end of the pipeline."""
        while True:
            if self._peek_word().kind in _OPERANDS:
                self._operand()
            token = self._peek()
            if token.kind == "space":
                self._next()
                continue
            if token.kind == "|":
                self._next()
            elif token.kind not in ("close", ")"):
                self._next()
                raise _unexpected(token, "a command")
            return

    def _operand(self) -> None:
        token = self._next()
        if token.kind == "identifier":
            self._check_function(token.text)
        elif token.kind == "variable":
            self._check_variable(token.text)
        elif token.kind == "(":
            with self._deeper():
                self._pipeline("a parenthesis", ")")
        if self._peek().kind == "field" and token.kind in _LITERALS:
            raise _Refused(f"`{token.text}` has no fields", "remove what follows the dot")
        while self._peek().kind == "field":
            self._next()

    def _check_function(self, name: str) -> None:
        if name in self._names.functions:
            return
        near = get_close_matches(name, list(self._names.functions), 1)
        right = f"did you mean `{near[0]}`?" if near else "use a function of Prometheus"
        if f"${name}" in self._variables:
            right = f"did you mean `${name}`?"
        raise _Refused(f"`{name}` is not a function of Prometheus' templates", right)

    def _check_variable(self, name: str) -> None:
        if name in self._variables:
            return
        near = get_close_matches(name, self._variables, 1)
        right = f"did you mean `{near[0]}`?" if near else "define it first: `{{ $x := ... }}`"
        raise _Refused(f"the variable `{name}` is not defined", right)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _TooDeep
        yield
        self._depth -= 1


@dataclass(frozen=True, slots=True)
class _Item:
    """Whether it prints nothing but spaces, and the keyword where it is an `end` or an `else`."""

    is_empty: bool = False
    ends: str = ""


def _unexpected(token: Token, where: str) -> _Refused:
    found = f"`{token.text}`" if token.text.strip() else "this"
    if token.kind == "close":
        return _Refused(f"{where} ends too early", "complete it")
    return _Refused(f"{found} can't stand in {where}")
