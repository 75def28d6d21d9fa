#!/usr/bin/env python3
"""The runners of tools/prove and tools/bench/report must notice what went wrong.

Each gets programs that pass, fail, say nothing or die, and must say so.
"""
import importlib.machinery, importlib.util, os, pathlib, stat, subprocess, sys, tempfile, time, types, unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def script(path):
    loader = importlib.machinery.SourceFileLoader(pathlib.Path(path).name, str(ROOT / path))
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(ROOT / "tools" / "bench"))  # as for a script that is run
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def program(folder, name, *lines):
    path = pathlib.Path(folder, name)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class BenchReport(unittest.TestCase):
    report = script("tools/bench/report")

    def test_verdicts(self):
        of = lambda text, code=0: self.report.verdict(self.report.observations(text), code)
        self.assertEqual(of("cpu_us=4 checker=passed"), "passed")
        self.assertEqual(of("cpu_us=4 checker=passed\nwhat=b checker=FAILED"), "FAILED")
        self.assertEqual(of("cpu_us=4 checker=passed", 1), "FAILED")
        self.assertEqual(of("cpu_us=4 failed=0"), "passed")
        self.assertEqual(of("cpu_us=4 failed=3"), "FAILED")
        self.assertEqual(of("cpu_us=4"), "none", "a figure that nobody checked")

    def test_goals(self):
        met = lambda goal, value, checker="passed": self.report.met({"goal": goal, "value": value}, checker)
        self.assertTrue(met("<=14", 14.0))
        self.assertFalse(met("<=14", 14.1))
        self.assertTrue(met(">=60000", 60001.0))
        self.assertIsNone(met("<=14", 3.0, "FAILED"), "a figure without its checker meets nothing")
        self.assertIsNone(met("-", 3.0))

    def test_figures(self):
        lines = self.report.observations("what=a us=1 checker=passed\nwhat=b us=2\nserver=c us=n/a")
        self.assertEqual(self.report.figure_of("us", "-", lines)["values"], [1.0, 2.0])
        self.assertEqual(self.report.figure_of("b.us", "-", lines)["values"], [2.0])
        self.assertEqual(self.report.figure_of("c.us", "-", lines)["values"], [])

    def result_of(self, figures, *lines):
        with tempfile.TemporaryDirectory() as folder:
            build = pathlib.Path(folder)
            (build / "tools" / "bench").mkdir(parents=True)
            program(build / "tools" / "bench", "measuring", *lines)
            return self.report.run({"name": "q", "figures": figures, "command": ["measuring"]}, types.SimpleNamespace(build=build))

    def test_a_figure_without_a_value_fails_its_question(self):
        self.assertEqual(self.result_of({"us": "-"}, "echo us=1 checker=passed")["checker"], "passed")
        late = self.result_of({"us": "-", "read.us": "<=4"}, "echo us=1 checker=passed")
        self.assertEqual(late["checker"], "FAILED")
        self.assertIn("read.us", late["error"])

    def values_of(self, question, *output):
        asked = next(one for one in self.report.questions() if one["name"] == question)
        lines = self.report.observations("\n".join(output))
        return {path: self.report.figure_of(path, goal, lines)["values"] for path, goal in asked["figures"].items()}

    def test_what_nginx_took_is_not_ours(self):
        values = self.values_of("ingest-128", "server=edge requests_per_s=50000 failed=0", "server=edge cpu_us_per_request=15",
                                "server=nginx requests_per_s=90000 failed=0", "server=nginx cpu_us_per_request=10")
        self.assertEqual(values, {"edge.cpu_us_per_request": [15.0], "nginx.cpu_us_per_request": [10.0], "edge.requests_per_s": [50000.0]})

    def test_appending_and_reading_are_two_figures(self):
        values = self.values_of("log", "what=append records=9 failed=0 cpu_us_per_record=8", "what=read records=9 cpu_us_per_record=1")
        self.assertEqual(values, {"append.cpu_us_per_record": [8.0], "read.cpu_us_per_record": [1.0]})

    def test_many_and_few_connections_are_two_figures(self):
        values = self.values_of("product", "what=ingest_to_rows_128 cpu_us_per_event=30", "what=ingest_to_rows_32 cpu_us_per_event=80")
        self.assertEqual(values["ingest_to_rows_128.cpu_us_per_event"], [30.0])
        self.assertEqual(values["ingest_to_rows_32.cpu_us_per_event"], [80.0])

    def test_a_figure_without_its_goal_is_no_question(self):
        with tempfile.TemporaryDirectory() as folder:
            table, kept = pathlib.Path(folder, "questions"), self.report.TABLE
            self.report.TABLE = table
            self.addCleanup(setattr, self.report, "TABLE", kept)
            table.write_text("q short us,rss_mib <=1,- measuring\n")
            self.assertEqual(len(list(self.report.questions())), 1)
            table.write_text("q short us,rss_mib <=1 measuring\n")
            with self.assertRaises(SystemExit):
                list(self.report.questions())

    def test_what_goes_on_beside_the_probes_is_judged(self):
        asked = next(one for one in self.report.questions() if one["name"] == "product")
        self.assertEqual(asked["figures"]["latency_at_1000_per_s.beside_per_s"], ">=950")
        self.assertEqual(asked["figures"]["neighbour_of_flood.probes"], ">=100")

    def test_scripts_measure_the_build_that_was_asked_for(self):
        for name in ("product", "lifecycle"):
            said = subprocess.run([ROOT / "tools" / "bench" / name, "--help"], capture_output=True, text=True,
                                  env=dict(os.environ, BUILD="/another/build", PYTHONDONTWRITEBYTECODE="1"))
            self.assertIn("/another/build", said.stdout, name)

    def test_memory_is_judged_by_its_highest(self):
        lines = self.report.observations("rss_mib=300 us=3\nrss_mib=310 us=4\nrss_mib=2000 us=20")
        value = lambda path: self.report.figure_of(path, "-", lines)["value"]
        self.assertEqual(value("rss_mib"), 2000)
        self.assertEqual(value("us"), 4, "one slow round is the machine's mood")

    def test_growth_is_judged_by_the_peak_of_memory(self):
        values = self.values_of("growth-10", "what=stage rss_mib=300 rss_mib_max=900", "what=fold rss_mib=300 rss_mib_max=2000")
        self.assertEqual(values["fold.rss_mib_max"], [2000.0])

    def test_growth_has_a_goal(self):
        for question in self.report.questions():
            if question["name"].startswith("growth"):
                self.assertEqual(question["figures"].get("fold.growth_ratio"), "<=1.2", question["name"])

    def test_the_whole_product_is_asked_on_both_logs(self):
        asked = {" ".join(question["command"]) for question in self.report.questions()}
        self.assertTrue(any(one.startswith("product") and one.endswith("--log kafka") for one in asked))
        self.assertTrue(any(one.startswith("product") and "--log" not in one for one in asked))

    def test_restart_is_judged_at_two_sizes(self):
        values = self.values_of("product", "what=restart_early records=9 first_correct_read_s=0.2", "what=restart records=900 first_correct_read_s=3")
        self.assertEqual((values["restart_early.first_correct_read_s"], values["restart.first_correct_read_s"]), ([0.2], [3.0]))
        restarts = [question for question in self.report.questions() if "restart.first_correct_read_s" in question["figures"]]
        self.assertTrue(any("3000000" in question["command"] for question in restarts))

    def test_every_question_has_its_goals(self):
        for question in self.report.questions():
            self.assertTrue(question["figures"], question["name"])
            self.assertNotIn(None, question["figures"].values())


