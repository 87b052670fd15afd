"""Every check: right answers in unusual dress pass, further slips are named, nonsense gets a cross and no traceback."""

import itertools
import re

import answers
import pytest
import torch

from course_lib import check
from course_lib.authoring.pairs import ROOT
from course_lib.errors import CheckFailed

RIGHT = [(name, i) for name, several in answers.RIGHT.items() for i in range(len(several))]
WRONG = [pytest.param(name, answer, says, id=f"{name}-{slip}") for name, slip, answer, says in answers.WRONG]
NONSENSE = [None, "text", 3.0, ..., (), (1, 2), [0.5], torch.zeros(()), torch.zeros(3)]


@pytest.mark.parametrize(("name", "i"), RIGHT)
def test_a_right_answer_in_unusual_dress_passes_and_leaves_no_trace(name, i, capsys):
    for seed in range(3):  # whatever the program drew before
        torch.manual_seed(seed)
        wanted = torch.rand(2)
        torch.manual_seed(seed)
        getattr(check, name)(answers.RIGHT[name][i])
        assert capsys.readouterr().out.startswith(f"✓ {name}: ")
        assert torch.equal(torch.rand(2), wanted)
        assert torch.is_grad_enabled()


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize(("name", "answer", "says"), WRONG)
def test_a_further_slip_is_named(name, answer, says):
    with pytest.raises(CheckFailed, match=re.escape(says)) as cross:
        getattr(check, name)(answer)
    assert str(cross.value).startswith(f"✗ {name}: ")


@pytest.mark.parametrize(("name", "nonsense"), list(itertools.product(check.__all__, NONSENSE)))
def test_nonsense_gets_a_cross_and_no_traceback(name, nonsense):
    for answer in (nonsense, lambda *_, **__: nonsense):
        with pytest.raises(CheckFailed) as cross:
            getattr(check, name)(answer)
        assert str(cross.value).startswith(f"✗ {name}: ")
        assert str(cross.value).count("✗") == 1


def test_every_check_is_tried_and_every_check_is_used():
    texts = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "text").glob("*/*.py")))
    used = set(re.findall(r"^check\.(\w+)\(", texts, re.MULTILINE))
    assert set(answers.RIGHT) == set(check.__all__) == used
