"""Answers are measured, encoded once and kept."""

import pytest
from tests.api import fake_source as fake
from tests.api.served import Platform

from headwater.api.answering import Answers
from headwater.api.cache import AnswerCache, AnswerResponse
from headwater.api.metrics import RequestMeter
from headwater.api.schemas.market import OpenInterestView
from headwater.api.schemas.views import open_interest_view
from headwater.core.errors import VenueTimeout


@pytest.fixture
def answers() -> Answers:
    platform = Platform()
    cache = AnswerCache(platform.settings.cache, platform.clock)
    return Answers(platform.deps, cache, RequestMeter())


async def test_the_key_is_route_and_parameters(answers: Answers) -> None:
    loads = []

    async def load() -> OpenInterestView:
        loads.append(1)
        return open_interest_view(fake.make_open_interest())

    for parameters in (("a",), ("a",), ("b",)):
        assert isinstance(await answers.give("/r", parameters, 1.0, load), AnswerResponse)
    await answers.give("/other", ("a",), 1.0, load)
    assert len(loads) == 3


async def test_questions_are_measured_also_when_they_fail(answers: Answers) -> None:
    async def fail() -> None:
        raise VenueTimeout("v", "nothing")

    async def work() -> int:
        return 5

    assert await answers.ask("v", "call", work()) == 5
    with pytest.raises(VenueTimeout):
        await answers.ask("v", "call", fail())
    families = {family.name: family for family in answers._meter.collect()}
    samples = families["headwater_exchange_call_seconds"].samples
    assert next(s.value for s in samples if s.name.endswith("_count")) == 2
    assert families["headwater_exchange_call_failures"].samples[0].value == 1
