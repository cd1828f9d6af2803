"""``ai-provision mcp`` as another agent uses it: a real process, the real protocol, standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, TypeVar

import mcp_types as protocol
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from bot import mcp_tools
from bot.agents.desk import EMPTY
from bot.app import SnapshotInventory
from bot.errors import Code, Refusal
from bot.mcp_server import Counter
from bot.mcp_tools import TOOLS, CheckCall, ExplainCall, Nothing, PlanCall, SurveyCall, ToolBench
from bot.model.cluster import ClusterSnapshot
from bot.rendering.redaction import MASK, redactor
from bot.settings import Settings, read_settings
from tests.fakes.house import DESCRIPTION, EXAMPLES, SUPERMARKET, BrokenInventory, snapshot

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
ASKED = {"git_repo": "supermarket-inventory", "app_description": DESCRIPTION}
SECRET = "sesame-" * 4


def session(
    use: Callable[[Client], Awaitable[T]], folder: Path = EXAMPLES, environment: Mapping[str, str] | None = None
) -> T:
    """A client with a server of its own, which was started in ``folder``."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "bot", "mcp"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "AI_PROVISION_MODEL": "google:never-asked", **(environment or {})},
    )

    async def talk(errors: TextIO) -> T:
        async with Client(stdio_client(parameters, errlog=errors)) as client:
            return await use(client)

    with Path(os.devnull).open("w") as errors:
        return asyncio.run(asyncio.wait_for(talk(errors), timeout=120))


def bench(folder: Path = EXAMPLES, **settings: str) -> ToolBench:
    """The tools without the protocol, on the cluster of the examples."""
    return ToolBench(settings=read_settings(settings), root=folder, inventory=SnapshotInventory(snapshot()))


@dataclass(frozen=True)
class Heard:
    """What one client heard from one server: its tools, an answer of each, and a refusal."""

    tools: list[protocol.Tool]
    answers: dict[str, protocol.CallToolResult]
    refusal: protocol.CallToolResult


@pytest.fixture(scope="module")
def wire() -> Heard:
    async def use(client: Client) -> Heard:
        arguments: dict[str, dict[str, Any]] = {
            "survey": {"git_repo": "supermarket-inventory"},
            "snapshot": {},
            "plan": ASKED,
            "explain": {**ASKED, "about": "replicas"},
            "check": ASKED,
        }
        return Heard(
            tools=(await client.list_tools()).tools,
            answers={name: await client.call_tool(name, given) for name, given in arguments.items()},
            refusal=await client.call_tool("survey", {"git_repo": "/etc"}),
        )

    return session(use)


def test_every_tool_answers_over_the_wire(wire: Heard) -> None:
    answers = wire.answers
    assert {name for name, answer in answers.items() if answer.is_error} == set()
    shown = {name: answer.structured_content for name, answer in answers.items()}
    assert [service["name"] for service in shown["survey"]["services"]] == ["api", "web"]
    assert {gap["code"] for gap in shown["snapshot"]["missing"]} == {"not-configured"}
    assert shown["plan"]["plan"]["app"] == "supermarket-inventory"
    assert {file["content"] for file in shown["plan"]["files"]} == {""}
    assert "replicas" in shown["explain"]["text"]
    assert shown["check"]["rounds"] >= 1
    assert shown["check"]["findings"]
    for name in ("survey", "plan"):
        [text] = answers[name].content
        assert isinstance(text, protocol.TextContent)
        assert json.loads(text.text) == shown[name]


def test_a_client_sees_typed_tools_that_only_read(wire: Heard) -> None:
    tools = wire.tools
    assert [tool.name for tool in tools] == ["survey", "snapshot", "plan", "explain", "check"]
    for tool in tools:
        hints = tool.annotations
        assert hints is not None
        assert (hints.read_only_hint, hints.destructive_hint) == (True, False)
        assert tool.input_schema["additionalProperties"] is False
    plan = next(tool for tool in tools if tool.name == "plan")
    assert plan.input_schema["required"] == ["git_repo", "app_description"]
    assert plan.input_schema["properties"]["files"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("survey", {"git_repo": "/etc"}, "repo-url"),
        ("survey", {"git_repo": "../tests"}, "repo-url"),
        ("survey", {"git_repo": "http://github.com/o/r"}, "repo-url"),
        ("survey", {"git_repo": "https://evil.example/o/r"}, "repo-host"),
        ("survey", {"git_repo": "https://127.0.0.1/o/r"}, "repo-host"),
        ("survey", {}, "syntax"),
        ("survey", {"git_repo": 7}, "syntax"),
        ("survey", {"git_repo": "workflows", "apply": True}, "syntax"),
        ("check", {**ASKED, "git_repo": "workflows"}, "repo-empty"),
        ("plan", {**ASKED, "files": "yes"}, "syntax"),
        ("explain", {**ASKED, "about": "the weather"}, "syntax"),
        ("check", {**ASKED, "app_description": " "}, "syntax"),
        ("apply", ASKED, "syntax"),
    ],
)
def test_a_refusal_is_structured(name: str, arguments: dict[str, Any], code: str) -> None:
    answer = asyncio.run(
        Counter(bench=bench(), redact=str).call(None, protocol.CallToolRequestParams(name=name, arguments=arguments))
    )
    assert answer.is_error
    assert set(answer.structured_content) == {"error"}
    assert set(answer.structured_content["error"]) == {"code", "message", "remedy"}
    assert answer.structured_content["error"]["code"] == code


