"""Settings: one mapping in, both spellings understood, secrets that do not print themselves."""

import pytest
from pydantic import ValidationError

from bot.settings import read_settings


def test_nothing_is_needed() -> None:
    settings = read_settings({})
    assert settings.github_api_url == "https://api.github.com"
    assert settings.allowed_git_hosts == ("github.com",)
    assert settings.proxmox_token is None
    assert settings.secrets() == ()


def test_the_environment_of_this_process_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "from-the-process")
    assert read_settings({}).github_token is None


@pytest.mark.parametrize(
    "environment",
    [
        {"PROXMOX_VE_API_TOKEN": "bot@pve!read=1234"},
        {"PROXMOX_API_TOKEN_ID": "bot@pve!read", "PROXMOX_API_TOKEN_SECRET": "1234"},
    ],
    ids=["the-providers-own", "the-other-tools"],
)
def test_both_spellings_of_the_proxmox_token(environment: dict[str, str]) -> None:
    settings = read_settings(environment)
    assert settings.proxmox_token == "bot@pve!read=1234"
    assert "1234" in settings.secrets()


@pytest.mark.parametrize("name", ["PROXMOX_VE_ENDPOINT", "PROXMOX_API_URL"])
def test_both_spellings_of_the_endpoint(name: str) -> None:
    assert read_settings({name: "https://pve:8006/"}).proxmox_endpoint == "https://pve:8006/"


def test_hosts_are_split_and_lower_case() -> None:
    settings = read_settings({"AI_PROVISION_ALLOWED_GIT_HOSTS": "GitHub.com, git.example.org,"})
    assert settings.allowed_git_hosts == ("github.com", "git.example.org")


def test_empty_values_count_as_absent() -> None:
    assert read_settings({"KUBECONFIG": "", "AI_PROVISION_PORT": ""}).kubeconfig is None


def test_secrets_do_not_print_themselves() -> None:
    settings = read_settings({"GITHUB_TOKEN": "canary-token", "AI_PROVISION_WEBHOOK_SECRET": "canary-secret"})
    assert "canary" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    "environment",
    [{"AI_PROVISION_PORT": "0"}, {"AI_PROVISION_PORT": "many"}, {"AI_PROVISION_INFRA_REPO": "no-owner"}],
    ids=["port-zero", "port-word", "infra-repo"],
)
def test_wrong_settings_are_named(environment: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(environment))):
        read_settings(environment)


def test_settings_without_models_name_none() -> None:
    given = {"AI_PROVISION_MODEL": "google:x", "AI_PROVISION_MODEL_PLANNER": "openai:y", "OLLAMA_MODEL": "z"}
    settings = read_settings({**given, "AI_PROVISION_EMBEDDING_MODEL": "openai:e", "PROMETHEUS_URL": "http://p:9090"})
    assert settings.models
    assert (settings.without_models().models, settings.without_models().embedding_model) == ({}, None)
    assert settings.without_models().prometheus_url == "http://p:9090"
