#include "tools/open_log.hpp"

#include "bus/existing_files.hpp"
#include "bus/kafka/log_marks.hpp"

namespace tools {
namespace {

constexpr std::string_view kafka_scheme = "kafka:";

// Of an event that the spool may keep. With the spool's silence_max, and a second by which
// librdkafka may be late, it is answered within 5 s, as the hastiest providers ask. Without a spool
// a broker that dies had better be waited for.
constexpr bus::milliseconds spooled_event_timeout{2'000};

}  // namespace

bool names_kafka(std::string_view log) {
    return log.starts_with(kafka_scheme);
}

bus::kafka::KafkaOptions kafka_options(const ServeOptions& options) {
    bus::kafka::KafkaOptions kafka{.brokers = options.log.substr(kafka_scheme.size()),
                                   .partitions = options.partitions};
    kafka.topic_prefix = options.kafka_prefix + kafka.topic_prefix;
    kafka.replication_factor = options.kafka_replication;
    kafka.properties = options.kafka;
    return kafka;
}

bus::embedded::JournalOptions journal_options(const ServeOptions& options, bus::Clock& clock) {
    bus::embedded::JournalOptions journal{.directory = options.data / "journal",
                                          .partitions = options.partitions};
    journal.clock = &clock;
    journal.reserve_bytes = 2 * journal.segment_bytes + 2 * memtable_budget_bytes + (256u << 20);
    return journal;
}

bus::Result<OpenedLog> open_log(const ServeOptions& options, bus::Clock& clock) {
    if (names_kafka(options.log)) {
        auto log = bus::kafka::KafkaLog::open(kafka_options(options));
        if (!log) return log.error();
        return OpenedLog{.log = *std::move(log)};
    }
    if (options.log != "embedded") {
        return bus::fail(bus::ErrorCode::invalid_input,
                         "--log is 'embedded' or 'kafka:HOST:PORT,...', not '{}'", options.log);
    }
    auto log = bus::embedded::Journal::open(journal_options(options, clock));
    if (!log) return log.error();
    bus::embedded::Journal* journal = log->get();
    return OpenedLog{.log = *std::move(log), .journal = journal};
}

// Rows without their journal: an empty one in its place would be taken for the truth.
bus::Result<bus::Done> check_journal_is_there(const std::filesystem::path& data) {
    const auto has_journal = bus::is_there(data / "journal");
    if (!has_journal) return has_journal.error();
    const auto stores = bus::entries_of(data / "stores");
    if (!stores) return stores.error();
    if (*has_journal || stores->empty()) return bus::Done{};
    return bus::fail(bus::ErrorCode::corrupt,
                     "{0}/journal is gone while {0}/stores has rows made of it: put it back, or "
                     "restore a backup; to begin anew move {0}/stores away",
                     data.string());
}

bus::Result<OpenedLog> open_served_log(const ServeOptions& options, bus::Clock& clock) {
    const std::filesystem::path marks_file = options.data / "kafka-marks";
    if (!names_kafka(options.log)) {
        if (auto there = check_journal_is_there(options.data); !there) return there.error();
        std::error_code ignored;
        for (const auto& file : {marks_file, bus::kafka::read_marks_file(marks_file)})
            std::filesystem::remove(file, ignored);  // of a log that is not ours any more
        return open_log(options, clock);
    }
    bus::kafka::KafkaOptions with_marks = kafka_options(options);
    with_marks.marks_file = marks_file;
    if (options.spool_mib_max > 0) with_marks.event_timeout = spooled_event_timeout;
    auto kafka = bus::kafka::KafkaLog::open(with_marks);
    if (!kafka) return kafka.error();
    if (options.spool_mib_max == 0) return OpenedLog{.log = *std::move(kafka)};
    bus::spool::SpoolOptions spool{.directory = options.data / "spool",
                                   .partitions = options.partitions,
                                   .bytes_max = options.spool_mib_max << 20};
    spool.clock = &clock;
    auto log = bus::spool::SpoolingLog::open(*std::move(kafka), spool);
    if (!log) return log.error();
    const bus::spool::SpoolingLog* spooling = log->get();
    return OpenedLog{.log = *std::move(log), .spool = spooling};
}

}  // namespace tools
