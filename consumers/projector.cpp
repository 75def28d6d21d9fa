#include "consumers/projector.hpp"

#include "schemas/control_follower.hpp"

#include <charconv>
#include <chrono>

namespace consumers {

namespace {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using projections::Table;

constexpr std::size_t batch_records_max = 512;
constexpr std::size_t batch_bytes_max = 4 << 20;
constexpr std::size_t remembered_max = 100'000;  // mappings, slugs
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

}  // namespace

// The committed rows as the batch reads them. A read that failed is told when the batch ends.
class Projector::StoredRows final : public projections::CommittedRows {
public:
    explicit StoredRows(projections::store::RowStore& store) : store_(store) {}

    std::optional<std::string> get(Table table, std::string_view key) override {
        auto value = store_.get(static_cast<std::uint8_t>(table), key);
        if (value) return *std::move(value);
        if (!failure_) failure_ = value.error();
        return std::nullopt;
    }
    std::optional<bus::Error> take_failure() { return std::exchange(failure_, std::nullopt); }

private:
    projections::store::RowStore& store_;
    std::optional<bus::Error> failure_;
};

Projector::Projector(const ProjectorSetup& setup, bus::PartitionId partition, PartitionStore store,
                     bus::Signal& more)
    : setup_(setup),
      partition_(partition),
      more_(more),
      checks_copies_(setup.log.engine() == "kafka"),
      probe_(partition),
      store_(std::move(store)),
      stored_rows_(std::make_unique<StoredRows>(*store_.rows)),
      batch_(std::make_unique<projections::Batch>(*stored_rows_, setup.measures,
                                                  store_.catalogue.id(measures_name),
                                                  setup.cached_rows_max)),
      scratch_(setup.mail_reader) {
    for (const projections::Projection* projection : setup.projections)
        folds_.emplace_back(projection, store_.catalogue.id(projection->name()));
}

Projector::~Projector() = default;

Result<std::size_t> Projector::step() {
    if (const auto damage = store_.rows->damage()) return store_failed(*damage);
    if (!reader_)
        if (auto opened = open_reader(); !opened) return opened.error();
    auto records = reader_->poll(batch_records_max, batch_bytes_max);
    Result<std::size_t> applied = records ? apply(*records) : records.error();
    if (!applied) {
        probe_.failed();
        forget();
    }
    return applied;
}

Result<Done> Projector::open_reader() {
    const bus::Position checkpoint = store_.rows->checkpoint();
    bus::ReaderOptions options{.partition = partition_,
                               .topics = bus::partitioned_topic_set(),
                               .from = {},
                               .signal = &more_};
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        options.from[i] = checkpoint.next[i];
        if (checkpoint.next[i] > 0) continue;
        // Nothing of this topic is applied yet: begin with what retention has left of it.
        const auto start = setup_.log.start_offset({bus::topic_at(i), partition_});
        if (!start) return start.error();
        options.from[i] = *start;
    }
    auto reader = setup_.log.open_reader(options);
    if (!reader) return reader.error();
    reader_ = *std::move(reader);
    return Done{};
}

Result<std::size_t> Projector::apply(const bus::RecordBatch& records) {
    if (records.empty()) return std::size_t{0};
    bus::Position position = store_.rows->checkpoint();
    for (const bus::RecordView& record : records.records) {
        if (auto applied = apply_record(record); !applied)
            return bus::fail(applied.error().code, "record {}: {}", to_string(record.address),
                             applied.error().message);
        position.advance(record.address);
    }
    if (auto committed = commit(position, records.records.size()); !committed)
        return committed.error();
    return records.records.size();
}

Result<Done> Projector::apply_record(const bus::RecordView& record) {
    const auto envelope = bus::read_envelope(record.headers);
    if (!envelope) return envelope.error();
    if (auto known = use_source(envelope->source); !known) return known;
    use_tenant(envelope->tenant);
    if (checks_copies_ && is_copy(record, *envelope)) {
        probe_.duplicate_skipped();
        return Done{};
    }
    if (envelope->type == bus::raw_event_type) return fold_raw(record, *envelope);
    // Refusals have no events; neither has a fact that no fold of this program decodes.
    show(record, *envelope, 0, 0);
    return Done{};
}

