// What the log on Kafka costs our process: 1.5 KB records, a fixed number outstanding.
//
//   tools/bench/kafka            starts a broker and runs this on it
//   bench_kafka --brokers HOST:PORT [--outstanding 128] [--seconds 5] [--linger-us 1000]
//               [--flush-each 1] [--partitions 8] [--prefix NAME] [--property name=value]...
//
// Prints one line of key=value: records/s, CPU per record of this process, ack and read latencies.
#include "bus/clock.hpp"
#include "bus/envelope.hpp"
#include "bus/kafka/kafka_log.hpp"
#include "tools/bench/process_use.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t value_bytes = 1500;
constexpr int warm_up_records = 20'000;

struct Settings {
    bus::kafka::KafkaOptions log;
    int outstanding = 128;
    int seconds = 5;
};

double elapsed_us(Clock::time_point from) {
    return std::chrono::duration<double, std::micro>(Clock::now() - from).count();
}

double percentile(std::vector<float>& values, double share) {
    if (values.empty()) return 0;
    const auto at = values.begin() +
                    static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

// Shaped like what a receiver appends: the headers it writes, a tenant's key, a signed body.
bus::NewRecord make_record(std::uint64_t number, bus::PartitionId partitions) {
    const auto now = bus::system_clock().now();
    bus::NewRecord record;
    record.topic = bus::Topic::chat;
    record.key = bus::to_string(bus::TenantId{number % 200 + 1});
    record.partition = bus::partition_of(record.key, partitions);
    bus::write_envelope({.id = bus::random_ids().next_event_id(now),
                         .tenant = bus::TenantId{number % 200 + 1},
                         .source = bus::SourceId{7},
                         .type = bus::raw_event_type,
                         .time = now,
                         .ingest_time = now,
                         .trace_parent = {},
                         .content_type = "application/json",
                         .mapping = "0123456789abcdef"},
                        record.headers);
    record.headers.add(bus::header::dedup, "00112233445566778899aabbccddeeff");
    record.value.assign(value_bytes, 'v');
    record.ingest_time = now;
    bus::DedupKey key;
    const std::uint64_t bits = number * 0x9E3779B97F4A7C15u;
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&bits), 8, key.bytes.begin());
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&number), 8, key.bytes.begin() + 8);
    key.bytes[15] = static_cast<std::uint8_t>(bits >> 20);
    record.dedup = key;
    return record;
}

// Appends with at most `outstanding` on the way until `enough` says so.
class Load {
public:
    Load(bus::Log& log, int outstanding)
        : log_(log), outstanding_(outstanding), free_(outstanding) {}

    template <class Enough>
    void run(Enough enough) {
        for (; !enough(); ++number_) {
            free_.acquire();
            const auto from = Clock::now();
            log_.append(make_record(number_, log_.partitions()),
                        [this, from](const bus::Result<bus::Appended>& appended) {
                            if (appended) acks_us_.push_back(static_cast<float>(elapsed_us(from)));
                            if (!appended) ++failed_;
                            free_.release();
                        });
        }
        for (int i = 0; i < outstanding_; ++i) free_.acquire();
        free_.release(outstanding_);
    }
    std::uint64_t number() const { return number_; }
    std::vector<float>& acks_us() { return acks_us_; }  // filled by the log's one thread
    int failed() const { return failed_; }

private:
    bus::Log& log_;
    const int outstanding_;
    std::counting_semaphore<> free_;
    std::uint64_t number_ = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
    std::vector<float> acks_us_;
    std::atomic<int> failed_{0};
};