class BenchCompare(unittest.TestCase):
    compare = script("tools/bench/compare")

    def figures_of(self, *lines):
        with tempfile.TemporaryDirectory() as build:
            pathlib.Path(build, "tools", "bench").mkdir(parents=True)
            program(pathlib.Path(build, "tools", "bench"), "measuring", *lines)
            return self.compare.run(build, ["measuring"])

    def test_a_run_that_failed_ends_it(self):
        self.assertEqual(self.figures_of("echo cpu_us=4 failed=0"), {"cpu_us": 4.0})
        for wrong in ("echo cpu_us=4 failed=3", "echo cpu_us=4 failures=1", "echo cpu_us=4 checker=FAILED", "exit 1"):
            with self.assertRaises(SystemExit, msg=wrong):
                self.figures_of(wrong)


class BenchProduct(unittest.TestCase):
    product = script("tools/bench/product")

    def test_rows_that_differ_are_told(self):
        rows = lambda **more: {"partitions": 8, "of": 8, "keys": 5, "difference_count": 0, **more}
        proven = lambda proven, rows, code=0: self.product.rows_proven({"proven": proven, "rows": rows}, code)
        self.assertTrue(proven(True, rows()))
        self.assertFalse(proven(False, rows(difference_count=1), 3))
        self.assertFalse(proven(True, rows(), 1))
        self.assertFalse(proven(True, None), "the log alone was looked at")
        self.assertFalse(proven(True, rows(partitions=7)), "not every partition was compared")
        self.assertFalse(proven(True, rows(keys=0)), "nothing was compared")

    def test_a_log_that_is_named_is_taken_as_it_is(self):
        for name in ("embedded", "kafka:127.0.0.1:9092"):
            with self.product.log_place(name) as place:
                self.assertEqual(place, (name, None), "no broker of its own")

    def test_what_wrk_says_is_read(self):
        told = self.product.told_by_wrk("Running 4s test\n  Requests/sec: 9\nrequests=36 p50_us=2 p99_us=3 p999_us=4 failed=0\n")
        self.assertEqual(told, {"requests": "36", "p50_us": "2", "p99_us": "3", "p999_us": "4", "failed": "0"})

    def test_memory_over_time_has_a_slope(self):
        slope = lambda *samples: self.product.mib_per_minute(list(samples))
        self.assertAlmostEqual(slope((0, 300), (1, 301), (2, 302)), 60)
        self.assertAlmostEqual(slope((0, 300), (1, 300), (2, 300)), 0)
        self.assertLess(slope((0, 300), (30, 290), (60, 280)), 0)
        self.assertEqual(slope((0, 300)), 0, "one sample has no slope")

    def test_memory_is_sampled_until_it_is_asked(self):
        with self.product.MemoryWatch(os.getpid(), period_s=0.01) as watch:
            while len(watch.samples) < 3:
                time.sleep(0.01)
        self.assertGreaterEqual(watch.rss_mib_max, max(rss for _, rss in watch.samples))
        self.assertGreater(watch.rss_mib_max, 0)

    def test_so_many_tenants_are_told_of(self):
        answer = {"api_key": "k", "url": "https://host/api/whatsapp/webhook/t"}
        fake = types.SimpleNamespace(call=lambda *_: (201, {}, answer))
        with tempfile.TemporaryDirectory() as folder:
            targets = pathlib.Path(folder, "targets")
            self.assertEqual(len(self.product.make_tenants(fake, targets, 70)), 70)
            self.assertEqual(len(targets.read_text().splitlines()), 70)

    def test_what_a_read_holds_is_compared(self):
        newest = lambda count, texts: self.product.holds_newest({"data": [{"text": text} for text in texts]}, count)
        self.assertTrue(newest(3, ["probe 2", "probe 1", "probe 0"]))
        self.assertFalse(newest(3, ["probe 1", "probe 2", "probe 0"]))
        self.assertFalse(newest(3, ["probe 2", "probe 1"]))
        self.assertFalse(newest(3, []))
        self.assertTrue(newest(60, [f"probe {number}" for number in range(59, 9, -1)]))


