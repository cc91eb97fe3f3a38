"""What hosts have, what tasks need, and whether the one is enough for the other.

Floor: `_run`. All amounts of memory are in bytes, all durations in seconds. Requirements are never changed: combining
two makes a third.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from experimaestro.launcherfinder.units import parse_duration, parse_memory

__all__ = [
    "AcceleratorSpecification",
    "AcceleratorType",
    "CPUSpecification",
    "CudaSpecification",
    "HostRequirement",
    "HostSimpleRequirement",
    "HostSpecification",
    "MPSSpecification",
    "MatchRequirement",
    "RequirementUnion",
    "cpu",
    "cuda_gpu",
    "duration",
    "gpu",
    "mps_gpu",
]


class AcceleratorType(Enum):
    """Kinds of accelerators; `GPU` is any of them."""

    GPU = "gpu"
    CUDA = "cuda"
    MPS = "mps"


class AcceleratorSpecification:
    """One accelerator, of a host or wanted by a task.

    Args:
        memory: its memory in bytes.
        model: its name, for people.
        min_memory: of a host only: tasks that ask for less are not given it.
    """

    type = AcceleratorType.GPU

    def __init__(self, memory: int = 0, model: str = "", min_memory: int = 0) -> None:
        self.memory = memory
        self.model = model
        self.min_memory = min_memory

    def fits(self, host: AcceleratorSpecification) -> bool:
        """Whether this accelerator of a host is enough."""
        same = self.type in (AcceleratorType.GPU, host.type)
        return same and host.memory >= self.memory and host.min_memory <= self.memory

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AcceleratorSpecification):
            return NotImplemented
        return (self.type, self.memory, self.model, self.min_memory) == (
            other.type,
            other.memory,
            other.model,
            other.min_memory,
        )

    def __hash__(self) -> int:
        return hash((self.type, self.memory, self.model, self.min_memory))

    def __repr__(self) -> str:
        return f"{self.type.value}(mem={self.memory})"


class CudaSpecification(AcceleratorSpecification):
    """A CUDA device."""

    type = AcceleratorType.CUDA


class MPSSpecification(AcceleratorSpecification):
    """The accelerator of an Apple processor; its memory is that of the host."""

    type = AcceleratorType.MPS


class CPUSpecification:
    """Processors and memory, of a host or wanted by a task.

    Args:
        memory: bytes; 0 when it does not matter (of a host: no limit is known).
        cores: how many; 0 when it does not matter (of a host: no limit is known).
        mem_per_cpu: of a host: bytes that come with each core.
        cpu_per_gpu: of a host: cores that come with each accelerator.
    """

    def __init__(self, memory: int = 0, cores: int = 0, mem_per_cpu: int = 0, cpu_per_gpu: int = 0) -> None:
        self.memory = memory
        self.cores = cores
        self.mem_per_cpu = mem_per_cpu
        self.cpu_per_gpu = cpu_per_gpu

    def total_cores(self, gpus: int = 0) -> int:
        """Cores, given this number of accelerators."""
        return max(self.cores, self.cpu_per_gpu * gpus)

    def total_memory(self, gpus: int = 0) -> int:
        """Bytes of memory, given this number of accelerators."""
        return max(self.memory, self.mem_per_cpu * self.total_cores(gpus))

    def fits(self, host: CPUSpecification, gpus: int = 0) -> bool:
        """Whether a host with these processors is enough for this, and this number of accelerators."""
        cores, memory = host.total_cores(gpus), host.total_memory(gpus)
        return (not cores or self.cores <= cores) and (not memory or self.memory <= memory)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CPUSpecification):
            return NotImplemented
        return vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.memory, self.cores, self.mem_per_cpu, self.cpu_per_gpu))

    def __repr__(self) -> str:
        return f"cpu(mem={self.memory}, cores={self.cores})"


class HostSpecification:
    """What a host, or a partition of a cluster, has.

    Args:
        accelerators: its accelerators.
        cuda: its CUDA devices, added to the accelerators.
        cpu: its processors and memory.
        priority: hosts of higher priority are preferred.
        max_duration: longest time of a task in seconds; 0 for no limit.
        min_gpu: tasks that ask for fewer accelerators are not wanted.
    """

    def __init__(
        self,
        *,
        accelerators: Iterable[AcceleratorSpecification] = (),
        cuda: Iterable[AcceleratorSpecification] = (),
        cpu: CPUSpecification | None = None,
        priority: int = 0,
        max_duration: int = 0,
        min_gpu: int = 0,
    ) -> None:
        self.accelerators = sorted([*accelerators, *cuda], key=lambda device: device.memory, reverse=True)
        self.cpu = cpu or CPUSpecification()
        self.priority = priority
        self.max_duration = max_duration
        self.min_gpu = min_gpu

    @property
    def cuda(self) -> list[AcceleratorSpecification]:
        """The CUDA devices."""
        return [device for device in self.accelerators if device.type is AcceleratorType.CUDA]


class MatchRequirement(NamedTuple):
    """A host is enough for a requirement.

    Attributes:
        score: priority of the host.
        requirement: which of the alternatives it meets.
    """

    score: float
    requirement: HostSimpleRequirement


class HostRequirement:
    """What a task needs: one requirement, or alternatives."""

    @property
    def requirements(self) -> Sequence[HostSimpleRequirement]:
        """The alternatives, preferred ones first."""
        raise NotImplementedError

    def match(self, host: HostSpecification) -> MatchRequirement | None:
        """The best alternative that the host is enough for, the first of equals; None if there is none."""
        matches = [match for match in (simple.match(host) for simple in self.requirements) if match is not None]
        return max(matches, key=lambda match: match.score, default=None)

    def multiply_duration(self, factor: float) -> HostRequirement:
        """The same, with durations multiplied (and rounded up)."""
        return RequirementUnion(*(simple.multiply_duration(factor) for simple in self.requirements))

    def __or__(self, other: HostRequirement) -> RequirementUnion:
        return RequirementUnion(*self.requirements, *other.requirements)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HostRequirement):
            return NotImplemented
        return [simple.key for simple in self.requirements] == [simple.key for simple in other.requirements]

    def __hash__(self) -> int:
        return hash(tuple(simple.key for simple in self.requirements))

    def __repr__(self) -> str:
        return " | ".join(simple.text for simple in self.requirements)


class HostSimpleRequirement(HostRequirement):
    """One requirement; `a & b` needs what both need, `a * n` n times the accelerators.

    Args:
        accelerators: the accelerators; kept by descending memory.
        cpu: processors and memory.
        duration: seconds; 0 when it does not matter.
    """

    def __init__(
        self,
        *,
        accelerators: Iterable[AcceleratorSpecification] = (),
        cpu: CPUSpecification | None = None,
        duration: int = 0,
    ) -> None:
        self.accelerators = sorted(accelerators, key=lambda device: device.memory, reverse=True)
        self.cpu = cpu or CPUSpecification()
        self.duration = duration

    @property
    def requirements(self) -> Sequence[HostSimpleRequirement]:
        """Itself: it has no alternatives."""
        return (self,)

    @property
    def cuda_gpus(self) -> list[AcceleratorSpecification]:
        """The CUDA devices among the accelerators."""
        return [device for device in self.accelerators if device.type is AcceleratorType.CUDA]

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it equal to another."""
        return (tuple(self.accelerators), self.cpu, self.duration)

    @property
    def text(self) -> str:
        """For people."""
        parts = [repr(device) for device in self.accelerators]
        if self.cpu != CPUSpecification():
            parts.append(repr(self.cpu))
        if self.duration:
            parts.append(f"duration={self.duration}s")
        return " & ".join(parts) or "anything"

    def match(self, host: HostSpecification) -> MatchRequirement | None:
        """Whether the host is enough: its accelerators, compared by descending memory, cores, memory and time."""
        wanted, given = self.accelerators, host.accelerators
        if len(wanted) > len(given) or len(wanted) < host.min_gpu:
            return None
        pairs = list(zip(wanted, given, strict=False))
        if not all(device.fits(other) for device, other in pairs):
            return None
        if host.max_duration and self.duration > host.max_duration:
            return None
        # An MPS device uses the memory of its host.
        shared = sum(device.memory for device, other in pairs if other.type is AcceleratorType.MPS)
        cpu = CPUSpecification(self.cpu.memory + shared, self.cpu.cores)
        if not cpu.fits(host.cpu, len(wanted)):
            return None
        return MatchRequirement(host.priority, self)

    def multiply_duration(self, factor: float) -> HostSimpleRequirement:
        """The same, with the duration multiplied (and rounded up)."""
        return HostSimpleRequirement(
            accelerators=self.accelerators, cpu=self.cpu, duration=math.ceil(self.duration * factor)
        )

    def __and__(self, other: HostSimpleRequirement) -> HostSimpleRequirement:
        if not isinstance(other, HostSimpleRequirement):
            return NotImplemented
        cpu = CPUSpecification(max(self.cpu.memory, other.cpu.memory), max(self.cpu.cores, other.cpu.cores))
        return HostSimpleRequirement(
            accelerators=[*self.accelerators, *other.accelerators],
            cpu=cpu,
            duration=max(self.duration, other.duration),
        )

    def __mul__(self, count: int) -> HostSimpleRequirement:
        if count < 1:
            raise ValueError(f"accelerators are multiplied by 1 or more, not by {count}")
        return HostSimpleRequirement(accelerators=self.accelerators * count, cpu=self.cpu, duration=self.duration)


