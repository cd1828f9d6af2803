"""Settings: read once from the environment, handed down, never read again.

In: environment variables (and their aliases from other tools). Out: one immutable ``Settings``. Never: a secret that
prints itself.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Annotated

from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict


def _names(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class Settings(BaseSettings):
    """Every setting of the product. See ``docs/configuration.md``."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True)

    infra_repo: Annotated[
        str | None,
        Field(
            validation_alias=_names("AI_PROVISION_INFRA_REPO"),
            pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$",
        ),
    ] = None
    webhook_secret: Annotated[SecretStr | None, Field(validation_alias=_names("AI_PROVISION_WEBHOOK_SECRET"))] = None
    webhook_secret_previous: Annotated[
        SecretStr | None, Field(validation_alias=_names("AI_PROVISION_WEBHOOK_SECRET_PREVIOUS"))
    ] = None
    api_token: Annotated[SecretStr | None, Field(validation_alias=_names("AI_PROVISION_API_TOKEN"), min_length=16)] = (
        None
    )
    concurrency: Annotated[int, Field(validation_alias=_names("AI_PROVISION_CONCURRENCY"), ge=1, le=32)] = 4
    keep_days: Annotated[float, Field(validation_alias=_names("AI_PROVISION_KEEP_DAYS"), gt=3, le=3650)] = 30.0
    database_url: Annotated[str, Field(validation_alias=_names("AI_PROVISION_DATABASE_URL"))] = (
        "sqlite:///ai-provision.sqlite"
    )
    model: Annotated[str | None, Field(validation_alias=_names("AI_PROVISION_MODEL"))] = None
    model_collector: Annotated[str | None, Field(validation_alias=_names("AI_PROVISION_MODEL_COLLECTOR"))] = None
    model_planner: Annotated[str | None, Field(validation_alias=_names("AI_PROVISION_MODEL_PLANNER"))] = None
    model_reviewer: Annotated[str | None, Field(validation_alias=_names("AI_PROVISION_MODEL_REVIEWER"))] = None
    ollama_model: Annotated[str | None, Field(validation_alias=_names("OLLAMA_MODEL"))] = None
    model_seconds: Annotated[float, Field(validation_alias=_names("AI_PROVISION_MODEL_SECONDS"), gt=0, le=50)] = 40.0
    model_tokens: Annotated[int, Field(validation_alias=_names("AI_PROVISION_MODEL_TOKENS"), ge=1_000)] = 60_000
    model_money: Annotated[float | None, Field(validation_alias=_names("AI_PROVISION_MODEL_MONEY"), ge=0)] = None
    model_daily_tokens: Annotated[
        int | None, Field(validation_alias=_names("AI_PROVISION_MODEL_DAILY_TOKENS"), ge=0)
    ] = 2_000_000
    model_daily_money: Annotated[
        float | None, Field(validation_alias=_names("AI_PROVISION_MODEL_DAILY_MONEY"), ge=0)
    ] = None
    embedding_model: Annotated[str | None, Field(validation_alias=_names("AI_PROVISION_EMBEDDING_MODEL"))] = None
    mcp_servers: Annotated[tuple[str, ...], NoDecode, Field(validation_alias=_names("AI_PROVISION_MCP_SERVERS"))] = ()
    google_api_key: Annotated[SecretStr | None, Field(validation_alias=_names("GOOGLE_API_KEY", "GEMINI_API_KEY"))] = (
        None
    )
    google_base_url: Annotated[str | None, Field(validation_alias=_names("GOOGLE_GEMINI_BASE_URL"))] = None
    openai_api_key: Annotated[SecretStr | None, Field(validation_alias=_names("OPENAI_API_KEY"))] = None
    openai_base_url: Annotated[str | None, Field(validation_alias=_names("OPENAI_BASE_URL"))] = None
    ollama_base_url: Annotated[str | None, Field(validation_alias=_names("OLLAMA_BASE_URL", "OLLAMA_URL"))] = None
    github_api_url: Annotated[str, Field(validation_alias=_names("GITHUB_API_URL"))] = "https://api.github.com"
    github_token: Annotated[SecretStr | None, Field(validation_alias=_names("GITHUB_TOKEN"))] = None
    github_app_id: Annotated[str | None, Field(validation_alias=_names("AI_PROVISION_GITHUB_APP_ID"))] = None
    github_private_key: Annotated[
        SecretStr | None, Field(validation_alias=_names("AI_PROVISION_GITHUB_PRIVATE_KEY"))
    ] = None
    proxmox_endpoint: Annotated[
        str | None, Field(validation_alias=_names("PROXMOX_VE_ENDPOINT", "PROXMOX_API_URL"))
    ] = None
    proxmox_api_token: Annotated[SecretStr | None, Field(validation_alias=_names("PROXMOX_VE_API_TOKEN"))] = None
    proxmox_api_token_id: Annotated[str | None, Field(validation_alias=_names("PROXMOX_API_TOKEN_ID"))] = None
    proxmox_api_token_secret: Annotated[
        SecretStr | None, Field(validation_alias=_names("PROXMOX_API_TOKEN_SECRET"))
    ] = None
    proxmox_survey_token: Annotated[
        SecretStr | None, Field(validation_alias=_names("AI_PROVISION_PROXMOX_SURVEY_TOKEN"))
    ] = None
    join_command: Annotated[SecretStr | None, Field(validation_alias=_names("AI_PROVISION_JOIN_COMMAND"))] = None
    proxmox_insecure: Annotated[bool, Field(validation_alias=_names("PROXMOX_VE_INSECURE"))] = False
    kubeconfig: Annotated[str | None, Field(validation_alias=_names("KUBECONFIG"))] = None
    prometheus_url: Annotated[str | None, Field(validation_alias=_names("PROMETHEUS_URL"))] = None
    prometheus_token: Annotated[SecretStr | None, Field(validation_alias=_names("PROMETHEUS_TOKEN"))] = None
    allowed_git_hosts: Annotated[
        tuple[str, ...], NoDecode, Field(validation_alias=_names("AI_PROVISION_ALLOWED_GIT_HOSTS"))
    ] = ("github.com",)
    executor_id: Annotated[str, Field(validation_alias=_names("AI_PROVISION_EXECUTOR_ID"))] = socket.gethostname()
    host: Annotated[str, Field(validation_alias=_names("AI_PROVISION_HOST"))] = "127.0.0.1"
    port: Annotated[int, Field(validation_alias=_names("AI_PROVISION_PORT"), ge=1, le=65535)] = 8080
    write_pause: Annotated[float, Field(validation_alias=_names("AI_PROVISION_WRITE_PAUSE"), ge=0, le=60)] = 1.0

    _hidden: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """One source: the mapping that the caller hands in, so that nothing reads the environment behind its back."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("mcp_servers", mode="before")
    @classmethod
    def _split_servers(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in value.split() if part)
        return value

    @field_validator("allowed_git_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    def without_models(self) -> Settings:
        """The same for work that asks no model: nothing of a model's client library is loaded, and nothing spent."""
        names = ("model", "model_collector", "model_planner", "model_reviewer", "ollama_model", "embedding_model")
        return self.model_copy(update=dict.fromkeys(names))

    @property
    def models(self) -> dict[str, str]:
        """The model of each agent; empty: the rules answer alone. ``OLLAMA_MODEL`` alone means that model for all."""
        general = self.model or (f"ollama:{self.ollama_model}" if self.ollama_model else None)
        general = None if general is None or general.lower() == "none" else general
        own = {"collector": self.model_collector, "planner": self.model_planner, "reviewer": self.model_reviewer}
        chosen = {agent: model or general for agent, model in own.items()} | {"interpreter": general}
        chosen["interpreter"] = chosen["interpreter"] or chosen["planner"]
        return {agent: model for agent, model in chosen.items() if model and model.lower() != "none"}

    @property
    def proxmox_token(self) -> str | None:
        """``user@realm!id=secret`` from either spelling, or None."""
        if self.proxmox_api_token is not None:
            return self.proxmox_api_token.get_secret_value()
        if self.proxmox_api_token_id and self.proxmox_api_token_secret:
            return f"{self.proxmox_api_token_id}={self.proxmox_api_token_secret.get_secret_value()}"
        return None

    @property
    def proxmox_reader(self) -> str | None:
        """The token that reads the cluster: one of its own beside an apply token, else the only one."""
        if self.proxmox_survey_token is not None:
            return self.proxmox_survey_token.get_secret_value()
        return self.proxmox_token

    def hiding(self, values: tuple[str, ...]) -> Settings:
        """The same, with more values that no text may show: what a job of CI was given beside its settings."""
        more = self.model_copy()
        more._hidden = (*self._hidden, *values)  # noqa: SLF001 - of the same class
        return more

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, longest first, for redaction at the one exit."""
        values = {
            secret.get_secret_value()
            for secret in (
                self.webhook_secret,
                self.webhook_secret_previous,
                self.api_token,
                self.github_token,
                self.github_private_key,
                self.proxmox_api_token,
                self.proxmox_api_token_secret,
                self.proxmox_survey_token,
                self.join_command,
                self.prometheus_token,
                self.google_api_key,
                self.openai_api_key,
            )
            if secret is not None
        }
        for token in (self.proxmox_token, self.proxmox_reader):
            if token and "=" in token:
                values.add(token.split("=", 1)[1])
        if self.prometheus_token is not None:
            values.add(self.prometheus_token.get_secret_value().partition(":")[2])
        values.update(self._hidden)
        return tuple(sorted((value for value in values if len(value) >= 4), key=len, reverse=True))


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from a mapping such as ``os.environ``; empty values count as absent. Raises pydantic.ValidationError."""
    return Settings.model_validate({name: value for name, value in environment.items() if value})
