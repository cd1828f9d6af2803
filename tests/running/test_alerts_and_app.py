"""The alerts speak of metrics that exist and have a page; the App asks for what docs/security.md explains."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from bot.edges.github.installation_token import WRITING
from bot.meters import Facts, Meters, Result, merged
from bot.model.job import Backlog
from bot.model.refusal import Code
from bot.settings import Settings
from bot.web import door
from tests.running.deployed import DEPLOY, ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
MANIFEST: dict[str, Any] = json.loads((DEPLOY / "github-app" / "manifest.json").read_text())
RANK = {"read": 1, "write": 2}


def served() -> dict[str, str]:
    """Every metric with its type, from a page as it is served."""
    facts = Facts(
        backlog=Backlog(events=0, event_age=0.0, commands=0, command_age=0.0),
        outcomes={("/ai-help", "answered", ""): 1},
        thumbs={"up": 1},
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    page = merged(Meters(), (), facts)
    return {
        name: kind for _, _, name, kind in (line.split() for line in page.splitlines() if line.startswith("# TYPE"))
    }


def base_name(series: str) -> str:
    """The family of a series as it is written in a query."""
    kinds = served()
    stem = re.sub(r"_(bucket|sum|count)$", "", series)
    return stem if kinds.get(stem) == "histogram" else series


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_reads_metrics_that_exist(rule: dict[str, Any]) -> None:
    read = set(re.findall(r"\bai_provision_\w+", rule["expr"]))
    assert read
    assert {base_name(name) for name in read} <= set(served())
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_has_its_page(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert (page, anchor) == ("docs/operations.md", rule["alert"].lower())
    assert re.search(rf"^### {rule['alert']}$", OPERATIONS, re.MULTILINE)
    assert rule["annotations"]["summary"]


def test_no_page_tells_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^### (AiProvision\w+)$", OPERATIONS, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def labels_in(key: str) -> Iterator[str]:
    for rule in RULES:
        for _, values in re.findall(rf"{key}(=~|=)\"([^\"]+)\"", rule["expr"]):
            yield from values.split("|")


def test_the_alerts_name_results_and_codes_that_exist() -> None:
    results, codes = set(labels_in("result")), set(labels_in("code"))
    assert results
    assert results <= set(get_args(Result))
    assert codes
    assert codes <= set(Code)


def test_every_metric_is_explained() -> None:
    table = OPERATIONS.split("## Metrics")[1].split("## Alerts")[0]
    explained = set(re.findall(r"`(ai_provision_\w+)`", table))
    assert {base_name(name) for name in explained} == set(served())
    assert set(get_args(Result)) <= set(re.findall(r"`([a-z-]+)`", table))


def permissions_explained() -> dict[str, str]:
    section = SECURITY.split("## What the GitHub App may do")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (read|write) \|", section, re.MULTILINE))


def test_the_app_asks_for_what_is_explained() -> None:
    assert permissions_explained() == MANIFEST["default_permissions"]


def test_the_app_asks_for_no_less_than_the_tokens_and_for_no_administration() -> None:
    asked = MANIFEST["default_permissions"]
    assert all(RANK[asked[name]] >= RANK[level] for name, level in WRITING.items())
    assert set(asked) - set(WRITING) == {"actions"}
    assert asked["actions"] == "read"


def test_the_app_hears_what_the_server_takes() -> None:
    automatic = {"installation", "installation_repositories"}
    taken = {name.decode() for name in door.COMMANDS | door.NOTICES}
    assert set(MANIFEST["default_events"]) == taken - automatic
    assert MANIFEST["hook_attributes"]["url"].endswith(door.PATH)


def test_the_link_registers_the_same_app() -> None:
    [link] = re.findall(r"^https://github\.com/settings/apps/new\?\S+$", OPERATIONS, re.MULTILINE)
    asked = parse_qs(urlsplit(link).query, strict_parsing=True)
    assert asked.pop("events[]") == MANIFEST["default_events"]
    fixed = {name: asked.pop(name) for name in ("name", "url", "public", "webhook_active", "webhook_url")}
    assert fixed["webhook_url"] == [MANIFEST["hook_attributes"]["url"]]
    assert fixed["public"] == ["false"]
    assert {name: value for name, [value] in asked.items()} == MANIFEST["default_permissions"]


def test_the_page_names_settings_and_verbs_that_exist() -> None:
    known = {
        name
        for field in Settings.model_fields.values()
        for name in field.validation_alias.choices  # type: ignore[union-attr]
    }
    assert set(re.findall(r"`(AI_PROVISION_[A-Z_]+|PROXMOX_[A-Z_]+|GITHUB_[A-Z_]+)`", OPERATIONS)) <= known
    verbs = set(re.findall(r"\bai-provision (serve|worker|check|init|backup|audit)\b", OPERATIONS))
    assert {"serve", "check", "backup", "audit"} <= verbs
