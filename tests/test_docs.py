"""Claims about the documentation: what it shows works, and what editors are told is what opsgen
takes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from pydantic import BaseModel

from opsgen.channels.kinds import KINDS
from opsgen.errors import InputError
from opsgen.fleet.load import load_fleet
from opsgen.load.convention_file import ConventionFile
from opsgen.load.convention_samples import contradictions
from opsgen.load.documents import validate
from opsgen.load.library import read_pack
from opsgen.load.pack_file import AlertSpec, PackFile, SignalSpec
from opsgen.load.schema import SCHEMAS, json_schema
from opsgen.load.yaml_reader import parse_document, read_document
from opsgen.model.settings import SETTINGS, Setting
from opsgen.model.texts import blanks_of
from opsgen.quantities import Duration, Ratio, number_text
from opsgen.signals.burnrates import tiers
from tests.programs import PROMTOOLS, ROOT, require_program
from tests.specs import file_texts
from tools.conventions_page import page
from tools.reference_tables import with_tables

_DOCS = ROOT / "docs"
_REFERENCE = _DOCS / "spec.md"
_PACKS = _DOCS / "packs.md"
_PAGES = [ROOT / "README.md", *sorted(_DOCS.rglob("*.md"))]
_VALIDATORS = {kind: Draft202012Validator(json_schema(kind)) for kind in SCHEMAS}

_SPEC = "service: checkout\nteam: payments\nconvention: otel-http\n"


class _Block(NamedTuple):
    """A fenced block of the reference: what its info string says it is, and its text."""

    kind: str
    line: int
    text: str


def _blocks(page: Path) -> list[_Block]:
    tokens = MarkdownIt().parse(page.read_text())
    return [
        _Block(token.info, token.map[0] + 1, token.content)
        for token in tokens
        if token.type == "fence" and token.map
    ]


_BLOCKS = [block for block in _blocks(_REFERENCE) if block.kind.startswith("yaml")]


def _whole(block: _Block) -> str:
    """The file that a block stands for: a part is laid over a spec that has what every spec has."""
    if block.kind != "yaml part":
        return block.text
    own = yaml.safe_load(block.text)
    return (
        "".join(f"{line}\n" for line in _SPEC.splitlines() if line.partition(":")[0] not in own)
        + block.text
    )


def _described() -> Iterator[Any]:
    """Every file of the repository that a schema describes, with the kind of the schema."""
    for path in sorted((ROOT / "specs").glob("*.yaml")):
        yield pytest.param(
            "project" if path.name == "opsgen.yaml" else "service", path, id=path.name
        )
    for path in sorted((ROOT / "templates/init").glob("*.yaml")):
        yield pytest.param(
            "project" if path.name == "opsgen.yaml" else "service", path, id=f"init-{path.name}"
        )
    for path in sorted((ROOT / "templates/conventions").glob("*.yaml")):
        yield pytest.param("convention", path, id=path.name)
    for path in sorted((ROOT / "templates/packs").glob("*.yaml")):
        yield pytest.param("texts" if path.name == "texts.yaml" else "pack", path, id=path.name)


def _is_valid(kind: str, value: Any) -> bool:
    return not list(_VALIDATORS[kind].iter_errors(value))


def _is_taken(kind: str, text: str) -> bool:
    model: type[BaseModel] = SCHEMAS[kind][0]
    try:
        validate(parse_document(text.encode(), "file.yaml"), model)
    except InputError:
        return False
    return True


def _value(text: str) -> Any:
    return parse_document(text.encode(), "file.yaml").value


# -- schemas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_a_valid_one(kind: str) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schemas_in_docs_are_what_opsgen_prints(kind: str) -> None:
    committed = (_DOCS / "schema" / f"{kind}.json").read_text()

    assert committed == json.dumps(json_schema(kind), indent=2, ensure_ascii=False) + "\n", (
        "run: make docs"
    )


def test_the_page_of_conventions_is_made_of_their_files() -> None:
    assert (_DOCS / "conventions.md").read_text() == page(), "run: make docs"


def test_the_tables_of_the_reference_are_those_of_the_code() -> None:
    reference = _REFERENCE.read_text()

    assert reference == with_tables(reference), "run: make docs"


def _properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema and of all schemas in it, by its path."""
    if isinstance(schema, list):
        for index, below in enumerate(schema):
            yield from _properties(below, f"{path}/{index}")
    if not isinstance(schema, dict):
        return
    for key, below in schema.items():
        if key == "properties":
            yield from ((f"{path}/{name}", found) for name, found in below.items())
            for name, found in below.items():
                yield from _properties(found, f"{path}/{name}")
        elif key not in ("if", "then", "examples"):
            yield from _properties(below, f"{path}/{key}")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_property_says_what_it_is(kind: str) -> None:
    whole = json_schema(kind)

    silent = [path for path, schema in _properties(whole) if not _described_as(schema, whole)]

    assert not silent


