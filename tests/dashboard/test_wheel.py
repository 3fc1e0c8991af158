"""The wheel as a user gets it: installed into an empty environment, on a machine without Node."""

import asyncio
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import aiohttp
import pytest
from tests.dashboard.installed import ROOT, needs_modules

from headwater.api.dashboard_files import DashboardFiles


def _installed(folder: Path) -> Path:
    """A Python whose environment has the wheel; the dependencies are this one's."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("headwater-*.whl")
    environment = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    pip = (sys.executable, "-m", "pip", "--python", str(python))
    subprocess.run([*pip, "install", *options, str(wheel)], check=True)
    [packages] = (folder / "env" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


async def _serve(python: Path, folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    """A demo of one venue from the wheel, with nothing else to be found, and its address."""
    empty = folder / "empty"
    empty.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(str(python), "-m", "headwater.app", "demo", "--port", "0", "--for", "200"),
        cwd=empty,
        env={"PATH": str(empty), "HOME": str(empty), "HEADWATER_VENUES": "okx"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(100):
        while line := (await process.stderr.readline()).decode():
            if found := re.search(r"Headwater runs on (http://\S+)", line):
                return process, found.group(1)
    raise AssertionError("the demo ended")


@needs_modules
@pytest.mark.timeout(300)
async def test_the_wheel_brings_every_module_and_needs_no_node(tmp_path: Path) -> None:
    python = await asyncio.to_thread(_installed, tmp_path)
    asked = await asyncio.create_subprocess_exec(
        *(str(python), "-c", "import headwater; print(headwater.__file__)"),
        cwd=tmp_path,
        env={},
        stdout=asyncio.subprocess.PIPE,
    )
    where, _ = await asked.communicate()
    assert where.decode().startswith(str(tmp_path))
    process, base = await _serve(python, tmp_path)
    assert process.stderr is not None
    drain = asyncio.create_task(process.stderr.read(), name="drain")
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{base}/", headers={"accept": "text/html"}) as page:
                assert str(page.url) == f"{base}/dashboard/"
                assert page.status == 200
                assert page.content_type == "text/html"
            for address in DashboardFiles().import_map().values():
                async with session.get(f"{base}/dashboard/{address.removeprefix('./')}") as reply:
                    assert (reply.status, reply.content_type) == (200, "text/javascript")
            async with session.get(f"{base}/dashboard/modules/preact-LICENSE.txt") as reply:
                assert (reply.status, reply.content_type) == (200, "text/plain")
    finally:
        process.terminate()
        await process.wait()
        await drain
