"""Configurations on the Hugging Face hub; needs the extra `huggingface`.

>>> ExperimaestroHFHub(config).push_to_hub("me/model")    # doctest: +SKIP
>>> ExperimaestroHFHub.from_pretrained("me/model")        # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from experimaestro import _core
from experimaestro._config.data_paths import SerializationContext, SerializedPath
from experimaestro._config.loading import resolve_installed
from experimaestro._config.plain import deserialize, serialize
from experimaestro._config.serialization import DEFINITION

try:
    import huggingface_hub
    from huggingface_hub import ModelHubMixin
except ImportError as error:
    raise ImportError(
        "experimaestro.huggingface needs the package huggingface-hub: pip install 'experimaestro[huggingface]'"
    ) from error

__all__ = ["ExperimaestroHFHub"]


class ExperimaestroHFHub(ModelHubMixin):
    """Saves a configuration with its files to a folder or to the hub (`save_pretrained`, `push_to_hub`).

    Args:
        config: the configuration.
    """

    definition_filename: ClassVar[str] = DEFINITION
    """Name of the file with the definition"""
    serialization_context_class: ClassVar[type[SerializationContext]] = SerializationContext
    """Called with `save_directory=` when a configuration is saved"""

    def __init__(self, config: Any) -> None:
        if not isinstance(config, _core.ConfigBase):
            raise TypeError(f"a configuration goes to the hub, not {config!r}")
        self.config = config

    def _save_pretrained(self, save_directory: Path) -> None:
        serialize(
            self.config,
            save_directory,
            self.definition_filename,
            context=self.serialization_context_class(save_directory=save_directory),
        )

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, as_instance: bool = False, **options: Any
    ) -> Any:
        """The sealed configuration, or the instance, of a folder or of a repository on the hub.

        Tasks that only give their outputs an identity are not loaded, and no script that the definition names is
        executed: classes must be in installed modules.

        Args:
            pretrained_model_name_or_path: a folder, or the name of a repository.
            as_instance: an instance instead of a configuration.
            options: for `huggingface_hub.hf_hub_download`: `revision`, `token`, `cache_dir`, `local_files_only`, ...

        Raises:
            LoadError: the definition is missing or damaged, or a class is not installed.
        """
        folder = Path(pretrained_model_name_or_path)
        loader = folder.joinpath if folder.is_dir() else _Repository(str(pretrained_model_name_or_path), options)
        return deserialize(
            loader,
            as_instance,
            partial_loading=True,
            definition_filename=cls.definition_filename,
            resolver=resolve_installed,
        )


class _Repository:
    """Finds files in a repository: folders by snapshot, files one by one."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self._name = name
        self._options = options

    def __call__(self, path: str | Path | SerializedPath) -> Path:
        name = path.path.as_posix() if isinstance(path, SerializedPath) else Path(path).as_posix()
        if isinstance(path, SerializedPath) and path.is_folder:
            snapshot = huggingface_hub.snapshot_download(
                self._name, allow_patterns=[f"{name}/*", f"{name}/**"], **self._options
            )
            return Path(snapshot) / name
        return Path(huggingface_hub.hf_hub_download(self._name, name, **self._options))
