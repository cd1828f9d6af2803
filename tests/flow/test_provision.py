"""The belt with fakes: one visible end for every command, and nothing before the permission."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.app import LiveInventory, SnapshotInventory
from bot.capacity.combine import combine
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.house import House
from bot.handlers.dispatch import handle
from bot.model.command import Actor, Delivery, ThreadRef
from bot.model.outcome import Published
from tests.fakes.forge import FakeForge
from tests.fakes.house import DESCRIPTION, INFRA, BrokenInventory, FolderRepos, house, office, snapshot

THREAD = ThreadRef(owner="myorg", repo="infrastructure", number=7)
COMMAND = (
    f'/ai-provision\n\ngit_repo: "https://github.com/myorg/supermarket-inventory"\napp_description: "{DESCRIPTION}"\n'
)
GITHUB_DOWN = Unavailable(Code.RATE, "GitHub asks to wait.", remedy="Wait.", retry_after=60)
CLONE_FAILED = Refused(Refusal(code=Code.REPO_TOO_BIG, message="over 150,000 entries", remedy="name a part"))
PVE_DOWN = Unavailable(Code.CAPACITY, "Proxmox VE did not answer.", remedy="Try again.")


def half_down() -> LiveInventory:
    """Proxmox VE does not answer; Kubernetes does."""
    kubernetes = combine([snapshot().model_copy(update={"proxmox": None, "nodes": snapshot().of("kubernetes")})])
    return LiveInventory(proxmox=BrokenInventory(PVE_DOWN), kubernetes=SnapshotInventory(kubernetes))


def delivery(body: str = COMMAND, *, login: str = "ada", comment_id: int | None = 99) -> Delivery:
    return Delivery(
        id="d-1",
        event="issue_comment",
        action="created",
        thread=THREAD,
        actor=Actor(login=login, id=7),
        comment_id=comment_id,
        body=body,
        created_at=datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
    )


def run(
    forge: FakeForge, what: Delivery | None = None, *, inside: House | None = None, **config: str
) -> Published | None:
    files = {".ai-provision.yaml": config["config"]} if config else None
    heard = forge.hear(what or delivery())
    return handle(heard, office(forge, inside=inside, files=files), progress=lambda _step: None)


def comment_of(forge: FakeForge) -> str:
    [comment] = forge.comments["myorg/infrastructure", 7]
    return comment.body


def test_a_command_becomes_one_pull_request_and_one_comment() -> None:
    forge = FakeForge()
    published = run(forge)
    assert published is not None
    assert published.pull is not None
    assert published.pull.created
    [pull] = forge.pulls[INFRA]
    assert pull.body.splitlines()[0].startswith(
        "**Application** `supermarket-inventory` · **environment** `production`"
    )
    assert f"pull/{pull.number}" in comment_of(forge)
    assert forge.reactions["myorg/infrastructure", 7, 99] == ["eyes", "rocket"]
    assert forge.writes == ["react", "comment", "edit comment", "pull", "edit comment", "react"]


def test_the_branch_holds_both_kinds_of_files() -> None:
    forge = FakeForge()
    published = run(forge)
    assert published is not None
    assert published.pull is not None
    files = set(forge.branches[INFRA, published.pull.branch].files)
    root = "apps/supermarket-inventory"
    assert {f"{root}/README.md", f"{root}/plan.json", f"{root}/terraform/main.tf"} <= files
    assert f"{root}/kubernetes/kustomization.yaml" in files


def test_the_same_command_again_changes_nothing() -> None:
    forge = FakeForge()
    run(forge)
    body, writes = comment_of(forge), len(forge.writes)
    again = run(forge)
    assert again is not None
    assert again.pull is not None
    assert not again.pull.created
    assert forge.pushes == 1
    assert len(forge.pulls[INFRA]) == 1
    assert comment_of(forge).replace("updated", "opened") == body
    assert "pull" not in forge.writes[writes:]


def test_another_thread_that_wants_the_same_application_is_a_conflict() -> None:
    forge = FakeForge()
    run(forge)
    other = delivery().model_copy(update={"thread": THREAD.model_copy(update={"number": 8})})
    published = run(forge, other)
    assert published is not None
    assert (published.kind, published.code) == ("refused", "conflict")
    assert len(forge.pulls[INFRA]) == 1


@pytest.mark.parametrize("permission", ["none", "read", "triage"])
def test_without_write_permission_nothing_happens_but_one_reply(permission: str) -> None:
    forge, repos = FakeForge(), FolderRepos()
    forge.permissions[INFRA, "eve"] = permission  # type: ignore[assignment]
    published = run(forge, delivery(login="eve"), inside=house(repos=repos))
    assert published is not None
    assert published.code == "forbidden"
    assert permission in comment_of(forge)
    assert "write" in comment_of(forge)
    assert (forge.writes, repos.reads) == (["comment"], 0)


def test_a_stranger_with_a_wrong_command_hears_forbidden_not_syntax() -> None:
    forge = FakeForge()
    published = run(forge, delivery("/ai-provision\nnonsense", login="eve"))
    assert published is not None
    assert published.code == "forbidden"


@pytest.mark.parametrize("needed", ["maintain", "admin"])
def test_the_config_can_ask_for_more(needed: str) -> None:
    forge = FakeForge()
    published = run(forge, config=f"commands: {{minimum_permission: {needed}}}")
    assert published is not None
    assert published.code == "forbidden"
    assert needed in comment_of(forge)


def test_a_list_of_users_is_obeyed() -> None:
    forge = FakeForge()
    published = run(forge, config="commands: {users: [grace]}")
    assert published is not None
    assert published.code == "forbidden"


def test_strangers_can_be_left_without_a_reply() -> None:
    forge = FakeForge()
    published = run(forge, delivery(login="eve"), config="commands: {reply_to_strangers: false}")
    assert published is not None
    assert (published.code, forge.writes) == ("forbidden", [])


@pytest.mark.parametrize("body", ["hello", "> /ai-provision", "```\n/ai-provision\n```", "thanks\n/ai-help"])
def test_prose_is_not_even_looked_up(body: str) -> None:
    forge = FakeForge()
    assert run(forge, delivery(body)) is None
    assert (forge.writes, forge.comments) == ([], {})


def test_a_wrong_command_shows_the_right_one() -> None:
    forge = FakeForge()
    published = run(forge, delivery(COMMAND + "replicas: 5\n"))
    assert published is not None
    assert published.code == "syntax"
    assert "`syntax`" in comment_of(forge)
    assert "```text\n/ai-provision" in comment_of(forge)
    assert "replicas" in comment_of(forge)


def test_help_and_commands_of_later_versions() -> None:
    forge = FakeForge()
    helped = run(forge, delivery("/ai-help"))
    assert helped is not None
    assert helped.kind == "answered"
    assert "/ai-provision" in comment_of(forge)
    later = run(FakeForge(), delivery("/ai-refine replicas=5"))
    assert later is not None
    assert later.kind == "refused"


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (lambda: house(repos=FolderRepos(stop=CLONE_FAILED)), "repo-too-big"),
        (lambda: house(repos=FolderRepos(stop=GITHUB_DOWN)), "rate"),
        (lambda: house(inventory=half_down()), "capacity"),
    ],
    ids=["clone-refused", "outage", "cluster-down"],
)
def test_every_stop_ends_in_one_comment_with_its_code(inside: object, code: str) -> None:
    forge = FakeForge()
    published = run(forge, inside=inside())  # type: ignore[operator]
    assert published is not None
    assert (published.kind, published.code) == ("refused", code)
    assert f"`{code}`" in comment_of(forge)
    assert forge.reactions["myorg/infrastructure", 7, 99] == ["eyes", "confused"]
    assert INFRA not in forge.pulls


def test_a_cluster_that_does_not_answer_can_give_a_draft_where_the_config_says_so() -> None:
    forge = FakeForge()
    inside = house(inventory=half_down())
    published = run(
        forge, inside=inside, config="when_unreachable: draft\ndefaults: {template_id: 9000, datastore: a, bridge: b}"
    )
    assert published is not None
    assert published.pull is not None, published
    assert published.pull.draft
    body = forge.pulls[INFRA][0].body
    assert "Capacity unverified" in body
    assert "Proxmox VE did not answer" in body
    assert "k8s-worker-1" in body, "what the other cluster said is kept"


def test_a_broken_config_file_stops_with_its_key() -> None:
    forge = FakeForge()
    published = run(forge, config="limit: {}")
    assert published is not None
    assert published.code == "config"
    assert "limits" in comment_of(forge)


def test_a_host_that_the_config_does_not_list_is_refused_before_any_clone() -> None:
    forge, repos = FakeForge(), FolderRepos()
    published = run(forge, inside=house(repos=repos), config="git_hosts: [git.example.org]")
    assert published is not None
    assert (published.code, repos.reads) == ("repo-host", 0)
