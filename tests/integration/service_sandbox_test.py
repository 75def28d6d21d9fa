#!/usr/bin/env python3
"""The unit file against systemd's own checks, and the program under what the unit takes away.

  service_sandbox_test.py UNIT PROGRAM

No booted systemd is needed: user, folders, file system, kernel calls, address families and memory rules are read from
UNIT and laid on a serving process by hand, which then has to take, show, back up and stop. Needs root for
that part; without it says "skipped" and ends with 77.
"""
import ctypes
import ctypes.util
import json
import mmap
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request

EXPOSURE_MAX = 15  # of 100, as `systemd-analyze security` counts; 12 when this was written
NOBODY = 65534
PYTHON = "/usr/bin/python3"  # where nobody may read it
START_SECONDS_MAX = 60
PR_SET_NO_NEW_PRIVS = 38
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
NAMESPACE_FLAGS = 0x7E020000 | 0x00000080
EQUAL, AT_LEAST, MASKED_EQUAL = 4, 5, 7
FAMILIES = 64  # more than there are


def settings_of(unit):
    """Each setting's values in order, as the unit gives them."""
    values = {}
    with open(unit, encoding="utf-8") as lines:
        for line in lines:
            name, sign, value = line.strip().partition("=")
            if sign and not line.startswith("#"):
                values.setdefault(name, []).append(value)
    return values


def calls_of(words):
    """The kernel calls that words as @system-service stand for."""
    calls = set()
    for word in words:
        if not word.startswith("@"):
            calls.add(word)
            continue
        listed = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True, capture_output=True,
                                text=True).stdout.split("\n")[1:]
        inner = [line.strip() for line in listed if line.strip() and not line.strip().startswith("#")]
        calls |= calls_of(inner)
    return calls


def allowed_calls(unit):
    allowed = set()
    for line in unit["SystemCallFilter"]:
        if line.startswith("~"):
            allowed -= calls_of(line[1:].split())
        else:
            allowed |= calls_of(line.split())
    return allowed | calls_of(["@default"])


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


class Filter:
    """One seccomp filter; several hold together."""

    def __init__(self, otherwise):
        self.library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.state = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(otherwise)))

    def rule(self, action, call, *comparisons):
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return  # of another machine
        array = (Comparison * max(1, len(comparisons)))(*comparisons)
        done = self.library.seccomp_rule_add_array(self.state, ctypes.c_uint32(action), number,
                                                   len(comparisons), array)
        if done != 0:
            raise OSError(-done, f"rule for {call}")

    def load(self):
        if (done := self.library.seccomp_load(self.state)) != 0:
            raise OSError(-done, "seccomp_load")


def filters_of(unit):
    allowed = Filter(ERRNO | EPERM)
    for call in allowed_calls(unit):
        allowed.rule(ALLOW, call)
    denied = Filter(ALLOW)
    families = [getattr(socket, name) for name in unit["RestrictAddressFamilies"][0].split()]
    for family in set(range(FAMILIES)) - set(families):
        denied.rule(ERRNO | EAFNOSUPPORT, "socket", Comparison(0, EQUAL, family, 0))
    denied.rule(ERRNO | EAFNOSUPPORT, "socket", Comparison(0, AT_LEAST, FAMILIES, 0))
    if "MemoryDenyWriteExecute" in unit:
        both = mmap.PROT_WRITE | mmap.PROT_EXEC
        denied.rule(ERRNO | EPERM, "mmap", Comparison(2, MASKED_EQUAL, both, both))
        for call in ("mprotect", "pkey_mprotect"):
            denied.rule(ERRNO | EPERM, call, Comparison(2, MASKED_EQUAL, mmap.PROT_EXEC, mmap.PROT_EXEC))
    if "RestrictNamespaces" in unit:
        for call in ("unshare", "setns"):
            denied.rule(ERRNO | EPERM, call)
        denied.rule(ERRNO | ENOSYS, "clone3")
        for bit in range(32):
            if NAMESPACE_FLAGS >> bit & 1:
                denied.rule(ERRNO | EPERM, "clone", Comparison(0, MASKED_EQUAL, 1 << bit, 1 << bit))
    return [denied, allowed]


