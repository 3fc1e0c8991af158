"""The parts know whether their data are simulated."""

import msgspec
from tests.api.served import Platform

from headwater.api.deps import ApiDeps


def test_one_simulated_venue_marks_the_whole() -> None:
    deps: ApiDeps = Platform().deps
    assert deps.simulated
    assert not msgspec.structs.replace(deps, sources={}).simulated
