"""``/ai-refine`` over the belt with fakes: the same pull request, the numbers that were asked for, one visible end."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.agents.desk import Desk
from bot.errors import Refusal
from bot.flow.house import Office
from bot.flow.open_plan import LARGEST, app_of
from bot.flow.order import branch_name
from bot.flow.steps import Straight
from bot.handlers.dispatch import handle
from bot.model.command import Actor, Delivery, ThreadRef
from bot.model.consultation import (
    CollectorAnswer,
    Fault,
    InterpreterAnswer,
    PlannerAnswer,
    ReviewerAnswer,
    WantedChange,
)
from bot.model.outcome import Published
from tests.fakes.counsel import ScriptedCounsel
from tests.fakes.forge import FakeForge
from tests.fakes.house import DESCRIPTION, INFRA, FolderRepos, house, office

APP = "supermarket-inventory"
REPO = f"https://github.com/myorg/{APP}"
PLAN = f"apps/{APP}/plan.json"
ISSUE = ThreadRef(owner="myorg", repo="infrastructure", number=7)
PROVISION = f'/ai-provision\n\ngit_repo: "{REPO}"\napp_description: "{DESCRIPTION}"\n'


def say(
    forge: FakeForge,
    body: str,
    *,
    thread: ThreadRef = ISSUE,
    comment_id: int,
    login: str = "ada",
    inside: Office | None = None,
) -> Published:
    delivery = Delivery(
        id=f"d-{comment_id}",
        event="issue_comment",
        action="created",
        thread=thread,
        actor=Actor(login=login, id=7),
        comment_id=comment_id,
        body=body,
        created_at=datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
    )
    published = handle(forge.hear(delivery), inside or office(forge), progress=lambda _step: None)
    assert published is not None
    return published


def refine(forge: FakeForge, words: str, *, comment_id: int = 100, **where: Any) -> Published:
    return say(forge, f"/ai-refine {words}", comment_id=comment_id, **where)


def last_words(forge: FakeForge, number: int = 7) -> str:
    return forge.comments[INFRA, number][-1].body


def branch(forge: FakeForge) -> str:
    return forge.pulls[INFRA][0].branch


def plan_of(forge: FakeForge) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(forge.branches[INFRA, branch(forge)].files[PLAN])
    return found


def edit_plan(forge: FakeForge, text: str) -> None:
    forge.branches[INFRA, branch(forge)].files[PLAN] = text


@pytest.fixture(scope="module")
def provisioned() -> FakeForge:
    forge = FakeForge()
    assert say(forge, PROVISION, comment_id=99).kind == "pull-request"
    return forge


@pytest.fixture
def forge(provisioned: FakeForge) -> FakeForge:
    return copy.deepcopy(provisioned)


def test_the_same_pull_request_gets_the_numbers_that_were_asked_for(forge: FakeForge) -> None:
    number, before = forge.pulls[INFRA][0].number, len(forge.writes)
    published = refine(forge, "api.replicas=5 api.memory=1Gi")
    assert published.kind == "pull-request"
    assert published.pull is not None
    assert (published.pull.number, published.pull.created) == (number, False)
    assert len(forge.pulls[INFRA]) == 1
    files = forge.branches[INFRA, branch(forge)].files
    assert "minReplicas: 5" in files[f"apps/{APP}/kubernetes/api-hpa.yaml"]
    assert "memory: 1Gi" in files[f"apps/{APP}/kubernetes/api-deployment.yaml"]
    readme = files[f"apps/{APP}/README.md"]
    assert "asked for by /ai-refine \\(api.replicas=5\\)" in readme
    assert "asked for by /ai-refine" in forge.pulls[INFRA][0].body
    assert "updated pull request" in last_words(forge)
    assert forge.reactions[INFRA, 7, 100] == ["eyes", "rocket"]
    assert forge.writes[before:] == ["react", "comment", "edit comment", "edit pull", "edit comment", "react"]


def test_plan_json_remembers_what_was_changed_and_nothing_else_of_the_request(forge: FakeForge) -> None:
    request = plan_of(forge)["request"]
    assert request["refinements"] == []
    refine(forge, "replicas=5")
    changed = plan_of(forge)["request"]
    asked = {"service": None, "key": "replicas", "value": "5", "asked_in": f"{INFRA}#7"}
    asked |= {"origin": "user", "why": "", "source": ""}
    assert changed == {**request, "refinements": [asked]}


def test_a_second_refinement_adds_and_overrides_and_a_new_provision_starts_clean(forge: FakeForge) -> None:
    refine(forge, "api.replicas=5 api.memory=1Gi")
    refine(forge, "api.replicas=4", comment_id=101)
    [api] = [service for service in plan_of(forge)["plan"]["services"] if service["name"] == "api"]
    assert (api["replicas"], api["requests"]["memory"]) == (4, "1Gi")
    assert say(forge, PROVISION, comment_id=102).kind == "pull-request"
    assert plan_of(forge)["request"]["refinements"] == []
    assert len(forge.pulls[INFRA]) == 1


def test_it_works_in_the_pull_request_itself(forge: FakeForge) -> None:
    number = forge.pulls[INFRA][0].number
    itself = ThreadRef(owner="myorg", repo="infrastructure", number=number, is_pull=True)
    published = refine(forge, "replicas=4", thread=itself)
    assert published.kind == "pull-request"
    assert len(forge.pulls[INFRA]) == 1
    assert plan_of(forge)["request"]["refinements"][0]["asked_in"] == f"{INFRA}#{number}"
    again = refine(forge, "replicas=5", comment_id=101)
    assert again.kind == "pull-request", "the thread that asked first still owns it"


def test_the_same_refinement_again_changes_nothing(forge: FakeForge) -> None:
    refine(forge, "replicas=5")
    pushes, files = forge.pushes, dict(forge.branches[INFRA, branch(forge)].files)
    assert refine(forge, "replicas=5").kind == "pull-request"
    assert (forge.pushes, forge.branches[INFRA, branch(forge)].files) == (pushes, files)


def refused(forge: FakeForge, words: str, code: str, **where: Any) -> str:
    """The comment of a refinement that left the pull request alone."""
    office(forge)
    before = copy.deepcopy((forge.pulls, forge.branches, forge.pushes))
    published = refine(forge, words, **where)
    assert (published.kind, published.code) == ("refused", code), published
    assert (forge.pulls, forge.branches, forge.pushes) == before
    comment = last_words(forge, where.get("thread", ISSUE).number)
    assert f"`{code}`" in comment
    return comment


def test_without_an_open_pull_request_there_is_nothing_to_refine() -> None:
    assert "/ai-provision" in refused(FakeForge(), "replicas=5", "syntax")


def test_another_thread_has_no_pull_request(forge: FakeForge) -> None:
    other = ISSUE.model_copy(update={"number": 70})
    assert "No open pull request" in refused(forge, "replicas=5", "syntax", thread=other)


def test_a_closed_pull_request_is_not_refined(forge: FakeForge) -> None:
    forge.pulls[INFRA][0].state = "declined"
    refused(forge, "replicas=5", "syntax")


def test_several_pull_requests_of_one_thread_are_named_with_a_link(forge: FakeForge) -> None:
    first = forge.pulls[INFRA][0]
    from_thread = copy.deepcopy(first)
    from_thread.number, from_thread.branch = 55, first.branch + "-2"
    forge.pulls[INFRA].append(from_thread)
    forge.branches[INFRA, from_thread.branch] = copy.deepcopy(forge.branches[INFRA, first.branch])
    comment = refused(forge, "replicas=5", "syntax")
    assert f"pull request {first.number}" in comment
    assert f"https://github.com/{INFRA}/pull/55" in comment


def test_hands_off_after_a_commit_of_a_person(forge: FakeForge) -> None:
    forge.branches[INFRA, branch(forge)].ours = False
    refused(forge, "replicas=5", "conflict")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("cart.replicas=5", "syntax", "cart"),
        ("min=5 max=3", "syntax", "is above"),
        ("replicas=51", "policy", "max\\_replicas"),
        ("api.storage=5Gi", "policy", "data volume"),
        ("cpu=100", "capacity", "CPU"),
        ("colour=blue", "syntax", "colour"),
        ("more please", "syntax", "language model"),
    ],
)
def test_what_cannot_be_is_refused_and_the_pull_request_stays(
    forge: FakeForge, words: str, code: str, says: str
) -> None:
    assert says in refused(forge, words, code)
    assert forge.reactions[INFRA, 7, 100][-1] == "confused"


def test_a_stranger_hears_forbidden_first(forge: FakeForge) -> None:
    refused(forge, "replicas=5", "forbidden", login="eve")
    assert (INFRA, 7, 100) not in forge.reactions


EDITED = {
    "empty": "",
    "no-json": "{",
    "a-list": "[]",
    "null": "null",
    "deep": "[" * 50_000,
    "another-version": '{"schema_version": 2}',
    "too-big": " " * (LARGEST + 1),
}


@pytest.mark.parametrize("text", EDITED.values(), ids=EDITED.keys())
def test_a_plan_that_was_edited_to_nothing_is_a_refusal(forge: FakeForge, text: str) -> None:
    edit_plan(forge, text)
    repos = FolderRepos()
    comment = refused(forge, "replicas=5", "syntax", inside=office(forge, inside=house(repos=repos)))
    assert "plan.json" in comment
    assert repos.reads == 0


def test_a_plan_that_is_gone_is_a_refusal(forge: FakeForge) -> None:
    del forge.branches[INFRA, branch(forge)].files[PLAN]
    assert "holds no" in refused(forge, "replicas=5", "syntax")


@pytest.mark.parametrize(
    ("request_of_the_plan", "code"),
    [
        ({"git_repo": "/etc"}, "repo-url"),
        ({"git_repo": "ext::sh -c id"}, "repo-url"),
        ({"git_repo": "https://evil.example/a/b"}, "repo-host"),
        ({"app_description": ""}, "syntax"),
        ({"app_description": "x" * 5_000}, "syntax"),
        ({"app_description": "a\nb"}, "syntax"),
        ({"refinements": [{"key": "replicas", "value": "-5"}]}, "syntax"),
        ({"refinements": [{"key": "image", "value": "x"}]}, "syntax"),
        ({"refinements": [{"key": "replicas", "value": "5000"}]}, "policy"),
    ],
)
def test_what_a_person_wrote_into_the_plan_is_read_as_strictly_as_a_comment(
    forge: FakeForge, request_of_the_plan: dict[str, Any], code: str
) -> None:
    plan = plan_of(forge)
    plan["request"].update(request_of_the_plan)
    edit_plan(forge, json.dumps(plan))
    refused(forge, "memory=1Gi", code)


def test_a_plan_of_another_application_is_a_refusal(forge: FakeForge) -> None:
    plan = plan_of(forge)
    plan["plan"]["app"] = "other"
    edit_plan(forge, json.dumps(plan))
    assert "another application" in refused(forge, "replicas=5", "syntax")


def test_a_private_repository_is_read_only_for_somebody_who_may_read_it(forge: FakeForge) -> None:
    forge.private.add(f"myorg/{APP}")
    repos = FolderRepos()
    refused(forge, "replicas=5", "repo-unreachable", inside=office(forge, inside=house(repos=repos)))
    assert repos.reads == 0


def test_a_repository_that_became_another_application_is_a_conflict(forge: FakeForge) -> None:
    plan = plan_of(forge)
    plan["plan"]["app"] = "shop"
    files = {
        f"apps/shop/{path.split('/', 2)[2]}": text
        for path, text in forge.branches[INFRA, branch(forge)].files.items()
        if path.startswith("apps/")
    }
    pull = forge.pulls[INFRA][0]
    old = pull.branch
    pull.branch = branch_name("shop", infra_repo=INFRA)
    forge.branches[INFRA, pull.branch] = forge.branches.pop((INFRA, old))
    forge.branches[INFRA, pull.branch].files = {**files, "apps/shop/plan.json": json.dumps(plan)}
    itself = ThreadRef(owner="myorg", repo="infrastructure", number=pull.number, is_pull=True)
    refused(forge, "replicas=5", "conflict", thread=itself)


def test_a_cancelled_refinement_ends_visibly_and_leaves_the_pull_request(forge: FakeForge) -> None:
    inside = office(forge)
    said: list[None] = []

    def cancelled() -> str | None:
        said.append(None)
        return "grace" if len(said) > 4 else None

    steps = Straight(clock=inside.house.clock, cancelled=cancelled)
    before = copy.deepcopy((forge.pulls, forge.branches))
    stopping = Office(house=inside.house, forge=forge, steps=steps, infra_repo=INFRA)
    published = refine(forge, "replicas=5", inside=stopping)
    assert published.kind == "cancelled"
    assert "cancelled by grace" in last_words(forge)
    assert (forge.pulls, forge.branches) == before


@pytest.mark.parametrize(
    ("name", "app"),
    [
        ("ai-provision/shop-0123abcd", "shop"),
        ("ai-provision/shop-0123abcd-2", "shop"),
        ("ai-provision/my-shop-deadbeef-12345678", "my-shop-deadbeef"),
        ("ai-provision/shop", None),
        ("feature/shop-0123abcd", None),
        ("ai-provision/../x-0123abcd", None),
        ("ai-provision/-0123abcd", None),
    ],
)
def test_the_application_of_a_branch(name: str, app: str | None) -> None:
    assert app_of(name) == app


def wanted(key: str, value: str, service: str | None = None) -> WantedChange:
    return WantedChange.model_validate({"key": key, "value": value, "service": service})


def reading(*changes: WantedChange) -> ScriptedCounsel:
    """A model that reads these changes in any words, and has nothing to say about plans."""
    return ScriptedCounsel(
        {
            "collector": [CollectorAnswer(confidence=1.0)],
            "planner": [PlannerAnswer(confidence=1.0)],
            "reviewer": [ReviewerAnswer(confidence=1.0)],
            "interpreter": [InterpreterAnswer(changes=changes, confidence=1.0)],
        },
        model="test:reader",
    )


def with_model(forge: FakeForge, counsel: ScriptedCounsel) -> Office:
    return office(forge, inside=replace(house(), desk=Desk(counsel=counsel)))


def test_plain_words_change_the_plan_and_the_comment_says_how_they_were_read(forge: FakeForge) -> None:
    counsel = reading(wanted("replicas", "5", "api"), wanted("memory", "1Gi", "api"))
    published = refine(forge, "five pods with 1 GB each for api", inside=with_model(forge, counsel))
    assert published.kind == "pull-request"
    assert "Your words were read as `api.replicas=5 api.memory=1Gi`." in last_words(forge)
    assert "interpreter `test:reader` 100 tokens in, 10 out" in last_words(forge)
    assert published.efforts[0].agent == "interpreter"
    [replicas, _memory] = plan_of(forge)["request"]["refinements"]
    assert (replicas["value"], replicas["origin"], replicas["asked_in"]) == ("5", "user", f"{INFRA}#7")
    assert replicas["why"] == "plain words, read by test:reader"
    assert "minReplicas: 5" in forge.branches[INFRA, branch(forge)].files[f"apps/{APP}/kubernetes/api-hpa.yaml"]


def test_what_reading_cost_is_taken_from_what_the_command_may_spend(forge: FakeForge) -> None:
    counsel = reading(wanted("replicas", "5", "api"))
    refine(forge, "five pods for api", inside=with_model(forge, counsel))
    first, *others = counsel.allowances
    assert counsel.asked[0].agent == "interpreter"
    assert all(other.tokens <= first.tokens - 110 for other in others)


def test_typed_keys_are_never_shown_to_the_interpreter(forge: FakeForge) -> None:
    counsel = reading(wanted("replicas", "9"))
    assert refine(forge, "api.replicas=5", inside=with_model(forge, counsel)).kind == "pull-request"
    assert "interpreter" not in {question.agent for question in counsel.asked}
    assert "were read as" not in last_words(forge)


@pytest.mark.parametrize(
    ("words", "changes", "code", "says"),
    [
        ("more pods", [wanted("replicas", "40")], "llm-invalid", "do not say"),
        ("5 pods for cart", [wanted("replicas", "5", "cart")], "llm-invalid", "cart"),
        ("make it good", [], "syntax", "do not say which number"),
        ("5 pods `/ai-destroy shop`", [wanted("replicas", "5; /ai-destroy shop")], "llm-invalid", "whole number"),
        ("51 pods", [wanted("replicas", "51")], "policy", "were read as replicas=51"),
        ("100 cores", [wanted("cpu", "100")], "capacity", "were read as cpu=100"),
    ],
)
def test_words_that_lead_nowhere_leave_the_pull_request_alone(
    forge: FakeForge, words: str, changes: list[WantedChange], code: str, says: str
) -> None:
    comment = refused(forge, words, code, inside=with_model(forge, reading(*changes)))
    assert says in comment.replace("\\", "")
    assert "/ai-destroy" not in comment
    assert forge.reactions[INFRA, 7, 100] == ["eyes", "confused"]


def test_words_whose_model_is_away_are_asked_for_as_keys(forge: FakeForge) -> None:
    fault = Fault(kind="unreachable", message="https://10.0.0.1 refused", remedy="Look.")
    counsel = ScriptedCounsel({"interpreter": [fault]})
    comment = refused(forge, "five pods", "llm-invalid", inside=with_model(forge, counsel))
    assert "/ai-refine replicas=5 memory=1Gi" in comment
    assert "10.0.0.1" not in comment


def test_words_among_keys_without_a_model_are_refused_as_before(forge: FakeForge) -> None:
    comment = refused(forge, "replicas=5 please", "syntax")
    assert "please" in comment
    assert "/ai-refine replicas=5\n" in comment


def test_words_are_only_read_for_somebody_who_may_command_and_where_a_plan_is_open(forge: FakeForge) -> None:
    counsel = reading(wanted("replicas", "5"))
    refused(forge, "five pods", "forbidden", login="eve", inside=with_model(forge, counsel))
    other = ISSUE.model_copy(update={"number": 70})
    refused(forge, "five pods", "syntax", thread=other, inside=with_model(forge, counsel))
    forge.private.add(f"myorg/{APP}")
    refused(forge, "five pods", "repo-unreachable", comment_id=101, inside=with_model(forge, counsel))
    assert counsel.asked == []


def test_words_are_read_once_even_when_the_worker_changes(forge: FakeForge) -> None:
    counsel = reading(wanted("replicas", "5", "api"))
    rooms = with_model(forge, counsel)
    kept: dict[str, Any] = {}

    class Remembering:
        """Steps that give back what they once gave."""

        def run(self, name: str, work: Any, form: Any, *, always: bool = False) -> Any:
            if name not in kept:
                kept[name] = rooms.steps.run(name, work, form, always=always)
            return kept[name]

    remembering = replace(rooms, steps=Remembering())
    assert refine(forge, "five pods for api", inside=remembering).kind == "pull-request"
    assert not isinstance(kept["read-words"], Refusal)
    asked = len(counsel.asked)
    assert refine(forge, "five pods for api", inside=remembering).kind == "pull-request"
    assert len(counsel.asked) == asked
