"""Requirements: their texts, what meets them, and the user's launchers."""

from __future__ import annotations

import contextlib

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from experimaestro.cli.root import xpm
from experimaestro.exceptions import ExperimaestroError
from experimaestro.launcherfinder import (
    AcceleratorSpecification,
    AcceleratorType,
    CPUSpecification,
    CudaSpecification,
    HostSimpleRequirement,
    HostSpecification,
    LauncherNotFoundError,
    LauncherRegistry,
    MPSSpecification,
    RequirementError,
    RequirementUnion,
    cpu,
    cuda_gpu,
    duration,
    find_launcher,
    gpu,
    mps_gpu,
    parse,
)

GIGA = 10**9


@pytest.fixture
def registry(tmp_path):
    LauncherRegistry.set_config_dir(tmp_path)
    yield tmp_path
    LauncherRegistry._directory = None
    LauncherRegistry._instance = None


memories = st.integers(0, 64)
devices = st.builds(lambda make, mem: make(mem=f"{mem}G"), st.sampled_from([cuda_gpu, mps_gpu, gpu]), memories)
cpus = st.builds(lambda mem, cores: cpu(mem=f"{mem}G", cores=cores), memories, st.integers(1, 64))
times = st.builds(lambda hours: duration(f"{hours}h"), st.integers(1, 100))
simple = st.lists(st.one_of(devices, cpus, times), min_size=1, max_size=4)


def combined(parts):
    whole, *others = parts
    for other in others:
        whole = whole & other
    return whole


def as_text(requirement: HostSimpleRequirement) -> str:
    parts = [f"{device.type.value}(mem={device.memory // 10**6}M)" for device in requirement.accelerators]
    if requirement.cpu.cores:
        parts.append(f"cpu(mem={requirement.cpu.memory // 10**6}M, cores={requirement.cpu.cores})")
    if requirement.duration:
        parts.append(f"duration={requirement.duration // 60}mins")
    return " & ".join(parts)


@pytest.mark.contract("running 13: grammar of requirements")
@given(st.lists(simple, min_size=1, max_size=3))
def test_texts_say_what_objects_say(alternatives):
    requirements = [combined(parts) for parts in alternatives]
    text = " | ".join(as_text(requirement) for requirement in requirements)
    assert parse(text) == RequirementUnion(*requirements)
    assert parse(text.replace(" ", "")) == parse(text)


@given(simple, simple)
def test_combining_changes_neither(first, second):
    left, right = combined(first), combined(second)
    before = (left.key, right.key)
    both = left & right
    assert (left.key, right.key) == before
    assert len(both.accelerators) == len(left.accelerators) + len(right.accelerators)
    assert both.cpu.cores == max(left.cpu.cores, right.cpu.cores)
    assert both.duration == max(left.duration, right.duration)
    memory = [device.memory for device in both.accelerators]
    assert memory == sorted(memory, reverse=True)


@given(simple)
def test_a_host_made_to_measure_is_enough_and_less_is_not(parts):
    wanted = combined(parts)
    devices = [
        CudaSpecification(d.memory) if d.type is AcceleratorType.GPU else type(d)(d.memory) for d in wanted.accelerators
    ]
    shared = sum(device.memory for device in devices if device.type is AcceleratorType.MPS)
    cpus = CPUSpecification(wanted.cpu.memory + shared, wanted.cpu.cores)

    def host(devices=devices, cpu=cpus, longest=wanted.duration):
        return HostSpecification(accelerators=devices, cpu=cpu, max_duration=longest, priority=3)

    kinds = [device.type for device in wanted.accelerators]
    match = wanted.match(host())
    # Devices are compared by descending memory: kinds of equal memory may be in another order on the host.
    if len(set(kinds)) <= 1:
        assert match is not None
        assert match.score == 3
        assert match.requirement is wanted
    if devices:
        assert wanted.match(host(devices=devices[1:])) is None
    if wanted.cpu.cores > 1:
        assert wanted.match(host(cpu=CPUSpecification(cpus.memory, wanted.cpu.cores - 1))) is None
    if wanted.duration:
        assert wanted.match(host(longest=wanted.duration - 1)) is None


@pytest.mark.parametrize(
    "text",
    ["", "cuda()", "cuda(mem=8)", "cuda(mem=1.5G)", "duration=10s", "duration=1", "cpu()", "cpu(cores=2",
     "gpu(mem=8G)*0", "tpu(mem=8G)", "cpu(cores=4) &", "cpu(cores=4) cpu(cores=2)", "cuda(mem=8G)|", "€",
     "cpu(mem=4G,)"],
)  # fmt: skip
def test_what_is_no_requirement_is_told_with_its_place(text):
    with pytest.raises(RequirementError, match="is no requirement") as raised:
        parse(text)
    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, ExperimaestroError)


@given(st.text(alphabet="cudagpmsation=()&|*,1234 GMiBhx.", max_size=30))
def test_any_text_is_a_requirement_or_told(text):
    with contextlib.suppress(RequirementError):
        parse(text)


