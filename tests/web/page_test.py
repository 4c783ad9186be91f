"""Reports, opened in a real browser: Chromium, driven by Playwright."""

import base64
import csv
import io
import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

HERE = pathlib.Path(__file__).resolve().parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = ['"quoted" & \'single\'', "<script>window.pwned = 1</script>", "</script><img src=x onerror=pwned=1>", "👋🏽 wave",
           "{{record}}", "\u2028line", "a" * 60, "right \u202eleft"]
CHECKS = ["clicking a cell shows its pictures and no others", "the keyboard does what the mouse does",
          "every bin of confidence is a point where it belongs", "refused pictures stand in a column of their own",
          "one number is written one way", "choosing a class draws its curves", "a phone needs no sideways scrolling", "a phone shows the whole of eleven classes",
          "the biggest mistake is chosen", "a phone breaks no option and no heading of the table", "the scale fits the intervals",
          "the weights are dark on a dark page", "names stay text", "landmarks, headings and images are named",
          "paper is white and whole", "contrast is AA in light colours", "contrast is AA in dark colours",
          "without scripts the words remain"]
COMPARISONS = ["compared_hostile", "compared_alike"]
SEARCHES = ["searched", "nested"]
PAGES = ["report", "folds", "hostile", "thousand", "single", "one_answer", "one_pixel", "perfect", "copies", "refuses", "refused", "rooms"]


def save(path, images, labels):
    np.savez(path, dataset=images, labels=np.array(labels))


def make_pages(folder):
    """Each page is made by the command, as a person would: {name: report.html}."""

    def mudra(*arguments):
        result = subprocess.run([COMMAND, *map(str, arguments)], cwd=folder, text=True, capture_output=True, timeout=300)
        assert result.returncode == 0, result.stderr

    def train(name, data, *options):
        mudra("train", data, "--out", name, "--quiet", *options)

    rng = np.random.default_rng(5)
    train("report", "synth:400", "--recipe", "report", "--epochs", 30)
    train("folds", "synth:300", "--split", "group-kfold:3", "--epochs", 4)
    labels = [HOSTILE[i % len(HOSTILE)] for i in range(240)]
    save(folder / "hostile.npz", rng.integers(0, 256, (240, 36)).astype("u1"), labels)
    train("hostile", "hostile.npz", "--epochs", 2)
    labels = [f"sign {i % 1000}" for i in range(4000)]
    save(folder / "thousand.npz", rng.integers(0, 256, (4000, 64)).astype("u1"), labels)
    train("thousand", "thousand.npz", "--epochs", 1, "--split", "stratified:0.5")
    save(folder / "one.npz", rng.integers(0, 256, (1, 784)).astype("u1"), ["5"])
    mudra("evaluate", "one.npz", "--model", "report", "--report", "single")
    save(folder / "black.npz", np.zeros((40, 784), "u1"), ["0", "5"] * 20)
    mudra("evaluate", "black.npz", "--model", "report", "--report", "one_answer")
    pixels = rng.integers(0, 2, (200, 1)) * 200 + rng.integers(0, 50, (200, 1))
    save(folder / "pixel.npz", pixels.astype("u1"), ["dark" if p < 100 else "bright" for p in pixels[:, 0]])
    train("one_pixel", "pixel.npz", "--epochs", 3)
    train("perfect", "pixel.npz", "--epochs", 60, "--learning-rate", "0.05")
    mudra("synth", "--count", 60, "--out", "hands.npz")
    hands = np.load(folder / "hands.npz")
    save(folder / "copies.npz", np.concatenate([hands["dataset"]] * 3), np.concatenate([hands["labels"]] * 3))
    train("copies", "copies.npz", "--epochs", 3)  # its warning names the longest options
    train("refuses", "synth:300", "--split", "group-kfold:3", "--epochs", 4, "--refuse", 0.3)
    mudra("synth", "--count", 300, "--out", "more.npz")
    mudra("evaluate", "more.npz", "--model", "refuses", "--predictions", "more.csv")
    more = np.load(folder / "more.npz")
    rows = [int(row["row"]) for row in csv.DictReader(open(folder / "more.csv")) if row["answer"] == ""]
    save(folder / "unsure.npz", more["dataset"][rows], more["labels"][rows])
    mudra("evaluate", "unsure.npz", "--model", "refuses", "--report", "refused")  # all of them
    mudra("evaluate", "synth:110:room:0.2", "--seed", 77, "--report", "rooms")
    train("hostile_more", "hostile.npz", "--epochs", 9)
    shutil.copy(folder / "report/predictions.csv", folder / "same.csv")
    for out, a, b in zip(COMPARISONS, ("hostile", "report"), ("hostile_more", "same.csv")):
        mudra("compare", a, b, "--report", out)
    (folder / "space.toml").write_text('[network]\nchoices = ["dense {w}", "dense {w}, relu"]\n[w]\nlow = 4\nhigh = 9\n[learning-rate]\nlow = 0.001\n'
                                       'high = 0.1\nlog = true\n[augment]\nchoices = ["", "rotate 5, scale 0.1, shear 0.1, shift 2, gamma 0.5"]\n')
    mudra("tune", "hostile.npz", "--space", "space.toml", "--epochs", 9, "--trials", 12, "--refit", "--quiet", "--out", "searched")
    mudra("tune", "synth:200", "--space", "space.toml", "--epochs", 3, "--trials", 3, "--split", "group-kfold:3", "--refit", "--quiet", "--out", "nested")
    return {name: folder / name / "report.html" for name in PAGES + COMPARISONS + SEARCHES}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return make_pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def browsed(pages):
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    if shutil.which("node") is None or not (HERE / "node_modules" / "playwright-core").is_dir():
        pytest.skip("playwright-core is not installed: npm ci --ignore-scripts in tests/web")
    result = subprocess.run(["node", HERE / "page.mjs", CHROMIUM, *map(str, pages.values())], text=True,
                            capture_output=True, timeout=600)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    return {name: found[str(file)] for name, file in pages.items()}