class RequirementUnion(HostRequirement):
    """Alternatives, preferred ones first."""

    def __init__(self, *requirements: HostSimpleRequirement) -> None:
        self._requirements = list(requirements)

    @property
    def requirements(self) -> Sequence[HostSimpleRequirement]:
        """The alternatives, preferred ones first."""
        return self._requirements


def cpu(*, mem: str | int = 0, cores: int = 1) -> HostSimpleRequirement:
    """Processors and memory.

    Args:
        mem: such as `"4G"`, or bytes.
        cores: how many.

    >>> cpu(mem="4G", cores=2) & cuda_gpu(mem="8G") * 2
    cuda(mem=8000000000) & cuda(mem=8000000000) & cpu(mem=4000000000, cores=2)
    """
    return HostSimpleRequirement(cpu=CPUSpecification(parse_memory(mem), cores))


def cuda_gpu(*, mem: str | int = 0) -> HostSimpleRequirement:
    """One CUDA device with this memory (such as `"8G"`, or bytes)."""
    return HostSimpleRequirement(accelerators=[CudaSpecification(parse_memory(mem))])


def mps_gpu(*, mem: str | int = 0) -> HostSimpleRequirement:
    """The accelerator of an Apple processor, with this memory (such as `"8G"`, or bytes)."""
    return HostSimpleRequirement(accelerators=[MPSSpecification(parse_memory(mem))])


def gpu(*, mem: str | int = 0) -> HostSimpleRequirement:
    """One accelerator of any kind with this memory (such as `"8G"`, or bytes)."""
    return HostSimpleRequirement(accelerators=[AcceleratorSpecification(parse_memory(mem))])


def duration(time: str | int) -> HostSimpleRequirement:
    """This much time (such as `"2h"`, or seconds)."""
    return HostSimpleRequirement(duration=parse_duration(time))
