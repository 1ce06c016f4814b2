"""A fleet and the runbooks on the disk go in; what their owners still have to write comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from opsgen.errors import InputError
from opsgen.fleet.load import FleetModel, ServiceModel
from opsgen.model import links, pages
from opsgen.model.artifact_kinds import RUNBOOK
from opsgen.model.organisation import RunbookPolicy
from opsgen.render.markdown import Markdown, table

_REVIEWED = re.compile(r"^\W*last reviewed:?\W*(\d{4}-\d{2}-\d{2})\b", re.IGNORECASE | re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)">')
_HEADING = re.compile(r"^#{1,6} +(.*)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_MOST_LISTED = 50
_NAMES_A_SERVICE = re.compile(r"\bservice=\"?([a-z0-9-]+)")


@dataclass(frozen=True)
class Found:
    """Something about one line of a runbook."""

    line: int
    words: str


@dataclass(frozen=True)
class Review:
    """One runbook.

    `open` are questions that nobody has answered, `bare` the alerts about which nobody has written
    a word, `faults` dead links and the like. `required` says that the project wants it complete.
    """

    service: str
    team: str
    tier: int
    file: str
    alerts: int = 0
    open: tuple[Found, ...] = ()
    bare: tuple[str, ...] = ()
    faults: tuple[Found, ...] = ()
    reviewed: date | None = None
    overdue: bool = False
    required: bool = False

    @property
    def lacks(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.open or self.faults or self.overdue)

    @property
    def fails(self) -> bool:
        return bool(self.faults) or (self.required and self.lacks)

    @property
    def lines(self) -> Iterator[str]:
        """What there is to do, as `file:line: what`."""
        for fault in self.faults:
            yield f"{self.file}:{fault.line}: {fault.words}"
        for question in self.open:
            yield f"{self.file}:{question.line}: to write: {question.words}"
        if self.overdue:
            last = f"last reviewed {self.reviewed}" if self.reviewed else "never reviewed"
            yield f"{self.file}:1: {last}"

    def as_json(self) -> dict[str, Any]:
        questions = [{"line": found.line, "question": found.words} for found in self.open]
        faults = [{"line": found.line, "wrong": found.words} for found in self.faults]
        return {
            "service": self.service,
            "team": self.team,
            "tier": self.tier,
            "file": self.file,
            "alerts": self.alerts,
            "open_questions": questions,
            "alerts_without_notes": list(self.bare),
            "faults": faults,
            "last_reviewed": str(self.reviewed) if self.reviewed else None,
            "overdue": self.overdue,
        }


def review_fleet(fleet: FleetModel, out: Path, today: date | None) -> list[Review]:
    """A review for every service, also where it has no runbook yet. Without `today` none is
    overdue."""
    policy = fleet.project.organisation.runbook_policy
    reviews = []
    for model in fleet.services:
        path = out / RUNBOOK.path_of(model.service.name)
        reviews.append(_review(model, path, policy, today))
    return reviews


def _review(model: ServiceModel, path: Path, policy: RunbookPolicy, today: date | None) -> Review:
    service = model.service
    sections = {f"alert:{links.alert_anchor(alert)}": alert.name for alert in model.derived.alerts}
    # What is known without the page.
    about = Review(
        service.name,
        service.team.name,
        service.tier,
        str(path),
        alerts=len(sections),
        required=service.tier in policy.complete,
    )
    try:
        text = path.read_bytes().decode()
        page = pages.parse_page(text, str(path))
    except OSError:
        return replace(about, faults=(Found(1, "there is no runbook yet; run opsgen build"),))
    except (UnicodeDecodeError, InputError) as error:
        return replace(about, faults=tuple(_broken(error)))
    noted = _with_notes(page)
    bare = [name for section, name in sections.items() if section not in noted]
    own_names = {service.name, *service.depends_on}
    faults = [*_dead_links(text, path), *_others_named(page, text, own_names)]
    reviewed = _last_reviewed(page)
    return replace(
        about,
        open=tuple(_questions(page, text)),
        bare=tuple(bare),
        faults=tuple(faults),
        reviewed=reviewed,
        overdue=_is_overdue(reviewed, policy, today),
    )


def _with_notes(page: pages.Page) -> frozenset[str]:
    """The ids of the blocks below which people wrote something, and of those that people took
    over."""
    written = [part for part in page.parts if pages.written_by_people(part.after)]
    return page.mine.union(part.block.id for part in written)


def _broken(error: Exception) -> Iterator[Found]:
    if isinstance(error, InputError):
        yield from (Found(mistake.line, mistake.wrong) for mistake in error.mistakes)
    else:
        yield Found(1, "this is not UTF-8 text")


def _questions(page: pages.Page, text: str) -> Iterator[Found]:
    """The open questions. A text that people wrote below a block answers the question in it."""
    numbers = _numbers_of_questions(text)
    for part in page.parts:
        answered = pages.written_by_people(part.after)
        for line in part.block.body.split("\n"):
            if line.startswith(pages.TO_WRITE):
                number = numbers[line].pop(0)
                if not answered:
                    yield Found(number, _words(line))
        for line in part.after.splitlines():
            if line.startswith(pages.TO_WRITE):
                yield Found(numbers[line].pop(0), _words(line))


def _numbers_of_questions(text: str) -> dict[str, list[int]]:
    """The numbers of the lines that ask each question, ascending."""
    numbers: dict[str, list[int]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(pages.TO_WRITE):
            numbers.setdefault(line.rstrip("\r"), []).append(number)
    return numbers


def _words(line: str) -> str:
    return line.removeprefix(pages.TO_WRITE).strip()


def _last_reviewed(page: pages.Page) -> date | None:
    """The latest date of a review that people wrote; opsgen's own question does not count."""
    peoples = "\n".join([page.head, *(part.after for part in page.parts)])
    lines = (line for line in peoples.splitlines() if not line.startswith(pages.TO_WRITE))
    dates = []
    for found in _REVIEWED.findall("\n".join(lines)):
        try:
            dates.append(date.fromisoformat(found))
        except ValueError:  # no day of any calendar
            continue
    return max(dates, default=None)


