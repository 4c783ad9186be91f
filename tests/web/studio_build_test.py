"""The studio's page in mudra/serve/assets/studio is what web/ builds, to the byte."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB, BUILT = ROOT / "web", ROOT / "mudra" / "serve" / "assets" / "studio"


@pytest.fixture(scope="module", autouse=True)
def packages():
    if shutil.which("node") is None or not all((WEB / "node_modules" / name).is_dir() for name in ("esbuild", "typescript", "uplot")):
        pytest.skip("what builds the page is not installed: npm ci --ignore-scripts in web")


def test_the_page_is_built_from_its_sources(tmp_path):
    subprocess.run(["node", WEB / "build.mjs", tmp_path], check=True, capture_output=True, text=True, timeout=120)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["index.html", "licences.txt", "studio.css", "studio.js"]
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (BUILT / file.name).read_bytes(), f"{file.name} is not as built: run `npm run build` in web"


def test_types_are_right():
    done = subprocess.run(["node", WEB / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", "-p", WEB], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_the_page_names_nothing_elsewhere():
    for name in ("index.html", "studio.js", "studio.css"):
        text = (BUILT / name).read_text(encoding="utf-8")
        for address in ("//cdn", "https://", "sourceMappingURL", "eval(", "new Function"):
            assert address not in text, f"{name} has {address}"
    html = (BUILT / "index.html").read_text(encoding="utf-8")
    assert " style=" not in html and "<style" not in html and html.count("<script") == 1
