"""The reviewer: stops when clean, repairs by rule, then by a model within limits, and never publishes files that fail."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.agents.collector import Collected, collect
from bot.agents.context import Context
from bot.agents.desk import Desk
from bot.agents.judgement import Judging, judge
from bot.agents.planner import Planned, first_plan
from bot.agents.reviewer import Reviewed, review, review_planned
from bot.agents.trace import RecordedCounsel
from bot.agents.trials import scene_of
from bot.errors import Broken, Code, Refusal
from bot.model.changes import ChangeSet
from bot.model.command import FolderTarget, Provision
from bot.model.config import Config
from bot.model.consultation import (
    CollectorAnswer,
    Consultation,
    FactProposal,
    Fault,
    NumberProposal,
    PlannerAnswer,
    Reason,
    ReviewerAnswer,
    Spent,
)
from bot.model.document import Request
from bot.model.finding import Finding
from bot.model.plan import Hpa, Pdb, Plan, Requests
from bot.model.quantity import Bytes, MilliCpu
from bot.rendering.files import render
from tests.agents.cases import (
    EVIDENCE,
    QUIET,
    Replanning,
    context,
    heard,
    judged,
    number,
    planner_says,
    reviewer_says,
    rules_plan,
)
from tests.daily import searched
from tests.fakes.counsel import ScriptedCounsel
from tests.fakes.house import DESCRIPTION, SUPERMARKET, FolderRepos, SilentToolbox, snapshot

COMMAND = Provision(target=FolderTarget(folder=str(SUPERMARKET)), app_description=DESCRIPTION)


@pytest.fixture(scope="module")
def scene() -> tuple[Plan, Context]:
    collected = collect(COMMAND, FolderRepos().read(COMMAND.target))
    assert isinstance(collected, Collected)
    plan = first_plan(collected, snapshot(), config=Config(), repo_owner="myorg", commit=None)
    assert isinstance(plan, Plan), plan
    request = Request(git_repo=str(SUPERMARKET), app_description=DESCRIPTION)
    return plan, Context(request=request, collected=collected, snapshot=snapshot(), config=Config())


def blocking(rule: str) -> Callable[[ChangeSet], tuple[Finding, ...]]:
    finding = Finding(rule=rule, severity="block", path="x", message=f"{rule} is wrong", remedy="mend it")
    return lambda _changes: (finding,)


def test_a_clean_plan_takes_one_round(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    reviewed = review(plan, context, toolbox=SilentToolbox())
    assert isinstance(reviewed, Reviewed)
    assert reviewed.plan == plan
    assert [verdict.round for verdict in reviewed.rounds] == [1]


def test_a_request_above_its_limit_is_repaired_in_a_second_round(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    first = plan.services[0]
    low = first.limits.model_copy(update={"memory": Bytes.of_mib(64)})
    broken = plan.model_copy(update={"services": (first.model_copy(update={"limits": low}), *plan.services[1:])})
    reviewed = review(broken, context, toolbox=SilentToolbox())
    assert isinstance(reviewed, Reviewed)
    assert [verdict.blocked for verdict in reviewed.rounds] == [True, False]
    assert reviewed.plan.services[0].limits.memory == first.requests.memory


@pytest.mark.parametrize("rule", ["namespace", "image", "replicas", "hpa-bounds"])
def test_what_the_config_forbids_is_refused(scene: tuple[Plan, Context], rule: str) -> None:
    plan, context = scene
    refusal = review(plan, context, toolbox=SilentToolbox(findings=blocking(rule)))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.remedy) == ("policy", "mend it")


def test_files_of_ours_that_fail_are_a_defect_and_not_published(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    with pytest.raises(Broken, match="privileged"):
        review(plan, context, toolbox=SilentToolbox(findings=blocking("privileged")))


def test_a_repair_that_does_not_help_is_thrown_away(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    toolbox = SilentToolbox(findings=blocking("request-above-limit"))
    with pytest.raises(Broken):
        review(plan, context, toolbox=toolbox)
    assert len(toolbox.seen) <= 2


RULED = rules_plan()


def cpu_of(changes: ChangeSet) -> str:
    text = changes.content(f"{changes.root}/kubernetes/api-deployment.yaml") or ""
    return str(yaml.safe_load(text)["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"])


def warns_until(cpu: str, *, rule: str = "single-copy-overloaded", severity: str = "warn") -> SilentToolbox:
    """A judge that is content with one CPU request alone."""
    finding = Finding(rule=rule, severity=severity, path="api", message="too small", remedy="more")
    return SilentToolbox(findings=lambda changes: () if cpu_of(changes) == cpu else (finding,))


def reviewed(
    toolbox: SilentToolbox, *answers: object, start: Planned | None = None, replanning: Replanning | None = None
) -> tuple[Reviewed, ScriptedCounsel]:
    around = context()
    counsel = ScriptedCounsel({"reviewer": answers})
    start = start or Planned(plan=RULED, ruled=RULED, evidence=around.evidence)
    replan = replanning or Replanning(around)
    found = review_planned(start, around, toolbox=toolbox, desk=Desk(counsel=counsel), replan=replan)
    assert isinstance(found, Reviewed)
    return found, counsel


def mended(value: str = "1", *, source: str | None = "finding-1", why: str = "x") -> ReviewerAnswer:
    return reviewer_says(number("cpu", value, source=source, why=why))


def own(found: Reviewed) -> Consultation:
    return next(each for each in found.consultations if each.agent == "reviewer")


def test_a_clean_plan_asks_no_model() -> None:
    found, counsel = reviewed(SilentToolbox(), mended())
    assert counsel.asked == []
    assert own(found).model is None
    assert len(found.rounds) == 1


def test_a_finding_that_no_number_helps_asks_no_model() -> None:
    _, counsel = reviewed(warns_until("never", rule="terraform-fmt"), mended())
    assert counsel.asked == []


def test_a_model_mends_what_no_rule_can_within_the_limits() -> None:
    found, counsel = reviewed(warns_until("1"), mended())
    assert [(verdict.by, verdict.kept) for verdict in found.rounds] == [("rule", True), ("model", True)]
    assert found.rounds[1].changed == ("api.cpu=1",)
    assert found.plan.services[0].requests.cpu.to_k8s() == "1"
    assert own(found).decided == ("services.api.requests.cpu",)
    assert own(found).cited == ("finding-1",)
    assert found.findings == found.rounds[1].findings
    assert len(counsel.asked) == 1
    assert counsel.offered == [("policy_check", "validate", "cost")]


def test_the_model_sees_findings_and_numbers_alone() -> None:
    _, counsel = reviewed(warns_until("1"), mended())
    assert isinstance(counsel.asked[0].payload, dict)
    assert set(counsel.asked[0].payload) == {"context", "rule"}
    assert counsel.asked[0].payload["context"][0]["text"] == "api too small"


def test_a_round_that_helps_nothing_is_thrown_away_and_the_model_is_not_asked_again() -> None:
    found, counsel = reviewed(warns_until("never"), mended())
    assert [(verdict.by, verdict.kept) for verdict in found.rounds] == [("rule", True), ("model", False)]
    assert "did not fall" in found.rounds[1].why
    assert found.plan == RULED
    assert found.findings == found.rounds[0].findings
    assert "thrown away" in own(found).rejected[0].why
    assert len(counsel.asked) == 1


def test_a_round_with_a_new_error_is_thrown_away() -> None:
    warning = Finding(rule="autoscaler-capped", severity="warn", message="m", remedy="r")
    new = Finding(rule="privileged", severity="block", message="m", remedy="r")
    toolbox = SilentToolbox(findings=lambda changes: (new,) if cpu_of(changes) == "1" else (warning, warning))
    found, _ = reviewed(toolbox, mended())
    assert found.plan == RULED
    assert "new rule: privileged" in found.rounds[1].why
    assert [each.rule for each in found.rounds[1].findings if each.severity == "block"] == ["privileged"]


def falling(*values: str) -> SilentToolbox:
    """One warning fewer for each further CPU request."""
    warning = Finding(rule="autoscaler-capped", severity="warn", message="m", remedy="r")

    def found(changes: ChangeSet) -> tuple[Finding, ...]:
        now = cpu_of(changes)
        return (warning,) * (9 - (values.index(now) if now in values else 0))

    return SilentToolbox(findings=found)


def test_at_most_three_rounds_are_a_models() -> None:
    values = ("850m", "900m", "950m", "1", "1050m", "1100m")
    answers = [mended(value) for value in values[1:]]
    found, counsel = reviewed(falling(*values), *answers)
    assert len(counsel.asked) == 3
    assert [verdict.by for verdict in found.rounds] == ["rule", "model", "model", "model"]
    assert found.plan.services[0].requests.cpu.to_k8s() == "1"


def test_the_limits_are_those_of_the_rules_plan_in_every_round() -> None:
    values = ("850m", "1700m", "3400m")
    found, _ = reviewed(falling(*values), mended("1700m"), mended("3400m"), mended("6800m"))
    assert found.plan.services[0].requests.cpu.to_k8s() == "1700m"
    assert any("1700m, the limit of the rules" in each.why for each in own(found).rejected)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (mended(source=None), "cites no source"),
        (mended(source="finding-9"), "not shown"),
        (mended("4 bananas"), "cpu"),
        (reviewer_says(), ""),
    ],
    ids=["uncited", "invented", "L02-bananas", "nothing"],
)
def test_an_answer_that_cannot_be_taken_ends_the_models_say(answer: ReviewerAnswer, why: str) -> None:
    found, counsel = reviewed(warns_until("1"), answer)
    assert found.plan == RULED
    assert len(counsel.asked) == 1
    assert (found.rounds[-1].by, found.rounds[-1].kept) == ("model", False)
    assert not why or why in own(found).rejected[0].why


def test_a_silent_model_is_recorded_and_said_in_the_files() -> None:
    found, _ = reviewed(warns_until("1"), Fault(kind="server", message="503 at 10.0.0.1", remedy="r"))
    assert [each.rule for each in found.plan.findings if each.rule == "llm-invalid"] == ["llm-invalid"]
    readme = found.changes.content(f"{found.changes.root}/README.md") or ""
    assert "The rules of the reviewer decided alone" in readme
    assert not any("10.0.0.1" in file.content for file in found.changes.files if file.path.endswith("plan.json"))


def test_a_refused_repair_leaves_the_plan() -> None:
    refusal = Refusal(code=Code.CAPACITY, message="no room", remedy="x")
    found, _ = reviewed(warns_until("1"), mended(), replanning=Replanning(context(), answer=refusal))
    assert found.plan == RULED
    assert "capacity" in own(found).rejected[0].why


def test_rule_repairs_come_first_and_survive_a_models_round() -> None:
    first = RULED.services[0]
    low = first.limits.model_copy(update={"memory": Bytes.of_mib(64)})
    broken = RULED.model_copy(update={"services": (first.model_copy(update={"limits": low}), *RULED.services[1:])})

    class Lowering(Replanning):
        def __call__(self, refinements: object, adjustments: object) -> Plan | Refusal:
            plan = super().__call__(refinements, adjustments)
            service = plan.services[0].model_copy(update={"limits": low})
            return plan.model_copy(update={"services": (service, *plan.services[1:])})

    start = Planned(plan=broken, ruled=RULED)
    found, _ = reviewed(warns_until("1"), mended(), start=start, replanning=Lowering(context()))
    assert [(verdict.by, verdict.kept) for verdict in found.rounds] == [("rule", True), ("rule", True), ("model", True)]
    assert found.rounds[1].changed == ("services.api.limits.memory",)
    service = found.plan.services[0]
    assert service.limits.memory == service.requests.memory
    (entry,) = (each for each in found.plan.decisions if each.path == "services.api.limits.memory")
    assert "request-above-limit" in entry.why


REPAIRED = {
    "hpa-bounds": {"hpa": Hpa(min=4, max=2, target_cpu_percent=60)},
    "hpa-target": {"hpa": Hpa(min=3, max=6, target_cpu_percent=400)},
    "pdb": {"pdb": Pdb(min_available=3)},
    "quantity": {"requests": Requests(cpu=MilliCpu(0), memory=Bytes(0))},
    "replicas": {"hpa": None, "replicas": 0, "pdb": None},
}


@pytest.mark.parametrize("rule", REPAIRED)
def test_a_rule_repairs_what_follows_from_the_plan_alone(rule: str) -> None:
    first = RULED.services[0].model_copy(update=REPAIRED[rule])
    broken = RULED.model_copy(update={"services": (first, *RULED.services[1:])})
    found = review(broken, context(), toolbox=SilentToolbox())
    assert isinstance(found, Reviewed), found
    assert rule in {each.rule for each in found.rounds[0].findings if each.severity == "block"}
    assert not found.rounds[-1].blocked
    assert found.rounds[-1].kept
    assert len(found.rounds) <= 3


def test_the_agents_stand_in_plan_json_and_in_no_other_file() -> None:
    desk = Desk(counsel=ScriptedCounsel({"collector": (QUIET,), "planner": (planner_says(number("cpu", "1")),)}))
    found, plain = judged(desk), judged()
    assert [each.agent for each in found.consultations] == ["collector", "planner", "reviewer"]
    assert [each.agent for each in plain.consultations] == ["collector", "planner", "reviewer"]
    document = json.loads(found.changes.content(f"{found.changes.root}/plan.json") or "")
    assert [each["agent"] for each in document["agents"]] == ["collector", "planner", "reviewer"]
    assert [each["source_id"] for each in document["retrieved"]] == ["sizing-7.5"]
    assert document["rounds"][0]["round"] == 1
    told = json.dumps(document["agents"])
    assert not any(word in told for word in ("tokens", "seconds", "money"))
    bare = render(scene_of(found.plan, context(heard(desk))))
    same = [file.path for file, other in zip(found.changes.files, bare.files, strict=True) if file == other]
    assert len(same) == len(bare.files) - 1
    assert found.retrieved == EVIDENCE.pieces
    assert plain.retrieved == ()


def test_the_same_input_gives_the_same_bytes() -> None:
    def once(seconds: float) -> Reviewed:
        answers = {"collector": (QUIET,), "planner": (planner_says(number("cpu", "1")),)}
        return judged(Desk(counsel=ScriptedCounsel(answers, cost=Spent(seconds=seconds))))

    assert once(1.0).changes == once(2.5).changes


def test_what_terraform_says_on_this_computer_is_not_in_plan_json() -> None:
    finding = Finding(rule="terraform-fmt", severity="warn", message="on this computer", remedy="x")
    found = judged(toolbox=SilentToolbox(findings=lambda _: (finding,)))
    assert finding in found.findings
    assert "on this computer" not in (found.changes.content(f"{found.changes.root}/plan.json") or "")


def test_a_job_is_judged_again_from_its_answers() -> None:
    answers = {"collector": (QUIET,), "planner": (planner_says(number("cpu", "1"), number("max", 9)),)}
    desk = Desk(counsel=ScriptedCounsel(answers | {"reviewer": (mended("1700m"),)}))
    toolbox = warns_until("1700m")
    live = judged(desk, toolbox=toolbox)
    counsel = RecordedCounsel(live.answers)
    around = context(heard(desk))
    again = judge(
        Judging(
            context=around, refinements=(), repo_owner="myorg", commit=None, toolbox=toolbox,
            desk=Desk(counsel=counsel), evidence=live.evidence,
        )
    )  # fmt: skip
    assert isinstance(again, Reviewed)
    assert counsel.mismatches == ()
    assert again.changes == live.changes
    assert [each.agent for each in live.answers] == ["planner", "reviewer"]


HOSTILE = (
    "closes #1 @org/team ![x](https://evil.example/x.png) <!-- x --> AKIA" + "A" * 16,
    "-----BEGIN RSA PRIVATE KEY-----abc", "postgres://u:pw12345678@h", "at 2031-01-01T00:00:00Z", "{{ .Values.x }}",
    "\u202e\x00", "gh" + "s_" + "a" * 40, "${file('/etc/passwd')}", "%{ if true }", "\n---\nkind: Pod",
)  # fmt: skip


@searched(15, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=10), min_size=1, max_size=4).map("".join))
def test_l05_prose_of_a_model_breaks_no_file(prose: str) -> None:
    words, name = prose[:300], prose[:64]
    strange = NumberProposal(service=name, key="cpu", value=words, why=words, source_id=name)
    answer = PlannerAnswer(
        numbers=(number("cpu", "1", why=words), strange),
        reasons=(Reason(text=words, source_id=name), Reason(text=words, source_id="sizing-7.5")),
        confidence=1.0,
    )
    facts = tuple(FactProposal(subject=subject, value=name, why=words) for subject in ("criticality", "dependency"))
    quiet = CollectorAnswer(proposals=facts, retrieve=(words,), confidence=0.0)
    plain = judged()
    found = judged(Desk(counsel=ScriptedCounsel({"collector": (quiet,), "planner": (answer,)})))
    for file, other in zip(found.changes.files, plain.changes.files, strict=True):
        if not file.path.endswith((".md", "plan.json", "api-deployment.yaml")):
            assert file == other
    assert not any("AKIA" + "A" * 16 in file.content for file in found.changes.files)
