"""Find a launcher that has what a task needs: `find_launcher("duration=1h & cuda(mem=8G)")`."""

from experimaestro.launcherfinder.parser import RequirementError as RequirementError
from experimaestro.launcherfinder.parser import parse as parse
from experimaestro.launcherfinder.registry import LauncherNotFoundError as LauncherNotFoundError
from experimaestro.launcherfinder.registry import LauncherRegistry as LauncherRegistry
from experimaestro.launcherfinder.registry import find_launcher as find_launcher
from experimaestro.launcherfinder.specs import AcceleratorSpecification as AcceleratorSpecification
from experimaestro.launcherfinder.specs import AcceleratorType as AcceleratorType
from experimaestro.launcherfinder.specs import CPUSpecification as CPUSpecification
from experimaestro.launcherfinder.specs import CudaSpecification as CudaSpecification
from experimaestro.launcherfinder.specs import HostRequirement as HostRequirement
from experimaestro.launcherfinder.specs import HostSimpleRequirement as HostSimpleRequirement
from experimaestro.launcherfinder.specs import HostSpecification as HostSpecification
from experimaestro.launcherfinder.specs import MatchRequirement as MatchRequirement
from experimaestro.launcherfinder.specs import MPSSpecification as MPSSpecification
from experimaestro.launcherfinder.specs import RequirementUnion as RequirementUnion
from experimaestro.launcherfinder.specs import cpu as cpu
from experimaestro.launcherfinder.specs import cuda_gpu as cuda_gpu
from experimaestro.launcherfinder.specs import duration as duration
from experimaestro.launcherfinder.specs import gpu as gpu
from experimaestro.launcherfinder.specs import mps_gpu as mps_gpu
