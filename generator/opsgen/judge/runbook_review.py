"""Runbooks as they are: a fleet and the pages on the disk in, what their owners still owe their
readers out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from opsgen.errors import InputError
from opsgen.fleet.load import FleetModel, ServiceModel
from opsgen.model import links, pages
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
    """One runbook. `open` are questions that nobody has answered, `bare` the alerts about which
    nobody has written a word, `faults` dead links and the like. `required` says that the project
    wants it complete."""

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
        """Whether anything is to be done."""
        return bool(self.open or self.faults or self.overdue)

    @property
    def fails(self) -> bool:
        return bool(self.faults) or (self.required and self.lacks)

    @property
    def lines(self) -> Iterator[str]:
        """What is to be done, as `file:line: what`."""
        for fault in self.faults:
            yield f"{self.file}:{fault.line}: {fault.words}"
        for question in self.open:
            yield f"{self.file}:{question.line}: to write: {question.words}"
        if self.overdue:
            yield (
                f"{self.file}:1:"
                f" {'last reviewed ' + str(self.reviewed) if self.reviewed else 'never reviewed'}"
            )

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "team": self.team,
            "tier": self.tier,
            "file": self.file,
            "alerts": self.alerts,
            "open_questions": [
                {"line": found.line, "question": found.words} for found in self.open
            ],
            "alerts_without_notes": list(self.bare),
            "faults": [{"line": found.line, "wrong": found.words} for found in self.faults],
            "last_reviewed": str(self.reviewed) if self.reviewed else None,
            "overdue": self.overdue,
        }


def review_fleet(fleet: FleetModel, out: Path, today: date | None) -> list[Review]:
    """One for every service, also where it has no runbook yet. Without `today` none is overdue."""
    policy = fleet.organisation.runbook_policy
    return [
        _review(model, out / model.service.name / "runbook.md", policy, today)
        for model in fleet.services
    ]


def _review(model: ServiceModel, path: Path, policy: RunbookPolicy, today: date | None) -> Review:
    service = model.service
    sections = {f"alert:{links.anchor(alert)}": alert.name for alert in model.derived.alerts}
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
        page = pages.parse(text, str(path))
    except OSError:
        return replace(about, faults=(Found(1, "there is no runbook yet; run opsgen build"),))
    except (UnicodeDecodeError, InputError) as error:
        return replace(about, faults=tuple(_broken(error)))
    notes = {
        part.block.id for part in page.parts if pages.written_by_people(part.after)
    } | page.mine
    reviewed = _last_reviewed(page)
    faults = [
        *_dead_links(text, path),
        *_others_named(page, text, {service.name, *service.depends_on}),
    ]
    return replace(
        about,
        open=tuple(_questions(page, text)),
        bare=tuple(name for section, name in sections.items() if section not in notes),
        faults=tuple(faults),
        reviewed=reviewed,
        overdue=_is_overdue(reviewed, policy, today),
    )


def _broken(error: Exception) -> Iterator[Found]:
    if isinstance(error, InputError):
        yield from (Found(mistake.line, mistake.wrong) for mistake in error.mistakes)
    else:
        yield Found(1, "this is no UTF-8 text")


def _questions(page: pages.Page, text: str) -> Iterator[Found]:
    """Those in a block are answered by what people wrote below it."""
    lines = text.split("\n")
    numbers: dict[str, list[int]] = {}
    for number, line in enumerate(lines, start=1):
        if line.startswith(pages.TO_WRITE):
            numbers.setdefault(line.rstrip("\r"), []).append(number)
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


def _words(line: str) -> str:
    return line.removeprefix(pages.TO_WRITE).strip()


def _last_reviewed(page: pages.Page) -> date | None:
    """The latest date that people wrote; what opsgen asks is no answer."""
    peoples = "\n".join([page.head, *(part.after for part in page.parts)])
    written = "\n".join(
        line for line in peoples.splitlines() if not line.startswith(pages.TO_WRITE)
    )
    dates = []
    for found in _REVIEWED.findall(written):
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
    known = {
        *_ANCHOR.findall(text),
        *(links.heading_anchor(heading) for heading in _HEADING.findall(text)),
    }
    for found in _LINK.finditer(text):
        target = found[1]
        if target.startswith("#"):
            if target[1:] not in known:
                yield Found(
                    _line_of(text, found.start()),
                    f"this link leads to {target}, which is not on the page",
                )
        elif "://" not in target and not target.startswith("mailto:"):
            file = target.partition("#")[0]
            if not (path.parent / file).exists():
                yield Found(
                    _line_of(text, found.start()), f"this link leads to {file}, which is not there"
                )


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _others_named(page: pages.Page, text: str, own: set[str]) -> Iterator[Found]:
    """Commands of people that were copied from another service's page."""
    for part in page.parts:
        for found in _NAMES_A_SERVICE.finditer(part.after):
            if found[1] not in own:
                at = text.index(found[0], text.index(f"opsgen:end {part.block.id} "))
                yield Found(
                    _line_of(text, at),
                    f"this names the service {found[1]}, and the page is of another",
                )


# -- for people ------------------------------------------------------------------------------------

_COLUMNS = ("Service", "Team", "Tier", "Questions", "Alerts with notes", "Last reviewed", "Faults")


def rows(reviews: Iterable[Review]) -> Iterator[tuple[str, ...]]:
    """A row for each runbook, those that lack most first."""
    ordered = sorted(reviews, key=lambda r: (r.tier, -len(r.faults), -len(r.open), r.service))
    for one in ordered:
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


def as_text(reviews: Sequence[Review]) -> Iterator[str]:
    """A table for a terminal, and what is wrong below it."""
    body = [_COLUMNS, *rows(reviews)]
    widths = [max(len(row[column]) for row in body) for column in range(len(_COLUMNS))]
    for row in body:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for one in reviews:
        if one.fails:
            yield ""
            yield from one.lines


def as_markdown(reviews: Sequence[Review]) -> str:
    """For a comment on a pull request."""
    failing = [line for one in reviews if one.fails for line in one.lines]
    listed = "".join(f"- {line}\n" for line in failing[:_MOST_LISTED])
    more = f"- and {len(failing) - _MOST_LISTED} more\n" if len(failing) > _MOST_LISTED else ""
    body: Markdown = table(rows(reviews), *_COLUMNS)
    return f"### Runbooks\n\n{body}\n" + (f"\n{listed}{more}" if failing else "")
