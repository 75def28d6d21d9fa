#include "bus/kafka/kafka_log.hpp"

#include "bus/kafka/producer.hpp"
#include "bus/metrics.hpp"
#include "bus/spool/spooling_log.hpp"
#include "tests/support/cluster_admin.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/kafka_records.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <thread>

using namespace std::chrono_literals;
using bus::Topic;
using bus::kafka::KafkaLog;
using bus::kafka::KafkaOptions;
using tests::dedup_key;
using tests::eventually;
using tests::LocalBroker;
using tests::new_record;
using tests::with_dedup;

namespace {

KafkaOptions fresh_options() {
    return tests::kafka_options(LocalBroker::instance().bootstrap(), LocalBroker::fresh_prefix());
}

std::unique_ptr<KafkaLog> open_log(const KafkaOptions& options) {
    auto log = KafkaLog::open(options);
    REQUIRE_MESSAGE(log, log.error().message);
    return *std::move(log);
}

bus::Appended append(bus::Log& log, bus::NewRecord record) {
    auto appended = bus::append_and_wait(log, std::move(record), 20s);
    REQUIRE_MESSAGE(appended, appended.error().message);
    return *appended;
}

// The next `count` records of one topic partition, or fewer after 20 s.
std::vector<bus::OwnedRecord> read(bus::Log& log, Topic topic, bus::PartitionId partition,
                                   std::size_t count, bus::Offset from = 0) {
    bus::Signal more;
    bus::ReaderOptions options{.partition = partition, .topics = {}, .from = {}, .signal = &more};
    options.topics.set(index(topic));
    options.from[index(topic)] = from;
    auto reader = log.open_reader(options);
    REQUIRE(reader);
    std::vector<bus::OwnedRecord> records;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (records.size() < count && std::chrono::steady_clock::now() < deadline) {
        const auto seen = more.count();
        auto batch = (*reader)->poll(100, 1 << 20);
        REQUIRE_MESSAGE(batch, batch.error().message);
        for (const auto& record : batch->records) {
            records.push_back({record.address, std::string(record.key),
                               bus::Headers::from_bytes(std::string(record.headers.bytes())),
                               std::string(record.value), record.tombstone});
        }
        if (batch->empty()) more.wait(seen, 100ms);
    }
    return records;
}

bus::Error read_error(bus::Log& log, Topic topic, bus::PartitionId partition, bus::Offset from) {
    bus::Signal more;
    bus::ReaderOptions options{.partition = partition, .topics = {}, .from = {}, .signal = &more};
    options.topics.set(index(topic));
    options.from[index(topic)] = from;
    auto reader = log.open_reader(options);
    REQUIRE(reader);
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto seen = more.count();
        auto batch = (*reader)->poll(100, 1 << 20);
        if (!batch) return batch.error();
        more.wait(seen, 100ms);
    }
    FAIL("no error within 20 s");
    return {};
}

}  // namespace

TEST_CASE("kafka: what was appended is read back as it was, in order") {
    auto log = open_log(fresh_options());
    CHECK(log->durability() == bus::Durability::one_broker);
    auto first = new_record(Topic::chat, 1, "hello");
    first.headers.add("h_empty", "");
    first.headers.add("h_bytes", std::string_view("\0\xff", 2));
    const auto headers = first.headers;
    const auto appended = append(*log, std::move(first));
    CHECK(appended.address == bus::Address{Topic::chat, 1, 0});
    CHECK(to_string(appended.id) == headers.view().get(bus::header::id));
    CHECK(appended.position[Topic::chat] == 1);
    append(*log, new_record(Topic::chat, 1, ""));
    auto deletion = new_record(Topic::chat, 1, "");
    deletion.tombstone = true;
    append(*log, std::move(deletion));
    CHECK(append(*log, new_record(Topic::chat, 1, std::string(3'000'000, 'x'))).address.offset ==
          3);

    const auto records = read(*log, Topic::chat, 1, 4);
    REQUIRE(records.size() == 4);
    CHECK(records[0].value == "hello");
    CHECK(records[0].key == "tnt_0000000000001");
    CHECK(records[0].headers == headers);
    CHECK(records[1].value.empty());
    CHECK_FALSE(records[1].tombstone);
    CHECK(records[2].tombstone);
    CHECK(records[3].value == std::string(3'000'000, 'x'));
}

