"""A pack's document goes in; it comes out with one signal for each entry of `each:`, and every part
keeps its place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsgen.errors import Mistake
from opsgen.load.shown import path_text
from opsgen.load.yaml_reader import Document, YamlNode
from opsgen.model.texts import blank_alone, fill_known

ITEM = "item"  # the blank that an entry's own key fills
MOST_ENTRIES = 20

_Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Expanded:
    """A pack's document without `each`. `written` has for every signal the number of the one in the
    file that it was made of, and `mistakes` what is wrong with the tables of values."""

    document: Document
    written: tuple[int, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def expanded(document: Document) -> Expanded:
    """One signal for each entry; a table that is not well-formed is left for the model to
    refuse."""
    signals = document.root.children.get("signals")
    if signals is None or not isinstance(signals.value, list):
        return Expanded(document)
    made: list[YamlNode] = []
    written: list[int] = []
    mistakes: list[Mistake] = []
    for index, signal in enumerate(signals.children[i] for i in range(len(signals.value))):
        found = list(_each(signal))
        made += found
        written += [index] * len(found)
        mistakes += _uneven(document, ("signals", index, "each"), signal)
    root = _with_child(document.root, "signals", _list(signals, made))
    return Expanded(Document(document.file, root), tuple(written), tuple(mistakes))


def _each(signal: YamlNode) -> Iterator[YamlNode]:
    table = signal.children.get("each")
    if table is None or not _is_table(table.value):
        yield signal
        return
    for item, row in table.children.items():
        words = {name: value for name, value in row.children.items() if isinstance(name, str)}
        own = row._replace(value=str(item), raw=str(item))
        yield _filled(_without(signal, "each"), {**words, ITEM: own})


def _is_table(value: Any) -> bool:
    """Entries of texts and numbers by their names, and not so many that signals get out of hand."""
    rows = list(value.values()) if isinstance(value, dict) else []
    return 0 < len(rows) <= MOST_ENTRIES and all(
        isinstance(row, dict) and all(_is_word(word) for word in row.values()) for row in rows
    )


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _uneven(document: Document, path: _Path, signal: YamlNode) -> Iterator[Mistake]:
    """A mistake for every value that one entry has and another lacks."""
    table = signal.children.get("each")
    if table is None or not _is_table(table.value):
        return
    names = dict.fromkeys(name for row in table.value.values() for name in row)
    for item, row in table.value.items():
        lacking = [name for name in names if name not in row]
        if lacking:
            line, column = document.position((*path, item), "key")
            wrong = f"{item} has no value for {' and '.join(lacking)}, which another entry has"
            right = "write it here too, or leave it out everywhere"
            yield Mistake(document.file, line, column, path_text((*path, item)), wrong, right)


def _filled(node: YamlNode, words: Mapping[str, YamlNode]) -> YamlNode:
    """A value that is one blank alone becomes the entry's own, number or text; in any other text
    the blanks of these names are filled."""
    if node.children:
        children = {key: _filled(child, words) for key, child in node.children.items()}
        values = {key: child.value for key, child in children.items()}
        value: Any = list(values.values()) if isinstance(node.value, list) else values
        return node._replace(value=value, children=children)
    if not isinstance(node.value, str):
        return node
    alone = blank_alone(node.value)
    if alone is not None and alone in words:
        return words[alone]._replace(line=node.line, column=node.column)
    text = fill_known(node.value, {name: word.raw or "" for name, word in words.items()})
    return node._replace(value=text, raw=text)


def _without(node: YamlNode, key: str) -> YamlNode:
    children = {name: child for name, child in node.children.items() if name != key}
    return node._replace(
        value={name: child.value for name, child in children.items()}, children=children
    )


def _with_child(node: YamlNode, key: str, child: YamlNode) -> YamlNode:
    return node._replace(
        value={**node.value, key: child.value}, children={**node.children, key: child}
    )


def _list(node: YamlNode, children: list[YamlNode]) -> YamlNode:
    return node._replace(
        value=[child.value for child in children], children=dict(enumerate(children))
    )
