"""What became of a merge, in the words of the pull request, of the thread, of the memory.

In: outcomes. Out: Markdown and sentences. Never: untrusted text outside a code span, a success that was not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.model.applied import Afterwards, Built, Done, Outcome, Reached, Rollout, Url, Use
from bot.ports import PullText
from bot.rendering.inert import inert_code, inert_text
from bot.rendering.markdown import bullets, folded, joined, table
from bot.rendering.plan_report import plan_comment, said

__all__ = ["late_comment", "outcome_comment", "outcome_sentence", "plan_comment", "revert_text", "thread_comment"]

_HEADS: Final = {
    "applied": "✅ applied",
    "destroyed": "✅ taken away",
    "failed": "❌ failed",
    "returned": "↩️ returned to the revision before",
    "abandoned": "⏸️ not applied",
}
_DONE: Final = {"done": "✅", "failed": "❌", "skipped": "—"}


def outcome_comment(outcomes: tuple[Outcome, ...], *, hidden: str) -> str:
    """The one outcome comment of a merged pull request. ``hidden`` comes first, so that it is never cut."""
    first = outcomes[0]
    run = f" · [run]({first.run_url})" if first.run_url else ""
    foot = f"<sub>Commit {inert_code(first.commit[:12])}, {first.at:%Y-%m-%d %H:%M} UTC{run}</sub>"
    return joined([hidden, *(_outcome(outcome) for outcome in outcomes), foot])


def _outcome(outcome: Outcome) -> str:
    return joined(
        [
            _head(outcome),
            _stopped(outcome),
            _urls(outcome.urls),
            _machines(outcome.machines),
            _clusters(outcome.clusters),
            _rollouts(outcome.rollouts, outcome.namespace),
            _after(outcome.after) if outcome.after is not None else _soon(outcome),
            folded("Every step", _steps(outcome.steps)),
        ]
    )


def _head(outcome: Outcome) -> str:
    told = f" in {_time(outcome.seconds)}" if outcome.seconds else ""
    return f"### {inert_code(outcome.root)}: {_HEADS[outcome.kind]}{told}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min {seconds % 60:.0f} s"


def _stopped(outcome: Outcome) -> str:
    if outcome.code is None:
        return ""
    lines = [
        f"{inert_code(outcome.code)}: {said(outcome.message)}",
        f"**What to do:** {said(outcome.remedy)}",
    ]
    if outcome.state_kept is not None:
        lines.append(
            f"**The state was not saved.** It lies as {inert_code(outcome.state_kept)} with this run; push it: "
            f"{inert_code('terraform state push errored.tfstate')} before anything else is applied."
        )
    if outcome.revert_url is not None:
        lines.append(f"Revert pull request: {outcome.revert_url}")
    return "> [!WARNING]\n> " + "\n>\n> ".join(lines)


def _urls(urls: Sequence[Url]) -> str:
    return bullets(f"{inert_code(_address(url))}, TLS: {url.tls}" for url in urls)


def _address(url: Url) -> str:
    return f"{'http' if url.tls == 'none' else 'https'}://{url.host}{url.path}"


def _machines(machines: Sequence[Reached]) -> str:
    rows = [
        [
            inert_code(each.name),
            str(each.vm_id),
            inert_code(each.address) if each.address else "not known yet",
            inert_code(f"ssh {each.user}@{each.address}") if each.user and each.address else "—",
            inert_code(each.key) if each.key else "none configured",
            inert_text(each.asked),
            inert_text(each.exists),
        ]
        for each in machines
    ]
    return table(["machine", "VMID", "address", "SSH", "key", "asked", "exists"], rows)


def _clusters(clusters: Sequence[Built]) -> str:
    return bullets(
        f"Cluster {inert_code(each.name)}: {each.ready} of {each.wanted} nodes Ready"
        + (f", Kubernetes {inert_code(each.version)}" if each.version else "")
        + (f", kubeconfig in secret {inert_code(each.secret)}" if each.secret else "")
        for each in clusters
    )


def _rollouts(rollouts: Sequence[Rollout], namespace: str | None) -> str:
    rows = [_rollout(each) for each in rollouts]
    told = f"In namespace {inert_code(namespace)}:" if namespace and rows else ""
    return joined([told, table(["workload", "rollout", "pods ready", "after", "why"], rows)])


def _rollout(rollout: Rollout) -> list[str]:
    pods = f"{rollout.ready} of {rollout.wanted}"
    return [inert_code(rollout.workload.name), rollout.state, pods, _time(rollout.seconds), inert_text(rollout.why)]


def _soon(outcome: Outcome) -> str:
    if outcome.kind not in {"applied", "returned"} or not outcome.planned:
        return ""
    return "Restarts, OOM kills, throttling and use stand here ten minutes after the rollout."


def _after(after: Afterwards) -> str:
    word = {True: "healthy", False: "**not healthy**", None: "not known, nothing could be read"}[after.healthy]
    rows = [_use(use) for use in after.uses]
    head = ["workload", "restarts", "OOM kills", "throttled", "CPU p95 of request", "memory of request"]
    notes = bullets(inert_text(note) for note in after.notes)
    return joined([f"#### Ten minutes after: {word}", table(head, rows), notes])


def _use(use: Use) -> list[str]:
    return [
        inert_code(use.workload.name),
        _known(use.restarts),
        _known(use.oom_kills),
        "no data" if use.throttled is None else f"{use.throttled:.0%}",
        f"{use.cpu or 'no data'} of {use.cpu_request or '?'}",
        f"{use.memory or 'no data'} of {use.memory_request or '?'}",
    ]


def _known(count: int | None) -> str:
    return "no data" if count is None else str(count)


def _steps(steps: Sequence[Done]) -> str:
    rows = [[each.name, _DONE[each.state], f"{each.seconds:.1f} s", said(each.detail)] for each in steps]
    return table(["step", "", "time", "detail"], rows)


def thread_comment(outcomes: tuple[Outcome, ...], *, url: str) -> str:
    """The same, shorter, in the thread where the command was given. ``url`` is the pull request's."""
    lines = []
    for outcome in outcomes:
        why = f", {inert_text(outcome.message)}" if outcome.message else ""
        lines.append(f"{_HEADS[outcome.kind]}: {inert_code(outcome.root)}{why}")
        lines += [f"{inert_code(_address(link))} (TLS: {link.tls})" for link in outcome.urls]
        lines += [f"{inert_code(each.name)} at {inert_code(each.address)}" for each in outcome.machines if each.address]
        if outcome.after is not None:
            lines.append(f"ten minutes after: {_word(outcome.after)}")
    return joined([f"**ai-provision** · the merge of {url}:", bullets(lines)])


