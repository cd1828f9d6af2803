"""The page about requests, made from the tables, and the sentences that help shows.

In: the rules and presets. Out: ``EXAMPLES`` and ``request_page()``. Never: a sentence that no test reads.
"""

from __future__ import annotations

from typing import Final

from bot.survey.request.cluster_rules import ADDON_RULES
from bot.survey.request.presets import ADDON_NAMES, PRESETS, Preset
from bot.survey.request.reading import RULES
from bot.survey.request.rule import LONGEST, RequestRule

EXAMPLES: Final[tuple[str, ...]] = (
    "a production web server VM named web-prod-01 using template 9001",
    "PostgreSQL for 100 concurrent users",
    "web application with load balancing",
    "development environment",
    "an LXC container named dns-01 with 1 core and 512MB RAM from debian-12 template",
    "dev cluster",
    "production cluster with 5 workers",
    "ML training cluster with 16GB RAM",
    "CI/CD runner cluster",
    "HA cluster with monitoring",
    "minimal single-node cluster",
    "staging with calico and ingress",
    "5 node cluster with 4 cores 8gb",
)
"""One sentence of each kind, for help and for the page."""

_ORDER: Final = ("names", "source", "size", "network", "placement", "protection", "cluster", "add-ons")
_WHERE: Final = "understood, not acted on"


def request_page() -> str:
    """The text of ``docs/requests.md``."""
    lines = [_INTRODUCTION, *(f"- `{example}`" for example in EXAMPLES), "", _CLUSTERS, ""]
    lines += ["| kind | machines | cores / GiB each | add-ons | name | why |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [_preset(preset) for preset in PRESETS]
    for about in _ORDER:
        lines += [f"\n## {about[0].upper()}{about[1:]}\n", "| for example | states | note |", "| --- | --- | --- |"]
        lines += [_row(rule) for rule in (*RULES, *ADDON_RULES) if rule.about == about]
    return "\n".join([*lines, "", _NUMBERS]) + "\n"


def _preset(preset: Preset) -> str:
    machines = f"{preset.control_planes} + {preset.workers}"
    sizes = f"{preset.cores} / {preset.gib} | {', '.join(preset.addons)}"
    return f"| {preset.id} | {machines} | {sizes} | `{preset.name}` | {preset.why} |"


def _row(rule: RequestRule) -> str:
    examples = ", ".join(f"`{example}`" for example in rule.examples)
    return f"| {examples} | {f'`{rule.field}`' if rule.field else _WHERE} | {rule.note} |"


_INTRODUCTION: Final = """# What a request for machines or a cluster may say

Free text in English; case and punctuation do not matter. Machines are named by nouns (VM, virtual machine, server,
LXC container, load balancer, database, development environment), with a number before them ("three web servers"). A
database engine is a machine when it stands with "server", "database" or "for 100 concurrent users"; a web application
is one with load balancing. What stands beside a noun, up to the next one, belongs to it; "each" or "all" behind the
last one belongs to all, and a template and a pool that are named once do too. What nobody states, the planner decides
and explains.

A text that describes an application (its language, framework, rates, latency, or a service that merely runs on some
servers) is no request: it is read together with a repository, as [the description](description.md) says.

Sentences that are tests:
"""
_CLUSTERS: Final = """## Kinds of clusters

Machines are control planes + workers. Words beat the kind: "with 5 workers", "3 masters", "4 cores 8gb"; "HA" means
three control planes; "5 nodes" counts the control planes too. An even number of control planes is raised by one, and
the pull request asks."""
_NUMBERS: Final = f"""## Numbers that nothing took

A number that no phrase takes changes nothing and is shown as a question. A number that no machine can have is refused
with its rule: half a core, no machine or more than 100 of a kind, less than 2 cores or 2 GiB for a machine of a
Kubernetes cluster. A request has at most {LONGEST:,} characters. Add-ons are {", ".join(ADDON_NAMES)}; network plugins
flannel, calico and cilium."""
