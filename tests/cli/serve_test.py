"""mudra serve: pictures over HTTP, and everything that a page or a program should not be able to do with it."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import pytest
from conftest import COMMAND, ROOT

IMAGES = ROOT / "tests" / "fixtures" / "images"
MODEL = ROOT / "tests" / "fixtures" / "models" / "answer.safetensors"  # reads 4x4 in grey
PNG = (IMAGES / "colour.png").read_bytes()
PATIENCE = 300  # seconds: only what hangs takes as long


class Served:
    """A server in a folder that is its own, unless one is given, and requests to it."""

    def __init__(self, *arguments, port=0, **options):
        self.own = tempfile.TemporaryDirectory()
        options.setdefault("cwd", self.own.name)
        self.process = subprocess.Popen([COMMAND, "serve", "--port", str(port), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.first = self.process.stdout.readline()
        found = re.fullmatch(r"serving   http://(.+):(\d+)/\n", self.first)
        assert found, self.first + self.process.stderr.read()
        self.host, self.port = found[1], int(found[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        self.own.cleanup()

    def stop(self, number=signal.SIGINT):
        """Its exit status, and what it said further."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            is_endless = response.headers["Content-Type"] == "text/event-stream"
            response.text = response.readline() if is_endless else response.read()
            return response
        finally:
            connection.close()

    def predict(self, body, type="image/png", headers=()):
        return self.ask("POST", "/api/predict", body, {"Content-Type": type, **dict(headers)})

    def get(self, path, **headers):
        return self.ask("GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()})

    def is_well(self):
        return self.get("/api/health").status == 200


@pytest.fixture(scope="module")
def served():
    with Served("--model", MODEL) as server:
        yield server


def error_of(response, status):
    """The words of an error, which is JSON of the same form for whatever goes wrong."""
    assert response.status == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    error = json.loads(response.text)
    assert list(error) == ["what", "where", "remedy"] and all(error.values()), error
    return error


def raw(server, text):
    """All that is sent back for bytes that no client would send."""
    with server.connect() as connection:
        connection.sendall(text)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


# What is answered.


@pytest.mark.parametrize("name, type", [("colour.png", "image/png"), ("smooth.jpeg", "image/jpeg"), ("webp_lossy.webp", "image/webp"), ("large.jpeg", "image/jpeg")])
@pytest.mark.parametrize("model", ["hands", MODEL])
def test_a_picture_gets_the_answer_of_the_command(mudra, model, name, type):
    (wanted,) = json.loads(mudra("predict", IMAGES / name, "--model", model, "--json").stdout)
    with Served("--model", model) as server:
        answer = json.loads(server.predict((IMAGES / name).read_bytes(), type).text)
        many = {"images": [base64.b64encode((IMAGES / file).read_bytes()).decode() for file in ("colour.png", name)]}
        answers = json.loads(server.predict(json.dumps(many), "application/json").text)
    assert answer == {**wanted, "file": None}
    assert len(answers) == 2 and answers[1] == {**wanted, "file": None, "image": 1}


def test_raw_values_get_the_answer_of_an_array(mudra, served, tmp_path):
    np = pytest.importorskip("numpy", reason="NumPy is not installed")
    pixels = np.random.default_rng(1).integers(0, 256, (4, 4)).astype("u1")
    np.save(tmp_path / "image.npy", pixels)
    (wanted,) = json.loads(mudra("predict", "image.npy", "--model", MODEL, "--json").stdout)
    assert json.loads(served.predict(pixels.tobytes(), "application/octet-stream").text) == {**wanted, "file": None}
    assert "4x4 in grey has 16" in error_of(served.predict(b"17 bytes are here", "application/octet-stream"), 422)["what"]


def test_models_are_those_of_the_command(mudra):
    with Served() as server:
        models = json.loads(mudra("models", "--json").stdout)
        assert json.loads(server.get("/api/models").text) == models
        for model in models:
            assert json.loads(server.get("/api/models/" + model["name"]).text) == json.loads(mudra("models", model["name"], "--json").stdout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with two runs in the folder runs, one of them further below, and what stands around them."""
    folder = tmp_path_factory.mktemp("trained")
    for name in ("runs/a b", "runs/more/ü&c", "secret"):
        done = subprocess.run([COMMAND, "train", "synth:60", "--network", "dense 4, relu", "--epochs", "3", "--quiet", "--out", name], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
    os.symlink("../secret", folder / "runs" / "link")
    return folder


@pytest.fixture(scope="module")
def told(trained):
    with Served("--model", MODEL, cwd=trained) as server:
        yield server


def test_runs_are_those_of_the_command(told, trained):
    wanted = json.loads(subprocess.run([COMMAND, "runs", "--json"], cwd=trained, capture_output=True, text=True, timeout=PATIENCE).stdout)
    runs = json.loads(told.get("/api/runs").text)
    for run in wanted["runs"]:
        run["name"] = run["run"] = run["run"].removeprefix("runs/")
    assert runs == wanted and {run["name"] for run in runs["runs"]} == {"a b", "more/ü&c"}
    for name in ("a b", "more/ü&c"):
        asked = "?run=" + urllib.parse.quote(name, safe="")
        lines = (trained / "runs" / name / "metrics.jsonl").read_text().splitlines()
        assert len(lines) == 3 and json.loads(told.get("/api/runs/curves" + asked).text) == {"epochs": list(map(json.loads, lines))}
        report = told.get("/api/runs/report" + asked)
        assert report.text == (trained / "runs" / name / "report.html").read_bytes() and report.headers["Content-Type"] == "text/html; charset=utf-8"


def test_without_runs_the_list_is_empty(tmp_path):
    with Served("--model", MODEL, "--runs", "nowhere", cwd=tmp_path) as server:
        assert json.loads(server.get("/api/runs").text) == {"runs": []}
        assert error_of(server.get("/api/runs/curves?run=a"), 404)["where"] == "run"


def test_an_epoch_that_is_being_written_is_not_told_of(trained, tmp_path):
    metrics = trained / "runs" / "a b" / "metrics.jsonl"
    whole = metrics.read_text()
    with Served("--model", MODEL, "--data", tmp_path / "signs", cwd=trained) as server:
        try:
            metrics.write_text(whole[:-5])
            assert [epoch["epoch"] for epoch in json.loads(server.get("/api/runs/curves?run=a%20b").text)["epochs"]] == [1, 2]
            metrics.write_text("{]\n" + whole)
            assert "damaged" in error_of(server.get("/api/runs/curves?run=a+b"), 422)["what"]
        finally:
            metrics.write_text(whole)


def test_no_name_of_a_run_leads_out_of_the_folder(told, trained):
    names = ["../secret", "a b/../../secret", "link", "..", ".", "", "/", str(trained / "secret"), "more", "a b/", "a b/.", "./a b", "more/../a b", "a b\0", "a b/model.safetensors", "A B"]
    for route in ("curves", "report"):
        for name in names:
            for written in {urllib.parse.quote(name, safe=""), urllib.parse.quote(name), "".join(f"%{byte:02x}" for byte in name.encode())}:
                error = error_of(told.get(f"/api/runs/{route}?run={written}"), 404)
                assert str(trained) not in json.dumps(error) or str(trained) in name
        assert error_of(told.get(f"/api/runs/{route}"), 400)["where"] == "query"
        for query in ("run=a%20b&run=a%20b", "run=%", "run=a%20b&%72un=a"):
            assert error_of(told.get(f"/api/runs/{route}?{query}"), 400)["where"] == "query"
        for path in (f"/api/runs/{route}/a b", f"/api/runs/{route}/..%2f..%2fsecret", "/api/runs/a%20b/report.html", f"/api/runs/../{route}?run=a"):
            error_of(told.get(urllib.parse.quote(path, safe="/%?=")), 404)


def test_a_file_of_a_run_that_is_a_link_is_not_there(trained, tmp_path):
    report = trained / "runs" / "a b" / "report.html"
    with Served("--model", MODEL, "--data", tmp_path / "signs", cwd=trained) as server:
        text = report.read_bytes()
        try:
            report.unlink()
            assert "no report.html" in error_of(server.get("/api/runs/report?run=a%20b"), 404)["what"]
            report.symlink_to("/etc/passwd")
            error_of(server.get("/api/runs/report?run=a%20b"), 404)
        finally:
            report.unlink(missing_ok=True)
            report.write_bytes(text)


def test_a_report_is_a_page_of_nobody_that_only_ours_may_frame(told):
    report = told.get("/api/runs/report?run=a%20b")
    (policy,) = report.headers.get_all("Content-Security-Policy")
    parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert parts["sandbox"] == "allow-scripts" and parts["frame-ancestors"] == parts.get("frame-ancestors") == "'self'"
    assert parts["connect-src"] == parts["form-action"] == parts["base-uri"] == "'none'" and "unsafe" not in policy and "allow-same-origin" not in policy
    assert report.headers.get_all("X-Frame-Options") == ["SAMEORIGIN"] and report.headers["X-Content-Type-Options"] == "nosniff"
    assert re.search(rb"script-src 'sha256-", report.text)  # its own policy lets its script run
    assert told.get("/api/runs").headers["X-Frame-Options"] is None and "frame-ancestors 'none'" in told.get("/api/runs").headers["Content-Security-Policy"]


class Described:
    """The server's own description of its routes, to hold responses against."""

    def __init__(self, server):
        self.server = server
        self.document = json.loads(server.get("/api/openapi.json").text)
        self.asked = set()

    def part(self, reference):
        found = self.document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return found

    def check(self, value, schema):
        """The part of JSON Schema that the document uses."""
        if value is None and schema.get("nullable"):
            return
        if "$ref" in schema:
            return self.check(value, self.part(schema["$ref"]))
        if "oneOf" in schema:
            return self.check(value, schema["oneOf"][isinstance(value, list)])
        if "allOf" in schema:
            whole = {"type": "object", "properties": {}, "required": []}
            for each in schema["allOf"]:
                each = self.part(each["$ref"]) if "$ref" in each else each
                whole["properties"] |= each["properties"]
                whole["required"] += each["required"]
            return self.check(value, whole)
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
        assert value in schema.get("enum", [value])
        known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
        assert set(schema.get("required", ())) <= set(value if isinstance(value, dict) else ()) or not known
        for key, each in value.items() if isinstance(value, dict) else ():
            assert key in known or "additionalProperties" in schema or not known, key
            self.check(each, known.get(key, more)) if known.get(key, more) else None
        for each in value if isinstance(value, list) else ():
            self.check(each, schema["items"])

    def ask(self, method, path, body=None, type=None, query=""):
        """The answer of a route, which must be as it is described."""
        operation = self.document["paths"][path][method.lower()]
        self.asked.add((method, path, type))
        response = self.server.ask(method, path.replace("{name}", "hands" if "models" in path else "model.onnx") + query, body, {"Content-Type": type} if type else {})
        assert response.status == 200, (path, type, response.text)
        (documented,) = operation["responses"]["200"]["content"]
        assert response.headers["Content-Type"].split(";")[0] == documented
        if documented == "application/json":
            self.check(json.loads(response.text), operation["responses"]["200"]["content"][documented]["schema"])
        return response

    def routes(self):
        return {(method.upper(), path, type) for path, methods in self.document["paths"].items() for method, operation in methods.items()
                for type in operation.get("requestBody", {"content": [None]})["content"]}


def is_of_learning(path):
    return path.startswith("/api/learn")


def is_of_studio(path):
    return path.startswith(("/api/s", "/api/undo", "/api/train", "/api/evaluation"))


def test_routes_are_as_openapi_says(told):
    described = Described(told)
    bodies = {"image/png": PNG, "image/jpeg": (IMAGES / "smooth.jpeg").read_bytes(), "image/webp": (IMAGES / "webp_lossy.webp").read_bytes(),
              "application/octet-stream": bytes(16), "application/json": json.dumps({"images": [base64.b64encode(PNG).decode()]}), None: None}
    for method, path, type in sorted(described.routes(), key=str):
        if not is_of_studio(path) and not is_of_learning(path):  # those are held against it in teaching_test.py and learning_test.py
            described.ask(method, path, bodies[type], type, "?run=a%20b" if path.startswith("/api/runs/") else "")
    wrong = {404: told.get("/api/models/nobody"), 415: told.predict(PNG, "text/plain"), 422: told.predict(b"none"), 400: told.predict("{", "application/json")}
    for status, response in wrong.items():
        (operation,) = described.document["paths"]["/api/models/{name}" if status == 404 else "/api/predict"].values()
        described.check(error_of(response, status), described.part(operation["responses"][str(status)]["$ref"])["content"]["application/json"]["schema"])


def test_a_client_may_ask_often_on_one_connection_and_head_has_no_body(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    used = set()
    for method, path in [("GET", "/api/health"), ("HEAD", "/"), ("GET", "/nothing"), ("POST", "/api/predict"), ("GET", "/")]:
        connection.request(method, path, PNG if method == "POST" else None, {"Content-Type": "image/png"} if method == "POST" else {})
        used.add(connection.sock.getsockname())
        response = connection.getresponse()
        text = response.read()
        assert len(text) == (0 if method == "HEAD" else int(response.headers["Content-Length"]))
    assert len(used) == 1
    connection.close()
    head = raw(served, b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK") and head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1


# What is refused.


@pytest.mark.parametrize("name", sorted(file.name for file in IMAGES.glob("bad_*")))
def test_broken_pictures_and_pixel_bombs_are_refused(served, name):
    error = error_of(served.predict((IMAGES / name).read_bytes()), 422)
    assert error["where"] == "body"
    assert served.is_well()


def test_bodies_beyond_the_limit_are_refused_and_the_client_hears_it(served):
    for body in (bytes(33 << 20), iter([bytes(1 << 20)] * 40)):  # with a Content-Length, and in chunks
        error = error_of(served.predict(body), 413)
        assert "33554432" in error["remedy"]
    waits = raw(served, b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
    assert waits.startswith(b"HTTP/1.1 413")


def test_a_client_that_waits_for_permission_gets_it(served):
    with served.connect() as connection:
        connection.sendall(b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nExpect: 100-continue\r\nConnection: close\r\n"
                           + f"Content-Length: {len(PNG)}\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PNG)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_names_that_point_here_from_elsewhere_are_refused(served):
    """DNS rebinding: a page of evil.example, whose name now means 127.0.0.1."""
    for host in ("evil.example", f"evil.example:{served.port}", f"127.0.0.1.evil.example:{served.port}", "10.0.0.1"):
        error = error_of(served.get("/api/health", Host=host), 403)
        assert error["where"] == "Host"
        assert served.ask("POST", "/api/predict", PNG, {"Host": host, "Content-Type": "image/png"}).status == 403
    for host in (f"127.0.0.1:{served.port}", f"localhost:{served.port}", "localhost:9000", "[::1]:9000"):  # such as through a tunnel
        assert served.get("/api/health", Host=host).status == 200
    assert raw(served, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert raw(served, b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_pages_from_elsewhere_are_refused(served):
    """CSRF: a page in the same browser, which sends what needs no permission."""
    own = f"http://127.0.0.1:{served.port}"
    assert served.predict(PNG, headers={"Origin": own}).status == 200
    for origin in ("http://evil.example", "null", f"http://localhost:{served.port}", f"http://127.0.0.1:{served.port + 1}", own + ".evil.example"):
        for response in (served.predict(PNG, headers={"Origin": origin}), served.get("/api/models", Origin=origin),
                         served.ask("OPTIONS", "/api/predict", None, {"Origin": origin, "Access-Control-Request-Method": "POST"})):
            assert error_of(response, 403)["where"] == "Origin"
            assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_forms_are_refused(served):
    form = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + PNG + b"\r\n--x--\r\n"
    for type, body in (("multipart/form-data; boundary=x", form), ("application/x-www-form-urlencoded", PNG), ("text/plain", '{"images": []}'), ("", PNG)):
        assert error_of(served.predict(body, type), 415)["where"] == "Content-Type"


def test_no_path_leaves_the_routes(served):
    secret = urllib.parse.quote(str(MODEL.with_name("small_1.safetensors")), safe="")
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/models/..%2f..%2fetc%2fpasswd", "/api/models/" + secret, "/style.css/../page.html", "/studio.js/..", "/studio/index.html", "/api/models/%00",
                 "/api/models/answer.safetensors%00.png", "//etc/passwd", "/etc/passwd", "/api/models/."):
        response = served.get(path)
        error_of(response, 404)
        assert b"root:" not in response.text
    assert error_of(served.get("/api/predikt"), 404)["remedy"] == "Did you mean '/api/predict'?"
    response = served.ask("DELETE", "/api/models/hands")
    assert error_of(response, 405) and response.headers["Allow"] == "GET, HEAD"


def test_every_response_forbids_what_a_page_could_do_with_it(served):
    for response in (served.get("/"), served.get("/studio.js"), served.get("/api"), served.get("/style.css"), served.get("/api/health"), served.get("/api/events"), served.get("/nothing"), served.predict(PNG), served.predict(b"", "text/plain")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy and "*" not in policy
        assert response.headers["Permissions-Policy"] == "camera=(self)"
    page = served.get("/api").text.decode()
    assert "<script" not in page and "style=" not in page and not re.search(r"(src|href)=\"(?!/)", page)
    studio = served.get("/").text.decode()  # its policy lets no script and no style stand in the page
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]* src=)|javascript:", studio) and not re.search(r"(src|href)=\"(?![/#]|data:image/)", studio)


def test_names_of_classes_are_no_markup(mudra, tmp_path):
    np = pytest.importorskip("numpy", reason="NumPy is not installed")
    np.savez(tmp_path / "d.npz", dataset=np.random.default_rng(1).integers(0, 256, (40, 8, 8)).astype("u1"), labels=["<script>alert(1)</script>", "b"] * 20)
    assert mudra("train", "d.npz", "--epochs", 1, "--network", "dense 4, relu", "--no-report", "--quiet", "--out", "<img src=x>").returncode == 0
    with Served("--model", tmp_path / "<img src=x>") as server:
        page = server.get("/api").text
        assert b"&lt;script&gt;alert(1)" in page and b"&lt;img src=x&gt;" in page and b"<script" not in page and b"<img" not in page


def test_what_is_no_http_gets_an_error(served):
    for text, status in ((b"\x16\x03\x01\x02\x00\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431),
                         (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400), (b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\n"
                          b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\nContent-Type: image/png\r\n\r\n", 400)):
        received = raw(served, text)
        assert received.startswith(f"HTTP/1.1 {status} ".encode()), received[:200]
        assert list(json.loads(received.partition(b"\r\n\r\n")[2])) == ["what", "where", "remedy"]


# Many, slow and idle clients.


def test_256_idle_and_slow_connections_do_not_stop_the_257th(served):
    starts = (b"", b"GET /api/he", b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nab")
    held = [served.connect() for _ in range(256)]
    for i, connection in enumerate(held):
        connection.sendall(starts[i % 3])
    assert served.predict(PNG).status == 200
    threads = len(os.listdir(f"/proc/{served.process.pid}/task"))
    assert threads <= 2 + (os.cpu_count() or 1)
    for connection in held:
        connection.close()


def test_256_that_listen_to_events_do_not_stop_the_257th(served):
    held = [served.connect() for _ in range(256)]
    for connection in held:
        connection.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for connection in held:
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
    assert served.predict(PNG).status == 200
    assert len(os.listdir(f"/proc/{served.process.pid}/task")) <= 2 + (os.cpu_count() or 1)
    for connection in held:
        connection.close()


def test_a_slow_head_is_told_so(served):
    received = raw(served, b"GET /api/he")  # after ten seconds
    assert received.startswith(b"HTTP/1.1 408 ") and b'"what":' in received


def test_many_at_once_get_their_own_answers(served):
    bodies = [bytes([16 * i] * 8 + [255 - 9 * j] * 8) for i in range(8) for j in range(8)]
    wanted = [json.loads(served.predict(body, "application/octet-stream").text) for body in bodies]
    found = [None] * 64

    def work(i):
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        for _ in range(20):
            connection.request("POST", "/api/predict", bodies[i], {"Content-Type": "application/octet-stream"})
            found[i] = json.loads(connection.getresponse().read())
            if found[i] != wanted[i]:
                break
        connection.close()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == wanted and len({json.dumps(each) for each in wanted}) > 32


# Beginning and end.


def test_beyond_loopback_a_token_is_made_and_asked_for():
    with Served("--model", MODEL, "--host", "0.0.0.0") as server:
        token = re.fullmatch(r"token     ([0-9a-f]{32})   .*\n", server.process.stderr.readline())[1]
        response = server.get("/api/health")
        assert error_of(response, 401)["where"] == "Authorization" and token not in str(response.headers) + response.text.decode()
        for path in ("/", "/studio.js", "/api", "/style.css", "/api/openapi.json", "/api/events", "/nothing"):
            assert server.get(path).status == 401
        assert server.predict(PNG).status == 401 and server.predict(PNG, headers={"Authorization": "Bearer " + token[:-1]}).status == 401
        assert server.predict(PNG, headers={"Authorization": "Bearer " + token}).status == 200
        browser = base64.b64encode(f"me:{token}".encode()).decode()
        assert server.get("/", Authorization="Basic " + browser).status == 200
        assert server.get("/", Authorization="Bearer " + token, Host="evil.example").status == 403
        assert server.get("/", Authorization="Bearer " + token, Origin="http://evil.example").status == 403
        status, out, err = server.stop()
        assert status == 0 and token not in out + err  # it was said once


def test_a_token_of_a_file_is_asked_for_everywhere(mudra, tmp_path):
    token = "correct-horse-battery-staple"
    (tmp_path / "token.txt").write_text(token + "\n")
    with Served("--model", MODEL, "--token", tmp_path / "token.txt") as server:
        assert server.get("/api/health").status == 401
        assert server.get("/api/health", Authorization="Bearer " + token).status == 200
        _, out, err = server.stop()
        assert token not in server.first + out + err
    (tmp_path / "short.txt").write_text("secret\n")
    for name, words in (("short.txt", "holds no token"), ("missing.txt", "cannot be read")):
        done = mudra("serve", "--model", MODEL, "--token", name)
        assert done.returncode == 1 and words in done.stderr and done.stdout == ""


def test_a_port_that_is_taken_is_left_to_its_owner(served, mudra):
    with Served("--model", MODEL, port=served.port) as second:
        assert served.port < second.port <= served.port + 20 and second.is_well() and served.is_well()
        _, _, err = second.stop()
        assert f"port      {served.port} is taken: {second.port} it is\n" in err


@pytest.mark.parametrize("arguments, words", [(["--port", "65536"], "give 0 to 65535"), (["--port", "ten"], "--port"), (["--host", "mudra.invalid"], "no address of this machine"),
                                              (["--prot", "80"], "Did you mean '--port'?"), (["extra"], "one argument too many")])
def test_wrong_options_end_it_at_once(mudra, arguments, words):
    done = mudra("serve", "--model", MODEL, *arguments)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""


def test_json_says_where_it_serves():
    process = subprocess.Popen([COMMAND, "serve", "--json", "--port", "0", "--model", MODEL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    start = "".join(iter(process.stdout.readline, "}\n")) + "}"
    process.terminate()
    out, err = process.communicate(timeout=PATIENCE)
    document = json.loads(start)
    assert document["url"] == f"http://127.0.0.1:{document['port']}/" and document["model"] == MODEL.name
    assert process.returncode == 0 and out == "" and err == ""


@pytest.fixture
def browser(tmp_path):
    """A folder with an `xdg-open` that writes down its arguments, and what it was given besides."""
    (tmp_path / "xdg-open").write_text(f"""#!/bin/sh
PATH=/usr/bin:/bin
printf '%s|' "$@" > {tmp_path}/new
ls -l /proc/$$/fd | sed 's/.*-> //' | tr '\\n' ' ' >> {tmp_path}/new
ps -o sid= -p $$ >> {tmp_path}/new
mv {tmp_path}/new {tmp_path}/asked
test ! -e {tmp_path}/fails || exit 3
while sleep 0.1; do test ! -d {tmp_path} && exit; test -e {tmp_path}/over && exit; done
""")
    (tmp_path / "xdg-open").chmod(0o755)
    yield tmp_path
    (tmp_path / "over").touch()


def test_open_shows_the_page_in_the_browser(browser):
    with Served("--model", MODEL, "--open", env={**os.environ, "PATH": str(browser)}) as server:
        end = time.monotonic() + PATIENCE
        while not (browser / "asked").exists() and time.monotonic() < end:
            time.sleep(0.01)
        url, files = (browser / "asked").read_text().split("|")
        assert url == f"http://127.0.0.1:{server.port}/"
        assert "socket:" not in files and "anon_inode" not in files and files.count("/dev/null") == 3, files
        assert int(files.split()[-1]) != os.getsid(server.process.pid)
        assert server.is_well()
        status, out, err = server.stop()  # while the browser goes on
        assert status == 0 and out == "" and "browser" not in err


@pytest.mark.parametrize("there", [False, True])
def test_open_says_where_there_is_no_browser(browser, tmp_path, there):
    (browser / "fails").touch()
    (tmp_path / "empty").mkdir()
    with Served("--model", MODEL, "--open", env={**os.environ, "PATH": str(browser if there else tmp_path / "empty")}) as server:
        assert server.process.stderr.readline() == f"browser   none could be opened: go to http://127.0.0.1:{server.port}/ yourself\n"
        assert server.is_well() and server.stop()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_after_what_is_being_answered(number):
    with Served() as server:
        idle, slow, busy, listening = server.connect(), server.connect(), server.connect(), server.connect()
        listening.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not listening.recv(4096).endswith(b"\n\n"):
            pass
        slow.sendall(b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nab")
        body = json.dumps({"images": [base64.b64encode((IMAGES / "large.jpeg").read_bytes()).decode()] * 25})
        busy.sendall(f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        wait_until_it_answers(server.process.pid)
        status, out, err = server.stop(number)
        assert status == 0 and out == "" and "Traceback" not in err
        response = http.client.HTTPResponse(busy)
        response.begin()
        assert response.status == 200 and response.headers["Connection"] == "close" and len(json.loads(response.read())) == 25
        assert idle.recv(1) == b"" and slow.recv(1) == b""
        while listening.recv(4096):  # what was said before the end
            pass
        for connection in (idle, slow, busy, listening):
            connection.close()


def wait_until_it_answers(process):
    """Until one of its threads beside the first is running."""
    def used():
        times = [open(f"/proc/{process}/task/{thread}/stat").read().rsplit(")", 1)[1].split() for thread in os.listdir(f"/proc/{process}/task") if int(thread) != process]
        return sum(int(time[11]) + int(time[12]) for time in times)

    before, end = used(), time.monotonic() + PATIENCE
    while used() == before and time.monotonic() < end:
        time.sleep(0.001)