def folders_of(unit, state):
    """What systemd makes in /var/lib is in `state` here; the first is the data folder."""
    return [os.path.join(state, name) for name in unit["StateDirectory"][0].split()]


def enter(unit, state):
    """In the child, as root: everything is read only but the unit's folders and a /tmp of its own, then no
    rights are left."""
    folders = folders_of(unit, state)
    own_tmp = ["/tmp", "/var/tmp"] if unit["PrivateTmp"] == ["yes"] else []
    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(0x00020000)  # CLONE_NEWNS
    for command in (["mount", "--make-rprivate", "/"], *(["mount", "--bind", folder, folder] for folder in folders),
                    ["mount", "-o", "remount,bind,ro", "/"],
                    *(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder] for folder in own_tmp)):
        subprocess.run(command, check=True)
    os.chdir(folders[0])
    filters = filters_of(unit)
    os.umask(int(unit["UMask"][0], 8))
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for one in filters:
        one.load()


def run_inside(unit, state, command, **more):
    def prepare():
        try:
            enter(unit, state)
        except Exception as failure:
            print(f"the sandbox cannot be made: {failure!r}", file=sys.stderr, flush=True)
            raise
    return subprocess.Popen(command, preexec_fn=prepare, **more)


PROBES = {
    "write beside its folder": "open('/var/lib/probe', 'w')",
    "a socket of another family": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "memory that can be written and run": "import mmap; mmap.mmap(-1, 4096, prot=7)",
    "a namespace": "import ctypes, os\nif ctypes.CDLL(None).unshare(0x10000000) != 0: raise OSError",
    "another user": "import os; os.setuid(0)",
    "a choice of processors": "import os; os.sched_setaffinity(0, {0})",
    "another's mount": "import ctypes\nif ctypes.CDLL(None).mount(b'a', b'/', b'tmpfs', 0, None): raise OSError",
}


def check(what, is_so):
    print(f"{'ok' if is_so else 'FAILED'}: {what}", flush=True)
    check.failed = getattr(check, "failed", 0) + (not is_so)


def static_checks(unit_file, program):
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "tributary.service")
        with open(unit_file, encoding="utf-8") as unit, open(copy, "w", encoding="utf-8") as out:
            out.write(unit.read().replace("/usr/local/bin/tributary", os.path.abspath(program)))
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True,
                                  check=False)
        said = [line for line in verified.stderr.split("\n") if "tributary.service" in line]
        check(f"systemd-analyze verify finds nothing {said}", not said)
        security = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                   f"--threshold={EXPOSURE_MAX}", copy], capture_output=True, text=True, check=False)
        level = re.search(r"exposure level.*: ([0-9.]+)", security.stdout)
        check(f"exposure level {level and level.group(1)} of at most {EXPOSURE_MAX / 10}",
              level is not None and security.returncode == 0)


