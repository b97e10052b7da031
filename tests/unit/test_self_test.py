"""The kernel's self-test: passes with this kernel, and says what is wrong with a bad one."""

from typing import Any

import msgspec
import pytest

from stridehub.errors import KernelError, PacketError
from stridehub.kernel import wire
from stridehub.kernel.self_test import self_test
from stridehub.kernel.stride import NOTHING, Findings, StrideKernel


def test_this_kernel_measures() -> None:
    self_test()


def test_a_kernel_that_finds_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StrideKernel, "push", lambda *_: NOTHING)
    with pytest.raises(KernelError, match="refused"):
        self_test()


def test_a_kernel_whose_times_are_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    push = StrideKernel.push

    def slow(self: StrideKernel, *arguments: Any) -> Findings:
        events, strides = push(self, *arguments)
        return Findings(events, [msgspec.structs.replace(s, stride_time_ms=710.0) for s in strides])

    monkeypatch.setattr(StrideKernel, "push", slow)
    with pytest.raises(KernelError, match=r"strides of 700 ms are measured as \[710"):
        self_test()


def test_a_kernel_that_takes_any_packet_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    push = StrideKernel.push

    def trusting(self: StrideKernel, pod: int, packet: wire.Bytes, arrival_s: float) -> Findings:
        return push(self, pod, packet, arrival_s) if len(packet) > 23 else NOTHING

    monkeypatch.setattr(StrideKernel, "push", trusting)
    with pytest.raises(KernelError, match="one is too short"):
        self_test()


def test_a_codec_that_writes_other_bytes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "encode", lambda packet: bytes(24))
    with pytest.raises(KernelError, match="not written as pods write it"):
        self_test()


def test_a_codec_that_refuses_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(packet: wire.Packet) -> bytes:
        raise PacketError("bad_count", packet)

    monkeypatch.setattr(wire, "encode", refusing)
    with pytest.raises(KernelError, match="bad_count"):
        self_test()