Result<Done> Projector::fold_raw(const bus::RecordView& record, const bus::Envelope& envelope) {
    const auto bound = mapping(envelope.mapping);
    if (!bound) return bound.error();
    const schemas::Mapped& mapped = (*bound)->map(record, envelope, slug_, scratch_);
    for (const schemas::Event& event : mapped.events)
        for (std::size_t i = 0; i < folds_.size(); ++i) folds_[i].first->fold(event, *rows_[i]);
    for (const schemas::MapFailure& failure : mapped.failures) {
        const projections::FailedRecord failed{.raw_id = envelope.id,
                                               .source = envelope.source,
                                               .source_slug = slug_,
                                               .address = record.address,
                                               .ingest_time = envelope.ingest_time,
                                               .emit_index = failure.emit_index,
                                               .path = failure.path,
                                               .reason = failure.reason,
                                               .mapping = envelope.mapping};
        for (std::size_t i = 0; i < folds_.size(); ++i) folds_[i].first->failed(failed, *rows_[i]);
    }
    if (!mapped.failures.empty()) probe_.dead_lettered(mapped.failures.size());
    show(record, envelope, mapped.events.size(), mapped.failures.size());
    return Done{};
}

void Projector::show(const bus::RecordView& record, const bus::Envelope& envelope,
                     std::size_t events, std::size_t failures) {
    const projections::SeenRecord seen{.raw_id = envelope.id,
                                       .source = envelope.source,
                                       .source_slug = slug_,
                                       .type = envelope.type,
                                       .address = record.address,
                                       .ingest_time = envelope.ingest_time,
                                       .headers = record.headers,
                                       .value_bytes = record.value.size(),
                                       .event_count = events,
                                       .failure_count = failures};
    for (std::size_t i = 0; i < folds_.size(); ++i) folds_[i].first->seen(seen, *rows_[i]);
}

// With Kafka the door's window is best effort. What is keyed by provider ids folds to the same rows
// twice; what only has the fallback hash is compared with the last kept record of that hash.
bool Projector::is_copy(const bus::RecordView& record, const bus::Envelope& envelope) {
    if (record.headers.get(bus::header::dedup_kind) != hash_dedup_kind) return false;
    const std::string_view key = record.headers.get(bus::header::dedup);
    projections::Rows& rows = batch_->rows(store_.catalogue.id(dedup_name), envelope.tenant);
    if (const auto last = rows.get(Table::entries, key)) {
        const bus::microseconds age = envelope.ingest_time - projections::KeyReader{*last}.time();
        if (age < bus::seconds{window_of(record)}) return true;
    }
    rows.put(Table::entries, key, projections::KeyWriter{}.time(envelope.ingest_time).str());
    return false;
}

Result<const schemas::BoundMapping*> Projector::mapping(std::string_view stamp) {
    const std::string name{stamp};
    if (const auto known = mappings_.find(name); known != mappings_.end())
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
    if (mappings_.size() >= remembered_max) mappings_.clear();
    return mappings_.emplace(name, std::move(bound)).first->second.get();
}

Result<Done> Projector::use_source(bus::SourceId source) {
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
        if (slugs_.size() >= remembered_max) slugs_.clear();
        known = slugs_.emplace(source, found ? found->slug : std::string{}).first;
    }
    slug_ = known->second;
    return Done{};
}

void Projector::use_tenant(bus::TenantId tenant) {
    if (tenant == tenant_ && !rows_.empty()) return;
    tenant_ = tenant;
    rows_.clear();
    for (const auto& [projection, instance] : folds_)
        rows_.push_back(&batch_->rows(instance, tenant));
}

Result<Done> Projector::commit(const bus::Position& position, std::size_t records) {
    rows_.clear();
    const auto writes = batch_->finish();
    if (const auto failure = stored_rows_->take_failure()) return store_failed(*failure);
    if (!writes) return store_failed(writes.error());
    std::vector<projections::store::StoreWrite> changes;
    changes.reserve(writes->size());
    for (const projections::Write& write : *writes)
        changes.push_back({static_cast<std::uint8_t>(write.table), write.key, write.value});
    const auto start = std::chrono::steady_clock::now();
    if (auto committed = store_.rows->commit(changes, position); !committed) {
        store_closed_to_writes_ = true;
        return store_failed(committed.error());
    }
    store_closed_to_writes_ = false;
    probe_.committed(records, std::chrono::steady_clock::now() - start);
    return Done{};
}

bus::Error Projector::store_failed(const bus::Error& error) {
    if (error.code == ErrorCode::corrupt) store_damaged_ = true;
    return error;
}

void Projector::forget() {
    rows_.clear();
    batch_->forget();
    (void)stored_rows_->take_failure();
    reader_.reset();
}

}  // namespace consumers
