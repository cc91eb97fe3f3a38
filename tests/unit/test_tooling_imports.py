"""Every import path that projects use exists, and costs `import experimaestro` nothing."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PATHS = """
experimaestro: Param Config Task Meta field Constant Annotated pathgenerator tag tqdm LightweightTask PathGenerator
experimaestro: tags tagspath Option documentation RunMode DataPath Choices Job Launcher SubmitHook setmeta Action
experimaestro: Interaction Prepare ObjectStore SerializationLWTask PathSerializationLWTask OptionalDataPath TagDict
experimaestro: initializer sealed_set serialize deserialize from_task_dir load_xp_info progress
experimaestro: argument constant config task param option pathoption default deprecate experiment LauncherRegistry
experimaestro: Environment
experimaestro.launcherfinder: find_launcher parse cpu cuda_gpu mps_gpu gpu HostSpecification CPUSpecification
experimaestro.launcherfinder: CudaSpecification MPSSpecification AcceleratorSpecification AcceleratorType
experimaestro.launcherfinder: HostRequirement MatchRequirement LauncherRegistry
experimaestro.launcherfinder.specs: RequirementUnion HostSimpleRequirement duration
experimaestro.launcherfinder.parser: parse
experimaestro.launcherfinder.registry: LauncherNotFoundError
experimaestro.launchers: LauncherRegistry
experimaestro.experiments: configuration ExperimentHelper ConfigurationBase mock_modules FakeModuleFinder
experimaestro.experiments: noop_decorator GridSearch generate_grid
experimaestro.experiments.configuration: ConfigurationBase
experimaestro.experiments.cli: experiments_cli ExperimentCallable ExperimentHelper
experimaestro.experiments.grid: GridSearch generate_grid
experimaestro.tools.documentation: DocumentationAnalyzer
experimaestro.utils: cleanupdir
experimaestro.utils.settings: JsonSettings
experimaestro.xpmutils: DirectoryContext
experimaestro.core.context: SerializedPath
experimaestro.core.objects: ConfigInformation
experimaestro.core.objects.config: ConfigInformation clone
experimaestro.core.types: ObjectType Type
experimaestro.mkdocs.metaloader: Module DependencyInjectorFinder
experimaestro.mkdocs.base: Documentation
experimaestro.mkdocs.annotations: documentation shoulddocument
experimaestro.rpyc.client: client
experimaestro.taskglobals: Env
experimaestro.exceptions: HandledException
experimaestro.annotations: cache tags configmethod
experimaestro.click: click cli forwardoption
experimaestro.huggingface: ExperimaestroHFHub
experimaestro.scheduler.services: Service WebService ProcessWebService ServiceState
experimaestro.scheduler.experiment: experiment
experimaestro.scheduler.workspace: Workspace
experimaestro.scheduler.workspace_state_provider: WorkspaceStateProvider
experimaestro.settings: Settings WorkspaceSettings find_workspace get_workspace
experimaestro.connectors.local: LocalConnector
experimaestro.launchers.direct: DirectLauncher
experimaestro.compat: cached_property
experimaestro.notifications: TaskEnv
experimaestro.mypy: plugin ExperimaestroPlugin is_config_subclass
experimaestro.sphinx: setup PyObject
"""

ALL = [
    (module, name) for module, _, names in (line.partition(":") for line in PATHS.split("\n")) for name in names.split()
]


@pytest.mark.parametrize(("module", "name"), ALL)
@pytest.mark.contract("clients: import paths")
def test_import_path(module, name):
    assert getattr(importlib.import_module(module), name) is not None


def test_the_package_imports_no_tool():
    code = (
        "import sys, experimaestro; from experimaestro import Config, Task, Param, tag; "
        "print(*(m for m in sys.modules if m.split('.')[0] in ('click', 'mypy', 'sphinx', 'docutils', 'rich', 'yaml', "
        "'rpyc', 'mkdocs') or m.startswith(('experimaestro.tools', 'experimaestro.sphinx', 'experimaestro.mkdocs', "
        "'experimaestro.experiments'))))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.split() == []
