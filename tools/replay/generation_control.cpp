#include "tools/replay/generation_control.hpp"

#include "bus/crash_point.hpp"
#include "consumers/lost_history.hpp"
#include "schemas/registry_state.hpp"

#include <algorithm>

namespace tools::replay {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using producers::commands::Command;
using producers::commands::Decided;
using producers::commands::Proposal;
using schemas::GenerationName;
using schemas::GenerationRole;
using schemas::GenerationTable;

namespace {

// Every source in the filters' reach: what it was stamped with before -> what it is now.
std::vector<schemas::StampChange> changed_stamps(const schemas::Registry& registry,
                                                 const schemas::Retake& retake) {
    std::vector<schemas::StampChange> changes;
    for (const auto& tenant : registry.tenants()) {
        if (retake.tenant && *retake.tenant != tenant->id) continue;
        for (const auto& source : registry.sources(tenant->id)) {
            if (retake.source && *retake.source != source->id) continue;
            if (source->stamp.empty()) continue;
            for (const std::string& old : registry.stamps(source->id))
                if (old != source->stamp) changes.push_back({source->id, old, source->stamp});
        }
    }
    std::sort(changes.begin(), changes.end());
    return changes;
}

bool is_fed(const consumers::GenerationCatalogue& catalogue, const GenerationName& name) {
    const consumers::StoredGeneration* one = catalogue.find(name);
    return one && one->is_fed();
}

}  // namespace

Result<std::vector<std::string>> GenerationControl::projections(
    const std::vector<std::string>& asked) const {
    std::vector<std::string> known;
    for (const projections::Projection* one : pool_.setup().projections)
        known.emplace_back(one->name());
    std::sort(known.begin(), known.end());
    if (asked.empty()) return known;
    for (const std::string& name : asked)
        if (!std::binary_search(known.begin(), known.end(), name))
            return bus::fail(ErrorCode::not_found, "there is no projection '{}'; there are {}",
                             name, fmt::join(known, ", "));
    std::vector<std::string> wanted = asked;
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    return wanted;
}

Result<schemas::ReplaySpec> GenerationControl::spec(const ReplayRequest& request) const {
    schemas::ReplaySpec spec;
    schemas::Retake retake{.tenant = {},
                           .source = {},
                           .from = request.from,
                           .to = request.to,
                           .types = request.types,
                           .latest = request.mapping == Reading::latest,
                           .stamps = {}};
    if (!request.tenant.empty()) {
        const auto tenant = registry_.tenant_by_code(request.tenant);
        if (!tenant)
            return bus::fail(ErrorCode::not_found, "there is no tenant '{}'", request.tenant);
        spec.tenant = tenant->id;
    }
    if (!request.source.empty()) {
        const auto source = registry_.source_by_slug(request.source);
        if (!source || !spec.builds(source->tenant))
            return bus::fail(ErrorCode::not_found, "there is no source '{}'{}{}", request.source,
                             request.tenant.empty() ? "" : " of ", request.tenant);
        spec.tenant = source->tenant;
        retake.source = source->id;
    }
    if (request.mapping == Reading::live) return spec;
    retake.tenant = spec.tenant;
    if (retake.latest) {
        retake.stamps = changed_stamps(registry_, retake);
        // What comes later is stamped with what it should be mapped with, whatever sources become.
        const bus::Timestamp now = writer_.now();
        retake.to = std::min(retake.to.value_or(now), now);
    }
    spec.retakes.push_back(std::move(retake));
    return spec;
}

Result<GenerationControl::Names> GenerationControl::decide(
    const std::vector<std::string>& projections, const Choose& choose, const Fact& fact) {
    std::optional<bus::Error> refusal;
    Names names;
    const Command command{"gen_" + bus::crockford(writer_.ids().next_id64()), {}};
    const auto propose = [&]() -> std::variant<Proposal, bus::http::Response> {
        const auto now = registry_.generations();
        auto chosen = choose(*now);
        if (!chosen) {
            refusal = chosen.error();
            return bus::http::problem(chosen.error());
        }
        names = *std::move(chosen);
        Proposal proposal;
        for (const std::string& projection : projections)
            proposal.requirements.versions[schemas::projection_object_id(projection)] =
                now->version(projection);
        proposal.body = fact(names);
        return proposal;
    };
    const auto decided = writer_.decide(command, bus::platform_tenant, propose);
    if (refusal) return *refusal;
    if (const auto* refused = std::get_if<bus::http::Response>(&decided))
        return bus::fail(refused->status == 409 ? ErrorCode::conflict : ErrorCode::unavailable,
                         "the change was not stored: {}", refused->body);
    bus::crash_point("generations.decided");
    if (auto reconciled = pool_.reconcile_generations(); !reconciled) return reconciled.error();
    bus::crash_point("generations.reconciled");
    return names;
}

Result<GenerationControl::Names> GenerationControl::start(
    const std::vector<std::string>& projections, const schemas::ReplaySpec& spec) {
    const auto shared = std::make_shared<const schemas::ReplaySpec>(spec);
    return decide(
        projections,
        [&](const GenerationTable& table) -> Result<Names> {
            Names names;
            for (const std::string& projection : projections) {
                if (const auto there = table.candidate(projection))
                    return bus::fail(ErrorCode::conflict,
                                     "{} has generation {} prepared or in preparation: go on "
                                     "with it, switch to it or drop it (tributary replay "
                                     "--resume, --resume --switch, --drop)",
                                     projection, there->number);
                names.push_back({projection, table.next_number(projection)});
            }
            return names;
        },
        [&](const Names& names) {
            return schemas::RebuildStarted{names, shared};
        });
}

// Every partition must have it, else the switch would take rows away.
Result<Done> GenerationControl::check_built(const GenerationName& name) const {
    for (bus::PartitionId id = 0; id < pool_.setup().log.partitions(); ++id) {
        const auto catalogue = pool_.catalogue(id);
        if (!catalogue) return catalogue.error();
        if (!is_fed(*catalogue, name))
            return bus::fail(ErrorCode::conflict,
                             "generation {} of {} is not built in partition {}; resume the replay",
                             name.number, name.projection, id);
    }
    return Done{};
}

// What an upgrade changed is built anew where it is live; of others the rows went. A partition that
// is not open holds up nobody who has to go back.
Result<Done> GenerationControl::check_kept(const GenerationName& name) const {
    for (bus::PartitionId id = 0; id < pool_.setup().log.partitions(); ++id) {
        const auto catalogue = pool_.catalogue(id);
        if (catalogue && !is_fed(*catalogue, name))
            return bus::fail(ErrorCode::conflict,
                             "the rows of generation {} of {} are gone from partition {}, so "
                             "nobody can go back to them; replay instead",
                             name.number, name.projection, id);
    }
    return Done{};
}

Result<Done> GenerationControl::check_earlier_kept(const GenerationTable& table,
                                                   const GenerationName& last) const {
    for (const schemas::Generation& one : table.of(last.projection)) {
        if (one.role != GenerationRole::retired || one.retired_by != last.number) continue;
        if (auto kept = check_kept({last.projection, one.number}); !kept) return kept;
    }
    return Done{};
}

Result<Done> GenerationControl::check_makes_all() const {
    for (bus::PartitionId id = 0; id < pool_.setup().log.partitions(); ++id) {
        const auto lost = consumers::lost_history(pool_, id);
        if (!lost) return lost.error();
        if (*lost)
            return bus::fail(ErrorCode::conflict,
                             "{}: what is built anew since lacks the rows of what came before, and "
                             "a switch would take them from readers. Build it without a switch and "
                             "compare; tributary replay --resume --switch --without-expired goes "
                             "on all the same",
                             **lost);
    }
    return Done{};
}

Result<GenerationControl::Names> GenerationControl::switch_over(
    const std::vector<std::string>& projections, bool without_expired) {
    if (!without_expired)
        if (auto all = check_makes_all(); !all) return all.error();
    return decide(
        projections,
        [&](const GenerationTable& table) -> Result<Names> {
            Names names;
            for (const std::string& projection : projections) {
                const auto candidate = table.candidate(projection);
                if (!candidate) continue;
                names.push_back({projection, candidate->number});
                if (auto built = check_built(names.back()); !built) return built.error();
            }
            if (names.empty())
                return bus::fail(ErrorCode::conflict, "no generation of {} is prepared",
                                 fmt::join(projections, ", "));
            return names;
        },
        [](const Names& names) { return schemas::GenerationsSwitched{names}; });
}

Result<GenerationControl::Names> GenerationControl::roll_back(
    const std::vector<std::string>& projections) {
    return decide(
        projections,
        [&](const GenerationTable& table) -> Result<Names> {
            // Only the last switch, of however many projections it was.
            std::uint64_t newest = 0;
            for (const std::string& projection : projections)
                if (const auto last = table.reversible(projection))
                    newest = std::max(newest, last->switched);
            Names names;
            for (const std::string& projection : projections)
                if (const auto last = table.reversible(projection);
                    last && last->switched == newest)
                    names.push_back({projection, last->number});
            if (names.empty())
                return bus::fail(ErrorCode::conflict,
                                 "{}: there is no earlier generation to go back to",
                                 fmt::join(projections, ", "));
            for (const GenerationName& last : names)
                if (auto kept = check_earlier_kept(table, last); !kept) return kept.error();
            return names;
        },
        [](const Names& names) { return schemas::GenerationsRolledBack{names}; });
}

Result<GenerationControl::Names> GenerationControl::drop(
    const std::vector<std::string>& projections, bool candidates) {
    return decide(
        projections,
        [&](const GenerationTable& table) -> Result<Names> {
            Names names;
            for (const std::string& projection : projections)
                for (const schemas::Generation& one : table.of(projection))
                    if (one.role == GenerationRole::retired ||
                        (candidates && one.role == GenerationRole::candidate))
                        names.push_back({projection, one.number});
            if (names.empty())
                return bus::fail(ErrorCode::conflict, "{}: there is nothing to drop",
                                 fmt::join(projections, ", "));
            return names;
        },
        [](const Names& names) { return schemas::GenerationsDropped{names}; });
}

}  // namespace tools::replay