class Served:
    def __init__(self, unit, state, program):
        self.data, self.backups, self.exports = folders_of(unit, state)
        self.program = program
        self.process = run_inside(unit, state, [program, "serve", "--data", self.data, "--ingress", "127.0.0.1:0",
                                                "--api", "127.0.0.1:0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                sys.exit(f"does not serve:\n{self.process.stdout.read()}")
            time.sleep(0.1)

    def is_ready(self):
        try:
            with open(os.path.join(self.data, "serving.json"), encoding="utf-8") as note:
                self.where = json.load(note)
            with open(os.path.join(self.data, "admin.key"), encoding="utf-8") as key:
                self.key = key.read().strip()
            return self.ask("api", "/readyz")[0] == 200
        except (OSError, ValueError):
            return False

    def ask(self, port, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if port == "api":
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(f"http://{self.where[port]}{path}", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(), answer.headers

    def command(self, *words):
        return subprocess.run([self.program, *words, "--data", self.data], capture_output=True, text=True, check=False)

    def status(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as lines:
            return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def work(served):
    as_json = {"Content_Type": "application/json"}
    served.ask("api", "/api/clients", b'{"code":"shop","name":"Shop","country":"IN"}', **as_json)
    made = json.loads(served.ask("api", "/v1/sources", json.dumps(
        {"kind": "email", "slug": "mails", "verification": {"kind": "none"}}).encode(),
        X_Client_Code="shop", **as_json)[1])
    path = re.sub(r"^https?://[^/]+", "", made["url"])
    mail = b"From: a@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: hello\r\n\r\nhello\r\n"
    status, _, headers = served.ask("ingress", path, mail, Content_Type="message/rfc822")
    check(f"a mail is taken ({status})", status // 100 == 2)
    _, events, _ = served.ask("api", "/v1/events", X_Client_Code="shop",
                              X_Min_Position=headers["X-Position"])
    check("it is shown", len(json.loads(events)["data"]) == 1)
    for command in (["backup", "--to", served.backups, "--with-keys"], ["verify"], ["doctor"],
                    ["export", "--tenant", "shop", "--out", os.path.join(served.exports, "shop")]):
        done = served.command(*command)
        check(f"{command[0]} works {done.stderr[-200:] if done.returncode else ''}", done.returncode == 0)


def places(served):
    """What would be lost, or may not be written, is told with the places that last."""
    beside = os.path.join(os.path.dirname(served.data), "beside")
    lost = f"/tmp/tributary-lost-{os.getpid()}"
    for folder in (beside, lost):
        for command in (["backup", "--to", folder], ["export", "--tenant", "shop", "--out", f"{folder}-shop"]):
            done = served.command(*command)
            check(f"{command[0]} to {folder} is refused {done.stderr[-200:]}",
                  done.returncode == 1 and "/var/lib/tributary-backups" in done.stderr)


def rights(served, unit, state):
    status = served.status()
    check("it runs as nobody", set(status["Uid"].split()) == {str(NOBODY)})
    check("it has no capability", int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0)
    check("it gets no new rights, and its calls are filtered",
          status["NoNewPrivs"] == "1" and status["Seccomp"] == "2")
    check("its memory is nobody's", os.stat(f"/proc/{served.process.pid}/environ").st_uid == 0)
    others = [os.path.join(folder, name) for folder, folders, files in os.walk(served.data)
              for name in folders + files
              if stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode) & 0o077]
    check(f"its files are its own {others[:3]}", not others)
    check("nothing was made beside its folders", set(os.listdir(state)) == {"program", *unit["StateDirectory"][0].split()})


def main():
    unit_file, program = sys.argv[1], os.path.abspath(sys.argv[2])
    static_checks(unit_file, program)
    if os.geteuid() != 0:
        print("skipped: the sandbox needs root")
        sys.exit(1 if check.failed else 77)
    unit = settings_of(unit_file)
    state = tempfile.mkdtemp(prefix="tributary-test-", dir="/var/lib")  # not in /tmp, which is its own
    try:
        os.chmod(state, 0o711)
        for folder in folders_of(unit, state):
            os.mkdir(folder, int(unit["StateDirectoryMode"][0], 8))
            os.chown(folder, NOBODY, NOBODY)
        program = shutil.copy(program, os.path.join(state, "program"))  # nobody may not read every checkout
        run = run_inside(unit, state, [PYTHON, "-c", "print('runs')"], stdout=subprocess.PIPE, text=True)
        check("the sandbox lets a program run", run.communicate()[0] == "runs\n")
        for what, code in PROBES.items():
            probe = run_inside(unit, state, [PYTHON, "-c", code], stderr=subprocess.DEVNULL)
            check(f"inside is refused: {what}", probe.wait() == 1)
        served = Served(unit, state, program)
        try:
            work(served)
            places(served)
            rights(served, unit, state)
            served.process.send_signal(signal.SIGTERM)
            check("it stops well", served.process.wait(timeout=60) == 0)
        finally:
            served.process.kill()
    finally:
        shutil.rmtree(state, ignore_errors=True)
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