def _described_as(schema: dict[str, Any], whole: dict[str, Any]) -> str:
    """Its own description, or that of the mapping that it refers to."""
    referred = whole.get("$defs", {}).get(schema.get("$ref", "").rpartition("/")[2], {})
    return str(schema.get("description") or referred.get("description", ""))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_example_and_default_in_a_schema_is_valid_itself(kind: str) -> None:
    whole = json_schema(kind)
    wrong = [
        (path, value)
        for path, schema in _properties(whole)
        for value in [
            *schema.get("examples", []),
            *([schema["default"]] if "default" in schema else []),
        ]
        if list(
            Draft202012Validator({**schema, "$defs": whole.get("$defs", {})}).iter_errors(value)
        )
    ]

    assert not wrong


@pytest.mark.parametrize(("kind", "path"), list(_described()))
def test_every_file_of_the_repository_is_right_by_schema_and_model(kind: str, path: Path) -> None:
    document = read_document(path, path.name)

    if kind == "pack":
        read_pack(path)
    else:
        validate(document, SCHEMAS[kind][0])
    assert not [error.message for error in _VALIDATORS[kind].iter_errors(document.value)]


_SHORT_FORMS = {
    "a convention by name": "convention: grpc",
    "a convention with a part replaced": "convention: {use: grpc, route: method}",
    "a matcher as a text": "match: {job: checkout}",
    "a matcher as a mapping": "match: {job: {not_regex: a.*}, pod: {not: x}, env: {equals: y}}",
    "a probe as a URL": "uptime: [https://shop.example.com/healthz]",
    "a probe as a mapping": "uptime: [{url: https://shop.example.com/healthz}]",
    "an alert that is off": "alerts: {TargetDown: off}",
    "an alert that is changed": "alerts: {TargetDown: {for: 1h}}",
    "an environment without differences": "environments: {production: , staging: {}}",
    "the short forms of SLOs": "slos: [{availability: 99.9%}, {latency: 99% under 250ms}]",
    "the long form of an SLO": "slos: [{name: a, objective: 99%, good: rate(a), total: rate(b)}]",
}


@pytest.mark.parametrize("text", _SHORT_FORMS.values(), ids=_SHORT_FORMS)
def test_every_form_of_a_spec_is_right_by_schema_and_model(text: str) -> None:
    spec = f"service: a\n{text}\n"

    assert _is_taken("service", spec)
    assert _is_valid("service", _value(spec))


def test_editors_that_read_off_as_a_text_take_it_too() -> None:
    assert _is_valid("service", {"service": "a", "alerts": {"TargetDown": "off"}})


@pytest.mark.parametrize("days", ["monday", "monday to friday", "[monday, friday to saturday]"])
def test_days_are_one_text_or_a_list_of_them(days: str) -> None:
    project = f'hours: {{office: {{days: {days}, from: "09:00", to: "18:00"}}}}'

    assert _is_taken("project", project)
    assert _is_valid("project", _value(project))


