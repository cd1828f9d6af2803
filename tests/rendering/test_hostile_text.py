"""Hostile text anywhere in the input: it comes back as data, does nothing, and never stops a bundle (I5)."""

from __future__ import annotations

import html
import re
from typing import Any

import cmarkgfm
import yaml
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from bot.checks.check import check
from bot.model.changes import ChangeSet
from bot.model.decision import Decision
from bot.model.document import Request
from bot.model.plan import Image, Machine
from bot.model.profile import AppProfile, Dependency, EnvName, Health, Port, Service, Volume
from tests.daily import searched
from tests.rendering.bundles import data, text
from tests.rendering.scenes import Nouns, api_facts, supermarket, web_facts

PAYLOADS = (
    '${file("/etc/passwd")}', "%{ if true }", "{{ .Values.x }}", "![x](https://evil.example/x.png)", "@org/team",
    "closes #1", "<img src=x onerror=alert(1)>", "<!-- hidden", "[x](https://evil.example)", "https://evil.example/x",
    "```\nout\n```", "| a | b |", "\u202etxt", "\u200b", "# heading", "- item", "null", "yes", "1e3", "0x10", "a: b",
    "\n- x", "`", "``", "\\", "www.evil.example", "a@b.example", "<https://evil.example>", "&lt;img&gt;", "$(id)",
    "\r\n\r\n---\n", "`id`", "\x00", "~~~\nx", "<details>", "</summary>", "![", "](", "[a]: https://evil.example",
    "\u2028", "EOT", "-----BEGIN RSA PRIVATE KEY-----", "postgres://u:pw12345678@h", "ghs_aaaaaaaaaaaaaaaaaaaaaaaaa",
)  # fmt: skip
TEXTS = st.lists(
    st.sampled_from(PAYLOADS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=4
).map("".join)


@st.composite
def hostile_health(draw: st.DrawFn) -> Health:
    kind = draw(st.sampled_from(["http", "exec"]))
    return Health(kind=kind, path="/" + draw(TEXTS), command=(draw(TEXTS),))


@st.composite
def hostile_services(draw: st.DrawFn) -> Service:
    return api_facts().model_copy(
        update={
            "path": draw(TEXTS),
            "framework": draw(TEXTS),
            "user": draw(TEXTS),
            "base_image": draw(TEXTS),
            "calls": ("web", draw(TEXTS)),
            "env": tuple(EnvName(name=draw(TEXTS)) for _ in range(2)),
            "volumes": (Volume(path=draw(TEXTS)), Volume(path="/" + draw(TEXTS))),
            "ports": (Port(port=draw(st.integers(-1, 70000)), protocol="http", name=draw(TEXTS)),),
            "health": Health(
                kind=draw(st.sampled_from(["http", "exec"])), path="/" + draw(TEXTS), command=(draw(TEXTS),)
            ),
            "dependencies": (Dependency(kind="other", evidence=(), image=draw(TEXTS)),),
        }
    )


@st.composite
def hostile_nouns(draw: st.DrawFn) -> Nouns:
    nouns = supermarket()
    decision = Decision(
        path=draw(TEXTS), value=draw(TEXTS), origin="rule", why=draw(TEXTS), source=draw(TEXTS), formula=draw(TEXTS),
        rejected=(draw(TEXTS),),
    )  # fmt: skip
    service = nouns.plan.services[0].model_copy(
        update={"image": Image(reference="ghcr.io/a/b:1", exists=False, build_first=draw(TEXTS))}
    )
    plan = nouns.plan.model_copy(
        update={
            "environment": draw(TEXTS),
            "cluster": draw(TEXTS),
            "decisions": (decision,),
            "services": (service, nouns.plan.services[1]),
            "machines": (hostile_machine(nouns.plan.machines[0], draw(TEXTS), draw(TEXTS)),),
        }
    )
    request = Request(git_repo=draw(TEXTS), app_description=draw(TEXTS), commit=draw(TEXTS), ref=draw(TEXTS))
    profile = AppProfile(name=draw(TEXTS), services=(draw(hostile_services()), web_facts()), notes=(draw(TEXTS),))
    return nouns.changed(request=request, profile=profile, plan=plan)


def hostile_machine(machine: Machine, first: str, second: str) -> Machine:
    return machine.model_copy(
        update={"role": first, "tags": (first, second), "node": second, "pool": first, "settings": {first: second}}
    )


@searched(
    25,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking nouns of this size takes minutes
)
@given(hostile_nouns())
def test_I5_hostile_text_is_data(nouns: Nouns) -> None:  # noqa: N802  # the invariant's name
    changes = nouns.render()
    assert [f for f in check(changes, plan=nouns.plan, config=nouns.config) if f.severity == "block"] == []
    assert_data_survives(nouns, changes)
    assert_manifests_are_plain(changes)
    assert_inert(text(changes, "README.md"))


def assert_data_survives(nouns: Nouns, changes: ChangeSet) -> None:
    machine = nouns.plan.machines[0]
    written = data(changes, "terraform/app.auto.tfvars.json")["machines"][machine.name]
    for ours, theirs in ((written["role"], machine.role), (written["node_name"], machine.node)):
        assert ours == theirs or "[redacted]" in ours
    document = data(changes, "plan.json")
    for ours, theirs in (
        (document["request"]["app_description"], nouns.request.app_description),
        (document["profile"]["services"][0]["framework"], nouns.profile.services[0].framework),
    ):
        assert ours == theirs or "[redacted]" in ours
    for file in changes.files:
        assert file.path.endswith(".md") or file.content.isascii()
        assert "{{" not in file.content or file.path.endswith(".md")


def assert_manifests_are_plain(changes: ChangeSet) -> None:
    clean = supermarket().with_machine().render()
    for file in changes.files:
        if file.path.endswith(".tf"):
            assert file.content == clean.content(file.path)
        if file.path.endswith(".yaml"):
            assert set(shape(yaml.safe_load(file.content))) <= KEYS


def shape(value: Any) -> list[str]:
    """Every key of a manifest, wherever it stands."""
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in shape(item))]
    return [key for item in value for key in shape(item)] if isinstance(value, list) else []


