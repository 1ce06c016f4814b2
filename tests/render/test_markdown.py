"""Texts arrive as texts: what a Markdown parser makes of them is what was written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsgen.render import markdown
from tests.render.pages import Page, shown

PIECES = [
    *"\\`*_[]<>|~$#&;:/!().-+=1 \n\tax{}\"'@^é🔥",
    "www.",
    "http://",
    "```",
    "---",
    "&copy;",
    "1. ",
    "<b>",
    "](x)",
]
WRITTEN = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])
)


def _flat(written: str) -> str:
    return " ".join(written.split())


def _only_words(page: Page) -> list[str]:
    """The words of each paragraph, heading and cell; none of them holds any markup."""
    assert {token.type for token in page.inlines} <= {"text"}
    return [shown(block) for block in page.blocks if block.type == "inline"]


@given(WRITTEN.filter(str.strip))
def test_text_is_shown_as_written_wherever_a_line_may_have_it(written: str) -> None:
    line = markdown.text(written)
    page = Page(
        f"{line}\n\n# {line}\n\n- {line}\n\n{markdown.table([[written, written]], written, 'b')}\n"
    )

    assert _only_words(page) == [*[_flat(written)] * 4, "b", *[_flat(written)] * 2]
    assert [
        block.type for block in page.blocks if block.level == 0 and block.type.endswith("_open")
    ] == [
        "paragraph_open",
        "heading_open",
        "bullet_list_open",
        "table_open",
    ]


@given(WRITTEN.filter(str.strip))
@example("` `")
def test_prose_is_shown_as_written_with_nothing_but_code_in_it(written: str) -> None:
    page = Page(f"- {markdown.prose(written)}\n")

    assert {token.type for token in page.inlines} <= {"text", "code_inline"}
    assert shown(next(b for b in page.blocks if b.type == "inline")).replace("`", "") == _flat(
        written
    ).replace("`", "")


@given(WRITTEN.filter(str.strip))
def test_code_is_shown_as_written_in_a_line_and_in_a_table(written: str) -> None:
    page = Page(
        f"{markdown.code(written)}\n\n{markdown.table([[markdown.code_cell(written), 'b']], 'a', 'b')}\n"
    )
    spans = [token.content for token in page.inlines if token.type == "code_inline"]

    assert spans == [" ".join(written.splitlines())] * 2
    assert [len(row) for row in page.rows] == [2, 2]


@given(WRITTEN.filter(str.strip), st.sampled_from([0, 3]))
def test_a_fence_holds_all_of_its_text(written: str, indent: int) -> None:
    page = Page(f"1. x\n\n{markdown.fence(written, 'sh', indent)}\n\ny\n")

    lines = [line.rstrip() for line in written.strip("\n").split("\n")]
    assert page.fences("sh") == ["\n".join(lines) + "\n"]
    assert page.text == "x\ny"


@given(WRITTEN.filter(str.strip))
def test_the_label_of_a_link_is_text(written: str) -> None:
    page = Page(markdown.link(written, "https://example.com"))

    assert page.links == ["https://example.com"]
    assert page.text == _flat(written)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "../../etc/passwd",
        "/etc/passwd",
        "https://example.com/\njavascript:x",
        "https://example.com/<script>",
        "vbscript:x",
        "",
    ],
)
def test_an_address_that_may_not_be_followed_is_shown_and_leads_nowhere(address: str) -> None:
    page = Page(markdown.table([[markdown.link("logs", address)]], "a"))

    assert page.links == []
    assert page.html == []
    assert page.rows[1] == [f"logs {' '.join(address.split())}".strip()]


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("https://example.com/a?b=c&d=e", "https://example.com/a?b=c&d=e"),
        ("https://example.com/(a)", "https://example.com/(a)"),
        ("https://example.com/&lt;a", "https://example.com/&lt;a"),
        ("https://example.com/a|b\\c", "https://example.com/a%7Cb%5Cc"),
        ("rules.yaml", "rules.yaml"),
        ("checkout/runbook.md#top", "checkout/runbook.md#top"),
        ("#an-anchor", "#an-anchor"),
    ],
)
def test_a_link_leads_to_its_address_in_a_table_too(address: str, leads_to: str) -> None:
    page = Page(
        f"{markdown.link('a', address)}\n\n{markdown.table([[markdown.link('a', address)]], 'h')}\n"
    )

    assert page.links == [leads_to] * 2


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u2066", "\u200b", "\x1b", "\x00", "\u2028", "\ufeff", "\U000e0041"]
)
def test_characters_that_hide_or_turn_text_are_shown_by_their_number(hidden: str) -> None:
    written = f"a{hidden}b"

    for rendered in (
        markdown.text(written),
        markdown.prose(written),
        markdown.code(written),
        markdown.fence(written),
    ):
        assert hidden not in rendered
        assert f"{ord(hidden):04x}" in rendered


@pytest.mark.parametrize("written", ["مرحبا بالعالم", "שלום", "👨‍👩‍👧 🔥", "می‌خواهم"])
def test_every_script_and_emoji_pass_through(written: str) -> None:
    assert markdown.text(written) == written


def test_ten_kilobytes_stay_in_one_row_of_a_table() -> None:
    written = "word | `x` \n" * 1_000

    page = Page(markdown.table([[written, "b"]], "a", "b"))

    assert page.rows[1] == [_flat(written), "b"]


def test_an_empty_cell_keeps_its_column() -> None:
    assert Page(markdown.table([["", "b"], ["a", ""]], "a", "b")).rows[1:] == [["", "b"], ["a", ""]]


def test_an_anchor_of_no_plain_name_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no name"):
        markdown.anchor('x" onclick="')
