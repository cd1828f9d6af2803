"""Every usual spelling of a phrase, the mistakes that people make, and what "no" reaches."""

from __future__ import annotations

import pytest

from bot.model.quantity import Bytes
from bot.survey.description.numbers import measure, percent, rate, size
from bot.survey.description.reading import read_description


@pytest.mark.parametrize(
    "text",
    [
        "2000 QPS", "2000QPS", "2,000 qps", "2.000 req/s", "2 000 QPS", "2\u202f000 QPS", "2'000 rps", "2\u2019000 rps", "2k rps",
        "2krps", "2 K RPS", "2.0k rps", "2,0k rps", "two thousand requests per second", "2000+ QPS", "~2000 TPS", ">2000 QPS",
        "\u22482000 QPS", "\u22652000 QPS", "up to 2000 rps", "1000-2000 QPS", "1000 \u2013 2000 QPS", "1k\u20132k rps", "1000 to 2000 rps",
        "between 1000 and 2000 QPS", "2000 req/sec", "2000 requests / second", "2000 requests a second", "2000 http requests per second",
        "2000 peak QPS", "peak traffic of 2000 rps", "peak load: 2000 QPS", "peaks at 2000 rps", "QPS: 2000", "qps=2000", "RPS of 2000",
        "expected_qps: 2000", "requests per second: 2000", "120k rpm", "120,000 requests per minute", "\uff12\uff10\uff10\uff10 QPS",
        "\u0662\u0660\u0660\u0660 QPS", "2000  QPS", "20\u200b00 QPS", "7.2 million requests per hour at peak", "PostgreSQL 2000 QPS",
        "Java 17 2000 QPS", "100 QPS now, later 2000 QPS",
    ],
)  # fmt: skip
def test_two_thousand_requests_per_second_at_peak(text: str) -> None:
    demand = read_description(text)
    assert (demand.qps_peak, demand.qps_average) == (2000.0, None)
    assert demand.unknown_numbers == ()


@pytest.mark.parametrize(
    "text",
    [
        "2000 QPS peak, 500 QPS average", "average 500 / peak 2000 rps", "peak 2000, average 500 requests per second",
        "500 QPS average and 2000 peak", "typical load 500 rps with spikes of 2000 rps", "1.8 million requests an hour, peaks of 2000 rps",
        "43.2 million requests/day, 2000 rps at peak", "43.2M requests daily, peak of 2k rps",
        "1,296,000,000 requests per month with a peak of 2000 rps",
    ],
)  # fmt: skip
def test_an_average_beside_a_peak(text: str) -> None:
    demand = read_description(text)
    assert (demand.qps_average, demand.qps_peak) == (500.0, 2000.0)
    assert demand.unknown_numbers == ()


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("50 concurrent users", 50), ("10 concurrent shoppers", 10), ("50 simultaneous connections", 50), ("5k users at the same time", 5000),
        ("1,200 users online", 1200), ("concurrent users: 50", 50), ("concurrency of 200", 200), ("a hundred concurrent users", 100),
        ("twenty-five concurrent users", 25), ("2000 users, 50 concurrent", 50), ("2000 users", None), ("5k DAU", None), ("500 viewers", None),
        ("200 staff", None), ("10 million registered users", None),
    ],
)  # fmt: skip
def test_only_people_at_the_same_time_are_load(text: str, users: int | None) -> None:
    demand = read_description(text)
    assert demand.users == users
    assert demand.unknown_numbers == ()
    assert users is not None or demand.not_acted_on


