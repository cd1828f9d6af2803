"""Writes the published JSON Schemas below ``docs/schema/``: ``python -m tests.tools.make_schemas``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.consultation import CollectorAnswer, InterpreterAnswer, PlannerAnswer, ReviewerAnswer
from bot.model.document import Document, ErrorDocument
from bot.model.recommendation import Recommendation
from bot.model.standard import Payload

FOLDER: Final = Path(__file__).parents[2] / "docs" / "schema"


def schemas() -> dict[str, dict[str, Any]]:
    """File name to schema."""
    return {
        "plan-v1.json": _schema(Document, "The document of `ai-provision plan --format json`", mode="serialization"),
        "error-v1.json": _schema(ErrorDocument, "A refusal with `--format json`", mode="serialization"),
        "config-v1.json": _schema(Config, ".ai-provision.yaml", mode="validation"),
        "snapshot-v1.json": _schema(ClusterSnapshot, "A snapshot file", mode="serialization"),
        "payload-v1.json": _schema(Payload, "The input standard: what recommend and every model receive"),
        "recommendation-v1.json": _schema(
            Recommendation, "The answer of `ai-provision recommend`", mode="serialization"
        ),
        "collector-answer-v1.json": _schema(CollectorAnswer, "The output standard of the collector"),
        "planner-answer-v1.json": _schema(PlannerAnswer, "The output standard of the planner"),
        "reviewer-answer-v1.json": _schema(ReviewerAnswer, "The output standard of the reviewer"),
        "interpreter-answer-v1.json": _schema(InterpreterAnswer, "The output standard of the interpreter"),
    }


def _schema(noun: Any, title: str, *, mode: Any = "validation") -> dict[str, Any]:
    schema: dict[str, Any] = noun.model_json_schema(mode=mode, by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def text_of(schema: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text_of(schema))