@pytest.mark.contract("running 13: units")
def test_units():
    assert parse("cuda(mem=1GiB)").requirements[0].cuda_gpus == [CudaSpecification(2**30)]
    assert parse("cuda(mem=1G)").requirements[0].cuda_gpus == [CudaSpecification(10**9)]
    for text, seconds in {"2h": 7200, "2hours": 7200, "2hour": 7200, "1d": 86400, "1days": 86400, "5m": 300,
                          "5mins": 300, "5min": 300}.items():  # fmt: skip
        assert parse(f"duration = {text}").requirements[0].duration == seconds
    with pytest.raises(ValueError, match="unit"):
        cuda_gpu(mem="8")


@pytest.mark.contract("running 13: matching")
def test_matching():
    two = HostSpecification(cuda=[CudaSpecification(16 * GIGA), CudaSpecification(8 * GIGA)], priority=5)
    assert (cuda_gpu(mem="8G") * 2).match(two) is not None
    assert (cuda_gpu(mem="16G") * 2).match(two) is None
    assert mps_gpu(mem="8G").match(two) is None
    assert gpu(mem="8G").match(two) is not None
    picky = HostSpecification(cuda=[CudaSpecification(80 * GIGA, min_memory=40 * GIGA)], min_gpu=1)
    assert cuda_gpu(mem="8G").match(picky) is None
    assert cuda_gpu(mem="40G").match(picky) is not None
    assert cpu(cores=1).match(picky) is None
    laptop = HostSpecification(accelerators=[MPSSpecification(16 * GIGA)], cpu=CPUSpecification(16 * GIGA, 8))
    assert (mps_gpu(mem="8G") & cpu(mem="8G")).match(laptop) is not None
    assert (mps_gpu(mem="8G") & cpu(mem="9G")).match(laptop) is None
    alternatives = cuda_gpu(mem="80G") | cuda_gpu(mem="8G") | gpu(mem="8G")
    match = alternatives.match(two)
    assert match is not None
    assert match.requirement is alternatives.requirements[1]
    assert alternatives.multiply_duration(2).requirements[0].accelerators == [CudaSpecification(80 * GIGA)]
    assert duration("1h").multiply_duration(1.0001).duration == 3601
    assert CPUSpecification(mem_per_cpu=GIGA, cpu_per_gpu=4).total_memory(2) == 8 * GIGA
    assert AcceleratorSpecification(3) != CudaSpecification(3)


@pytest.mark.contract("running 13: DEF: a requirement object is as good as a text")
@pytest.mark.contract("running 13: no launchers.py")
def test_without_a_file_this_machine(registry):
    from experimaestro.launchers.direct import DirectLauncher

    assert isinstance(find_launcher("duration=1h & cuda(mem=8G)"), DirectLauncher)
    assert isinstance(find_launcher(cpu(cores=1)), DirectLauncher)
    assert LauncherRegistry.instance().getConnector("local").localpath
    with pytest.raises(AssertionError, match=r"connectors\.yaml"):
        LauncherRegistry.instance().getConnector("cluster")


@pytest.mark.contract("running 13: launchers.py, find_launcher")
def test_the_users_function_is_asked_in_order(registry):
    (registry / "launchers.py").write_text(
        "from experimaestro.launchers.direct import DirectLauncher\n"
        "big = DirectLauncher(); big.environ['who'] = 'big'\n"
        "def find_launcher(requirements, tags):\n"
        "    if 'none' in tags: return None\n"
        "    if 'wrong' in tags: return 'big'\n"
        "    return big if all(r.duration >= 7200 for r in requirements.requirements) else None\n"
    )
    assert find_launcher("duration=1h", "duration=2h").environ["who"] == "big"
    assert LauncherRegistry.instance().find("duration=1h") is None
    with pytest.raises(LauncherNotFoundError, match="duration=3600s with the tags x"):
        find_launcher(duration("1h"), tags={"x"})
    with pytest.raises(ExperimaestroError, match="a launcher or None"):
        find_launcher("duration=2h", tags={"wrong"})


@pytest.mark.parametrize(("code", "told"), [("1/0", "ZeroDivisionError"), ("x = 1", "must define"), ("def", "Syntax")])
def test_a_broken_file_is_told(registry, code, told):
    (registry / "launchers.py").write_text(code)
    with pytest.raises(ExperimaestroError, match=told):
        find_launcher("cpu(cores=1)")


@pytest.mark.contract("running 17: find-launchers")
def test_command(registry):
    found = CliRunner().invoke(xpm, ["find-launchers", "--config", str(registry), "cuda(mem=8G)"])
    assert (found.exit_code, found.output) == (0, "DirectLauncher(local)\n")
    wrong = CliRunner().invoke(xpm, ["find-launchers", "cuda"])
    assert wrong.exit_code == 1
    assert "is no requirement" in wrong.output
