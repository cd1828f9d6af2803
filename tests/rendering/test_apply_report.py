"""What people see of plans and applies: numbers, next steps, and other people's words that stay words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.applying.record import read_outcomes, read_plans, with_plans, written_outcomes, written_plans
from bot.edges.github.bodies import LIMIT, hidden
from bot.edges.github.told import unmarked, written
from bot.model.applied import (
    Afterwards,
    Built,
    Done,
    Outcome,
    Reached,
    Rollout,
    Url,
    Use,
    WorkloadRef,
)
from bot.model.quantity import Bytes, MilliCpu
from bot.model.stack import Check, Planned, PlanRecord, Preflight, Stack, StackPlan, StateId, TerraformPlan
from bot.rendering.apply_report import (
    late_comment,
    outcome_comment,
    outcome_sentence,
    plan_comment,
    revert_text,
    thread_comment,
)
from tests.hostile.inert import problems_of
from tests.rendering.test_inert import HOSTILE

NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
MARK = hidden("outcome", "apply")
REF = WorkloadRef(kind="Deployment", name="api", namespace="shop")
RUN, PULL = "https://github.com/myorg/infrastructure/actions/runs/1", "https://github.com/myorg/infrastructure/pull/9"


def outcome(**changes: Any) -> Outcome:
    facts: dict[str, Any] = {"kind": "applied", "root": "apps/shop", "app": "shop", "commit": "a" * 40, "at": NOW}
    return Outcome(**{**facts, "seconds": 42.0, **changes})


def full(word: str = "plain") -> Outcome:
    """Every field that may hold words of others holds this one."""
    use = Use(workload=REF, restarts=0, oom_kills=0, throttled=0.1, cpu=MilliCpu(120), cpu_request=MilliCpu(500))
    return outcome(
        kind="returned",
        code="capacity",
        message=word,
        remedy=word,
        namespace=word,
        state_kept=word,
        revert_url=PULL,
        run_url=RUN,
        steps=(Done(name="gate", state="failed", detail=word),),
        machines=(
            Reached(name=word, vm_id=5000, node=word, address=word, user=word, key=word, asked=word, exists=word),
        ),
        clusters=(Built(name=word, ready=1, wanted=2, version=word, secret=word),),
        rollouts=(Rollout(workload=REF, state="returned", ready=0, wanted=3, seconds=600.0, why=word),),
        urls=(Url(host=word, path=word, tls="waiting"),),
        planned=(use,),
        after=Afterwards(at=NOW, healthy=False, uses=(use,), notes=(word,)),
    )


def planned(word: str = "plain") -> StackPlan:
    """The same of a plan."""
    check = Check(name="memory", state="failed", about=word, reason=word, remedy=word)
    action = Planned(address=word, action="replace", because=(word,), name=word)
    return StackPlan(
        stack=Stack(root="apps/shop", name="shop", commit="a" * 40, manifests=True, terraform=True),
        preflight=Preflight(root="apps/shop", taken_at=NOW, checks=(check,)),
        terraform=TerraformPlan(digest="d", actions=(action,), text=word),
        manifests=word,
        code="capacity",
        message=word,
        remedy=word,
    )


@pytest.mark.parametrize("word", HOSTILE)
def test_l05_hostile_words_do_nothing_in_any_comment(word: str) -> None:
    links = {RUN, PULL}
    for text in (
        outcome_comment((full(word),), hidden=""),
        thread_comment((full(word),), url=PULL),
        plan_comment((planned(word),), hidden="", run_url=RUN),
        revert_text(full(word), of=9).body.replace("#9", "nine"),
    ):
        assert (
            problems_of(text.replace("> [!WARNING]", "> warning").replace("> [!CAUTION]", "> caution"), links=links)
            == []
        )


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_leave_the_rows_of_every_table_whole(word: str) -> None:
    """A row of another width, or a table that ends early, would hide what follows."""
    plain, other = outcome_comment((full(),), hidden=""), outcome_comment((full(word),), hidden="")
    assert other.count("\n") == plain.count("\n")


def test_commands_of_a_remedy_can_be_copied() -> None:
    remedy = "Run `terraform -chdir=apps/shop_x/terraform force-unlock 1-2`, then *this* again."
    text = outcome_comment((outcome(kind="failed", code="conflict", message="m", remedy=remedy),), hidden="")
    assert "`terraform -chdir=apps/shop_x/terraform force-unlock 1-2`" in text
    assert "\\*this\\*" in text
    plan = planned().model_copy(update={"remedy": remedy})
    assert "`terraform -chdir=apps/shop_x/terraform force-unlock 1-2`" in plan_comment((plan,), hidden="", run_url=None)


def test_a_lonely_backtick_of_a_remedy_stays_a_character() -> None:
    text = outcome_comment((outcome(kind="failed", code="conflict", message="a ` b", remedy="c"),), hidden="")
    assert "a \\` b" in text


def test_the_outcome_says_where_it_runs_and_how_to_get_in() -> None:
    text = outcome_comment((full(),), hidden="")
    assert "`ssh plain@plain`" in text
    assert "1 of 2 nodes Ready" in text
    assert "10%" in text
    assert "0.12" in text or "120m of 500m" in text


def test_no_data_is_told_as_no_data() -> None:
    use = Use(workload=REF, cpu_request=MilliCpu(500), memory_request=Bytes.of_mib(128))
    text = outcome_comment((outcome(planned=(use,), after=Afterwards(at=NOW, healthy=None, uses=(use,))),), hidden="")
    assert text.count("no data") == 5
    assert "not known, nothing could be read" in text
    assert "None" not in text


def test_before_ten_minutes_it_is_announced_and_afterwards_it_stands() -> None:
    use = Use(workload=REF)
    early = outcome_comment((outcome(planned=(use,)),), hidden="")
    late = outcome_comment((outcome(planned=(use,), after=Afterwards(at=NOW, healthy=True, uses=(use,))),), hidden="")
    assert "stand here ten minutes after" in early
    assert "stand here ten minutes after" not in late
    assert "Ten minutes after: healthy" in late


def test_a_message_of_several_paragraphs_stays_in_its_warning() -> None:
    text = outcome_comment((outcome(kind="failed", code="conflict", message="a\n\nb", remedy="c\nd"),), hidden="")
    warning = [line for line in text.splitlines() if line.startswith(">")]
    assert any("a b" in line for line in warning)
    assert any("c d" in line for line in warning)


def test_the_late_comment_names_the_commit_and_is_the_same_at_any_time() -> None:
    text = late_comment(NOW, commit="b" * 40)
    assert "2026-09-01 08:30 UTC" in text
    assert "`bbbbbbbbbbbb`" in text
    assert text == late_comment(NOW, commit="b" * 40)


def test_one_sentence_for_the_memory_holds_no_markup() -> None:
    told = outcome_sentence(full())
    assert "returned in 42 s" in told
    assert "api 0/3 returned" in told
    assert "`" not in told


WORDS = st.text(max_size=60)
OUTCOMES = st.builds(
    outcome,
    kind=st.sampled_from(["applied", "failed", "returned", "abandoned", "destroyed"]),
    message=WORDS,
    remedy=WORDS,
    thread=st.none() | WORDS,
    steps=st.lists(st.builds(Done, name=st.just("gate"), state=st.just("done"), detail=WORDS), max_size=3).map(tuple),
    seconds=st.floats(0, 1e6),
)
RECORDS = st.builds(
    PlanRecord,
    root=WORDS,
    head=WORDS,
    base=WORDS,
    config_digest=WORDS,
    state=st.builds(StateId, lineage=st.none() | WORDS, serial=st.none() | st.integers(0, 10**9)),
    plan_digest=WORDS,
    actions=st.lists(WORDS, max_size=4).map(tuple),
    used_by=st.none() | WORDS,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(OUTCOMES, max_size=3).map(tuple), WORDS)
def test_outcomes_come_back_from_a_comment_whatever_they_say(outcomes: tuple[Outcome, ...], words: str) -> None:
    body = written(f"{written_outcomes(outcomes)}\n\n{words}", mark=MARK, redact=str)
    assert read_outcomes(unmarked(body, MARK)) == outcomes


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=3).map(tuple), st.lists(RECORDS, max_size=3).map(tuple))
def test_plan_records_come_back_and_can_be_replaced(
    records: tuple[PlanRecord, ...], others: tuple[PlanRecord, ...]
) -> None:
    body = f"{written_plans(records)}\n\n{written_outcomes((outcome(),))}\n\nwords"
    assert read_plans(body) == records
    changed = with_plans(body, others)
    assert read_plans(changed) == others
    assert read_outcomes(changed) == (outcome(),)


@given(st.text())
def test_any_other_text_holds_nothing(text: str) -> None:
    assert (read_plans(text), read_outcomes(text)) == ((), ())


@pytest.mark.parametrize("data", ["", "AAAA", "====", "eJwDAAAAAAE=", "A" * 3])
def test_broken_data_holds_nothing(data: str) -> None:
    assert read_outcomes(f"<!-- ai-provision:data:outcomes {data} -->") == ()


def test_a_secret_is_taken_out_before_the_data_is_packed() -> None:
    line = written_outcomes(
        (outcome(message="token CANARY-1234 is wrong"),), redact=lambda text: text.replace("CANARY-1234", "***")
    )
    [told] = read_outcomes(line)
    assert told.message == "token *** is wrong"


def huge(machines: int) -> Outcome:
    rows = [
        Reached(name=f"machine-{n}", vm_id=5000 + n, node=f"pve{n % 7}", address=f"10.30.{n // 250}.{n % 250}", user="provision",
                key="ssh-ed25519 ops", seconds=float(n), asked=f"{n} vCPU, {n}Gi, 32Gi on pve{n % 7}", exists=f"{n} vCPU, running")
        for n in range(machines)
    ]  # fmt: skip
    return outcome(
        machines=tuple(rows), steps=tuple(Done(name="ssh", state="done", detail="x" * 200) for _ in range(40))
    )


@pytest.mark.parametrize("machines", [100, 400, 1500])
def test_h04_a_huge_outcome_fits_and_its_data_survives(machines: int) -> None:
    one = huge(machines)
    body = written(outcome_comment((one,), hidden=written_outcomes((one,))), mark=MARK, redact=str)
    assert len(body) < LIMIT
    assert read_outcomes(unmarked(body, MARK)) == (one,)
    assert "### `apps/shop`: ✅ applied" in body


def test_a_huge_plan_fits_and_says_that_it_is_cut() -> None:
    plan = TerraformPlan(digest="d", actions=(Planned(address="a", action="create"),), text="+ x\n" * 100_000)
    stack = Stack(root="apps/shop", name="shop", commit="a" * 40, terraform=True)
    body = plan_comment((StackPlan(stack=stack, terraform=plan),), hidden="", run_url=None)
    assert len(body) < LIMIT
    assert "The diff is cut" in body


def test_the_summary_of_a_plan_stands_outside_its_folds() -> None:
    text = plan_comment((planned(),), hidden="", run_url=None)
    summary = text.split("<details>")[0]
    assert "`apps/shop`" in summary
    assert "destroyed and made anew" in summary
    assert "not planned: `capacity`" in summary
