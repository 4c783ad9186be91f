"""A training watched over HTTP: its numbers beside NumPy's, its weights beside those of `mudra train`."""

import json
import shlex
import subprocess
import sys
import urllib.parse

import pytest
from conftest import COMMAND, ROOT, read_safetensors
from serve_test import Described, PATIENCE, error_of, is_of_learning
from teaching_test import Studio, hands, teach  # noqa: F401: `hands` is a fixture

np = pytest.importorskip("numpy", reason="NumPy is not installed")

sys.path.insert(0, str(ROOT / "tests" / "reference"))
from learned_step import gradients  # noqa: E402

REPORT = {"data": "synth:1000", "recipe": "report", "split": "group", "seed": 3}


class Learning(Studio):
    def begin(self, **options):
        response = self.post("/api/learn", **options)
        assert response.status == 200, response.text
        return json.loads(response.text)

    def do(self, what, id, **fields):
        response = self.post(f"/api/learn/{what}", id=id, **fields)
        assert response.status == 200, response.text
        return json.loads(response.text)

    def look(self, what, id, type=None, **parameters):
        response = self.get(f"/api/learn/{what}?" + urllib.parse.urlencode({"id": id, **parameters}))
        assert response.status == 200, response.text
        return json.loads(response.text) if type is None else np.frombuffer(response.text, type)

    def to_epoch(self, id, epochs):
        state = self.do("advance", id, batches=0)
        while state["epoch"] <= epochs:
            state = self.do("advance", id, epochs=epochs + 1 - state["epoch"])
        return state


@pytest.fixture(scope="module")
def served():
    with Learning() as server:
        yield server


def parts_of(training, values):
    """The tensors in what /api/learn/weights or gradients sends."""
    return {w["name"]: values[w["offset"]:w["offset"] + int(np.prod(w["shape"]))].reshape(w["shape"]).astype(np.float64) for w in training["weights"]}


def looked_at(served, steps):
    """A training after so many steps: itself, its weights, its pictures as columns, and its labels."""
    training = served.begin(**REPORT)
    served.do("advance", training["id"], batches=steps)
    columns = served.look("pictures", training["id"], np.uint8).reshape(len(training["labels"]), -1).T / 255
    return training, parts_of(training, served.look("weights", training["id"], "<f4")), columns, np.array(training["labels"])


def step_of(columns, labels, weights):
    """Forward and backward in double precision, and the gradients of the mean loss by their names."""
    found = gradients(columns, labels, weights["1.weight"], weights["1.bias"], weights["3.weight"], weights["3.bias"], "sigmoid")
    return found | {"1.weight": found["dw1"], "1.bias": found["db1"], "3.weight": found["dw2"], "3.bias": found["db2"]}


