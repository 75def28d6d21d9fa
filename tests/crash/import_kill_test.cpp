// An import that is killed, on either side, and run again: nothing twice, nothing missing.
#include "tests/support/import_bench.hpp"

#include <sys/wait.h>

#include <thread>

using tests::ImportBench;

namespace {

constexpr int records = 3'500;                         // four chunks
constexpr std::string_view broken = "{\"broken\":\n";  // every 500th line is refused

std::string lines() {
    std::string all;
    for (int i = 0; i < records; ++i) {
        if (i % 500 == 0) all += broken;
        all += tests::numbered_message(i) + "\n";
    }
    return all;
}

void check_all_there(const ImportBench& bench) {
    std::multiset<std::string> expected;
    for (int i = 0; i < records; ++i) expected.insert(tests::numbered_message(i));
    const auto found = bench.bodies(expected.size());
    CHECK(found.size() == expected.size());
    CHECK(found == expected);
}

std::size_t refused_lines(const std::filesystem::path& file) {
    const std::string text = tests::text_of_file(file.string() + ".refused.ndjson");
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

pid_t process_of(const ImportBench& bench) {
    const tests::Document note(tests::text_of_file(bench.served.data() / "serving.json"));
    return static_cast<pid_t>(note["process"].integer().value_or(0));
}

void wait_for_death(pid_t process) {
    int status = 0;
    CHECK(::waitpid(process, &status, 0) == process);
    CHECK(WIFSIGNALED(status));
}

}  // namespace

TEST_CASE("import: killed at each step of its client, it goes on where it was") {
    ImportBench bench;
    const auto file = bench.files.path() / "chat.ndjson";
    tests::write_file(file, lines());
    int killed = 0;
    for (const char* point : {"import.chunk_answered", "import.refusals_written",
                              "import.state_saved", "import.chunk_answered:2"}) {
        CAPTURE(point);
        const auto run = bench.import("shop-wa", {file}, point);
        REQUIRE_MESSAGE(run.signal == SIGKILL, run.error);
        ++killed;
    }
    CHECK(killed == 4);
    const auto run = bench.import("shop-wa", {file});
    REQUIRE_MESSAGE(run.exit_code == 0, run.error);
    CHECK(run.out.find("continued_at") != std::string::npos);
    check_all_there(bench);
    CHECK(refused_lines(file) == 7);
    CHECK(!std::filesystem::exists(file.string() + ".import-state"));
    CHECK(ImportBench::counts(bench.import("shop-wa", {file})) == "3507=0+3500-7");
    check_all_there(bench);
}

TEST_CASE("import: what was killed in one installation begins anew in another") {
    ImportBench bench, other;
    const auto file = bench.files.path() / "chat.ndjson";
    tests::write_file(file, lines());
    REQUIRE(bench.import("shop-wa", {file}, "import.state_saved").signal == SIGKILL);
    const auto run = other.import("shop-wa", {file});
    REQUIRE_MESSAGE(run.exit_code == 0, run.error);
    CHECK(run.out.find("continued_at") == std::string::npos);
    check_all_there(other);
}

TEST_CASE("import: what was cut off begins anew once an older backup has come back") {
    ImportBench bench;
    const auto file = bench.files.path() / "chat.ndjson";
    tests::write_file(file, lines());
    const std::string data = bench.served.data(), backups = bench.files.path() / "backups";
    const auto made = tests::run_program(
        {TRIBUTARY_PROGRAM, "backup", "--data", data, "--to", backups, "--with-keys"});
    REQUIRE_MESSAGE(made.exit_code == 0, made.error);
    REQUIRE(bench.import("shop-wa", {file}, "import.state_saved:2").signal == SIGKILL);
    bench.served.stop();
    std::filesystem::remove_all(data);
    const auto restored =
        tests::run_program({TRIBUTARY_PROGRAM, "restore", "--from", backups, "--data", data});
    REQUIRE_MESSAGE(restored.exit_code == 0, restored.error);
    bench.served.start();
    const auto run = bench.import("shop-wa", {file});
    REQUIRE_MESSAGE(run.exit_code == 0, run.error);
    CHECK(run.out.find("continued_at") == std::string::npos);
    check_all_there(bench);
}

TEST_CASE("import: what was mended while an import was killed is left as it is") {
    ImportBench bench;
    const auto file = bench.files.path() / "chat.ndjson";
    tests::write_file(file, lines());
    const std::string refused = file.string() + ".refused.ndjson";
    REQUIRE(bench.import("shop-wa", {file}, "import.refusals_written").signal == SIGKILL);
    const std::string written = tests::text_of_file(refused);
    REQUIRE(!written.empty());
    for (const std::string& mended : {std::string("{\"mended\":1}\n"), written + written}) {
        tests::write_file(refused, mended);
        REQUIRE(bench.import("shop-wa", {file}, "import.refusals_written").signal == SIGKILL);
        CHECK(tests::text_of_file(refused).starts_with(mended));
    }
    tests::write_file(refused, "{}\n");
    REQUIRE(bench.import("shop-wa", {file}).exit_code == 0);
    CHECK(tests::text_of_file(refused) == "{}\n");
    check_all_there(bench);
}

TEST_CASE("import: the instance is killed at each step, starts again, and the import ends") {
    ImportBench bench;
    const auto file = bench.files.path() / "chat.ndjson";
    tests::write_file(file, lines());
    bench.served.stop();
    for (const char* point : {"import.chunk_appended:2", "import.chunk_durable:2"}) {
        CAPTURE(point);
        ::setenv("TRIBUTARY_CRASH_AT", point, 1);
        bench.served.start();
        ::unsetenv("TRIBUTARY_CRASH_AT");
        std::thread restart([&bench] {
            wait_for_death(process_of(bench));
            bench.served.start();
        });
        const auto run = bench.import("shop-wa", {file});
        restart.join();
        REQUIRE_MESSAGE(run.exit_code == 0, run.error);
        check_all_there(bench);
        std::filesystem::remove(file.string() + ".refused.ndjson");
        bench.served.stop();
    }
}
