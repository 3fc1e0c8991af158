"""The settings of back-test jobs; part of `Settings`."""

from typing import Annotated

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode


class BacktestSettings(BaseModel):
    """How many jobs run, what each may take, and which strategies may be named."""

    backtest_workers: int = Field(
        default=2,
        ge=0,
        le=256,
        description=(
            "Back-test jobs that run at a time, each in a process of its own; 0 takes jobs in and "
            "leaves them to other processes with the same database."
        ),
    )
    backtest_memory_mb: int = Field(
        default=2_048,
        ge=64,
        le=1_048_576,
        description="Most memory of one job, MiB; a job that takes more fails.",
    )
    backtest_seconds_max: float = Field(
        default=3_600.0,
        gt=0,
        le=604_800,
        allow_inf_nan=False,
        description="Most seconds of one job; a job that takes longer fails.",
    )
    backtest_queue_max: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="Jobs that may wait; beyond it new ones are refused with 503.",
    )
    strategy_files: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        max_length=50,
        description=(
            "Your own strategies on this machine that jobs may name, `path/to/file.py:Class` with "
            "commas between, at most 50: each is run as a program. Code never comes over HTTP."
        ),
    )

    @field_validator("strategy_files", mode="before")
    @classmethod
    def _split_files(cls, value: object) -> object:
        """Takes a comma-separated text for a list."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
