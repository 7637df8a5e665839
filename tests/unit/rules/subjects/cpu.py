"""Cases of the rules of cpu."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.guest import CpuMatch
from vmferry.facts.host import HostCpu

from ..cases import (
    CPU,
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    Cases,
    with_cpu,
    with_host_passthrough,
)

OTHER_CPU, LESS_CPU = HostCpu("x86_64 AMD EPYC", CPU.features), replace(CPU, features=frozenset({"vmx"}))

CASES: Cases = {
    "cpu.compatible": [
        ("superset", PASSING, OK, "superset"),
        ("identical", with_cpu(CpuMatch.IDENTICAL), OK, "identical"),
        ("features missing", with_cpu(CpuMatch.INCOMPATIBLE, "missing features: avx2"), REFUSE, "avx2"),
        ("passed through, one CPU", with_host_passthrough(CPU, CPU), OK, "Skylake-Client on both"),
        ("passed through, two models", with_host_passthrough(CPU, OTHER_CPU), UNKNOWN, "h2 has x86_64 AMD EPYC"),
        ("passed through, one feature less", with_host_passthrough(CPU, LESS_CPU), UNKNOWN, "only h1 has invtsc"),
        ("passed through, not named", with_host_passthrough(CPU, None), UNKNOWN, "h2 does not name its CPU"),
        ("no verdict", with_cpu(CpuMatch.UNKNOWN), UNKNOWN, "no verdict"),
    ],
}