class Prove(unittest.TestCase):
    prove = script("tools/prove")

    def result_of(self, *lines):
        with tempfile.TemporaryDirectory() as folder:
            program(folder, "section", *lines)
            self.prove.BUILT = folder
            return self.prove.run_section({"name": "s", "lane": "main", "command": ["section"]}, 1, 1)

    def state_of(self, *lines):
        return self.result_of(*lines)["state"]

    def test_states(self):
        said = lambda tried, failed: f"echo tried={tried} failed={failed}"
        self.assertEqual(self.state_of(said(3, 0)), "pass")
        self.assertEqual(self.state_of(said(3, 1)), "fail")
        self.assertEqual(self.state_of(said(0, 0)), "fail", "nothing was tried")
        self.assertEqual(self.state_of(said(3, 0), "exit 1"), "fail")
        self.assertEqual(self.state_of("echo nothing"), "fail")
        self.assertEqual(self.state_of("echo fault=f expected=a seen=b ok=false", said(3, 0)), "fail")
        self.assertEqual(self.state_of("kill -9 $$"), "fail")
        self.assertEqual(self.state_of("echo untried=f why=late", said(3, 0)), "pass")
        self.assertEqual(self.state_of("echo untried=f why=late", said(0, 0)), "fail", "nothing was tried")

    def text_of(self, *results):
        report = {"verdict": "PASS", "seed": 1, "commit": "c", "machine": "m", "seconds": 1, "begun": "b"}
        return self.prove.report_text(dict(report, sections=list(results)))

    def test_what_was_untried_is_shown(self):
        late = self.result_of("echo untried=all cut off why=time was over", "echo tried=3 failed=0")
        self.assertEqual(late["untried"], ["all cut off why=time was over"])
        self.assertEqual(late["figures"], [])
        self.assertIn("## Not tried\n\n- s: all cut off why=time was over\n", self.text_of(late))
        self.assertNotIn("## Not tried", self.text_of(self.result_of("echo tried=3 failed=0")))

    def test_a_section_that_tried_nothing_says_so(self):
        self.assertIn("nothing was tried", self.text_of(self.result_of("echo tried=0 failed=0", "exit 1")))
        self.assertNotIn("nothing was tried", self.text_of(self.result_of("echo tried=2 failed=1", "exit 1")))

    def test_the_table_is_read(self):
        lanes = {section["lane"] for section in self.prove.read_table(self.prove.TABLE)}
        self.assertEqual(lanes, set(self.prove.LANES))

    def test_each_section_is_prepared(self):
        words_for = lambda *programs: sum(self.prove.preparation([{"command": [name]} for name in programs]), [])
        self.assertIn("--full", words_for("http_section"), "nginx, HAProxy and clang")
        self.assertNotIn("fuzzers", words_for("http_section"))
        listed = [section["command"][0] for section in self.prove.read_table(self.prove.TABLE)]
        self.assertIn("fuzzers", words_for(*listed))

    def test_both_lanes_run_to_their_end(self):
        with tempfile.TemporaryDirectory() as folder:
            program(folder, "section", "echo tried=1 failed=0")
            program(folder, "wrong", "echo tried=1 failed=1")
            self.prove.BUILT, self.prove.SECTION_SECONDS_MIN = folder, 1
            ended = []
            self.prove.run_all([{"name": "a", "lane": "main", "share": 1, "command": ["section"]},
                                {"name": "b", "lane": "beside", "share": 1, "command": ["wrong"]},
                                {"name": "c", "lane": "main", "share": 1, "command": ["section"]}], 0, 1, ended.append)
        self.assertEqual({one["name"]: one["state"] for one in ended}, {"a": "pass", "b": "fail", "c": "pass"})

    def test_one_failure_fails_all(self):
        of = lambda wanted, *states: self.prove.verdict([{"state": state} for state in states], range(wanted))
        self.assertEqual(of(2, "pass", "fail"), "FAIL")
        self.assertEqual(of(2, "pass", "pass"), "PASS")
        self.assertEqual(of(2, "pass", "not built"), "FAIL", "one was not there to be run")
        self.assertEqual(of(2, "pass"), "FAIL", "one was never run")
        self.assertEqual(of(1, "not built"), "FAIL")
        self.assertEqual(of(0), "FAIL")

    def test_a_pass_says_what_it_leaves_out(self):
        one, other = {"state": "pass", "untried": ["a", "b"]}, {"state": "pass", "untried": ["c"]}
        wrong = {"state": "fail", "untried": ["d"]}
        self.assertEqual(self.prove.verdict([one, other], range(2)), "PASS, 3 not tried")
        self.assertTrue(self.prove.passed([one, other], range(2)), "that is no failure")
        self.assertEqual(self.prove.verdict([one, wrong], range(2)), "FAIL")

    def test_kills_are_summed_up(self):
        embedded = self.result_of("echo kills=900 acknowledged=7", "echo tried=900 failed=0")
        kafka = self.result_of("echo kills=142 acknowledged=7", "echo tried=142 failed=0")
        other = self.result_of("echo broker_losses=9 acknowledged=7", "echo tried=9 failed=0")
        self.assertIn(", kills=1042\n", self.text_of(embedded, kafka, other))
        self.assertIn(", kills=0\n", self.text_of(other))


if __name__ == "__main__":
    unittest.main()
