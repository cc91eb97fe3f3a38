"""From an object to its identifier, beside pydantic's JSON and MD5, joblib.hash, and MD5 alone over the same JSON."""

from __future__ import annotations

from functools import partial
from hashlib import md5

import models
from harness import OLDER, WHO, Contender, compare


def identifier(config: object) -> bytes:
    """Compute an identifier; the objects are fresh and not sealed, so nothing is cached."""
    return config.__identifier__().all


def peers(make) -> dict[str, Contender]:
    """Return what else gives a digest of the same data."""
    import joblib

    pydantic = models.pydantic_models()
    model = make(pydantic)
    encoded = model.model_dump_json().encode()
    return {
        "pydantic JSON + md5": Contender(lambda: model, lambda each: md5(each.model_dump_json().encode()).digest()),
        "joblib.hash": Contender(partial(make, models.PLAIN), joblib.hash),
        "md5 of the bytes": Contender(lambda: encoded, lambda each: md5(each).digest()),
    }


def check() -> None:
    """Refuse to measure what is not an identifier."""
    digests = {identifier(make(models.CONFIGURATIONS)) for make in models.CASES.values()}
    if (
        len(digests) != len(models.CASES)
        or {identifier(models.flat(models.CONFIGURATIONS)) for _ in range(3)} - digests
    ):
        raise RuntimeError("different objects have the same identifier, or equal objects different ones")


if __name__ == "__main__":
    check()
    for case, make in models.CASES.items():
        ours = {WHO: Contender(partial(make, models.CONFIGURATIONS), identifier)}
        compare(f"identifier: {case}", ours if OLDER else ours | peers(make), rounds=5 if OLDER else 9)
    for depth in (8, 16):
        fresh = partial(models.diamond, models.CONFIGURATIONS, depth)
        compare(f"identifier: diamond of depth {depth}", {WHO: Contender(fresh, identifier)}, rounds=3 if OLDER else 9)
