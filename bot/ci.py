"""The GitHub Action: one event of a workflow run, served by the same handlers, with no server.

In: ``Settings`` and the environment that a runner gives. Out: ``ActionResult`` or ``Refusal``, and the same in the
runner's files. Never: a memory of earlier commands, a secret in a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bot import app, doctor, verbs
from bot.agents.reviewer import Reviewed
from bot.ci_runner import ActionResult, Runner, outputs, read_runner, write_output, write_summary
from bot.errors import EXIT_FAILED, Broken, Code, Refusal, Refused, Unavailable
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.flow.house import Office
from bot.flow.preview import Preview, WhenUnreachable
from bot.handlers.delivery import read_delivery
from bot.handlers.dispatch import job_of, run_job
from bot.model.cluster import ClusterSnapshot
from bot.model.command import Delivery
from bot.model.config import Config
from bot.model.job import Job
from bot.model.outcome import Published
from bot.ports import Inventory, Progress, Steps
from bot.rendering import status
from bot.rendering.inert import inert_code, inert_text
from bot.rendering.markdown import joined, table
from bot.rendering.pull_request import pull_text
from bot.rendering.redaction import redactor
from bot.settings import Settings

PLAN_FILE: Final = "ai-provision-plan.json"
WARNING: Final = (
    "> [!WARNING]\n> The pull request was opened with this job's own token. GitHub starts no workflows for it: close "
    "and reopen it to start its checks, or give the action a `token` of an App."
)
_LOG: Final = structlog.get_logger("ai_provision.action")
T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """An end, and its Markdown for the summary."""

    result: ActionResult
    text: str


@dataclass
class Kept:
    """Steps that keep the last plan that passed through them, for the file of the run."""

    inner: Steps
    reviewed: Reviewed | None = None

    def run(self, name: str, work: Callable[[], T], form: TypeAdapter[T], *, always: bool = False) -> T:
        """See ``bot.ports.Steps``."""
        result = self.inner.run(name, work, form, always=always)
        if isinstance(result, Reviewed):
            self.reviewed = result
        return result


class _Event(BaseModel):
    """The inputs of ``workflow_dispatch``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    inputs: dict[str, object] | None = None


def action(settings: Settings, environment: Mapping[str, str], *, progress: Progress) -> ActionResult | Refusal:
    """Serve the event, then write the outputs and the summary. What is wrong outside comes back as a value."""
    runner = read_runner(environment)
    if isinstance(runner, Refusal):
        return runner
    home = settings.infra_repo or environment.get("GITHUB_REPOSITORY") or None
    try:
        told = _served(runner, settings.model_copy(update={"infra_repo": home}), progress)
    except (Refused, Unavailable) as stop:
        told = stop.refusal
    redact = redactor(settings.secrets())
    write_summary(runner.summary, redact(_summary(told, runner)))
    ended = _redacted(told, redact) if isinstance(told, Refusal) else told.result
    for name, value in outputs(ended).items():
        write_output(runner.output, name, redact(value))
    return ended


def _redacted(refusal: Refusal, redact: Callable[[str], str]) -> Refusal:
    return refusal.model_copy(update={"message": redact(refusal.message), "remedy": redact(refusal.remedy)})


def _summary(told: Told | Refusal, runner: Runner) -> str:
    """What the run's page shows. A refusal outside of a thread is answered here and nowhere else."""
    if isinstance(told, Refusal):
        head, message, remedy = inert_code(told.code), inert_text(told.message), inert_text(told.remedy)
        return joined([f"**ai-provision** stopped: {head}", message, f"What to do: {remedy}"])
    return joined([told.text, WARNING if runner.job_token and told.result.pull else ""])


def _served(runner: Runner, settings: Settings, progress: Progress) -> Told | Refusal:
    """Inputs of the action come first, then those of a dispatch, then a command. Raises Refused or Unavailable."""
    if runner.given["GIT_REPO"] or runner.given["APP_DESCRIPTION"]:
        return _by_inputs(runner, settings, progress)
    if runner.event == "workflow_dispatch":
        return _dispatched(runner, settings, progress)
    delivery = read_delivery(runner.event, f"action-{runner.run}", runner.payload)
    return _NOTHING if delivery is None else _commanded(delivery, runner, settings, progress)


_NOTHING: Final = Told(
    ActionResult(end="nothing", said="The event holds no command."), "The event holds no command, so nothing was done."
)


def _by_inputs(runner: Runner, settings: Settings, progress: Progress) -> Told | Refusal:
    given = runner.given
    order = verbs.PlanOrder(
        git_repo=given["GIT_REPO"],
        app_description=given["APP_DESCRIPTION"],
        cluster=given["CLUSTER"] or "live",
        config=given["CONFIG"] or None,
    )
    if given["OPEN_PULL_REQUEST"] == "true":
        return _opened(order.model_copy(update={"folders": False}), runner, settings, progress)
    planned = verbs.plan(order, settings, progress=progress)
    if isinstance(planned, Refusal):
        return planned
    problem = verbs.write_files(planned.document, Path(given["OUT"])) if given["OUT"] else None
    if problem is not None:
        return problem
    said = f"Planned {planned.document.plan.app}: {len(planned.document.files)} files."
    plan = _written(runner, settings, _document(planned))
    return Told(ActionResult(end="planned", said=said, plan=plan), _plan_text(planned, Config()))


