"""mudra serve: pictures over HTTP, and everything that a page or a program should not be able to do with it."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
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
    """A server, and requests to it: each on a connection of its own unless one is given."""

    def __init__(self, *arguments, port=0):
        self.process = subprocess.Popen([COMMAND, "serve", "--port", str(port), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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


def test_routes_are_as_openapi_says(served):
    document = json.loads(served.get("/api/openapi.json").text)
    bodies = {"image/png": PNG, "image/jpeg": (IMAGES / "smooth.jpeg").read_bytes(), "image/webp": (IMAGES / "webp_lossy.webp").read_bytes(),
              "application/octet-stream": bytes(16), "application/json": json.dumps({"images": [base64.b64encode(PNG).decode()]})}

    def check(value, schema):
        """The part of JSON Schema that the document uses."""
        if "$ref" in schema:
            return check(value, schema_of(schema["$ref"]))
        if "oneOf" in schema:
            return check(value, schema["oneOf"][isinstance(value, list)])
        if value is None:
            assert schema.get("nullable"), schema
            return None
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
        known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
        assert set(schema.get("required", ())) <= set(value if isinstance(value, dict) else ()) or not known
        for key, part in value.items() if isinstance(value, dict) else ():
            assert key in known or "additionalProperties" in schema or not known, key
            check(part, known.get(key, more)) if known.get(key, more) else None
        for part in value if isinstance(value, list) else ():
            check(part, schema["items"])

    def schema_of(reference):
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
        return part

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for type in operation.get("requestBody", {"content": [None]})["content"]:
                response = served.ask(method.upper(), path.replace("{name}", "hands"), bodies.get(type), {"Content-Type": type} if type else {})
                assert response.status == 200, (path, type, response.text)
                (documented,) = operation["responses"]["200"]["content"]
                assert response.headers["Content-Type"].split(";")[0] == documented
                if documented == "application/json":
                    check(json.loads(response.text), operation["responses"]["200"]["content"][documented]["schema"])
    wrong = {404: served.get("/api/models/nobody"), 415: served.predict(PNG, "text/plain"), 422: served.predict(b"none"), 400: served.predict("{", "application/json")}
    for status, response in wrong.items():
        paths = document["paths"]["/api/models/{name}" if status == 404 else "/api/predict"]
        (operation,) = paths.values()
        check(error_of(response, status), schema_of(operation["responses"][str(status)]["$ref"])["content"]["application/json"]["schema"])


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
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]* src=)|javascript:", studio) and not re.search(r"(src|href)=\"(?![/#])", studio)


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
        assert idle.recv(1) == b"" and slow.recv(1) == b"" and listening.recv(1) == b""
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
