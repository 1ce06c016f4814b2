"""The tools that run workloads, as one table: which commands of each only look."""

from __future__ import annotations

from dataclasses import dataclass

from opsgen.model.runtimes import Runtime


@dataclass(frozen=True)
class Look:
    """A command that changes nothing, and the question it answers."""

    question: str
    command: str


@dataclass(frozen=True)
class Tool:
    """What to look at with a tool.

    In the commands, `{start}` is what comes before the verb: the tool with its own options, such as
    `kubectl -n shop`, or `sudo`; `{name}` is the workload. `runtime` is the one on which the tool
    can be taken for granted, and `of_namespace` needs no workload's name. `verbs` are those that a
    spec's own commands name a workload with, as in `systemctl restart checkout`.
    """

    of_workload: tuple[Look, ...]
    logs: Look
    verbs: frozenset[str] = frozenset()
    of_namespace: tuple[Look, ...] = ()
    runtime: Runtime | None = None


TOOLS = {
    "kubectl": Tool(
        runtime="kubernetes",
        of_namespace=(
            Look("What runs, and where?", "{start} get pods -o wide"),
            Look(
                "What happened lately?", "{start} get events --sort-by=.metadata.creationTimestamp"
            ),
            Look(
                "What was deployed, newest last?",
                "{start} get replicasets --sort-by=.metadata.creationTimestamp",
            ),
        ),
        of_workload=(
            Look("Is a rollout under way?", "{start} rollout status {name} --watch=false"),
            Look("Which versions were rolled out?", "{start} rollout history {name}"),
            Look("How is it set up, and what happened to it?", "{start} describe {name}"),
            Look(
                "A shell in one of its pods, if the image has one.",
                "{start} exec -it {name} -- sh",
            ),
        ),
        logs=Look(
            "The logs of one of its pods, of the last 15 minutes.",
            "{start} logs {name} --all-containers --since=15m --timestamps",
        ),
    ),
    "systemctl": Tool(
        of_workload=(
            Look("Does it run, and since when?", "{start}systemctl status {name} --no-pager"),
            Look("How is it started?", "{start}systemctl cat {name} --no-pager"),
        ),
        logs=Look(
            "The logs of the last 15 minutes.",
            "{start}journalctl -u {name} --since -15min --no-pager",
        ),
        verbs=frozenset({"restart", "start", "stop", "reload", "reload-or-restart", "try-restart"}),
    ),
    "docker": Tool(
        of_workload=(
            Look("Does it run, and since when?", "{start}docker ps --all --filter name={name}"),
            Look("What does it use?", "{start}docker stats --no-stream {name}"),
            Look("A shell in it, if the image has one.", "{start}docker exec -it {name} sh"),
        ),
        logs=Look(
            "The logs of the last 15 minutes.",
            "{start}docker logs --since 15m --timestamps {name}",
        ),
        verbs=frozenset({"restart", "start", "stop"}),
    ),
}
