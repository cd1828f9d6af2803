"""What the default values of a Helm chart say: the image, and nothing that would need the chart rendered.

In: ``Chart.yaml`` and ``values.yaml`` as data. Out: ``ChartValues``. Never: a template, a remote dependency, a lookup.
"""

from __future__ import annotations

from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Declared, Evidence
from bot.model.tree import Tree
from bot.survey.images import is_reference
from bot.survey.manifests import cpu, memory
from bot.survey.places import base_of, folder_of, is_aside
from bot.survey.yaml_view import View, roots

MAX_CHARTS: Final = 50


class ChartValues(Noun):
    """A chart that runs one image of its own. ``port`` is the Service's, a hint at most."""

    name: str
    folder: str
    image: str | None
    port: int | None = None
    declared: Declared | None = None
    evidence: Evidence


def read_charts(tree: Tree) -> tuple[ChartValues, ...]:
    """The charts of a repository by path; those that lie in another chart's ``charts/`` are its dependencies."""
    folders = sorted(folder_of(path) for path in tree.yaml if base_of(path) == "Chart.yaml")
    own = [folder for folder in folders if not any(folder.startswith(other + "/charts/") for other in folders)]
    charts = [_chart(tree, folder) for folder in own if not is_aside(folder + "/x")]
    return tuple(chart for chart in charts[:MAX_CHARTS] if chart is not None)


def _chart(tree: Tree, folder: str) -> ChartValues | None:
    prefix = folder + "/" if folder else ""
    chart = next(roots(prefix + "Chart.yaml", tree.yaml[prefix + "Chart.yaml"]), None)
    if chart is None or chart["type"].text == "library":
        return None
    path = prefix + "values.yaml"
    values = next(roots(path, tree.yaml.get(path, ())), None)
    name = chart["name"].text or base_of(folder)
    if values is None:
        return ChartValues(name=name, folder=folder, image=None, evidence=chart.evidence("Chart.yaml"))
    return ChartValues(
        name=name,
        folder=folder,
        image=_image(values["image"], chart["appVersion"].text),
        port=values.at("service", "targetPort").number or values.at("service", "port").number,
        declared=_declared(values),
        evidence=values["image"].evidence("image"),
    )


def _image(image: View, app_version: str | None) -> str | None:
    repository = image["repository"].text or image["name"].text or image.text
    if not repository:
        return None
    registry, tag = image["registry"].text, image["tag"].text or app_version
    named = f"{registry}/{repository}" if registry else repository
    tagged = f"{named}:{tag}" if tag and ":" not in named.rpartition("/")[2] else named
    return tagged if is_reference(tagged) else None


def _declared(values: View) -> Declared | None:
    resources = values["resources"]
    replicas = values["replicaCount"].number
    if replicas is None and not resources.value:
        return None
    requests, limits = resources["requests"], resources["limits"]
    return Declared(
        replicas=replicas if replicas is not None and 0 <= replicas <= 10_000 else None,
        cpu_request=cpu(requests["cpu"].text),
        cpu_limit=cpu(limits["cpu"].text),
        memory_request=memory(requests["memory"].text),
        memory_limit=memory(limits["memory"].text),
        evidence=resources.evidence("resources"),
    )
