"""Configurations that hold equal objects, in the scheme `sha256-v2`: as release 2.7 computed them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from experimaestro import Config, InstanceConfig, Param, _core


class Encoder(InstanceConfig):
    __xpmid__ = "enc"
    dim: Param[int]


class Holder(Config):
    __xpmid__ = "h"
    a: Param[Any]
    b: Param[Any]


class Wrapper(InstanceConfig):
    __xpmid__ = "e2"
    inner: Param[Any]


def hold(a: Any, b: Any) -> Any:
    return Holder.C(a=a, b=b)


def wrap(inner: Any) -> Any:
    return Wrapper.C(inner=inner)


CASES: dict[str, tuple[Callable[[Any, Any, Any], Any], str]] = {
    "one twice": (lambda x, y, z: hold(x, x), "60c93dc42833d928abc6c40e332d992314967f990e8b19c798e31534b665a524"),
    "two": (lambda x, y, z: hold(x, y), "1fba27f11ae935d0027031192e08e98fa5d9c1920666d9f6b8e3aa9f805edb62"),
    "three in a list": (
        lambda x, y, z: hold([x, y, z], 1),
        "9782c548bc8c1e9a76995f96b46a70dfdb778ac8e20bda43f9ceb07201c6bf11",
    ),
    "in a dictionary, by its keys": (
        lambda x, y, z: hold({"k": x, "j": y}, y),
        "fb40184f6ff89bbbc51956794d5ed6c47983345be2414c2a8a6b12c735258b28",
    ),
    "one, and one below": (
        lambda x, y, z: hold(x, hold(y, 1)),
        "36f31fa70cef2607695dfae834b1e16b073aad62b5736ff27924de0072a2a77f",
    ),
    "one below, and one": (
        lambda x, y, z: hold(hold(y, 1), x),
        "3982d3d94d6223bb7c8de40198d5fa84b34cfb35e3a17f388531765e7e81a2d5",
    ),
    "shared below": (
        lambda x, y, z: hold(hold(x, y), hold(y, z)),
        "5b6074cc99c98c9717b1355e596baac35d3bc01c3b9ad8aa77c15465f9071431",
    ),
    "shared deeper": (
        lambda x, y, z: hold(x, hold(hold(y, z), hold(x, y))),
        "efbe94871a103d193c90fa6e41c6fba65416b2ec337c0db8882768bf0ba8ba7c",
    ),
    "of other values": (
        lambda x, y, z: hold(Encoder.C(dim=2), x),
        "7d14bca492034b2ee6341249cf9637df579acbced6ff52b5eb1d6fc2e87a3a8c",
    ),
    "instances in instances": (
        lambda x, y, z: hold(wrap(x), wrap(y)),
        "35cdd7e8e45bb2c1e2fe8f169feafef45e0d0176bd0ab39ba798747cd626e780",
    ),
    "wrappers of the same": (
        lambda x, y, z: hold(wrap(x), wrap(x)),
        "3389627e546e22257ee638af39e000d59b2f6e0ee1ab5047d189b3cba334219a",
    ),
    "in order": (lambda x, y, z: hold(x, wrap(y)), "45beba0da63195b54f52fdbb905805a99802fa0580de8ab00c6218f4491fb888"),
    "numbers inside of what is numbered": (
        lambda x, y, z: hold(wrap([x, y]), y),
        "f29eb792327e23c9ff8360b519655cdd3a25fc15e81ff3b1fc17e18fa726d50c",
    ),
}


@pytest.mark.contract("configurations 11.3: InstanceConfig in the legacy scheme")
@pytest.mark.parametrize("name", CASES)
def test_what_the_older_package_computed(name):
    make, digest = CASES[name]
    config = make(*(Encoder.C(dim=1) for _ in range(3)))
    assert _core.legacy_identifier(config, "sha256-v2").hex() == digest


def test_sealing_a_part_first_changes_nothing():
    x, y = Encoder.C(dim=1), Encoder.C(dim=1)
    inner = hold(x, y).seal()
    _core.legacy_identifier(inner, "sha256-v2", store=True)
    fresh = hold(x, hold(hold(x, y), y))
    assert (
        _core.legacy_identifier(hold(x, hold(inner, y)), "sha256-v2").hex()
        == _core.legacy_identifier(fresh, "sha256-v2").hex()
    )
