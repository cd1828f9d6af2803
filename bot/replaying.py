"""``replay``: the judgement of a finished job once more, offline, from what its steps remember.

    job ─▶ admission, read-repository, read-clusters, plan ─▶ judged again, with the recorded answers ─▶ Replayed

In: a job's key and the settings. Out: ``Replayed``, or a ``Refusal``. Never: a network call (no forge, no cluster, no
model is even built), a write to the records, a lock that a worker would wait for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.agents.context import Context
from bot.agents.desk import Desk
from bot.agents.judgement import Judging, judge
from bot.agents.reviewer import Reviewed
from bot.agents.trace import RecordedCounsel
from bot.checkpoint import Checkpoint, opened
from bot.edges.checkpoints import has_records, read_checkpoints
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.edges.terraform import TerraformToolbox
from bot.errors import Broken, Cancelled, Code, Refusal, Refused, Unavailable
from bot.flow.preview import Facts
from bot.handlers.provision import parse_request
from bot.model.cluster import ClusterSnapshot
from bot.model.command import Provision, RepoTarget
from bot.model.config import Config
from bot.model.consultation import Effort
from bot.model.document import Document, Request
from bot.model.evidence import Piece
from bot.model.job import Job
from bot.ports import Toolbox
from bot.rendering.replayed import (
    AgentRun,
    Replayed,
    different_decisions,
    different_files,
    notes_on_checks,
    report,
)
from bot.settings import Settings

__all__ = ["Replayed", "replay", "report"]

T = TypeVar("T")
_KEY: Final = re.compile(r"[0-9a-f]{12,64}", re.ASCII)
_CONFIG: Final[TypeAdapter[Config | Refusal]] = TypeAdapter(Config | Refusal)
_FACTS: Final[TypeAdapter[Facts | Refusal]] = TypeAdapter(Facts | Refusal)
_SNAPSHOT: Final[TypeAdapter[ClusterSnapshot | Refusal]] = TypeAdapter(ClusterSnapshot | Refusal)
_REVIEWED: Final[TypeAdapter[Reviewed | Refusal]] = TypeAdapter(Reviewed | Refusal)


@dataclass(frozen=True)
class RecordedLibrary:
    """``bot.counsel.Library`` of what was retrieved then."""

    pieces: tuple[Piece, ...]

    def find(self, words: tuple[str, ...], *, brought: tuple[Piece, ...] = (), limit: int = 8) -> tuple[Piece, ...]:
        """The same pieces whatever is asked: which of them suited which words is not recorded."""
        del words, brought
        return self.pieces[:limit]


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """The remembered steps of one job."""

    job: Job
    config: Config
    facts: Facts
    snapshot: ClusterSnapshot
    reviewed: Reviewed


def replay(key: str, settings: Settings, *, toolbox: Toolbox | None = None) -> Replayed | Refusal:
    """Judge a finished job again and compare. ``key``: a job's key, or at least its first 12 digits.

    Raises Refused or Unavailable when the records cannot be read, Broken where the judgement itself is broken.
    """
    job = _job(key, settings)
    if isinstance(job, Refusal):
        return job
    kept = _kept(job, read_checkpoints(settings.database_url, job.id))
    if isinstance(kept, Refusal):
        return kept
    return _again(kept, settings, toolbox or TerraformToolbox())


def _job(key: str, settings: Settings) -> Job | Refusal:
    if _KEY.fullmatch(key) is None:
        return _refused("JOB is not the key of a job: 12 to 64 hexadecimal digits.", _WHERE)
    if not has_records(settings.database_url):
        return _refused("There are no records yet at AI_PROVISION_DATABASE_URL.", _SAME_DATABASE)
    with open_ledger(settings.database_url, clock=RealClock()) as ledger:
        job = ledger.get(key)
    if job is None:
        return _refused(f"No job begins with {key[:12]}, or several do.", f"{_WHERE} {_SAME_DATABASE}")
    if job.state != "ended":
        return Refusal(
            code=Code.BUSY,
            message=f"Job {job.id[:12]} has not ended; it is {job.state}.",
            remedy="Replay it when its answer stands in the thread.",
        )
    return job


_WHERE: Final = "The key stands at the end of the bot's comment, and under /jobs."
_SAME_DATABASE: Final = "Set AI_PROVISION_DATABASE_URL to the database of the workers."


def _refused(message: str, remedy: str) -> Refusal:
    return Refusal(code=Code.SYNTAX, message=message, remedy=remedy)


def _kept(job: Job, steps: Mapping[str, Checkpoint]) -> _Kept | Refusal:
    if not steps:
        return _refused(
            f"The steps of job {job.id[:12]} are no longer kept.",
            "Steps are deleted AI_PROVISION_KEEP_DAYS days after their end; replay a later job.",
        )
    try:
        return _Kept(
            job=job,
            reviewed=_step(job, steps, "plan", _REVIEWED),
            facts=_step(job, steps, "read-repository", _FACTS),
            config=_step(job, steps, "admission", _CONFIG),
            snapshot=_step(job, steps, "read-clusters", _SNAPSHOT),
        )
    except Refused as stop:
        return stop.refusal
    except ValidationError:
        return _refused(
            f"The steps of job {job.id[:12]} were recorded by a version that this one does not know.",
            "Replay it with the version that ran it.",
        )


def _step(job: Job, steps: Mapping[str, Checkpoint], name: str, form: TypeAdapter[T | Refusal]) -> T:
    """What a step gave. Raises Refused with the reason why there is nothing to judge again."""
    checkpoint = steps.get(name)
    if checkpoint is None:
        raise Refused(_no_plan(job, f"it never came to the step {name}"))
    try:
        result = opened(checkpoint, form)
    except (Refused, Unavailable) as stop:
        raise Refused(_no_plan(job, f"its step {name} ended with {stop.refusal.code}")) from stop
    except Cancelled as stop:
        raise Refused(_no_plan(job, "it was cancelled")) from stop
    except Broken as stop:
        raise Refused(_no_plan(job, f"its step {name} ended with a defect, see the log of its worker")) from stop
    if isinstance(result, Refusal):
        raise Refused(_no_plan(job, f"its step {name} ended with {result.code}"))
    return result


def _no_plan(job: Job, why: str) -> Refusal:
    end = job.published.code or job.published.kind if job.published else "nothing"
    return _refused(
        f"Job {job.id[:12]} ({job.name}, ended with {end}) made no plan: {why}.",
        "Replay the job of an /ai-provision, /ai-refine or /ai-retry that opened or updated a pull request.",
    )


def _again(kept: _Kept, settings: Settings, toolbox: Toolbox) -> Replayed | Refusal:
    request = _request(kept)
    if isinstance(request, Refusal):
        return request
    then = kept.reviewed
    counsel = RecordedCounsel(then.answers) if then.answers else None
    desk = Desk(counsel=counsel, library=RecordedLibrary(then.evidence.pieces), asking=then.inquiry is not None)
    now = judge(
        Judging(
            context=Context(
                request=request, collected=kept.facts.collected, snapshot=kept.snapshot, config=kept.config
            ),
            refinements=request.refinements,
            repo_owner=_owner(request, settings),
            commit=kept.facts.commit,
            toolbox=toolbox,
            desk=desk,
            evidence=then.evidence,
        )
    )
    if isinstance(now, Refusal):
        message = f"Judged again, the job is refused, which it was not then: {now.message}"
        return now.model_copy(update={"message": message})
    return _compared(kept, now, () if counsel is None else tuple(counsel.mismatches))


def _request(kept: _Kept) -> Request | Refusal:
    """What was asked: by the command itself, else by the plan that the job wrote (``/ai-refine``, ``/ai-retry``)."""
    command, facts = kept.job.command, kept.facts
    if isinstance(command, Provision):
        return Request(
            git_repo=command.target.url,
            app_description=command.app_description,
            ref=facts.ref,
            commit=facts.commit,
        )
    changes = kept.reviewed.changes
    text = changes.content(f"{changes.root}/plan.json")
    try:
        return Document.model_validate_json(text or "").request
    except ValidationError:
        return _no_plan(kept.job, "its files hold no plan.json that this version reads")


def _owner(request: Request, settings: Settings) -> str | None:
    """The owner in the address, which names images to build; any host, because nothing is read from it."""
    host = request.git_repo.removeprefix("https://").partition("/")[0]
    command = parse_request(
        request.git_repo, request.app_description, hosts=(*settings.allowed_git_hosts, host), folders=True
    )
    target = None if isinstance(command, Refusal) else command.target
    return target.owner if isinstance(target, RepoTarget) else None


def _compared(kept: _Kept, now: Reviewed, mismatches: Sequence[object]) -> Replayed:
    then = kept.reviewed
    files = different_files(then.changes, now.changes)
    decisions = different_decisions(then.plan.decisions, now.plan.decisions)
    return Replayed(
        job=kept.job.id,
        app=then.plan.app,
        same=not files and not decisions,
        files=len(then.changes.files),
        rounds_recorded=len(then.rounds),
        rounds_again=len(now.rounds),
        different_files=files,
        different_decisions=decisions,
        agents=_agents(kept, now),
        efforts=_efforts(kept),
        notes=(*notes_on_checks(then.findings, now.findings), *(f"Not as recorded: {each}" for each in mismatches)),
    )


def _agents(kept: _Kept, now: Reviewed) -> tuple[AgentRun, ...]:
    """Each agent once; the collector spoke in an earlier step, which is taken over."""
    own = kept.facts.collected.consultation
    again: dict[str, str] = {each.agent: each.digest for each in now.consultations if each.agent != "collector"}
    others = (each for each in kept.reviewed.consultations if own is None or each.agent != own.agent)
    return tuple(
        AgentRun(agent=each.agent, model=each.model, recorded=each.digest, again=again.get(each.agent))
        for each in (*([own] if own else []), *others)
    )


def _efforts(kept: _Kept) -> tuple[Effort, ...]:
    """What the models cost: the job's record, else the steps."""
    published = kept.job.published
    return (published.efforts if published else ()) or (*kept.facts.collected.efforts, *kept.reviewed.efforts)
