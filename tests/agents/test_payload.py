"""What leaves for a model: the input standard, small, and without secrets, addresses and names of the cluster (P08)."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.agents.desk import Desk
from bot.agents.payload import CAP, LONGEST_ID, Asked, Told, asked, canonical
from bot.agents.plan_told import planner_input, reviewer_input
from bot.agents.repository_told import collector_input, environment_values
from bot.agents.scrub import ADDRESS, SECRET, Scrubber, quiet, without_internal
from bot.model.cluster import ClusterSnapshot, Guest, Node, ProxmoxFacts, Store
from bot.model.consultation import CollectorAnswer
from bot.model.evidence import Evidence, Observed, Piece, Trouble, Workload
from bot.model.finding import Finding
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.model.standard import Payload
from tests.agents.cases import COMMAND, PIECE, collected, context, heard, rules_plan, tree
from tests.daily import searched
from tests.fakes.counsel import ScriptedCounsel

KEY = "AKIA" + "QWERTYUIOPASDFGH"
TOKEN = "ghp_" + "a1B2" * 9
PASSWORD = "hunter2x"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIICXAIBAAKBgQCanaryCanaryCanary\n-----END RSA PRIVATE KEY-----"
NODE, STORE, GUEST, CLUSTER = "rack7-hv03", "tank-mirror-9", "prod-billing-vm", "berlin-dc1"
NAMES = (NODE, STORE, GUEST, CLUSTER)
INTERNAL = (
    "10.11.12.13", "192.168.7.9", "172.20.1.1", "127.0.0.1", "169.254.169.254", "100.64.3.2", "fd00::17", "fe80::1",
    "::1", "db.prod.svc.cluster.local", "grafana.corp", "nas.lan", "vault.internal", "printer.local", "localhost",
)  # fmt: skip
URLS = (
    "http://grafana:3000/d/abc", "https://10.11.12.13/x?y=1", "postgres://app@db.prod.svc:5432/app", "http://[fd00::17]/",
    "http://vault.internal/v1", "http://167837196/", "http://10%2e0.0.1/", "ftp://nas.lan/backup",
)  # fmt: skip


def cluster() -> ClusterSnapshot:
    room = Resources(cpu=MilliCpu(8000), memory=Bytes.of_gib(32))
    return ClusterSnapshot(
        nodes=(Node(name=NODE, system="proxmox", capacity=room), Node(name="k1", system="kubernetes", capacity=room)),
        stores=(Store(name=STORE, system="proxmox", kind="zfspool"),),
        proxmox=ProxmoxFacts(
            name=CLUSTER, guests=(Guest(vm_id=7, name=GUEST, kind="vm", node=NODE, status="running"),)
        ),
    )


def told(question: Asked) -> str:
    """Everything that a model sees, as one text."""
    return canonical(question.data).encode().decode("unicode_escape", "ignore")


def test_a_payload_is_the_input_standard_and_its_digest_is_stable() -> None:
    first, second = (planner_input(rules_plan(), context()) for _ in range(2))
    assert Payload.model_validate_json(canonical(first.data)) == first.payload
    assert first.digest == second.digest
    assert first.digest != planner_input(rules_plan(), context(evidence=Evidence())).digest
    assert len(first.digest) == 16


def test_the_planner_is_told_numbers_with_their_bounds() -> None:
    question = planner_input(rules_plan(), context())
    assert isinstance(question.payload.rule, dict)
    api = question.payload.rule["services"][0]
    assert api["numbers"]["cpu"] == {"value": "850m", "low": "425m", "high": "1700m"}
    assert api["numbers"]["reads"] == {"value": 3.0, "low": 1.5, "high": 6.0}
    assert question.payload.app_metadata is not None
    assert question.payload.app_metadata.expected_qps == 2000
    assert question.payload.context[0].source_id == "sizing-7.5"
    assert question.sources["sizing-7.5"] == "sizing-7.5"


def test_the_reviewer_is_told_nothing_but_findings_and_numbers() -> None:
    finding = Finding(rule="hpa-bounds", severity="block", path="x.yaml", message="Not 1 <= min.", remedy="secret plan")
    question = reviewer_input((finding,), rules_plan(), ruled=rules_plan(), context=context())
    assert isinstance(question.data, dict)
    assert set(question.data) == {"context", "rule"}
    assert question.payload.context[0].model_dump() == {
        "source_id": "finding-1", "title": "hpa-bounds", "text": "x.yaml Not 1 <= min.",
    }  # fmt: skip
    assert question.sources == {"finding-1": "finding-1"}
    assert isinstance(question.payload.rule, dict)
    assert set(question.payload.rule) == {"services"}


def test_nodes_have_no_names() -> None:
    names = set(planner_input(rules_plan(), context()).payload.deployment_context.node_utilization)
    assert names == {f"node-{index}" for index in range(1, len(names) + 1)}


PLACES = {
    ".env": f"API_KEY={TOKEN}\nPLAIN_SETTING=Canary-Value-77\n",
    ".env.production": f"DB={PASSWORD}\n",
    "Dockerfile": f"FROM golang:1.22\nENV ACCESS={TOKEN} OTHER=Canary-Value-88\nENV LEGACY Canary-Value-99\nEXPOSE 8080\n",
    "README.md": (
        f"# Shop\nUse {KEY} and {TOKEN}.\n{PEM}\nexport DB_PASSWORD={PASSWORD}\nThe values Canary-Value-77, Canary-Value-88 "
        f"and Canary-Value-99 are set; the login is {PASSWORD}.\n"
        f"Metrics: http://10.11.12.13:9090/x and https://docs.example.com/guide at {INTERNAL[9]}\n"
    ),
}  # fmt: skip
CANARIES = (
    KEY, TOKEN, PASSWORD, "Canary-Value-77", "Canary-Value-88", "Canary-Value-99", "MIICXAIBAAKBgQ", "10.11.12.13",
    INTERNAL[9],
)  # fmt: skip


def test_p08_secrets_of_repository_files_are_never_told() -> None:
    counsel = ScriptedCounsel({"collector": (CollectorAnswer(confidence=0.5),)})
    read = tree().model_copy(update={"texts": {**tree().texts, **PLACES}})
    command = COMMAND.model_copy(
        update={"app_description": f"Shop, 2000 QPS peak, password={PASSWORD}, 3 replicas {KEY}"}
    )
    heard(Desk(counsel=counsel), read, command)
    question = canonical(counsel.asked[0].payload)
    for canary in CANARIES:
        assert canary not in question
    assert "https://docs.example.com/guide" in question
    assert "2000 QPS peak" in question
    assert "3 replicas" in question


def test_values_of_environments_are_found_in_every_notation() -> None:
    found = environment_values(tree().model_copy(update={"texts": PLACES}))
    assert {TOKEN, "Canary-Value-77", "Canary-Value-88", "Canary-Value-99"} <= set(found)


def test_p08_names_and_addresses_of_the_cluster_are_never_told() -> None:
    text = f"like {GUEST} on {NODE} at {STORE} in {CLUSTER}, {' '.join(INTERNAL)} {' '.join(URLS)}"
    pieces = (Piece(source_id="plan:shop@1", kind="plan", title=f"on {NODE.upper()}", text=text),)
    around = context(evidence=Evidence(pieces=pieces)).model_copy(update={"snapshot": cluster()})
    plan = rules_plan()
    warning = Finding(rule="n-plus-one", severity="warn", message=f"loss of {NODE}", remedy="x")
    shown = told(planner_input(plan.model_copy(update={"findings": (warning,)}), around))
    for canary in (*NAMES, *INTERNAL, *URLS):
        assert canary.lower() not in shown.lower().replace("node-", "")
    assert "node-1" in shown


def test_metric_labels_are_never_told_and_their_ids_can_still_be_cited() -> None:
    workload = Workload(namespace="team-secret-ns", name="CANARY-label")
    observed = Observed(
        workload=workload, source_id=f"metrics:team/{GUEST}", window=86400, points=9, cpu_p95=MilliCpu(300), pods=2
    )
    trouble = Trouble(workload=workload, source_id="event:1", kind="oom-killed", count=2, text="CANARY-text killed")
    evidence = Evidence(observed=(observed,), troubles=(trouble,))
    around = context(evidence=evidence).model_copy(update={"snapshot": cluster()})
    question = planner_input(rules_plan(), around)
    shown = told(question)
    assert not any(word in shown for word in ("team-secret-ns", "CANARY", GUEST))
    assert question.sources["source-1"] == f"metrics:team/{GUEST}"
    assert question.sources["event:1"] == "event:1"
    assert isinstance(question.payload.rule, dict)
    assert question.payload.rule["observed"][0]["source_id"] == "source-1"
    assert question.payload.historical_metrics.cpu_usage == (0.3,)
    assert question.payload.historical_metrics.replica_counts == (2,)


def test_the_applications_own_words_stay() -> None:
    guests = tuple(Guest(vm_id=n, name=name, kind="vm", node="n", status="running") for n, name in
                   enumerate(("api", "web", "postgresql", "supermarket-inventory", "go", "12345", "a"), 1))  # fmt: skip
    around = context().model_copy(update={"snapshot": ClusterSnapshot(proxmox=ProxmoxFacts(guests=guests))})
    question = planner_input(rules_plan(), around)
    assert isinstance(question.payload.rule, dict)
    assert [each["name"] for each in question.payload.rule["services"]] == ["api", "web"]
    assert question.payload.app_metadata.name == "supermarket-inventory"


def test_the_folder_of_this_computer_is_no_address() -> None:
    question = collector_input(COMMAND, tree(), profile=collected().profile, demand=collected().demand, pieces=())
    assert question.payload.github is None


@pytest.mark.parametrize("text", INTERNAL, ids=lambda text: f"P08-{text}")
def test_internal_addresses_are_seen_in_running_text(text: str) -> None:
    for around in ("at {} now", "({})", "{}.", "x={},", "é{}", "host:{}/path"):
        assert text not in without_internal(around.format(text))


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "https://github.com/org/repo", "version 1.22.3", "12:30:45", "go 1.22", "api.example.com", "at home.",
     "internal service", "https://docs.rs/x?y=z#a"],
)  # fmt: skip
def test_public_text_stays(text: str) -> None:
    assert without_internal(text) == text
    assert Scrubber().text(text) == text


def test_only_the_clause_with_a_secret_goes() -> None:
    assert Scrubber().text(f"Shop, password={PASSWORD}, 2000 QPS") == f"Shop, {SECRET} 2000 QPS"


def test_a_secret_far_inside_a_long_line_is_seen() -> None:
    for at in (0, 990, 1_000, 1_990, 2_000, 5_431):
        assert PASSWORD not in Scrubber().text("x" * at + f" password={PASSWORD} " + "y " * 900)


def test_invisible_letters_hide_nothing() -> None:
    assert PASSWORD not in Scrubber().text(f"pass\u200bword={PASSWORD}")
    assert "10.0.0.1" not in Scrubber().text("10.0.\u200b0.1")


def test_half_a_secret_at_the_end_of_a_cut_text_goes_too() -> None:
    readme = "word " * 1_598 + f"xx {TOKEN} tail"
    read = tree().model_copy(update={"texts": {"README.md": readme}})
    question = collector_input(COMMAND, read, profile=collected().profile, demand=collected().demand, pieces=())
    assert TOKEN[:7] not in told(question)


def big(count: int) -> Told:
    return Told(
        description="d" * 20_000,
        readme="r " * 20_000,
        endpoints=tuple(f"/{n}/" + "e" * 300 for n in range(count)),
        nodes=tuple((1.0, "1Gi") for _ in range(count)),
        pieces=tuple(Piece(source_id=f"p{n}", kind="page", title="t" * 500, text="ü" * 5_000) for n in range(count)),
        rule={"services": [{"name": f"s{n}", "text": "x" * 500} for n in range(count)]},
    )


@pytest.mark.parametrize("count", [0, 1, 30, 500])
def test_a_payload_is_capped_and_says_what_was_cut(count: int) -> None:
    question = asked("planner", big(count), Scrubber())
    assert len(canonical(question.data)) <= CAP
    if count >= 30:
        assert isinstance(question.payload.rule, dict)
        assert any(f"of {count} endpoints shown" in note for note in question.payload.rule["notes"])
    shown = {piece.source_id for piece in question.payload.context}
    assert shown == set(question.sources)


def test_long_source_ids_get_a_short_name() -> None:
    long = Piece(source_id="rule:" + "x" * 100, kind="rule", title="t", text="x")
    question = asked("planner", Told(pieces=(long, PIECE)), Scrubber())
    assert question.sources == {"source-1": long.source_id, "sizing-7.5": "sizing-7.5"}
    assert all(len(shown) <= LONGEST_ID for shown in question.sources)


def test_a_models_prose_is_kept_on_one_line_and_cut() -> None:
    assert quiet("a\n\n b\x00\u202e c") == "a b c"
    assert quiet("x" * 70_000) == "x" * 200 + "… cut"
    assert ADDRESS in quiet("see http://10.0.0.1/x")


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SEPARATED = st.lists(WORDS | st.sampled_from((KEY, TOKEN, *INTERNAL, *URLS, *NAMES)), max_size=8).map(" ".join)


@searched(150, suppress_health_check=[HealthCheck.too_slow])
@given(text=SEPARATED, title=SEPARATED, source=WORDS, name=st.text(string.ascii_letters + "-", min_size=4, max_size=12))
def test_p08_no_text_whatever_smuggles_a_canary(text: str, title: str, source: str, name: str) -> None:
    guest = Guest(vm_id=1, name=name, kind="vm", node=NODE, status="running")
    snapshot = cluster().model_copy(update={"proxmox": ProxmoxFacts(name=CLUSTER, guests=(guest, Guest(
        vm_id=2, name=GUEST, kind="vm", node=NODE, status="running")))})  # fmt: skip
    piece = Piece(source_id=source or "s", kind="page", title=title, text=f"{text} {name} {title}")
    told_ = Told(
        description=text, readme=title, base_image=text, endpoints=(title,), environment=text, pieces=(piece,),
        metadata={"name": title, "language": text}, github=f"https://{text}", rule={"services": [{"x": text, title: 1}]},
    )  # fmt: skip
    question = asked("planner", told_, Scrubber.of(snapshot))
    shown = canonical(question.data)
    values = _texts(question.data)
    for canary in (KEY, TOKEN, *INTERNAL, *URLS, *NAMES):
        assert not any(canary in value for value in values)
    assert not any(f" {name} " in f" {value} " for value in values if name.lower() not in TAKEN)
    assert len(shown) <= CAP


TAKEN = {"node", "store", "machine", "cluster", "pool"}


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
