#include "tools/verify/verify_work.hpp"

#include "bus/embedded/journal_verifier.hpp"
#include "schemas/json/json.hpp"
#include "tools/verify/rows_proof.hpp"

#include <charconv>
#include <cmath>

namespace tools::verify {

using bus::ErrorCode;
using bus::LogProof;
using bus::Result;
using schemas::json::Writer;

namespace {

void write_damage(Writer& json, const bus::LogDamage& damage) {
    json.begin_object();
    if (!damage.where.empty()) json.member("where", damage.where);
    if (!damage.file.empty()) {
        json.member("file", damage.file);
        json.member("at", static_cast<std::int64_t>(damage.at));
    }
    json.member("what", damage.what).end_object();
}

std::string remark_of_parts(std::uint64_t parts) {
    return fmt::format(
        "{} records are parts of bodies that named several tenants: proved like all others, but "
        "the "
        "sender's signature is of the whole body, whose hash alone is kept, and cannot be computed "
        "again; what it said is in tr_verified",
        parts);
}

void write_proof(Writer& json, std::string_view engine, const LogProof& proof) {
    const auto count = [&](std::string_view name, std::uint64_t value) {
        json.key(name).unsigned_integer(value);
    };
    json.begin_object().member("engine", engine).member("proven", proof.proven());
    count("records", proof.records);
    count("bytes", proof.bytes);
    count("bodies", proof.bodies);
    count("erased", proof.erased);
    count("expired", proof.expired);
    count("unhashed", proof.unhashed);
    count("parts", proof.parts);
    count("groups", proof.groups);
    count("segments", proof.segments);
    count("damage_count", proof.damage_count);
    json.key("damage").begin_array();
    for (const bus::LogDamage& damage : proof.damage) write_damage(json, damage);
    json.end_array().key("remarks").begin_array();
    for (const std::string& remark : proof.remarks) json.text(remark);
    if (proof.parts > 0) json.text(remark_of_parts(proof.parts));
    json.end_array().end_object();
}

std::string report_of(std::string_view engine, const LogProof& proof,
                      const std::optional<RowsProof>& rows) {
    std::string report;
    Writer json(report);
    const bool proven = proof.proven() && (!rows || rows->proven());
    json.begin_object().member("proven", proven).key("log");
    write_proof(json, engine, proof);
    if (rows) json.key("rows").raw(rows->json());
    json.end_object();
    return report;
}

bus::VerifyOptions options_of(const VerifyRequest& request, jobs::JobRun& run) {
    return {.one_body_in = request.one_in, .go_on = [&run](std::uint64_t records) {
                run.advance(records);
                return run.go_on();
            }};
}

Result<std::uint64_t> records_in(bus::Log& log) {
    std::uint64_t records = 0;
    for (std::size_t t = 0; t < bus::topic_count; ++t) {
        const bus::Topic topic = bus::topic_at(t);
        const bus::PartitionId partitions = bus::is_partitioned(topic) ? log.partitions() : 1;
        for (bus::PartitionId partition = 0; partition < partitions; ++partition) {
            const auto start = log.start_offset({topic, partition});
            if (!start) return start.error();
            const auto end = log.end_offset({topic, partition});
            if (!end) return end.error();
            records += *end - *start;
        }
    }
    return records;
}

// Rows that have seen what the log does not hold: its end was lost.
Result<bus::Done> compare_checkpoints(bus::Log& log, const consumers::ProjectorPool& pool,
                                      LogProof& proof) {
    for (bus::PartitionId partition = 0; partition < log.partitions(); ++partition) {
        const bus::Position rows = pool.position(partition);
        const auto end = log.end_position(partition);
        if (!end) return end.error();
        for (std::size_t t = 0; t < bus::partitioned_topics; ++t) {
            if (rows.next[t] <= end->next[t]) continue;
            proof.add({.where = to_string(bus::Address{bus::topic_at(t), partition, end->next[t]}),
                       .file = {},
                       .what = fmt::format("the rows have applied records up to offset {}, the log "
                                           "ends before {}",
                                           rows.next[t] - 1, end->next[t])});
        }
    }
    return bus::Done{};
}

}  // namespace

Result<std::uint64_t> parse_share(std::string_view text) {
    double percent = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (parsed.ec != std::errc{} ||
        std::string_view(parsed.ptr, text.data() + text.size()) != "%" ||
        !(percent > 0 && percent <= 100))
        return bus::fail(ErrorCode::invalid_input,
                         "a share is a percentage above 0 and up to 100, such as 1%; not '{}'",
                         text);
    return static_cast<std::uint64_t>(std::llround(100.0 / percent));
}

Result<VerifyRequest> parse_verify_request(std::string_view body) {
    VerifyRequest request;
    if (body.empty()) return request;
    schemas::json::Parser parser;
    const auto json = parser.parse(body);
    if (!json) return json.error();
    if (const auto one_in = (*json)["one_in"]) {
        const auto number = one_in.integer();
        if (!number || *number < 1)
            return bus::fail(ErrorCode::invalid_input, "one_in is an integer from 1");
        request.one_in = static_cast<std::uint64_t>(*number);
    }
    request.log_only = (*json)["log_only"].boolean().value_or(false);
    return request;
}

std::string to_json(const VerifyRequest& request) {
    return fmt::format(R"({{"one_in":{},"log_only":{}}})", request.one_in, request.log_only);
}

Result<std::string> verify_all(bus::Log& log, const consumers::ProjectorPool& pool,
                               const VerifyRequest& request, jobs::JobRun& run) {
    const auto records = records_in(log);
    if (!records) return records.error();
    run.phase("reading the log", *records, "records");
    auto proof = log.verify(options_of(request, run));
    if (!proof) return proof.error();
    if (auto compared = compare_checkpoints(log, pool, *proof); !compared) return compared.error();
    std::optional<RowsProof> rows;
    if (!request.log_only) {
        auto proved = prove_rows(log, pool, request.one_in, run);
        if (!proved) return proved.error();
        rows = *std::move(proved);
    }
    return report_of(log.engine(), *proof, rows);
}

Result<std::string> verify_journal_folder(const std::filesystem::path& directory,
                                          const VerifyRequest& request, jobs::JobRun& run) {
    run.phase("reading the log", 0, "records");
    auto proof = bus::embedded::verify_folder(directory, options_of(request, run));
    if (!proof) return proof.error();
    return report_of("embedded", *proof, std::nullopt);
}

}  // namespace tools::verify
