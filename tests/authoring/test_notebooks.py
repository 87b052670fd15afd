"""Committed notebooks read without running them: true to their text, sealed, sound, readable.

The toy notebooks at the end prove that each of these proofs can fail.
"""

import pytest

from course_lib.authoring.notebook_io import read
from course_lib.authoring.pairs import ROOT, disagreements, pairs, strays
from course_lib.authoring.seal import check_seal
from course_lib.authoring.soundness import faults, manners

EVERY = pairs("all")
BUILT = [pair for pair in EVERY if pair.notebook.exists()]  # the first test below says which are missing


@pytest.mark.parametrize("pair", EVERY, ids=lambda pair: pair.name)
def test_notebook_and_text_agree(pair):
    assert disagreements(pair) == []


@pytest.mark.parametrize("pair", BUILT, ids=lambda pair: pair.name)
def test_the_seal_is_whole(pair):
    check_seal(read(pair.notebook), pair.name)


@pytest.mark.parametrize("pair", BUILT, ids=lambda pair: pair.name)
def test_the_run_was_sound(pair):
    assert faults(read(pair.notebook)) == []


@pytest.mark.parametrize("pair", BUILT, ids=lambda pair: pair.name)
def test_it_is_fit_to_be_read(pair):
    assert manners(read(pair.notebook), pair.notebook) == []


def test_every_notebook_has_its_text():
    assert strays(ROOT) == []