TEST_CASE("kafka: topics that exist with another number of partitions are refused") {
    auto options = fresh_options();
    open_log(options)->close();
    options.partitions = 3;
    const auto log = KafkaLog::open(options);
    REQUIRE_FALSE(log);
    CHECK(log.error().code == bus::ErrorCode::conflict);
    CHECK(log.error().message.find("has 2 partitions") != std::string::npos);
}

TEST_CASE("kafka: properties reach librdkafka, unknown ones are refused by name") {
    auto options = fresh_options();
    options.properties["ssl.no.such.thing"] = "1";
    const auto log = KafkaLog::open(options);
    REQUIRE_FALSE(log);
    CHECK(log.error().code == bus::ErrorCode::invalid_input);
    CHECK(log.error().message.find("ssl.no.such.thing") != std::string::npos);
}

TEST_CASE("kafka: properties that a promise rests on are refused by name") {
    for (const std::string name : {"acks", "enable.idempotence", "message.timeout.ms"}) {
        auto options = fresh_options();
        options.properties[name] = "1";
        const auto log = KafkaLog::open(options);
        REQUIRE_FALSE(log);
        CHECK(log.error().code == bus::ErrorCode::invalid_input);
        CHECK(log.error().message.find(name + ": Tributary sets it itself") != std::string::npos);
    }
}

TEST_CASE("kafka: without a broker open() says so") {
    auto options = tests::kafka_options("127.0.0.1:1", "none.");
    options.open_wait_max = 300ms;
    const auto log = KafkaLog::open(options);
    REQUIRE_FALSE(log);
    CHECK(log.error().code == bus::ErrorCode::unavailable);
}

TEST_CASE(
    "kafka: a copy is answered with the first record, on the way, after it, after a restart") {
    const auto options = fresh_options();
    auto log = open_log(options);
    std::atomic<int> fresh{0}, copies{0};
    for (int i = 0; i < 10; ++i) {
        log->append(with_dedup(new_record(Topic::email, 0, "one"), dedup_key(1)),
                    [&](const bus::Result<bus::Appended>& appended) {
                        if (appended && appended->address.offset == 0) {
                            ++(appended->duplicate ? copies : fresh);
                        }
                    });
    }
    CHECK(eventually([&] { return fresh + copies == 10; }));
    CHECK(fresh == 1);
    const auto later = append(*log, with_dedup(new_record(Topic::email, 0, "one"), dedup_key(1)));
    CHECK(later.duplicate);
    auto past_window = with_dedup(new_record(Topic::email, 0, "one"), dedup_key(1));
    past_window.ingest_time += 8 * 24h;
    CHECK_FALSE(append(*log, std::move(past_window)).duplicate);
    log->close();

    auto reopened = open_log(options);
    const auto again = append(*reopened, with_dedup(new_record(Topic::email, 0, ""), dedup_key(1)));
    CHECK(again.duplicate);
    CHECK(again.address == bus::Address{Topic::email, 0, 1});
    CHECK_FALSE(
        append(*reopened, with_dedup(new_record(Topic::email, 0, ""), dedup_key(2))).duplicate);
}

