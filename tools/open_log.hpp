// Opens the log that the options name.
#pragma once

#include "bus/clock.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/kafka/kafka_log.hpp"
#include "bus/spool/spooling_log.hpp"
#include "tools/options.hpp"

#include <memory>

namespace tools {

inline constexpr std::size_t memtable_budget_bytes = 96 << 20;  // of all stores together

struct OpenedLog {
    std::unique_ptr<bus::Log> log;
    // When it is one: it likes to know how busy the door is.
    bus::embedded::Journal* journal = nullptr;
    // When there is one: what waits there is in no log yet.
    const bus::spool::SpoolingLog* spool = nullptr;
};

bool names_kafka(std::string_view log);  // "kafka:HOST:PORT,..."
// invalid_input: options.log is neither "embedded" nor that.
bus::Result<OpenedLog> open_log(const ServeOptions& options, bus::Clock& clock);
// As it is served: on Kafka with a spool in the data folder (options.spool_mib_max). corrupt: there
// are rows, and no journal that they were made of. unavailable: nobody can say whether that is so.
bus::Result<OpenedLog> open_served_log(const ServeOptions& options, bus::Clock& clock);

bus::kafka::KafkaOptions kafka_options(const ServeOptions& options);
bus::embedded::JournalOptions journal_options(const ServeOptions& options, bus::Clock& clock);

}  // namespace tools
