"""A pack's document goes in; it comes out with one signal for each entry of `each:`, and every part
keeps its place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from opsgen.errors import Mistake
from opsgen.load.shown import path_text
from opsgen.load.yaml_reader import Document, YamlNode
from opsgen.model.texts import blank_alone, blanks, blanks_of, fill_known

ITEM = "item"  # the blank that an entry's own key fills
MOST_ENTRIES = 20

_Path = tuple[str | int, ...]
_Place = tuple[int, int]  # line and column


@dataclass(frozen=True)
class Expanded:
    """A pack's document without `each`. `written` has for every signal the number of the one in the
    file that it was made of, and `mistakes` what is wrong with the tables of values.

    `unfilled` are the lines and columns of texts that a wrong table should fill.
    """

    document: Document
    written: tuple[int, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    unfilled: frozenset[_Place] = frozenset()

    def without_effects(self, found: Iterable[Mistake]) -> Iterator[Mistake]:
        """The mistakes that are not in a text that a wrong table should fill: what is wrong there
        may be the effect of the table."""
        return (one for one in found if (one.line, one.column) not in self.unfilled)


def expanded(document: Document) -> Expanded:
    """One signal for each entry; a table that is not well-formed is left for the model to
    refuse."""
    signals = document.root.children.get("signals")
    if signals is None or not isinstance(signals.value, list):
        return Expanded(document)
    made: list[YamlNode] = []
    written: list[int] = []
    mistakes: list[Mistake] = []
    unfilled: list[_Place] = []
    purpose = document.root.children.get("for")
    taken = blanks_of("signal", str(purpose and purpose.value), "alert", "threshold", "guard")
    for index, signal in enumerate(signals.children[i] for i in range(len(signals.value))):
        found = list(_each(signal))
        made += found
        written += [index] * len(found)
        wrong = list(_wrong_values(document, ("signals", index, "each"), signal, taken))
        mistakes += wrong
        if wrong or not _is_well_formed(signal):
            unfilled += _places_of_blanks(_without(signal, "each"))
    root = _with_child(document.root, "signals", _list(signals, made))
    return Expanded(
        Document(document.file, root), tuple(written), tuple(mistakes), frozenset(unfilled)
    )


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


def _is_well_formed(signal: YamlNode) -> bool:
    table = signal.children.get("each")
    return table is None or _is_table(table.value)


def _wrong_values(
    document: Document, path: _Path, signal: YamlNode, taken: Set[str]
) -> Iterator[Mistake]:
    """A mistake for every value that one entry has and another lacks, and for every one that can't
    fill a blank of its name."""
    table = signal.children.get("each")
    if table is None or not _is_table(table.value):
        return
    names = dict.fromkeys(name for row in table.value.values() for name in row)
    for item, row in table.value.items():
        lacking = [name for name in names if name not in row]
        if lacking:
            wrong = f"{item} has no value for {' and '.join(lacking)}, which another entry has"
            right = "write it here too, or leave it out everywhere"
            yield _in_key(document, (*path, item), wrong, right)
        for name in row:
            yield from _no_blank(document, (*path, item, name), str(name), taken)


def _no_blank(document: Document, path: _Path, name: str, taken: Set[str]) -> Iterator[Mistake]:
    if name == ITEM:
        wrong = f"{{{ITEM}}} is already filled by the entry's own key"
        yield _in_key(document, path, wrong, "give the value another name")
    elif name in taken:
        wrong = f"opsgen already fills {{{name}}}"
        yield _in_key(document, path, wrong, "give the value another name")
    elif blank_alone(f"{{{name}}}") is None:
        wrong = f"{{{name}}} can't be a blank"
        yield _in_key(document, path, wrong, "name the value with lowercase letters and _")


def _in_key(document: Document, path: _Path, wrong: str, right: str) -> Mistake:
    line, column = document.position(path, "key")
    return Mistake(document.file, line, column, path_text(path), wrong, right)


def _places_of_blanks(node: YamlNode) -> Iterator[_Place]:
    """Where texts with blanks stand, at any depth."""
    for child in node.children.values():
        yield from _places_of_blanks(child)
    if isinstance(node.value, str) and blanks(node.value):
        yield node.line, node.column


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
