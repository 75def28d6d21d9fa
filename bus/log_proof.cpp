#include "bus/log_proof.hpp"

#include "bus/envelope.hpp"
#include "bus/log.hpp"
#include "bus/text.hpp"

namespace bus {
namespace {

constexpr std::size_t sha256_bytes = 32;
constexpr std::size_t step_records = 512;
constexpr std::size_t step_bytes = 1u << 20;
constexpr milliseconds step_wait_max{50};
constexpr milliseconds idle_max{30'000};
constexpr std::size_t damages_per_topic_max = 16;  // then the rest of it is not read

bool is_compacted(Topic topic) {
    return topic == Topic::keys || topic == Topic::nodes;
}

// One topic partition, from its start to where it ended when this began.
class TopicWalk {
public:
    TopicWalk(Log& log, TopicPartition where, const VerifyOptions& options, LogProof& proof)
        : log_(log), where_(where), options_(options), proof_(proof) {}

    Result<Done> run() {
        const auto start = log_.start_offset(where_);
        if (!start) return start.error();
        const auto end = log_.end_offset(where_);
        if (!end) return end.error();
        next_ = *start;
        end_ = *end;
        std::size_t damages = 0;
        while (next_ < end_ && damages < damages_per_topic_max) {
            auto read = read_on();
            if (read) continue;
            if (read.error().code != ErrorCode::corrupt) return read;
            proof_.add({.where = to_string(here()), .file = {}, .what = read.error().message});
            damages += 1;
            next_ += 1;
        }
        if (next_ < end_)
            proof_.remarks.push_back(fmt::format("{} is not read further than {} after {} damages",
                                                 name(where_.topic), next_, damages));
        return Done{};
    }

private:
    Address here() const { return {where_.topic, where_.partition, next_}; }

    Result<Done> read_on() {
        Signal more;
        ReaderOptions options{
            .partition = where_.partition, .topics = {}, .from = {}, .signal = &more};
        options.topics.set(index(where_.topic));
        options.from[index(where_.topic)] = next_;
        auto reader = log_.open_reader(options);
        if (!reader) return reader.error();
        milliseconds idle{0};
        while (next_ < end_) {
            const auto seen = more.count();
            auto batch = (*reader)->poll(step_records, step_bytes);
            if (!batch) return batch.error();
            if (auto taken = take(*batch); !taken) return taken;
            if (!batch->empty()) {
                idle = milliseconds{0};
                continue;
            }
            if (!options_.go_on(0)) return fail(ErrorCode::cancelled, "stopped");
            if (idle >= idle_max)
                return fail(ErrorCode::unavailable, "{} did not come in {} s", to_string(here()),
                            idle_max.count() / 1000);
            more.wait(seen, step_wait_max);
            idle += step_wait_max;
        }
        return Done{};
    }

    Result<Done> take(const RecordBatch& batch) {
        std::uint64_t taken = 0;
        for (const RecordView& record : batch.records) {
            if (record.address.offset >= end_) {
                next_ = end_;
                break;
            }
            if (record.address.offset != next_ && !is_compacted(where_.topic))
                return fail(ErrorCode::corrupt, "{} came where offset {} was expected",
                            to_string(record.address), next_);
            proof_.bytes += record.key.size() + record.headers.bytes().size() + record.value.size();
            proof_.expired += record.expired ? 1 : 0;
            proof_.erased += record.erased && !record.expired ? 1 : 0;
            proof_.unhashed += record.unhashed ? 1 : 0;
            proof_.bodies += record.erased || record.unhashed ? 0 : 1;
            proof_.look_at(record.headers, record.address);
            next_ = record.address.offset + 1;
            ++taken;
        }
        proof_.records += taken;
        if (!options_.go_on(taken)) return fail(ErrorCode::cancelled, "stopped");
        return Done{};
    }

    Log& log_;
    const TopicPartition where_;
    const VerifyOptions& options_;
    LogProof& proof_;
    Offset next_ = 0, end_ = 0;
};

}  // namespace

void LogProof::look_at(HeadersView headers, const Address& where) {
    if (headers.get(header::value_is) != value_is_part) return;
    parts += 1;
    const auto whole = from_hex(headers.get(header::whole));
    if (!whole || whole->size() != sha256_bytes)
        add({.where = to_string(where),
             .file = {},
             .what = "it is a part of a body that named several tenants, and not said of which"});
}

Result<LogProof> verify_by_reading(Log& log, const VerifyOptions& options) {
    LogProof proof;
    for (std::size_t t = 0; t < topic_count; ++t) {
        const PartitionId partitions = is_partitioned(topic_at(t)) ? log.partitions() : 1;
        for (PartitionId partition = 0; partition < partitions; ++partition) {
            auto walked = TopicWalk(log, {topic_at(t), partition}, options, proof).run();
            if (!walked) return walked.error();
        }
    }
    return proof;
}

}  // namespace bus
