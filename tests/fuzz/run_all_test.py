#!/usr/bin/env python3
"""tests/fuzz/run_all over stand-ins for fuzzers: what it must notice, it does."""
import os
import subprocess
import tempfile
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))
RUN_ALL = os.path.join(FOLDER, "run_all")
KEEPS = 'for flag in "$@"; do case "$flag" in -artifact_prefix=*) prefix=${flag#*=} ;; esac; done; touch "$prefix"'
ALARMS = KEEPS + "crash-1; " + KEEPS + "timeout-1; exit 77"
CRASHES_ONLY = KEEPS + "crash-1; exit 77"
SAYS_ITS_FOLDERS = 'echo "$@" >"$(dirname "$0")/said"; echo "Done 5 runs"'
PASSES = "echo 'Done 5 runs in 1 second(s)'"
FAILS = "exit 77"


class RunAll(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = folder.name
        os.makedirs(os.path.join(self.build, "tests", "fuzz"))

    def fuzzer(self, name, script):
        path = os.path.join(self.build, "tests", "fuzz", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/usr/bin/env bash\n" + script + "\n")
        os.chmod(path, 0o755)

    def run_all(self, *flags):
        run = subprocess.run([RUN_ALL, self.build, "1", *flags], capture_output=True, text=True, check=False)
        return run.returncode, run.stdout

    def test_fuzzers_without_a_finding_pass(self):
        self.fuzzer("fuzz_canary", ALARMS)
        self.fuzzer("fuzz_json", PASSES)
        code, said = self.run_all()
        self.assertIn("fuzz_json: Done 5 runs", said)
        self.assertEqual((code, said.splitlines()[-1]), (0, "1 passed, 0 failed"))

    def test_a_finding_fails(self):
        self.fuzzer("fuzz_canary", ALARMS)
        self.fuzzer("fuzz_json", PASSES)
        self.fuzzer("fuzz_mail", FAILS)
        code, said = self.run_all()
        self.assertIn("fuzz_mail: FAILED", said)
        self.assertEqual(code, 1)

    def test_a_canary_that_is_not_there_is_no_alarm(self):
        self.fuzzer("fuzz_json", PASSES)
        code, said = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("the canary was not found", said)

    def test_a_canary_that_fails_without_a_crash_is_no_alarm(self):
        self.fuzzer("fuzz_canary", FAILS)
        self.fuzzer("fuzz_json", PASSES)
        self.assertEqual(self.run_all()[0], 1)

    def test_a_canary_that_hangs_unnoticed_is_no_alarm(self):
        self.fuzzer("fuzz_canary", CRASHES_ONLY)
        self.fuzzer("fuzz_json", PASSES)
        code, said = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("alarm for a timeout does not work", said)

    def test_time_without_a_finding_adds_up(self):
        corpus = os.path.join(self.build, "corpus")
        runs = os.path.join(corpus, "runs")
        os.makedirs(corpus)
        with open(runs, "w", encoding="utf-8") as file:
            file.write("2026-01-01T00:00:00Z fuzz_json 500.0 0\n2026-01-01T00:00:00Z fuzz_mail 30.0 1\n"
                       "2026-01-02T00:00:00Z fuzz_json 7200.0 0\n")
        self.fuzzer("fuzz_canary", ALARMS)
        self.fuzzer("fuzz_json", PASSES)
        self.assertIn("cpu_s_since_finding=7200\n", self.run_all("--corpus", corpus)[1])
        self.fuzzer("fuzz_json", "for i in {1..200000}; do :; done; " + FAILS)
        self.assertIn("cpu_s_since_finding=0\n", self.run_all("--corpus", corpus)[1])
        with open(runs, encoding="utf-8") as file:
            last = file.read().splitlines()[-1].split()
        self.assertEqual((len(last), last[1], last[3]), (4, "fuzz_json", "1"))
        self.assertGreater(float(last[2]), 0)

    def test_a_fuzzer_begins_with_samples_of_its_own(self):
        self.fuzzer("fuzz_canary", ALARMS)
        self.fuzzer("fuzz_json", SAYS_ITS_FOLDERS)
        self.assertEqual(self.run_all()[0], 0)
        with open(os.path.join(self.build, "tests", "fuzz", "said"), encoding="utf-8") as file:
            self.assertIn("tests/fuzz/samples/fuzz_json", file.read().split())

    def test_a_fuzzer_without_samples_fails(self):
        self.fuzzer("fuzz_canary", ALARMS)
        self.fuzzer("fuzz_json", PASSES)
        self.fuzzer("fuzz_of_nothing", PASSES)
        code, said = self.run_all()
        self.assertIn("fuzz_of_nothing: FAILED; tests/fuzz/samples/fuzz_of_nothing holds nothing", said)
        self.assertEqual((code, said.splitlines()[-1]), (1, "1 passed, 1 failed"))

    def test_every_fuzzer_of_the_tree_has_samples(self):
        sources = [name for name in os.listdir(FOLDER) if name.startswith("fuzz_") and name.endswith(".cpp")]
        names = {name.removesuffix(".cpp") for name in sources} - {"fuzz_canary"}
        samples = os.path.join(FOLDER, "samples")
        filled = {folder for folder in os.listdir(samples) if os.listdir(os.path.join(samples, folder))}
        self.assertEqual(filled, names)

    def test_no_fuzzers_are_no_pass(self):
        self.fuzzer("fuzz_canary", ALARMS)
        code, said = self.run_all()
        self.assertEqual((code, said), (1, "0 passed, 0 failed\n"))


if __name__ == "__main__":
    unittest.main()
