"""What a comment carries unseen: plan records and outcomes, as data for the next run.

In: nouns. Out: one HTML comment of base64, and back. Never: trust in a comment that somebody else may have written (the
port ``Review`` answers only with our own), a record that is good for two applies.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bot.deploy import Checkout
from bot.errors import Code, Refusal
from bot.model.applied import Outcome
from bot.model.noun import Noun
from bot.model.stack import PlanRecord, Stack, TerraformPlan

_DATA: Final = re.compile(r"<!-- ai-provision:data:(?P<kind>plans|outcomes) (?P<text>[A-Za-z0-9+/=]{0,200000}) -->")
_LARGEST: Final = 4_000_000
"""Bytes of what one comment carries, unpacked."""
_PLANS: Final[TypeAdapter[tuple[PlanRecord, ...]]] = TypeAdapter(tuple[PlanRecord, ...])
_OUTCOMES: Final[TypeAdapter[tuple[Outcome, ...]]] = TypeAdapter(tuple[Outcome, ...])


def written_plans(records: tuple[PlanRecord, ...], *, redact: Callable[[str], str] = str) -> str:
    """The hidden line of a plan comment. Packed text is redacted before: nobody can see a secret in it later."""
    return _hidden("plans", redact(_PLANS.dump_json(records).decode()))


def written_outcomes(outcomes: tuple[Outcome, ...], *, redact: Callable[[str], str] = str) -> str:
    """The hidden line of an outcome comment, redacted before it is packed."""
    return _hidden("outcomes", redact(_OUTCOMES.dump_json(outcomes).decode()))


def with_plans(body: str, records: tuple[PlanRecord, ...]) -> str:
    """The same comment with other records, however an earlier version of ours wrote the present ones."""
    line = written_plans(records)
    return _DATA.sub(lambda found: line if found["kind"] == "plans" else found[0], body)


def read_plans(body: str | None) -> tuple[PlanRecord, ...]:
    """The plan records of a comment; none for a comment without, or with what is not ours."""
    raw = _found(body, "plans")
    try:
        return _PLANS.validate_json(raw) if raw is not None else ()
    except ValidationError:
        return ()


def read_outcomes(body: str | None) -> tuple[Outcome, ...]:
    """The outcomes of a comment."""
    raw = _found(body, "outcomes")
    try:
        return _OUTCOMES.validate_json(raw) if raw is not None else ()
    except ValidationError:
        return ()


def _hidden(kind: str, raw: str) -> str:
    return f"<!-- ai-provision:data:{kind} {base64.b64encode(zlib.compress(raw.encode(), 9)).decode()} -->"


def _found(body: str | None, kind: str) -> bytes | None:
    match = next((each for each in _DATA.finditer(body or "") if each["kind"] == kind), None)
    try:
        return _unpacked(base64.b64decode(match["text"], validate=True)) if match is not None else None
    except (binascii.Error, ValueError, zlib.error):
        return None


def _unpacked(packed: bytes) -> bytes:
    """Raises zlib.error for what is broken or beyond the limit."""
    unpacking = zlib.decompressobj()
    raw = unpacking.decompress(packed, _LARGEST)
    if not unpacking.eof:
        raise zlib.error("too large")
    return raw


def config_digest(checkout: Checkout, root: str, commit: str) -> str:
    """sha256 over paths and texts of a stack's files that a person may have changed since the plan."""
    known = hashlib.sha256()
    for path in sorted(checkout.paths(commit, root)):
        known.update(f"{path}\0{checkout.text(commit, path) or ''}\0".encode())
    return known.hexdigest()


def record_of(stack: Stack, plan: TerraformPlan, *, checkout: Checkout) -> PlanRecord:
    """What reviewers saw of one stack."""
    return PlanRecord(
        root=stack.root,
        head=stack.commit,
        base=stack.base or "",
        config_digest=config_digest(checkout, stack.root, stack.commit),
        state=plan.state,
        plan_digest=plan.digest,
        actions=doing(plan),
    )


def doing(plan: TerraformPlan) -> tuple[str, ...]:
    """``address action`` of everything that changes."""
    return tuple(sorted(f"{each.address} {each.action}" for each in plan.actions if each.action not in _QUIET))


_QUIET: Final = frozenset({"no-op", "read"})


class Parity(Noun):
    """Whether the plan of now is the reviewed one. ``resumed``: a part of it, after an apply that broke off."""

    same: bool
    resumed: bool = False


def parity(record: PlanRecord | None, plan: TerraformPlan, *, digest: str, commit: str) -> Parity | Refusal:
    """The reviewed plan is what is applied, once.

    ``digest`` is of the stack's files now. A plan that does less than the reviewed one goes on after a broken apply of
    the same commit; anything else was not reviewed.
    """
    if record is None:
        return _unreviewed("no plan of it stands in the pull request")
    if record.config_digest != digest:
        return _unreviewed("its files are not those of the reviewed plan")
    if record.used_by not in {None, commit}:
        return _unreviewed(f"the reviewed plan was used by {(record.used_by or '')[:12]} already")
    if record.plan_digest == plan.digest:
        return Parity(same=True, resumed=record.used_by is not None)
    beyond = sorted(set(doing(plan)) - _reviewed(record))
    if beyond:
        return _unreviewed(f"it would now do what nobody reviewed: {_some(beyond)}")
    return Parity(same=False, resumed=True)


def _reviewed(record: PlanRecord) -> set[str]:
    """What may be done: the reviewed actions, and after a broken apply the repair of what it had begun to create."""
    if record.used_by is None:
        return set(record.actions)
    begun = [action.rsplit(" ", 1)[0] for action in record.actions if action.endswith((" create", " replace"))]
    return set(record.actions) | {f"{address} {word}" for address in begun for word in ("create", "update", "replace")}


def _some(addresses: Iterable[str]) -> str:
    named = list(addresses)
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def _unreviewed(why: str) -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"The plan is not the one that was reviewed: {why}.",
        remedy="Nothing was applied. Open a pull request that touches the stack (or comment /ai-retry in the thread): "
        "its plan is made against the state of now, and its merge applies it.",
    )