@pytest.mark.parametrize(
    ("text", "latency", "percentile"),
    [
        ("p99 under 50 ms", 50, 99), ("p99<50ms", 50, 99), ("P99: 50ms", 50, 99), ("p99 = 50 ms", 50, 99), ("p 99 < 50 ms", 50, 99), ("tp99 50ms", 50, 99),
        ("p99.9 below 50ms", 50, 99.9), ("p99,9 below 50ms", 50, 99.9), ("\u2264 50 ms p99", 50, 99), ("50ms (p99)", 50, 99), ("50 ms at the 99th percentile", 50, 99),
        ("latency (p99): 50 ms", 50, 99), ("99% of requests under 50 ms", 50, 99), ("answers in less than 50ms for 99% of requests", 50, 99),
        ("latency SLO: 100 ms (p95)", 100, 95), ("sla_latency_ms: 100", 100, None), ("100ms SLA", 100, None), ("response time of max. 300 ms", 300, None),
        ("latency of 50-100 ms", 100, None), ("no more than 200 ms latency", 200, None), ("latency must stay below 1,000 ms", 1000, None),
        ("response time 1.5 s", 1500, None), ("response time 1,5 s", 1500, None), ("sub-100ms", 100, None), ("within a second", 1000, None),
        ("p50 under 20 ms, p99 under 80 ms", 80, 99), ("p95 100 ms, p99 300 ms", 100, 95), ("median 20 ms", None, None), ("timeout 30 s", None, None),
        ("starts in 20 seconds", None, None), ("failover within 30 s", None, None), ("latency 0 ms", None, None),
    ],
)  # fmt: skip
def test_a_latency_and_its_percentile_stay_together(text: str, latency: float | None, percentile: float | None) -> None:
    demand = read_description(text)
    assert (demand.latency_ms, demand.latency_percentile) == (latency, percentile)


@pytest.mark.parametrize(
    ("text", "percent_up"),
    [
        ("99.9 %", 99.9), ("99.9%", 99.9), ("99,9 %", 99.9), ("99,999 % uptime", 99.999), ("99.95 percent uptime", 99.95), ("uptime 99.99", 99.99),
        ("SLA: 99.5%", 99.5), ("98% availability", 98), ("five nines", 99.999), ("3 nines", 99.9), ("four 9s", 99.99), ("90% reads", None),
        ("cache hit rate 99%", None), ("cpu at 95 %", None), ("error rate below 0.1 %", None), ("99% reads", None), ("200 %", None), ("95% of requests under 200 ms", None),
    ],
)  # fmt: skip
def test_a_share_is_only_availability_when_it_says_so(text: str, percent_up: float | None) -> None:
    assert read_description(text).availability_percent == percent_up


@pytest.mark.parametrize(
    ("text", "field", "amount"),
    [
        ("50 GB", "data", 50 * 10**9), ("50GB", "data", 50 * 10**9), ("50 gb of data", "data", 50 * 10**9), ("1.5TB of data", "data", 15 * 10**11),
        ("1,5 TB", "data", 15 * 10**11), ("2,000 GB", "data", 2 * 10**12), ("10 gigs", "data", 10**10), ("10Gi", "data", 10 * 2**30), ("50-100 GB", "data", 10**11),
        ("50GB\u2013100GB of data", "data", 10**11), ("PostgreSQL 16 with 50 GB", "data", 50 * 10**9), ("Redis 2 GB", "data", 2 * 10**9),
        ("2 GB of memory", "memory_hint", 2 * 2**30), ("RAM: 512 MB", "memory_hint", 512 * 2**20), ("payload 5 KB", "payload", 5000), ("5 KB per request", "payload", 5000),
        ("responses of 20 kB", "payload", 20_000), ("uploads up to 50 MB", "payload", 50 * 10**6), ("grows 10 GB per month", "data_growth_per_month", 10**10),
        ("10 GB/month", "data_growth_per_month", 10**10), ("120 GB per year", "data_growth_per_month", 10**10), ("1GB daily", "data_growth_per_month", 30 * 10**9),
    ],
)  # fmt: skip
def test_a_size_belongs_to_one_thing(text: str, field: str, amount: int) -> None:
    demand = read_description(text)
    fields = ("data", "memory_hint", "payload", "data_growth_per_month")
    assert {name: getattr(demand, name) for name in fields if getattr(demand, name)} == {field: Bytes(amount)}
    assert demand.unknown_numbers == ()


@pytest.mark.parametrize(
    ("text", "mix"),
    [
        ("90% reads", "90/10"), ("90 % reads / 10 % writes", "90/10"), ("10% writes", "90/10"), ("80% read 20% write", "80/20"),
        ("read/write ratio 80/20", "80/20"), ("80/20 read-write", "80/20"), ("read-heavy", None),
    ],
)  # fmt: skip
def test_reads_and_writes(text: str, mix: str | None) -> None:
    demand = read_description(text)
    assert demand.read_write_mix == mix
    assert demand.unknown_numbers == ()


