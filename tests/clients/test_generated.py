"""The clients in the repository are those that the documents of today give, and they are whole."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scripts.client_model import PLATFORM_TAGS, Contract, camel, snake
from scripts.client_python import class_name
from scripts.generate_docs import documented_api

from headwater.api.terminal.sockets import SOCKETS
from headwater_client import client, messages
from scripts import generate_clients

ROOT = Path(__file__).resolve().parents[2]
JAVASCRIPT = ROOT / "clients" / "javascript"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return generate_clients.contract()


def test_no_client_is_stale(contract: Contract) -> None:
    for path, text in generate_clients.files(contract).items():
        assert path.read_text() == text, f"{path.name}: run `make clients`"


def test_there_is_a_method_for_every_route_and_every_socket(contract: Contract) -> None:
    paths = {
        path
        for path, item in documented_api().openapi()["paths"].items()
        for operation in item.values()
        if path.startswith("/api/v1/") and not PLATFORM_TAGS & set(operation["tags"])
    }
    assert {one.path for one in contract.operations} == paths
    assert [one.name for one in contract.sockets] == [one.name for one in SOCKETS]
    text = (JAVASCRIPT / "headwater.js").read_text()
    types = (JAVASCRIPT / "headwater.d.ts").read_text()
    for operation in contract.operations:
        assert hasattr(client.Headwater, operation.name)
        for written in (text, types):
            assert f"  {camel(operation.name)}(" in written
    for socket in contract.sockets:
        assert hasattr(client.Headwater, f"watch_{snake(socket.name)}")
        stream = getattr(client, f"{class_name(socket.name)}Stream")
        for request in socket.requests:
            assert hasattr(stream, snake(str(request.tag)))
        for written in (text, types):
            assert f"  watch{class_name(socket.name)}(" in written


def test_every_field_has_the_name_that_it_has_on_the_wire(contract: Contract) -> None:
    for message in contract.messages:
        made = getattr(messages, message.name)
        names = [field.encode_name for field in msgspec.structs.fields(made)]
        assert names == [field.name for field in message.fields]
        assert made.__struct_config__.tag == message.tag


def test_the_clients_know_nothing_of_the_server() -> None:
    for path in (ROOT / "clients" / "python").rglob("*.py"):
        text = path.read_text()
        assert "import headwater\n" not in text
        assert "from headwater." not in text
    for path in JAVASCRIPT.glob("*.js"):
        imported = [line for line in path.read_text().splitlines() if " from " in line]
        assert all('"./runtime.js"' in line for line in imported if "import" in line)


def test_the_lock_names_hashes_and_no_addresses() -> None:
    locked: dict[str, Any] = json.loads((JAVASCRIPT / "package-lock.json").read_text())
    for name, package in locked["packages"].items():
        assert "resolved" not in package
        assert name == "" or package["integrity"].startswith("sha512-")


def test_typescript_agrees_with_the_declarations(tmp_path: Path) -> None:
    """`typed_use.ts` uses every part; its lines marked as errors must be errors."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here: `make test-servers` installs it")
    for path in JAVASCRIPT.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    installed = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    if installed.returncode:
        pytest.skip(f"npm could not fetch TypeScript: {installed.stderr[-200:]}")
    checked = subprocess.run(
        [npm, "run", "--silent", "check"],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
