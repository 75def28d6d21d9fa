#include "schemas/generations.hpp"

#include <algorithm>

namespace schemas {

namespace {

const std::shared_ptr<const ReplaySpec>& empty_spec() {
    static const auto spec = std::make_shared<const ReplaySpec>();
    return spec;
}

Generation first_generation() {
    return {.number = 1,
            .role = GenerationRole::live,
            .spec = empty_spec(),
            .retired_by = 0,
            .switched = 0,
            .started_at = {}};
}

// Rows of one tenant stand for that tenant's alone; rows of all stand for everybody's.
bool replaces(const Generation& newer, const Generation& older) {
    return !newer.spec->tenant || newer.spec->tenant == older.spec->tenant;
}

Origin origin_of(const std::vector<Generation>& before, std::optional<bus::TenantId> tenant) {
    Origin origin;
    for (const Generation& one : before) {
        if (one.role != GenerationRole::live) continue;
        if (!one.spec->tenant)
            origin.of_all = one.number;
        else if (!tenant || tenant == one.spec->tenant)
            origin.of_tenants[*one.spec->tenant] = one.number;
    }
    return origin;
}

bool is_reversible(const Generation& one) {
    return one.role == GenerationRole::live && one.switched > 0;
}

}  // namespace

std::string_view name(GenerationRole role) {
    switch (role) {
        case GenerationRole::candidate:
            return "candidate";
        case GenerationRole::live:
            return "live";
        case GenerationRole::retired:
            return "retired";
    }
    return "";
}

bool fits_pattern(std::string_view pattern, std::string_view type) {
    if (!pattern.ends_with('*')) return pattern == type;
    return type.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool Retake::covers(const bus::Envelope& envelope) const {
    return (!tenant || *tenant == envelope.tenant) && (!source || *source == envelope.source) &&
           (!from || envelope.ingest_time >= *from) && (!to || envelope.ingest_time < *to);
}

bool Retake::covers(const Retake& other) const {
    return (!tenant || tenant == other.tenant) && (!source || source == other.source) &&
           (!from || (other.from && *other.from >= *from)) &&
           (!to || (other.to && *other.to <= *to)) && (types.empty() || types == other.types);
}

std::string_view Retake::stamp_for(const bus::Envelope& envelope) const {
    if (!latest) return envelope.mapping;
    const auto place = std::lower_bound(
        stamps.begin(), stamps.end(), envelope, [](const StampChange& one, const auto& wanted) {
            return std::pair{one.source, std::string_view{one.from}} <
                   std::pair{wanted.source, wanted.mapping};
        });
    if (place == stamps.end() || place->source != envelope.source ||
        place->from != envelope.mapping)
        return envelope.mapping;
    return place->to;
}

bool Retake::wants_type(std::string_view event_type) const {
    return types.empty() || std::any_of(types.begin(), types.end(), [&](const auto& pattern) {
               return fits_pattern(pattern, event_type);
           });
}

void ReplaySpec::add(Retake newest) {
    std::erase_if(retakes, [&](const Retake& older) { return newest.covers(older); });
    if (newest.latest || !retakes.empty()) retakes.push_back(std::move(newest));
}

std::vector<Generation> GenerationTable::of(std::string_view projection) const {
    const auto found = projections_.find(projection);
    if (found == projections_.end()) return {first_generation()};
    return found->second.generations;
}

std::optional<Generation> GenerationTable::find(const GenerationName& name) const {
    for (const Generation& one : of(name.projection))
        if (one.number == name.number) return one;
    return std::nullopt;
}

std::optional<Generation> GenerationTable::candidate(std::string_view projection) const {
    for (const Generation& one : of(projection))
        if (one.role == GenerationRole::candidate) return one;
    return std::nullopt;
}

std::optional<Generation> GenerationTable::reversible(std::string_view projection) const {
    std::optional<Generation> last;
    for (const Generation& one : of(projection))
        if (is_reversible(one) && (!last || last->switched < one.switched)) last = one;
    if (!last || last->spec->tenant) return last;
    const auto all = of(projection);
    const bool kept = std::any_of(all.begin(), all.end(), [&](const Generation& one) {
        return one.role == GenerationRole::retired && one.retired_by == last->number;
    });
    return kept ? last : std::nullopt;
}

std::uint32_t GenerationTable::next_number(std::string_view projection) const {
    const auto found = projections_.find(projection);
    return found == projections_.end() ? 2 : found->second.last_number + 1;
}

std::uint64_t GenerationTable::version(std::string_view projection) const {
    const auto found = projections_.find(projection);
    return found == projections_.end() ? 0 : found->second.version;
}

void GenerationTable::set_version(std::string_view projection, std::uint64_t version) {
    known(projection).version = version;
}

GenerationTable::Known& GenerationTable::known(std::string_view projection) {
    const auto found = projections_.find(projection);
    if (found != projections_.end()) return found->second;
    Known& fresh = projections_[std::string{projection}];
    fresh.generations.push_back(first_generation());
    return fresh;
}

Generation* GenerationTable::held(const GenerationName& name) {
    for (Generation& one : known(name.projection).generations)
        if (one.number == name.number) return &one;
    return nullptr;
}

ReplaySpec GenerationTable::inherited(std::string_view projection,
                                      std::optional<bus::TenantId> tenant) const {
    ReplaySpec spec{.tenant = tenant, .retakes = {}};
    const std::vector<Generation> generations = of(projection);
    for (const Generation& one : generations)
        if (one.role == GenerationRole::live && !one.spec->tenant) spec.retakes = one.spec->retakes;
    for (const Generation& one : generations) {
        if (one.role != GenerationRole::live || !one.spec->tenant) continue;
        if (tenant && tenant != one.spec->tenant) continue;
        // The tenant's own rows stand instead of its rows in those of all.
        spec.add({.tenant = one.spec->tenant});
        for (Retake retake : one.spec->retakes) {
            if (!retake.tenant) retake.tenant = one.spec->tenant;
            if (retake.tenant == one.spec->tenant) spec.add(std::move(retake));
        }
    }
    return spec;
}

std::uint32_t Origin::of(bus::TenantId tenant) const {
    const auto own = of_tenants.find(tenant);
    return own == of_tenants.end() ? of_all : own->second;
}

Origin GenerationTable::origin(const GenerationName& name) const {
    const auto found = projections_.find(name.projection);
    if (found == projections_.end()) return {};
    const std::vector<Started>& started = found->second.started;
    const auto place = std::lower_bound(
        started.begin(), started.end(), name.number,
        [](const Started& one, std::uint32_t number) { return one.number < number; });
    return place == started.end() || place->number != name.number ? Origin{} : *place->origin;
}

void GenerationTable::start(const GenerationName& name, std::shared_ptr<const ReplaySpec> spec,
                            bus::Timestamp at) {
    Known& projection = known(name.projection);
    if (name.number <= projection.last_number || candidate(name.projection)) return;
    ReplaySpec whole = inherited(name.projection, spec->tenant);
    for (const Retake& retake : spec->retakes) whole.add(retake);
    if (whole != *spec) spec = std::make_shared<const ReplaySpec>(std::move(whole));
    projection.started.push_back({name.number, std::make_shared<const Origin>(origin_of(
                                                   projection.generations, spec->tenant))});
    projection.last_number = name.number;
    projection.generations.push_back({.number = name.number,
                                      .role = GenerationRole::candidate,
                                      .spec = std::move(spec),
                                      .retired_by = 0,
                                      .switched = 0,
                                      .started_at = at});
}

void GenerationTable::make_live(const std::vector<GenerationName>& names) {
    ++switches_;
    for (const GenerationName& name : names) make_live(name, switches_);
}

void GenerationTable::make_live(const GenerationName& name, std::uint64_t order) {
    Generation* const next = held(name);
    if (!next || next->role != GenerationRole::candidate) return;
    const Generation newer = *next;
    std::vector<Generation>& all = known(name.projection).generations;
    std::erase_if(all, [&](const Generation& one) {
        return one.role == GenerationRole::retired && replaces(newer, one);
    });
    for (Generation& one : all) {
        if (one.role != GenerationRole::live || !replaces(newer, one)) continue;
        one.role = GenerationRole::retired;
        one.retired_by = name.number;
    }
    Generation& switched = *held(name);
    switched.role = GenerationRole::live;
    switched.switched = order;
}

void GenerationTable::take_back(const GenerationName& name) {
    const auto last = reversible(name.projection);
    if (!last || last->number != name.number) return;
    // There is one candidate at most: one that was being prepared meanwhile goes.
    std::vector<Generation>& all = known(name.projection).generations;
    std::erase_if(all, [](const Generation& one) { return one.role == GenerationRole::candidate; });
    for (Generation& one : all) {
        if (one.number == name.number) {
            one.role = GenerationRole::candidate;
            one.switched = 0;
        } else if (one.role == GenerationRole::retired && one.retired_by == name.number) {
            one.role = GenerationRole::live;
            one.retired_by = 0;
        }
    }
}

void GenerationTable::drop(const GenerationName& name) {
    const Generation* const one = held(name);
    if (!one || one->role == GenerationRole::live) return;
    std::erase_if(known(name.projection).generations,
                  [&](const Generation& other) { return other.number == name.number; });
}

}  // namespace schemas
