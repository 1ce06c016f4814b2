"""Names in the form that other programs accept: of services, metrics, labels and Kubernetes
objects."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from opsgen.load.scalars import checked, mistake, text_schema
from opsgen.load.shown import LONGEST_SHOWN, shown

SLUG_LENGTH = 63  # of a label in DNS, which Kubernetes names follow
_LONGEST_NAME = 200
_SLUG = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
# What Prometheus 3 can read in quotes and a person can see.
_QUOTED_NAME = r"[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?"
_RESERVED = "__"
_METRIC_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
# Kubernetes' own rules for labels (docs: "Labels and Selectors") and for names of ports
# (IANA_SVC_NAME).
_LABEL_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DNS_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_KUBERNETES_KEY = rf"({_DNS_NAME}/)?{_LABEL_WORD}"
_PORT_NAME = r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*"
_OWNER = r"@[A-Za-z0-9][\w./-]*|[\w.+-]+@[\w.-]+"


def slug_of(text: str) -> str:
    """Turns a text into a slug; empty if no letter or digit is left."""
    plain = (
        unicodedata.normalize("NFKD", text[: 4 * SLUG_LENGTH])
        .encode("ascii", "ignore")
        .decode()
        .lower()
    )
    return re.sub(r"[^a-z0-9]+", "-", plain)[: SLUG_LENGTH + 1].strip("-")[:SLUG_LENGTH].strip("-")


def is_slug(text: str) -> bool:
    return len(text) <= SLUG_LENGTH and re.fullmatch(_SLUG, text) is not None


def _slug(text: str) -> str:
    if is_slug(text):
        return text
    suggested = slug_of(text) or "checkout"
    right = f"use lowercase letters, digits and inner hyphens, at most {SLUG_LENGTH}: {suggested}"
    raise mistake(f"'{shown(text)}' is not a valid name here", right)


def _label_name(text: str) -> str:
    """Any text that can be seen: whether the project's Prometheus takes it is judged later."""
    reserved = text.startswith(_RESERVED)
    if re.fullmatch(_QUOTED_NAME, text) and not reserved and len(text) <= _LONGEST_NAME:
        return text
    reason = f" (names that begin with {_RESERVED} are reserved)" if reserved else ""
    raise mistake(
        f"'{shown(text)}' is not a valid label name{reason}",
        f"use at most {_LONGEST_NAME} characters, without spaces around them: {_plain_form(text)}",
    )


def _plain_form(text: str) -> str:
    """The nearest name of letters, digits and _."""
    plain = re.sub(r"[^a-zA-Z0-9_]+", "_", text[:LONGEST_SHOWN]).strip("_")
    return plain if re.fullmatch(_LABEL_NAME, plain) else "namespace"


def _name(what: str, pattern: str) -> Callable[[str], str]:
    """Checks a name against a pattern, and suggests a valid one."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) and len(text) <= _LONGEST_NAME:
            return text
        suggested = re.sub(r"[^a-zA-Z0-9_]+", "_", text[:LONGEST_SHOWN]).strip("_")
        example = f": {suggested}" if re.fullmatch(pattern, suggested) else ""
        raise mistake(
            f"'{shown(text)}' is not a valid {what}",
            f"use letters, digits and _, and begin with no digit{example}",
        )

    return check


Slug = Annotated[
    str,
    AfterValidator(_slug),
    text_schema(
        _SLUG, "Lowercase letters, digits and inner hyphens.", "checkout", longest=SLUG_LENGTH
    ),
]
LabelName = Annotated[
    str,
    AfterValidator(_label_name),
    text_schema(
        rf"(?!{_RESERVED}){_QUOTED_NAME}",
        "The name of a Prometheus label. Prometheus 3 takes any text, older ones letters, digits"
        " and _.",
        "namespace",
        "job",
        "k8s.namespace.name",
        longest=_LONGEST_NAME,
    ),
]
MetricName = Annotated[
    str,
    AfterValidator(_name("metric name", _METRIC_NAME)),
    text_schema(
        _METRIC_NAME,
        "The name of a Prometheus metric.",
        "http_requests_total",
        longest=_LONGEST_NAME,
    ),
]
EnvVarName = Annotated[
    str,
    AfterValidator(_name("name of an environment variable", _LABEL_NAME)),
    text_schema(
        _LABEL_NAME, "The name of an environment variable.", "DATABASE_URL", longest=_LONGEST_NAME
    ),
]
KubernetesKey = Annotated[
    str,
    AfterValidator(
        checked("Kubernetes label", _KUBERNETES_KEY, "write for example app.kubernetes.io/name")
    ),
    text_schema(
        _KUBERNETES_KEY,
        "The key of a label in Kubernetes.",
        "app",
        "app.kubernetes.io/name",
        longest=317,
    ),
]
KubernetesValue = Annotated[
    str,
    AfterValidator(
        checked(
            "Kubernetes label value",
            f"({_LABEL_WORD})?",
            "write at most 63 letters, digits, - _ .",
        )
    ),
    text_schema(f"({_LABEL_WORD})?", "The value of a label in Kubernetes.", "checkout"),
]
PortName = Annotated[
    str,
    AfterValidator(
        checked(
            "Kubernetes port name",
            _PORT_NAME,
            "write the port's name, for example metrics",
        )
    ),
    text_schema(_PORT_NAME, "The name of a port in Kubernetes, not its number.", "metrics", "http"),
]
Owner = Annotated[
    str,
    AfterValidator(
        checked("owner", _OWNER, "write @user, @organisation/team, or an e-mail address")
    ),
    text_schema(
        _OWNER, "A user, a team or an e-mail address, as CODEOWNERS has them.", "@example/payments"
    ),
]
