#include "consumers/record_folding.hpp"

#include "schemas/control_follower.hpp"
#include "schemas/record_stamps.hpp"

#include <algorithm>
#include <charconv>

namespace consumers {

namespace {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using projections::Table;

constexpr std::size_t slugs_max = 100'000;
// Of a partition. Most are shared with the registry and the other partitions.
constexpr std::size_t mapping_bytes_max = std::size_t{32} << 20;
constexpr bus::milliseconds control_wait_max{2'000};
constexpr std::string_view hash_dedup_kind = "hash";

std::int64_t window_of(const bus::RecordView& record) {
    constexpr std::int64_t default_s = 7 * 24 * 3600;
    constexpr std::int64_t unlimited_s = 100LL * 365 * 24 * 3600;
    const std::string_view text = record.headers.get(bus::header::dedup_window);
    std::int64_t window_s = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), window_s);
    if (parsed.ec != std::errc{} || text.empty()) return default_s;
    return window_s > 0 ? window_s : unlimited_s;  // the door writes 0 for a source without limit
}

bool reads_alike(const schemas::ReplaySpec& a, const schemas::ReplaySpec& b) {
    return a.retakes == b.retakes;
}

}  // namespace

RecordFolding::RecordFolding(const ProjectorSetup& setup, std::vector<Feed> feeds,
                             projections::InstanceId dedup, projections::CommittedRows& committed,
                             std::size_t cached_rows_max)
    : setup_(setup),
      dedup_(dedup),
      log_misses_copies_(setup.log.engine() == "kafka"),
      batch_(std::make_unique<projections::Batch>(committed, setup.measures, cached_rows_max)),
      scratch_(setup.mail_reader) {
    for (Feed& feed : feeds) {
        const auto alike = std::find_if(
            readings_.begin(), readings_.end(),
            [&](const Reading& reading) { return reads_alike(*reading.spec, *feed.spec); });
        Reading& reading = alike != readings_.end() ? *alike : readings_.emplace_back();
        add_prefixes(*feed.projection, reading);
        reading.spec = feed.spec;
        reading.feeds.push_back(std::move(feed));
    }
}

RecordFolding::~RecordFolding() = default;

Result<Done> RecordFolding::fold(const bus::RecordView& record) {
    const auto envelope = bus::read_envelope(record.headers);
    if (!envelope) return envelope.error();
    if (auto known = use_source(envelope->source); !known) return known;
    use_tenant(envelope->tenant);
    if (erased_.all()) return Done{};
    newest_ingest_time_ = std::max(newest_ingest_time_, envelope->ingest_time);
    if (is_copy(record, *envelope)) {
        ++counts_.duplicates;
        return Done{};
    }
    const bool means_something = envelope->type == bus::raw_event_type && !is_erased(record);
    if (means_something) return fold_raw(record, *envelope);
    // Of an erased record only that it was there. Refusals have no events; neither has a fact that
    // no fold of this program decodes.
    for (Reading& reading : readings_) show(record, *envelope, 0, 0, reading);
    return Done{};
}

Result<Done> RecordFolding::fold_raw(const bus::RecordView& record, const bus::Envelope& envelope) {
    if (auto chosen = choose_stamps(record, envelope); !chosen) return chosen;
    for (std::size_t first = 0; first < readings_.size(); ++first) {
        if (readings_[first].done || readings_[first].rows.empty()) continue;
        const auto bound = mapping(readings_[first].stamp);
        if (!bound) return bound.error();
        if (!takes(readings_[first], **bound)) continue;
        const schemas::Mapped& mapped = (*bound)->map(record, envelope, slug_, scratch_);
        if (first == 0) counts_.dead_letters += mapped.failures.size();
        for (std::size_t i = first; i < readings_.size(); ++i) {
            Reading& reading = readings_[i];
            if (reading.done || reading.stamp != readings_[first].stamp) continue;
            reading.done = true;
            for (const schemas::Event& event : mapped.events)
                for (const auto& [fold, rows] : reading.rows) fold->fold(event, *rows);
            for (const schemas::MapFailure& failure : mapped.failures) {
                const projections::FailedRecord failed{.raw_id = envelope.id,
                                                       .source = envelope.source,
                                                       .source_slug = slug_,
                                                       .address = record.address,
                                                       .ingest_time = envelope.ingest_time,
                                                       .emit_index = failure.emit_index,
                                                       .path = failure.path,
                                                       .reason = failure.reason,
                                                       .mapping = reading.stamp};
                for (const auto& [fold, rows] : reading.rows) fold->failed(failed, *rows);
            }
            show(record, envelope, mapped.events.size(), mapped.failures.size(), reading);
        }
    }
    return Done{};
}

void RecordFolding::add_prefixes(const projections::Projection& projection, Reading& reading) {
    const auto prefixes = projection.type_prefixes();
    const bool is_first = reading.feeds.empty();
    if (prefixes.empty() || (!is_first && reading.prefixes.empty()))
        reading.prefixes.clear();
    else
        reading.prefixes.insert(reading.prefixes.end(), prefixes.begin(), prefixes.end());
}

// Nothing is known of what a record means to a reading that takes nothing of its mapping.
bool RecordFolding::takes(Reading& reading, const schemas::BoundMapping& mapping) {
    if (reading.prefixes.empty()) return true;
    const auto [known, is_new] = reading.takes.try_emplace(&mapping, false);
    if (is_new)
        known->second =
            std::any_of(reading.prefixes.begin(), reading.prefixes.end(),
                        [&](std::string_view prefix) { return mapping.may_emit(prefix); });
    return known->second;
}