// How many were acknowledged, those that warm up too; nothing when one was not.
std::optional<std::uint64_t> measure_appends(bus::Log& log, const Settings& settings) {
    Load load(log, settings.outstanding);
    const std::uint64_t warm_until = load.number() + warm_up_records;
    load.run([&] { return load.number() == warm_until; });
    const std::uint64_t warmed_up = load.acks_us().size();
    load.acks_us().clear();
    const double cpu_before = bench::cpu_us();
    const auto from = Clock::now();
    load.run([&] { return Clock::now() - from > std::chrono::seconds{settings.seconds}; });
    const double wall_us = elapsed_us(from), cpu = bench::cpu_us() - cpu_before;
    const auto records = static_cast<double>(load.acks_us().size());
    fmt::print(
        "what=append outstanding={} linger_us={} flush_each={} records_per_s={:.0f} "
        "cpu_us_per_record={:.2f} ack_p50_ms={:.2f} ack_p99_ms={:.2f} failed={}\n",
        settings.outstanding, settings.log.linger.count(), settings.log.flush_each,
        records / wall_us * 1e6, cpu / records, percentile(load.acks_us(), 0.5) / 1e3,
        percentile(load.acks_us(), 0.99) / 1e3, load.failed());
    if (load.failed() > 0) return std::nullopt;
    return warmed_up + load.acks_us().size();
}

std::vector<bus::Offset> ends_of(bus::Log& log) {
    std::vector<bus::Offset> ends;
    for (bus::PartitionId partition = 0; partition < log.partitions(); ++partition)
        ends.push_back(log.end_offset({bus::Topic::chat, partition}).value_or(0));
    return ends;
}

std::uint64_t count_between(bus::Log& log, bus::PartitionId partition, bus::Offset from,
                            bus::Offset end) {
    bus::Signal more;
    bus::ReaderOptions options{.partition = partition, .topics = {}, .from = {}, .signal = &more};
    options.topics.set(index(bus::Topic::chat));
    options.from[index(bus::Topic::chat)] = from;
    auto reader = log.open_reader(options);
    std::uint64_t records = 0;
    while (reader && from < end) {
        const auto seen = more.count();
        auto batch = (*reader)->poll(512, 1 << 20);
        if (!batch) break;
        if (batch->empty()) {
            more.wait(seen, bus::milliseconds{50});
            continue;
        }
        records += batch->records.size();
        from = batch->records.back().address.offset + 1;
    }
    return records;
}

// Whether what was acknowledged stands there, no more and no less, read once more.
bool count_back(bus::Log& log, const std::vector<bus::Offset>& before,
                std::optional<std::uint64_t> acknowledged) {
    const auto ends = ends_of(log);
    std::uint64_t records = 0;
    for (bus::PartitionId partition = 0; partition < log.partitions(); ++partition)
        records += count_between(log, partition, before[partition], ends[partition]);
    const bool same = acknowledged == records;
    fmt::print("what=counted_back acknowledged={} read={} checker={}\n", acknowledged.value_or(0),
               records, same ? "passed" : "FAILED");
    return same;
}

void measure_reader(bus::Log& log) {
    const auto end = log.end_offset({bus::Topic::chat, 0});
    if (!end) return;
    bus::Signal more;
    bus::ReaderOptions options{.partition = 0, .topics = {}, .from = {}, .signal = &more};
    options.topics.set(index(bus::Topic::chat));
    const auto opened = Clock::now();
    auto reader = log.open_reader(options);
    if (!reader) return;
    double first_ms = 0, cpu_before = 0;
    Clock::time_point from;
    bus::Offset next = 0, counted = 0;
    while (next < *end) {
        const auto seen = more.count();
        auto batch = (*reader)->poll(512, 1 << 20);
        if (!batch) return;
        if (batch->empty()) {
            more.wait(seen, bus::milliseconds{50});
            continue;
        }
        next = batch->records.back().address.offset + 1;
        if (first_ms == 0) {
            first_ms = elapsed_us(opened) / 1e3;
            cpu_before = bench::cpu_us();
            from = Clock::now();
            counted = next;
        }
    }
    const auto records = static_cast<double>(next - counted);
    fmt::print(
        "what=read records={} first_ms={:.1f} records_per_s={:.0f} cpu_us_per_record={:.2f}\n",
        next, first_ms, records / elapsed_us(from) * 1e6, (bench::cpu_us() - cpu_before) / records);
}

