"""Where configurations are saved."""

from experimaestro._config.data_paths import SerializationContext, SerializedPath, SerializedPathLoader

__all__ = ["SerializationContext", "SerializedPath", "SerializedPathLoader"]
