#include "tools/bench/endless_log.hpp"

#include <time.h>

#include <array>
#include <deque>

namespace bench {
namespace {

constexpr std::size_t padding_bytes = 64;  // readable behind a value, as log.hpp promises

double thread_cpu_us() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

class EndlessLog::EndlessReader final : public bus::Reader {
public:
    EndlessReader(EndlessLog& log, const bus::ReaderOptions& options)
        : log_(log), options_(options), next_(log.world_.first()) {}

    bus::Result<bus::RecordBatch> poll(std::size_t records_max, std::size_t bytes_max) override {
        const double before = thread_cpu_us();
        auto made = std::make_shared<std::deque<bus::NewRecord>>();
        bus::RecordBatch batch;
        std::size_t bytes = 0;
        for (; next_ < log_.end_ && batch.records.size() < records_max && bytes < bytes_max;
             ++next_) {
            if (partition_of(next_) != options_.partition) continue;
            made->push_back(log_.world_.record(next_, log_.partitions_));
            batch.records.push_back(shown(made->back()));
            bytes += batch.records.back().value.size();
            log_.messages_made_ += log_.world_.is_message(next_);
        }
        log_.made_ += batch.records.size();
        log_.body_bytes_ += bytes;
        batch.storage = std::move(made);
        log_.making_cpu_us_ += thread_cpu_us() - before;
        return batch;
    }

private:
    bus::PartitionId partition_of(std::size_t number) const {
        return bus::partition_of(bus::to_string(log_.world_.tenant_of(number)), log_.partitions_);
    }

    bus::RecordView shown(bus::NewRecord& record) {
        const std::size_t size = record.value.size();
        record.value.resize(size + padding_bytes);
        return {.address = {record.topic, record.partition, offsets_[bus::index(record.topic)]++},
                .key = record.key,
                .headers = record.headers.view(),
                .value = std::string_view(record.value).substr(0, size)};
    }

    EndlessLog& log_;
    const bus::ReaderOptions options_;
    std::size_t next_;
    std::array<bus::Offset, bus::topic_count> offsets_{};
};

bus::Result<std::unique_ptr<bus::Reader>> EndlessLog::open_reader(
    const bus::ReaderOptions& options) {
    for (const bus::Offset from : options.from)
        if (from != 0)
            return bus::fail(bus::ErrorCode::invalid_input, "made up records are read once");
    return std::unique_ptr<bus::Reader>(new EndlessReader(*this, options));
}

void EndlessLog::append(bus::NewRecord, bus::AppendDone done) {
    done(bus::fail(bus::ErrorCode::unavailable, "made up records take no others"));
}

bus::Result<bus::OwnedRecord> EndlessLog::read_at(const bus::Address&) {
    return bus::fail(bus::ErrorCode::not_found, "made up records are read once");
}

}  // namespace bench
