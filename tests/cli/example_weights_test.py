"""--example-weights: what each image counts in the loss, from a file."""

import shutil

import pytest
from conftest import ROOT

np = pytest.importorskip("numpy", reason="NumPy is not installed")


@pytest.fixture
def weighted(tmp_path):
    """Two classes that look alike: what an image counts decides."""
    rng = np.random.default_rng(4)
    labels = np.arange(60) % 2
    np.savez(tmp_path / "data.npz", dataset=rng.integers(0, 256, (60, 5, 5)).astype("u1"), labels=labels)
    return np.where(labels == 1, 4.0, 0.25)


def test_example_weights_are_read_in_every_form(mudra, tmp_path, weighted):
    np.save(tmp_path / "w.npy", weighted)
    np.save(tmp_path / "column.npy", weighted[:, None].astype("f4"))
    np.savez(tmp_path / "w.npz", sample_weight=weighted)
    (tmp_path / "w.txt").write_text("\n".join(map(str, weighted)) + "\n")
    (tmp_path / "w.csv").write_text("weight\n" + "\n".join(map(str, weighted)) + "\n")
    (tmp_path / "options.toml").write_text('example-weights = "w.npy"\n')

    def model(name, *options):
        run = mudra("train", "data.npz", "--epochs", 2, "--quiet", "--no-report", "--out", name, *options)
        assert run.returncode == 0, run.stderr
        return (tmp_path / name / "model.safetensors").read_bytes()

    plain, expected = model("plain"), model("npy", "--example-weights", "w.npy")
    assert expected != plain
    assert 'example-weights = "w.npy"' in (tmp_path / "npy" / "options.toml").read_text().replace("'", '"')
    for form in "column.npy", "w.npz", "w.txt", "w.csv":
        assert model(form.replace(".", "-"), "--example-weights", form) == expected, form
    assert model("toml", "--options", "options.toml") == expected
    np.save(tmp_path / "ones.npy", np.ones(60))
    assert model("ones", "--example-weights", "ones.npy") == plain
    # One weight for each image of DATA, also where only some classes are used.
    model("some", "--example-weights", "w.npy", "--classes", "1,0")


def test_example_weights_that_cannot_be_used_are_refused(mudra, tmp_path, weighted):
    def refusal(name):
        run = mudra("train", "data.npz", "--quiet", "--no-report", "--example-weights", name)
        assert run.returncode == 1 and run.stdout == "" and run.stderr.startswith(f"mudra: {name}"), run.stderr
        return run.stderr

    for name, values, mention in [("few.npy", weighted[1:], "[59]"), ("many.npy", np.ones(61), "[61]"),
                                  ("nan.npy", np.where(np.arange(60) == 7, np.nan, 1), "image 7 "),
                                  ("minus.npy", np.where(np.arange(60) == 3, -1, 1), "image 3 "),
                                  ("endless.npy", np.where(np.arange(60) == 5, np.inf, 1), "image 5 "),
                                  ("none.npy", np.zeros(60), "only weights of 0"),
                                  ("text.npy", np.array(["1"] * 60), "text"),
                                  ("flat.npy", np.ones((60, 2)), "[60, 2]")]:
        np.save(tmp_path / name, values)
        if mention != "text":
            assert mention in refusal(name)
        else:
            refusal(name)
    for name, text, mention in [("few.txt", "1\n" * 59, "59 lines for 60"), ("many.txt", "1\n" * 61, "61 lines for 60"),
                                ("word.txt", "1\n" * 9 + "much\n" + "1\n" * 50, "line 10: 'much'"),
                                ("wrong.csv", "count\n" + "1\n" * 60, "column `weight`"), ("empty.txt", "", "empty.txt")]:
        (tmp_path / name).write_text(text)
        assert mention in refusal(name)
    np.savez(tmp_path / "other.npz", w=weighted)
    assert "`sample_weight`" in refusal("other.npz")


def test_example_weights_may_name_pictures(mudra, tmp_path):
    source = tmp_path / "pictures"
    for label in "05":
        (source / label).mkdir(parents=True)
        for number in range(4):
            shutil.copy(ROOT / "tests/fixtures/sources/folder/5/a.png", source / label / f"{number}.png")
    files = [f"{label}/{number}.png" for label in "50" for number in range(4)]
    (tmp_path / "w.csv").write_text("file,weight\n" + "".join(f"{name},{i + 1}\n" for i, name in enumerate(files)))
    run = mudra("train", source, "--epochs", 1, "--no-report", "--split", "stratified:0.5", "--example-weights", "w.csv")
    assert f"weights 1 to {len(files)} from w.csv" in run.stderr, run.stderr
    (tmp_path / "w.csv").write_text(f"file,weight\n{files[0]},1\n")
    run = mudra("train", source, "--epochs", 1, "--no-report", "--example-weights", "w.csv")
    assert run.returncode == 1 and "names no weight for" in run.stderr
