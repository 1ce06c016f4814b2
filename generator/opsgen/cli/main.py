"""The group of all commands. Exit code 0: done; 1: stale, or a check failed; 2: wrong input.

Text for people goes to stderr, output for programs to stdout. Each command imports what it needs
itself, so that `--help` is fast.
"""

from __future__ import annotations

import click

from opsgen import __version__
from opsgen.cli import asking, building, judging, starting


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        'Shell completion: eval "$(_OPSGEN_COMPLETE=bash_source opsgen)" (or zsh_source,'
        " fish_source)."
    ),
)
@click.version_option(__version__, prog_name="opsgen")
def main() -> None:
    """Generate everything that on-call needs from one short service spec: Prometheus rules with
    proofs, a Grafana dashboard, uptime probes, escalation and a runbook.

    \b
      opsgen init                    write a spec to start from
      opsgen build service.yaml      generate everything into out/
      opsgen check service.yaml      prove it
    """


# `--help` sorts them by name.
for command in (
    starting.init,
    building.build,
    building.diff,
    judging.check,
    asking.explain,
    asking.route,
    judging.runbook,
    judging.lint,
    building.manifests,
    starting.import_,
    starting.export,
    starting.schema,
):
    main.add_command(command)
