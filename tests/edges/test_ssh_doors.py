"""Waiting for SSH: the banner counts, an open port does not, and the waiting ends in time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from bot.edges.ssh import SshDoors
from tests.fakes.clock import StoppedClock


@contextmanager
def door(greeting: bytes, *, pause: threading.Event | None = None) -> Iterator[int]:
    """A port of this computer that greets, perhaps in pieces."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def greet() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                with line, suppress(OSError):
                    if pause is not None:
                        pause.wait(3.0)
                    for byte in greeting:
                        line.sendall(bytes([byte]))

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def closed() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_banner_opens_at_once_even_byte_by_byte() -> None:
    clock = StoppedClock()
    with door(b"SSH-2.0-OpenSSH_9.6\r\n") as port:
        assert SshDoors(clock).wait("127.0.0.1", port=port, seconds=10.0) == 0.0
    assert clock.slept == []


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400\r\n", b"SS", b"220 smtp\r\n"])
def test_a_port_without_a_banner_is_no_ssh(greeting: bytes) -> None:
    clock = StoppedClock()
    with door(greeting) as port:
        assert SshDoors(clock).wait("127.0.0.1", port=port, seconds=4.0) is None


def test_a_silent_port_is_waited_for_to_the_end_and_no_longer() -> None:
    clock = StoppedClock()
    assert SshDoors(clock).wait("127.0.0.1", port=closed(), seconds=10.0) is None
    assert sum(clock.slept) == 10.0
    assert len(clock.slept) == 5


def test_a_machine_that_comes_up_late_is_told_with_its_seconds() -> None:
    clock = StoppedClock()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])

        def listen() -> None:
            if len(clock.slept) == 2:
                listener.listen()
                threading.Thread(target=greet, daemon=True).start()

        def greet() -> None:
            with listener.accept()[0] as line:
                line.sendall(b"SSH-2.0-x\r\n")

        clock.before_sleep = listen
        assert SshDoors(clock).wait("127.0.0.1", port=port, seconds=60.0) == 6.0


def test_a_banner_that_never_ends_its_first_word_does_not_hold_the_run() -> None:
    clock, pause = StoppedClock(), threading.Event()
    with door(b"SSH-", pause=pause) as port:
        assert SshDoors(clock).wait("127.0.0.1", port=port, seconds=0.0) is None
        pause.set()


@pytest.mark.parametrize("address", ["not a name", "", "256.256.256.256", "a" * 300, "x\x00y"])
def test_an_address_that_is_none_is_a_silent_machine(address: str) -> None:
    assert SshDoors(StoppedClock()).wait(address, port=22, seconds=0.0) is None
