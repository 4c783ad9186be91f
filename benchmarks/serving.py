"""Answers over HTTP: `mudra serve` beside a server in Python with PyTorch, on loopback; while signs are taught; and for a long time.

usage: serving.py [--seconds 6] [--rounds 2] [--minutes 30] [JOB...]

  load    requests a second and the time within which 99% are answered: 784 bytes for the report's network (784, 128 and 1 units), at 1, 8 and 64
          connections. The two take turns. The Python server is http.server's, a thread for each connection, and PyTorch with one thread.
  taught  the same of Mudra at 8 connections while pictures come in and a model of ten signs with 50 pictures each is taught anew after every one
  retrain from a request with one more picture to the model that knows it, 50 times: ten signs with 50 pictures each, and with 1,000. A model is taught on one thread
  soak    that many minutes of everything at once: answers to raw values and pictures, recording, deleting, undoing, listening; the memory of the server at the end of
          every minute

Needs wrk (`apt install wrk`), which shares the processors with the server.
"""

import argparse
import base64
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = pathlib.Path(os.environ.get("MUDRA_COMMAND", ROOT / "build" / "release" / "mudra"))


def serve_python(weights):
    """A server that answers as /api/predict does with the label and its probability; prints its port."""
    import torch

    torch.set_num_threads(1)
    w = np.load(weights)
    network = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.Sigmoid(), torch.nn.Linear(128, 1), torch.nn.Sigmoid())
    for layer, name in ((network[0], "0"), (network[2], "2")):
        layer.weight.data = torch.from_numpy(w[f"w{name}"])
        layer.bias.data = torch.from_numpy(w[f"b{name}"])

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a response may wait for the receipt of the one before

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with torch.inference_mode():
                p = float(network(torch.frombuffer(bytearray(body), dtype=torch.uint8).float()[None] / 255))
            text = json.dumps({"label": "5" if p > 0.5 else "0", "confidence": max(p, 1 - p)}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer.request_queue_size = 128  # of 5, most of 64 connections would wait for a second
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"serving   http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


class Server:
    def __init__(self, *command, cwd=None):
        self.process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=cwd)
        self.port = int(re.search(r":(\d+)/", self.process.stdout.readline())[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, method, path, body=None, type=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, {"Content-Type": type} if type else {})
            return connection.getresponse().read()
        finally:
            connection.close()

    def memory(self):
        """Megabytes."""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def wrk(self, connections, seconds, folder, path="/api/predict"):
        """(requests a second, milliseconds within which 99% are answered)"""
        script = folder / "post.lua"
        script.write_text('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/octet-stream"\nwrk.body = string.rep(string.char(40), 784)\n'
                          'done = function(summary, latency, requests)\n  io.stderr:write(string.format("%f %f %d\\n", summary.requests / summary.duration * 1e6,'
                          ' latency:percentile(99) / 1000, summary.errors.status + summary.errors.read + summary.errors.timeout))\nend\n')
        result = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", script, f"http://127.0.0.1:{self.port}{path}"], capture_output=True, text=True, check=True)
        rate, p99, errors = result.stderr.split()
        assert int(errors) == 0, result.stdout
        return float(rate), float(p99)


def report_network(folder):
    """The folder of a run of the report's network, and its weights for PyTorch."""
    subprocess.run([COMMAND, "train", "synth:400", "--recipe", "report", "--epochs", "5", "--out", "report", "--no-report", "--quiet"], cwd=folder, check=True,
                   capture_output=True)
    bytes_ = (folder / "report/model.safetensors").read_bytes()
    length = int.from_bytes(bytes_[:8], "little")
    header, values = json.loads(bytes_[8:8 + length]), bytes_[8 + length:]
    arrays = []
    for name, entry in sorted((n, e) for n, e in header.items() if n != "__metadata__"):
        begin, end = entry["data_offsets"]
        arrays.append(np.frombuffer(values[begin:end], "<f4").reshape(entry["shape"]).copy())
    weights = [a for a in arrays if a.ndim == 2]
    biases = [a for a in arrays if a.ndim == 1]
    weights.sort(key=lambda a: -a.size)
    biases.sort(key=lambda a: -a.size)
    np.savez(folder / "weights.npz", w0=weights[0], b0=biases[0], w2=weights[1], b2=biases[1])
    return folder / "report", folder / "weights.npz"


def recorded_signs(folder, name, pictures):
    """A folder of ten signs for a studio, and PNG files of hands."""
    subprocess.run([COMMAND, "synth", "--count", str(10 * pictures), "--size", "160", "--domain", "ankara", "--colour", "--out", name], cwd=folder, check=True,
                   capture_output=True)
    files = sorted((folder / name).glob("*/*.png"))
    return folder / name, [file.read_bytes() for file in files[:60]]


def load(run, weights, folder, seconds, rounds):
    with Server(COMMAND, "serve", "--port", "0", "--model", run, "--data", folder / "none") as mudra, \
            Server("/usr/bin/python3", __file__, "--python-server", weights) as python:
        for connections in (1, 8, 64):
            ratios = []
            for _ in range(rounds):
                ours, theirs = mudra.wrk(connections, seconds, folder), python.wrk(connections, seconds, folder)
                ratios.append(ours[0] / theirs[0])
                print(f"load    {connections:2} connections   mudra {ours[0]:8,.0f}/s, 99% in {ours[1]:6.2f} ms   python {theirs[0]:7,.0f}/s, {theirs[1]:7.2f} ms   "
                      f"ratio {ratios[-1]:.1f}", flush=True)


def taught(run, folder, seconds):
    signs, pictures = recorded_signs(folder, "taught", 50)
    with Server(COMMAND, "serve", "--port", "0", "--model", run, "--data", signs) as mudra:
        while not json.loads(mudra.ask("GET", "/api/train"))["by_recording"]:
            time.sleep(0.1)
        alone = mudra.wrk(8, seconds, folder, "/api/predict?model=report")
        stop = threading.Event()
        done = []

        def record():
            while not stop.is_set():
                mudra.ask("POST", f"/api/samples?sign={len(done) % 10}&recording=r{len(done) % 7}", pictures[len(done) % 60], "image/png")
                done.append(json.loads(mudra.ask("GET", "/api/train"))["version"])

        thread = threading.Thread(target=record)
        thread.start()
        busy = mudra.wrk(8, seconds, folder, "/api/predict?model=report")
        stop.set()
        thread.join()
        print(f"taught   8 connections   alone {alone[0]:,.0f}/s, 99% in {alone[1]:.2f} ms   taught {len(set(done))} times, {len(done)} pictures recorded: "
              f"{busy[0]:,.0f}/s, 99% in {busy[1]:.2f} ms", flush=True)


def retrained(folder, pictures, times=50):
    signs, files = recorded_signs(folder, f"retrained{pictures}", pictures)
    with Server(COMMAND, "serve", "--port", "0", "--data", signs) as mudra:
        start, seconds = time.monotonic(), []

        def learned(version, is_checked):
            while True:
                state = json.loads(mudra.ask("GET", "/api/train"))
                if state["version"] == version and (state["state"] == "idle" or not is_checked):
                    return state
                time.sleep(0.002)

        version = json.loads(mudra.ask("GET", "/api/signs"))["version"]
        learned(version, True)
        first = time.monotonic() - start
        for n in range(times):
            begun = time.monotonic()
            version = json.loads(mudra.ask("POST", f"/api/samples?sign={n % 10}&recording=r{n % 7}", files[n % 60], "image/png"))["version"]
            learned(version, False)
            seconds.append(time.monotonic() - begun)
        state = learned(version, True)
        seconds.sort()
        print(f"retrain 10 signs with {pictures} pictures: half of {times} within {1000 * seconds[times // 2]:.0f} ms, 95% within {1000 * seconds[times * 95 // 100]:.0f} ms;"
              f" from the start to the first model with its check {first:.1f} s; the last check came {time.monotonic() - begun:.2f} s after its picture;"
              f" by recording {state['by_recording']['accuracy']:.4f}", flush=True)


def mixed(server, pictures, seed, until):
    """Everything at once, at random, until the time is over: how many requests were answered."""
    rng = random.Random(seed)
    done = 0
    while time.monotonic() < until:
        what, picture = rng.randrange(12), rng.choice(pictures)
        if what < 4:
            server.ask("POST", "/api/predict", picture, "image/png")
        elif what == 4:
            server.ask("POST", "/api/predict", json.dumps({"images": [base64.b64encode(picture).decode()] * 4}), "application/json")
        elif what < 7:
            server.ask("POST", f"/api/samples?sign=sign{rng.randrange(4)}&recording=s{seed}r{rng.randrange(3)}", picture, "image/png")
        elif what < 9:  # as many go as come
            files = [s["file"] for s in json.loads(server.ask("GET", f"/api/samples?sign=sign{rng.randrange(4)}")).get("samples", [])]
            server.ask("POST", "/api/samples/delete", json.dumps({"files": files[30:]}), "application/json")
        elif what == 9:
            server.ask("POST", "/api/undo", "{}", "application/json")
        elif what == 10:
            for path in ("/api/evaluation", "/api/signs", "/api/models", "/api/runs", "/"):
                server.ask("GET", path)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("GET", "/api/events")
            connection.getresponse().read(20)
            connection.close()
        done += 1
    return done


def soak(folder, minutes):
    _, pictures = recorded_signs(folder, "hands", 10)
    with Server(COMMAND, "serve", "--port", "0", "--data", folder / "soaked", cwd=folder) as server:
        memory = []
        for minute in range(minutes):
            counts = []
            threads = [threading.Thread(target=lambda s=s: counts.append(mixed(server, pictures, s + 10 * minute, time.monotonic() + 60))) for s in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            memory.append(server.memory())
            print(f"soak    minute {minute + 1:2}   {sum(counts):6} requests   {memory[-1]:6.1f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", metavar="JOB", default=["load", "taught", "retrain"], help="load, taught, retrain or soak; the first three without any")
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--python-server", metavar="WEIGHTS", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.python_server:
        return serve_python(a.python_server)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        run, weights = report_network(folder)
        for job in a.jobs:
            if job == "load":
                load(run, weights, folder, a.seconds, a.rounds)
            elif job == "taught":
                taught(run, folder, a.seconds)
            elif job == "retrain":
                for pictures in (50, 1000):
                    retrained(folder, pictures)
            else:
                soak(folder, a.minutes)


if __name__ == "__main__":
    sys.exit(main())
