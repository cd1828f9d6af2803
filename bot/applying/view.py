"""The plan that a stack was made from: ``plan.json`` beside its files.

In: a checkout and a stack. Out: ``Document``, or a ``Refusal``. Never: a guess at a stack that has no plan.
"""

from __future__ import annotations

from pydantic import ValidationError

from bot.deploy import Checkout
from bot.errors import Code, Refusal
from bot.model.document import Document
from bot.model.stack import Stack


def document_of(stack: Stack, checkout: Checkout) -> Document | Refusal:
    """The document of the commit; of the commit before for a stack that goes away."""
    commit = stack.base if stack.change == "removed" else stack.commit
    text = checkout.text(commit, f"{stack.root}/plan.json") if commit is not None else None
    if text is None:
        return _unusable(stack, "is not there")
    try:
        document = Document.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return _unusable(stack, f"is not as the bot wrote it: {'.'.join(map(str, first['loc']))[:100]}")
    if document.plan.root != stack.root:
        return _unusable(stack, f"is the plan of {document.plan.root}")
    return document


def _unusable(stack: Stack, why: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"{stack.root}/plan.json {why}, so nobody can tell what {stack.root} needs.",
        remedy="Give /ai-provision again; it writes the file anew. Folders without plan.json are not applied.",
    )
