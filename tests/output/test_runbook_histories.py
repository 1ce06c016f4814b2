"""A runbook's life: builds, people who write on it, specs that change, in whatever order; through
the public build."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from opsgen.fleet.build import contents
from opsgen.fleet.load import load_fleet
from opsgen.model import pages
from opsgen.output import blocks
from opsgen.output.decision import EDITED_BLOCK, FolderContent
from opsgen.output.write import write

_BASE = "service: shop\nteam: web\nconvention: prometheus-http\nmatch: {job: shop}\n"
_ORDERS = 'query: "sum(rate(orders_total[5m]))", alerts: [{below: 1}, {absent: 10m}]'
SPECS = {
    "plain": f"{_BASE}slos: [{{availability: 99.9%}}]\n",
    "another objective": f"{_BASE}slos: [{{availability: 99%}}]\nerrors: {{above: 2%}}\n",
    "with orders": f"{_BASE}business: [{{name: orders, {_ORDERS}}}]\n",
    "orders renamed": f"{_BASE}business: [{{name: sales, was: orders, {_ORDERS}}}]\n",
    "without traffic": (
        f"{_BASE}slos: [{{availability: 99.9%}}]\nalerts: {{TrafficGone: off}}\ntitle: The shop\n"
    ),
    "another team": _BASE.replace("web", "ops") + "latency: {p95: 1s}\n",
}
_RENAMED = {f"alert:orders{kind}-orders": f"alert:sales{kind}-sales" for kind in ("low", "absent")}
# What people write: the first line is unlike any other, so that it can be found again.
_FORMS = (
    "Note {}.",
    "### Note {}",
    "```\nNote {}.\n<!-- opsgen:begin alerts -->\n```",
    "- Note {}.\n  1. more",
    "Note {}.\t ",
)


@cache
def wanted(spec: str) -> dict[str, FolderContent]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "service.yaml"
        file.write_text(SPECS[spec])
        return contents(load_fleet([file]), Path(name) / "out")


@cache
def fresh(spec: str) -> pages.Page:
    (runbook,) = (a for a in wanted(spec)["shop"].artifacts if a.path == "shop/runbook.md")
    return pages.parse_page(runbook.content, "")


class Runbook(RuleBasedStateMachine):
    """`notes` are people's texts in the order in which they were written, each with the block it
    belongs to."""

    @initialize(spec=st.sampled_from(sorted(SPECS)))
    def start(self, spec: str) -> None:
        self.out = Path(tempfile.mkdtemp())
        self.file = self.out / "shop" / "runbook.md"
        self.notes: dict[str, str] = {}
        self.edited = False
        self.line_end = "\n"
        self.built = spec
        write(self.out, wanted(spec), complete=True)

    def teardown(self) -> None:
        shutil.rmtree(self.out)

    @rule(form=st.sampled_from(_FORMS), where=st.integers(0, 10_000), bare=st.booleans())
    @precondition(lambda self: not self.edited)
    def a_person_writes_below_a_block(self, form: str, where: int, bare: bool) -> None:
        text = self._text()
        parts = pages.parse_page(text, "").parts
        part = parts[where % len(parts)]
        note = form.format(f"number {len(self.notes) + 1:03}").replace("\n", self.line_end)
        self.notes[note] = part.block.id
        end = f"<!-- opsgen:end {part.block.id} -->"
        at = text.rindex(end) + len(end)
        written = f"{self.line_end}{self.line_end}{note}"
        rest = text[at:]
        self._save(f"{text[:at]}{written}{rest if rest else ('' if bare else self.line_end)}")

    @rule()
    @precondition(lambda self: not self.edited)
    def an_editor_changes_the_ends_of_lines(self) -> None:
        old, new = self.line_end, "\r\n" if self.line_end == "\n" else "\n"
        self._save(self._text().replace(old, new))
        self.notes = {note.replace(old, new): block for note, block in self.notes.items()}
        self.line_end = new

    @rule(spec=st.sampled_from(sorted(SPECS)))
    def the_spec_changes(self, spec: str) -> None:
        before = self._text()

        done = write(self.out, wanted(spec), complete=True)

        if self.edited:
            assert [conflict.reason for conflict in done.conflicts] == [EDITED_BLOCK]
            assert self._text() == before
            return
        assert not done.conflicts
        self._follow(spec)
        self.built = spec

    @rule(where=st.integers(0, 10_000))
    @precondition(lambda self: not self.edited)
    def somebody_edits_a_block(self, where: int) -> None:
        parts = pages.parse_page(self._text(), "").parts
        own = [part.block for part in parts if part.block.id != blocks.RETIRED]
        begin = f"<!-- opsgen:begin {own[where % len(own)].id} "
        text = self._text()
        line = text.index("\n", text.index(begin)) + 1
        self.kept = text
        self._save(f"{text[:line]}Edited.{self.line_end}{text[line:]}")
        self.edited = True

    @rule(spec=st.sampled_from(sorted(SPECS)), theirs=st.booleans())
    @precondition(lambda self: self.edited)
    def the_edit_is_settled(self, spec: str, theirs: bool) -> None:
        if theirs:
            assert not write(self.out, wanted(spec), complete=True, take="theirs").conflicts
            self._follow(spec)
            self.built = spec
        else:
            self._save(self.kept)
        self.edited = False

    @invariant()
    def every_word_is_there_once_and_where_it_belongs(self) -> None:
        if self.edited:
            return
        page = pages.parse_page(self._text(), "")
        after = {part.block.id: part.after for part in page.parts}
        for note, block in self.notes.items():
            assert self._text().count(note) == 1, note
            assert note in after[block], (note, block)

    @invariant()
    def blocks_are_those_of_a_fresh_build(self) -> None:
        if self.edited:
            return
        found = {
            part.block.id: part.block.body for part in pages.parse_page(self._text(), "").parts
        }
        found.pop(blocks.RETIRED, None)
        assert found == {part.block.id: part.block.body for part in fresh(self.built).parts}

    def _follow(self, spec: str) -> None:
        """Where notes belong once the spec has changed."""
        there = {part.block.id for part in fresh(self.built).parts}
        ids = {part.block.id for part in fresh(spec).parts}
        renamed = (
            _RENAMED if spec == "orders renamed" and not there & set(_RENAMED.values()) else {}
        )
        for note, block in self.notes.items():
            target = renamed.get(block, block)
            self.notes[note] = target if target in ids else blocks.RETIRED

    def _text(self) -> str:
        return self.file.read_bytes().decode()

    def _save(self, text: str) -> None:
        self.file.write_bytes(text.encode())


TestRunbook = Runbook.TestCase
TestRunbook.settings = settings(max_examples=40, stateful_step_count=25)