WITH_ALL = supermarket().with_api(health=Health(kind="exec", command=("a",)), volumes=(Volume(path="/a"),)).render()
KEYS = {
    key
    for file in WITH_ALL.files
    for key in (shape(yaml.safe_load(file.content)) if file.path.endswith(".yaml") else ())
} | {"subPath", "sysctls", "runAsUser", "runAsGroup", "value", "httpGet", "path", "port"}

HARMLESS = "h[1-6]|p|strong|em|code|pre|ul|ol|li|table|thead|tbody|tr|th|td|blockquote|hr|br"
ACTIVE = re.compile(rf"<(?!/?(?:{HARMLESS})\b)[^>]*>")
PINGS = re.compile(r"(?:^|[^\w/`])@[A-Za-z0-9]|(?:^|[^\w/`])#\d")


def assert_inert(markdown: str) -> None:
    """GitHub's own renderer makes no link, image, HTML or mention of it."""
    page = cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    assert ACTIVE.findall(page) == []
    words = re.sub(r"<pre><code.*?</code></pre>|<code>.*?</code>", " ", page, flags=re.DOTALL)
    assert PINGS.findall(html.unescape(re.sub(r"<[^>]*>", " ", words))) == []
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00]", markdown)


def test_the_judge_of_markdown_can_fail() -> None:
    for bad in (
        "![x](https://a.b/c)",
        "[x](https://a.b)",
        "https://a.b/c",
        "<img src=x>",
        "hello @octocat",
        "closes #1",
    ):
        try:
            assert_inert(bad)
        except AssertionError:
            continue
        raise AssertionError(bad)
