"""Import path of older projects."""

from functools import cached_property as cached_property
