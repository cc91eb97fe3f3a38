"""From values to an object, beside pydantic models, which validate as well, and dataclasses, which do not."""

from __future__ import annotations

import models
from harness import OLDER, WHO, Contender, compare, nothing


def contender(make, family) -> Contender:
    """Construct one object of a family."""
    return Contender(nothing, lambda _: make(family))


if __name__ == "__main__":
    for case, make in models.CASES.items():
        if make is models.shared:
            continue
        families = {WHO: models.CONFIGURATIONS}
        if not OLDER:
            families |= {"pydantic": models.pydantic_models(), "dataclasses": models.DATACLASSES}
        compare(f"construction: {case}", {who: contender(make, family) for who, family in families.items()})
