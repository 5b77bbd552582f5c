from __future__ import annotations

import itertools

import pytest

from freehold.console.phase_bar import WHOLE, segments
from freehold.wire.runs import Phase


def test_segments_fill_the_bar_in_the_order_of_phases() -> None:
    made = segments({Phase.SESSION: 90.0, Phase.QUEUE: 10.0, Phase.IMAGE: 0.001})
    assert [part.phase for part in made] == ["queue", "image", "session"]
    assert made[0].start == 0
    for one, following in itertools.pairwise(made):
        assert following.start == pytest.approx(one.start + one.width, abs=0.02)
    assert made[-1].start + made[-1].width == pytest.approx(WHOLE, abs=0.05)
    assert made[1].width > 5  # one that took no time can be seen


@pytest.mark.parametrize("phases", [{}, {Phase.QUEUE: 0.0}, {Phase.QUEUE: -1.0}])
def test_there_is_no_bar_of_nothing(phases: dict[Phase, float]) -> None:
    assert segments(phases) == []