_MISTAKES = {
    "an unknown key": "slo: []",
    "a tier that YAML reads as yes": "tier: yes",
    "a tier as a text": 'tier: "1"',
    "a tier that there is not": "tier: 5",
    "a duration without a unit": "latency: {p50: 80}",
    "a percentage without its sign": "errors: {above: 2}",
    "a latency objective without a threshold": "slos: [{latency: 99%}]",
    "an SLO of two forms": "slos: [{availability: 99%, latency: 99% under 1s}]",
    "an SLO of no form": "slos: [{name: a}]",
    "a long form without a total": "slos: [{name: a, objective: 99%, bad: rate(a)}]",
    "a long form without a name": "slos: [{objective: 99%, bad: rate(a), total: rate(b)}]",
    "a long form with good and bad": "slos: [{name: a, objective: 99%, bad: x, good: y, total: z}]",
    "a short form with a total": "slos: [{availability: 99%, total: x}]",
    "a number as a match value": "match: {code: 200}",
    "a yes/no value as a match value": "match: {code: no}",
    "a matcher of two kinds": "match: {code: {regex: a, not: b}}",
    "a label that is none": "match: {__reserved: a}",
    "a URL of another scheme": "uptime: [ftp://shop.example.com]",
    "an alert's name in another case": "alerts: {target-down: off}",
    "an alert that is on": "alerts: {TargetDown: on}",
    "an unknown severity": "alerts: {TargetDown: {severity: critical}}",
    "a business alert of two conditions": (
        "business: [{name: a, query: up, alerts: [{below: 1, above: 2}]}]"
    ),
    "against without drop": "business: [{name: a, query: up, alerts: [{below: 1, against: 1w}]}]",
    "absent with for": "business: [{name: a, query: up, alerts: [{absent: 5m, for: 5m}]}]",
    "a secret with a value": "environment_variables: [{name: A, secret: true, default: x}]",
    "yes as a text": 'environment_variables: [{name: A, secret: "yes"}]',
    "an environment that is off": "environments: {staging: off}",
    "an environment's name that is none": "environments: {Not A Name: {}}",
    "a section without a value": "latency:",
    "a value that is missing": "title:",
    "an entry without a value": "uptime: [~]",
}


@pytest.mark.parametrize("text", _MISTAKES.values(), ids=_MISTAKES)
def test_a_mistake_in_a_spec_is_refused_by_schema_and_model(text: str) -> None:
    spec = f"service: a\n{text}\n"

    assert not _is_taken("service", spec)
    assert not _is_valid("service", _value(spec))


_PROJECT_MISTAKES = {
    "a version as a number": "prometheus: {version: 2.42}",
    "an unknown target": "targets: [helm]",
    "no target": "targets: []",
    "a policy without steps": "escalation: {critical: []}",
    "a step that tells nobody": "escalation: {critical: [{after: 5m, notify: []}]}",
    "hours without an end": 'hours: {office: {days: monday, from: "09:00"}}',
    "a channel of no kind": "channels: {a: {}}",
    "a channel of two kinds": (
        "channels: {a: {webhook: {url: https://a.example.com}, sns: {topic_arn: a}}}"
    ),
    "a section without a value": "grafana:",
}


@pytest.mark.parametrize("text", _PROJECT_MISTAKES.values(), ids=_PROJECT_MISTAKES)
def test_a_mistake_in_a_project_file_is_refused_by_schema_and_model(text: str) -> None:
    assert not _is_taken("project", text)
    assert not _is_valid("project", _value(text))


_CHANNEL_MISTAKES = {
    "an unknown kind": "{carrier-pigeon: {}}",
    "a secret by value": "{slack: {channel: a, api_url: https://hooks.example.com/secret}}",
    "an option that is missing": "{slack: {channel: a}}",
    "two options of which one is wanted": (
        "{pagerduty: {routing_key_file: /a, service_key_file: /b}}"
    ),
    "an option of another type": "{webhook: {url: https://a.example.com, max_alerts: many}}",
    "two ways to log in": (
        "{webhook: {url: https://a.example.com, http_config: {authorization: "
        "{credentials_file: /a}, basic_auth: {username: a, password_file: /a}}}}"
    ),
}


