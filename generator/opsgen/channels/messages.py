"""What a notification says: Alertmanager templates that show an alert's summary, description,
runbook and dashboard.

The title names the first firing alert, the body all of them. Alertmanager fills them in when it
notifies.
"""

from __future__ import annotations

RUNBOOK_LINK = "{{ (index .Alerts 0).Annotations.runbook_url }}"
DASHBOARD_LINK = "{{ (index .Alerts 0).Annotations.dashboard_url }}"
BODY = """\
{{ range .Alerts.Firing }}{{ .Annotations.summary }}
{{ .Annotations.description }}
{{ with .Annotations.runbook_url }}Runbook: {{ . }}
{{ end }}{{ with .Annotations.dashboard_url }}Dashboard: {{ . }}
{{ end }}
{{ end }}{{ range .Alerts.Resolved }}Resolved: {{ .Annotations.summary }}
{{ end }}"""

# Slack's three control characters, so that no text calls a whole channel (api.slack.com, 'Escaping
# text').
_SLACK_ESCAPED = ' | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;"'


def _title(escaped: str = "") -> str:
    summary = f"(index . 0).Annotations.summary{escaped}"
    environment = "{{ with .CommonLabels.environment }} ({{ . }}){{ end }}"
    step = "{{ with .CommonLabels.step }}, step {{ . }}{{ end }}"
    more = "{{ if gt (len .) 1 }} (first of {{ len . }} alerts){{ end }}"
    firing = f"{{{{ with .Alerts.Firing }}}}{{{{ {summary} }}}}{more}"
    resolved = f"resolved: {{{{ (index .Alerts 0).Annotations.summary{escaped} }}}}"
    told = f"{firing}{{{{ else }}}}{resolved}{{{{ end }}}}"
    return f"{{{{ .CommonLabels.service }}}}{environment}{step}: {told}"


TITLE = _title()
SLACK_TITLE = _title(_SLACK_ESCAPED)
SLACK_BODY = f"""\
{{{{ range .Alerts.Firing }}}}*{{{{ .Annotations.summary{_SLACK_ESCAPED} }}}}*
{{{{ .Annotations.description{_SLACK_ESCAPED} }}}}
{{{{ with .Annotations.runbook_url }}}}<{{{{ . }}}}|Runbook> {{{{ end }}}}\
{{{{ with .Annotations.dashboard_url }}}}<{{{{ . }}}}|Dashboard>{{{{ end }}}}
{{{{ end }}}}{{{{ range .Alerts.Resolved }}}}\
Resolved: {{{{ .Annotations.summary{_SLACK_ESCAPED} }}}}
{{{{ end }}}}"""


def by_severity(page: str, ticket: str, info: str) -> str:
    """A provider's own word for the severity. The routes group by it, so that all alerts of a
    message share it."""
    is_page = '{{ if eq .CommonLabels.severity "page" }}'
    is_ticket = '{{ else if eq .CommonLabels.severity "ticket" }}'
    return f"{is_page}{page}{is_ticket}{ticket}{{{{ else }}}}{info}{{{{ end }}}}"
