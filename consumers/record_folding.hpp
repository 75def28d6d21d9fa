// What one record means to every generation that is fed with it.
//
// Generations may read a record differently (a replay with the newest mapping): it is mapped once
// for each reading, and folded by all feeds of that reading. Pure but for looking up mappings and
// sources. Threads: one at a time.
#pragma once

#include "consumers/projector_setup.hpp"
#include "projections/batch.hpp"
#include "schemas/generations.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace consumers {

struct Feed {
    const projections::Projection* projection = nullptr;
    projections::InstanceId instance = 0;
    std::shared_ptr<const schemas::ReplaySpec> spec;  // never null
};

struct FoldingCounts {
    std::uint64_t dead_letters = 0;
    std::uint64_t duplicates = 0;
};

class RecordFolding {
public:
    // `dedup` holds the seen hashes (ARCHITECTURE.md, "On Kafka"). `committed` outlives this.
    RecordFolding(const ProjectorSetup& setup, std::vector<Feed> feeds,
                  projections::InstanceId dedup, projections::CommittedRows& committed,
                  std::size_t cached_rows_max);
    ~RecordFolding();

    bus::Result<bus::Done> fold(const bus::RecordView& record);
    // What the records since then changed, until the next finish() on this thread.
    bus::Result<std::span<const projections::Write>> finish();
    void forget();  // nothing uncommitted is believed

    FoldingCounts take_counts() { return std::exchange(counts_, {}); }
    bus::Timestamp newest_ingest_time() const { return newest_ingest_time_; }

private:
    // Feeds that read every record alike: those of one replay, or those that read it as stamped.
    struct Reading {
        std::shared_ptr<const schemas::ReplaySpec> spec;
        std::vector<Feed> feeds;
        std::vector<std::pair<const projections::Projection*, projections::Rows*>> rows;
        std::vector<std::string_view> prefixes;  // of the types that they fold; empty = any
        std::unordered_map<const schemas::BoundMapping*, bool> takes;  // by those prefixes
        std::string_view stamp;                                        // of the current record
        bool done = false;
    };

    bus::Result<bus::Done> fold_raw(const bus::RecordView& record, const bus::Envelope& envelope);
    bus::Result<bus::Done> choose_stamps(const bus::RecordView& record,
                                         const bus::Envelope& envelope);
    void show(const bus::RecordView& record, const bus::Envelope& envelope, std::size_t events,
              std::size_t failures, Reading& reading) const;
    bool is_copy(const bus::RecordView& record, const bus::Envelope& envelope);
    bool may_be_copy(const bus::Address& address) const;
    // Until the next call.
    bus::Result<const schemas::BoundMapping*> mapping(std::string_view stamp);
    void make_room(std::size_t bytes);  // for a mapping
    static void add_prefixes(const projections::Projection& projection, Reading& reading);
    static bool takes(Reading& reading, const schemas::BoundMapping& mapping);
    bus::Result<bus::Done> use_source(bus::SourceId source);
    bool is_erased(const bus::RecordView& record) const;
    void use_tenant(bus::TenantId tenant);
    void leave_tenant();

    const ProjectorSetup& setup_;
    const projections::InstanceId dedup_;
    const bool log_misses_copies_;
    std::vector<Reading> readings_;
    std::unique_ptr<projections::Batch> batch_;
    schemas::Scratch scratch_;  // with the mail reader of the setup
    FoldingCounts counts_;
    bus::Timestamp newest_ingest_time_{};

    // Immutable things of the registry, looked up once.
    struct StampHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view stamp) const {
            return std::hash<std::string_view>{}(stamp);
        }
    };
    std::unordered_map<std::string, std::shared_ptr<const schemas::BoundMapping>, StampHash,
                       std::equal_to<>>
        mappings_;
    std::size_t mapping_bytes_ = 0;  // of mappings_
    std::unordered_map<bus::SourceId, std::string> slugs_;
    std::string_view slug_;  // of the current record's source

    std::optional<bus::TenantId> tenant_;  // whose rows the readings hold
    schemas::TenantErasures erased_;       // of that tenant
};

}  // namespace consumers
