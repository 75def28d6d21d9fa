#include "consumers/lost_history.hpp"

#include "consumers/base_rows.hpp"
#include "consumers/projector_pool.hpp"

namespace consumers {

bus::Result<bus::Position> log_start(bus::Log& log, bus::PartitionId partition) {
    bus::Position position{.partition = partition};
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        const auto start = log.start_offset({bus::topic_at(i), partition});
        if (!start) return start.error();
        position.next[i] = *start;
    }
    return position;
}

bus::Result<std::optional<std::string>> lost_history(const ProjectorSetup& setup,
                                                     bus::PartitionId partition,
                                                     const std::optional<std::string>& begun) {
    const auto base = find_base(setup, partition);
    if (!base) return base.error();
    const auto began = begun ? bus::decode_checkpoint(*begun) : bus::Position{};
    if (!began) return began.error();
    const auto start = log_start(setup.log, partition);
    if (!start) return start.error();
    for (std::size_t i = 0; i < bus::position_topics; ++i) {
        const bus::Offset of_base = *base ? (*base)->position.next[i] : 0;
        if (start->next[i] > std::max(began->next[i], of_base))
            return std::optional(
                fmt::format("the log has {} of partition {} from offset {} on only",
                            bus::short_name(bus::topic_at(i)), partition, start->next[i]));
    }
    return std::optional<std::string>{};
}

bus::Result<std::optional<std::string>> lost_history(const ProjectorPool& pool,
                                                     bus::PartitionId partition) {
    const auto store = pool.instance_writer(partition);
    if (!store) return store.error();
    const auto begun = (*store)->get_meta(begun_meta);
    if (!begun) return begun.error();
    return lost_history(pool.setup(), partition, *begun);
}

}  // namespace consumers
