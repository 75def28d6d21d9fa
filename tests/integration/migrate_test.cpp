// migrate of the real program, between a journal and a real broker: answers stay what they were,
// under load nothing is lost or doubled, and a kill at any step leaves one log or the other.
#include "bus/envelope.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/operator_jobs.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/told_shop.hpp"
#include "tools/installation.hpp"
#include "tools/open_log.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

using namespace tests;

namespace {

namespace fs = std::filesystem;

const std::string program = TRIBUTARY_PROGRAM;

struct Move {
    explicit Move(fs::path folder) : data(std::move(folder)) {}
    fs::path data;
    std::string prefix = LocalBroker::fresh_prefix();
    std::string kafka = "kafka:" + LocalBroker::instance().bootstrap();
    std::string embedded = "embedded:" + data.string();

    ProgramRun run(const std::string& from, const std::string& to,
                   const std::string& crash_at = {}) const {
        return run_program(
            {program, "migrate", "--from", from, "--to", to, "--kafka-prefix", prefix}, crash_at);
    }
    ProgramRun to_kafka(const std::string& crash_at = {}) const {
        return run(embedded, kafka, crash_at);
    }
    ProgramRun back(const std::string& crash_at = {}) const {
        return run(kafka, embedded, crash_at);
    }
    ProgramRun copy_to_kafka() const {
        return run_program({program, "migrate", "--from", embedded, "--to", kafka, "--kafka-prefix",
                            prefix, "--copy-only"});
    }
    std::string engine() const {
        std::ifstream file(data / "installation");
        const std::string text(std::istreambuf_iterator<char>(file), {});
        const auto at = text.find("engine=") + 7;
        return text.substr(at, text.find('\n', at) - at);
    }
};

void check_done(const ProgramRun& run) {
    REQUIRE_MESSAGE(run.exit_code == 0, "signal " << run.signal << ": " << run.out << run.error);
}

void check_refused(const ProgramRun& run, const std::string& word) {
    CHECK_MESSAGE(run.exit_code == 1, run.out);
    CHECK_MESSAGE(run.error.find(word) != std::string::npos, run.error);
}

void check_same(const std::map<std::string, std::string>& before,
                std::map<std::string, std::string> after) {
    CHECK(before.size() > 40);
    REQUIRE(after.size() == before.size());
    for (const auto& one : before) {
        CAPTURE(one.first);
        CHECK_MESSAGE((after[one.first] == one.second), "answers differ");
    }
}

// As a request that came again when Kafka's window had forgotten it. Nobody may serve the folder.
void append_copy_of_a_call(const Move& move) {
    tools::ServeOptions options;
    options.log = move.kafka;
    options.kafka_prefix = move.prefix;
    options.partitions = tools::read_description(move.data)->partitions;
    const auto opened = bus::kafka::KafkaLog::open(tools::kafka_options(options));
    REQUIRE_MESSAGE(opened, opened.error().message);
    bus::Log& log = **opened;
    bus::Address first{.topic = bus::Topic::voice};
    while (log.end_offset({first.topic, first.partition}).value_or(0) == 0) ++first.partition;
    const auto record = log.read_at(first);
    REQUIRE(record);
    const bus::HeadersView headers = record->headers;
    REQUIRE(headers.get(bus::header::dedup_kind) == "hash");
    bus::NewRecord copy;
    copy.topic = first.topic;
    copy.partition = first.partition;
    copy.key = record->key;
    copy.headers = record->headers;
    copy.value = record->value;
    copy.ingest_time = bus::read_envelope(headers)->ingest_time;
    const auto appended = bus::append_and_wait(log, std::move(copy), std::chrono::seconds{10});
    REQUIRE_MESSAGE(appended, appended.error().message);
}

// Sends numbered messages one after the other, again until each is answered 2xx.
class Stream {
public:
    Stream(const Addresses& addresses, Source source) : source_(std::move(source)) {
        thread_ = std::thread([this, addresses] { run(ProductClient(addresses)); });
    }
    ~Stream() { stop(); }
    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }
    int acknowledged() const { return acknowledged_; }
    int refused() const { return refused_; }
    bool asked_to_wait() const { return asked_to_wait_; }
    const std::string& position() const { return position_; }

private:
    void run(ProductClient client) {
        while (!stopping_) {
            const auto message =
                interakt_message(fmt::format("s{}", acknowledged_.load()), "919811111177", "hello",
                                 "2026-03-02T09:00:00", "s1");
            const auto answer =
                client.try_ingress("POST", source_.path, message.headers, message.body);
            if (answer && answer->status / 100 == 2) {
                position_ = later(position_, header_of(*answer, "x-position"));
                ++acknowledged_;
                continue;
            }
            ++refused_;
            if (answer && answer->status == 503 && !header_of(*answer, "retry-after").empty())
                asked_to_wait_ = true;
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
    }

    const Source source_;
    std::atomic<bool> stopping_{false};
    std::atomic<int> acknowledged_{0}, refused_{0};
    std::atomic<bool> asked_to_wait_{false};
    std::string position_;  // of the thread, until it has stopped
    std::thread thread_;
};

// Ids of all messages of the stream's conversation, with how often each is there.
std::map<std::string, int> messages_of(ToldShop& shop, const std::string& position) {
    std::map<std::string, int> found;
    const auto inbox = shop.client().list(shop.tenant(), "/v1/conversations?limit=200", position);
    for (const auto& conversation : inbox.data()) {
        std::string before;
        do {
            const auto page = shop.client().list(
                shop.tenant(), fmt::format("/v1/conversations/{}/messages?limit=200{}",
                                           conversation["id"].text(), before));
            for (const auto& message : page.data())
                ++found[std::string(message["provider_message_id"].text())];
            const auto cursor = page["page"]["next_cursor"].text();
            before = cursor.empty() ? "" : "&before=" + std::string(cursor);
        } while (!before.empty());
    }
    return found;
}

}  // namespace

