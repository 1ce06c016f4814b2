"""The bytes of one YAML file go in; plain data comes out with the place of each part, or every
mistake of the text.

Reads a stream of libyaml's events. So it stops at once at a file that is too deep or too large, and
an alias costs one step even if it stands for many values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml

from opsgen.errors import InputError, Mistake
from opsgen.load.shown import CONTROL, HIDDEN, may_be_secret, path_text, shown
from opsgen.load.yaml_scalars import Surprise, plain_scalar
from opsgen.load.yaml_syntax import LINE_END, syntax_mistake

LARGEST_BYTES = 1024 * 1024
DEEPEST = 64
MOST_NODES = 50_000

# Characters that no file may have: CONTROL without the carriage return, and what libyaml refuses.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class YamlNode(NamedTuple):
    """A value and everything below it. `raw` is the text of a scalar as written; `size` and `depth`
    include the node itself."""

    value: Any
    raw: str | None
    line: int
    column: int
    size: int = 1
    depth: int = 1
    keys: Mapping[str, tuple[int, int]] = {}
    children: Mapping[str | int, YamlNode] = {}


@dataclass(frozen=True)
class Document:
    """The one document of a file: plain data, and the place of each part. Lines and columns count
    from 1."""

    file: str
    root: YamlNode

    @property
    def value(self) -> Any:
        """None, bool, int, float, str, list, or dict with str keys. An alias is the same object as
        its anchor."""
        return self.root.value

    def position(self, path: tuple[str | int, ...], of: str = "value") -> tuple[int, int]:
        """Line and column of a value, or of its key with `of="key"`. If the path does not exist,
        those of its nearest existing parent.

        The place of a value behind an alias is where the value was written.
        """
        node, parents = self._nearest(path)
        last = path[len(parents) - 1] if parents and len(parents) == len(path) else None
        if of == "key" and isinstance(last, str):
            return parents[-1].keys[last]
        return node.line, node.column

    def has(self, path: tuple[str | int, ...]) -> bool:
        """Whether something was written there."""
        return len(self._nearest(path)[1]) == len(path)

    def raw(self, path: tuple[str | int, ...]) -> str | None:
        """The text of a scalar as written, without quotes: `99.90`, `on`. None for lists, mappings
        and paths that do not exist."""
        node, parents = self._nearest(path)
        return node.raw if len(parents) == len(path) else None

    def _nearest(self, path: tuple[str | int, ...]) -> tuple[YamlNode, list[YamlNode]]:
        node, parents = self.root, []
        for part in path:
            if part not in node.children:
                break
            parents.append(node)
            node = node.children[part]
        return node, parents


def read_document(path: Path, shown_as: str) -> Document:
    """The one document of a file; `shown_as` names the file in messages. Raises InputError with all
    of its mistakes."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise InputError(
            [Mistake(shown_as, 1, 1, "", f"the file can't be read: {reason}")]
        ) from error
    return parse_document(text, shown_as)


def parse_document(text: bytes, shown_as: str) -> Document:
    """The one document of these bytes; `shown_as` names their file in messages. Raises InputError
    with all mistakes."""
    reader = _Reader(_decoded(text, shown_as), shown_as)
    try:
        return Document(shown_as, reader.document())
    finally:
        reader.dispose()


def _decoded(text: bytes, file: str) -> str:
    if len(text) > LARGEST_BYTES:
        wrong = f"the file is larger than {LARGEST_BYTES // 1024} KiB"
        right = "split it, or check that it is the right file"
        raise InputError([Mistake(file, 1, 1, "", wrong, right)])
    try:
        decoded = text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8").removeprefix("\ufeff")
        line, column = _place(before)
        wrong = f"the byte 0x{text[error.start]:02x} is not UTF-8"
        mistake = Mistake(file, line, column, "", wrong, "save the file as UTF-8")
        raise InputError([mistake]) from None
    unreadable = _UNREADABLE.search(decoded)
    if unreadable:
        line, column = _place(decoded[: unreadable.start()])
        wrong = f"the character U+{ord(unreadable[0]):04X} is a control character"
        raise InputError([Mistake(file, line, column, "", wrong, "remove it")])
    return decoded


