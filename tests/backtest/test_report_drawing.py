"""Plain drawings: where the points lie, and drawings of nothing."""

from headwater.backtest.report_drawing import Line, drawing


def test_points_fill_the_drawing() -> None:
    """0 and 10 s are both edges; 1 is the ground, 3 the top, 2 half of it."""
    made = drawing([Line(times=[0, 5, 10], values=[1, 3, 2], colour=1)], "A <line>")
    assert 'points="0.0,300.0 500.0,0.0 1000.0,150.0"' in made
    assert 'class="line-1"' in made
    assert 'aria-label="A &lt;line&gt;"' in made


def test_lines_share_one_scale() -> None:
    made = drawing([Line(times=[0, 1], values=[0, 1]), Line(times=[0, 2], values=[2, 4])], "two")
    assert 'points="0.0,300.0 500.0,225.0"' in made
    assert 'points="0.0,150.0 1000.0,0.0"' in made


def test_nothing_and_one_point_make_no_error() -> None:
    assert "<polyline" not in drawing([], "none")
    assert 'points=""' not in drawing([Line(times=[3], values=[3])], "one")
    assert "<polyline" not in drawing([Line(times=[], values=[])], "empty")