TEST_CASE("migrate: offline to Kafka and back, every answer stays") {
    ChildPlatform child(program, "");
    child.start();
    ToldShop shop(child.addresses());
    shop.tell(0, 60);
    const auto before = shop.answers();
    const std::string position = shop.position();
    child.stop();

    const Move move(child.data());
    const auto there = move.to_kafka();
    check_done(there);
    CHECK(move.engine() == "kafka");
    CHECK(there.value("copied") == there.value("compared"));
    child.start();  // no --log: the folder says where
    CHECK(child.said().find("store_rebuild") == std::string::npos);
    CHECK(child.said().find("quarantined") == std::string::npos);
    shop.moved_to(child.addresses(), position);
    check_same(before, shop.answers());
    shop.tell(60, 80);
    const auto more = shop.answers();
    const std::string later_position = shop.position();
    const auto moved = run_program({program, "verify", "--data", child.data()});
    CHECK_MESSAGE(moved.exit_code == 0, moved.out << moved.error);
    child.stop();

    check_done(move.back());
    CHECK(move.engine() == "embedded");
    child.start();
    shop.moved_to(child.addresses(), later_position);
    check_same(more, shop.answers());
    child.stop();
    // The journal still knows what it saw: the same request again is a duplicate.
    const auto proof = run_program({program, "verify", "--data", child.data()});
    CHECK_MESSAGE(proof.exit_code == 0, proof.out << proof.error);
}

