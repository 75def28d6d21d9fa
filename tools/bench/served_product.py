"""A product that serves a data folder on loopback, for the benchmarks: start, ask, kill, and what it costs."""
import hashlib, hmac, http.client, json, os, pathlib, signal, subprocess, sys, time

BUILD = os.environ.get("BUILD", "build/release")  # as tools/bench/report sets it
TICK = os.sysconf("SC_CLK_TCK")


def cpu_us(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / TICK


def memory_mib(pid, kind):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) / 1024


def rss_mib(pid):
    return memory_mib(pid, "VmRSS")


def rss_mib_max(pid):
    return memory_mib(pid, "VmHWM")


def bytes_written(pid):
    for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])


class Product:
    def __init__(self, build, data, log):
        self.build, self.data, self.log = build, data, log
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [f"{self.build}/tributary", "serve", "--data", self.data, "--ingress", "127.0.0.1:0", "--api", "127.0.0.1:0",
             "--log", self.log, "--log-level", "warn"])
        note = pathlib.Path(self.data, "serving.json")
        while True:
            try:
                serving = json.loads(note.read_text())
                if serving["process"] == self.process.pid:
                    break
            except (FileNotFoundError, ValueError):
                pass
            if self.process.poll() is not None:
                sys.exit("the product did not start")
            time.sleep(0.005)
        self.api, self.ingress = serving["api"], serving["ingress"]
        self.key = pathlib.Path(self.data, "admin.key").read_text().strip()

    def call(self, method, path, body=None, headers=None):
        send = {"authorization": f"Bearer {self.key}", "content-type": "application/json", **(headers or {})}
        connection = http.client.HTTPConnection(self.api)  # an idle one would be closed during the load
        connection.request(method, path, json.dumps(body) if body is not None else None, send)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), json.loads(text) if text else None

    def lag(self):
        topics = self.call("GET", "/v1/operator/topics")[2]["data"]
        return sum(topic.get("lag", 0) for topic in topics), sum(t["records"] for t in topics if t["topic"] == "tributary.chat")

    def drain(self):
        while self.lag()[0] > 0:
            time.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_latency(args, product, targets, probed, what="latency_at_1000_per_s", rate=1000, connections=16, requests=10000):
    """Probes of the tenant `probed` while all of `targets` are told of: acknowledged, then read with that position. How many."""
    background = subprocess.Popen(
        [f"{args.bench}/bench_ingress", "--load-port", product.ingress.rsplit(":", 1)[1], "--targets", targets,
         "--connections", str(connections), "--requests", str(requests), "--run", what, "--rate", str(rate)],
        stdout=subprocess.PIPE, text=True)
    ingress, api = http.client.HTTPConnection(product.ingress), http.client.HTTPConnection(product.api)
    waits, acks = [], []
    for number in range(300):
        if number and background.poll() is not None:
            break  # what was to be beside the probes is over
        started = time.perf_counter()
        position = probe(ingress, probed, number)
        acked = time.perf_counter()
        api.request("GET", "/v1/conversations?limit=1", headers={"x-api-key": probed[1], "x-client-code": probed[0],
                                                                "x-min-position": position})
        read = api.getresponse()
        found = json.loads(read.read())["data"][0]["last_message_preview"]
        if found != f"probe {number}":
            sys.exit(f"checker=FAILED read {found!r} after probe {number}")
        acks.append(acked - started)
        waits.append(time.perf_counter() - acked)
        time.sleep(0.02)
    beside = dict(word.split("=", 1) for word in background.communicate()[0].split() if "=" in word)
    product.drain()
    print(f"what={what} probes={len(acks)} ack_p50_ms={percentile(acks, .5) * 1e3:.2f} ack_p99_ms={percentile(acks, .99) * 1e3:.2f} "
          f"acked_to_read_p50_ms={percentile(waits, .5) * 1e3:.2f} acked_to_read_p99_ms={percentile(waits, .99) * 1e3:.2f} "
          f"checker=passed beside_per_s={beside['requests_per_s']} beside_refused={beside['failed']}", flush=True)
    return len(acks)


def probe(ingress, tenant, number):
    """One signed message of the tenant, newer than all of the load's; the position that acknowledged it."""
    _, _, path, secret = tenant
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "metadata": {"display_phone_number": "1", "phone_number_id": "1"}, "messages": [
            {"from": "919811111111", "id": f"wamid.probe.{time.time_ns()}", "timestamp": str(2_000_000_000 + number),
             "type": "text", "text": {"body": f"probe {number}"}}]}}]}]}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    ingress.request("POST", path, body, {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"})
    answer = ingress.getresponse()
    answer.read()
    return answer.headers["X-Position"]
