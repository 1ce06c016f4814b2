"""The fleet goes in; Grafana's file of dashboard providers comes out, which says where the
dashboards are.

Source: Grafana's documentation, "Provision Grafana", dashboards.
"""

from __future__ import annotations

from collections.abc import Iterator

from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import GRAFANA_PROVIDER
from opsgen.render.subjects import OfFleet
from opsgen.render.yaml_writer import dump, generated_from

# Where the dashboards are to be copied: docs/loading.md says how.
_PATH = "/var/lib/grafana/dashboards/opsgen"
_ABOUT = (
    *generated_from("opsgen.yaml"),
    f"It goes into /etc/grafana/provisioning/dashboards, and the dashboards into {_PATH}.",
)


def render_provider(subject: OfFleet) -> Iterator[Artifact]:
    """The provider. Grafana's own changes are not allowed: the specs are the source."""
    provider = {
        "name": "opsgen",
        "type": "file",
        "folder": subject.organisation.grafana_folder,
        "allowUiUpdates": False,
        "options": {"path": _PATH},
    }
    document = {"apiVersion": 1, "providers": [provider]}
    yield Artifact(GRAFANA_PROVIDER.path, dump(document, _ABOUT))
