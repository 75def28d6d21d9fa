// Changes of generations as facts: first `.control`, then every partition's catalogue. A crash in
// between is made up for when the partitions open.
#pragma once

#include "consumers/generation_builder.hpp"
#include "producers/commands/control_writer.hpp"
#include "tools/replay/replay_request.hpp"

namespace tools::replay {

class GenerationControl {
public:
    GenerationControl(consumers::ProjectorPool& pool, const schemas::Registry& registry,
                      producers::commands::ControlWriter& writer)
        : pool_(pool), registry_(registry), writer_(writer) {}

    // The names that are asked for, all when none is. not_found: there is no such projection.
    bus::Result<std::vector<std::string>> projections(const std::vector<std::string>& asked) const;
    // With the finite table of stamps as sources are now. not_found: tenant or source.
    bus::Result<schemas::ReplaySpec> spec(const ReplayRequest& request) const;
    std::shared_ptr<const schemas::GenerationTable> table() const {
        return registry_.generations();
    }

    // conflict: a candidate is there already.
    bus::Result<std::vector<schemas::GenerationName>> start(
        const std::vector<std::string>& projections, const schemas::ReplaySpec& spec);
    // The candidates of these projections, in one step for a reader. conflict: there is none, some
    // partition has not built it, or check_makes_all() says so, unless `without_expired`.
    bus::Result<std::vector<schemas::GenerationName>> switch_over(
        const std::vector<std::string>& projections, bool without_expired);
    // conflict: the log has lost records that no base stands for (`retention.ms` of Kafka), so that
    // what is built anew lacks their rows. unavailable: a partition is not open.
    bus::Result<bus::Done> check_makes_all() const;
    // conflict: nothing to go back to, or an upgrade has taken its rows away.
    bus::Result<std::vector<schemas::GenerationName>> roll_back(
        const std::vector<std::string>& projections);
    // Retired generations, and candidates when `candidates`. Their rows go with erase_dropped().
    bus::Result<std::vector<schemas::GenerationName>> drop(
        const std::vector<std::string>& projections, bool candidates);

private:
    using Names = std::vector<schemas::GenerationName>;
    // What the change is about, against the table as it is.
    using Choose = std::function<bus::Result<Names>(const schemas::GenerationTable&)>;
    using Fact = std::function<schemas::ControlBody(const Names&)>;

    bus::Result<Names> decide(const std::vector<std::string>& projections, const Choose& choose,
                              const Fact& fact);
    bus::Result<bus::Done> check_built(const schemas::GenerationName& name) const;
    bus::Result<bus::Done> check_kept(const schemas::GenerationName& name) const;
    bus::Result<bus::Done> check_earlier_kept(const schemas::GenerationTable& table,
                                              const schemas::GenerationName& last) const;

    consumers::ProjectorPool& pool_;
    const schemas::Registry& registry_;
    producers::commands::ControlWriter& writer_;
};

}  // namespace tools::replay
