"""``/ai-destroy`` from the comment to its visible end: a pull request that names every loss, and nothing destroyed by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.flow.house import Office
from bot.flow.steps import Straight
from bot.handlers.dispatch import handle
from bot.model.command import Actor, Delivery, ThreadRef
from bot.model.outcome import Published
from bot.model.stack import REMOVED
from tests.edges.forge_contract import INFRA as GITHUB
from tests.edges.github_world import EmulatedWorld, emulated
from tests.fakes.clock import StoppedClock
from tests.fakes.forge import FakeForge
from tests.fakes.house import DESCRIPTION, EXAMPLES, INFRA, house, office
from tests.hostile.inert import problems_of

APP = "supermarket-inventory"
ROOT = f"apps/{APP}"
GOLDEN = Path(__file__).parents[1] / "rendering" / "golden"
THREAD = ThreadRef(owner="myorg", repo="infrastructure", number=7)
PROVISION = f'/ai-provision\n\ngit_repo: "https://github.com/myorg/{APP}"\napp_description: "{DESCRIPTION}"\n'


def golden(name: str) -> dict[str, str]:
    folder = GOLDEN / name
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def delivery(body: str, *, login: str = "ada", number: int = 7, comment_id: int = 99) -> Delivery:
    return Delivery(
        id=f"d-{number}-{comment_id}",
        event="issue_comment",
        action="created",
        thread=THREAD.model_copy(update={"number": number}),
        actor=Actor(login=login, id=7),
        comment_id=comment_id,
        body=body,
        created_at=datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
    )


@pytest.fixture
def forge() -> FakeForge:
    return holding(golden("supermarket"))


def holding(files: dict[str, str]) -> FakeForge:
    """A forge whose default branch holds these files."""
    made = FakeForge()
    made._base(INFRA).files.update(files)
    return made


def destroy(forge: FakeForge, words: str = APP, **where: Any) -> Published:
    published = handle(forge.hear(delivery(f"/ai-destroy {words}", **where)), office(forge), progress=lambda _: None)
    assert published is not None
    return published


def branch(forge: FakeForge, published: Published) -> dict[str, str]:
    assert published.pull is not None
    return forge.branches[INFRA, published.pull.branch].files


def words(forge: FakeForge) -> str:
    return forge.comments[INFRA, 7][-1].body


def test_an_application_becomes_a_tombstone_and_the_rest_of_the_repository_stays(forge: FakeForge) -> None:
    office(forge)
    before = dict(forge._base(INFRA).files)
    published = destroy(forge, f"{APP} data")
    assert (published.kind, published.code) == ("pull-request", None)
    files = branch(forge, published)
    assert [path for path in files if path.startswith(f"{ROOT}/")] == [f"{ROOT}/{REMOVED}"]
    assert json.loads(files[f"{ROOT}/{REMOVED}"]) == {"schema_version": 1, "removed": ROOT, "data": True}
    assert {path for path in before if not path.startswith(ROOT)} <= set(files)
    assert forge._base(INFRA).files == before
    assert forge.reactions[INFRA, 7, 99] == ["eyes", "rocket"]


def test_without_the_second_word_machines_with_data_stay(forge: FakeForge) -> None:
    document = json.loads(golden("supermarket")[f"{ROOT}/plan.json"])
    holding_data = [machine["name"] for machine in document["plan"]["machines"] if machine["data_disks"]]
    assert holding_data, "the golden application has a database"
    files = branch(forge, destroy(forge))
    assert f"{ROOT}/{REMOVED}" not in files
    assert not [path for path in files if "/kubernetes/" in path]
    kept = json.loads(files[f"{ROOT}/plan.json"])["plan"]
    assert ([machine["name"] for machine in kept["machines"]], kept["services"]) == (holding_data, [])
    body = forge.pulls[INFRA][-1].body
    assert "Stay, because they hold data" in body
    assert f"`/ai-destroy {APP} data`" in body


def test_the_loss_of_data_stands_at_the_top(forge: FakeForge) -> None:
    destroy(forge, f"{APP} data")
    body = forge.pulls[INFRA][-1].body
    head = body.split("###")[0]
    assert "**Data is lost**" in head
    assert "There is no way back" in head
    assert problems_of(body.replace("[!CAUTION]", "").replace("myorg/infrastructure#7", "thread")) == []


def test_nothing_is_promised_but_a_pull_request(forge: FakeForge) -> None:
    destroy(forge, f"{APP} data")
    assert "Nothing is destroyed before it is merged." in words(forge)
    assert "asked in myorg/infrastructure#7" in forge.pulls[INFRA][-1].body


def test_only_data_left_is_refused_with_the_second_word() -> None:
    forge = holding(golden("machine-postgresql"))
    published = destroy(forge, "postgresql")
    assert (published.kind, published.code) == ("refused", "policy")
    assert "/ai-destroy postgresql data" in words(forge)
    assert not forge.pulls.get(INFRA)
    assert destroy(forge, "postgresql data", comment_id=100).kind == "pull-request"


def test_a_cluster_goes_the_same_way() -> None:
    forge = holding(golden("cluster-ha"))
    files = branch(forge, destroy(forge, "ha"))
    assert [path for path in files if path.startswith("clusters/")] == [f"clusters/ha/{REMOVED}"]


@pytest.mark.parametrize("name", ["unknown", "supermarket"])
def test_an_unknown_name_is_refused(forge: FakeForge, name: str) -> None:
    published = destroy(forge, name)
    assert (published.kind, published.code) == ("refused", "syntax")
    assert f"neither apps/{name} nor clusters/{name}" in words(forge)


def test_what_is_gone_already_is_said() -> None:
    published = destroy(forge := holding({f"{ROOT}/{REMOVED}": '{"data": true}'}))
    assert (published.kind, published.code) == ("refused", "syntax")
    assert "was taken away before" in words(forge)


@pytest.mark.parametrize("edit", ["{", "", "[]", '{"schema_version": 1}'])
def test_an_edited_plan_is_refused(forge: FakeForge, edit: str) -> None:
    forge._base(INFRA).files[f"{ROOT}/plan.json"] = edit
    published = destroy(forge)
    assert (published.kind, published.code) == ("refused", "conflict")
    assert "Undo the edit" in words(forge)


def test_the_plan_of_another_folder_is_refused() -> None:
    plan = golden("supermarket")[f"{ROOT}/plan.json"]
    published = destroy(holding({"apps/other/plan.json": plan}), "other")
    assert published.code == "conflict"


@pytest.mark.parametrize("words_", ["", "a b c", f"{APP} all", f"{APP} DATA", "../x", "A", f"{APP}/x", "-x"])
def test_another_form_is_refused_with_the_right_one(forge: FakeForge, words_: str) -> None:
    published = destroy(forge, words_)
    assert (published.kind, published.code) == ("refused", "syntax")
    assert "/ai-destroy supermarket-inventory" in words(forge)


def test_without_write_permission_nothing_happens(forge: FakeForge) -> None:
    forge.permissions[INFRA, "eve"] = "read"
    published = destroy(forge, login="eve")
    assert (published.kind, published.code) == ("refused", "forbidden")
    assert not forge.pulls.get(INFRA)


def test_the_same_command_again_updates_the_same_pull_request(forge: FakeForge) -> None:
    destroy(forge)
    again = destroy(forge, f"{APP} data", comment_id=100)
    assert again.pull is not None
    assert (again.pull.created, len(forge.pulls[INFRA])) == (False, 1)
    assert f"{ROOT}/{REMOVED}" in branch(forge, again)


def test_on_github_it_is_opened_merged_and_the_application_can_come_back(tmp_path: Path) -> None:
    """The GitHub emulator with git: the tombstone holds nobody's place."""
    config = {".ai-provision.yaml": (EXAMPLES / "ai-provision.yaml").read_text()}
    with emulated(tmp_path) as world:
        world.github.add_repository(f"myorg/{APP}", {"README.md": "x"})
        world.github.push_commit(GITHUB, "alice", {**config, **golden("supermarket")})
        taken = told(world, f"/ai-destroy {APP} data")
        assert taken.pull is not None
        assert set(_below(world, taken.pull.branch)) == {f"{ROOT}/{REMOVED}"}
        world.github.merge(GITHUB, taken.pull.number, "alice")
        assert set(_below(world, "main")) == {f"{ROOT}/{REMOVED}"}
        assert told(world, f"/ai-destroy {APP}").code == "syntax"
        back = told(world, PROVISION)
        assert back.pull is not None, back
        files = set(_below(world, back.pull.branch))
        assert f"{ROOT}/plan.json" in files
        assert f"{ROOT}/{REMOVED}" not in files


def _below(world: EmulatedWorld, ref: str) -> list[str]:
    return [path for path in world.github.files(GITHUB, ref=ref) if path.startswith("apps/")]


def told(world: EmulatedWorld, body: str) -> Published:
    """Alice comments in a thread of her own."""
    thread = world.thread()
    comment = world.human_comment(thread, body)
    rooms = house()
    inside = Office(house=rooms, forge=world.forge, steps=Straight(clock=rooms.clock), infra_repo=GITHUB)
    what = delivery(body, login="alice", comment_id=comment)
    heard = what.model_copy(update={"thread": thread, "created_at": StoppedClock().now()})
    published = handle(heard, inside, progress=lambda _: None)
    assert published is not None
    return published