@pytest.mark.parametrize(
    ("text", "replicas"),
    [
        ("3 replicas", 3), ("three replicas", 3), ("replicas: 3", 3), ("at least 3 pods", 3), ("three front-end replicas", 3), ("two to four replicas", 2),
        ("2-4 replicas", 2), ("up to 5 replicas", None), ("no more than 5 replicas", None), ("burst to two replicas", None), ("two read replicas", None),
    ],
)  # fmt: skip
def test_replicas_are_the_least_number(text: str, replicas: int | None) -> None:
    demand = read_description(text)
    assert demand.replicas == replicas
    assert demand.unknown_numbers == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("no Redis", ()), ("without a managed Redis", ()), ("no Redis, Kafka or RabbitMQ", ()), ("without Redis and Kafka", ()), ("neither Redis nor Kafka", ()),
        ("Redis isn't needed", ()), ("Redis is no longer used", ()), ("does not use Redis", ()), ("PostgreSQL (no Redis)", ("postgresql",)),
        ("instead of MySQL we use PostgreSQL", ("postgresql",)), ("migrated from MySQL to PostgreSQL", ("postgresql",)), ("Redis rather than Memcached", ("redis",)),
        ("no Redis and a PostgreSQL backend", ("postgresql",)), ("no Redis but Kafka", ("kafka",)), ("no downtime, PostgreSQL or MySQL", ("postgresql", "mysql")),
        ("no downtime Redis", ("redis",)), ("no data loss PostgreSQL", ("postgresql",)), ("not only Redis", ("redis",)), ("no, Redis is used", ("redis",)),
        ("Redis, not Memcached", ("redis",)), ("no GPU, 3 replicas, Redis", ("redis",)), ("Postgres, later PostgreSQL 16", ("postgresql",)),
    ],
)  # fmt: skip
def test_what_a_no_reaches(text: str, wanted: tuple[str, ...]) -> None:
    assert tuple(item.kind for item in read_description(text).dependencies) == wanted


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("public over HTTPS", True), ("internet-facing", True), ("not public", False), ("never public", False), ("internal only", False), ("no inbound traffic", False),
        ("behind the VPN", False), ("runs in the public cloud", None), ("public holidays", None), ("public website, internal tool", True),
    ],
)  # fmt: skip
def test_public_or_not(text: str, public: bool | None) -> None:
    assert read_description(text).public is public


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("must not lose an order", "no_data_loss", True), ("we can\u2019t lose any orders", "no_data_loss", True), ("RPO=0", "no_data_loss", True),
        ("RPO 0.5 h", "no_data_loss", False), ("losing a cart is acceptable", "no_data_loss", False), ("zero downtime is not required", "zero_downtime", False),
        ("100 % uptime", "zero_downtime", True), ("short downtime is acceptable", "zero_downtime", False), ("HA", "failover", True),
        ("survives the loss of one node", "failover", True), ("two regions", "geo_redundancy", True), ("multi-AZ", "geo_redundancy", False),
        ("transactional mail", "strong_consistency", False), ("ACID transactions", "strong_consistency", True), ("eventual consistency", "strong_consistency", False),
        ("backup every 6 hours", "schedule", None), ("runs at 03:00 UTC", "schedule", "at 03:00 utc"), ("nightly batch at 02:00", "schedule", "nightly at 02:00"),
        ("one message every 10 seconds", "schedule", None), ("cron: 0 2 * * *", "schedule", "0 2 * * *"),
        ("2x growth", "growth", 1.0), ("grows 20% per year", "growth", 0.2), ("grows 10 % per month", "growth", None), ("5x spikes on Black Friday", "shape", "spike"),
        ("bursts to 200 rps", "shape", "spike"), ("criticality: production-critical", "criticality", "critical"), ("3-tier application", "criticality", None),
        ("performance-critical", "criticality", None), ("non-critical", "criticality", None), ("development team", "environment", None), ("F#", "languages", ()),
        ("we react to events", "frameworks", ()), ("go live in May", "languages", ()), ("Express delivery", "frameworks", ()), ("ASP.NET MVC", "languages", ()),
        ("namespace kube-system", "namespace", "kube-system"), ("namespace ../x", "namespace", "../x"), ("namespace per team", "namespace", None),
        ("on the prod-eu cluster", "cluster", "prod-eu"), ("on the Kubernetes cluster", "cluster", None), ("cluster home, staging", "cluster", "home"),
    ],
)  # fmt: skip
def test_words(text: str, field: str, value: object) -> None:
    assert getattr(read_description(text), field) == value