def _word(after: Afterwards) -> str:
    return {True: "healthy", False: "not healthy", None: "not known"}[after.healthy]


def late_comment(merged_at: datetime, *, commit: str) -> str:
    """Merged, and not applied a quarter of an hour later. The same text whenever it is made."""
    when = f"Merged at {merged_at:%Y-%m-%d %H:%M} UTC as {inert_code(commit[:12])}"
    return joined(
        [
            f"> [!WARNING]\n> {when}, and nothing was applied within 15 minutes.",
            bullets(
                [
                    "Is the apply workflow still running, waiting for a reviewer or a runner? See the Actions tab.",
                    "It was cancelled or never started: run it again from its page (*Re-run jobs*).",
                    "Nothing here applies by itself: this message only notices.",
                ]
            ),
        ]
    )


def outcome_sentence(outcome: Outcome) -> str:
    """One sentence for the memory and for logs: plain words, no Markdown."""
    told = f"{outcome.kind} in {_time(outcome.seconds)}"
    pods = ", ".join(f"{each.workload.name} {each.ready}/{each.wanted} {each.state}" for each in outcome.rollouts)
    after = f"ten minutes after {_word(outcome.after)}" if outcome.after is not None else ""
    uses = ", ".join(_told_use(use) for use in outcome.after.uses) if outcome.after is not None else ""
    return "; ".join(filter(None, [told, outcome.message, pods, after, uses]))


def _told_use(use: Use) -> str:
    counts = f"{_known(use.restarts)} restarts, {_known(use.oom_kills)} OOM kills"
    cpu, memory = use.cpu or "no data", use.memory or "no data"
    return f"{use.workload.name} {counts}, CPU {cpu} of {use.cpu_request}, memory {memory} of {use.memory_request}"


def revert_text(outcome: Outcome, *, of: int) -> PullText:
    """The pull request that brings back the manifests from before pull request ``of``."""
    body = joined(
        [
            f"The rollout of #{of} did not come up, so its workloads returned to the revision before.",
            f"This pull request makes {inert_code(outcome.root)} say what runs.",
            f"> {inert_text(outcome.message)}",
            bullets(
                [
                    "Merging it changes nothing that runs; without it the next apply tries the same rollout again.",
                    "Terraform's files stay as merged: machines are never taken back by themselves.",
                    "To try again instead, close it, mend the cause, and give the command again.",
                ]
            ),
        ]
    )
    return PullText(title=f"ai-provision: return {outcome.app} to before #{of}", body=body)
