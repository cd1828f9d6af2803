"""``/ai-explain``: the reason of a number from the plan of the open pull request, and nothing that acts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edges.github.bodies import hidden
from bot.errors import Refusal
from bot.flow.order import branch_name, pull_key
from bot.handlers.dispatch import handle
from bot.handlers.grammar import parse_comment
from bot.handlers.table import COMMANDS
from bot.model.cluster import Taint
from bot.model.command import Actor, Delivery, Explain, ThreadRef
from bot.model.decision import Decision
from bot.model.document import Document, Remembered, Request
from bot.model.plan import Plan
from bot.model.refinement import Refinement
from bot.rendering.explanation import SHOWN_ROWS, explanation
from bot.rendering.topics import found, nearest
from tests.fakes.forge import FakeBranch, FakeForge, FakePull
from tests.fakes.house import INFRA, office
from tests.planning.builders import GOLDEN_DEMAND, plan, profile, pve, service, snapshot

THREAD = ThreadRef(owner="myorg", repo="infrastructure", number=7)
SERVICES = profile(
    service(),
    service(name="files", path="files", stateful=True, dependencies=()),
    service(name="order-service", path="orders", kind="worker", ports=(), endpoints=()),
)
MADE = plan(profile=SERVICES)


def document(made: Plan = MADE) -> Document:
    request = Request(git_repo="https://github.com/myorg/shop", app_description="2000 QPS peak")
    return Document.of(made, snapshot(), request=request, demand=GOLDEN_DEMAND, profile=SERVICES, findings=(), files=())


REMEMBERED = Remembered.of(document())


def forge_with(text: str) -> FakeForge:
    forge, branch = FakeForge(), branch_name("shop", infra_repo=INFRA)
    key = pull_key("shop", infra_repo=INFRA, thread=THREAD)
    forge.branches[INFRA, branch] = FakeBranch({"apps/shop/plan.json": text})
    forge.pulls[INFRA] = [FakePull(12, branch, "shop", f"words\n\n{hidden(key, 'pull')}", draft=False)]
    return forge


def explain(about: str, *, text: str | None = None, login: str = "ada") -> tuple[str, str | None, FakeForge]:
    """The kind of the end, its code, and the forge with its one comment."""
    forge = forge_with(text if text is not None else document().model_dump_json(by_alias=True))
    delivery = Delivery(
        id="d",
        event="issue_comment",
        action="created",
        thread=THREAD,
        actor=Actor(login=login, id=7),
        comment_id=99,
        body=f"/ai-explain {about}",
        created_at=datetime(2026, 3, 1, 11, tzinfo=UTC),
    )
    published = handle(forge.hear(delivery), office(forge), progress=lambda _step: None)
    assert published is not None
    return published.kind, published.code, forge


def answer(about: str, **how: Any) -> str:
    kind, code, forge = explain(about, **how)
    assert (kind, code) == ("answered", None)
    assert forge.reactions[INFRA, 7, 99] == ["rocket"]
    [comment] = forge.comments[INFRA, 7]
    return comment.body


def test_a_value_comes_with_formula_inputs_source_and_how_to_change_it() -> None:
    text = answer("services.api.requests.cpu")
    assert "`services.api.requests.cpu` is `850m`" in text
    assert "c = ceil50m(max(1.42194/(0.65*3)" in text
    assert "Source: sizing step 5 (a first value until it is calibrated); said by rule" in text
    assert "`/ai-refine api.cpu=500m`" in text
    assert f"https://github.com/{INFRA}/pull/12" in text
    assert "`k` = `3.0`" in answer("services.api.cpu_ms_per_request")


def test_what_was_not_taken_is_named() -> None:
    assert "Not taken: always 3 pods, without an autoscaler" in answer("api max")
    assert "Not taken: 4 vCPU: 74.7 % full" in answer("databases.postgresql.cores")
    refinement = Refinement(service="api", key="replicas", value="5", asked_in="myorg/infra#7")
    again = document(plan(profile=SERVICES, refinements=(refinement,))).model_dump_json(by_alias=True)
    text = answer("services.api.replicas", text=again)
    assert "said by user" in text
    assert "Not taken: 3: n = max" in text


def test_a_node_comes_with_the_others_that_were_possible_or_not() -> None:
    nodes = (*snapshot().nodes, pve("pve4", state="offline"))
    made = document(plan(profile=SERVICES, snapshot=snapshot(nodes=nodes))).model_dump_json(by_alias=True)
    text = answer("shop-db-1 node", text=made)
    assert "Possible as well: `pve3`" in text
    assert "Not `pve4`: pve4 is offline (`node-online`)" in text
    workers = tuple(
        node.model_copy(update={"taints": (Taint(key="gpu", effect="NoSchedule"),)}) if node.name == "k3" else node
        for node in snapshot().nodes
    )
    tainted = document(plan(profile=SERVICES, snapshot=snapshot(nodes=workers))).model_dump_json(by_alias=True)
    assert "Not `k3`" in answer("services.api.replicas", text=tainted)


MEANT = {
    "services.api.requests.cpu": ["services.api.requests.cpu"],
    "`SERVICES.API.REQUESTS.CPU`": ["services.api.requests.cpu"],
    "api cpu": ["services.api.requests.cpu", "services.api.limits.cpu"],
    "cpu api": ["services.api.requests.cpu", "services.api.limits.cpu"],
    "api requests": ["services.api.requests.cpu", "services.api.requests.memory"],
    "api.mem": ["services.api.requests.memory", "services.api.limits.memory"],
    "api.cpu_limit": ["services.api.limits.cpu"],
    "api target": ["services.api.target_cpu_percent", "services.api.hpa.target_cpu_percent"],
    "order-service replicas": ["services.order-service.replicas"],
    "replicas": ["services.api.replicas", "services.files.replicas", "services.order-service.replicas"],
    "storage": ["services.files.storage.size"],
    "confidence": ["confidence"],
    "namespace": ["namespace"],
    "max connections": [
        "databases.postgresql.max_connections",
        "databases.postgresql.settings.max_connections",
        "machines.shop-db-1.max_connections",
        "machines.shop-db-2.max_connections",
    ],
    "api-hpa.yaml": ["services.api.hpa.min", "services.api.hpa.max", "services.api.hpa.target_cpu_percent"],
    "apps/shop/kubernetes/hpa.yaml": [
        "services.api.hpa.min",
        "services.api.hpa.max",
        "services.api.hpa.target_cpu_percent",
        "services.files.hpa",
        "services.order-service.hpa",
    ],
    "kubernetes/order-service-pdb.yaml": ["services.order-service.pdb"],
    "kustomization.yaml": ["namespace"],
    "api-networkpolicy.yaml": [],
}


@pytest.mark.parametrize(("about", "paths"), MEANT.items(), ids=MEANT)
def test_names_short_forms_and_files(about: str, paths: list[str]) -> None:
    decisions = found(REMEMBERED, about)
    assert decisions is not None
    assert [entry.path for entry in decisions] == paths


def test_a_workload_file_holds_what_lands_in_it() -> None:
    paths = {entry.path for entry in found(REMEMBERED, "deployment.yaml") or ()}
    assert {"services.api.requests.cpu", "services.order-service.replicas", "services.api.image"} <= paths
    assert "services.api.replicas" not in paths, "the autoscaler owns the count"
    assert "services.api.busy_cores" not in paths
    assert "services.files.storage.size" in {entry.path for entry in found(REMEMBERED, "files-statefulset.yaml") or ()}
    assert {entry.path.partition(".")[0] for entry in found(REMEMBERED, "main.tf") or ()} == {"machines"}
    assert found(REMEMBERED, "README.md") == REMEMBERED.decisions


@pytest.mark.parametrize("about", ["nonsense", "cart-hpa.yaml", "apps/other/plan.json", "a.yaml", "/", "..", "`"])
def test_what_is_nowhere_names_nothing(about: str) -> None:
    assert found(REMEMBERED, about) is None


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    kind, code, forge = explain("api replcas")
    assert (kind, code) == ("refused", "syntax")
    [comment] = forge.comments[INFRA, 7]
    assert "api replicas" in comment.body
    assert "/ai-explain api replicas" in comment.body
    assert nearest(REMEMBERED, "services.api.request.cpu")[0] == "services.api.requests.cpu"
    assert nearest(REMEMBERED, "q" * 90) == ()


def test_a_file_without_a_number_says_so() -> None:
    assert "No number was decided for it" in answer("api-networkpolicy.yaml")


def test_without_a_name_every_number_stands_in_a_table_that_folds() -> None:
    text = answer("")
    shown, _, hidden_rows = text.partition("<details>")
    assert shown.count("\n| `") == SHOWN_ROWS
    assert shown.count("\n| `") + hidden_rows.count("\n| `") == len(MADE.decisions)
    assert f"<summary>{len(MADE.decisions) - SHOWN_ROWS} more</summary>" in hidden_rows


def hostile(count: int = 1) -> Remembered:
    payload = (
        "@org/team closes #1 ![x](http://evil.example/a.png) <!-- hidden --> [l](javascript:x) | `a` \n# h\n" * 400
    )
    entries = tuple(
        Decision(
            path=f"services.api.x{number}.{payload}",
            value=payload,
            origin="user",
            why=payload,
            source=payload,
            formula=payload,
            inputs={payload: payload},
            rejected=(payload,) * 30,
        )
        for number in range(count)
    )
    return REMEMBERED.model_copy(update={"decisions": entries})


@pytest.mark.parametrize("count", [1, 500])
def test_text_that_people_put_into_the_plan_is_inert_and_cut(count: int) -> None:
    remembered = hostile(count)
    text = explanation(remembered, remembered.decisions, about=None, pull_url="https://github.com/o/r/pull/1", job="0")
    assert len(text) < 60_000
    html = cmarkgfm.github_flavored_markdown_to_html(text)
    for tag in ("<img", "<script", 'href="javascript', 'href="http://evil', "<h1"):
        assert tag not in html, tag
    outside_code = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    assert "@org/team" not in outside_code
    assert "closes #1" not in outside_code


@pytest.mark.parametrize("text", ["", "{", "null", '{"decisions": 5}', "[" * 50_000], ids=["0", "1", "2", "3", "deep"])
def test_a_broken_plan_is_a_refusal(text: str) -> None:
    kind, code, _ = explain("replicas", text=text)
    assert (kind, code) == ("refused", "syntax")


def test_a_number_of_another_type_in_the_plan_is_a_refusal_that_says_where() -> None:
    plan_json = json.loads(document().model_dump_json(by_alias=True))
    plan_json["plan"]["services"][0]["replicas"] = "many"
    _, code, forge = explain("replicas", text=json.dumps(plan_json))
    assert code == "syntax"
    assert "plan.services.0.replicas" in forge.comments[INFRA, 7][0].body.replace("\\", "")


def test_a_stranger_hears_forbidden_and_no_number() -> None:
    kind, code, forge = explain("replicas", login="eve")
    assert (kind, code) == ("refused", "forbidden")
    assert forge.writes == ["comment"]


def test_nothing_of_the_pull_request_is_written() -> None:
    _, _, forge = explain("replicas")
    assert (forge.pushes, forge.writes) == (0, ["comment", "react"])


def test_what_is_read() -> None:
    assert parse_comment("/ai-explain", hosts=()) == Explain()
    assert parse_comment("/ai-explain  api   cpu \nthanks", hosts=()) == Explain(about="api cpu")
    for words in ("x" * 201, "a\u202eb", "a\x00b"):
        refusal = parse_comment(f"/ai-explain {words}", hosts=())
        assert isinstance(refusal, Refusal)
        assert refusal.code == "syntax"
        assert isinstance(parse_comment(refusal.example or "", hosts=()), Explain)


def test_the_table_offers_it_beside_running_commands() -> None:
    [spec] = [spec for spec in COMMANDS if spec.name == "/ai-explain"]
    assert (spec.available, spec.immediate, spec.remembers) == (True, True, False)


@given(st.text(max_size=200))
def test_any_words_name_decisions_or_nothing(words: str) -> None:
    decisions = found(REMEMBERED, words)
    assert decisions is None or all(entry in REMEMBERED.decisions for entry in decisions)
    assert decisions != REMEMBERED.decisions
    assert len(nearest(REMEMBERED, words)) <= 3
