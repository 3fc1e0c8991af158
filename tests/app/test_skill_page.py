"""The page of the score: text from outside stays text."""

import msgspec
from tests.api.schemas.test_skill import ROW, TABLE

from headwater.api.schemas.skill import skill_view
from headwater.app.skill_page import skill_page


def test_names_cannot_become_elements() -> None:
    series = msgspec.structs.replace(ROW.series, model="<script>alert(1)</script>")
    table = msgspec.structs.replace(
        TABLE, rows=(msgspec.structs.replace(ROW, series=series),), symbol="A<B"
    )
    page = skill_page(table, skill_view(table, None))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "A&lt;B" in page
    assert "<svg" not in page, "nothing was scored, nothing is drawn"
