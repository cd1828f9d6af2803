"""What CI says on an open pull request: what a merge would do, and whether there is room for it now.

In: stack plans. Out: Markdown. Never: untrusted text outside a code span or fence, a sensitive value, a summary that is
folded away.
"""

from __future__ import annotations

from typing import Final

from bot.model.stack import Check, Preflight, StackPlan, TerraformPlan
from bot.rendering.inert import fence, inert_code, inert_text
from bot.rendering.markdown import bullets, folded, joined, table

_STATES: Final = {"passed": "✅ passed", "failed": "❌ failed", "unknown": "❓ not read", "skipped": "— not needed"}
_CUT: Final = "The diff is cut; the log of the run holds all of it. Read it there before approving."
_WORDS: Final = {
    "create": "to add",
    "update": "to change",
    "delete": "to destroy",
    "replace": "to make anew",
    "import": "to adopt",
}
DIFF: Final = 24_000
"""Characters of one stack's diff in the comment; GitHub allows 65,536 in all."""


def plan_comment(plans: tuple[StackPlan, ...], *, hidden: str, run_url: str | None) -> str:
    """The one plan comment: summary outside, diffs folded, next steps beneath. ``hidden`` comes first, so that a long
    text is never cut there.
    """
    run = f" · [run]({run_url})" if run_url else ""
    head = "### What a merge applies\n\n" + table(
        ["stack", "machines", "workloads", "room"], [_row(plan) for plan in plans]
    )
    return joined(
        [hidden, head, *(_stack(plan) for plan in plans), _next(plans), f"<sub>Planned at the last commit{run}</sub>"]
    )


def _row(plan: StackPlan) -> list[str]:
    if plan.code is not None:
        return [inert_code(plan.stack.root), f"not planned: {inert_code(plan.code)}", "—", "—"]
    return [inert_code(plan.stack.root), _counts(plan), _workloads(plan), _room(plan.preflight)]


def _counts(plan: StackPlan) -> str:
    if plan.terraform is None:
        return "none"
    told = ", ".join(f"{count} {_WORDS.get(action, action)}" for action, count in plan.terraform.counts().items())
    return told or "no change"


def _workloads(plan: StackPlan) -> str:
    if plan.stack.change == "removed":
        return "deleted" if plan.stack.manifests else "none"
    if not plan.stack.manifests:
        return "none"
    if plan.manifests is None:
        return "; ".join(inert_text(reason) for reason in plan.skipped) or "not compared"
    return "changed" if plan.manifests else "no change"


def _room(preflight: Preflight | None) -> str:
    if preflight is None:
        return "—"
    stopping = len(preflight.stopping)
    passed = sum(check.state == "passed" for check in preflight.checks)
    return f"❌ {stopping} of {stopping + passed} tests stop it" if stopping else f"✅ {passed} tests passed"


def _stack(plan: StackPlan) -> str:
    return joined(
        [
            f"#### {inert_code(plan.stack.root)}",
            _refused(plan),
            _disrupted(plan.terraform) if plan.terraform is not None else "",
            _tests(plan.preflight) if plan.preflight is not None else "",
            _diff(plan.terraform) if plan.terraform is not None else "",
            folded("Manifests", fence(plan.manifests[:DIFF], "diff")) if plan.manifests else "",
        ]
    )


def said(text: str) -> str:
    """A sentence of ours that names commands in backticks: they can be copied, everything else is inert."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return inert_text(text)
    return "".join(
        (inert_code(part) if part.strip() else "") if index % 2 else _kept(part) for index, part in enumerate(parts)
    )


def _kept(part: str) -> str:
    """Inert words with the spaces at their ends, which ``inert_text`` takes away."""
    words = inert_text(part)
    left, right = " " if part[:1].isspace() else "", " " if part[-1:].isspace() else ""
    return f"{left}{words}{right}" if words else left


def _refused(plan: StackPlan) -> str:
    if plan.code is None:
        return ""
    return "\n".join(
        [
            "> [!WARNING]",
            f"> {inert_code(plan.code)}: {said(plan.message)}",
            ">",
            f"> **What to do:** {said(plan.remedy)}",
        ]
    )


def _disrupted(plan: TerraformPlan) -> str:
    """What goes away, is made anew or restarts, before everything else."""
    lines = []
    for each in plan.actions:
        name = inert_code(each.name or each.address)
        why = f" ({', '.join(inert_code(word) for word in each.because[:4])})" if each.because else ""
        if each.action == "replace":
            lines.append(f"> - {name} is **destroyed and made anew**{why}")
        elif each.action == "delete":
            lines.append(f"> - {name} is **destroyed**")
        elif each.reboots:
            lines.append(f"> - {name} **restarts**{why}")
    return "> [!CAUTION]\n" + "\n".join(lines) if lines else ""


def _tests(preflight: Preflight) -> str:
    """Those that stop it stand open, the rest is folded."""
    stopping = "\n".join(f"- {_test(check)}" for check in preflight.stopping)
    rows = [_tested(check) for check in preflight.checks]
    at = f", readings of {preflight.taken_at:%Y-%m-%d %H:%M} UTC" if preflight.taken_at is not None else ""
    return joined([stopping, folded(f"Preflight{at}", table(["test", "of", "state", "why"], rows))])


def _tested(check: Check) -> list[str]:
    return [check.name, inert_text(check.about), _STATES[check.state], inert_text(check.reason)]


def _test(check: Check) -> str:
    return f"**{check.name}** {inert_text(check.about)}: {inert_text(check.reason)}. {said(check.remedy)}"


def _diff(plan: TerraformPlan) -> str:
    if plan.empty or not plan.text:
        return ""
    cut = plan.text_cut or len(plan.text) > DIFF
    body = fence(plan.text[:DIFF], "diff")
    return folded("Terraform", joined([body, _CUT if cut else ""]))


def _next(plans: tuple[StackPlan, ...]) -> str:
    if all(plan.ready for plan in plans):
        steps = [
            "Review and approve the last commit; a push after that asks for a new approval.",
            "Merge. CI applies this plan, or nothing: a plan that would do more than this one is refused.",
        ]
    else:
        steps = [
            "Mend what is named above. A merge now would be refused at the same place.",
            f"For a plan that fits what is there now, comment {inert_code('/ai-retry')} where the command was given.",
        ]
    return "#### Next\n\n" + bullets(steps)