# Of the checks, those that are about every page.
EVERYWHERE = ["clicking a cell shows its pictures and no others", "a phone needs no sideways scrolling", "names stay text",
              "landmarks, headings and images are named", "paper is white and whole", "contrast is AA in light colours",
              "contrast is AA in dark colours", "without scripts the words remain"]


@pytest.mark.parametrize("check", EVERYWHERE)
@pytest.mark.parametrize("name", COMPARISONS + SEARCHES)
def test_a_comparison_or_search_in_a_browser(browsed, name, check):
    assert browsed[name][check] is None


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", PAGES)
def test_in_a_browser(browsed, name, check):
    assert browsed[name][check] is None


def test_the_pictures_of_a_cell_are_those_images_of_the_data(pages, browsed):
    """NumPy holds the images; the command's own JSON holds the counts."""
    folder = pages["single"].parent.parent
    rng = np.random.default_rng(9)
    images = rng.integers(0, 256, (60, 784)).astype("u1")
    labels = ["0" if i % 3 else "5" for i in range(60)]
    save(folder / "known.npz", images, labels)
    done = subprocess.run([COMMAND, "evaluate", "known.npz", "--model", "report", "--json", "--report", "known"],
                          cwd=folder, text=True, capture_output=True, timeout=120)
    document = json.loads(done.stdout)
    assert document["report"] == "known/report.html"
    result = subprocess.run(["node", HERE / "page.mjs", CHROMIUM, folder / "known/report.html"], text=True,
                            capture_output=True, timeout=300)
    cells = json.loads(result.stdout)[str(folder / "known/report.html")]["found"]
    confusion, names, seen = np.array(document["confusion"]), document["labels"], set()
    assert sum(cell["count"] for cell in cells) == 60 and len(cells) == np.count_nonzero(confusion)
    for cell in cells:
        truth, predicted = cell["tiles"][0]["truth"], cell["tiles"][0]["predicted"]
        assert cell["count"] == confusion[truth, predicted] == len(cell["tiles"])
        assert f"true {names[truth]}, predicted {names[predicted]}:" in cell["button"]
        for picture in cell["tiles"]:
            row = int(picture["alt"].split(":")[0].removeprefix("Picture ")) - 1
            seen.add(row)
            assert labels[row] == names[truth]
            pixels = np.array(Image.open(io.BytesIO(base64.b64decode(picture["src"].split(",", 1)[1]))))
            assert np.array_equal(pixels, images[row].reshape(28, 28))
    assert seen == set(range(60))


def test_pages_are_small(pages):
    for name, file in pages.items():
        assert file.stat().st_size < 2_000_000, name


def test_a_page_names_nothing_outside_itself(pages):
    for name, file in pages.items():
        text = file.read_text()
        head = text[:text.index("<style>")]
        assert "default-src 'none'" in head and "unsafe-inline" not in head, name
        assert text.count("http") == text.count("http-equiv") + text.count("http://www.w3.org/2000/svg"), name
