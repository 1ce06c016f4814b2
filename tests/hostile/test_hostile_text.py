"""People's words arrive as text: in annotations as Prometheus expands them, in YAML, JSON, Markdown
and notifications.

Every free text of a spec and of its project is set to the same hostile one, and each artifact is
read back as its own reader reads it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsgen.alertmanager.routing import concerning
from opsgen.fleet.build import contents
from opsgen.fleet.load import load_fleet
from opsgen.judge.closure import gaps
from tests.strategies import HOSTILE

# Where words are shown to people on one line, blanks and line ends count as one space; hidden
# characters are named.
_HIDDEN = "\u202e\u202c\u200d"
_EVERY_QUOTE = next(words for words in HOSTILE if '"' in words and "'" in words)
_NAMED = [text[:24].replace("\n", " ") for text in HOSTILE]


def spec_with(words: str) -> dict[str, Any]:
    return {
        "service": "shop",
        "title": words,
        "description": words,
        "convention": "prometheus-http",
        "match": {"job": words[:100], "region": {"not": words[:100]}},
        "slos": [
            {"availability": "99.9%", "title": words, "description": words},
            {"latency": "99% under 500ms", "title": words},
        ],
        "uptime": ["https://shop.example.com/healthz"],
        "business": [
            {
                "name": "orders",
                "title": words,
                "description": words,
                "query": "sum(rate(orders_total[5m]))",
                "unit": words,
                "alerts": [{"below": 1}, {"drop": "50%"}, {"absent": "10m"}],
            }
        ],
        "runbook": {
            "deploy": words,
            "rollback": words,
            "restart": words,
            "scale": words,
            "logs": f"cat {words}",
        },
        "environment_variables": [
            {"name": "A", "type": words, "description": words, "default": words}
        ],
    }


def project_with(words: str) -> dict[str, Any]:
    return {
        "grafana": {"url": "https://grafana.example.com", "folder": words},
        "teams": {"web": {"slack": words, "escalation": {"page": "all", "ticket": "all"}}},
        "channels": {
            "chat": {"slack": {"channel": "#web", "api_url_file": "/etc/alertmanager/slack"}}
        },
        "escalation": {"all": [{"notify": ["chat"]}]},
    }


@dataclass(frozen=True)
class Built:
    """What was made of the hostile words, file by file, in `folder` too; and the same of a harmless
    word."""

    words: str
    folder: Path
    files: dict[str, str]
    plain: dict[str, str]

    def yaml(self, name: str) -> Any:
        (document,) = yaml.load_all(self.files[name], Loader=yaml.CSafeLoader)
        return document


def build(folder: Path, words: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "opsgen.yaml").write_text(
        yaml.safe_dump(project_with(words), allow_unicode=True), encoding="utf-8"
    )
    (folder / "shop.yaml").write_text(
        yaml.safe_dump(spec_with(words), allow_unicode=True), encoding="utf-8"
    )
    fleet = load_fleet([folder / "shop.yaml"])
    wanted = contents(fleet, folder)
    for content in wanted.values():
        for artifact in content.artifacts:
            (folder / artifact.path).parent.mkdir(exist_ok=True)
            (folder / artifact.path).write_bytes(artifact.encoded)
    alertmanager = yaml.safe_load((folder / "alertmanager.yml").read_bytes())
    service = fleet.services[0].service
    assert gaps(service, wanted["shop"].artifacts, concerning(alertmanager, "shop")) == []
    return {
        artifact.path: artifact.content
        for content in wanted.values()
        for artifact in content.artifacts
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return build(tmp_path_factory.mktemp("plain") / "project", "words")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, plain: dict[str, str]) -> dict[str, Built]:
    """What is made of each of the hostile texts."""
    folder = tmp_path_factory.mktemp("hostile")
    projects = {words: folder / f"project-{number}" for number, words in enumerate(HOSTILE)}
    return {
        words: Built(words, project, build(project, words), plain)
        for words, project in projects.items()
    }


@pytest.fixture(params=HOSTILE, ids=_NAMED)
def built(request: pytest.FixtureRequest, everything: dict[str, Built]) -> Built:
    return everything[request.param]


def flat(text: str) -> str:
    return " ".join(text.split())


# -- Prometheus ------------------------------------------------------------------------------------


def alerts(document: Any) -> Iterator[dict[str, Any]]:
    for group in document["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def expanded(template: str, value: str) -> str:
    """What Prometheus makes of an annotation of ours: the only actions there are print a `{{`, or
    the value."""
    left = re.sub(r"{{ with query .*?{{ end }}", "", template)
    literal = left.replace('{{ "{{" }}', "\0")
    actions = re.findall(r"{{.*?}}", literal)
    assert all(re.fullmatch(r"{{ \$value \| humanize\w* }}", action) for action in actions), actions
    return re.sub(r"{{.*?}}", lambda _: value, literal).replace("\0", "{{")


def test_annotations_say_the_words_and_run_nothing(built: Built) -> None:
    plain = list(alerts(yaml.safe_load(built.plain["shop/rules.yaml"])))

    for rule, harmless in zip(alerts(built.yaml("shop/rules.yaml")), plain, strict=True):
        for name in ("summary", "description"):
            said = expanded(rule["annotations"][name], "<value>")
            meant = expanded(harmless["annotations"][name], "<value>").replace("words", built.words)
            assert flat(said) == flat(meant)


def test_prometheus_itself_prints_the_words(promtool: Path, everything: dict[str, Built]) -> None:
    """The annotations of alerts that fire, as promtool's own template engine gives them."""
    tests = []
    for built in everything.values():
        rule = next(
            rule
            for rule in alerts(built.yaml("shop/rules.yaml"))
            if rule["alert"] == "OrdersAbsent"
        )
        (built.folder / "one.yaml").write_text(
            yaml.safe_dump(
                {"groups": [{"name": "one", "rules": [{**rule, "expr": "vector(1)", "for": "0s"}]}]}
            )
        )
        tests.append(built.folder / "one.test.yaml")
        tests[-1].write_text(yaml.safe_dump(one_alert_fires(rule), allow_unicode=True))

    accepted(promtool, "test", "rules", *tests)