TEST_CASE("kafka: single records are found by address") {
    const auto options = fresh_options();
    auto log = open_log(options);
    for (int i = 0; i < 50; ++i) append(*log, new_record(Topic::voice, i % 2, std::to_string(i)));
    for (const int i : {0, 49, 7, 8, 30}) {
        const auto record = log->read_at(
            {Topic::voice, static_cast<bus::PartitionId>(i % 2), static_cast<bus::Offset>(i / 2)});
        REQUIRE_MESSAGE(record, record.error().message);
        CHECK(record->value == std::to_string(i));
    }
    CHECK(log->read_at({Topic::voice, 0, 25}).error().code == bus::ErrorCode::not_found);
    CHECK(log->read_at({Topic::voice, 9, 0}).error().code == bus::ErrorCode::not_found);
    CHECK(log->read_at({Topic::web, 0, 0}).error().code == bus::ErrorCode::not_found);
}

TEST_CASE("kafka: what retention took is gone, what never was stops the reader") {
    const auto options = fresh_options();
    auto log = open_log(options);
    for (int i = 0; i < 10; ++i) append(*log, new_record(Topic::web, 0, "x"));
    tests::ClusterAdmin(options.brokers).delete_records(options.topic_prefix + "web", 0, 6);
    CHECK(log->start_offset({Topic::web, 0}).value_or(0) == 6);
    CHECK(log->end_offset({Topic::web, 0}).value_or(0) == 10);
    CHECK(read_error(*log, Topic::web, 0, 3).code == bus::ErrorCode::gone);
    CHECK(read_error(*log, Topic::web, 0, 12).code == bus::ErrorCode::corrupt);
    CHECK(log->read_at({Topic::web, 0, 3}).error().code == bus::ErrorCode::gone);
    CHECK(read(*log, Topic::web, 0, 4, 6).size() == 4);
}

TEST_CASE("kafka: after a fatal error of the producer a new one goes on") {
    const auto options = fresh_options();
    open_log(options)->close();
    std::atomic<int> stored{0}, refused{0};
    auto producer = bus::kafka::Producer::start(
        options, [&](std::unique_ptr<bus::kafka::Pending>, const bus::Result<bus::Offset>& offset) {
            ++(offset ? stored : refused);
        });
    REQUIRE(producer);
    const auto send = [&] {
        auto pending = std::make_unique<bus::kafka::Pending>();
        pending->record = new_record(Topic::chat, 0, "x");
        return bool((*producer)->send(pending));
    };
    CHECK(send());
    CHECK(eventually([&] { return stored == 1; }));
    (*producer)->provoke_fatal_error();
    CHECK_FALSE(send());
    CHECK(eventually(send));
    CHECK(eventually([&] { return stored == 2; }));
    CHECK(refused == 0);
}

TEST_CASE("kafka: ordered appends leave no gap when the producer fails in the middle") {
    auto options = fresh_options();
    options.properties["batch.num.messages"] = "50";  // so that many batches are on their way
    open_log(options)->close();
    constexpr int count = 5'000;
    std::vector<int> stored;  // of the one thread that answers
    std::atomic<int> answered{0};
    std::unique_ptr<bus::kafka::Producer> producer;
    auto started = bus::kafka::Producer::start(
        options,
        [&](std::unique_ptr<bus::kafka::Pending> pending, const bus::Result<bus::Offset>& offset) {
            if (offset) stored.push_back(std::stoi(pending->record.value));
            if (++answered == count / 10) producer->provoke_fatal_error();
        },
        bus::kafka::Gaps::refused);
    REQUIRE(started);
    producer = *std::move(started);
    int taken = 0;
    for (; taken < count; ++taken) {
        auto pending = std::make_unique<bus::kafka::Pending>();
        pending->record = new_record(Topic::chat, 0, std::to_string(taken));
        if (!producer->send(pending)) break;
    }
    CHECK(eventually([&] { return answered == taken; }));
    auto late = std::make_unique<bus::kafka::Pending>();
    late->record = new_record(Topic::chat, 0, "late");
    CHECK(eventually([&] { return !producer->send(late); }));
    producer->close();
    for (std::size_t i = 0; i < stored.size(); ++i) REQUIRE(stored[i] == static_cast<int>(i));
    CHECK(stored.size() >= count / 10);
    auto log = open_log(options);
    const auto end = log->end_offset({Topic::chat, 0});
    REQUIRE(end);
    const auto records = read(*log, Topic::chat, 0, *end);
    CHECK(records.size() >= stored.size());
    CHECK(records.size() < static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < records.size(); ++i) REQUIRE(records[i].value == std::to_string(i));
}

