"""The parts of the Prometheus edge that need no server: addresses, pod names, grids, hostile rows, words."""

from __future__ import annotations

import base64
import math
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bot.edges.prometheus import PrometheusMetrics
from bot.edges.prometheus.address import parse_address, parse_credential
from bot.edges.prometheus.measured import quantile
from bot.edges.prometheus.questions import Grid, coarse, grid, owners
from bot.edges.prometheus.series import by_label, by_pod
from bot.edges.prometheus.trouble import Trouble, shown
from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Workload
from tests.fakes.clock import StoppedClock

API = Workload(namespace="shop", name="api")
CANARY = "CANARY-prometheus-4c1b"


@pytest.mark.parametrize(
    ("text", "url", "environment"),
    [
        ("http://prometheus:9090", "http://prometheus:9090/api/v1/query_range", True),
        ("https://host.example/", "https://host.example/api/v1/query_range", True),
        ("https://host.example/a/prefix/", "https://host.example/a/prefix/api/v1/query_range", True),
        (" http://127.0.0.1:9090 ", "http://127.0.0.1:9090/api/v1/query_range", False),
        ("http://[::1]:9090", "http://[::1]:9090/api/v1/query_range", False),
        ("https://127.0.0.1", "https://127.0.0.1/api/v1/query_range", True),
    ],
)
def test_addresses_that_are_understood(text: str, url: str, environment: bool) -> None:
    found = parse_address(text, secret=False)
    assert (found.url, found.environment) == (url, environment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prometheus:9090",
        "ftp://prometheus",
        f"http://user:{CANARY}@prometheus",
        f"http://{CANARY}@prometheus",
        "http://prometheus:port",
        "http://[::1",
        "http://a b",
        f"http://prometheus/?token={CANARY}",
        "http://prometheus/#x",
        "http://prometheus/../admin",
        "http:///path",
        "http://prometheus\n.evil",
        "http://a..b",
        "http://.x",
        "http://" + "a" * 64,
        "http://%zz",
        "http://x:99999",
    ],
)
def test_an_address_of_another_form_is_a_finding_without_its_text(text: str) -> None:
    reading = PrometheusMetrics(text, clock=StoppedClock()).observe((API,), window=86_400, names=MetricNames())
    assert [(one.rule, one.severity) for one in reading.findings] == [("metrics-unread", "warn")]
    words = reading.model_dump_json()
    assert "PROMETHEUS_URL" in words
    assert CANARY not in words
    assert "evil" not in words


def test_a_token_never_travels_over_plain_http_to_another_machine() -> None:
    with pytest.raises(Trouble, match="plain http"):
        parse_address("http://prometheus:9090", secret=True)
    assert parse_address("http://localhost:9090", secret=True)
    assert parse_address("https://prometheus", secret=True)


def _header(token: str | None) -> str | None:
    request = requests.Request("POST", "http://host", auth=parse_credential(token)).prepare()
    return request.headers.get("Authorization")


def test_tokens_are_bearers_and_pairs_are_basic() -> None:
    assert _header("abc.def-_~+/=") == "Bearer abc.def-_~+/="
    assert _header("user:pä:ss") == "Basic " + base64.b64encode("user:pä:ss".encode()).decode()
    assert _header(None) is None


@pytest.mark.parametrize("token", ["two words", "a\nb", ":hunter2", f"{CANARY}\r\nX-Evil: 1", "ü"])
def test_a_token_that_cannot_be_sent_is_a_finding_without_it(token: str) -> None:
    metrics = PrometheusMetrics("https://host.example", clock=StoppedClock(), token=token)
    reading = metrics.observe((API,), window=86_400, names=MetricNames())
    assert "PROMETHEUS_TOKEN" in reading.findings[0].message
    assert token not in reading.model_dump_json()
    assert CANARY not in reading.model_dump_json()
    assert token not in repr(metrics)
    assert "host.example" not in repr(metrics)


@pytest.mark.parametrize(
    ("pod", "names"),
    [
        ("api-7d9f8b6c5d-bcdfg", ("api",)),
        ("shop-web-7d9f8b6c5d-bcdfg", ("shop-web",)),
        ("worker-0", ("worker",)),
        ("worker-12", ("worker",)),
        ("shop-bbbbb-22222", ("shop", "shop-bbbbb")),
        ("api-migrate-x7k2p", ()),
        ("api-worker-0", ("api-worker",)),
        ("api", ()),
        ("", ()),
        ("a" * 300 + "-0", ()),
    ],
)
def test_which_workloads_may_have_made_a_pod(pod: str, names: tuple[str, ...]) -> None:
    assert owners(pod) == names


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=1e6, max_value=4e9))
def test_a_grid_is_never_coarser_than_five_minutes_nor_longer_than_prometheus_allows(window: float, now: float) -> None:
    fine = grid(now, window)
    assert 15 <= fine.step <= 300
    assert fine.window // fine.step + 1 <= 4_096
    assert fine.end == int(now)
    assert fine.window <= max(600, window)
    hours = coarse(fine)
    assert fine.step <= hours.step <= 3_600


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1), st.floats(min_value=0, max_value=1))
def test_a_quantile_lies_between_the_smallest_and_the_largest(values: list[float], q: float) -> None:
    found = quantile(values, q)
    assert min(values) <= found * (1 + 1e-9) + 1e-9
    assert found <= max(values) * (1 + 1e-9) + 1e-9


def test_a_quantile_interpolates_as_prometheus_does() -> None:
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([7], 0.98) == 7


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(math.inf),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["metric", "values", "pod", "namespace"]), inner),
    max_leaves=6,
)
PAIRS = st.lists(st.tuples(st.integers() | st.floats(), st.text() | st.floats().map(str)).map(list) | JSON, max_size=5)
LABELS = st.fixed_dictionaries({"namespace": st.just("shop") | JSON, "pod": st.just("api-7d9f8b6c5d-bcdfg") | JSON})
ROWS = st.lists(JSON | st.fixed_dictionaries({"metric": LABELS | JSON, "values": PAIRS}), max_size=4)


@given(ROWS)
def test_whatever_a_row_holds_only_finite_numbers_of_the_workload_come_out(rows: list[Any]) -> None:
    moments = Grid(0, 1_000_000, 300)
    pods = by_pod(rows, [API], moments, most=100)
    labels = by_label(rows, [API], moments, label="pod", most=100)
    assert set(pods) | set(labels) <= {API}
    points = [point for one in pods.values() for two in one.values() for point in two.items()]
    assert all(0 <= at <= 1_000_000 and 0 <= value <= 100 for at, value in points)


@given(st.text() | st.none() | st.integers())
def test_shown_words_are_short_and_plain(text: object) -> None:
    found = shown(text)
    assert len(found) <= 160
    assert found.isascii()
    assert not set(found) & set('`@![]<>{}|*#\\\n"')


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "10.1.2.3:9090", "prom.internal:9090", "http://prom/x", "fe80::1", "user@host", "prom-0:9090"],
)
def test_shown_words_hold_no_address(address: str) -> None:
    assert shown(f"store {address} timed out") == "store ... timed out"
