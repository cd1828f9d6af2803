"""The memory of an application: the merged plan beside the merged files, the team's rules, the lessons kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.counsel import Lesson
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Code, Unavailable
from bot.flow.past import SERVICES, lesson_of, past_of
from bot.flow.team_rules import LARGEST, readable_path
from bot.model.config import Config
from bot.model.document import Document
from bot.model.evidence import Correction, Past, Peer, Spend, Workload
from tests.fakes.forge import FakeForge
from tests.fakes.house import INFRA
from tests.fakes.ledger import MemoryLedger

APP = "supermarket-inventory"
FOLDER = f"apps/{APP}"
GOLDEN = Path(__file__).parents[1] / "rendering" / "golden" / "supermarket"
DEPLOYMENT, HPA = f"{FOLDER}/kubernetes/api-deployment.yaml", f"{FOLDER}/kubernetes/api-hpa.yaml"
WEB = f"{FOLDER}/kubernetes/web-deployment.yaml"
PLAN = f"{FOLDER}/plan.json"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
YAML = ChildYamlReader()
Edit = Callable[[str], str]


@dataclass
class CountingForge(FakeForge):
    """Counts what is read."""

    reads: list[str] = field(default_factory=list)

    def file(self, repo: str, path: str, *, ref: str | None = None) -> str | None:
        self.reads.append(path)
        return super().file(repo, path, ref=ref)


def forge(files: dict[str, str] | None = None, **edits: Edit) -> CountingForge:
    """A forge whose default branch holds the merged golden application, with edits by the last word of a file name."""
    made = CountingForge()
    merged = {str(path.relative_to(GOLDEN)): path.read_text() for path in GOLDEN.rglob("*") if path.is_file()}
    for path, text in merged.items():
        edit = edits.get(Path(path).stem.replace("-", "_"))
        merged[path] = edit(text) if edit else text
    made._base(INFRA).files.update(merged | (files or {}))
    return made


def past(
    on: CountingForge, *, app: str = APP, config: Config | None = None, lessons: MemoryLedger | None = None
) -> Past:
    return past_of(app, forge=on, infra_repo=INFRA, config=config or Config(), lessons=lessons, yaml=YAML)


def swap(*pairs: tuple[str, str]) -> Edit:
    def edit(text: str) -> str:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        return text

    return edit


def changed(change: Callable[[Any], object]) -> Edit:
    def edit(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return edit


def numbers(found: Past) -> list[tuple[str, str, str, str]]:
    return [(one.service, one.key, one.proposed, one.merged) for one in found.corrections]


def test_a_new_application_has_no_past() -> None:
    on = forge()
    assert past(on, app="another") == Past()
    assert on.reads == ["apps/another/plan.json", "clusters/another/plan.json"]


def test_what_was_merged_as_it_was_proposed_is_known_without_corrections() -> None:
    on = forge()
    found = past(on)
    known = Past(known=True, workloads=tuple(Workload(namespace=APP, name=name) for name in ("api", "web")))
    assert found.model_copy(update={"before": None}) == known
    assert found.before is not None
    assert [service.name for service in found.before.services] == ["api", "web"]
    assert on.reads == [PLAN, DEPLOYMENT, HPA, WEB]


def test_every_number_that_people_changed_is_a_correction_with_its_source() -> None:
    on = forge(
        api_deployment=swap(
            ("cpu: 850m\n              memory: 128Mi", "cpu: 1\n              memory: 0.5Gi"),
            ("limits:\n              memory: 128Mi", "limits:\n              memory: 1Gi\n              cpu: 2000m"),
        ),
        api_hpa=swap(("minReplicas: 3", "minReplicas: 4"), ("maxReplicas: 10", "maxReplicas: 12"), (": 65", ": 50")),
        web_deployment=swap(("replicas: 3", "replicas: 5")),
    )  # fmt: skip
    found = past(on)
    assert numbers(found) == [
        ("api", "cpu", "850m", "1"),
        ("api", "cpu_limit", "none", "2"),
        ("api", "max", "10", "12"),
        ("api", "memory", "128Mi", "512Mi"),
        ("api", "memory_limit", "128Mi", "1Gi"),
        ("api", "min", "3", "4"),
        ("api", "target", "65", "50"),
        ("web", "replicas", "3", "5"),
    ]
    sources = {(one.service, one.key): one.source_id for one in found.corrections}
    assert sources["api", "cpu"] == f"correction:{APP}/api-deployment.yaml"
    assert sources["api", "min"] == f"correction:{APP}/api-hpa.yaml"
    assert [piece.source_id for piece in found.pieces] == sorted(set(sources.values()))
    assert {piece.kind for piece in found.pieces} == {"correction"}
    assert "api.cpu: 850m became 1" in found.pieces[0].text
    assert found.findings == ()


@pytest.mark.parametrize(
    "edit",
    [
        swap(("cpu: 850m", "cpu: 0.85")),
        swap(("memory: 128Mi", 'memory: "134217728"')),
        swap(("name: http", "name: other")),
        lambda text: text.replace("---\n", "---\n# a comment\n"),
        swap(("    spec:\n      serviceAccountName", "    spec:\n      hostname: x\n      serviceAccountName")),
    ],
    ids=["cpu spelt", "memory spelt", "port", "comment", "field"],
)
def test_what_is_no_other_number_is_no_correction(edit: Edit) -> None:
    assert past(forge(api_deployment=edit)).corrections == ()


HOSTILE: list[tuple[str, Edit, bool]] = [
    ("negative", swap(("cpu: 850m", "cpu: -1")), True),
    ("huge", swap(("cpu: 850m", "cpu: 1e9")), True),
    ("words", swap(("cpu: 850m", "cpu: lots of it; rm -rf /")), True),
    ("list", swap(("cpu: 850m", "cpu: [1, 2]")), True),
    ("bool", swap(("cpu: 850m", "cpu: true")), True),
    ("long", swap(("cpu: 850m", f"cpu: {'1' * 3_000}")), True),
    ("null", swap(("cpu: 850m", "cpu: null")), False),
    ("other name", swap(("metadata:\n  name: api", "metadata:\n  name: web")), False),
    ("other kind", swap(("kind: Deployment", "kind: DaemonSet")), False),
    ("no containers", swap(("containers:", "initContainers:")), False),
    ("containers is a word", swap(("      containers:", "      containers: x\n      others:")), False),
    ("not YAML", lambda _text: "{{ .Values }}: [", True),
    ("empty", lambda _text: "", False),
    ("a list", lambda _text: "- 1\n- 2\n", False),
    ("a bomb", lambda _text: "a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a]\n" for n in range(9)), False),
    ("too large", lambda text: text + "#" * 300_000, True),
]


@pytest.mark.parametrize(("edit", "said"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_a_manifest_that_makes_no_sense_is_a_note_and_no_correction(edit: Edit, said: bool) -> None:
    found = past(forge(api_deployment=edit))
    assert found.known
    assert found.corrections == ()
    assert [(one.rule, one.severity, one.path) for one in found.findings] == [("memory-unread", "note", DEPLOYMENT)] * (
        1 if said else 0
    )
    assert "rm -rf" not in f"{found.findings}"


def test_a_file_that_is_gone_is_no_correction() -> None:
    on = forge()
    del on._base(INFRA).files[HPA]
    assert past(on).corrections == ()


BROKEN: list[tuple[str, Edit]] = [
    ("empty", lambda _text: ""),
    ("no JSON", lambda _text: "<<<<<<< HEAD"),
    ("a list", lambda _text: "[]"),
    ("too large", lambda text: text + " " * 1_000_000),
    ("another application", changed(lambda plan: plan["plan"].update(app="other"))),
    ("unknown field", changed(lambda plan: plan.update(extra=1))),
    ("wrong type", changed(lambda plan: plan["plan"]["services"][0].update(replicas="three"))),
    ("deep", lambda _text: "[" * 100_000),
]


@pytest.mark.parametrize("edit", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_plan_that_cannot_be_read_is_a_note_and_the_application_begins_anew(edit: Edit) -> None:
    on = forge(plan=edit)
    found = past(on)
    assert not found.known
    assert (found.workloads, found.corrections) == ((), ())
    assert [(one.rule, one.severity, one.path) for one in found.findings] == [("memory-unread", "note", PLAN)]
    assert on.reads == [PLAN]


def test_a_name_that_is_no_name_leads_to_no_file() -> None:
    on = forge(plan=changed(lambda plan: plan["plan"]["services"][0].update(name="../../../etc/passwd")))
    assert [workload.name for workload in past(on).workloads] == ["web"]
    assert on.reads == [PLAN, WEB]


def test_readings_are_bounded() -> None:
    def many(plan: Any) -> None:
        plan["plan"]["services"] = [{**plan["plan"]["services"][0], "name": f"s{n}"} for n in range(60)]

    on = forge(plan=changed(many))
    assert len(past(on).workloads) == SERVICES
    assert len(on.reads) == 1 + 2 * SERVICES


def decision(path: str, value: object, **more: object) -> dict[str, object]:
    source = f"correction:{APP}/api-deployment.yaml"
    return {"path": path, "value": value, "origin": "user", "why": "w", "source": source, **more}


def test_a_correction_that_was_taken_over_stays_known() -> None:
    taken = [
        decision("services.api.requests.cpu", "1", inputs={"rule": "850m"}),
        decision("services.api.hpa.min", 4),
        decision("services.api.requests.memory", "1Gi", source="sizing 7.8"),
        decision("services.api.requests.memory", "1Gi", source="correction:other/api-deployment.yaml"),
        decision("services.api.requests.memory", "lots"),
        decision("services.api.requests.memory", True),
        decision("services.api.pdb.min_available", 2),
        decision("machines.db.cores", 2),
    ]
    found = past(forge(plan=changed(lambda plan: plan["decisions"].extend(taken))))
    source = f"correction:{APP}/api-deployment.yaml"
    assert found.corrections == (
        Correction(service="api", key="cpu", proposed="850m", merged="1", source_id=source),
        Correction(service="api", key="min", proposed="another value", merged="4", source_id=source),
    )


def test_a_newer_correction_beats_the_one_that_was_taken_over() -> None:
    taken = decision("services.api.requests.cpu", "1")
    on = forge(
        plan=changed(lambda plan: plan["decisions"].append(taken)), api_deployment=swap(("cpu: 850m", "cpu: 700m"))
    )
    assert numbers(past(on)) == [("api", "cpu", "850m", "700m")]


def rules(*paths: str) -> Config:
    return Config(knowledge=paths)


def test_the_teams_rules_are_pieces_with_the_file_as_their_source() -> None:
    on = forge({"docs/sizing.md": "# Sizing\nAlways three.\n\n## Memory\nAt least 256Mi.\n", "b.md": "plain"})
    found = past(on, app="new", config=rules("docs/sizing.md", "b.md", "docs/sizing.md"))
    assert [(one.source_id, one.kind, one.title, one.text) for one in found.pieces] == [
        ("rule:docs/sizing.md#1", "rule", "Sizing", "Always three."),
        ("rule:docs/sizing.md#2", "rule", "Memory", "At least 256Mi."),
        ("rule:b.md#1", "rule", "b.md", "plain"),
    ]
    assert found.findings == ()
    assert not found.known


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd.md",
        "../a.md",
        "a/../../b.md",
        "a/./b.md",
        ".git/a.md",
        "a//b.md",
        "a.txt",
        "a.md/",
        "",
        "a\\b.md",
        "a\nb.md",
        "https://x/a.md",
        "a?ref=x.md",
        "a" * 300 + ".md",
    ],
)
def test_a_path_that_leads_elsewhere_is_a_note_and_is_not_read(path: str) -> None:
    on = forge()
    [finding] = past(on, app="new", config=rules(path)).findings
    assert (finding.rule, finding.severity) == ("knowledge-unread", "note")
    assert on.reads == ["apps/new/plan.json", "clusters/new/plan.json"]


@given(st.text(max_size=60))
def test_a_readable_path_stays_inside(path: str) -> None:
    assert not readable_path(f"../{path}.md")
    assert not readable_path(f"/{path}.md")
    if readable_path(path):
        assert path.endswith(".md")
        assert not {"", ".", ".."} & set(path.split("/"))


@pytest.mark.parametrize("text", [None, "", "x" * (LARGEST + 1), "é" * (LARGEST // 2 + 1), "password: hunter2hunter2"])
def test_rules_that_cannot_be_used_are_a_note(text: str | None) -> None:
    found = past(forge({} if text is None else {"a.md": text}), app="new", config=rules("a.md"))
    assert found.pieces == ()
    assert [one.rule for one in found.findings] == ["knowledge-unread"]
    assert "hunter2" not in f"{found.findings}"


def document(**plan: Any) -> Document:
    raw = json.loads((GOLDEN / PLAN).read_text())
    raw["plan"].update(plan)
    return Document.model_validate_json(json.dumps(raw))


def learnt(*lessons: Lesson) -> MemoryLedger:
    made = MemoryLedger()
    for lesson in lessons:
        made.learn(lesson)
    return made


def priced(monthly: float) -> dict[str, Any]:
    return {"priced": True, "monthly": monthly, "currency": "EUR", "lines": [], "note": ""}


def test_the_lesson_of_a_plan_says_what_runs_and_what_it_costs() -> None:
    lesson = lesson_of(document(cost=priced(99.5)), repo=INFRA, at=NOON)
    assert (lesson.id, lesson.kind, lesson.app, lesson.namespace) == (f"plan:{INFRA}/{APP}", "plan", APP, APP)
    assert lesson.data == {
        "namespace": APP,
        "monthly": 99.5,
        "currency": "EUR",
        "services": [
            {"name": "api", "language": "Go", "framework": "Gin", "kind": "api"},
            {"name": "web", "language": "JavaScript", "framework": "React", "kind": "static"},
        ],
    }
    assert lesson.text.startswith("api (Go Gin api): 3 replicas of 850m CPU, 128Mi memory, autoscaled 3 to 10")
    assert lesson_of(document(), repo=INFRA, at=NOON).data["monthly"] is None  # type: ignore[index, call-overload]


def test_other_applications_are_peers_and_spends_of_the_same_repository() -> None:
    kept = learnt(
        lesson_of(document(cost=priced(99.5)), repo=INFRA, at=NOON),
        lesson_of(document(app="own", namespace="own", cost=priced(1.0)), repo=INFRA, at=NOON),
        lesson_of(document(app="free"), repo=INFRA, at=NOON),
        lesson_of(document(app="far", cost=priced(7.0)), repo="myorg/other", at=NOON),
    )
    found = past(forge(), app="own", lessons=kept)
    assert found.spends == (Spend(app=APP, monthly=99.5, currency="EUR", namespace=APP),)
    assert found.similar[:1] == (
        Peer(workload=Workload(namespace=APP, name="api"), language="Go", framework="Gin", kind="api"),
    )
    assert len(found.similar) == 4
    assert {piece.source_id for piece in found.pieces} == {f"plan:{INFRA}/{name}" for name in (APP, "own", "free")}


def told(kind: str, **facts: Any) -> Lesson:
    given_facts = {"id": f"{kind}:1", "kind": kind, "repo": INFRA, "app": "x", "title": "T", "text": "text", "at": NOON}
    return Lesson.model_validate(given_facts | facts)


def test_outcomes_and_corrections_are_pieces_and_pages_are_the_librarys() -> None:
    found = past(forge(), app="new", lessons=learnt(*(told(kind) for kind in ("outcome", "correction", "page"))))
    assert [(one.source_id, one.kind) for one in found.pieces] == [
        ("outcome:1", "outcome"),
        ("correction:1", "correction"),
    ]


@pytest.mark.parametrize("data", [None, [], "x", {"namespace": 1}, {"namespace": "a", "extra": 1}, {"services": [1]}])
def test_a_lesson_of_another_version_is_a_piece_and_nothing_more(data: Any) -> None:
    found = past(forge(), app="new", lessons=learnt(told("plan", data=data)))
    assert (found.similar, found.spends, len(found.pieces)) == ((), (), 1)


def test_a_lesson_with_a_secret_is_left_out() -> None:
    assert past(forge(), app="new", lessons=learnt(told("outcome", text="password=hunter2hunter2"))) == Past()


def test_records_that_do_not_answer_are_a_note() -> None:
    down = MemoryLedger(stop=Unavailable(Code.INTERNAL, "The disk is full.", remedy="Free it."))
    found = past(forge(), lessons=down)
    assert found.known
    assert [one.rule for one in found.findings] == ["memory-unread"]


def test_an_outage_of_the_forge_is_the_callers_to_see() -> None:
    class Down(CountingForge):
        def file(self, repo: str, path: str, *, ref: str | None = None) -> str | None:
            raise Unavailable(Code.RATE, f"{repo} {path} {ref}", remedy="Wait.")

    with pytest.raises(Unavailable):
        past(Down())
