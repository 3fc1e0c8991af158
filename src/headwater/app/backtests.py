"""Strategies and back-test jobs, wired: the settings as `backtest` and `services` want them."""

import random
from pathlib import Path

from headwater.api.request_log import hex_ids
from headwater.app.settings import Settings
from headwater.backtest.jobs import BacktestJobs, JobSettings
from headwater.backtest.strategy_catalogue import StrategyCatalogue
from headwater.core.clock import Clock
from headwater.services.strategies import Strategies
from headwater.storage.opening import is_for_one_process
from headwater.storage.store import Store


def job_settings(settings: Settings, store: Store, *, simulated: bool) -> JobSettings:
    """How the desk works.

    Args:
        settings: what was set.
        store: the database in use; of simulated runs one that is thrown away, which its label
            names.
        simulated: whether it is such a run.
    """
    set_url = settings.database_url
    url = None if set_url is None else set_url.get_secret_value()
    folder = settings.data_dir
    if simulated:
        url, folder = f"sqlite:///{store.label}", Path(store.label).parent
    return JobSettings(
        workers=settings.backtest_workers,
        memory_mb=settings.backtest_memory_mb,
        seconds_max=settings.backtest_seconds_max,
        queue_max=settings.backtest_queue_max,
        database_url=url,
        data_dir=str(folder),
        alone=is_for_one_process(url),
    )


def backtest_jobs(
    settings: Settings, store: Store, clock: Clock, rng: random.Random, *, simulated: bool
) -> BacktestJobs:
    """The desk of jobs, not running yet.

    Raises:
        ConfigError: a strategy file cannot be loaded.
    """
    how = job_settings(settings, store, simulated=simulated)
    catalogue = StrategyCatalogue(settings.strategy_files)
    return BacktestJobs(store, catalogue, clock, hex_ids(rng), how)


def configured_strategies(
    store: Store, clock: Clock, rng: random.Random, catalogue: StrategyCatalogue
) -> Strategies:
    """The configured strategies."""
    return Strategies(store, clock, hex_ids(rng), catalogue.check)
