"""Environment variables that Go code reads, and the services that their names address.

In: calls, struct tags. Out: names only. Never: values.
"""

from __future__ import annotations

from bot.model.profile import EnvName
from bot.survey.code.calls import Call
from bot.survey.code.facts import env_name, evidence, looks_needed, merged_env
from bot.survey.code.gomod import Unit
from bot.survey.code.guards import emptiness
from bot.survey.code.tokens import Code
from bot.survey.code.values import is_env_name, tags_of

_NEVER = frozenset({"Setenv", "Unsetenv", "SetEnvPrefix", "setenv"})


def go_env(units: tuple[Unit, ...], calls: tuple[Call, ...]) -> tuple[EnvName, ...]:
    """Names read by ``os.Getenv`` and its many wrappers, bound by viper, or tagged on struct fields."""
    found: list[EnvName] = []
    for call in calls:
        if "env" in call.name.lower() and call.name not in _NEVER:
            found += _from_call(call)
    for unit in units:
        found += _from_tags(unit.code)
    return merged_env(found)


def _from_call(call: Call) -> list[EnvName]:
    args = call.args()
    for position, (begin, end) in enumerate(args[:3]):
        name = call.code.literal(begin) if end - begin == 1 else None
        if name is not None and is_env_name(name):
            required = _required(call, name, defaulted=position + 1 < len(args))
            return [env_name(name, evidence(call.code.path, call.line, f"{call.name} {name}"), required=required)]
    return []


def _required(call: Call, name: str, *, defaulted: bool) -> bool:
    if call.name.lower().startswith("must"):
        return True
    if defaulted or call.name == "BindEnv":
        return False
    code = call.code
    if code.text(call.end + 1) in {"==", "!="}:
        return False
    variable = _assigned(code, call.start)
    loud = emptiness(code, call.end + 1, variable) if variable else None
    if call.name == "LookupEnv":
        return bool(loud)
    return looks_needed(name) if loud is None else loud


def _assigned(code: Code, start: int) -> str:
    """The variable that a call's result goes to."""
    at = start - 1
    if code.text(at) not in {":=", "="}:
        return ""
    while code.text(at - 2) == ",":
        at -= 2
    return code.text(at - 1) if code.is_name(at - 1) else ""


def _from_tags(code: Code) -> list[EnvName]:
    found = []
    for token in code.tokens:
        if token.kind != "string" or ('env:"' not in token.text and 'envconfig:"' not in token.text):
            continue
        tags = tags_of(token.text)
        raw = tags.get("env") or tags.get("envconfig") or ""
        name, _, options = raw.partition(",")
        if is_env_name(name):
            required = "required" in options or "notEmpty" in options or tags.get("required") == "true"
            found.append(env_name(name, evidence(code.path, token.line, f"env {name}"), required=required))
    return found
