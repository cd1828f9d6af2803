"""The order of an apply, and what does not begin after each failure; the kinds of an outcome."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.cluster import ClusterSnapshot
from tests.applying.belt import INFRA, Belt, FakeDoors, both_plan, config, files_of, kube_plan, one, steps, web_plan
from tests.checks.preflight_kit import readings, with_guest
from tests.fakes.playbooks import FakePlaybooks

BOTH, KUBE, WEB = files_of(both_plan()), files_of(kube_plan()), files_of(web_plan())
ADDRESS = web_plan().machines[0].address.split("/")[0]
DOWN = Unavailable(Code.CAPACITY, "Proxmox VE did not answer.", remedy="Run this again.")


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    made = Belt(tmp_path)
    made.terraform.wanted = {"vm.web-1": "1", "vm.web-2": "1"}
    return made


def kubectl(belt: Belt) -> list[str]:
    assert belt.manifests is not None
    return [verb for verb, _ in belt.manifests.log]


def fresh(belt: Belt) -> None:
    """Forget what the plan on the pull request asked."""
    belt.terraform.log.clear()
    assert belt.manifests is not None
    belt.manifests.log.clear()


def taken() -> ClusterSnapshot:
    return with_guest(both_plan().machines[0].vm_id, name="somebody")(readings())


def test_everything_goes_in_one_order(belt: Belt) -> None:
    belt.merged(dict(BOTH))
    fresh(belt)
    outcome = one(belt.apply())
    assert outcome.kind == "applied"
    assert steps(outcome) == [
        "terraform-plan done", "parity done", "preflight done", "terraform-apply done", "ssh done", "namespace done",
        "manifests done", "rollout done",
    ]  # fmt: skip
    assert belt.verbs == ["plan", "apply"]
    assert kubectl(belt) == ["ensure_namespace", "revisions", "apply", "watch", "urls"]


def test_a_cluster_goes_in_one_order_and_its_kubeconfig_becomes_a_secret(belt: Belt) -> None:
    names = [machine.name for machine in kube_plan().machines]
    belt.built.nodes = dict.fromkeys(names, "v1.34.2")
    outcome = belt.brought(dict(KUBE))[1]
    assert outcome.kind == "applied"
    assert steps(outcome)[3:] == [
        "terraform-apply done",
        "ssh done",
        "playbook done",
        "kubeconfig done",
        "nodes-ready done",
    ]
    [built] = outcome.clusters
    assert (built.ready, built.wanted, built.version) == (2, 2, "v1.34.2")
    assert belt.manifests is not None
    [(where, name)] = belt.manifests.secrets
    assert built.secret == f"{where}/{name}"
    assert (where, list(belt.manifests.secrets[where, name])) == ("ai-provision", ["kubeconfig"])


def test_without_a_managing_cluster_the_kubeconfig_stays_and_that_is_said(belt: Belt) -> None:
    belt.manifests = None
    outcome = belt.brought(dict(KUBE))[1]
    assert "kubeconfig skipped" in steps(outcome)
    assert outcome.clusters[0].secret is None


@pytest.mark.parametrize("fault", ["locked", "backend-down"])
def test_a_state_that_cannot_be_had_ends_it_before_anything(belt: Belt, fault: str) -> None:
    pull = belt.merged(dict(BOTH))
    fresh(belt)
    belt.terraform.fault = fault  # type: ignore[assignment]
    outcome = one(belt.apply())
    assert (outcome.kind, steps(outcome)) == ("abandoned", ["terraform-plan failed"])
    assert (belt.verbs, kubectl(belt), belt.doors.asked) == (["plan"], [], [])
    assert [record.used_by for record in belt.records(pull)] == [None]


def test_no_room_ends_it_before_terraform_applies(belt: Belt) -> None:
    pull = belt.merged(dict(BOTH))
    fresh(belt)
    belt.inventory.snapshot = taken()
    outcome = one(belt.apply())
    assert (outcome.kind, outcome.code) == ("abandoned", Code.CAPACITY)
    assert "Nothing was applied" in outcome.remedy
    assert "somebody" in outcome.message
    assert (belt.verbs, kubectl(belt)) == (["plan"], [])
    assert [record.used_by for record in belt.records(pull)] == [None]


def test_a_preflight_that_stops_stands_as_failed_in_the_steps(belt: Belt) -> None:
    belt.merged(dict(BOTH))
    belt.inventory.snapshot = taken()
    assert steps(one(belt.apply()))[-1] == "preflight failed"


def test_a_parity_that_stops_stands_as_failed_in_the_steps(belt: Belt) -> None:
    belt.merged(dict(BOTH))
    belt.terraform.wanted["vm.more"] = "1"
    assert steps(one(belt.apply()))[-1] == "parity failed"


def test_readings_that_fail_end_it_before_terraform_applies(belt: Belt) -> None:
    belt.merged(dict(BOTH))
    belt.inventory.stop = DOWN
    outcome = one(belt.apply())
    assert (outcome.kind, steps(outcome)[-1]) == ("abandoned", "preflight failed")
    assert belt.verbs[-1] == "plan"


def test_readings_that_fail_after_the_apply_do_not_undo_its_success(belt: Belt) -> None:
    """What cannot be read afterwards is told as planned, and marked."""
    belt.merged(dict(BOTH))
    belt.inventory.stop, belt.inventory.after = DOWN, belt.inventory.reads + 1
    outcome = one(belt.apply())
    assert outcome.kind == "applied"
    [machine] = outcome.machines
    assert machine.address == ADDRESS
    assert "not" in machine.exists


def test_a_broken_apply_ends_it_before_ssh(belt: Belt) -> None:
    pull = belt.merged(dict(BOTH))
    fresh(belt)
    belt.terraform.fault = "halfway"
    outcome = one(belt.apply())
    assert (outcome.kind, steps(outcome)[-1]) == ("failed", "terraform-apply failed")
    assert (belt.doors.asked, kubectl(belt)) == ([], [])
    assert [record.used_by for record in belt.records(pull)] == [belt.main]


def test_an_unsaved_state_outlives_the_run_for_its_owner_alone(belt: Belt) -> None:
    belt.merged(dict(WEB))
    belt.terraform.fault = "unsaved"
    apply = belt.terraform.apply

    def failing(folder: Path) -> None:
        try:
            apply(folder)
        finally:
            left = folder / "errored.tfstate"
            left.write_text('{"secret": "x"}')
            left.chmod(0o644)

    belt.terraform.apply = failing  # type: ignore[method-assign]
    outcome = one(belt.apply())
    kept = belt.root / "kept" / "apps-web" / "errored.tfstate"
    assert outcome.state_kept == str(kept)
    assert kept.read_text() == '{"secret": "x"}'
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.parent.parent.stat().st_mode) == 0o700


def test_machines_of_an_application_that_stay_silent_are_told_and_do_not_stop_it(belt: Belt) -> None:
    belt.doors = FakeDoors(silent={ADDRESS})
    outcome = belt.brought(dict(BOTH))[1]
    assert (outcome.kind, outcome.machines[0].seconds) == ("applied", None)
    assert next(step.detail for step in outcome.steps if step.name == "ssh") == "web-1 silent"


def test_machines_of_a_cluster_that_stay_silent_end_it_before_the_playbook(belt: Belt) -> None:
    silent = kube_plan().machines[0]
    belt.doors = FakeDoors(silent={silent.address.split("/")[0]})
    outcome = belt.brought(dict(KUBE))[1]
    assert (outcome.kind, outcome.code) == ("failed", Code.CAPACITY)
    assert silent.name in outcome.message
    assert belt.playbooks is not None
    assert belt.playbooks.runs == []


def test_ssh_is_tried_at_the_configured_port_for_the_configured_time(belt: Belt) -> None:
    rules = config().apply.model_copy(update={"ssh_port": 2222, "ssh_seconds": 30})
    belt.settings = config(apply=rules)
    belt.brought(dict(WEB))
    assert belt.doors.asked == [(ADDRESS, 2222, 30.0)]


def test_without_ansible_a_cluster_stops_after_its_machines(belt: Belt) -> None:
    belt.playbooks = None
    outcome = belt.brought(dict(KUBE))[1]
    assert (outcome.kind, outcome.code) == ("failed", Code.CONFIG)
    assert "ansible-playbook" in outcome.message
    assert "run this workflow again" in outcome.remedy


@pytest.mark.parametrize("fault", ["task", "unreachable", "collections"])
def test_a_playbook_that_fails_ends_it_before_the_nodes(belt: Belt, fault: str) -> None:
    belt.playbooks = FakePlaybooks(fault=fault)  # type: ignore[arg-type]
    outcome = belt.brought(dict(KUBE))[1]
    assert (outcome.kind, steps(outcome)[-1]) == ("failed", "playbook failed")
    assert belt.built.log == []


def test_a_run_that_was_asked_to_stop_begins_no_further_stack(belt: Belt) -> None:
    belt.merged({**WEB, **files_of(web_plan(app="zoo"))})
    fresh(belt)
    stop = Refusal(code=Code.CONFLICT, message="Stopped by SIGINT during the apply of apps/web.", remedy="Again.")

    def stopped(_folder: Path) -> None:
        raise Refused(stop)

    belt.terraform.apply = stopped  # type: ignore[method-assign]
    outcomes = belt.apply()
    assert not isinstance(outcomes, Refusal)
    assert [(each.root, each.kind) for each in outcomes] == [("apps/web", "failed"), ("apps/zoo", "abandoned")]
    assert [name for verb, name in belt.terraform.log if verb == "plan"] == ["terraform"]
    assert "Run this workflow again" in outcomes[1].remedy


def test_a_run_that_was_asked_to_stop_while_planning_begins_no_further_stack(belt: Belt) -> None:
    belt.merged({**WEB, **files_of(web_plan(app="zoo"))})
    stop = Refusal(code=Code.CONFLICT, message="Stopped by SIGINT during the plan of apps/web.", remedy="Again.")
    tried: list[Path] = []

    def stopped(folder: Path, *, destroy: bool = False) -> None:
        del destroy
        tried.append(folder)
        raise Refused(stop)

    belt.terraform.plan = stopped  # type: ignore[method-assign, assignment]
    outcomes = belt.apply()
    assert not isinstance(outcomes, Refusal)
    assert [each.kind for each in outcomes] == ["abandoned", "abandoned"]
    assert len(tried) == 1


@pytest.mark.parametrize(("name", "kind"), [("wait", "failed"), ("read", "abandoned")])
def test_a_cancelled_run_tells_how_far_it_came(belt: Belt, name: str, kind: str) -> None:
    """SIGINT between two programs: GitHub gives seven seconds, enough to say it."""
    pull = belt.merged({**WEB, **files_of(web_plan(app="zoo"))})

    def cancelled(*_words: object, **_more: object) -> None:
        raise KeyboardInterrupt

    setattr(belt.doors if name == "wait" else belt.inventory, name, cancelled)
    outcomes = belt.apply()
    assert not isinstance(outcomes, Refusal)
    assert [each.kind for each in outcomes] == [kind, "abandoned"]
    assert outcomes[0].message.startswith("Stopped by SIGINT")
    assert belt.told(pull) == outcomes


def test_a_stack_that_fails_for_itself_does_not_keep_the_next_from_its_turn(belt: Belt) -> None:
    belt.merged({**WEB, **files_of(web_plan(app="zoo")), "apps/web/plan.json": "{"})
    outcomes = belt.apply()
    assert not isinstance(outcomes, Refusal)
    assert [(each.root, each.kind) for each in outcomes] == [("apps/web", "abandoned"), ("apps/zoo", "applied")]


def test_deployments_and_labels_say_the_same(belt: Belt) -> None:
    pull, outcome = belt.brought(dict(WEB))
    [made] = belt.hub.deployments
    assert (made.environment, made.commit) == ("apps/web", belt.main)
    assert [state for state, _, _ in made.states] == ["in_progress", "success"]
    assert pull.labels == ["ai-provision: applied"]
    assert outcome.pull == pull.number


def test_the_worst_outcome_is_the_label_and_a_later_success_replaces_it(belt: Belt) -> None:
    pull = belt.merged(dict(WEB))
    belt.terraform.fault = "halfway"
    belt.apply()
    assert pull.labels == ["ai-provision: failed"]
    belt.terraform.fault = ""
    belt.apply()
    assert pull.labels == ["ai-provision: applied"]
    assert len([each for each in belt.hub.comments[INFRA, pull.number] if ":apply -->" in each.body]) == 2


def test_a_local_run_asks_and_tells_nobody(belt: Belt) -> None:
    belt.main = belt.checkout.commit(dict(BOTH))
    outcome = one(belt.apply(local=True, event="local", ref=""))
    assert outcome.kind == "applied"
    assert "parity skipped" in steps(outcome)
    assert belt.hub.writes == []
