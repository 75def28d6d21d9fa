#include "bus/spool/spool_marks.hpp"

#include <sstream>

namespace bus::spool {

namespace {

constexpr milliseconds write_wait_max{10'000};

Result<Done> read_line(const std::string& line, const Slots& slots, Marks& marks) {
    std::istringstream in(line);
    std::string topic_name;
    TopicPartition where{};
    Offset next = 0;
    in >> topic_name >> where.partition >> next;
    const auto topic = parse_topic(topic_name);
    if (in.fail() || !topic || !slots.contains({*topic, where.partition}))
        return fail(ErrorCode::corrupt, "'{}' is no mark of a spool", line);
    marks[slots[{*topic, where.partition}]] = next;
    return Done{};
}

}  // namespace

Result<Marks> read_marks(Log& journal, const Slots& slots) {
    std::string newest;
    auto read =
        read_to_end(journal, Topic::control, 0, [&](const RecordView& record) -> Result<Done> {
            newest = record.value;
            return Done{};
        });
    if (!read) return read.error();
    Marks marks(slots.count(), 0);
    std::istringstream lines(newest);
    for (std::string line; std::getline(lines, line);)
        if (auto taken = read_line(line, slots, marks); !taken) return taken.error();
    return marks;
}

Result<Done> write_marks(Log& journal, const Slots& slots, const Marks& marks) {
    NewRecord record;
    record.topic = Topic::control;
    for (std::size_t i = 0; i < partitioned_topics; ++i) {
        for (PartitionId partition = 0; partition < slots.partitions(); ++partition) {
            const Offset next = marks[slots[{topic_at(i), partition}]];
            if (next > 0)
                record.value += fmt::format("{} {} {}\n", name(topic_at(i)), partition, next);
        }
    }
    const auto appended = append_and_wait(journal, std::move(record), write_wait_max);
    if (!appended) return appended.error();
    return Done{};
}

}  // namespace bus::spool
