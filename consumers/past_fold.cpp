#include "consumers/past_fold.hpp"

#include "bus/envelope.hpp"
#include "bus/topic.hpp"
#include "consumers/record_folding.hpp"
#include "projections/memory_rows.hpp"

#include <chrono>

namespace consumers {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::size_t step_records_max = 512;
constexpr std::size_t step_bytes_max = 4 << 20;
constexpr bus::milliseconds step_wait_max{50};
constexpr projections::InstanceId dedup_instance = 1;
constexpr projections::InstanceId first_instance = 2;

class Past final : public projections::PastRows {
public:
    Past(const ProjectorSetup& setup, const PastWish& wish) : tenant_(wish.tenant) {
        projections::InstanceId next = first_instance;
        for (const projections::Projection* projection : setup.projections) {
            instances_[projection->name()] = next;
            feeds_.push_back(
                {projection, next++, live_spec(*wish.generations, projection->name())});
        }
    }

    Result<std::unique_ptr<projections::ReadView>> view(
        bus::TenantId tenant, std::string_view projection) const override {
        const auto instance = instances_.find(projection);
        if (tenant != tenant_ || instance == instances_.end())
            return bus::fail(ErrorCode::not_found, "no projection '{}'", projection);
        return std::unique_ptr<projections::ReadView>(
            std::make_unique<projections::MemoryReadView>(rows_, instance->second, tenant));
    }

    bus::Position position() const override { return position_; }
    bus::Timestamp time() const override { return time_; }

    const std::vector<Feed>& feeds() const { return feeds_; }
    projections::MemoryRows& rows() { return rows_; }
    void set_moment(const bus::Position& position, bus::Timestamp time) {
        position_ = position;
        time_ = time;
    }

private:
    // The tenant's own live generation outweighs that of all.
    std::shared_ptr<const schemas::ReplaySpec> live_spec(const schemas::GenerationTable& table,
                                                         std::string_view projection) const {
        auto spec = std::make_shared<const schemas::ReplaySpec>();
        for (const schemas::Generation& one : table.of(projection)) {
            if (one.role != schemas::GenerationRole::live || !one.spec->builds(tenant_)) continue;
            if (one.spec->tenant || !spec->tenant) spec = one.spec;
        }
        return spec;
    }

    const bus::TenantId tenant_;
    std::map<std::string_view, projections::InstanceId> instances_;
    std::vector<Feed> feeds_;
    projections::MemoryRows rows_;
    bus::Position position_;
    bus::Timestamp time_{};
};

// Reads the tenant's partition from its beginning and folds what belongs to the moment.
class PastFold {
public:
    PastFold(const ProjectorSetup& setup, const PastWish& wish, const std::atomic<bool>& stopping,
             Past& past)
        : setup_(setup),
          wish_(wish),
          stopping_(stopping),
          past_(past),
          key_(bus::to_string(wish.tenant)),
          partition_(bus::partition_of(key_, setup.log.partitions())),
          folding_(setup, past.feeds(), dedup_instance, past.rows(), setup.cached_rows_max) {}

    Result<Done> run() {
        auto reader = open();
        if (!reader) return reader.error();
        const auto deadline = std::chrono::steady_clock::now() + wish_.fold_max;
        while (!reached_ends()) {
            if (stopping_) return bus::fail(ErrorCode::cancelled, "the server is stopping");
            const auto seen = more_.count();
            const auto records = (*reader)->poll(step_records_max, step_bytes_max);
            if (!records) return records.error();
            if (auto folded = fold(*records); !folded) return folded;
            if (std::chrono::steady_clock::now() > deadline) return too_late(records->empty());
            if (records->empty()) more_.wait(seen, step_wait_max);
        }
        past_.set_moment(position_, moment_time());
        return Done{};
    }

private:
    Result<std::unique_ptr<bus::Reader>> open() {
        bus::ReaderOptions options{
            .partition = partition_, .topics = bus::partitioned_topic_set(), .signal = &more_};
        for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
            const bus::TopicPartition where{bus::topic_at(i), partition_};
            const auto start = setup_.log.start_offset(where);
            if (!start) return start.error();
            if (*start > 0)
                return bus::fail(ErrorCode::gone,
                                 "{} begins at offset {}: what stood before has expired",
                                 bus::name(where.topic), *start);
            const auto end = setup_.log.end_offset(where);
            if (!end) return end.error();
            ends_[i] = *end;
        }
        return setup_.log.open_reader(options);
    }

    bool reached_ends() const { return next_ == ends_; }

    bus::Error too_late(bool gave_nothing) const {
        if (gave_nothing)
            return bus::fail(ErrorCode::unavailable,
                             "the log has records of before that moment and does not give them; "
                             "try again");
        return bus::fail(ErrorCode::too_large,
                         "reading the log up to that moment takes more than {} s",
                         wish_.fold_max.count() / 1000);
    }

    Result<Done> fold(const bus::RecordBatch& records) {
        for (const bus::RecordView& record : records.records) {
            const std::size_t topic = bus::index(record.address.topic);
            if (record.address.offset >= ends_[topic]) continue;  // it came meanwhile
            next_[topic] = record.address.offset + 1;
            if (record.key != key_) continue;
            const auto wanted = belongs(record);
            if (!wanted) return wanted.error();
            if (!*wanted) {
                complete_.reset(topic);
                continue;
            }
            if (record.expired)
                return bus::fail(ErrorCode::gone,
                                 "record {} has expired, and what was then cannot be folded again",
                                 bus::to_string(record.address));
            if (++folded_ > past_records_max)
                return bus::fail(ErrorCode::too_large,
                                 "the tenant has more than {} records before that moment",
                                 past_records_max);
            if (auto done = folding_.fold(record); !done) return done;
            if (complete_[topic]) position_.advance(record.address);
        }
        const auto writes = folding_.finish();
        if (!writes) return writes.error();
        past_.rows().apply(*writes);
        return Done{};
    }

    bus::Timestamp moment_time() const {
        if (wish_.as_of.time) return *wish_.as_of.time;
        return folded_ > 0 ? folding_.newest_ingest_time() : wish_.now;
    }

    Result<bool> belongs(const bus::RecordView& record) const {
        if (const auto& position = wish_.as_of.position)
            return record.address.offset < (*position)[record.address.topic];
        const auto envelope = bus::read_envelope(record.headers);
        if (!envelope) return envelope.error();
        return envelope->ingest_time <= *wish_.as_of.time;
    }

    const ProjectorSetup& setup_;
    const PastWish& wish_;
    const std::atomic<bool>& stopping_;
    Past& past_;
    const std::string key_;
    const bus::PartitionId partition_;
    RecordFolding folding_;
    bus::Signal more_;
    std::array<bus::Offset, bus::partitioned_topics> ends_{};  // when the fold began
    std::array<bus::Offset, bus::partitioned_topics> next_{};
    std::size_t folded_ = 0;
    bus::Position position_{.partition = partition_};
    bus::TopicSet complete_ = bus::partitioned_topic_set();  // so far nothing was left out of them
};

}  // namespace

Result<std::shared_ptr<const projections::PastRows>> fold_past(const ProjectorSetup& setup,
                                                               const PastWish& wish,
                                                               const std::atomic<bool>& stopping) {
    auto past = std::make_shared<Past>(setup, wish);
    if (auto folded = PastFold(setup, wish, stopping, *past).run(); !folded) return folded.error();
    return std::shared_ptr<const projections::PastRows>(std::move(past));
}

}  // namespace consumers