TEST_CASE("kafka: ordered appends wait for a broker that is away, and are known by their key") {
    auto& broker = LocalBroker::instance();
    auto options = fresh_options();
    options.message_timeout = 1500ms;
    auto log = open_log(options);
    auto ordered = log->ordered_appends();
    REQUIRE_MESSAGE(ordered, ordered.error().message);
    broker.kill();
    std::atomic<int> answered{0}, refused{0};
    for (int i = 0; i < 100; ++i) {
        auto record = new_record(Topic::chat, 1, std::to_string(i));
        record.dedup = dedup_key(static_cast<std::uint8_t>(i));
        (*ordered)->append(std::move(record), [&](const bus::Result<bus::Appended>& appended) {
            if (!appended) ++refused;
            ++answered;
        });
    }
    std::this_thread::sleep_for(2 * options.message_timeout);
    CHECK(answered == 0);
    broker.start();
    CHECK(eventually([&] { return answered == 100; }));
    CHECK(refused == 0);
    const auto records = read(*log, Topic::chat, 1, 100);
    REQUIRE(records.size() == 100);
    for (std::size_t i = 0; i < 100; ++i) CHECK(records[i].value == std::to_string(i));
    CHECK(eventually([&] { return log->status().accepting; }));
    auto copy = new_record(Topic::chat, 1, "50");
    copy.dedup = dedup_key(50);
    const auto appended = append(*log, std::move(copy));
    CHECK(appended.duplicate);
    CHECK(appended.address.offset == 50);
}

