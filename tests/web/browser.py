"""Chromium, driven by Playwright: what the tests of pages have in common."""

import json
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = '<img src=x onerror="window.pwned=1">'


def drive(script, *arguments, timeout, packages=("playwright-core",)):
    """What a script of this folder prints; the test is skipped where there is no browser to drive."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    if shutil.which("node") is None or not all((HERE / "node_modules" / name).is_dir() for name in packages):
        pytest.skip(f"{' or '.join(packages)} is not installed: npm ci --ignore-scripts in tests/web")
    result = subprocess.run(["node", HERE / script, CHROMIUM, *map(str, arguments)], text=True, capture_output=True, timeout=timeout)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