def _place(before: str) -> tuple[int, int]:
    """The line and column just after this text."""
    lines = LINE_END.split(before)
    return len(lines), len(lines[-1]) + 1


class _Reader:
    """Builds the nodes of one document from the parser's events, and collects mistakes."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._parser = yaml.CSafeLoader(text)
        self._mistakes: list[Mistake] = []
        self._path: list[str | int] = []
        self._anchors: dict[str, YamlNode] = {}
        self._open_anchors: list[str] = []
        self._nodes = 0
        self._last = (1, 1)

    def dispose(self) -> None:
        self._parser.dispose()

    def document(self) -> YamlNode:
        self._next()  # the start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            self._give_up(1, 1, "the file is empty", "write at least one `key: value`")
        root = self._node(self._next())
        if root.raw == "" and root.value is None:
            self._wrong(
                root.line, root.column, "the document is empty", "write at least one `key: value`"
            )
        self._next()  # the end of the document
        if not isinstance(self._next(), yaml.StreamEndEvent):
            wrong = "the file has a second document, which would never be read"
            self._give_up(*self._last, wrong, "write one document per file, without a second ---")
        if self._mistakes:
            raise InputError(self._mistakes)
        return root

    def _next(self) -> yaml.Event:
        try:
            event = self._parser.get_event()
        except yaml.MarkedYAMLError as error:
            # The parser reads ahead, so the error may be after the value that we are at.
            self._path.clear()
            self._give_up(*syntax_mistake(error, self._text))
        except (yaml.YAMLError, UnicodeDecodeError):
            self._path.clear()
            # libyaml decodes %-escapes in tags to whatever bytes they make.
            self._give_up(
                *self._last, "the text from here on is not valid YAML", "leave out tags (!...)"
            )
        assert (
            event is not None and event.start_mark is not None
        )  # only after the end of the stream, where we stop
        self._last = event.start_mark.line + 1, event.start_mark.column + 1
        return event

    def _node(self, event: yaml.Event) -> YamlNode:
        line, column = self._last
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line, column)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        self._count(1, 1, line, column)
        if event.tag is not None:
            wrong = f"the tag {shown(event.tag)} is not supported"
            self._wrong(line, column, wrong, "leave it out; quote the value if it is a text")
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, line, column)
        else:
            node = self._collection(event, line, column)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _collection(self, event: yaml.CollectionStartEvent, line: int, column: int) -> YamlNode:
        if event.anchor is not None:
            self._open_anchors.append(event.anchor)
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = self._mapping(line, column) if mapping else self._sequence(line, column)
        if event.anchor is not None:
            self._open_anchors.pop()
        return node

    def _mapping(self, line: int, column: int) -> YamlNode:
        keys: dict[str, tuple[int, int]] = {}
        children: dict[str | int, YamlNode] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            place = self._last
            key = self._key(event, keys)
            self._path.append(event.value if isinstance(event, yaml.ScalarEvent) else "?")
            child = self._node(self._next())
            self._path.pop()
            if key is None:
                continue
            keys[key] = place
            if child.raw == "":  # an empty value has no place of its own
                key_line, key_column = place
                child = child._replace(line=key_line, column=key_column)
            children[key] = child
        value = {key: child.value for key, child in children.items()}
        return _joined(value, line, column, children, keys)

    def _sequence(self, line: int, column: int) -> YamlNode:
        children: dict[str | int, YamlNode] = {}
        for index in count():
            event = self._next()
            if isinstance(event, yaml.SequenceEndEvent):
                break
            self._path.append(index)
            children[index] = self._node(event)
            self._path.pop()
        value = [child.value for child in children.values()]
        return _joined(value, line, column, children, {})

    def _key(self, event: yaml.Event, before: Mapping[str, tuple[int, int]]) -> str | None:
        """The key; None after a mistake was noted, so that its value is dropped."""
        line, column = self._last
        if not isinstance(event, yaml.ScalarEvent):
            self._path.append("?")
            self._node(event)
            self._path.pop()
            wrong = "a key must be a text, not a list, mapping or alias"
            self._wrong(line, column, wrong, "write a plain word as the key")
            return None
        if event.implicit[0] and event.value == "<<":
            self._wrong(line, column, "merge keys (<<) are not supported", "write the keys out")
            return None
        mistakes = len(self._mistakes)
        key = self._node(event).value
        if len(self._mistakes) > mistakes:
            return None
        if key is None and event.value == "":
            self._wrong(line, column, "a key is missing before the colon", "write one")
        elif not isinstance(key, str):
            written = shown(event.value)
            wrong = f"the key `{written}` is {_kind_of_key(key)} to YAML"
            self._wrong(line, column, wrong, f'quote it: "{written}"')
        elif key in before:
            first_line, first_column = before[key]
            wrong = f"the key {shown(key)} is written twice"
            right = f"the first is at {first_line}:{first_column}: leave one of them out"
            self._wrong(line, column, wrong, right)
        else:
            return key
        return None

    def _scalar(self, event: yaml.ScalarEvent, line: int, column: int) -> YamlNode:
        raw: str = event.value
        if not event.implicit[0]:
            control = CONTROL.search(raw)
            if control:
                wrong = f"the text has the control character U+{ord(control[0]):04X}"
                self._wrong(line, column, wrong, "leave it out")
            return YamlNode(raw, raw, line, column)
        meant = plain_scalar(raw)
        if isinstance(meant, Surprise):
            hidden = may_be_secret(self._path)
            wrong = f"YAML does not read the value {HIDDEN} as a text" if hidden else meant.wrong
            self._wrong(line, column, wrong, "quote it" if hidden else meant.right)
            return YamlNode(raw, raw, line, column)
        return YamlNode(meant, raw, line, column)

    def _alias(self, event: yaml.AliasEvent, line: int, column: int) -> YamlNode:
        name = event.anchor or ""
        if name in self._open_anchors:
            wrong = f"the alias *{shown(name)} refers to a value that contains it"
            self._give_up(line, column, wrong, "write the value out")
        if name not in self._anchors:
            right = "define it earlier with &; quote the value if it is a text that begins with *"
            self._wrong(line, column, f"the alias *{shown(name)} is not defined", right)
            return YamlNode(None, None, line, column)
        node = self._anchors[name]
        self._count(node.size, node.depth, line, column)
        return node

    def _count(self, size: int, depth: int, line: int, column: int) -> None:
        self._nodes += size
        if self._nodes > MOST_NODES:
            wrong = (
                f"the document has more than {MOST_NODES:,} values,"
                " counting each alias as the values that it stands for"
            )
            self._give_up(line, column, wrong, "write fewer values, or use fewer aliases")
        if len(self._path) + depth > DEEPEST:
            wrong = f"the document is nested deeper than {DEEPEST} levels"
            self._give_up(line, column, wrong, "write it flatter")

    def _wrong(self, line: int, column: int, wrong: str, right: str) -> None:
        self._mistakes.append(
            Mistake(self._file, line, column, path_text(self._path), wrong, right)
        )

    def _give_up(self, line: int, column: int, wrong: str, right: str) -> NoReturn:
        self._wrong(line, column, wrong, right)
        raise InputError(self._mistakes) from None


def _kind_of_key(key: bool | int | float | None) -> str:
    if isinstance(key, bool):
        return "a yes/no value"
    return "null" if key is None else "a number"


def _joined(
    value: Any,
    line: int,
    column: int,
    children: dict[str | int, YamlNode],
    keys: dict[str, tuple[int, int]],
) -> YamlNode:
    size = 1 + sum(child.size for child in children.values())
    depth = 1 + max((child.depth for child in children.values()), default=0)
    return YamlNode(value, None, line, column, size, depth, keys, children)
