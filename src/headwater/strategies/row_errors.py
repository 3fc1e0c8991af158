"""What is wrong with one row of somebody's bars, with the row's number as data."""

from headwater.core.errors import RequestError

__all__ = ["RowError"]


class RowError(RequestError):
    """One value of one row of bars is impossible.

    Args:
        field: the column.
        value: what stands there.
        allowed: what would be right, in words.
        row: number of the row, from 0.
        where: how the text names the row; `row N`, counted from 1, when it is not given.

    Attributes:
        row: number of the row, from 0, for callers that know it by another name (a line of a file).
        bare: `allowed` without the row.
    """

    def __init__(
        self, field: str, value: object, allowed: str, *, row: int, where: str | None = None
    ) -> None:
        super().__init__(field, value, f"{allowed}; {where or f'row {row + 1}'}")
        self.row = row
        self.bare = allowed