def one_alert_fires(rule: dict[str, Any]) -> dict[str, Any]:
    annotations = {name: expanded(text, "1") for name, text in rule["annotations"].items()}
    alert = {"exp_labels": rule["labels"], "exp_annotations": annotations}
    test = {"interval": "1m", "input_series": []}
    asserted = [{"eval_time": "1m", "alertname": rule["alert"], "exp_alerts": [alert]}]
    return {
        "rule_files": ["one.yaml"],
        "evaluation_interval": "1m",
        "tests": [{**test, "alert_rule_test": asserted}],
    }


def test_promtool_accepts_the_rules(promtool: Path, everything: dict[str, Built]) -> None:
    accepted(
        promtool,
        "check",
        "rules",
        *(built.folder / "shop/rules.yaml" for built in everything.values()),
    )


def test_a_proof_with_hostile_label_values_holds(
    promtool: Path, everything: dict[str, Built]
) -> None:
    accepted(promtool, "test", "rules", everything[_EVERY_QUOTE].folder / "shop/rules.test.yaml")


def accepted(program: Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# -- Alertmanager ----------------------------------------------------------------------------------


def test_amtool_accepts_the_configuration(amtool: Path, everything: dict[str, Built]) -> None:
    for name in ("alertmanager.yml", "shop/escalation.yaml"):
        accepted(amtool, "check-config", *(built.folder / name for built in everything.values()))


# -- YAML and JSON ---------------------------------------------------------------------------------


def shape(value: Any) -> Any:
    """A document without its texts."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


def test_every_yaml_and_json_file_has_the_same_shape_as_with_a_harmless_word(built: Built) -> None:
    for name in built.files:
        if name.endswith((".yaml", ".yml")):
            assert shape(built.yaml(name)) == shape(yaml.safe_load(built.plain[name])), name
        elif name.endswith(".json"):
            assert shape(json.loads(built.files[name])) == shape(json.loads(built.plain[name])), (
                name
            )


# -- Grafana ---------------------------------------------------------------------------------------

# Grafana renders descriptions and text panels as Markdown. It fills `$x`, `${x}` and `[[x]]` in
# them, and `{{label}}` in legends.
_MARKDOWN_KEYS = ("description", "content")
_VARIABLES = re.compile(r"\$\w+|\${[^}]+}|\[\[\w+]]")


def shown_texts(value: Any) -> Iterator[str]:
    """Every text of panels that Grafana shows as Markdown; the dashboard's own description is plain
    text."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key in _MARKDOWN_KEYS:
                yield item
            else:
                yield from shown_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from shown_texts(item)


@pytest.mark.parametrize("dashboard", ["shop/dashboard.json", "overview.json"])
def test_a_dashboard_shows_no_element_and_fills_no_variable_that_the_words_made(
    built: Built, dashboard: str
) -> None:
    marked = list(shown_texts(json.loads(built.files[dashboard])["panels"]))
    harmless = list(shown_texts(json.loads(built.plain[dashboard])["panels"]))

    for said, meant in zip(marked, harmless, strict=True):
        for kind in (
            "html_block",
            "html_inline",
            "link_open",
            "image",
            "heading_open",
            "hr",
            "fence",
            "tr_open",
        ):
            assert count(tokens(said), kind) == count(tokens(meant), kind), (kind, said)
        assert _VARIABLES.findall(said) == _VARIABLES.findall(meant)


# -- Markdown --------------------------------------------------------------------------------------


def tokens(page: str) -> list[Token]:
    found = []
    for token in MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(page):
        found += [token, *(token.children or ())]
    return found


@pytest.mark.parametrize("page", ["shop/runbook.md", "README.md"])
def test_markdown_has_no_element_that_the_words_made(built: Built, page: str) -> None:
    marked, harmless = tokens(built.files[page]), tokens(built.plain[page])

    for kind in (
        "html_block",
        "html_inline",
        "link_open",
        "image",
        "heading_open",
        "hr",
        "fence",
        "tr_open",
        "td_open",
    ):
        assert count(marked, kind) == count(harmless, kind), kind
    assert {href(token) for token in marked} == {href(token) for token in harmless}
    assert html(marked) == html(harmless)


def html(found: list[Token]) -> list[str]:
    """All of it, but what the marks of blocks say of the words between them."""
    return [
        re.sub(r" sha256:[0-9a-f]{16}", "", token.content)
        for token in found
        if token.type.startswith("html")
    ]


def count(found: list[Token], kind: str) -> int:
    return sum(token.type == kind for token in found)


def href(token: Token) -> str:
    return str(token.attrGet("href") or "")


def test_the_runbook_shows_the_words_to_its_reader(built: Built) -> None:
    shown = flat(
        "".join(
            t.content
            for t in tokens(built.files["shop/runbook.md"])
            if t.type.startswith(("text", "code"))
        )
    )
    words = re.sub(
        f"[{_HIDDEN}]",
        lambda found: f"\\u{ord(found[0]):04x}" if found[0] != "\u200d" else found[0],
        built.words,
    )

    assert flat(words).replace(" ", "") in shown.replace(" ", "")


def test_a_command_of_the_runbook_is_ready_to_paste(built: Built) -> None:
    blocks = [
        t.content
        for t in tokens(built.files["shop/runbook.md"])
        if t.type == "fence" and t.info == "sh"
    ]

    if not set(_HIDDEN) & set(built.words):
        assert built.words.splitlines() in [block.splitlines() for block in blocks]