def test_a_refusal_comes_over_the_wire_as_an_error_that_a_program_can_read(wire: Heard) -> None:
    answer = wire.refusal
    assert answer.is_error
    assert answer.structured_content["error"]["code"] == "repo-url"
    assert "/etc" not in answer.model_dump_json()


def test_no_folder_outside_is_read_by_any_spelling(tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    for folder in (root / "~", root / "inside", secret):
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text("FROM nginx:1.27\nEXPOSE 80\n")
    (root / "link").symlink_to(secret)
    tools = bench(root)
    outside = ("..", "../secret", str(secret), "link", "inside/../../secret", "~root", "absent", "/", "a\0b")
    for text in outside:
        answer = tools.survey(SurveyCall(git_repo=text))
        assert isinstance(answer, Refusal), text
        assert answer.code is Code.REPO_URL, text
        assert "secret" not in answer.message + answer.remedy
    for text in ("inside", "./inside", str(root / "inside"), "inside/../inside", "~"):
        answer = tools.survey(SurveyCall(git_repo=text))
        assert not isinstance(answer, Refusal), text
        assert str(tmp_path) not in json.dumps(answer)


@given(st.text(min_size=1, max_size=60))
def test_whatever_names_a_folder_stays_below_the_root(text: str) -> None:
    inside = mcp_tools._confined(text, SUPERMARKET)
    if not isinstance(inside, Refusal):
        assert (SUPERMARKET / inside.folder).resolve().is_relative_to(SUPERMARKET)


def test_names_and_addresses_of_the_clusters_do_not_leave() -> None:
    taken = snapshot()
    tools = bench()
    answers = [tools.snapshot(Nothing()), tools.plan(PlanCall(**ASKED, files=True)), tools.check(CheckCall(**ASKED))]
    text = json.dumps([answers, tools.explain(ExplainCall(**ASKED))])
    for name in names_of(taken):
        assert name not in text, name
    assert '"node-1"' in text


def names_of(taken: ClusterSnapshot) -> set[str]:
    """Names and addresses that would say whose clusters these are."""
    assert taken.proxmox is not None
    nodes = {node.name for node in taken.nodes}
    guests = {guest.name for guest in taken.proxmox.guests if "-" in guest.name}
    addresses = {address for guest in taken.proxmox.guests for address in guest.addresses}
    networks = {bridge.cidr for node in taken.nodes for bridge in node.bridges if bridge.cidr}
    return nodes | guests | addresses | networks


def test_a_plan_comes_with_or_without_the_content_of_its_files() -> None:
    bare, full = (bench().plan(PlanCall(**ASKED, files=files)) for files in (False, True))
    assert isinstance(bare, dict)
    assert isinstance(full, dict)
    named = [file["path"] for file in bare["files"]]  # type: ignore[index, call-overload, union-attr]
    assert named == [file["path"] for file in full["files"]]  # type: ignore[index, call-overload, union-attr]
    assert all(file["content"] for file in full["files"])  # type: ignore[index, call-overload, union-attr]


def test_secrets_of_the_settings_do_not_leave() -> None:
    tools = bench(GITHUB_TOKEN=SECRET)
    counter = Counter(bench=tools, redact=redactor(tools.settings.secrets()))
    arguments = {**ASKED, "app_description": f"20 QPS, the token is {SECRET}"}
    answer = asyncio.run(counter.call(None, protocol.CallToolRequestParams(name="plan", arguments=arguments)))
    assert not answer.is_error
    assert SECRET not in answer.model_dump_json()
    assert MASK in answer.model_dump_json()


def test_a_defect_is_an_error_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    class Mad(BrokenInventory):
        def read(self) -> ClusterSnapshot:
            raise ZeroDivisionError(SECRET)

    tools = ToolBench(settings=Settings(), root=EXAMPLES, inventory=Mad(stop=None))  # type: ignore[arg-type]
    answer = asyncio.run(
        Counter(bench=tools, redact=str).call(None, protocol.CallToolRequestParams(name="snapshot", arguments={}))
    )
    assert answer.structured_content["error"]["code"] == "internal"
    assert SECRET not in answer.model_dump_json()
    assert "a tool failed" in capsys.readouterr().out


def test_no_tool_is_more_than_a_reader() -> None:
    """Nothing among the tools can reach a forge or a model: their module imports neither."""
    names = set(vars(mcp_tools))
    assert names.isdisjoint({"build_office", "publish", "Office", "Forge"})
    house = bench(AI_PROVISION_MODEL="google:never-asked")._house(SnapshotInventory(snapshot()))
    assert house.desk is EMPTY
    assert [entry.name for entry in TOOLS] == ["survey", "snapshot", "plan", "explain", "check"]


def test_without_the_extra_the_verb_says_what_to_install() -> None:
    code = "import sys; sys.modules['mcp'] = None; from bot.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "mcp", "--format", "json"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (2, "config")
    assert "ai-provision[model]" in error["remedy"]
