"""The verbs ``apply`` and ``destroy`` without the typing: builds the bench from real edges and runs the story.

In: an order, ``Settings``, the environment of the run. Out: ``Delivered``, ``Removal``, or a ``Refusal``. Never: a
question, an exit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from bot import app
from bot.applying.apply import apply_run
from bot.applying.bench import Bench, Run
from bot.applying.facts import applied_run, local_run, proposed_run
from bot.applying.proposing import propose_plans
from bot.applying.reconcile import Watch, reconcile
from bot.applying.reverting import revert_returned
from bot.applying.unmerged import Unmerged
from bot.deploy import Checkout, Manifests, Review
from bot.desks import build_desk
from bot.edges.ansible import AnsiblePlaybooks
from bot.edges.clock import RealClock
from bot.edges.git.checkout import GitCheckout
from bot.edges.github import GitHubReview
from bot.edges.kubectl import KubectlManifests
from bot.edges.ssh import SshDoors
from bot.edges.terraform import TerraformLimits, TerraformProgram
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Refusal, Refused
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.flow.destroy import publish_removal, removal_in
from bot.flow.house import Office
from bot.flow.preview import Preview
from bot.handlers.destroy import parse
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.delivered import Delivered
from bot.model.noun import Noun
from bot.model.outcome import PullRequest
from bot.model.removal import Removal
from bot.ports import Progress
from bot.rendering.redaction import redactor
from bot.settings import Settings

Mode = Literal["apply", "plan", "reconcile", "revert"]


class ApplyOrder(Noun):
    """What the command line asked for. ``only``: stacks by folder or name, all without. ``kept``: the folder that
    receives a state which could not be saved.
    """

    mode: Mode = "apply"
    folder: str = "."
    local: bool = False
    kept: str = "ai-provision-kept"
    only: tuple[str, ...] = ()


def deliver(
    order: ApplyOrder, settings: Settings, environment: Mapping[str, str], *, progress: Progress
) -> Delivered | Refusal:
    """Plan, apply or reconcile. Raises Refused or Unavailable of what cannot be reached at all."""
    with ExitStack() as stack:
        review = None if order.local else stack.enter_context(_review(settings))
        if order.mode == "reconcile":
            return _reconciled(settings, environment, review=review)
        workdir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ai-provision-apply-")))
        shop = _Shop(order, settings, environment, review=review, workdir=workdir, progress=progress)
        modes = {"plan": shop.planned, "apply": shop.applied, "revert": shop.reverted}
        return modes[order.mode]()


@contextmanager
def _review(settings: Settings) -> Iterator[GitHubReview]:
    """GitHub by the job's token. Raises Refused(github-auth) without one."""
    with app.open_forge(settings) as forge:
        yield GitHubReview(forge, clock=RealClock())


def _reconciled(settings: Settings, environment: Mapping[str, str], *, review: Review | None) -> Delivered | Refusal:
    repo = settings.infra_repo or environment.get("GITHUB_REPOSITORY")
    if review is None or repo is None:
        return app.NO_INFRA_REPO
    clock = RealClock()
    redact = redactor(settings.secrets())
    desk = build_desk(settings.without_models(), clock=clock, redact=redact)
    watch = Watch(
        review=review,
        clock=clock,
        redact=redact,
        names=Config().metrics,
        metrics=desk.metrics,
        troubles=desk.troubles,
    )
    return Delivered(said=reconcile(watch, repo))


