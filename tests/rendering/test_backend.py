"""The state backend: typed, escaped, one state for each stack, and never a credential."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hcl2
import pytest

from bot.errors import Refused
from bot.model.config import State
from bot.rendering.backend import backend_tf
from bot.rendering.hcl import hcl_string
from tests.rendering.bundles import names
from tests.rendering.scenes import supermarket
from tests.rendering.test_terraform_files import HOSTILE, TERRAFORM, run

NEEDED: dict[str, dict[str, Any]] = {
    "http": {"address": "https://state.example.org/"},
    "s3": {"bucket": "b", "region": "eu-central-1"},
    "pg": {},
    "kubernetes": {"namespace": "terraform"},
    "local": {"path": "/srv/state"},
}


def state(backend: str, **fields: Any) -> State:
    settings = fields.pop("settings", {})
    return State.model_validate({"backend": backend, "settings": {**NEEDED[backend], **settings}, **fields})


def read(made: State, root: str = "apps/shop") -> dict[str, Any]:
    """The arguments of the block as an HCL parser reads them."""
    block = hcl2.loads(backend_tf(made, root))["terraform"][0]["backend"][0]
    arguments = next(iter(block.values()))
    return {k: v.strip('"') if isinstance(v, str) else v for k, v in arguments.items() if not k.startswith("__")}


def test_s3_is_encrypted_and_locked() -> None:
    made = read(state("s3", settings={"endpoint": "https://s3.example.org"}))
    assert made == {
        "bucket": "b", "region": "eu-central-1", "key": "apps/shop/terraform.tfstate", "encrypt": True,
        "use_lockfile": True, "endpoints": {"s3": '"https://s3.example.org"'},
    }  # fmt: skip


def test_http_has_an_address_for_each_stack() -> None:
    assert read(state("http")) == dict.fromkeys(
        ("address", "lock_address", "unlock_address"), "https://state.example.org/apps-shop"
    )
    gitlab = state(
        "http",
        settings={
            "address": "https://git.example.org/state/{stack}",
            "lock_address": "https://git.example.org/state/{stack}/lock",
            "lock_method": "POST",
            "unlock_method": "DELETE",
            "retry_wait_min": 5,
        },
    )
    assert read(gitlab) == {
        "address": "https://git.example.org/state/apps-shop",
        "lock_address": "https://git.example.org/state/apps-shop/lock",
        "unlock_address": "https://git.example.org/state/apps-shop/lock",
        "lock_method": "POST",
        "unlock_method": "DELETE",
        "retry_wait_min": 5,
    }


def test_pg_kubernetes_and_local_keep_stacks_apart() -> None:
    assert read(state("pg"), "clusters/dev-1") == {"schema_name": "clusters_dev_1"}
    assert read(state("kubernetes")) == {"secret_suffix": "apps-shop", "namespace": "terraform"}
    assert read(state("local")) == {"path": "/srv/state/apps-shop"}
    assert read(State(backend="local")) == {}


@pytest.mark.parametrize("backend", NEEDED)
def test_no_two_stacks_share_a_state(backend: str) -> None:
    roots = ("apps/shop", "apps/shop-2", "clusters/shop")
    assert len({backend_tf(state(backend), root) for root in roots}) == len(roots)


def test_a_key_without_a_place_for_the_stack_gets_one() -> None:
    assert read(state("s3", key="terraform"))["key"] == "terraform/apps/shop"


@pytest.mark.parametrize(
    ("backend", "name", "variable"),
    [
        ("s3", "access_key", "AWS_ACCESS_KEY_ID"),
        ("s3", "secret_key", "AWS_SECRET_ACCESS_KEY"),
        ("s3", "token", "AWS_SESSION_TOKEN"),
        ("http", "username", "TF_HTTP_USERNAME"),
        ("http", "password", "TF_HTTP_PASSWORD"),
        ("pg", "conn_str", "PG_CONN_STR"),
        ("kubernetes", "token", "KUBE_TOKEN"),
    ],
)
def test_a_credential_is_refused_with_its_variable(backend: str, name: str, variable: str) -> None:
    with pytest.raises(Refused) as stop:
        backend_tf(state(backend, settings={name: "hunter2hunter2"}), "apps/shop")
    assert stop.value.refusal.code == "config"
    assert variable in stop.value.refusal.remedy
    assert "hunter2" not in stop.value.refusal.model_dump_json()


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        ("s3", {"bukket": "x"}),
        ("s3", {"encrypt": "yes"}),
        ("http", {"retry_max": True}),
        ("http", {"address": "https://user:hunter2@state.example.org/"}),
        ("http", {"skip_cert_verification": True}),
        ("local", {"workspace_dir": "x"}),
    ],
)
def test_what_is_not_on_the_list_is_refused(backend: str, settings: dict[str, Any]) -> None:
    with pytest.raises(Refused) as stop:
        backend_tf(state(backend, settings=settings), "apps/shop")
    assert stop.value.refusal.code == "config"
    assert "hunter2" not in stop.value.refusal.model_dump_json()


@pytest.mark.parametrize("backend", ["http", "s3"])
def test_a_missing_setting_is_named(backend: str) -> None:
    with pytest.raises(Refused, match="needs"):
        backend_tf(State.model_validate({"backend": backend}), "apps/shop")


def test_without_configuration_there_is_no_file() -> None:
    nouns = supermarket()
    assert "terraform/backend.tf" in names(nouns.render())
    bare = nouns.changed(config=nouns.config.model_copy(update={"state": None}))
    assert "terraform/backend.tf" not in names(bare.render())


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
@pytest.mark.parametrize("backend", NEEDED)
def test_terraform_formats_and_knows_the_backend(backend: str, tmp_path: Path) -> None:
    extra = {"endpoint": "https://s3.example.org", "use_path_style": True} if backend == "s3" else {}
    (tmp_path / "backend.tf").write_text(backend_tf(state(backend, settings=extra), "apps/shop"))
    formatted = run("fmt", "-check", "-diff", cwd=tmp_path)
    assert (formatted.returncode, formatted.stdout) == (0, "")
    done = run("validate", "-no-color", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_T19_text_in_hcl_comes_back_as_it_was(tmp_path: Path) -> None:  # noqa: N802  # the row's name
    outputs = [f'output "s{i}" {{\n  value = {hcl_string(words)}\n}}' for i, words in enumerate(HOSTILE)]
    (tmp_path / "main.tf").write_text("\n".join(outputs))
    done = run("apply", "-auto-approve", "-no-color", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    back = json.loads(run("output", "-json", cwd=tmp_path).stdout)
    assert [back[f"s{i}"]["value"] for i in range(len(HOSTILE))] == list(HOSTILE)
