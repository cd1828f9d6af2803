"""Structured logs: one JSON object a line on stderr, redacted at this one exit.

In: ``Settings`` for the secrets. Out: configured structlog. Never: a secret in a line, a line on stdout.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import structlog

from bot.rendering.redaction import redactor
from bot.settings import Settings


def configure_logs(
    settings: Settings, *, level: int = logging.INFO, redact: Callable[[str], str] | None = None
) -> None:
    """Every line through ``redact``; without one, the secrets of the settings are taken out."""
    exit_ = redact or redactor(settings.secrets())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
            lambda _logger, _name, line: exit_(str(line)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