class _Shop:
    """One run: the checkout, its config, its bench."""

    def __init__(
        self,
        order: ApplyOrder,
        settings: Settings,
        environment: Mapping[str, str],
        *,
        review: Review | None,
        workdir: Path,
        progress: Progress,
    ) -> None:
        self.order, self.settings, self.environment = order, settings, environment
        self.review, self.workdir, self.progress = review, workdir, progress
        self.checkout = GitCheckout(Path(order.folder))
        self.yaml = ChildYamlReader()

    def planned(self) -> Delivered | Refusal:
        """A pull request's plans; its config is that of the branch it goes into, never its own."""
        if self.order.local:
            head = self.checkout.head()
            run, base = self._local(head), self.checkout.parent(head)
            bench = self._bench(head)
            return bench if isinstance(bench, Refusal) else Delivered(plans=propose_plans(bench, run, base=base))
        proposed = proposed_run(self.environment, only=self.order.only)
        if isinstance(proposed, Refusal):
            return proposed
        base = self.checkout.merge_base(proposed.base, proposed.run.commit)
        bench = self._bench(proposed.base)
        return bench if isinstance(bench, Refusal) else Delivered(plans=propose_plans(bench, proposed.run, base=base))

    def applied(self) -> Delivered | Refusal:
        """What the merge changed."""
        head = self.checkout.head()
        run = self._local(head) if self.order.local else applied_run(self.environment, head=head, only=self.order.only)
        if isinstance(run, Refusal):
            return run
        bench = self._bench(head)
        if isinstance(bench, Refusal):
            return bench
        outcomes = apply_run(bench, run)
        return outcomes if isinstance(outcomes, Refusal) else Delivered(outcomes=outcomes)

    def reverted(self) -> Delivered | Refusal:
        """The revert pull requests of workloads that returned."""
        head = self.checkout.head()
        run = applied_run(self.environment, head=head, only=self.order.only)
        bench = self._bench(head)
        if isinstance(run, Refusal) or isinstance(bench, Refusal) or self.review is None:
            return run if isinstance(run, Refusal) else bench if isinstance(bench, Refusal) else app.NO_TOKEN
        opened = revert_returned(bench, run, self.review)
        return opened if isinstance(opened, Refusal) else Delivered(said=opened)

    def _local(self, head: str) -> Run:
        return local_run(repo=self.settings.infra_repo, head=head, only=self.order.only)

    def _bench(self, commit: str) -> Bench | Refusal:
        config = read_config(self.checkout.text(commit, CONFIG_PATH), yaml=self.yaml)
        return (
            config
            if isinstance(config, Refusal)
            else bench_of(
                self.settings,
                config,
                checkout=self.checkout,
                review=self.review,
                workdir=self.workdir,
                kept=Path(self.order.kept),
                progress=self.progress,
            )
        )


def bench_of(
    settings: Settings,
    config: Config,
    *,
    checkout: Checkout,
    review: Review | None,
    workdir: Path,
    kept: Path,
    progress: Progress,
) -> Bench:
    """The bench of this process, from real edges. Raises Refused(config)."""
    clock, redact = RealClock(), redactor(settings.secrets())
    return Bench(
        checkout=checkout,
        inventory=app.build_inventory(settings),
        clock=clock,
        yaml=ChildYamlReader(),
        workdir=workdir,
        kept=kept,
        config=config,
        terraform=TerraformProgram(
            redact=redact,
            limits=TerraformLimits(parallelism=config.apply.parallelism, lock=config.apply.lock_seconds),
        ),
        doors=SshDoors(clock),
        progress=progress,
        redact=redact,
        manifests=_manifests(settings.kubeconfig, redact),
        playbooks=AnsiblePlaybooks(redact=redact),
        cluster_at=lambda kubeconfig: KubectlManifests(kubeconfig, redact=redact),
        join_command=settings.join_command.get_secret_value() if settings.join_command is not None else None,
        review=review,
    )


def _manifests(kubeconfig: str | None, redact: Callable[[str], str]) -> Manifests | None:
    path = Path(kubeconfig) if kubeconfig else None
    if path is None or not path.is_file() or path.stat().st_size == 0:
        return None
    return KubectlManifests(path, redact=redact)


def apply_now(planned: Preview, settings: Settings, config: Config, *, progress: Progress) -> Delivered | Refusal:
    """Apply what was just planned, from this computer and without a pull request. Raises Refused or Unavailable."""
    checkout = Unmerged(planned.reviewed.changes)
    with tempfile.TemporaryDirectory(prefix="ai-provision-apply-") as folder:
        bench = bench_of(
            settings,
            config,
            checkout=checkout,
            review=None,
            workdir=Path(folder),
            kept=Path(ApplyOrder().kept),
            progress=progress,
        )
        outcomes = apply_run(bench, local_run(repo=settings.infra_repo, head=checkout.head(), only=()))
    return outcomes if isinstance(outcomes, Refusal) else Delivered(outcomes=outcomes)


def removal(name: str, settings: Settings, *, data: bool) -> Removal | Refusal:
    """What would be taken away, as the default branch describes it."""
    command = parse([name, *(["data"] if data else [])])
    if isinstance(command, Refusal):
        return command
    office, repo = _office(settings)
    config = read_config(office.forge.file(repo, CONFIG_PATH), yaml=ChildYamlReader())
    return config if isinstance(config, Refusal) else removal_in(office.forge, repo, command, config)


def open_removal(found: Removal, settings: Settings) -> PullRequest:
    """The pull request. Raises Refused or Unavailable."""
    office, repo = _office(settings)
    return publish_removal(found, office.forge, repo, asked_by=None, when=RealClock().now())


def _office(settings: Settings) -> tuple[Office, str]:
    """Raises Refused for a missing token or repository."""
    nothing = app.SnapshotInventory(ClusterSnapshot())
    office = app.build_office(settings, house=app.build_house(settings.without_models(), inventory=nothing))
    if isinstance(office, Refusal):
        raise Refused(office)
    if office.infra_repo is None:
        raise Refused(app.NO_INFRA_REPO)
    return office, office.infra_repo
