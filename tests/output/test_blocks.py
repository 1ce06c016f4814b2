"""Claims about pages that opsgen shares with people: whose is which line, and what becomes of
it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsgen.errors import InputError
from opsgen.model.pages import Block, Page, Part, parse_page, written_by_people
from opsgen.output import blocks
from opsgen.output.blocks import merge


def page(**bodies: str) -> Page:
    """The page as opsgen writes it, of blocks by their ids: `page(a="\\n## A\\n")`."""
    parts = [
        Part(Block(name.replace("_", ":"), f"\n{body}\n\n"), "\n") for name, body in bodies.items()
    ]
    return Page("", (*parts[:-1], Part(parts[-1].block, "")))


def merged(present: str, wanted: Page) -> str:
    found = merge(present, wanted, "runbook.md")
    assert not found.edited
    return found.text


OLD = page(top="# Shop", alert_a="### A: errors", alert_b="### B: delay", links="## Links")


def after(text: str, name: str, more: str) -> str:
    """The text with more of it below the block of that id."""
    end = f"<!-- opsgen:end {name} -->\n"
    assert end in text
    return text.replace(end, end + more, 1)


# -- what stays ------------------------------------------------------------------------------------


def test_a_page_is_what_was_written() -> None:
    assert parse_page(OLD.text, "") == Page(
        OLD.head, tuple(Part(_read(p.block, OLD.text), p.after) for p in OLD.parts)
    )


def _read(block: Block, text: str) -> Block:
    line = text[: text.index(f"opsgen:begin {block.id} ")].count("\n") + 1
    return Block(block.id, block.body, block.digest, block.was, line)


def test_text_around_blocks_stays_when_blocks_change() -> None:
    present = "Read me first.\n\n" + after(OLD.text, "alert:a", "\nCall Ann.\n\n") + "\nThe end"

    found = merged(
        present,
        page(top="# The shop", alert_a="### A: errors, new", alert_b="### B: delay", links="## L"),
    )

    assert found == (
        present.replace("# Shop", "# The shop")
        .replace("### A: errors", "### A: errors, new")
        .replace("## Links", "## L")
        .replace(parse_page(present, "").parts[0].block.sha, Block("", "\n# The shop\n\n").digest)
        .replace(
            parse_page(present, "").parts[1].block.sha, Block("", "\n### A: errors, new\n\n").digest
        )
        .replace(parse_page(present, "").parts[3].block.sha, Block("", "\n## L\n\n").digest)
    )


def test_a_new_block_follows_the_one_before_it_and_what_people_wrote_there() -> None:
    present = after(OLD.text, "alert:a", "\nCall Ann.\n\n")
    wanted = page(
        top="# Shop",
        alert_a="### A: errors",
        alert_n="### N: new",
        alert_b="### B: delay",
        links="## Links",
    )

    found = parse_page(merged(present, wanted), "")

    assert [part.block.id for part in found.parts] == [
        "top",
        "alert:a",
        "alert:n",
        "alert:b",
        "links",
    ]
    assert found.parts[1].after.strip() == "Call Ann."
    assert found.parts[2].after == "\n"


def test_a_block_that_people_moved_stays_where_they_moved_it() -> None:
    parts = OLD.parts
    present = Page(
        "", (parts[0], parts[2], Part(parts[1].block, "\nFirst.\n\n"), Part(parts[3].block, ""))
    ).text

    assert merged(present, OLD) == present


def test_words_about_what_is_gone_move_to_the_end_under_its_title() -> None:
    present = after(after(OLD.text, "alert:a", "\nCall Ann.\n\n"), "links", "\nAnd read this.\n")

    found = parse_page(
        merged(present, page(top="# Shop", alert_b="### B: delay", links="## Links")), ""
    )

    assert [part.block.id for part in found.parts] == ["top", "alert:b", "links", "retired"]
    assert found.parts[2].after.strip() == "And read this."
    assert found.parts[3].after == "\n### A: errors\n\nCall Ann.\n\n\n"


def test_what_is_retired_stays_and_more_comes_after_it() -> None:
    present = after(after(OLD.text, "alert:a", "\nCall Ann.\n\n"), "alert:b", "\nCall Bob.\n\n")
    once = merged(present, page(top="# Shop", alert_b="### B: delay", links="## Links"))

    twice = parse_page(merged(once, page(top="# Shop", links="## Links")), "")

    assert (
        twice.parts[-1].after
        == "\n### A: errors\n\nCall Ann.\n\n\n\n### B: delay\n\nCall Bob.\n\n\n"
    )


def test_a_question_that_nobody_answered_goes_with_its_block() -> None:
    present = after(OLD.text, "alert:a", "\n> **To write:** what was it the last time?\n\n")

    assert merged(present, page(top="# Shop", alert_b="### B: delay", links="## Links")) == (
        page(top="# Shop", alert_b="### B: delay", links="## Links").text
    )


def test_a_renamed_block_keeps_its_place_and_what_belongs_to_it() -> None:
    present = after(OLD.text, "alert:a", "\nCall Ann.\n\n")
    new = Page("", tuple(Part(_renamed(part.block), part.after) for part in OLD.parts))

    found = parse_page(merged(present, new), "")

    assert [part.block.id for part in found.parts] == ["top", "alert:z", "alert:b", "links"]
    assert found.parts[1].after.strip() == "Call Ann."


def _renamed(block: Block) -> Block:
    return Block("alert:z", "\n### Z\n\n", was=("alert:a",)) if block.id == "alert:a" else block


def test_lines_end_as_they_did_and_a_last_line_without_an_end_has_none() -> None:
    present = (
        after(OLD.text, "alert:a", "\nCall Ann.\n\n").replace("\n", "\r\n").removesuffix("\r\n")
    )

    found = merged(
        present, page(top="# The shop", alert_a="### A: errors", alert_c="### C", links="## Links")
    )

    assert "\n" not in found.replace("\r\n", "")
    assert not found.endswith("\n")
    assert "# The shop\r\n" in found
    assert (
        merged(
            found,
            page(top="# The shop", alert_a="### A: errors", alert_c="### C", links="## Links"),
        )
        == found
    )


# -- edits inside of blocks ------------------------------------------------------------------------


def test_an_edited_block_is_left_and_shown() -> None:
    present = OLD.text.replace("### A: errors", "### A: my errors")

    found = merge(
        present,
        page(top="# S", alert_a="### A: errors", alert_b="### B", links="## L"),
        "runbook.md",
    )

    (edit,) = found.edited
    assert edit.id == "alert:a"
    assert "-### A: errors" in edit.diff
    assert "+### A: my errors" in edit.diff
    assert "### A: my errors" in found.text


def test_an_edit_that_says_what_opsgen_says_is_none() -> None:
    wanted = page(
        top="# Shop", alert_a="### A: my errors", alert_b="### B: delay", links="## Links"
    )

    assert merged(OLD.text.replace("### A: errors", "### A: my errors"), wanted) == wanted.text


def test_taking_theirs_is_as_opsgen_has_it() -> None:
    present = OLD.text.replace("### A: errors", "### A: my errors")

    assert merge(present, OLD, "", "theirs").text == OLD.text


def test_taking_mine_makes_the_block_peoples_for_good() -> None:
    present = OLD.text.replace("### A: errors", "### A: my errors")

    mine = merge(present, OLD, "", "mine").text

    assert "<!-- opsgen:mine alert:a -->\n\n### A: my errors\n" in mine
    assert "opsgen:begin alert:a " not in mine
    assert merged(mine, OLD) == mine
    without = mine.replace("<!-- opsgen:mine alert:a -->\n", "")
    assert [part.block.id for part in parse_page(merged(without, OLD), "").parts] == [
        "top",
        "alert:a",
        "alert:b",
        "links",
    ]


def test_an_edited_block_that_is_gone_is_left_too() -> None:
    present = OLD.text.replace("### A: errors", "### A: my errors")

    found = merge(present, page(top="# Shop", alert_b="### B: delay", links="## Links"), "")

    assert [edit.id for edit in found.edited] == ["alert:a"]
    assert found.text == present


# -- markers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda t: t.replace("<!-- opsgen:end alert:a -->\n", ""),
            "the block alert:b begins inside of alert:a",
        ),
        (lambda t: t.replace("<!-- opsgen:end links -->\n", ""), "the block links has no end"),
        (
            lambda t: t + "<!-- opsgen:end links -->\n",
            "the block links ends here but does not begin anywhere",
        ),
        (
            lambda t: t + OLD.parts[1].block.text,
            "the block alert:a is there twice, first at line 7",
        ),
        (
            lambda t: t.replace("opsgen:end alert:a", "opsgen:end alert:b"),
            "the block alert:b ends here, inside of",
        ),
        (
            lambda t: t.replace("<!-- opsgen:end alert:a -->", "<!-- opsgen:end -->"),
            "this is not a marker as opsgen",
        ),
        (lambda t: t.replace("sha256:", "sha256:x"), "this is not a marker as opsgen"),
        (lambda t: t.replace("### A: errors", "```\n### A"), "the block alert:a has no end"),
    ],
)
def test_broken_markers_are_told_by_their_line(damage: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_page(damage(OLD.text), "out/shop/runbook.md")  # type: ignore[operator]

    assert any(said in str(mistake) for mistake in caught.value.mistakes)
    assert all(str(mistake).startswith("out/shop/runbook.md:") for mistake in caught.value.mistakes)


@pytest.mark.parametrize("fence", ["```", "~~~~", "````md", "   ```sh"])
def test_markers_in_somebodys_code_are_code(fence: str) -> None:
    bare = fence.strip().rstrip("mdsh")
    written = f"\n{fence}\n<!-- opsgen:begin alert:b -->\n<!-- opsgen:nonsense -->\n{bare}\n\n"

    present = after(OLD.text, "alert:a", written)

    assert parse_page(present, "").parts[1].after.startswith(written)
    assert merged(present, OLD) == present


def test_a_marker_within_a_line_is_text() -> None:
    present = after(
        OLD.text, "alert:a", "\nBlocks begin with <!-- opsgen:begin x -->, as you see.\n\n"
    )

    assert merged(present, OLD) == present


# -- whatever is written ---------------------------------------------------------------------------

_NAMES = ["top", "alert_a", "alert_b", "alert_c", "links"]
_PAGES = st.lists(st.sampled_from(_NAMES), min_size=1, unique=True).flatmap(
    lambda names: st.tuples(*(st.sampled_from(["One.", "Two."]) for _ in names)).map(
        lambda bodies: page(**dict(zip(sorted(names), bodies, strict=True)))
    )
)
_ODD = [
    "",
    "text",
    "  indented",
    "### Heading",
    "`code`",
    "> **To write:** what?",
    "a <!-- opsgen:x -->",
    "\x0b",
]
_LINES = st.lists(st.sampled_from(_ODD), max_size=4)


@settings(max_examples=200)
@given(
    before=_PAGES,
    wanted=_PAGES,
    written=st.dictionaries(st.sampled_from(_NAMES), _LINES),
    bare=st.booleans(),
)
def test_no_line_of_people_is_lost_and_every_block_is_as_wanted(
    before: Page, wanted: Page, written: dict[str, list[str]], bare: bool
) -> None:
    texts = {
        name.replace("_", ":"): [f"{line} {name}" for line in lines]
        for name, lines in written.items()
    }
    parts = tuple(
        Part(part.block, "".join(f"{line}\n" for line in ["", *texts.get(part.block.id, []), ""]))
        for part in before.parts
    )
    present = Page("", parts).text
    present = present.rstrip("\n") if bare else present

    text = merged(present, wanted)
    found = parse_page(text, "")

    peoples = [line for part in before.parts for line in texts.get(part.block.id, [])]
    gone = {part.block.id for part in before.parts} - {part.block.id for part in wanted.parts}
    dropped = [
        line
        for name in gone
        for line in texts.get(name, [])
        if not written_by_people("\n".join(texts.get(name, [])))
    ]
    kept = [line for part in found.parts for line in part.after.split("\n")]
    assert sorted(line for line in kept if line in peoples) == sorted(
        line for line in peoples if line not in dropped or line in kept
    )
    assert {p.block.id: p.block.body for p in found.parts if p.block.id != blocks.RETIRED} == {
        p.block.id: p.block.body for p in wanted.parts
    }
    assert not any(part.block.is_edited for part in found.parts)
    assert merged(text, wanted) == text


def test_the_blocks_module_needs_no_disk(tmp_path: Path) -> None:
    """Pure: a page in a folder that is not there is merged all the same."""
    assert merge(OLD.text, OLD, str(tmp_path / "nowhere" / "runbook.md")).text == OLD.text
