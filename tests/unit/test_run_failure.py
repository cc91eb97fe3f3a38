"""One line that says what went wrong, and where in the user's code."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from experimaestro._run.failure import one_line


def raised(function):
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - it is the result
        return error
    raise AssertionError("nothing was raised")


def test_the_place_is_the_users_frame_not_the_librarys():
    line = one_line(raised(lambda: json.loads("{")))
    assert line.startswith("JSONDecodeError: ")
    assert "test_run_failure.py:" in line
    assert "decoder.py" not in line


def test_a_syntax_error_is_where_the_syntax_is():
    line = one_line(raised(lambda: compile("a b", "/project/model.py", "exec")))
    assert line.endswith("(/project/model.py:1)")


def test_an_exception_that_cannot_be_shown():
    class UnshowableError(Exception):
        def __str__(self):
            raise RuntimeError("no")

    assert one_line(UnshowableError()) == "UnshowableError: (its text cannot be shown)"


@given(st.text())
def test_it_is_one_line_and_not_too_long(text):
    line = one_line(ValueError(text))
    assert len(line.splitlines()) == 1
    assert len(line) < 600
