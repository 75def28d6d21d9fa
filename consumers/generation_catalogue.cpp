#include "consumers/generation_catalogue.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

namespace consumers {

using schemas::GenerationRole;

namespace {

constexpr std::array<std::string_view, 6> state_names = {"building", "ready",  "live",
                                                         "retired",  "frozen", "dropped"};
constexpr std::string_view dedup_fingerprint = "1";

template <class Number>
bool take_number(std::string_view word, std::string_view label, Number& out) {
    if (!word.starts_with(label)) return false;
    word.remove_prefix(label.size());
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), out);
    return parsed.ec == std::errc{} && parsed.ptr == word.data() + word.size();
}

bool take_text(std::string_view word, std::string_view label, std::string& out) {
    if (!word.starts_with(label)) return false;
    out = word.substr(label.size());
    return !out.empty();
}

bool parse_state(std::string_view text, GenerationState& state) {
    const auto place = std::find(state_names.begin(), state_names.end(), text);
    state = static_cast<GenerationState>(place - state_names.begin());
    return place != state_names.end();
}

bool parse_line(const std::string& line, StoredGeneration& one) {
    std::istringstream words(line);
    std::string number, instance, state, fingerprint, state_name;
    if (!(words >> one.name.projection >> number >> instance >> state >> fingerprint)) return false;
    return take_number(number, "number=", one.name.number) &&
           take_number(instance, "instance=", one.instance) &&
           take_text(state, "state=", state_name) && parse_state(state_name, one.state) &&
           take_text(fingerprint, "fingerprint=", one.fingerprint);
}

GenerationState state_of(GenerationRole role) {
    switch (role) {
        case GenerationRole::candidate:
            return GenerationState::ready;
        case GenerationRole::live:
            return GenerationState::live;
        case GenerationRole::retired:
            break;
    }
    return GenerationState::retired;
}

StoredGeneration new_generation(std::string_view projection, const schemas::Generation& decided,
                                std::string fingerprint) {
    return {.name = {std::string{projection}, decided.number},
            .instance = 0,
            .state = GenerationState::building,
            .fingerprint = std::move(fingerprint),
            .spec = decided.spec,
            .role = decided.role};
}

}  // namespace

StoredGeneration dedup_generation(projections::InstanceId instance) {
    return {.name = {std::string{dedup_name}, 1},
            .instance = instance,
            .state = GenerationState::live,
            .fingerprint = std::string{dedup_fingerprint},
            .spec = std::make_shared<const schemas::ReplaySpec>(),
            .role = GenerationRole::live};
}

std::string_view name(GenerationState state) {
    return state_names.at(static_cast<std::size_t>(state));
}

std::string instance_prefix(projections::InstanceId instance) {
    return projections::complete_key(instance, {}, "").substr(0, sizeof instance);
}

bool StoredGeneration::is_fed() const {
    return state == GenerationState::ready || state == GenerationState::live ||
           state == GenerationState::retired;
}

std::vector<WantedProjection> wanted_projections(const ProjectorSetup& setup) {
    std::vector<WantedProjection> wanted;
    for (const projections::Projection* projection : setup.projections) {
        std::string fingerprint = std::to_string(projection->version());
        const std::string measures =
            setup.measures ? setup.measures->fingerprint(projection->name()) : "";
        if (!measures.empty()) fingerprint += "." + measures;
        wanted.push_back({projection, std::move(fingerprint)});
    }
    return wanted;
}

GenerationCatalogue GenerationCatalogue::fresh(const schemas::GenerationTable& table,
                                               const std::vector<WantedProjection>& wanted) {
    GenerationCatalogue catalogue;
    catalogue.add(dedup_generation(catalogue.free_instance()));
    for (const WantedProjection& one : wanted) {
        const std::string_view projection = one.projection->name();
        BUS_ASSERT(!catalogue.knows(projection), "two projections have one name");
        for (const schemas::Generation& decided : table.of(projection)) {
            StoredGeneration made = new_generation(projection, decided, one.fingerprint);
            made.instance = catalogue.free_instance();
            made.state = state_of(decided.role);
            catalogue.add(made);
        }
    }
    return catalogue;
}

bus::Result<GenerationCatalogue> GenerationCatalogue::parse(std::string_view text) {
    GenerationCatalogue catalogue;
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
        StoredGeneration one;
        if (!parse_line(line, one))
            return bus::fail(bus::ErrorCode::corrupt, "catalogue of generations: line '{}'", line);
        catalogue.generations_.push_back(std::move(one));
    }
    return catalogue;
}

std::string GenerationCatalogue::text() const {
    std::string out;
    for (const StoredGeneration& one : generations_)
        out +=
            fmt::format("{} number={} instance={} state={} fingerprint={}\n", one.name.projection,
                        one.name.number, one.instance, consumers::name(one.state), one.fingerprint);
    return out;
}

projections::InstanceId GenerationCatalogue::free_instance() const {
    projections::InstanceId free = 1;
    const auto is_taken = [&](projections::InstanceId id) {
        return std::any_of(generations_.begin(), generations_.end(),
                           [&](const StoredGeneration& one) { return one.instance == id; });
    };
    while (is_taken(free)) ++free;
    return free;
}

