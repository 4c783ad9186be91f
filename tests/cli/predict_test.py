"""mudra predict: any picture gets an answer, or one message; what it saw can be looked at."""

import json
import subprocess

import pytest
from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A model without a finder: it looks at the whole picture."""
    run = tmp_path_factory.mktemp("reader") / "run"
    done = subprocess.run([COMMAND, "train", "synth:1000", "--split", "0.8", "--size", "32", "--network", "conv 8 3x3, relu, pool 2, dense 32, relu",
                           "--epochs", "8", "--optimizer", "adam", "--learning-rate", "0.003", "--quiet", "--no-report", "--out", run], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return run


def hand(side=200):
    """A disc with five bars on a gradient: something to see."""
    y, x = np.mgrid[:side, :side] / side
    picture = np.stack([90 + 60 * x, 100 + 50 * y, 120 + 0 * x], -1)
    picture[np.hypot(x - 0.5, y - 0.65) < 0.2] = [220, 170, 140]
    for finger in range(5):
        picture[(abs(x - 0.3 - 0.1 * finger) < 0.03) & (y > 0.15) & (y < 0.6)] = [220, 170, 140]
    return picture.astype("u1")


def answers(mudra, *arguments):
    done = mudra("predict", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(answer):
    p = answer["probabilities"]
    assert set(answer) - {"box", "joints"} == {"file", "image", "label", "confidence", "none", "probabilities", "logits"}
    assert sum(p.values()) == pytest.approx(1, abs=1e-5)
    # A digit may be answered that is less likely than `none`: docs/model-card.md, "Calibration".
    assert answer["confidence"] == (max(p.values()) if answer["label"] is None else p[answer["label"]])
    assert answer["label"] in (None, max((sign for sign in p if sign != "none"), key=p.get))
    assert answer["none"] == p["none"]


@pytest.mark.parametrize("kind", ["16x16", "1x1", "one row", "grey 16 bits", "black", "white", "alpha", "progressive"])
def test_odd_pictures_get_an_answer(mudra, tmp_path, kind):
    picture = {"16x16": hand(16), "1x1": hand(1), "one row": hand(300)[:1], "black": np.zeros((50, 40, 3), "u1"),
               "white": np.full((50, 40, 3), 255, "u1")}.get(kind, hand())
    if kind == "grey 16 bits":
        Image.fromarray(picture[..., 0].astype("u2") * 257).save(tmp_path / "p.png")
    elif kind == "alpha":
        Image.fromarray(np.dstack([picture, picture[..., 0]])).save(tmp_path / "p.png")
    elif kind == "progressive":
        Image.fromarray(picture).save(tmp_path / "p.png", "JPEG", progressive=True)  # told by content, not by name
    else:
        Image.fromarray(picture).save(tmp_path / "p.png")
    [answer] = answers(mudra, "p.png")
    check(answer)
    if kind in ("black", "white"):
        assert answer["label"] is None  # nothing is to be seen


def test_sixteen_bits_are_seen_as_eight(mudra, tmp_path):
    grey = hand()[..., 0]
    Image.fromarray(grey).save(tmp_path / "eight.png")
    Image.fromarray(grey.astype("u2") * 257).save(tmp_path / "sixteen.png")
    eight, sixteen = answers(mudra, "eight.png", "sixteen.png")
    assert eight["probabilities"] == sixteen["probabilities"]


@pytest.mark.parametrize("kind, says", [("text", "is not a picture"), ("cut", "is a damaged or cut off JPEG"), ("empty", "is empty"),
                                        ("gif", "is a GIF picture"), ("folder", "holds no PNG, JPEG or WebP"), ("missing", "nowhere")])
def test_what_is_no_picture_is_one_message(mudra, tmp_path, kind, says):
    path = tmp_path / ("nowhere.jpg" if kind == "missing" else "p.jpg")
    if kind == "text":
        path.write_text("no picture, whatever its name says\n" * 50)
    elif kind == "cut":
        Image.fromarray(hand()).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "gif":
        Image.fromarray(hand()).save(path, "GIF")
    elif kind == "folder":
        path.mkdir()
    for more in ([], ["--json"], ["--draw", "seen.png"]):
        done = mudra("predict", path, *more)
        lines = [line for line in done.stderr.splitlines() if line != "model     hands, in the box"]
        assert done.returncode == 1 and done.stdout == "" and len(lines) == 1, done.stderr
        assert lines[0].startswith("mudra: ") and path.name in lines[0] and says in lines[0]
        assert not (tmp_path / "seen.png").exists()


def test_a_cut_off_photograph_is_damaged_at_any_size(mudra, tmp_path):
    """A large one is decoded at a fraction of its size, which must notice, too."""
    Image.fromarray(hand(1800)).save(tmp_path / "large.jpg")
    data = (tmp_path / "large.jpg").read_bytes()
    (tmp_path / "large.jpg").write_bytes(data[:len(data) // 2])
    done = mudra("predict", "large.jpg")
    assert done.returncode == 1 and "large.jpg: is a damaged or cut off JPEG" in done.stderr


def test_good_pictures_are_answered_beside_bad_ones(mudra, tmp_path):
    Image.fromarray(hand()).save(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_text("text")
    done = mudra("predict", "bad.jpg", "good.png", "--json")
    assert done.returncode == 1 and done.stderr.count("mudra: ") == 2 and "1 of 2 images could not be read" in done.stderr
    assert [each["file"] for each in json.loads(done.stdout)] == ["good.png"]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_large_photograph_is_answered_as_the_same_one_made_small(mudra, tmp_path, reader, orientation):
    """12 megapixels, lying as its camera says; Pillow turns it and averages its pixels."""
    picture = Image.fromarray(hand(1000)).resize((4000, 3000), Image.Resampling.BICUBIC)
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = picture.transpose(turns[orientation]) if orientation > 1 else picture
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "large.jpg", quality=92, exif=exif)
    picture.resize((800, 600), Image.Resampling.BOX).save(tmp_path / "small.png")
    stored.resize((800, 800), Image.Resampling.BOX).save(tmp_path / "lying.png")
    large, small, lying = answers(mudra, "large.jpg", "small.png", "lying.png", "--model", reader)

    def apart(other):
        return max(abs(other["probabilities"][name] - share) for name, share in small["probabilities"].items())

    assert apart(large) < 0.02
    assert orientation == 1 or apart(lying) > 0.05  # the model does see how a picture lies


def test_one_picture_is_drawn_into_a_file(mudra, tmp_path, reader):
    Image.fromarray(hand(500)).save(tmp_path / "p.png")
    arguments = ["predict", "p.png", "--model", reader]
    assert mudra(*arguments).stdout == mudra(*arguments, "--draw", "seen.png").stdout
    seen = np.asarray(Image.open(tmp_path / "seen.png").convert("RGB"))
    assert seen.shape[1] == 500 and 515 < seen.shape[0] < 560
    assert (seen[:500] == hand(500)).all()  # nothing is framed
    assert (seen[500:] != seen[-1, -1]).any()  # the answer


def test_a_large_one_is_drawn_smaller_and_a_small_one_larger(mudra, tmp_path):
    Image.fromarray(hand(2000)).save(tmp_path / "large.jpg")
    Image.fromarray(hand(40)).save(tmp_path / "small.png")
    for name, width in (("large.jpg", 960), ("small.png", 400)):
        assert mudra("predict", name, "--draw", "seen.png").returncode == 0
        assert Image.open(tmp_path / "seen.png").width == width


def test_several_pictures_are_drawn_into_a_folder(mudra, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(hand(60)).save(tmp_path / folder / "one.png")
    np.save(tmp_path / "two.npy", np.stack([hand(28)[..., 0]] * 2))
    assert mudra("predict", "a", "b", "two.npy", "--draw", "seen").returncode == 0
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == ["one.png", "one_2.png", "two-0.png", "two-1.png"]
    for images in (["a", "b"], ["two.npy"]):
        done = mudra("predict", *images, "--draw", "seen.png")
        assert done.returncode == 2 and "Name a folder" in done.stderr and not (tmp_path / "seen.png").exists()


def test_a_drawing_that_cannot_be_written_is_one_message(mudra, tmp_path):
    Image.fromarray(hand(60)).save(tmp_path / "p.png")
    done = mudra("predict", "p.png", "--draw", "nowhere/seen.png", "--json")
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1 and "nowhere" in done.stderr


def test_bench_times_a_picture_from_its_file_to_its_answer(mudra, tmp_path):
    Image.fromarray(hand(60)).save(tmp_path / "p.png")
    done = mudra("bench", "--picture", "p.png", "--runs", 3, "--json")
    assert done.returncode == 0, done.stderr
    [found] = json.loads(done.stdout)
    assert found["file"] == "p.png" and found["threads"] == 1 and len(found["seconds"]) == 3 and min(found["seconds"]) > 0
    assert "p.png, from the file to its answer" in mudra("bench", "--picture", "p.png", "--runs", 1).stdout