@pytest.mark.parametrize(
    "text",
    ["-5 QPS", "0 QPS", "12345678901234567 QPS", "1.22.500 rps", "2000/500 QPS", "99999999999999 GB", "1e6 QPS", "call 0800-123456", "2024-13-45", "dozens of shops", "five"],
)  # fmt: skip
def test_what_makes_no_sense_is_shown_and_changes_nothing(text: str) -> None:
    demand = read_description(text)
    assert demand.unknown_numbers
    assert demand.phrases == ()


def test_of_two_rates_the_higher_counts_and_the_other_is_shown() -> None:
    demand = read_description("100 QPS now, later 2000 QPS")
    assert [(phrase.text, phrase.value) for phrase in demand.phrases] == [("2000 QPS", "2000")]
    assert "2000" in demand.not_acted_on[0].note
    assert demand.not_acted_on[0].text == "100 QPS"


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        ("2,000", rate, 2000), ("2.000", rate, 2000), ("2.000", measure, 2), ("2,000", measure, 2000), ("1.000.000", measure, 1_000_000), ("1,5", measure, 1.5),
        ("0.500", rate, 0.5), ("1.5k", rate, 1500), ("3 Mio.", rate, 3_000_000), ("half a million", rate, 500_000), ("thirty-two", measure, 32), ("99,999", percent, 99.999),
        ("", rate, 0), ("12", percent, 12),
    ],
)  # fmt: skip
def test_numbers(text: str, read: object, value: float) -> None:
    assert callable(read)
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1 KiB", 1024), ("1 kilobyte", 1000), ("1 kB", 1000), ("3 bytes", 3), ("x", 0), ("2 Gi", 2 * 2**30)],
)
def test_size_units(text: str, amount: int) -> None:
    assert size(text) == Bytes(amount)


CORPUS = {
    "online-boutique": ("Online boutique web shop front end, server-rendered HTML in Go, 10 concurrent shoppers, calls seven gRPC back ends, public over HTTPS", {"users": 10, "public": True, "languages": ("go",)}),
    "cart": ("Shopping-cart gRPC service in C#, carts in Redis, 10 concurrent shoppers, losing a cart on a cache restart is acceptable", {"users": 10, "no_data_loss": False, "languages": ("csharp",)}),
    "vote": ("Voting front page, Python/Flask on gunicorn with four workers, Redis as queue, a burst of 200 votes per second is enough", {"qps_peak": 200.0, "frameworks": ("flask",)}),
    "sick-pay": ("National sick-pay application backend, Kotlin/Spring Boot with PostgreSQL (high availability, point-in-time recovery) and Kafka, zero downtime, personal data, three to five replicas", {"zero_downtime": True, "backup": True, "gdpr": True, "replicas": 3, "failover": True, "frameworks": ("spring-boot",)}),
    "shipping": ("Shipping cost API, Spring Boot with MySQL, one JVM with a 768 MB heap cap", {"memory_hint": Bytes(768 * 2**20)}),
    "counter": ("Hit counter web service in Go over a six-node Redis cluster, three replicas, survives the loss of one node", {"replicas": 3, "failover": True, "cluster": None}),
    "vault": ("Password vault for 200 staff, Rust with SQLite on a volume, one replica, daily backup, no data loss", {"users": None, "stateful": True, "replicas": 1, "backup": True, "no_data_loss": True}),
    "echo": ("Diagnostic echo service in Python/Flask that tells cluster, zone and pod, three replicas, public", {"public": True, "replicas": 3, "cluster": None, "frameworks": ("flask",)}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CORPUS.values(), ids=CORPUS.keys())
def test_descriptions_of_real_services(text: str, expected: dict[str, object]) -> None:
    demand = read_description(text)
    assert {name: getattr(demand, name) for name in expected} == expected
    assert demand.unknown_numbers == ()