TEST_CASE("kafka: a record that its topic takes no more rests in the spool by itself") {
    auto& broker = LocalBroker::instance();
    tests::TempDirectory folder;
    auto options = fresh_options();
    options.message_timeout = 1500ms;
    bus::spool::SpoolOptions spool{.directory = folder.path(), .partitions = options.partitions};
    spool.rests = {.pause_min = 50ms, .pause_max = 200ms};
    auto opened = bus::spool::SpoolingLog::open(open_log(options), spool);
    REQUIRE(opened);
    bus::spool::SpoolingLog& log = **opened;
    const std::string chat = options.topic_prefix + "chat";
    tests::ClusterAdmin(options.brokers).set(chat, "max.message.bytes", "20000");
    broker.kill();
    constexpr std::size_t count = 50, large = 20;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string text = std::to_string(i);
        append(log, new_record(Topic::chat, 0, i == large ? std::string(30'000, 'x') : text));
        append(log, new_record(Topic::chat, 1, text));
        append(log, new_record(Topic::voice, 0, text));
    }
    CHECK(log.waiting() == 3 * count);
    broker.start();
    const auto rests = [&] {
        return log.status().detail.find("tributary.chat[0] rests") != std::string::npos;
    };
    CHECK(eventually(rests));
    CHECK(eventually([&] { return log.waiting() == count - large; }));
    CHECK(read(log, Topic::chat, 1, count).size() == count);
    CHECK(read(log, Topic::voice, 0, count).size() == count);
    CHECK(read(log, Topic::chat, 0, large).size() == large);
    tests::ClusterAdmin(options.brokers).set(chat, "max.message.bytes", "1000000");
    CHECK(eventually([&] { return log.waiting() == 0; }));
    const auto records = read(log, Topic::chat, 0, count);
    REQUIRE(records.size() == count);
    for (std::size_t i = 0; i < count; ++i)
        if (i != large) CHECK(records[i].value == std::to_string(i));
    CHECK(records[large].value.size() == 30'000);
}

TEST_CASE("kafka: events that may be given back wait less for a broker than facts") {
    auto& broker = LocalBroker::instance();
    auto options = fresh_options();
    options.message_timeout = 60s;
    options.event_timeout = 1s;
    auto log = open_log(options);
    append(*log, new_record(Topic::facts, 0, "0"));
    std::atomic<int> given_back{0}, decided{0};
    log->set_give_back([&](const bus::NewRecord&, const bus::AppendDone&) { ++given_back; });
    broker.kill();
    log->append(new_record(Topic::facts, 0, "1"),
                [&](const bus::Result<bus::Appended>& appended) { decided += bool(appended); });
    log->append_or_give_back(new_record(Topic::chat, 0, "x"), [](const auto&) {});
    CHECK(eventually([&] { return given_back == 1; }));
    broker.start();
    CHECK(eventually([&] { return decided == 1; }));
    CHECK(read(*log, Topic::facts, 0, 2).size() == 2);
}

// The answers of one producer are held back while a record behind its own comes by another one.
TEST_CASE("kafka: answers of two producers that overtake each other are no loss") {
    auto log = open_log(fresh_options());
    auto ordered = log->ordered_appends();
    REQUIRE_MESSAGE(ordered, ordered.error().message);
    bus::Signal let_go;
    std::atomic<int> answered{0};
    const auto wait_and_count = [&](const bus::Result<bus::Appended>& appended) {
        let_go.wait(0, 20s);
        if (appended) ++answered;
    };
    for (int i = 0; i < 3; ++i)
        (*ordered)->append(new_record(Topic::chat, 0, std::to_string(i)), wait_and_count);
    CHECK(eventually([&] { return log->end_offset({Topic::chat, 0}).value_or(0) == 3; }));
    CHECK(append(*log, new_record(Topic::chat, 0, "3")).address.offset == 3);
    let_go.notify();
    CHECK(eventually([&] { return answered == 3; }));
    CHECK_MESSAGE(log->status().accepting, log->status().detail);
    CHECK(append(*log, new_record(Topic::chat, 0, "4")).address.offset == 4);
}

TEST_CASE("kafka: a mark that does not move since the topic was made anew is a loss") {
    const auto options = fresh_options();
    auto log = open_log(options);
    for (int i = 0; i < 3; ++i) append(*log, new_record(Topic::chat, 0, std::to_string(i)));
    tests::ClusterAdmin(options.brokers).delete_topic(options.topic_prefix + "chat");
    CHECK(eventually([&] { return KafkaLog::open(options).has_value(); }));  // makes it anew
    CHECK(eventually([&] {
        const auto appended =
            bus::append_and_wait(*log, new_record(Topic::chat, 0, "of another life"), 20s);
        return !appended && !log->status().accepting;
    }));
    CHECK(log->status().detail.find("Kafka has lost records") != std::string::npos);
}

TEST_CASE("kafka: records under offsets that were read from others are a loss, at a start too") {
    const auto options = fresh_options();
    const tests::TempDirectory data;
    auto with_marks = options;
    with_marks.marks_file = data.path() / "kafka-marks";
    auto receiving = open_log(options);
    auto projecting = open_log(with_marks);
    for (int i = 0; i < 3; ++i) append(*receiving, new_record(Topic::chat, 0, std::to_string(i)));
    CHECK(read(*projecting, Topic::chat, 0, 3).size() == 3);
    bus::ReaderOptions behind{.partition = 0, .topics = {}, .from = {}};
    behind.topics.set(index(Topic::chat));
    behind.from[index(Topic::chat)] = 3;
    CHECK(projecting->open_reader(behind));
    receiving.reset();
    tests::ClusterAdmin(options.brokers).delete_topic(options.topic_prefix + "chat");
    CHECK(eventually([&] { return KafkaLog::open(options).has_value(); }));  // makes it anew
    receiving = open_log(options);
    for (int i = 0; i < 5; ++i) append(*receiving, new_record(Topic::chat, 0, "of another life"));
    CHECK(eventually([&] {
        const auto reader = projecting->open_reader(behind);
        return !reader && reader.error().code == bus::ErrorCode::corrupt;
    }));
    CHECK(projecting->status().detail.find("Kafka has lost records") != std::string::npos);
    projecting.reset();
    const auto again = KafkaLog::open(with_marks);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == bus::ErrorCode::corrupt);
}

TEST_CASE("kafka: keys fall on the partition that the Java client gives them") {
    auto options = fresh_options();
    options.partitions = 7;
    auto log = open_log(options);
    const std::vector<std::string> keys = {
        "tnt_0000000000001", "tnt_7zzzzzzzzzzzz", "a", "ab", "abc", "abcd",
        "_platform",         "tnt_42hk3m9q8x1ab"};
    std::string lines;
    for (const auto& key : keys) lines += fmt::format("{0}|{0}\\n", key);
    const std::string cache = std::getenv("TRIBUTARY_CACHE")
                                  ? std::getenv("TRIBUTARY_CACHE")
                                  : std::string(std::getenv("HOME")) + "/.cache/tributary";
    tests::run_command("printf '" + lines + "' | java -cp '" + cache +
                       "/kafka-3.9.1/*' kafka.tools.ConsoleProducer --bootstrap-server " +
                       options.brokers + " --topic " + options.topic_prefix +
                       "chat --property parse.key=true --property key.separator='|' 2>&1");
    std::size_t found = 0;
    for (bus::PartitionId partition = 0; partition < options.partitions; ++partition) {
        const auto end = log->end_offset({Topic::chat, partition});
        REQUIRE(end);
        for (const auto& record : read(*log, Topic::chat, partition, *end)) {
            CHECK_MESSAGE(bus::partition_of(record.key, options.partitions) == partition,
                          record.key);
            ++found;
        }
    }
    CHECK(found == keys.size());
}

TEST_CASE("kafka: what the client counts is in the metrics") {
    auto options = fresh_options();
    options.properties["statistics.interval.ms"] = "50";
    auto log = open_log(options);
    append(*log, new_record(Topic::chat, 0, "x"));
    CHECK(eventually([] {
        const std::string metrics = bus::metrics::render();
        return metrics.find("\nkafka_sent_records ") != std::string::npos &&
               metrics.find("\nkafka_sent_records 0\n") == std::string::npos &&
               metrics.find("\nkafka_rtt_p99_seconds 0.") != std::string::npos;
    }));
}

TEST_CASE("kafka: a broker that restarts keeps what it acknowledged and takes more") {
    auto& broker = LocalBroker::instance();
    auto log = open_log(fresh_options());
    append(*log, new_record(Topic::chat, 0, "before"));
    bus::Signal more;
    bus::ReaderOptions from_start{.partition = 0, .topics = {}, .from = {}, .signal = &more};
    from_start.topics.set(index(Topic::chat));
    auto reader = log->open_reader(from_start);
    REQUIRE(reader);
    const auto comes_next = [&] {
        std::string value;
        CHECK(eventually([&] {
            auto batch = (*reader)->poll(1, 1);
            REQUIRE_MESSAGE(batch, batch.error().message);
            if (!batch->empty()) value = batch->records.front().value;
            return !batch->empty();
        }));
        return value;
    };
    CHECK(comes_next() == "before");
    broker.kill();
    broker.start();
    CHECK(eventually([&] { return log->status().accepting; }));
    CHECK(append(*log, new_record(Topic::chat, 0, "after")).address.offset == 1);
    CHECK(comes_next() == "after");  // the reader of before goes on
    const auto records = read(*log, Topic::chat, 0, 2);
    REQUIRE(records.size() == 2);
    CHECK(records[0].value == "before");
    CHECK(records[1].value == "after");
}

TEST_CASE("kafka: while the broker is away records are refused and not remembered") {
    auto& broker = LocalBroker::instance();
    auto options = fresh_options();
    options.message_timeout = 1500ms;
    auto log = open_log(options);
    broker.kill();
    const auto key = dedup_key(9);
    const auto refused =
        bus::append_and_wait(*log, with_dedup(new_record(Topic::chat, 0, "x"), key), 10s);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::unavailable);
    CHECK(eventually([&] { return !log->status().accepting; }));
    CHECK_FALSE(log->status().detail.empty());
    const auto from = std::chrono::steady_clock::now();
    CHECK_FALSE(bus::append_and_wait(*log, new_record(Topic::chat, 0, "y"), 10s));
    CHECK(std::chrono::steady_clock::now() - from < 200ms);
    broker.start();
    CHECK(eventually([&] { return log->status().accepting; }));
    CHECK_FALSE(append(*log, with_dedup(new_record(Topic::chat, 0, "x"), key)).duplicate);
    CHECK(append(*log, with_dedup(new_record(Topic::chat, 0, "x"), key)).duplicate);
}

TEST_CASE("kafka: more than the queue takes is refused as unavailable, the rest is stored") {
    auto options = fresh_options();
    options.queue_records_max = 50;
    auto log = open_log(options);
    std::atomic<int> stored{0}, unavailable{0};
    for (int i = 0; i < 2000; ++i) {
        log->append(new_record(Topic::chat, 0, "x"),
                    [&](const bus::Result<bus::Appended>& appended) {
                        if (appended) ++stored;
                        if (!appended && appended.error().code == bus::ErrorCode::unavailable) {
                            ++unavailable;
                        }
                    });
    }
    CHECK(eventually([&] { return stored + unavailable == 2000; }));
    CHECK(unavailable > 0);
    CHECK(log->end_offset({Topic::chat, 0}).value_or(0) == static_cast<bus::Offset>(stored.load()));
}

TEST_CASE("kafka: behind a copy that the producer refuses nothing takes a place") {
    auto options = fresh_options();
    options.queue_bytes_max = 64u << 10;
    auto log = open_log(options);
    // All answers come from one thread, which is held by the first until all have been sent.
    std::atomic<bool> answering{false};
    std::promise<void> all_sent;
    const std::shared_future<void> until = all_sent.get_future().share();
    std::vector<std::future<bus::Result<bus::Appended>>> answers;
    const auto send_copy = [&](bus::Offset at, std::size_t bytes) {
        auto answer = std::make_shared<std::promise<bus::Result<bus::Appended>>>();
        answers.push_back(answer->get_future());
        auto record = new_record(Topic::chat, 0, std::string(bytes, 'x'));
        record.at = at;
        log->append(std::move(record),
                    [&answering, answer, until](const bus::Result<bus::Appended>& appended) {
                        answering = true;
                        until.wait_for(20s);
                        answer->set_value(appended);
                    });
    };
    send_copy(0, 1);
    CHECK(eventually([&] { return answering.load(); }));
    send_copy(1, options.queue_bytes_max + 1);
    send_copy(2, 1);
    all_sent.set_value();
    CHECK(answers[0].get().has_value());
    CHECK(answers[1].get().error().code == bus::ErrorCode::unavailable);
    const auto behind = answers[2].get();
    REQUIRE_FALSE(behind);
    CHECK(behind.error().code == bus::ErrorCode::conflict);
    CHECK(log->end_offset({Topic::chat, 0}).value_or(0) == 1);
}

TEST_CASE("kafka: a closed log refuses and has settled everything before") {
    auto log = open_log(fresh_options());
    std::atomic<int> stored{0};
    for (int i = 0; i < 500; ++i) {
        log->append(new_record(Topic::chat, 0, "x"),
                    [&](const bus::Result<bus::Appended>& appended) { stored += bool(appended); });
    }
    log->close();
    CHECK(stored == 500);
    const auto refused = bus::append_and_wait(*log, new_record(Topic::chat, 0, "y"), 10s);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::cancelled);
    log->close();
}
