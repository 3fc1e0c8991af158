"""Writes the typed clients of the terminal API from the platform's documents; --check: is stale?

`python -m scripts.generate_clients`. The documents are made in this process, as the platform
serves them. What is written by hand, `runtime.*`, stays as it is.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from scripts.client_javascript import declarations_module, javascript_module
from scripts.client_model import Contract, read_contract
from scripts.client_python import client_module, messages_module
from scripts.generate_docs import documented_api

from headwater.api.asyncapi import asyncapi_document
from headwater.api.settings import ApiSettings
from headwater.venues.discovery import venues

CLIENTS: Final = Path(__file__).resolve().parents[1] / "clients"
PYTHON: Final = CLIENTS / "python" / "headwater_client"
JAVASCRIPT: Final = CLIENTS / "javascript"


def contract() -> Contract:
    """What the platform offers now."""
    openapi: dict[str, Any] = json.loads(json.dumps(documented_api().openapi()))
    asyncapi: dict[str, Any] = json.loads(asyncapi_document(ApiSettings(), list(venues())))
    return read_contract(openapi, asyncapi)


def files(found: Contract) -> dict[Path, str]:
    """Every generated file."""
    return {
        PYTHON / "messages.py": formatted(messages_module(found)),
        PYTHON / "client.py": formatted(client_module(found)),
        JAVASCRIPT / "headwater.js": javascript_module(found),
        JAVASCRIPT / "headwater.d.ts": declarations_module(found),
    }


def formatted(text: str) -> str:
    """Python as the project writes it; names that are not used are not imported."""
    ruff = [sys.executable, "-m", "ruff"]
    for words in (
        ["check", "--quiet", "--fix-only", "--select", "F401,I,UP,RUF022", "-"],
        ["format", "--quiet", "-"],
    ):
        made = subprocess.run(  # noqa: S603 - fixed words
            [*ruff, *words, "--stdin-filename", str(PYTHON / "made.py")],
            input=text, capture_output=True, text=True, check=True,
        )  # fmt: skip
        text = made.stdout
    return text


def main() -> int:
    """Writes the files, or with --check compares them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check = parser.parse_args().check
    found = contract()
    stale = []
    for path, text in files(found).items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run `make clients`")
        return 1
    counted = f"{len(found.operations)} routes, {len(found.sockets)} sockets"
    print(f"{counted}, {len(stale)} files {'stale' if check else 'written'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
