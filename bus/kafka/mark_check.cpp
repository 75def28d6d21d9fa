#include "bus/kafka/mark_check.hpp"

#include "bus/look_again.hpp"

namespace bus::kafka {

MarkCheck::MarkCheck(const KafkaOptions& options)
    : put(options.marks_file, options.topic_prefix, options.partitions),
      read(read_marks_file(options.marks_file), options.topic_prefix, options.partitions),
      options_(options) {}

Result<Done> MarkCheck::check(Lookup& lookup, TopicPartition where) const {
    return look_again_at_loss([&] { return compare(lookup, where); });
}

// Compared before the end is asked for: one that has grown again says nothing.
Result<std::pair<Offset, Offset>> MarkCheck::bounds(Lookup& lookup, TopicPartition where) const {
    if (auto same = check(lookup, where); !same) return same.error();
    const auto start = lookup.start_offset(where);
    if (!start) return start.error();
    const auto end = lookup.end_offset_now(where);
    if (!end) return end.error();
    return std::pair{*start, *end};
}

// What was put last may have come behind a loss that only what was read shows.
Result<Done> MarkCheck::compare(Lookup& lookup, TopicPartition where) const {
    const auto last_put = put.of(where);
    const auto last_read = read.of(where);
    if (last_put)
        if (auto same = compare(lookup, *last_put); !same) return same;
    if (last_read && last_read != last_put) return compare(lookup, *last_read);
    return Done{};
}

Result<Done> MarkCheck::compare(Lookup& lookup, const LogMarks::Mark& mark) const {
    const auto end = lookup.end_offset_now(mark.where);
    if (!end) return end.error();
    const std::string topic = topic_name(options_, mark.where.topic);
    if (mark.offset >= *end)
        return lost_records(fmt::format("{}[{}] ends at offset {}, and there was one at {}", topic,
                                        mark.where.partition, *end, mark.offset));
    const auto start = lookup.start_offset(mark.where);
    if (!start) return start.error();
    if (mark.offset < *start) return Done{};
    const auto record = lookup.read_at({mark.where.topic, mark.where.partition, mark.offset});
    if (!record && record.error().code == ErrorCode::gone) return Done{};  // compacted
    if (!record && record.error().code == ErrorCode::not_found)            // to be looked for again
        return lost_records(record.error().message);
    if (!record) return record.error();
    if (id_of(record->headers) == mark.id) return Done{};
    return lost_records(
        fmt::format("another one than before stands at offset {} of {}[{}]; the topic was cut or "
                    "made anew",
                    mark.offset, topic, mark.where.partition));
}

}  // namespace bus::kafka
