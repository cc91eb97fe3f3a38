"""Parameters and what one writes about them."""

from experimaestro._config.annotations import (
    Annotated,
    ArgumentOptions,
    Choices,
    Constant,
    DataPath,
    Field,
    Meta,
    Option,
    OptionalDataPath,
    Param,
    TypeAnnotation,
    default,
    field,
    help,
)
from experimaestro._config.types import Argument

__all__ = [
    "Annotated", "Argument", "ArgumentOptions", "Choices", "Constant", "DataPath", "Field", "Meta", "Option",
    "OptionalDataPath", "Param", "TypeAnnotation", "default", "field", "help",
]  # fmt: skip
