"""``backend.tf``: where Terraform keeps the state of one stack, from the config file.

In: the ``state`` of the config file, the stack's folder. Out: HCL. Never: a credential (``Refused`` names the
environment variable for it), a setting that is not on the list of its backend.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from bot.errors import Code, Refusal, Refused
from bot.model.config import State
from bot.rendering.hcl import Plain, hcl_arguments, hcl_string

PLACEHOLDER: Final = "{stack}"

_SETTINGS: Final[dict[str, dict[str, type]]] = {
    "http": {
        "address": str, "lock_address": str, "unlock_address": str, "update_method": str, "lock_method": str,
        "unlock_method": str, "retry_max": int, "retry_wait_min": int, "retry_wait_max": int,
    },
    "s3": {
        "bucket": str, "region": str, "endpoint": str, "kms_key_id": str, "encrypt": bool, "use_lockfile": bool,
        "use_path_style": bool, "skip_credentials_validation": bool, "skip_region_validation": bool,
        "skip_requesting_account_id": bool, "skip_metadata_api_check": bool, "skip_s3_checksum": bool,
    },
    "pg": {"skip_schema_creation": bool, "skip_table_creation": bool, "skip_index_creation": bool},
    "kubernetes": {"namespace": str, "config_context": str, "in_cluster_config": bool},
    "local": {"path": str},
}  # fmt: skip
_NEEDED: Final[dict[str, tuple[str, ...]]] = {"http": ("address",), "s3": ("bucket", "region")}

_CREDENTIALS: Final[dict[str, dict[str, str]]] = {
    "http": {
        "username": "TF_HTTP_USERNAME", "password": "TF_HTTP_PASSWORD",
        "client_private_key_pem": "TF_HTTP_CLIENT_PRIVATE_KEY_PEM",
    },
    "s3": {
        "access_key": "AWS_ACCESS_KEY_ID", "secret_key": "AWS_SECRET_ACCESS_KEY", "token": "AWS_SESSION_TOKEN",
        "sse_customer_key": "AWS_SSE_CUSTOMER_KEY",
    },
    "pg": {"conn_str": "PG_CONN_STR"},
    "kubernetes": {
        "token": "KUBE_TOKEN", "username": "KUBE_USER", "password": "KUBE_PASSWORD",
        "client_key": "KUBE_CLIENT_KEY_DATA", "client_certificate": "KUBE_CLIENT_CERT_DATA",
    },
}  # fmt: skip
"""What each backend takes from the environment instead. Source: Terraform's pages of the backends."""

_PERSON: Final = re.compile(r"://[^/@]*@")
_HEAD: Final = "# Made by ai-provision from `state` of .ai-provision.yaml. Credentials come from the environment.\n"


def backend_tf(state: State, root: str) -> str:
    """The file for the stack in folder ``root`` (``apps/shop``). Raises Refused(config) for a credential, an unknown
    setting, a wrong type or a missing setting.
    """
    _judge(state)
    settings, nested = _settings(state, root)
    lines = hcl_arguments(settings, indent=4)
    if nested:
        lines += ["", "    endpoints = {", *hcl_arguments(nested, indent=6), "    }"]
    body = "\n".join(["terraform {", f"  backend {hcl_string(state.backend)} {{", *lines, "  }", "}"])
    return f"{_HEAD}\n{body if lines else _empty(state)}\n"


def _empty(state: State) -> str:
    return "terraform {\n" + f"  backend {hcl_string(state.backend)} {{}}" + "\n}"


def _settings(state: State, root: str) -> tuple[dict[str, Plain], dict[str, Plain]]:
    """The arguments of the block, and the addresses that S3 wants in a map of their own."""
    given = dict(state.settings)
    flat = root.replace("/", "-")
    if state.backend == "http":
        return _http(given, flat), {}
    if state.backend == "s3":
        endpoint = given.pop("endpoint", None)
        always: dict[str, Plain] = {"key": _placed(state.key, root), "encrypt": True, "use_lockfile": True}
        return dict(sorted((always | given).items())), {"s3": endpoint} if endpoint is not None else {}
    if state.backend == "pg":
        return {"schema_name": flat.replace("-", "_"), **dict(sorted(given.items()))}, {}
    if state.backend == "kubernetes":
        return {"secret_suffix": flat, **dict(sorted(given.items()))}, {}
    return {"path": _placed(str(given["path"]), flat)} if "path" in given else {}, {}


def _http(given: dict[str, Plain], flat: str) -> dict[str, Plain]:
    """State and lock have one address unless the lock's is stated: servers tell them apart by the method."""
    address = str(given.pop("address"))
    lock = str(given.pop("lock_address", address))
    unlock = str(given.pop("unlock_address", lock))
    made: dict[str, Plain] = {
        "address": _placed(address, flat),
        "lock_address": _placed(lock, flat),
        "unlock_address": _placed(unlock, flat),
    }
    return made | dict(sorted(given.items()))


def _placed(text: str, stack: str) -> str:
    """The stack's name where ``{stack}`` stands, else at the end: two stacks never share a state."""
    return text.replace(PLACEHOLDER, stack) if PLACEHOLDER in text else f"{text.rstrip('/')}/{stack}"


def _judge(state: State) -> None:
    known, secret = _SETTINGS[state.backend], _CREDENTIALS.get(state.backend, {})
    for name, value in sorted(state.settings.items()):
        if name in secret:
            _refuse(f"state.settings.{name} is a credential.", f"Set {secret[name]} in CI's environment instead.")
        if name not in known:
            _refuse(
                f"The state backend {state.backend} has no setting {name[:40]!a}.",
                f"It takes {', '.join(sorted(known)) or 'none'}.",
            )
        if type(value) is not known[name]:
            kind = {str: "text", int: "a whole number", bool: "true or false"}[known[name]]
            _refuse(f"state.settings.{name} has the wrong type.", f"Write {kind}.")
        if isinstance(value, str) and _PERSON.search(value):
            _refuse(f"state.settings.{name} holds a credential.", "Leave user and password out of the address.")
    for name in _NEEDED.get(state.backend, ()):
        if name not in state.settings:
            _refuse(f"The state backend {state.backend} needs {name}.", f"Add state.settings.{name}.")


def _refuse(message: str, remedy: str) -> NoReturn:
    raise Refused(Refusal(code=Code.CONFIG, message=message, remedy=remedy))
