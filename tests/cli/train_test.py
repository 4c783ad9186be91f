import json


def test_an_unknown_command_suggests_one(mudra):
    result = mudra("trian")
    assert result.returncode == 2
    assert "Did you mean 'train'?" in result.stderr


def test_an_unknown_option_suggests_one(mudra):
    result = mudra("train", "--epochz", 3)
    assert result.returncode == 2
    assert "Did you mean '--epochs'?" in result.stderr


def test_version_prints_one_line(mudra):
    result = mudra("--version")
    assert result.returncode == 0 and result.stdout.count("\n") == 1


def test_json_is_one_document_and_nothing_else(mudra, shared):
    result = mudra("train", shared / "sign-digits/dataset_labels.npz", "--recipe", "report", "--epochs", 2, "--json", "--no-report")
    document = json.loads(result.stdout)
    assert document["epochs"] == 2
    assert document["test"]["n"] == 200
    assert set(document) == {"run", "model", "predictions", "trained_on", "fold", "epochs", "kept_epoch", "ended", "loss", "test", "seconds", "warnings"}
