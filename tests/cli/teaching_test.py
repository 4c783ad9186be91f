"""Signs taught over HTTP: what a page does with mudra serve, and what nobody should be able to do with it."""

import base64
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest
from conftest import COMMAND, ROOT
from serve_test import Described, PATIENCE, Served, error_of, is_of_studio

np = pytest.importorskip("numpy", reason="NumPy is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

EXPORT = ROOT / "tests" / "export"


@pytest.fixture(scope="module")
def hands(tmp_path_factory):
    """Rendered pictures of people: {(digit, person): [PNG files]}."""
    folder = tmp_path_factory.mktemp("hands")
    subprocess.run([COMMAND, "synth", "--count", "300", "--size", "120", "--domain", "ankara", "--colour", "--seed", "5", "--out", "hands.npz"], cwd=folder,
                   check=True, capture_output=True, timeout=PATIENCE)
    data = np.load(folder / "hands.npz")
    found = {}
    for image, label, number in zip(data["dataset"], data["labels"], range(300)):
        file = io.BytesIO()
        Image.fromarray(image.reshape(120, 120, 3)).save(file, "PNG")
        found.setdefault(str(label), []).append(file.getvalue())
    return found


class Studio(Served):
    def post(self, path, **fields):
        return self.ask("POST", path, json.dumps(fields), {"Content-Type": "application/json"})

    def add(self, sign, recording, pictures):
        path = "/api/samples?" + urllib.parse.urlencode({"sign": sign, "recording": recording})
        return self.ask("POST", path, json.dumps({"images": [base64.b64encode(p).decode() for p in pictures]}), {"Content-Type": "application/json"})

    def told(self, path):
        response = self.get(path)
        assert response.status == 200, response.text
        return json.loads(response.text)

    def settled(self):
        """What GET /api/train says when everything in the folder is learned and checked."""
        for _ in range(PATIENCE * 20):
            state, signs = self.told("/api/train"), self.told("/api/signs")
            if state["state"] in ("idle", "failed") and (state["why"] or state["version"] == signs["version"]):
                return state
            time.sleep(0.05)
        raise AssertionError(state)

    def files(self):
        return {s["file"] for sign in self.told("/api/signs")["signs"]
                for s in self.told("/api/samples?" + urllib.parse.urlencode({"sign": sign["name"]}))["samples"]}


@pytest.fixture()
def studio():
    with Studio() as server:
        yield server


def teach(studio, hands, signs=(("fist", "0"), ("palm", "5"), ("👋 nine", "9")), recordings=2, each=8):
    for sign, digit in signs:
        for r in range(recordings):
            response = studio.add(sign, f"{digit}r{r}", hands[digit][r * each:(r + 1) * each])
            assert response.status == 200, response.text
    return studio.settled()


def test_signs_are_taught_and_recognised_and_leave_as_files(studio, hands, tmp_path):
    state = teach(studio, hands)
    assert state["model"] == {"name": "signs", "classes": ["fist", "palm", "👋 nine", "none"], "samples": 48}
    assert state["by_recording"]["n"] == 48 and state["by_recording"]["recordings"] == 6 and state["by_frames"]["n"] == 9
    assert state["why_no_check"] is None
    answers = {digit: [json.loads(studio.predict(p).text) for p in hands[digit][20:30]] for digit in ("0", "5", "9")}
    right = sum(a["label"] == sign for sign, digit in (("fist", "0"), ("palm", "5"), ("👋 nine", "9")) for a in answers[digit])
    assert right >= 27
    health = studio.told("/api/health")
    assert health["ok"] is True and health["model"] == "signs"

    # The model as a file answers as the server does; the box can still be asked.
    model = studio.get("/api/export/model.safetensors")
    assert model.headers["Content-Disposition"] == 'attachment; filename="model.safetensors"'
    (tmp_path / "taught.safetensors").write_bytes(model.text)
    (tmp_path / "hand.png").write_bytes(hands["9"][25])
    result = subprocess.run([COMMAND, "predict", "hand.png", "--model", "taught.safetensors", "--json"], cwd=tmp_path, text=True, capture_output=True,
                            timeout=PATIENCE, check=True)
    told = json.loads(result.stdout)[0]
    assert {**told, "file": None} == answers["9"][5]
    box = json.loads(studio.ask("POST", "/api/predict?model=hands", hands["9"][25], {"Content-Type": "image/png"}).text)
    assert len(box["probabilities"]) == 11
    error_of(studio.ask("POST", "/api/predict?model=hnads", hands["9"][25], {"Content-Type": "image/png"}), 404)
    assert [m["name"] for m in studio.told("/api/models")] == ["signs", "hands"]

    # The folder is one that a training reads, and tests by recording.
    result = subprocess.run([COMMAND, "train", "signs", "--split", "group-kfold:2", "--epochs", "2", "--no-report", "--json", "--quiet"],
                            cwd=studio.own.name, text=True, capture_output=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr


def test_onnx_runtime_answers_as_the_server_does(studio, hands, tmp_path):
    if not shutil.which("node") or not (EXPORT / "node_modules/onnxruntime-node").is_dir():
        pytest.skip("no ONNX Runtime: run `npm ci --ignore-scripts --prefix tests/export`")
    teach(studio, hands)
    (tmp_path / "model.onnx").write_bytes(studio.get("/api/export/model.onnx").text)
    images = np.stack([np.array(Image.open(io.BytesIO(p)).resize((48, 48))) for digit in "059" for p in hands[digit][20:24]])
    images.tofile(tmp_path / "images")
    job = {"model": str(tmp_path / "model.onnx"), "images": str(tmp_path / "images"), "shape": images.shape}
    result = subprocess.run(["node", EXPORT / "run_onnx.mjs"], input=json.dumps([job]), text=True, capture_output=True, timeout=PATIENCE, check=True)
    (told,) = json.loads(result.stdout)
    for image, probabilities, logits in zip(images, told["probabilities"], told["logits"]):
        answer = json.loads(studio.predict(image.tobytes(), "application/octet-stream").text)
        assert np.allclose([answer["probabilities"][sign] for sign in ("fist", "palm", "👋 nine", "none")], probabilities, atol=1e-5, rtol=0)
        assert np.allclose(answer["logits"], logits, atol=1e-5 * max(1, np.abs(logits).max()), rtol=0)
        assert answer["label"] == [*("fist", "palm", "👋 nine"), None][int(np.argmax(probabilities))]


def test_the_check_says_which_pictures_are_taken_for_what(studio, hands):
    teach(studio, hands)
    studio.add("fist", "5r9", hands["5"][16:17])  # a palm among the fists
    studio.settled()
    told = studio.told("/api/evaluation")
    assert told["classes"] == ["fist", "palm", "👋 nine", "none"]
    assert sum(map(sum, told["matrix"])) == told["by_recording"]["n"] == sum(len(c["files"]) for c in told["cells"])
    cell = next(c for c in told["cells"] if (c["truth"], c["answer"]) == ("fist", "palm"))
    assert "fist/5r9-0001.png" in cell["files"] and told["matrix"][0][1] == len(cell["files"])
    assert "fist/5r9-0001.png" in [s["file"] for s in told["suspects"] if s["suggestion"] == "palm"]
    assert sum(r["n"] for r in told["per_recording"]) == told["by_recording"]["n"]
    suspects = {s["file"]: s["suspect"] for s in studio.told("/api/samples?sign=fist")["samples"]}
    assert suspects["fist/5r9-0001.png"] == "palm"
    moved = json.loads(studio.post("/api/samples/relabel", files=["fist/5r9-0001.png"], sign="palm").text)
    assert moved["samples"][0]["file"] == "palm/5r9-0001.png" and moved["undo"] == "call a picture palm"
    studio.settled()
    assert "palm/5r9-0001.png" not in [s["file"] for s in studio.told("/api/evaluation")["suspects"]]


def test_an_answer_is_explained(studio, hands):
    told = json.loads(studio.ask("POST", "/api/explain", hands["5"][0], {"Content-Type": "image/png"}).text)
    assert told["label"] == "5" and told["side"] == 12 and len(told["values"]) == 144 and max(told["values"]) == 1 and min(told["values"]) >= 0
    left, right = min(x for x, _ in told["view"]), max(x for x, _ in told["view"])
    assert left < told["box"]["left"] + 0.1 and right > told["box"]["right"] - 0.1
    grey = io.BytesIO()
    Image.new("RGB", (160, 120), (90, 90, 90)).save(grey, "PNG")
    nothing = json.loads(studio.ask("POST", "/api/explain", grey.getvalue(), {"Content-Type": "image/png"}).text)
    assert nothing["label"] is None and nothing["values"] == [] and nothing["side"] == 0


def test_changes_are_taken_back_over_http(studio, hands):
    studio.add("a", "r1", hands["0"][:3])
    studio.add("b", "r2", hands["5"][:3])
    first = studio.files()
    assert studio.post("/api/samples/delete", files=["a/r1-0001.png", "b/r2-0002.png"]).status == 200
    assert studio.post("/api/signs/rename", name="a", to="<script>alert(1)</script>").status == 422  # a slash
    assert studio.post("/api/signs/rename", name="a", to="<b>&\"'").status == 200
    assert studio.post("/api/signs/delete", name="b").status == 200
    assert studio.files() == {'<b>&"\'/r1-0002.png', '<b>&"\'/r1-0003.png'}
    undone = [json.loads(studio.post("/api/undo").text)["undone"] for _ in range(3)]
    assert undone == ["delete b, 2 pictures of it", 'rename a to <b>&"\'', "delete 2 pictures of a and b"]
    assert studio.files() == first
    picture = studio.get("/api/samples/picture?" + urllib.parse.urlencode({"file": "a/r1-0001.png", "side": 48}))
    assert picture.headers["Content-Type"] == "image/png"
    assert max(Image.open(io.BytesIO(picture.text)).size) == 48
    while json.loads(studio.post("/api/undo").text)["undo"]:
        pass
    error_of(studio.post("/api/undo"), 409)


@pytest.mark.parametrize("file", ["../secret.png", "a/../../secret.png", "/etc/passwd", "a/..%2f..%2fsecret.png", "%2e%2e/secret.png", "a\\..\\secret.png",
                                  "a/r1-0001.png\0.txt", ".removed/1-r1-0001.png", "groups.csv", "mudra.lock", "a", ""])
def test_no_name_leads_out_of_the_folder(studio, hands, file):
    secret = os.path.join(studio.own.name, "secret.png")
    open(secret, "wb").write(hands["0"][0])
    studio.add("a", "r1", hands["0"][:2])
    studio.post("/api/samples/delete", files=["a/r1-0001.png"])
    for quoted in (file, urllib.parse.quote(file, safe="")):
        if re.fullmatch(r"[!-~]*", quoted):
            assert studio.get("/api/samples/picture?file=" + quoted).status in (400, 422), quoted
    for path in ("/api/samples/delete", "/api/samples/relabel"):
        assert studio.post(path, files=[file], sign="b").status in (400, 422)
    assert studio.post("/api/samples/relabel", files=["a/r1-0002.png"], sign="..").status == 422
    assert studio.add("../" + file, "r1", hands["0"][:1]).status in (400, 422)
    assert studio.add("a", "../" + file, hands["0"][:1]).status in (400, 422)
    assert os.path.getsize(secret) == len(hands["0"][0])
    assert sorted(os.listdir(studio.own.name)) == ["secret.png", "signs"]


def test_what_is_wrong_is_said_and_changes_nothing(studio, hands):
    studio.add("a", "r1", hands["0"][:2])
    before = studio.told("/api/signs")
    assert error_of(studio.post("/api/signs", name="a"), 409)["remedy"] == "Choose another name"
    error_of(studio.post("/api/signs/rename", name="b", to="c"), 404)
    error_of(studio.post("/api/signs/rename", name="a", to="a"), 409)
    error_of(studio.post("/api/signs/delete", name="b"), 404)
    error_of(studio.get("/api/samples?sign=b"), 404)
    error_of(studio.get("/api/samples"), 400)
    error_of(studio.get("/api/samples/picture?file=a%2Fr1-0001.png&side=100000"), 400)
    error_of(studio.get("/api/evaluation"), 409)
    error_of(studio.post("/api/signs", name=7), 400)
    error_of(studio.ask("POST", "/api/signs", "name=a", {"Content-Type": "application/x-www-form-urlencoded"}), 415)
    error_of(studio.ask("POST", "/api/undo", "{}", {"Content-Type": "application/json", "Origin": "http://evil.example"}), 403)
    error_of(studio.ask("POST", "/api/samples?sign=b&recording=r1", b"GIF89a", {"Content-Type": "image/png"}), 422)
    error_of(studio.add("b", "r1", [hands["0"][0], hands["0"][1][:500]]), 422)  # one of two is torn: none is kept
    error_of(studio.add("b", "r1", hands["0"][:1] * 257), 400)
    assert studio.told("/api/signs") == before
    with Studio() as other:
        result = subprocess.run([COMMAND, "serve", "--port", "0"], cwd=other.own.name, text=True, capture_output=True, timeout=PATIENCE)
        assert result.returncode == 1 and "--data" in result.stderr
    result = subprocess.run([COMMAND, "serve", "--port", "0", "--data", "/dev/null/signs"], text=True, capture_output=True, timeout=PATIENCE)
    assert result.returncode == 1 and "--data" in result.stderr


def test_two_pages_and_a_person_with_a_file_manager_see_the_same(studio, hands):
    threads = [threading.Thread(target=lambda t=t: [studio.add(f"sign {t}", f"t{t}", hands[str(t)][i:i + 1]) for i in range(6)]) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(studio.files()) == 24
    signs = os.path.join(studio.own.name, "signs")
    os.remove(os.path.join(signs, "sign 1", "t1-0003.png"))
    os.rename(os.path.join(signs, "sign 2"), os.path.join(signs, "renamed"))
    version = studio.told("/api/signs")["version"]
    for _ in range(PATIENCE * 10):
        if studio.told("/api/signs")["version"] != version:
            break
        time.sleep(0.1)
    assert len(studio.files()) == 23 and "renamed/t2-0001.png" in studio.files()
    assert studio.settled()["model"]["samples"] <= 23


def killed_while_recording(folder, hands, rng):
    """The files that were acknowledged before the server was killed."""
    acknowledged = []
    with Studio(cwd=folder) as studio:

        def record(thread):
            try:
                for i in range(200):
                    if i % 7 == 6 and acknowledged:
                        studio.post("/api/samples/relabel", files=acknowledged[-1:], sign=f"moved{thread}")
                    response = studio.add(f"s{thread}", f"k{rng.randrange(10 ** 9)}", hands[str(thread)][i % 20:i % 20 + rng.randrange(1, 3)])
                    acknowledged.extend(s["file"].split("/")[1] for s in json.loads(response.text)["samples"])
            except (OSError, ValueError, KeyError):  # it is gone
                pass

        threads = [threading.Thread(target=record, args=(t,)) for t in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.02, 0.4))
        studio.process.send_signal(signal.SIGKILL)
        studio.process.wait()
        for thread in threads:
            thread.join()
    return acknowledged


def test_no_picture_that_was_acknowledged_is_lost_when_the_server_is_killed(hands, tmp_path):
    rng = random.Random(3)
    acknowledged = set()
    for _ in range(50):
        acknowledged |= set(killed_while_recording(tmp_path, hands, rng))
    assert len(acknowledged) > 100
    with Studio(cwd=tmp_path) as studio:
        found = {file.split("/")[1] for file in studio.files()}
        assert acknowledged <= found
        for file in list(studio.files())[:20]:
            assert studio.get("/api/samples/picture?" + urllib.parse.urlencode({"file": file})).status == 200
        assert studio.settled()["model"] is not None
    left = [name for _, _, names in os.walk(tmp_path / "signs") for name in names if ".mudra-" in name]
    assert left == []


def test_a_full_disk_is_said_and_nothing_is_lost(hands, tmp_path):
    room = tmp_path / "small"
    room.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", room], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("a file system of a limited size takes the right to mount one")
    try:
        with Studio("--data", room / "signs") as studio:
            statuses, kept = [], 0
            for i in range(40):
                response = studio.add("a", f"r{i}", hands["0"][i % 20:i % 20 + 1])
                statuses.append(response.status)
                kept += response.status == 200
            assert statuses[0] == 200 and statuses[-1] == 507
            assert "space" in error_of(response, 507)["remedy"]
            assert len(studio.files()) == kept
            assert studio.post("/api/samples/delete", files=["a/r0-0001.png"]).status in (200, 507)
            assert studio.is_well() and studio.settled()["state"] == "idle"
            assert studio.stop()[0] == 0
    finally:
        subprocess.run(["umount", room], check=True)


def test_mixed_load_takes_no_more_and_more_memory(hands, tmp_path):
    """The short form of `benchmarks/serving.py soak`."""
    sys.path.append(str(ROOT / "benchmarks"))
    import serving

    pictures = [p for digit in ("0", "5", "9") for p in hands[digit][:10]]
    with serving.Server(COMMAND, "serve", "--port", "0", cwd=tmp_path) as server:
        memory, requests = [], []
        while len(memory) < 5 or sum(requests[6:]) < 1500:  # fewer tell nothing: the memory goes up and down by some megabytes
            part, until = len(memory), time.monotonic() + 3
            threads = [threading.Thread(target=lambda n=n, part=part, until=until: requests.append(serving.mixed(server, pictures, 10 * part + n, until))) for n in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            memory.append(server.memory())
    kilobytes = 1024 * (memory[-1] - memory[1]) / sum(requests[6:])
    assert kilobytes < 10, (memory, requests)  # for each request after the first two parts


def test_it_ends_at_once_in_the_midst_of_teaching(hands, tmp_path):
    with Studio(cwd=tmp_path) as studio:
        teach(studio, hands)
    with Studio(cwd=tmp_path) as studio:  # it looks at all pictures again
        status, _, err = studio.stop()
        assert status == 0, err


def test_the_routes_of_a_studio_are_as_openapi_says(studio, hands):
    teach(studio, hands)
    described = Described(studio)
    as_jpeg, as_webp = io.BytesIO(), io.BytesIO()
    Image.open(io.BytesIO(hands["5"][20])).save(as_jpeg, "JPEG")
    Image.open(io.BytesIO(hands["5"][21])).save(as_webp, "WEBP")
    bodies = {"image/png": hands["5"][22], "image/jpeg": as_jpeg.getvalue(), "image/webp": as_webp.getvalue(),
              "application/json": json.dumps({"images": [base64.b64encode(hands["5"][23]).decode()]})}
    for path in ("/api/signs", "/api/train", "/api/evaluation"):
        described.ask("GET", path)
    for type, body in bodies.items():
        described.ask("POST", "/api/samples", body, type, "?sign=palm&recording=new")
    described.ask("GET", "/api/samples", query="?sign=palm")
    described.ask("GET", "/api/samples/picture", query="?file=palm%2Fnew-0001.png")
    for path, fields in (("/api/samples/relabel", {"files": ["palm/new-0001.png"], "sign": "fist"}), ("/api/samples/delete", {"files": ["palm/new-0002.png"]}),
                         ("/api/signs", {"name": "new"}), ("/api/signs/rename", {"name": "new", "to": "newer"}), ("/api/signs/delete", {"name": "newer"}),
                         ("/api/undo", {}), ("/api/train/stop", {}), ("/api/train", {})):
        described.ask("POST", path, json.dumps(fields), "application/json")
    assert described.asked == {route for route in described.routes() if is_of_studio(route[1])}
