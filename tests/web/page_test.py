"""Reports, opened in a real browser: Chromium, driven by Playwright."""

import base64
import csv
import io
import json
import shutil
import subprocess

import pytest

from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

from browser import drive  # noqa: E402

HOSTILE = ['"quoted" & \'single\'', "<script>window.pwned = 1</script>", "</script><img src=x onerror=pwned=1>", "👋🏽 wave",
           "{{record}}", "\u2028line", "a" * 60, "right \u202eleft"]
CHECKS = ["clicking a cell shows its pictures and no others", "the keyboard does what the mouse does",
          "every bin of confidence is a point where it belongs", "refused pictures stand in a column of their own",
          "one number is written one way", "choosing a class draws its curves", "the slider goes through the epochs that were kept",
          "the epochs play by themselves", "nothing moves for who wants no motion", "a phone needs no sideways scrolling", "a phone shows the whole of eleven classes",
          "the biggest mistake is chosen", "a phone breaks no option and no heading of the table", "the scale fits the intervals",
          "the weights are dark on a dark page", "names stay text", "landmarks, headings and images are named",
          "paper is white and whole", "contrast is AA in light colours", "contrast is AA in dark colours",
          "without scripts the words remain"]
COMPARISONS = ["compared_hostile", "compared_alike"]
SEARCHES = ["searched", "nested"]
PAGES = ["report", "folds", "hostile", "thousand", "single", "one_answer", "one_pixel", "perfect", "copies", "refuses", "refused", "rooms",
         "kept", "kept_filters"]
KEPT = {"kept": [0, 1, 6, 12], "kept_filters": [0, 1, 3, 5], "hostile": [0, 1, 2], "thousand": [0, 1]}  # epochs of a page's run


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
    train("hostile", "hostile.npz", "--epochs", 2, "--keep-epochs", 2)
    labels = [f"sign {i % 1000}" for i in range(4000)]
    save(folder / "thousand.npz", rng.integers(0, 256, (4000, 64)).astype("u1"), labels)
    train("thousand", "thousand.npz", "--epochs", 1, "--split", "stratified:0.5", "--keep-epochs", 1)
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
    train("kept", "more.npz", "--classes", "0,5", "--recipe", "report", "--split", "0.5", "--epochs", 12, "--keep-epochs", 3)
    train("kept_filters", "more.npz", "--network", "conv 12 5x3, relu, pool 2, dense 9, relu", "--init", "xavier", "--learning-rate", 0.05, "--split", "kfold:2", "--validation", 0.2, "--epochs", 5,
          "--keep-epochs", 3)
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
    found = drive("page.mjs", *pages.values(), timeout=600)
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
    cells = drive("page.mjs", folder / "known/report.html", timeout=300)[str(folder / "known/report.html")]["found"]
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


def of_share(text, share):
    """Whether a page's percentage says this share."""
    number = float(text.strip("<>%"))
    return 100 * share > number if text[0] == ">" else 100 * share < number if text[0] == "<" else abs(100 * share - number) < 0.0501


def first_weights(file):
    """[units, channels * height, width] and the safetensors' own shape."""
    data = file.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    about = next(header[name] for name in header if name.endswith("weight"))
    return np.frombuffer(data[8 + size:][slice(*about["data_offsets"])], "<f4").reshape(about["shape"]).astype("f8")


@pytest.mark.parametrize("name", KEPT)
def test_the_epochs_of_a_page_are_those_in_the_folder(pages, browsed, name):
    run, shown = pages[name].parent, browsed[name]["epochs"]
    assert [epoch["number"] for epoch in shown] == KEPT[name]
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    fold = json.loads((run / f"epochs/epoch-0.json").read_text())["fold"]
    metrics = {line["epoch"]: line for line in lines if line["fold"] == fold}
    for epoch in shown:
        facts = json.loads((run / f"epochs/epoch-{epoch['number']}.json").read_text())
        assert epoch["counts"] == ([] if name == "thousand" else facts["confusion"])
        assert epoch["right"] == f"Right on {facts['right']:,} of {facts['n']:,} held-out pictures"
        reading = epoch["reading"].split("held out: ")[1]
        assert of_share(reading.split("right")[0].split()[-1], facts["right"] / facts["n"])
        if epoch["number"] > 0:
            assert float(reading.split()[1].strip(",")) == pytest.approx(metrics[epoch["number"]]["loss"]["held_out"], rel=0.006)
        assert len(epoch["tiles"]) == 12


