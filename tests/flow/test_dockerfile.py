"""A Dockerfile is proposed only when asked, by somebody who may write there, beside what is there, and once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.demo import APPLICATION
from bot.errors import Code, Refusal, Refused
from bot.flow.dockerfile import STEP, asked, lacking, propose
from bot.flow.house import Office
from bot.flow.preview import Preview, preview
from bot.flow.steps import Straight
from bot.model.additions import Additions
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.command import Actor, FolderTarget, Provision, RepoTarget, ThreadRef
from bot.model.config import Config
from bot.model.demand import Settled
from bot.model.order import Order
from bot.model.outcome import PullRequest
from bot.ports import Permission, PullText, Steps
from bot.rendering.dockerfile import DOCKERIGNORE
from bot.rendering.dockerfile_pull import dockerfile_pull
from tests.fakes.clock import StoppedClock
from tests.fakes.forge import FakeBranch, FakeForge
from tests.fakes.house import INFRA, FolderRepos, house, office

T = TypeVar("T")
AT = datetime(2026, 3, 1, tzinfo=UTC)
ORDER = Order(
    thread=ThreadRef(owner="myorg", repo="infrastructure", number=7),
    actor=Actor(login="ada", id=1),
    comment_id=1,
    at=AT,
    body_digest="0" * 64,
)
OWNER, NAME = APPLICATION.split("/")
COMMAND = Provision(target=RepoTarget(host="github.com", owner=OWNER, name=NAME), app_description="20 QPS peak")
FILES = {
    "api/go.mod": "module example.org/api\n\ngo 1.23\n\nrequire github.com/gin-gonic/gin v1.9.0\n",
    "api/main.go": 'package main\nimport "github.com/gin-gonic/gin"\n'
    'func main() { r := gin.Default(); r.GET("/healthz", h); r.Run(":8080") }\n',
}


@dataclass
class AddingForge(FakeForge):
    """The fake with files that are added: nothing is taken away, nothing that exists is replaced."""

    texts: list[PullText] = field(default_factory=list)

    def publish(
        self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText, message: str, when: datetime
    ) -> PullRequest:
        if not isinstance(changes, Additions):
            return super().publish(
                repo, branch=branch, marker=marker, changes=changes, text=text, message=message, when=when
            )
        base = self._base(repo)
        if any(file.path in base.files for file in changes.files):
            raise Refused(Refusal(code=Code.CONFLICT, message="it is there", remedy="look"))
        self.texts.append(text)
        whole = ChangeSet(root="apps/x", files=(RenderedFile(path="apps/x/plan.json", content="{}"),))
        pull = super().publish(repo, branch=branch, marker=marker, changes=whole, text=text, message=message, when=when)
        self.branches[repo, pull.branch] = FakeBranch(
            {**base.files, **{file.path: file.content for file in changes.files}}
        )
        return pull


@dataclass
class CountedSteps:
    """Straight steps that say their names."""

    inside: Steps
    names: list[str] = field(default_factory=list)

    def run(self, name: str, work: object, form: TypeAdapter[T], *, always: bool = False) -> T:
        self.names.append(name)
        return self.inside.run(name, work, form, always=always)  # type: ignore[arg-type]


@dataclass
class Scene:
    """A planned application without a Dockerfile, and the forge that holds it."""

    planned: Preview
    forge: AddingForge
    office: Office
    steps: CountedSteps

    def propose(self, command: Provision = COMMAND, config: Config | None = None) -> PullRequest | Refusal:
        return propose(self.planned, command, ORDER, self.office, config=config or Config())

    @property
    def base(self) -> dict[str, str]:
        return self.forge._base(APPLICATION).files


def scene(
    root: Path, *, answer: str | None = "propose", may: Permission = "write", files: dict[str, str] = FILES
) -> Scene:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    rooms = house(repos=FolderRepos(folder=root))
    config = Config()
    planned = preview(
        COMMAND,
        rooms,
        steps=Straight(clock=rooms.clock),
        config=config,
        when_unreachable="go-on",
        progress=lambda _: None,
    )
    assert isinstance(planned, Preview), planned
    if answer is not None:
        demand = planned.document.demand.model_copy(update={"settled": (Settled(key="dockerfile", value=answer),)})
        planned = planned.model_copy(update={"document": planned.document.model_copy(update={"demand": demand})})
    forge = AddingForge()
    forge.permissions[APPLICATION, "ada"] = may
    forge._base(APPLICATION).files.update(files)
    steps = CountedSteps(Straight(clock=StoppedClock()))
    made = office(forge, inside=rooms)
    return Scene(planned, forge, Office(house=rooms, forge=forge, steps=steps, infra_repo=made.infra_repo), steps)


def test_one_pull_request_adds_what_is_missing_and_keeps_the_rest(tmp_path: Path) -> None:
    here = scene(tmp_path)
    pull = here.propose()
    assert isinstance(pull, PullRequest)
    assert pull.branch.startswith("ai-provision/dockerfile-api-")
    assert len(pull.branch) == len("ai-provision/dockerfile-api-") + 8
    there = here.forge.branches[APPLICATION, pull.branch].files
    assert there == {**FILES, "api/.dockerignore": DOCKERIGNORE, "api/Dockerfile": there["api/Dockerfile"]}
    assert "FROM golang:1.23-bookworm AS build" in there["api/Dockerfile"]
    assert here.steps.names == [STEP] == ["publish-dockerfile"]
    [text] = here.forge.texts
    assert text.title == "Add a Dockerfile for api"
    assert "myorg/infrastructure" in text.body
    assert "`docker build --tag api api`" in text.body
    assert here.forge.pulls.get(INFRA) is None


def test_the_same_order_again_is_the_same_pull_request(tmp_path: Path) -> None:
    here = scene(tmp_path)
    first, second = here.propose(), here.propose()
    assert isinstance(first, PullRequest)
    assert isinstance(second, PullRequest)
    assert (first.number, first.branch) == (second.number, second.branch)
    assert [second.created, len(here.forge.pulls[APPLICATION])] == [False, 1]


@pytest.mark.parametrize("answer", [None, "no", "Propose", "write"])
def test_nobody_who_did_not_ask_gets_one(answer: str | None, tmp_path: Path) -> None:
    here = scene(tmp_path, answer=answer)
    refusal = here.propose()
    assert isinstance(refusal, Refusal)
    assert not asked(here.planned)
    assert "[dockerfile=propose]" in refusal.remedy
    assert (here.steps.names, here.forge.writes, here.forge.pushes) == ([], [], 0)


@pytest.mark.parametrize("may", ["none", "read", "triage"])
def test_who_may_not_write_there_gets_none(may: Permission, tmp_path: Path) -> None:
    here = scene(tmp_path, may=may)
    refusal = here.propose()
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.FORBIDDEN
    assert may in refusal.message
    assert (here.forge.writes, here.forge.pushes) == ([], 0)


@pytest.mark.parametrize("may", ["write", "maintain", "admin"])
def test_who_may_write_there_gets_one(may: Permission, tmp_path: Path) -> None:
    assert isinstance(scene(tmp_path, may=may).propose(), PullRequest)


@pytest.mark.parametrize(
    ("command", "config"),
    [
        (Provision(target=FolderTarget(folder="/x"), app_description="x"), Config()),
        (Provision(target=RepoTarget(host="gitlab.com", owner=OWNER, name=NAME), app_description="x"), Config()),
        (COMMAND, Config(git_hosts=("git.example.org",))),
    ],
    ids=["folder", "other-forge", "host-not-listed"],
)
def test_only_a_repository_of_the_same_forge(command: Provision, config: Config, tmp_path: Path) -> None:
    here = scene(tmp_path)
    refusal = here.propose(command, config)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.REPO_HOST
    assert here.steps.names == []


def test_never_over_a_dockerfile_that_is_there_by_now(tmp_path: Path) -> None:
    here = scene(tmp_path)
    here.base["api/Dockerfile"] = "FROM scratch\n"
    refusal = here.propose()
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.CONFLICT
    assert here.base["api/Dockerfile"] == "FROM scratch\n"
    assert here.forge.pushes == 0


def test_a_dockerignore_that_is_there_stays(tmp_path: Path) -> None:
    here = scene(tmp_path)
    here.base["api/.dockerignore"] = "mine\n"
    pull = here.propose()
    assert isinstance(pull, PullRequest)
    assert here.forge.branches[APPLICATION, pull.branch].files["api/.dockerignore"] == "mine\n"


OLD = {
    "old/requirements.txt": "flask\ngunicorn\n",
    "old/app.py": "from flask import Flask\napp = Flask(__name__)\n@app.route('/x')\ndef x():\n    return 'x'\n",
    "old/Procfile": "web: flask db upgrade && gunicorn --bind 0.0.0.0:5000 app:app\n",
}
"""Its start command is no list of plain words."""


def test_what_cannot_be_proposed_is_said(tmp_path: Path) -> None:
    here = scene(tmp_path, files={**FILES, **OLD})
    assert [service.name for service in lacking(here.planned)] == ["api", "old"]
    pull = here.propose()
    assert isinstance(pull, PullRequest)
    [text] = here.forge.texts
    assert "Not proposed: No Dockerfile can be proposed for old" in text.body
    assert "old/Dockerfile" not in here.forge.branches[APPLICATION, pull.branch].files


def test_nothing_that_can_be_proposed_is_one_refusal(tmp_path: Path) -> None:
    here = scene(tmp_path, files=OLD)
    refusal = here.propose()
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.SYNTAX
    assert "a start command in plain words" in refusal.message
    assert here.forge.pushes == 0


def test_an_outage_of_the_forge_is_a_value(tmp_path: Path) -> None:
    class Away(AddingForge):
        def permission(self, thread: ThreadRef, login: str) -> Permission:
            raise Refused(Refusal(code=Code.GITHUB_AUTH, message=f"{thread.full_name} {login}", remedy="y"))

    here = scene(tmp_path)
    away = Office(house=here.office.house, forge=Away(), steps=here.steps, infra_repo=INFRA)
    refusal = propose(here.planned, COMMAND, ORDER, away, config=Config())
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.GITHUB_AUTH


def test_words_of_others_in_the_text_do_nothing(tmp_path: Path) -> None:
    here = scene(tmp_path)
    [service] = lacking(here.planned)
    left = (Refusal(code=Code.SYNTAX, message="@everyone <img src=x> [a](http://evil)", remedy="x"),)
    text = dockerfile_pull((service,), (), left=left, asked_by="myorg/infra#7")
    assert "@everyone" not in text.body
    assert "\\<img" in text.body
    assert "](http" not in text.body


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a//b", ".git/config", ".github/workflows/x.yml", "a/.gitmodules", "a b", "x\ny", "-x", "."]
)
def test_no_other_path_is_added(path: str) -> None:
    with pytest.raises(ValidationError):
        Additions(files=(RenderedFile(path=path, content=""),))


def test_additions_have_no_root_and_an_order() -> None:
    files = tuple(RenderedFile(path=path, content="") for path in ("b", "a"))
    for wrong in ({"files": files}, {"files": ()}, {"root": "api", "files": files[:1]}):
        with pytest.raises(ValidationError):
            Additions.model_validate(wrong)