def test_the_weights_are_those_of_the_command(served, tmp_path):
    training = served.begin(**REPORT, epochs=5)
    assert training["batches"] == -(-len(training["train"]) // 32) and sorted(training["train"] + training["held_out"]) == list(range(len(training["labels"])))
    state = served.to_epoch(training["id"], 5)
    result = subprocess.run([COMMAND, *shlex.split(training["command"])[1:], "--out", "run", "--json", "--quiet", "--no-report"], cwd=tmp_path, text=True,
                            capture_output=True, timeout=PATIENCE, check=True)
    trained = read_safetensors(tmp_path / "run/model.safetensors")[1]
    weights = served.look("weights", training["id"], "<f4")
    assert np.array_equal(np.concatenate([trained[w["name"]].ravel() for w in training["weights"]]), weights)
    assert state["history"][-1]["accuracy_held_out"] == json.loads(result.stdout)["test"]["accuracy"] == served.look("answers", training["id"])["accuracy"]


def test_every_number_is_that_of_numpy(served):
    training, weights, columns, labels = looked_at(served, 3)
    id = training["id"]
    rows = served.look("batch", id)["rows"]
    for row in rows:
        true = step_of(columns[:, [row]], labels[[row]], weights)
        example = served.look("example", id, row=row)
        assert example["label"] == labels[row] and example["row"] == row
        assert example["logits"] == pytest.approx(true["z"], abs=2e-5)
        assert example["probabilities"] == pytest.approx([1 - true["p"][0], true["p"][0]], abs=5e-6)
        assert example["loss"] == pytest.approx(true["losses"][0], abs=2e-5)
        for layer, wanted in ((0, columns[:, row]), (1, true["z1"][:, 0]), (2, true["a1"][:, 0]), (3, true["z"])):
            assert served.look("values", id, "<f4", row=row, layer=layer) == pytest.approx(wanted, abs=2e-5)
        told = parts_of(training, served.look("gradients", id, "<f4", row=row))
        for name in weights:
            assert told[name] == pytest.approx(true[name], abs=5e-6)  # sums of 784 terms of size 10, of 24 bits
    true = step_of(columns[:, rows], labels[rows], weights)
    mean = parts_of(training, served.look("gradients", id, "<f4"))
    state = served.do("advance", id, batches=1, since_step=2)
    assert state["loss"] == pytest.approx(true["losses"].mean(), abs=2e-5)
    assert [step for step, _ in state["losses"]] == [3, 4] and state["losses"][-1] == [4, state["loss"]]
    after = parts_of(training, served.look("weights", id, "<f4"))
    for name in weights:
        assert mean[name] == pytest.approx(true[name], abs=1e-6)
        assert after[name] == pytest.approx(weights[name] - 0.01 * true[name], abs=1e-6)


def test_a_difference_of_losses_is_the_derivative_within_the_error_it_states(served):
    training, weights, columns, labels = looked_at(served, 20)
    id = training["id"]
    rng = np.random.default_rng(1)
    errors = []
    for row in rng.choice(training["train"], 12):
        true = step_of(columns[:, [row]], labels[[row]], weights)
        bright = rng.choice(np.flatnonzero(columns[:, row] > 0.2), 2)
        for name, index in [("1.weight", int(784 * rng.integers(128) + i)) for i in bright] + [("1.bias", int(rng.integers(128))), ("3.weight", int(rng.integers(128))), ("3.bias", 0)]:
            told = served.look("slope", id, row=row, name=name, index=index)
            assert told["value"] == weights[name].ravel()[index]
            assert told["derivative"] == pytest.approx(true[name].ravel()[index], abs=1e-6)
            assert abs(told["difference"] - true[name].ravel()[index]) <= told["error"]
            assert told["difference"] == pytest.approx((told["loss_above"] - told["loss_below"]) / (2 * told["h"]))
            errors.append(told["error"])
            # Changed by hand, the loss is what it said it would be.
            served.do("weight", id, name=name, index=index, value=told["value"] + told["h"])
            assert served.look("example", id, row=row)["loss"] == pytest.approx(told["loss_above"], abs=1e-6)
            state = served.do("rewind", id, step=20)
            assert state["edited"] is False
    assert np.median(errors) < 1e-4 and max(errors) < 1e-2


def test_a_rate_too_large_is_explained_and_taken_back(served):
    training = served.begin(data="synth:200", classes="0,5", network="dense 16, relu, dense 16, relu", optimizer="sgd", **{"learning-rate": 1e8})
    state = served.do("advance", training["id"], epochs=30)
    assert state["problem"] and "1e+08" in state["why"]
    assert served.do("advance", training["id"], batches=1)["step"] == state["step"]
    assert served.do("rewind", training["id"], step=1)["problem"] is None


def test_recorded_signs_are_learned(hands, tmp_path):  # noqa: F811
    with Learning("--data", tmp_path / "signs") as studio:
        error = error_of(studio.post("/api/learn", data="signs"), 422)
        assert error["where"] == "signs" and str(tmp_path) not in json.dumps(error)
        teach(studio, hands, recordings=1)
        training = studio.begin(data="signs", recipe="report", classes="fist,palm")
        assert training["classes"] == ["fist", "palm"] and training["image"] == [28, 28, 1] and len(training["labels"]) == 16
        assert str(tmp_path) not in json.dumps(training)
        result = subprocess.run([COMMAND, *shlex.split(training["command"])[1:], "--epochs", "3", "--out", "run", "--no-report"], cwd=tmp_path, text=True,
                                capture_output=True, timeout=PATIENCE)
        assert result.returncode == 0, result.stderr
        trained = read_safetensors(tmp_path / "run/model.safetensors")[1]
        studio.to_epoch(training["id"], 3)
        assert np.array_equal(np.concatenate([trained[w["name"]].ravel() for w in training["weights"]]), studio.look("weights", training["id"], "<f4"))


@pytest.mark.parametrize("options, words", [
    ({}, "--data"), ({"data": "/etc"}, "--data"), ({"data": "synth:100", "groups": "/etc/passwd"}, "--groups"), ({"data": "synth:100", "recipe": "/etc/passwd"}, "--recipe"),
    ({"data": "synth:100", "learning-rate": "much"}, "learning-rate"), ({"data": "synth:100", "network": "dense"}, "dense"), ({"data": "synth:99999"}, "20,000"),
    ({"data": "synth:100", "network": "dense 5000"}, "million"), ({"data": "synth:100", "learning-rate": None}, "neither"), ({"data": ["a"]}, "neither")])
def test_what_cannot_be_begun_gets_one_message(served, options, words):
    response = served.post("/api/learn", **options)
    assert words in json.dumps(error_of(response, 400 if words == "neither" else 422), ensure_ascii=False)


def test_what_cannot_be_asked_gets_one_message(served):
    id = served.begin(data="synth:100", classes="0,5")["id"]
    for path, status in ((f"values?id={id}&row=0&layer=9", 422), (f"values?id={id}&row=-1&layer=0", 400), (f"values?id={id}&row=99999&layer=0", 422), (f"example?id={id}", 400),
                         (f"slope?id={id}&row=0&name=x&index=0", 422), (f"slope?id={id}&row=0&name=1.weight&index=1e9", 400), ("weights?id=nobody", 404), ("weights", 400)):
        error_of(served.get("/api/learn/" + path), status)
    for what, fields, status in (("rewind", {"step": 1}, 422), ("rewind", {"step": -1}, 422), ("weight", {"name": "1.weight", "index": 0, "value": "x"}, 400),
                                 ("weight", {"name": "1.weight", "index": 10**9, "value": 0}, 422), ("advance", {"batches": 0.5}, 400)):
        error_of(served.post(f"/api/learn/{what}", id=id, **fields), status)
    assert served.do("advance", id, batches=-5)["step"] == 0


def test_only_the_latest_trainings_are_kept(served):
    ids = [served.begin(data="synth:60", classes="0,5", seed=seed)["id"] for seed in range(8)]
    served.do("advance", ids[0], batches=1)  # asked for last
    served.begin(data="synth:60", classes="0,5")
    error_of(served.post("/api/learn/advance", id=ids[1]), 404)
    assert served.do("advance", ids[0], batches=0)["step"] == 1


def test_the_routes_are_as_openapi_says(served):
    described = Described(served)
    id = json.loads(described.ask("POST", "/api/learn", json.dumps({**REPORT, "data": "synth:200"}), "application/json").text)["id"]
    for what, fields in (("advance", {"epochs": 1, "since_step": 1, "since_epoch": 0}), ("weight", {"name": "1.bias", "index": 0, "value": 0.5}), ("rewind", {"step": 1})):
        described.ask("POST", f"/api/learn/{what}", json.dumps({"id": id, **fields}), "application/json")
    for what, query in (("pictures", ""), ("weights", ""), ("gradients", ""), ("values", "&row=0&layer=1"), ("batch", ""), ("example", "&row=0"),
                        ("slope", "&row=0&name=1.bias&index=0"), ("answers", "")):
        described.ask("GET", f"/api/learn/{what}", query=f"?id={id}{query}")
    assert described.asked == {route for route in described.routes() if is_of_learning(route[1])}