@pytest.mark.parametrize("name", ["kept", "kept_filters"])
def test_answers_of_kept_epochs_are_those_of_the_picture_shown(pages, browsed, name):
    """Pictures are known again by their pixels."""
    run = pages[name].parent
    rows = {image.tobytes(): row for row, image in enumerate(np.load(run.parent / "more.npz")["dataset"].reshape(300, 784))}
    for epoch in browsed[name]["epochs"]:
        told = {int(line["row"]): line for line in csv.DictReader(open(run / f"epochs/epoch-{epoch['number']}.csv"))}
        for tile in epoch["tiles"]:
            pixels = np.array(Image.open(io.BytesIO(base64.b64decode(tile["src"].split(",", 1)[1]))))
            line = told[rows[pixels.tobytes()]]
            assert tile["wrong"] == (line["answer"] != line["label"])
            assert tile["answer"][0] == ("✗ " if tile["wrong"] else "✓ ") + line["answer"] and of_share(tile["answer"][1], float(line["confidence"]))
            sure = float(line["p_" + line["label"]])
            assert tile["truth"][0] == f"labelled {line['label']}" and of_share(tile["truth"][1], sure)
            assert abs(tile["share"] - sure) < 0.02
            assert tile["alt"].endswith(f": {line['label']}, answered {line['answer']}")
    assert len({json.dumps(epoch["tiles"]) for epoch in browsed[name]["epochs"]}) == len(KEPT[name])


@pytest.mark.parametrize("name, side, enlarged, units, changes",
                         [("kept", (28, 28), 1, [i * 127 // 63 for i in range(64)], True), ("kept_filters", (5, 3), 4, range(12), False)])
def test_sheets_show_the_weights_in_the_folder(pages, browsed, name, side, enlarged, units, changes):
    run, shown = pages[name].parent, browsed[name]["epochs"]
    weights = [first_weights(run / f"epochs/epoch-{epoch['number']}.safetensors").reshape(-1, *side)[units] for epoch in shown]
    values = [each - weights[0] if changes else each for each in weights]
    limit = np.abs(values).max()
    assert (np.linalg.norm(weights[-1] - weights[0]) < np.linalg.norm(weights[-1]) / 2) == changes
    for epoch, expected in zip(shown, values):
        sheet = np.array(Image.open(io.BytesIO(base64.b64decode(epoch["sheet"]["src"].split(",", 1)[1]))).convert("RGB")).astype(float)
        down, across = enlarged * side[0] + 2, enlarged * side[1] + 2
        for at, unit in enumerate(expected / limit):
            top, left = at // 8 * down, at % 8 * across
            found = sheet[top:top + down - 2:enlarged, left:left + across - 2:enlarged]
            strength, end = np.abs(unit)[..., None], np.where(unit[..., None] < 0, [33, 102, 172], [178, 24, 43])
            assert np.abs(found - (247 + (end - 247) * strength)).max() < 4.5, (epoch["number"], at)  # half a step of 31
        assert (f"{len(units)} of the 128 hidden units" if changes else "the 12 filters") in epoch["sheet"]["alt"]


def test_pages_are_small(pages):
    for name, file in pages.items():
        assert file.stat().st_size < 2_000_000, name


def test_a_page_names_nothing_outside_itself(pages):
    for name, file in pages.items():
        text = file.read_text()
        head = text[:text.index("<style>")]
        assert "default-src 'none'" in head and "unsafe-inline" not in head, name
        assert text.count("http") == text.count("http-equiv") + text.count("http://www.w3.org/2000/svg"), name
