"""How Grafana finds the dashboards as files. Source: Grafana's documentation, "Provision Grafana",
dashboards."""

from __future__ import annotations

from opsgen.model.artifact import Artifact
from opsgen.render.yaml_writer import dump, generated_from

FILE = "grafana/dashboards.yaml"
# Where the dashboards are to be copied: docs/loading.md says how.
_PATH = "/var/lib/grafana/dashboards/opsgen"
_ABOUT = (
    *generated_from("opsgen.yaml"),
    f"It goes into /etc/grafana/provisioning/dashboards, and the dashboards into {_PATH}.",
)


def render_provider(folder: str) -> Artifact:
    """`grafana/dashboards.yaml`: the specs are the source, so that Grafana takes no changes of its
    own."""
    provider = {
        "name": "opsgen",
        "type": "file",
        "folder": folder,
        "allowUiUpdates": False,
        "options": {"path": _PATH},
    }
    return Artifact(FILE, dump({"apiVersion": 1, "providers": [provider]}, _ABOUT))