def _is_overdue(reviewed: date | None, policy: RunbookPolicy, today: date | None) -> bool:
    if policy.review_after is None or today is None:
        return False
    return reviewed is None or (today - reviewed).days > policy.review_after.days


def _dead_links(text: str, path: Path) -> Iterator[Found]:
    headings = (links.heading_anchor(heading) for heading in _HEADING.findall(text))
    known = {*_ANCHOR.findall(text), *headings}
    for found in _LINK.finditer(text):
        wrong = _dead_link(found[1], known, path.parent)
        if wrong:
            yield Found(_line_of(text, found.start()), wrong)


def _dead_link(target: str, known: Set[str], folder: Path) -> str:
    """What is wrong with a link; empty where nothing is. Links to the web are not followed."""
    if target.startswith("#"):
        is_known = target[1:] in known
        return "" if is_known else f"this link leads to {target}, which is not on the page"
    if "://" in target or target.startswith("mailto:"):
        return ""
    file = target.partition("#")[0]
    return "" if (folder / file).exists() else f"this link leads to {file}, which does not exist"


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _others_named(page: pages.Page, text: str, own: set[str]) -> Iterator[Found]:
    """Commands that people copied from another service's page."""
    for part in page.parts:
        for found in _NAMES_A_SERVICE.finditer(part.after):
            if found[1] not in own:
                end_of_block = text.index(f"opsgen:end {part.block.id} ")
                line = _line_of(text, text.index(found[0], end_of_block))
                wrong = f"this names the service {found[1]}, but the page is of another service"
                yield Found(line, wrong)


# -- for people ------------------------------------------------------------------------------------

_COLUMNS = ("Service", "Team", "Tier", "Questions", "Alerts with notes", "Last reviewed", "Faults")


def rows(reviews: Iterable[Review]) -> Iterator[tuple[str, ...]]:
    """A row for each runbook, those that lack most first."""
    for one in sorted(reviews, key=_by_urgency):
        reviewed = str(one.reviewed) if one.reviewed else "never"
        yield (
            one.service,
            one.team,
            str(one.tier),
            f"{len(one.open)} open" if one.open else "answered",
            f"{one.alerts - len(one.bare)} of {one.alerts}",
            f"{reviewed}, overdue" if one.overdue else reviewed,
            str(len(one.faults)) if one.faults else "none",
        )


def _by_urgency(one: Review) -> tuple[int, int, int, str]:
    return one.tier, -len(one.faults), -len(one.open), one.service


def as_text(reviews: Sequence[Review]) -> Iterator[str]:
    """A table for a terminal, and what is wrong below it."""
    body = [_COLUMNS, *rows(reviews)]
    widths = [max(len(cell) for cell in column) for column in zip(*body, strict=True)]
    for row in body:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    for one in reviews:
        if one.fails:
            yield ""
            yield from one.lines


def as_markdown(reviews: Sequence[Review]) -> str:
    """For a comment on a pull request."""
    body: Markdown = table(rows(reviews), *_COLUMNS)
    page = f"### Runbooks\n\n{body}\n"
    failing = [f"- {line}\n" for one in reviews if one.fails for line in one.lines]
    if not failing:
        return page
    left = len(failing) - _MOST_LISTED
    more = f"- and {left} more\n" if left > 0 else ""
    return f"{page}\n{''.join(failing[:_MOST_LISTED])}{more}"
