#include "bus/log.hpp"

#include "bus/read_wait.hpp"

namespace bus {

std::string_view name(Durability durability) {
    switch (durability) {
        case Durability::fsynced:
            return "fsynced";
        case Durability::replicated:
            return "replicated";
        case Durability::one_broker:
            return "one_broker";
        case Durability::local:
            return "local";
        case Durability::memory:
            return "memory";
    }
    return "unknown";
}

TopicSet partitioned_topic_set() {
    TopicSet topics;
    for (std::size_t i = 0; i < partitioned_topics; ++i) topics.set(i);
    return topics;
}

Result<Position> Log::end_position(PartitionId partition) {
    Position position{.partition = partition};
    for (std::size_t i = 0; i < partitioned_topics; ++i) {
        auto end = end_offset({topic_at(i), partition});
        if (!end) return end.error();
        position.next[i] = *end;
    }
    return position;
}

Result<LogProof> Log::verify(const VerifyOptions& options) {
    return verify_by_reading(*this, options);
}

Result<Erasure> Log::erase(std::span<const Address> addresses) {
    return Erasure{.kept = addresses.size(),
                   .remark = fmt::format("the {} log cannot rewrite what it holds", engine())};
}

Result<Expiry> Log::expire(std::span<const RecordRange>, const ExpiryOptions&) {
    return fail(ErrorCode::invalid_input,
                "the {} log keeps its own retention (on Kafka: retention.ms of the topic)",
                engine());
}

Result<Appended> append_and_wait(Log& log, NewRecord record, milliseconds wait_max) {
    // Shared with the callback, which may come after we have stopped waiting.
    struct Slot {
        std::mutex mutex;
        std::condition_variable done;
        std::optional<Result<Appended>> result;
    };
    auto slot = std::make_shared<Slot>();
    log.append(std::move(record), [slot](Result<Appended> result) {
        std::lock_guard lock(slot->mutex);
        slot->result = std::move(result);
        slot->done.notify_all();
    });
    std::unique_lock lock(slot->mutex);
    if (!slot->done.wait_for(lock, wait_max, [&] { return slot->result.has_value(); })) {
        return fail(ErrorCode::unavailable,
                    "the log did not confirm within {} ms; it may still do so", wait_max.count());
    }
    return *slot->result;
}

Result<Done> read_to_end(Log& log, Topic topic, Offset from,
                         const std::function<Result<Done>(const RecordView&)>& visit) {
    return read_to_end(log, topic, from, visit, ReadPatience{});
}

}  // namespace bus