template <class Call>
void measure_call(std::string_view name, int calls, Call call) {
    std::vector<float> took_us;
    for (int i = 0; i < calls; ++i) {
        const auto from = Clock::now();
        if (!call(i)) fmt::print("{} failed\n", name);
        took_us.push_back(static_cast<float>(elapsed_us(from)));
    }
    fmt::print("{} calls={} p50_ms={:.3f} p99_ms={:.3f}\n", name, calls,
               percentile(took_us, 0.5) / 1e3, percentile(took_us, 0.99) / 1e3);
}

void measure_one_at_a_time(bus::Log& log) {
    bus::Signal more;
    bus::ReaderOptions options{.partition = 0, .topics = {}, .from = {}, .signal = &more};
    options.topics.set(index(bus::Topic::chat));
    options.from[index(bus::Topic::chat)] = log.end_offset({bus::Topic::chat, 0}).value_or(0);
    auto reader = log.open_reader(options);
    const auto read_next = [&] {
        for (;;) {
            const auto seen = more.count();
            auto batch = (*reader)->poll(512, 1 << 20);
            if (!batch || !batch->empty()) return bool(batch);
            more.wait(seen, bus::milliseconds{1000});
        }
    };
    std::uint64_t number = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
    const auto append_one = [&] {
        auto record = make_record(++number, log.partitions());
        record.partition = 0;
        return bool(bus::append_and_wait(log, std::move(record), bus::seconds{10}));
    };
    append_one();
    read_next();
    measure_call("append_alone", 300, [&](int) { return append_one() && read_next(); });
    measure_call("read_at", 300, [&](int i) {
        return bool(log.read_at({bus::Topic::chat, 0, static_cast<bus::Offset>(i * 37 % 300)}));
    });
    measure_call("end_position", 300, [&](int) {
        std::this_thread::sleep_for(bus::milliseconds{6});
        return bool(log.end_position(1));
    });
}

int parse_int(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

bool apply(Settings& settings, std::string_view name, std::string_view value) {
    if (name == "--brokers") {
        settings.log.brokers = value;
    } else if (name == "--outstanding") {
        settings.outstanding = parse_int(value);
    } else if (name == "--seconds") {
        settings.seconds = parse_int(value);
    } else if (name == "--linger-us") {
        settings.log.linger = bus::microseconds{parse_int(value)};
    } else if (name == "--flush-each") {
        settings.log.flush_each = value == "1";
    } else if (name == "--partitions") {
        settings.log.partitions = static_cast<bus::PartitionId>(parse_int(value));
    } else if (name == "--prefix") {
        settings.log.topic_prefix = value;
    } else if (name == "--property" && value.find('=') != value.npos) {
        const auto at = value.find('=');
        settings.log.properties[std::string(value.substr(0, at))] = value.substr(at + 1);
    } else {
        return false;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    settings.log.topic_prefix = "bench.";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!apply(settings, argv[i], argv[i + 1])) return 2;
    }
    if (settings.log.brokers.empty() || argc % 2 == 0) return 2;
    const auto from = Clock::now();
    auto log = bus::kafka::KafkaLog::open(settings.log);
    if (!log) {
        fmt::print(stderr, "{}\n", log.error().message);
        return 1;
    }
    fmt::print("open ms={:.0f}\n", elapsed_us(from) / 1e3);
    const auto before = ends_of(**log);
    const auto acknowledged = measure_appends(**log, settings);
    measure_reader(**log);
    const bool same = count_back(**log, before, acknowledged);
    measure_one_at_a_time(**log);
    const auto closing = Clock::now();
    log->reset();
    fmt::print("close ms={:.0f}\n", elapsed_us(closing) / 1e3);
    return same ? 0 : 1;
}
