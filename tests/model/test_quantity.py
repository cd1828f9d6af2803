"""Quantities: both notations, exact round trips, and refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.quantity import Bytes, MilliCpu, Resources

AMOUNTS = st.integers(min_value=0, max_value=2**62)


@given(AMOUNTS)
def test_milli_cpu_prints_what_it_reads(amount: int) -> None:
    assert MilliCpu.parse(MilliCpu(amount).to_k8s()) == amount


@given(AMOUNTS)
def test_bytes_print_what_they_read(amount: int) -> None:
    assert Bytes.parse(Bytes(amount).to_k8s()) == amount


@given(st.integers(0, 2**20), st.sampled_from("KMGT"))
def test_proxmox_sizes_read_exactly(amount: int, suffix: str) -> None:
    assert Bytes.parse_proxmox(f"{amount}{suffix}") == amount * 1024 ** ("KMGT".index(suffix) + 1)


@given(AMOUNTS)
def test_proxmox_units_never_round_down(amount: int) -> None:
    size = Bytes(amount)
    assert size.to_proxmox_mib() * 1024**2 >= amount
    assert size.to_proxmox_gib() * 1024**3 >= amount
    assert MilliCpu(amount).to_proxmox() * 1000 >= amount


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_resources_survive_json(cpu: int, memory: int, disk: int) -> None:
    value = Resources(cpu=MilliCpu(cpu), memory=Bytes(memory), disk=Bytes(disk))
    assert Resources.model_validate_json(value.model_dump_json()) == value


@given(AMOUNTS, AMOUNTS)
def test_what_is_added_can_be_taken_away(first: int, second: int) -> None:
    left, right = Resources(cpu=MilliCpu(first)), Resources(cpu=MilliCpu(second))
    assert (left + right) - right == left
    assert left.fits(left + right)


@pytest.mark.parametrize(
    ("text", "milli"),
    [("850m", 850), ("1", 1000), ("1.5", 1500), ("0.1", 100), ("2e3", 2_000_000), ("1k", 1_000_000), ("100u", 1)],
)
def test_cpu_notations(text: str, milli: int) -> None:
    assert MilliCpu.parse(text) == milli


@pytest.mark.parametrize(
    ("text", "amount"),
    [("128Mi", 2**27), ("1G", 10**9), ("1.5Gi", 3 * 2**29), ("1e3", 1000), ("129M", 129_000_000), ("123", 123)],
)
def test_memory_notations(text: str, amount: int) -> None:
    assert Bytes.parse(text) == amount


@pytest.mark.parametrize(
    "text", ["", "-1", "-5m", "4 bananas", "1e99", "NaN", "inf", "1MB", "0x10", "1_000", "١", "1Mi ", "9" * 25, "--1"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|suffix|negative"):
        Bytes.parse(text)
    with pytest.raises(ValueError, match=r"quantity|suffix|negative"):
        MilliCpu.parse(text)


@given(st.text(max_size=30))
def test_hostile_text_is_a_value_or_a_value_error(text: str) -> None:
    try:
        parsed = Bytes.parse(text)
    except ValueError:
        return
    assert 0 <= parsed < 2**63