void GenerationCatalogue::take_over(const StoredGeneration& stored,
                                    const schemas::Generation& decided,
                                    const WantedProjection& wanted, bool keep) {
    StoredGeneration kept = stored;
    kept.spec = decided.spec;
    kept.role = decided.role;
    const bool same_code =
        stored.fingerprint == wanted.fingerprint && stored.state != GenerationState::frozen;
    if (same_code) {
        if (kept.state != GenerationState::building) kept.state = state_of(decided.role);
        return add(kept);
    }
    const bool readable = stored.state != GenerationState::building;
    if (keep && readable && decided.role == GenerationRole::live) {
        kept.state = GenerationState::frozen;
        return add(kept);
    }
    kept.state = GenerationState::dropped;
    add(kept);
    if (decided.role != GenerationRole::retired)
        add(new_generation(stored.name.projection, decided, wanted.fingerprint));
}

GenerationCatalogue GenerationCatalogue::reconciled(const schemas::GenerationTable& table,
                                                    const std::vector<WantedProjection>& wanted,
                                                    bool keep) const {
    GenerationCatalogue next;
    for (const WantedProjection& one : wanted) {
        const std::string_view projection = one.projection->name();
        for (const schemas::Generation& decided : table.of(projection)) {
            if (const auto* stored = find({std::string{projection}, decided.number}))
                next.take_over(*stored, decided, one, keep);
            else if (decided.role != GenerationRole::retired)
                next.add(new_generation(projection, decided, one.fingerprint));
        }
    }
    for (const StoredGeneration& stored : generations_) {
        const bool taken_over =
            std::any_of(next.generations_.begin(), next.generations_.end(),
                        [&](const auto& one) { return one.instance == stored.instance; });
        if (taken_over) continue;
        StoredGeneration left = stored;
        if (stored.name.projection == dedup_name)
            left = dedup_generation(stored.instance);
        else
            left.state = GenerationState::dropped;
        next.add(left);
    }
    for (StoredGeneration& made : next.generations_)
        if (made.instance == 0) made.instance = next.free_instance();
    return next;
}

std::string GenerationCatalogue::changed_projections(
    const std::vector<WantedProjection>& wanted) const {
    std::string names;
    for (const WantedProjection& one : wanted) {
        const std::string_view projection = one.projection->name();
        const bool made_by_other_code = std::any_of(
            generations_.begin(), generations_.end(), [&](const StoredGeneration& stored) {
                return stored.name.projection == projection &&
                       stored.state != GenerationState::dropped &&
                       stored.fingerprint != one.fingerprint;
            });
        if (!made_by_other_code && knows(projection)) continue;
        if (!names.empty()) names += ',';
        names += projection;
    }
    return names;
}

void GenerationCatalogue::set_built(projections::InstanceId instance) {
    for (StoredGeneration& one : generations_)
        if (one.instance == instance && one.state == GenerationState::building)
            one.state = state_of(one.role);
}

void GenerationCatalogue::forget(projections::InstanceId instance) {
    std::erase_if(generations_,
                  [&](const StoredGeneration& one) { return one.instance == instance; });
}

const StoredGeneration* GenerationCatalogue::find(const schemas::GenerationName& name) const {
    for (const StoredGeneration& one : generations_)
        if (one.name == name && one.state != GenerationState::dropped) return &one;
    return nullptr;
}

const StoredGeneration* GenerationCatalogue::shown(std::string_view projection,
                                                   bus::TenantId tenant) const {
    const StoredGeneration* of_all = nullptr;
    const StoredGeneration* of_tenant = nullptr;
    for (const StoredGeneration& one : generations_) {
        const bool readable =
            one.state == GenerationState::live || one.state == GenerationState::frozen;
        const bool is_live = readable || (one.state == GenerationState::building &&
                                          one.role == GenerationRole::live);
        if (!is_live || one.name.projection != projection || !one.spec->builds(tenant)) continue;
        (one.spec->tenant ? of_tenant : of_all) = &one;
    }
    return of_tenant ? of_tenant : of_all;
}

bool GenerationCatalogue::knows(std::string_view projection) const {
    return std::any_of(generations_.begin(), generations_.end(), [&](const StoredGeneration& one) {
        return one.name.projection == projection && one.state != GenerationState::dropped;
    });
}

projections::InstanceId GenerationCatalogue::dedup() const {
    const StoredGeneration* one = find({std::string{dedup_name}, 1});
    BUS_ASSERT(one, "every catalogue has the seen hashes");
    return one->instance;
}

std::vector<Feed> GenerationCatalogue::feeds(const std::vector<WantedProjection>& wanted) const {
    std::vector<Feed> feeds;
    for (const WantedProjection& one : wanted)
        for (const StoredGeneration& stored : generations_)
            if (stored.is_fed() && stored.name.projection == one.projection->name())
                feeds.push_back({one.projection, stored.instance, stored.spec});
    return feeds;
}

std::vector<StoredGeneration> GenerationCatalogue::in_state(GenerationState state) const {
    std::vector<StoredGeneration> some;
    for (const StoredGeneration& one : generations_)
        if (one.state == state) some.push_back(one);
    return some;
}

}  // namespace consumers