TEST_CASE("migrate: running under load loses and doubles nothing, and the process stays") {
    ChildPlatform child(program, "");
    child.start();
    ToldShop shop(child.addresses());
    shop.tell(0, 30);
    const pid_t process = child.process();
    const Move move(child.data());
    std::string position;
    int acknowledged = 0;
    {
        Stream stream(child.addresses(), shop.chat_source());
        std::this_thread::sleep_for(std::chrono::milliseconds{500});
        const auto there = move.to_kafka();
        check_done(there);
        CHECK(std::stoi(there.value("paused_ms")) < 15'000);
        CHECK(move.engine() == "kafka");
        std::this_thread::sleep_for(std::chrono::milliseconds{1'000});
        const auto back = move.back();
        check_done(back);
        CHECK(move.engine() == "embedded");
        std::this_thread::sleep_for(std::chrono::milliseconds{500});
        stream.stop();
        acknowledged = stream.acknowledged();
        position = stream.position();
        MESSAGE(acknowledged, " acknowledged, ", stream.refused(), " refused, paused ",
                there.value("paused_ms"), " and ", back.value("paused_ms"), " ms");
        CHECK(acknowledged > 100);
    }
    CHECK(child.process() == process);
    REQUIRE(child.find_again());
    shop.moved_to(child.addresses(), position);
    const auto found = messages_of(shop, position);
    int lost = 0, doubled = 0;
    for (int i = 0; i < acknowledged; ++i) {
        const auto message = found.find(fmt::format("s{}", i));
        lost += message == found.end();
        doubled += message != found.end() && message->second != 1;
    }
    CHECK(lost == 0);
    CHECK(doubled == 0);
    CHECK(child.stop() == 0);
}

TEST_CASE("migrate: a kill at any step leaves one log or the other, and again goes on") {
    ChildPlatform child(program, "");
    child.start();
    ToldShop shop(child.addresses());
    shop.tell(0, 60);
    const auto before = shop.answers();
    const std::string position = shop.position();
    child.stop();
    const Move move(child.data());
    for (const std::string point : {"migrate.target_opened", "migrate.copied", "migrate.compared",
                                    "migrate.paused", "migrate.before_switch"}) {
        CAPTURE(point);
        const auto killed = move.to_kafka(point);
        CHECK(killed.signal == SIGKILL);
        CHECK(move.engine() == "embedded");
    }
    CHECK(move.to_kafka("migrate.switched").signal == SIGKILL);
    CHECK(move.engine() == "kafka");
    child.start();
    shop.moved_to(child.addresses(), position);
    check_same(before, shop.answers());
    child.stop();
    for (const std::string point : {"migrate.copied", "migrate.before_switch"}) {
        CAPTURE(point);
        CHECK(move.back(point).signal == SIGKILL);
        CHECK(move.engine() == "kafka");
    }
    check_done(move.back());
    child.start();
    shop.moved_to(child.addresses(), position);
    check_same(before, shop.answers());
}

TEST_CASE("migrate: a copy alone leaves the installation on its log, with all that comes after") {
    ChildPlatform child(program, "");
    child.start();
    ToldShop shop(child.addresses());
    shop.tell(0, 30);
    const Move move(child.data());
    check_done(move.copy_to_kafka());
    CHECK(move.engine() == "embedded");
    shop.tell(30, 40);
    const auto before = shop.answers();
    const std::string position = shop.position();
    child.stop();
    check_done(move.copy_to_kafka());  // at rest it goes on where it ended
    CHECK(move.engine() == "embedded");
    child.start();
    shop.moved_to(child.addresses(), position);
    check_same(before, shop.answers());
}

TEST_CASE("migrate: what Kafka let in twice counts once in the journal too, for good") {
    ChildPlatform child(program, "");
    child.start();
    ToldShop shop(child.addresses());
    shop.tell(0, 30);
    child.stop();
    const Move move(child.data());
    check_done(move.to_kafka());
    append_copy_of_a_call(move);
    child.start();
    shop.moved_to(child.addresses(), shop.position());
    shop.tell(30, 40);
    const auto before = shop.answers();
    const std::string position = shop.position();
    child.stop();
    check_done(move.back());
    const auto check_sound = [&](ChildPlatform& served) {
        served.start();
        shop.moved_to(served.addresses(), position);
        check_same(before, shop.answers());
        const auto proof = run_program({program, "verify", "--data", served.data()});
        CHECK_MESSAGE(proof.exit_code == 0, proof.out << proof.error);
        served.stop();
    };
    check_sound(child);
    fs::remove_all(child.data() / "stores");
    check_sound(child);
    TempDirectory folder;
    const fs::path to = folder.path() / "backups", restored = folder.path() / "restored";
    check_done(run_program({program, "backup", "--data", child.data(), "--to", to, "--with-keys"}));
    check_done(run_program({program, "restore", "--from", to, "--data", restored}));
    fs::remove_all(restored / "stores");
    ChildPlatform again(program, "", {}, restored);
    check_sound(again);
}

TEST_CASE("migrate: the journal left behind is not taken for the log") {
    ChildPlatform child(program, "");
    child.start();
    ToldShop shop(child.addresses());
    shop.tell(0, 10);
    child.stop();
    TempDirectory folder;
    const auto to = folder.path() / "backups";
    check_done(run_program({program, "backup", "--data", child.data(), "--to", to}));
    const Move move(child.data());
    check_done(move.to_kafka());
    check_refused(run_program({program, "verify", "--data", child.data()}), "tributary serve");
    check_done(run_program({program, "verify", "--journal", child.data() / "journal"}));
    check_refused(run_program({program, "restore", "--from", to, "--data", folder.path() / "r",
                               "--erasures-from", child.data()}),
                  "tributary migrate");
    CHECK(!fs::exists(folder.path() / "r"));
}

TEST_CASE("migrate: what was erased while Kafka kept the bodies is erased in the journal") {
    ChildPlatform child(program, "");
    child.start();
    ToldShop shop(child.addresses());
    shop.tell(0, 30);
    const auto client = shop.client().create_tenant("gone");
    const auto source = shop.client().create_source(client, "interakt", "gone-chat", "s1");
    Sender(shop.client(), source)
        .send(interakt_message("g1", "919811111188", "secret of all", "2026-03-01T09:00:00", "s1"));
    child.stop();
    const Move move(child.data());
    check_done(move.to_kafka());
    child.start();
    for (const std::vector<std::string>& whom :
         {std::vector<std::string>{"--customer", "+919811111104", "--of-tenant", "shop"},
          std::vector<std::string>{"--tenant", "gone"}}) {
        std::vector<std::string> erase{program, "erase", "--commit", "--data", child.data()};
        erase.insert(erase.end(), whom.begin(), whom.end());
        const auto erased = run_program(erase);
        CHECK_MESSAGE(erased.exit_code == 3, erased.out << erased.error);  // Kafka keeps bodies
    }
    child.stop();
    check_done(move.back());
    const fs::path journal = child.data() / "journal";
    CHECK(count_in_files(journal, "text 25") > 0);
    CHECK(count_in_files(journal, "secret of all") > 0);
    child.start();
    wait_for_resumed(child);
    CHECK(child.said_since_launch().find("erasures_repeated") != std::string::npos);
    CHECK(count_in_files(journal, "text 25") == 0);
    CHECK(count_in_files(journal, "secret of all") == 0);
    CHECK(count_in_files(journal, "text 26") > 0);
    child.stop();
    check_done(run_program({program, "verify", "--data", child.data()}));
    child.start();
    wait_for_resumed(child);
    CHECK(child.said_since_launch().find("erasures_repeated") == std::string::npos);  // once
}

TEST_CASE("migrate: one that did not begin does not report how an earlier one ended") {
    ChildPlatform child(program, "");
    child.start();
    child.stop();
    const Move move(child.data());
    const auto lock = tools::FolderLock::take(child.data());
    REQUIRE(lock);
    std::ofstream(child.data() / "migration.json") << R"({"done":true,"report":{"copied":1}})";
    std::ofstream(child.data() / "serving.json")
        << fmt::format(R"({{"process":{},"api":"127.0.0.1:1","engine":"kafka"}})", ::getpid());
    check_refused(move.to_kafka(), "unavailable");
}

TEST_CASE("migrate: a target that holds something else is refused by name") {
    ChildPlatform one(program, ""), other(program, "");
    one.start();
    ToldShop shop(one.addresses());
    shop.tell(0, 10);
    one.stop();
    other.start();
    ToldShop another(other.addresses());
    another.tell(0, 40);
    other.stop();
    const Move move(one.data());
    check_done(move.to_kafka());
    Move wrong(other.data());
    wrong.prefix = move.prefix;
    const auto refused = wrong.to_kafka();
    CHECK(refused.exit_code == 1);
    CHECK_MESSAGE(refused.error.find("not a copy of") != std::string::npos, refused.error);
    CHECK(wrong.engine() == "embedded");
    const auto twice = move.to_kafka();
    CHECK(twice.exit_code == 1);
    CHECK_MESSAGE(twice.error.find("not embedded:") != std::string::npos, twice.error);
    const auto served = run_program({program, "serve", "--data", one.data(), "--log", "embedded"});
    CHECK(served.exit_code == 1);
    CHECK_MESSAGE(served.error.find("tributary migrate") != std::string::npos, served.error);
}
