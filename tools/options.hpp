// What `tributary serve` and the jobs are told: flags > TRIBUTARY_* environment > YAML file >
// defaults.
#pragma once

#include "bus/ids.hpp"
#include "bus/tls/tls_context.hpp"
#include "producers/door_limits.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tools {

struct Endpoint {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
};
bus::Result<Endpoint> parse_endpoint(std::string_view text);  // "HOST:PORT"; port 0 = any free one
std::string to_string(const Endpoint& endpoint);

// What a process does. Apart they share the log, hence Kafka, and the keys of one data folder.
enum class Role : std::uint8_t {
    all,      // tributary serve
    receive,  // the public port: requests become records
    project,  // the private port: records become rows, rows answers, commands facts
};

struct ServeOptions {
    Role role = Role::all;
    std::filesystem::path data = "data";
    Endpoint ingress{"127.0.0.1", 8080};
    Endpoint api{"127.0.0.1", 8081};
    bus::tls::CertificateFiles tls;  // of both ports; none: plain HTTP
    std::string log = "embedded";    // or "kafka:HOST:PORT,..."
    bus::PartitionId partitions = 8;
    std::map<std::string, std::string> kafka;  // passed through to librdkafka (TLS)
    int kafka_replication = 1;
    std::string kafka_prefix;  // put before each topic's name, for those that share a cluster
    std::uint64_t spool_mib_max = 1024;  // kept on this disk while Kafka is away; 0 = nothing
    std::uint32_t source_rate = producers::source_rate_default;  // a second of a source; else 429
    std::string public_url;  // of the ingress as providers reach it; "" = http://<ingress>
    std::size_t projector_threads = 0;  // 0 = min(cores, partitions)
    std::size_t cache_mib = 64;         // for rows read from disk, of all partitions together
    std::string on_change = "rebuild";  // of rows made by other code; refuse, keep
    bool demo = false;

    // Asks the program to stop the platform and start it again with other options: a migration
    // has ended. Called on a job's thread, returns at once. Empty: it cannot move while it serves.
    std::function<void(const ServeOptions& with)> reopen{};
};

// "NAME=VALUE" of librdkafka: from flags, and from a file with one a line, where secrets do not
// show in the list of processes; empty lines and those that begin with # are left out. A flag wins.
// `file` "" = none. No value is repeated in an error.
bus::Result<std::map<std::string, std::string>> parse_properties(
    const std::vector<std::string>& properties, const std::filesystem::path& file);

}  // namespace tools
