#include "tools/verify/rows_proof.hpp"

#include "bus/clock.hpp"
#include "bus/text.hpp"
#include "consumers/lost_history.hpp"
#include "schemas/json/json.hpp"
#include "tools/jobs/build_watch.hpp"

namespace tools::verify {

using bus::Done;
using bus::Result;
using schemas::json::Writer;

namespace {

Result<Done> prove_partition(bus::Log& log, const consumers::ProjectorPool& pool,
                             bus::PartitionId partition, jobs::JobRun& run, RowsProof& proof) {
    const auto live = pool.all_rows(partition);
    if (!live) return live.error();
    const bus::Position end = live->rows->checkpoint();
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        const auto start = log.start_offset({bus::topic_at(i), partition});
        if (!start) return start.error();
        records += end.next[i] - std::min(*start, end.next[i]);
    }
    run.phase(fmt::format("folding partition {} anew", partition), records, "records");
    auto fold = consumers::FreshFold::begin(
        pool.setup(), partition, live->catalogue, std::nullopt,
        pool.setup().stores / fmt::format("partition-{}.verify", partition));
    if (!fold) return fold.error();
    if (const auto& base = (*fold)->base())
        proof.bases.push_back(fmt::format("partition {} from {}", partition, to_string(*base)));
    const auto lost = consumers::lost_history(pool, partition);
    if (!lost) return lost.error();
    if (*lost) proof.bases.push_back(**lost + ": rows of what came before are told as differences");
    jobs::WatchedBuild watch(run);
    if (auto folded = (*fold)->fold_until(end, watch); !folded) return folded;
    const auto keys = (*fold)->compare(*live->rows, [&](const consumers::RowDifference& one) {
        proof.difference_count += 1;
        if (proof.differences.size() < RowsProof::listed_max) {
            proof.differences.push_back({partition, one});
            if (one.fresh) proof.differences.back().row.fresh->clear();
        }
        return run.go_on();
    });
    if (!keys) return keys.error();
    proof.keys += *keys;
    proof.partitions += 1;
    return Done{};
}

std::string_view what_differs(const consumers::RowDifference& row) {
    if (!row.fresh) return "should not be there";
    return row.is_live ? "other bytes" : "missing";
}

}  // namespace

std::string RowsProof::json() const {
    std::string out;
    Writer json(out);
    json.begin_object().member("proven", proven());
    json.key("partitions").unsigned_integer(partitions).key("of").unsigned_integer(of);
    json.key("keys").unsigned_integer(keys);
    json.key("difference_count").unsigned_integer(difference_count);
    json.key("bases").begin_array();
    for (const std::string& base : bases) json.text(base);
    json.end_array().key("differences").begin_array();
    for (const Difference& one : differences) {
        json.begin_object().key("partition").unsigned_integer(one.partition);
        json.member("projection", one.row.generation.projection);
        json.key("generation").unsigned_integer(one.row.generation.number);
        json.member("table", consumers::table_names.at(one.row.table));
        json.member("key", bus::to_hex(one.row.key)).member("what", what_differs(one.row));
        json.end_object();
    }
    json.end_array().end_object();
    return out;
}

Result<RowsProof> prove_rows(bus::Log& log, const consumers::ProjectorPool& pool,
                             std::uint64_t one_in, jobs::JobRun& run) {
    RowsProof proof;
    proof.of = log.partitions();
    const std::uint64_t wanted = std::max<std::uint64_t>(1, proof.of / one_in);
    const auto first =
        static_cast<std::uint64_t>(bus::system_clock().now().time_since_epoch() / bus::seconds{1});
    for (std::uint64_t i = 0; i < wanted; ++i) {
        const auto partition = static_cast<bus::PartitionId>((first + i) % proof.of);
        if (auto proved = prove_partition(log, pool, partition, run, proof); !proved)
            return proved.error();
        if (!run.go_on()) return bus::fail(bus::ErrorCode::cancelled, "stopped");
    }
    return proof;
}

}  // namespace tools::verify
