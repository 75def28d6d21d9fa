#include "tools/backup/backup_manifest.hpp"

#include "schemas/json/json.hpp"

#include <algorithm>

namespace tools::backup {

using bus::ErrorCode;
using bus::Result;
using schemas::json::Value;
using schemas::json::Writer;

namespace {

// A journal of 10 TB is 40,000 segments; a file takes seven keys.
constexpr schemas::json::Limits limits{
    .bytes_max = 256u << 20, .depth_max = 8, .keys_max = 5'000'000};

void write_file(Writer& json, const BackedUpFile& file) {
    json.begin_object()
        .member("name", file.name)
        .member("sha256", file.sha256)
        .member("bytes", static_cast<std::int64_t>(file.bytes))
        .member("full_bytes", static_cast<std::int64_t>(file.full_bytes))
        .member("modified_ns", file.modified_ns)
        .member("inode", static_cast<std::int64_t>(file.inode))
        .member("source_bytes", static_cast<std::int64_t>(file.source_bytes))
        .end_object();
}

std::uint64_t number(Value value) {
    return static_cast<std::uint64_t>(value.integer().value_or(0));
}

BackedUpFile read_file(Value json) {
    return {.name = std::string(json["name"].text()),
            .sha256 = std::string(json["sha256"].text()),
            .bytes = number(json["bytes"]),
            .full_bytes = number(json["full_bytes"]),
            .modified_ns = json["modified_ns"].integer().value_or(0),
            .inode = number(json["inode"]),
            .source_bytes = number(json["source_bytes"])};
}

// Names go below the data folder and nowhere else; a hash becomes a file name.
bool is_sound(const BackedUpFile& file) {
    const bool hex = file.sha256.size() == 64 &&
                     file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    const bool below =
        !file.name.empty() && file.name.front() != '/' && file.name.find("..") == std::string::npos;
    return hex && below && file.bytes <= file.full_bytes;
}

}  // namespace

const BackedUpFile* Manifest::find(std::string_view file) const {
    const auto found = std::lower_bound(
        files.begin(), files.end(), file,
        [](const BackedUpFile& one, std::string_view wanted) { return one.name < wanted; });
    return found != files.end() && found->name == file ? &*found : nullptr;
}

std::uint64_t Manifest::bytes() const {
    std::uint64_t sum = 0;
    for (const BackedUpFile& file : files) sum += file.bytes;
    return sum;
}

std::uint64_t Manifest::records() const {
    std::uint64_t sum = 0;
    for (const BackedUpPartition& one : ends) sum += one.end - one.start;
    return sum;
}

std::string to_json(const Manifest& manifest) {
    std::string text;
    Writer json(text);
    json.begin_object()
        .member("tributary_backup", std::int64_t{manifest_version})
        .member("created", manifest.created)
        .member("program", manifest.program)
        .member("source", manifest.source)
        .member("engine", manifest.engine)
        .member("partitions", std::int64_t{manifest.partitions})
        .member("with_keys", manifest.with_keys)
        .key("journal")
        .begin_object()
        .member("next_sequence", static_cast<std::int64_t>(manifest.journal_next_sequence))
        .member("chain", manifest.journal_chain)
        .end_object()
        .key("ends")
        .begin_array();
    for (const BackedUpPartition& one : manifest.ends) {
        json.begin_object()
            .member("topic", bus::short_name(one.where.topic))
            .member("partition", std::int64_t{one.where.partition})
            .member("start", static_cast<std::int64_t>(one.start))
            .member("end", static_cast<std::int64_t>(one.end))
            .end_object();
    }
    json.end_array().key("stores").begin_array();
    for (const bus::Position& checkpoint : manifest.stores) {
        json.begin_object()
            .member("partition", std::int64_t{checkpoint.partition})
            .key("checkpoint")
            .begin_array();
        for (const bus::Offset next : checkpoint.next) json.unsigned_integer(next);
        json.end_array().end_object();
    }
    json.end_array().key("files").begin_array();
    for (const BackedUpFile& file : manifest.files) write_file(json, file);
    json.end_array().end_object();
    return text;
}

Result<Manifest> parse_manifest(std::string_view text) {
    schemas::json::Parser parser;
    const auto json = parser.parse(text, limits);
    if (!json)
        return bus::fail(ErrorCode::invalid_input, "not a manifest: {}", json.error().message);
    const Value root = *json;
    if (root["tributary_backup"].integer() != manifest_version)
        return bus::fail(ErrorCode::invalid_input,
                         "the manifest has version '{}', this program reads version {}",
                         root["tributary_backup"].scalar_text(), manifest_version);
    const auto created = bus::from_iso(root["created"].text());
    if (!created) return created.error();
    Manifest manifest{.name = {},
                      .created = *created,
                      .program = std::string(root["program"].text()),
                      .source = std::string(root["source"].text()),
                      .engine = std::string(root["engine"].text()),
                      .partitions = static_cast<bus::PartitionId>(number(root["partitions"])),
                      .with_keys = root["with_keys"].boolean().value_or(false),
                      .journal_next_sequence = number(root["journal"]["next_sequence"]),
                      .journal_chain = std::string(root["journal"]["chain"].text()),
                      .ends = {},
                      .stores = {},
                      .files = {}};
    bool sound = true;
    root["ends"].each_element([&](Value one) {
        const auto topic = bus::parse_topic(one["topic"].text());
        sound = sound && topic;
        if (topic)
            manifest.ends.push_back(
                {{*topic, static_cast<bus::PartitionId>(number(one["partition"]))},
                 number(one["start"]),
                 number(one["end"])});
    });
    root["stores"].each_element([&](Value one) {
        bus::Position& checkpoint = manifest.stores.emplace_back();
        checkpoint.partition = static_cast<bus::PartitionId>(number(one["partition"]));
        for (std::size_t i = 0; i < checkpoint.next.size(); ++i)
            checkpoint.next[i] = number(one["checkpoint"].at(i));
    });
    root["files"].each_element([&](Value one) {
        manifest.files.push_back(read_file(one));
        sound = sound && is_sound(manifest.files.back());
    });
    if (!sound) return bus::fail(ErrorCode::invalid_input, "the manifest does not make sense");
    return manifest;
}

}  // namespace tools::backup