def _dispatched(runner: Runner, settings: Settings, progress: Progress) -> Told | Refusal:
    """A person with write permission started the workflow; without inputs the doctor looks at this runner."""
    try:
        inputs = _Event.model_validate(runner.payload).inputs or {}
    except ValidationError:
        inputs = {}
    git_repo, app_description = (str(inputs.get(name) or "") for name in ("git_repo", "app_description"))
    if not git_repo and not app_description:
        return _checked(settings)
    order = verbs.PlanOrder(git_repo=git_repo, app_description=app_description, folders=False)
    return _opened(order, runner, settings, progress)


def _checked(settings: Settings) -> Told:
    lines = doctor.check(settings)
    failed = [line.what for line in lines if line.state == "failed"]
    rows = [[line.state, inert_text(line.what), inert_text(line.found), inert_text(line.remedy)] for line in lines]
    said = f"{len(failed)} of {len(lines)} checks failed: {', '.join(failed) or 'none'}."
    result = ActionResult(end="checked", said=said, failed=bool(failed))
    return Told(result, table(["", "what", "found", "to do"], rows))


def _opened(order: verbs.PlanOrder, runner: Runner, settings: Settings, progress: Progress) -> Told | Refusal:
    """Plan by the config file of the infrastructure repository, and open the pull request."""
    config = _config(settings)
    if isinstance(config, Refusal):
        return config
    reach: WhenUnreachable = "draft" if config.when_unreachable == "draft" else "refuse"
    planned = verbs.plan(order, settings, progress=progress, config=config, when_unreachable=reach)
    if isinstance(planned, Refusal):
        return planned
    plan = _written(runner, settings, _document(planned))
    pull = verbs.open_pull(planned, order, settings, progress=progress, config=config)
    if isinstance(pull, Refusal):
        return pull
    said = f"Pull request {pull.url}"
    result = ActionResult(end="pull-request", said=said, pull=pull, plan=plan)
    return Told(result, joined([said, _plan_text(planned, config)]))


def _config(settings: Settings) -> Config | Refusal:
    office = _office(settings.without_models(), app.SnapshotInventory(ClusterSnapshot()))
    if isinstance(office, Refusal):
        return office
    if office.infra_repo is None:
        return verbs.NO_INFRA_REPO
    return read_config(office.forge.file(office.infra_repo, CONFIG_PATH), yaml=office.house.yaml)


def _office(settings: Settings, inventory: Inventory) -> Office | Refusal:
    return app.build_office(settings, house=app.build_house(settings, inventory=inventory))


def _commanded(delivery: Delivery, runner: Runner, settings: Settings, progress: Progress) -> Told | Refusal:
    """The command of a comment, an issue or a pull request; its answer stands in the thread."""
    office = _office(settings, app.build_inventory(settings))
    if isinstance(office, Refusal):
        return office
    kept = Kept(office.steps)
    job = job_of(delivery, hosts=office.git_hosts, login=office.login, now=office.house.clock.now())
    if job is None:
        return _NOTHING
    published = _end_of(job, replace(office, steps=kept), progress)
    result = ActionResult(
        end=published.kind,
        said=_sentence(published),
        code=published.code or "",
        pull=published.pull,
        plan=_written(runner, settings, _plan_json(kept.reviewed)),
        failed=is_failure(published),
    )
    where = f"The thread has the answer: {published.comment_url}" if published.comment_url else ""
    return Told(result, joined([result.said, where]))


def _end_of(job: Job, office: Office, progress: Progress) -> Published:
    """The end of a command; a defect is answered in the thread too. Raises Refused or Unavailable."""
    try:
        return run_job(job, office, progress=progress)
    except (Refused, Unavailable):
        raise
    except Exception as defect:  # noqa: BLE001 - the command meets the world here; the log keeps what it was
        _LOG.exception("defect", kind=type(defect).__name__)
    try:
        body = status.apology(job=job.order.job)
        url = office.forge.say(job.order.thread, marker=job.order.job, body=body)
    except (Refused, Unavailable, Broken):
        return Published(kind="failed", code=Code.INTERNAL)
    return Published(kind="failed", code=Code.INTERNAL, comment_url=url)


def _sentence(published: Published) -> str:
    if published.pull is not None:
        return f"Pull request {published.pull.url}"
    if published.kind == "asked":
        return "A question was asked in the thread; nothing was opened yet."
    code = f" ({published.code})" if published.code else ""
    return f"The command was {published.kind}{code}."


def is_failure(published: Published) -> bool:
    """A refusal is an answer; an outage or a defect is a failed step."""
    if published.kind != "refused" or published.code is None:
        return published.kind == "failed"
    return Refusal(code=Code(published.code), message="", remedy="").exit_code == EXIT_FAILED


def _plan_json(reviewed: Reviewed | None) -> str:
    """The ``plan.json`` of the change set: the same document, the text of its files left out."""
    files = reviewed.changes.files if reviewed else ()
    return next((file.content for file in files if file.path.endswith("/plan.json")), "")


def _document(planned: Preview) -> str:
    return planned.document.model_dump_json(by_alias=True) + "\n"


def _written(runner: Runner, settings: Settings, text: str) -> str:
    """Write the plan's file; its path, empty without a plan. Raises Refused when it cannot be written."""
    if not text:
        return ""
    path = runner.temporary / PLAN_FILE
    problem = verbs.write_text(path, redactor(settings.secrets())(text))
    if problem is not None:
        raise Refused(problem)
    return str(path)


def _plan_text(planned: Preview, config: Config) -> str:
    rounds = sum(each.kept for each in planned.reviewed.rounds)
    before = planned.reviewed.evidence.before
    text = pull_text(
        planned.document, config=config, draft=planned.draft, rounds=rounds, efforts=planned.efforts, before=before
    )
    return text.body