@pytest.mark.parametrize("channel", _CHANNEL_MISTAKES.values(), ids=_CHANNEL_MISTAKES)
def test_a_mistake_in_a_channel_is_refused_by_schema_and_resolve(
    channel: str, tmp_path: Path
) -> None:
    project = f"channels: {{ours: {channel}}}\n"

    assert not _is_valid("project", _value(project))
    with pytest.raises(InputError):
        _load(tmp_path, _SPEC, project)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_channel_is_in_the_schema_with_its_options(kind: str) -> None:
    channel = json_schema("project")["$defs"]["ChannelSpec"]["properties"][kind]

    assert set(channel["properties"]) == set(KINDS[kind].fields.options)


def test_a_number_as_a_match_value_is_said_to_need_quotes() -> None:
    with pytest.raises(
        InputError, match=r'match\.code: a text was expected, found the number 200; quote it: "200"'
    ):
        validate(
            parse_document(b"service: a\nmatch: {code: 200}", "service.yaml"), SCHEMAS["service"][0]
        )


def test_an_alerts_name_in_another_case_is_answered_with_an_example() -> None:
    with pytest.raises(InputError, match="write it in CamelCase: TargetDown"):
        validate(
            parse_document(b"service: a\nalerts: {target-down: off}", "service.yaml"),
            SCHEMAS["service"][0],
        )


def test_every_key_without_a_value_is_said_at_its_own_line() -> None:
    with pytest.raises(InputError) as caught:
        validate(
            parse_document(b"service: a\nlatency:\nerrors: {above: }\n", "service.yaml"),
            SCHEMAS["service"][0],
        )

    assert [(found.line, found.path, found.wrong) for found in caught.value.mistakes] == [
        (2, "latency", "has no value"),
        (3, "errors.above", "has no value"),
    ]


# -- pages -----------------------------------------------------------------------------------------


def _load(folder: Path, spec: str, project: str) -> None:
    (folder / "service.yaml").write_text(spec)
    if project:
        (folder / "opsgen.yaml").write_text(project)
    load_fleet([folder / "service.yaml"])


def test_every_yaml_block_of_the_reference_says_what_it_is() -> None:
    kinds = {"yaml spec", "yaml part", "yaml project", "yaml convention"}

    assert {block.kind for block in _BLOCKS} == kinds


@pytest.mark.parametrize(
    "block",
    [block for block in _BLOCKS if block.kind != "yaml convention"],
    ids=lambda block: f"line-{block.line}",
)
def test_every_example_of_the_reference_is_right_by_schema_and_builds(
    block: _Block, tmp_path: Path
) -> None:
    text = _whole(block)
    is_project = block.kind == "yaml project"

    errors = _VALIDATORS["project" if is_project else "service"].iter_errors(_value(text))

    assert not [error.message for error in errors]
    _load(tmp_path, _SPEC if is_project else text, text if is_project else "")


def test_the_convention_of_the_reference_is_proven_by_its_samples() -> None:
    (block,) = (block for block in _BLOCKS if block.kind == "yaml convention")

    convention = validate(parse_document(block.text.encode(), "web.yaml"), ConventionFile)

    assert _is_valid("convention", _value(block.text))
    assert contradictions(convention) == []


@pytest.mark.parametrize(
    "row", [row for row in SETTINGS if row.written], ids=lambda row: str(row.name)
)
def test_every_setting_is_in_the_reference_as_the_table_has_it(row: Setting) -> None:
    default = "none" if row.default is None else f"{row.default}, {row.source}"

    assert f"| `{row.path[-1]}` | {row.words} | {default} |\n" in _REFERENCE.read_text()


@pytest.mark.parametrize("model", [PackFile, SignalSpec, AlertSpec])
def test_every_key_of_a_pack_is_in_its_page(model: type[BaseModel]) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}

    assert not keys - set(re.findall(r"`(\w+)`", _PACKS.read_text()))


