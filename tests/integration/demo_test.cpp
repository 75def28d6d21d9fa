#include "tools/demo/demo.hpp"
#include "tests/support/running_platform.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <thread>

using namespace tests;

namespace {

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

// What the demo prints on standard output.
std::string run_demo(const RunningPlatform& running) {
    const auto file = running.data() / "printed";
    std::fflush(stdout);
    const int kept = ::dup(STDOUT_FILENO);
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(descriptor, STDOUT_FILENO);
    const auto done = tools::run_demo(running.platform(), running.data(), std::stop_token{});
    std::fflush(stdout);
    ::dup2(kept, STDOUT_FILENO);
    ::close(descriptor);
    ::close(kept);
    REQUIRE_MESSAGE(done, done.error().message);
    return text_of(file);
}

std::vector<std::string> commands_in(const std::string& printed) {
    std::vector<std::string> commands;
    std::istringstream lines(printed);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("curl ")) commands.push_back(line);
    }
    return commands;
}

std::string run_shell(const std::string& command) {
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    char block[4096];
    while (const std::size_t count = std::fread(block, 1, sizeof block, pipe))
        out.append(block, count);
    REQUIRE(::pclose(pipe) == 0);
    return out;
}

Tenant demo_tenant(const RunningPlatform& running) {
    const Document state(text_of(running.data() / "demo.json"));
    return {.code = "demo", .key = state.text("api_key")};
}

struct LogEnds {
    std::vector<std::string> each;  // "topic/partition:next offset"
    std::int64_t records = 0;
};

LogEnds log_ends(ProductClient& client) {
    const auto answer = client.api("GET", "/v1/operator/topics",
                                   {{"authorization", "Bearer " + client.addresses().admin_key}});
    REQUIRE(answer.status == 200);
    const Document topics(answer);
    LogEnds ends;
    for (const auto& topic : topics.data()) {
        ends.each.push_back(fmt::format("{}/{}:{}", topic["topic"].scalar_text(),
                                        topic["partition"].scalar_text(),
                                        topic["end"].scalar_text()));
        ends.records += topic["end"].integer().value_or(0);
    }
    REQUIRE(ends.each.size() > 1);
    return ends;
}

bool is_done(const RunningPlatform& running) {
    const Document state(text_of(running.data() / "demo.json"));
    return *state["done"].boolean();
}

}  // namespace

TEST_CASE("the demo fills every view, its commands work, and it is sent once") {
    RunningPlatform running;
    const std::string printed = run_demo(running);
    const Tenant tenant = demo_tenant(running);
    ProductClient client = running.client();

    SUBCASE("what it prints can be copied as it is") {
        const auto commands = commands_in(printed);
        CHECK(commands.size() == 5);
        CHECK(printed.find(tenant.key) != std::string::npos);
        for (const std::string& command : commands) {
            const std::string answer = run_shell(command);
            const Document body(answer);
            INFO(command, "\n", answer);
            CHECK(body["code"].kind() == schemas::json::Kind::absent);  // of a problem
            CHECK(body.root().size() > 0);
        }
    }

    SUBCASE("the views have rows, one customer is met on several channels, nothing is set aside") {
        CHECK(client.list(tenant, "/v1/conversations").size() == 12);
        CHECK(client.list(tenant, "/v1/calls/dashboard/call-list?limit=100").size() == 36);
        CHECK(client.list(tenant, "/v1/ingest/requests?status=rejected").size() == 0);
        CHECK(client.list(tenant, "/v1/quarantine").size() == 0);
        const Document summary(client.read(tenant, "/v1/customer-timeline/09999910001/summary"));
        CHECK(summary["by_channel"].size() == 5);
        const Document mails(client.read(tenant, "/v1/admin/dashboard/email-volume"));
        CHECK(mails["threads"].integer() == 24);
    }

    SUBCASE("a second run, also after a restart, sends nothing and prints the same") {
        const auto ends = log_ends(client).each;
        CHECK(run_demo(running) == printed);
        CHECK(log_ends(client).each == ends);
        running.stop();
        running.start();
        run_demo(running);
        ProductClient again = running.client();
        CHECK(log_ends(again).each == ends);
        CHECK(demo_tenant(running).key == tenant.key);
    }

    SUBCASE("one whose end was not noted is continued without sending anything twice") {
        const auto ends = log_ends(client).each;
        std::string state = text_of(running.data() / "demo.json");
        state.replace(state.find("true"), 4, "false");
        std::ofstream(running.data() / "demo.json") << state;
        CHECK(run_demo(running) == printed);
        CHECK(log_ends(client).each == ends);
    }

    SUBCASE("the key it remembers is readable by its owner only") {
        struct stat status {};
        REQUIRE(::stat((running.data() / "demo.json").c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
    }
}

TEST_CASE("a demo that was stopped in the middle goes on at the next start") {
    RunningPlatform whole;
    run_demo(whole);
    ProductClient of_whole = whole.client();

    RunningPlatform stopped;
    ProductClient client = stopped.client();
    const auto before = log_ends(client).records;
    {
        std::jthread demo([&](const std::stop_token& stop) {
            CHECK(tools::run_demo(stopped.platform(), stopped.data(), stop));
        });
        while (log_ends(client).records < before + 50) std::this_thread::yield();
    }
    CHECK_FALSE(is_done(stopped));
    stopped.stop();
    stopped.start();
    run_demo(stopped);
    CHECK(is_done(stopped));
    ProductClient again = stopped.client();
    CHECK(log_ends(again).records == log_ends(of_whole).records);
}