Result<Done> RecordFolding::choose_stamps(const bus::RecordView& record,
                                          const bus::Envelope& envelope) {
    const auto map_with = [&](std::string_view stamp) -> Result<const schemas::Mapped*> {
        const auto bound = mapping(stamp);
        if (!bound) return bound.error();
        return &(*bound)->map(record, envelope, slug_, scratch_);
    };
    for (Reading& reading : readings_) {
        reading.done = false;
        const auto stamp = schemas::stamp_by(*reading.spec, envelope, std::cref(map_with));
        if (!stamp) return stamp.error();
        reading.stamp = *stamp;
    }
    return Done{};
}

bool RecordFolding::is_erased(const bus::RecordView& record) const {
    return record.erased || erased_.cover(record.address);
}

void RecordFolding::show(const bus::RecordView& record, const bus::Envelope& envelope,
                         std::size_t events, std::size_t failures, Reading& reading) const {
    const projections::SeenRecord seen{.raw_id = envelope.id,
                                       .source = envelope.source,
                                       .source_slug = slug_,
                                       .type = envelope.type,
                                       .address = record.address,
                                       .ingest_time = envelope.ingest_time,
                                       .headers = record.headers,
                                       .value_bytes = record.value.size(),
                                       .event_count = events,
                                       .failure_count = failures,
                                       .erased = is_erased(record)};
    for (const auto& [fold, rows] : reading.rows) fold->seen(seen, *rows);
}

// With Kafka the door's window is best effort. What is keyed by provider ids folds to the same rows
// twice; what only has the fallback hash is compared with the last kept record of that hash. The
// journal lets no copy in by itself, but has those of a Kafka that it was filled from; it keeps the
// hashes for the day its records move there.
bool RecordFolding::is_copy(const bus::RecordView& record, const bus::Envelope& envelope) {
    if (record.headers.get(bus::header::dedup_kind) != hash_dedup_kind) return false;
    const std::string_view key = record.headers.get(bus::header::dedup);
    projections::Rows& rows = batch_->rows(dedup_, envelope.tenant);
    const bool is_checked = may_be_copy(record.address);
    if (const auto last = is_checked ? rows.get(Table::entries, key) : std::nullopt) {
        const bus::microseconds age = envelope.ingest_time - projections::KeyReader{*last}.time();
        if (age < bus::seconds{window_of(record)}) return true;
    }
    rows.put(Table::entries, key, projections::KeyWriter{}.time(envelope.ingest_time).str());
    return false;
}

bool RecordFolding::may_be_copy(const bus::Address& address) const {
    if (log_misses_copies_) return true;
    const auto& before = setup_.copies_before;
    return address.partition < before.size() &&
           address.offset < before[address.partition][address.topic];
}

Result<const schemas::BoundMapping*> RecordFolding::mapping(std::string_view stamp) {
    if (const auto known = mappings_.find(stamp); known != mappings_.end())
        return known->second.get();
    std::shared_ptr<const schemas::BoundMapping> bound = setup_.registry.bound_mapping(stamp);
    if (!bound) {
        if (auto caught_up =
                schemas::catch_up_with_control(setup_.log, setup_.registry, control_wait_max);
            !caught_up)
            return caught_up.error();
        bound = setup_.registry.bound_mapping(stamp);
    }
    if (!bound)
        return bus::fail(ErrorCode::corrupt,
                         "it is stamped with mapping '{}', which .control does not hold", stamp);
    make_room(bound->memory_bytes());
    return mappings_.emplace(stamp, std::move(bound)).first->second.get();
}

void RecordFolding::make_room(std::size_t bytes) {
    if (mapping_bytes_ + bytes > mapping_bytes_max) {
        mappings_.clear();
        mapping_bytes_ = 0;
        for (Reading& reading : readings_) reading.takes.clear();
    }
    mapping_bytes_ += bytes;
}

Result<Done> RecordFolding::use_source(bus::SourceId source) {
    slug_ = {};
    if (source == bus::SourceId{}) return Done{};
    auto known = slugs_.find(source);
    if (known == slugs_.end()) {
        auto found = setup_.registry.source(source);
        if (!found) {
            if (auto caught_up =
                    schemas::catch_up_with_control(setup_.log, setup_.registry, control_wait_max);
                !caught_up)
                return caught_up;
            found = setup_.registry.source(source);
        }
        if (slugs_.size() >= slugs_max) slugs_.clear();
        known = slugs_.emplace(source, found ? found->slug : std::string{}).first;
    }
    slug_ = known->second;
    return Done{};
}

void RecordFolding::use_tenant(bus::TenantId tenant) {
    if (tenant_ == tenant) return;
    leave_tenant();
    tenant_ = tenant;
    erased_ = schemas::TenantErasures(setup_.registry, tenant);
    for (Reading& reading : readings_)
        for (const Feed& feed : reading.feeds)
            if (feed.spec->builds(tenant))
                reading.rows.emplace_back(feed.projection, &batch_->rows(feed.instance, tenant));
}

void RecordFolding::leave_tenant() {
    tenant_.reset();
    for (Reading& reading : readings_) reading.rows.clear();
}

Result<std::span<const projections::Write>> RecordFolding::finish() {
    leave_tenant();
    return batch_->finish();
}

void RecordFolding::forget() {
    leave_tenant();
    batch_->forget();
}

}  // namespace consumers
