"""The bundle as a whole: golden bytes, names that are refused, and the same bytes whatever the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from bot.errors import Refused
from tests.rendering.bundles import compare_with_golden, data, names, text
from tests.rendering.scenes import supermarket

VERSIONS = sorted({version for version in kubernetes_validate.utils.all_versions() if version >= "1.29"})


def test_golden_bundle() -> None:
    compare_with_golden("supermarket", supermarket().render())


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: f"G04-kubernetes-{version}")
def test_golden_manifests_fit_every_schema(version: str) -> None:
    changes = supermarket().render()
    seen = 0
    for file in changes.files:
        if "/kubernetes/" in file.path and not file.path.endswith("kustomization.yaml"):
            assert kubernetes_validate.validate(yaml.safe_load(file.content), version, strict=True)
            seen += 1
    assert seen == 11


def test_G04_yamllint_has_nothing_to_say() -> None:  # noqa: N802  # the row's name
    config = YamlLintConfig("extends: default")
    changes = supermarket().render()
    problems = [
        f"{file.path}:{problem}"
        for file in changes.files
        if file.path.endswith(".yaml")
        for problem in linter.run(file.content, config)
    ]
    assert problems == []


def test_only_what_is_needed() -> None:
    nouns = supermarket()
    assert not [name for name in names(nouns.with_plan(machines=()).render()) if name.startswith("terraform/")]
    assert not [name for name in names(nouns.with_plan(services=()).render()) if name.startswith("kubernetes/")]


@pytest.mark.parametrize(
    "name",
    [
        '${file("/etc/passwd")}', 'a"}', "%{ if true }", "a\nb", "EOT", "a" * 300, "..", "../x", "-x", "x-", "Upper",
        "🛒", "123", "1app", "", "a b", "a/b", "a.b", "a_b", "a\u200bb", "{{x}}", "a\x00", "ａpp",
    ],
    ids=lambda name: f"G01-{name[:12]!a}",
)  # fmt: skip
def test_a_name_is_refused_with_its_rule(name: str) -> None:
    nouns = supermarket()
    service = nouns.plan.services[0].model_copy(update={"name": name})
    machine = nouns.plan.machines[0].model_copy(update={"name": name})
    for hostile in (
        nouns.with_plan(app=name),
        nouns.with_plan(services=(service,)),
        nouns.with_plan(machines=(machine,)),
    ):
        with pytest.raises(Refused) as stop:
            hostile.render()
        assert stop.value.refusal.code == "name"
        assert "lower-case letters, digits and hyphens" in stop.value.refusal.remedy
        assert stop.value.refusal.message.isascii()


@pytest.mark.parametrize("name", ["null", "true", "no", "y", "nan"], ids=lambda name: f"G01-{name}")
def test_a_word_of_yaml_stays_a_name(name: str) -> None:
    changes = supermarket().with_plan(app=name, namespace=name).render()
    assert changes.root == f"apps/{name}"
    assert yaml.safe_load(text(changes, "kubernetes/kustomization.yaml"))["namespace"] == name
    assert data(changes, "plan.json")["plan"]["app"] == name
    labels = yaml.safe_load(text(changes, "kubernetes/api-pdb.yaml"))["metadata"]["labels"]
    assert labels["app.kubernetes.io/part-of"] == name


@pytest.mark.parametrize(
    ("namespace", "code"),
    [
        ("default", "policy"),
        ("kube-system", "policy"),
        ("kube-anything", "policy"),
        ("../x", "name"),
        ("a" * 64, "name"),
        ("UPPER", "name"),
    ],
)
def test_a_namespace_that_is_not_ours_is_refused(namespace: str, code: str) -> None:
    with pytest.raises(Refused) as stop:
        supermarket().with_plan(namespace=namespace).render()
    assert stop.value.refusal.code == code


def test_two_workloads_with_one_name_are_refused() -> None:
    api = supermarket().plan.services[0]
    with pytest.raises(Refused, match="share the name api"):
        supermarket().with_plan(services=(api, api)).render()


MAKE_AGAIN = """
import hashlib, json
from tests.rendering.scenes import supermarket
nouns = supermarket()
print(hashlib.sha256(json.dumps([[f.path, f.content] for f in nouns.render().files]).encode()).hexdigest())
"""


@pytest.mark.long
def test_G03_same_bytes_in_every_environment() -> None:  # noqa: N802  # the row's name
    root = Path(__file__).parents[2]
    environments = [
        {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "random", "TZ": "America/St_Johns", "LANG": "de_DE.ISO-8859-1"},
    ]
    digests = {
        subprocess.run(  # our own interpreter and text
            [sys.executable, "-c", MAKE_AGAIN], cwd=root, env={"PATH": os.environ["PATH"], **environment}, check=True,
            capture_output=True, text=True,
        ).stdout
        for environment in environments
    }  # fmt: skip
    assert len(digests) == 1
    assert len(digests.pop()) == 65


def test_G03_dict_order_does_not_matter() -> None:  # noqa: N802  # the row's name
    nouns = supermarket()
    api = nouns.plan.services[0].runtime_env | {"GOGC": "100"}
    turned = dict(reversed(api.items()))
    machine = nouns.plan.machines[0]
    settings = dict(reversed(machine.settings.items()))
    first = nouns.with_api_plan(runtime_env=api)
    second = nouns.with_api_plan(runtime_env=turned).with_plan(
        machines=(machine.model_copy(update={"settings": settings}), nouns.plan.machines[1])
    )
    assert list(api) != list(turned)
    assert first.render() == second.render()


def test_no_file_knows_the_time_of_the_run() -> None:
    document = data(supermarket().render(), "plan.json")
    assert document["cluster"]["taken_at"] == "2026-09-01T08:30:00Z"
    assert document["files"] == []
    assert not {"created_at", "generated_at", "duration"} & set(document)