def test_every_blank_is_in_the_page_of_packs() -> None:
    of_packs = ("service", "signal", "probe", "dependency", "alert", "threshold", "guard")

    for name in blanks_of(*of_packs):
        assert f"`{{{name}}}`" in _PACKS.read_text()


def test_the_pack_of_its_page_builds_and_is_proven(tmp_path: Path, promtool: Path) -> None:
    blocks = {block.kind: block.text for block in _blocks(_PACKS)}
    own = tmp_path / "templates" / "packs"
    own.mkdir(parents=True)
    (own / "pgbouncer.yaml").write_text(blocks["yaml pack"])

    built = file_texts(tmp_path / "specs", blocks["yaml spec"], "templates: ../templates\n")
    rules, proofs = (tmp_path / name for name in ("rules.yaml", "rules.test.yaml"))
    for file in (rules, proofs):
        file.write_text(built[f"checkout/{file.name}"])

    assert not list(_VALIDATORS["pack"].iter_errors(_value(blocks["yaml pack"])))
    assert 'max(pgbouncer_pools_client_maxwait_seconds{job="pgbouncer"}) > 2' in rules.read_text()
    assert "PgbouncerWaitLong" in proofs.read_text()
    subprocess.run([promtool, "test", "rules", proofs], check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["service", "project"])
def test_every_key_is_in_the_reference(kind: str) -> None:
    written = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", _REFERENCE.read_text()))))
    keys = {path.rpartition("/")[2] for path, _ in _properties(json_schema(kind))}

    assert not keys - written


def _choices(schema: Any) -> Iterator[str]:
    """Every text of every list of choices in a schema."""
    if isinstance(schema, dict):
        yield from (choice for choice in schema.get("enum", ()) if isinstance(choice, str))
        for below in schema.values():
            yield from _choices(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from _choices(below)


@pytest.mark.parametrize("kind", ["service", "project"])
def test_every_choice_is_in_the_reference(kind: str) -> None:
    written = set(re.findall(r"[\w.-]+", _REFERENCE.read_text()))

    assert not set(_choices(json_schema(kind))) - written


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    broken = [
        link
        for link in links
        if not link.startswith("https://") and not _leads_somewhere(page, link)
    ]

    assert not broken


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """Those of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


_TIERS = re.findall(
    r"^\| (\d+d)(?:, the workbook)? \| (.*) \|$",
    (_DOCS / "decisions/0003-burn-rate-tiers-for-any-window.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize(("window", "cells"), _TIERS, ids=[window for window, _ in _TIERS])
def test_the_decision_on_burn_rates_has_the_tiers_that_are_used(window: str, cells: str) -> None:
    found = tiers(Ratio.parse("99.9%"), Duration.of(window), Duration.of("30s")).burn_rates

    written = [cell.strip() for cell in cells.split("|") if cell.strip()]
    assert written == [f"{number_text(tier.factor)} over {tier.long_window}" for tier in found]


@pytest.mark.parametrize(
    "block", _blocks(_DOCS / "loading.md"), ids=lambda block: f"line-{block.line}"
)
def test_every_block_on_loading_parses(block: _Block) -> None:
    assert block.kind in ("yaml", "sh", "console")
    if block.kind == "yaml":
        assert isinstance(yaml.safe_load(block.text), dict)


@pytest.mark.parametrize("program", PROMTOOLS)
def test_prometheus_loads_every_rule_by_what_the_page_says(program: str, tmp_path: Path) -> None:
    promtool = require_program(program)
    copying, config = (
        next(block.text for block in _blocks(_DOCS / "loading.md") if block.kind == kind).replace(
            "/etc/prometheus/opsgen", f"{tmp_path}/opsgen"
        )
        for kind in ("sh", "yaml")
    )
    known = yaml.safe_load(config)
    if program == "promtool-2":  # 2.42 knows it not, as the page says
        del known["scrape_config_files"]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(known))

    subprocess.run(["bash", "-euc", copying], cwd=ROOT, check=True)
    done = subprocess.run(
        [promtool, "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == len(list((ROOT / "out").glob("**/rules.yaml")))
