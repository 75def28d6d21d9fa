// The generations of every projection, as `.control` has decided them: which one is live, which one
// may become it, which one was it; and what each took anew of the past (a replay's spec).
//
// A projection that no fact has named has generation 1, live, with an empty spec. Numbers are never
// used again. What a partition's store has of a generation stands in that store's own catalogue.
#pragma once

#include "bus/envelope.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace schemas {

struct GenerationName {
    std::string projection;
    std::uint32_t number = 1;
    auto operator<=>(const GenerationName&) const = default;
};

// Records of `source` that are stamped with `from` are mapped with `to`.
struct StampChange {
    bus::SourceId source;
    std::string from, to;
    auto operator<=>(const StampChange&) const = default;
};

// Records that one replay read anew: those that its filters choose.
struct Retake {
    std::optional<bus::TenantId> tenant{};
    std::optional<bus::SourceId> source{};
    std::optional<bus::Timestamp> from{}, to{};  // of receipt, [from, to)
    // Of events, as "call.answered" or "call.*"; empty = all.
    std::vector<std::string> types{};
    bool latest = false;                // with the stamp changes below; else as stamped
    std::vector<StampChange> stamps{};  // sorted; fixed when the replay starts

    bool operator==(const Retake&) const = default;

    bool covers(const bus::Envelope& envelope) const;                 // types apart
    bool covers(const Retake& other) const;                           // all that the other one does
    std::string_view stamp_for(const bus::Envelope& envelope) const;  // one that is covered
    bool wants_type(std::string_view event_type) const;
};

// What a generation means differently from what records are stamped with. The newest retake that
// covers a record decides; a record that none covers folds as stamped.
struct ReplaySpec {
    // Only the rows of this tenant are built, and go live for it alone.
    std::optional<bus::TenantId> tenant{};
    std::vector<Retake> retakes{};  // the newest last

    bool operator==(const ReplaySpec&) const = default;

    bool builds(bus::TenantId rows_of) const { return !tenant || *tenant == rows_of; }
    void add(Retake newest);  // what it covers whole goes
};

enum class GenerationRole : std::uint8_t { candidate, live, retired };

struct Generation {
    std::uint32_t number = 1;
    GenerationRole role = GenerationRole::live;
    std::shared_ptr<const ReplaySpec> spec;  // never null
    std::uint32_t retired_by = 0;            // the generation that took its place
    std::uint64_t switched = 0;              // order of the switches, one each; 0 = never
    bus::Timestamp started_at{};
};

// What the rows of a generation go on from: what was live when it was started.
struct Origin {
    std::uint32_t of_all = 0;                           // 0: nothing, it is the first one
    std::map<bus::TenantId, std::uint32_t> of_tenants;  // of their own, instead of those of all

    std::uint32_t of(bus::TenantId tenant) const;
    bool operator==(const Origin&) const = default;
};

class GenerationTable {
public:
    // In the order of their numbers; never empty.
    std::vector<Generation> of(std::string_view projection) const;
    std::optional<Generation> find(const GenerationName& name) const;
    std::optional<Generation> candidate(std::string_view projection) const;
    // The one that was switched to last and can be taken back.
    std::optional<Generation> reversible(std::string_view projection) const;
    std::uint32_t next_number(std::string_view projection) const;
    std::uint64_t version(std::string_view projection) const;  // counts its facts, as registered

    // What a generation with these rows begins with: what the live ones took anew, so that no
    // replay undoes an earlier one.
    ReplaySpec inherited(std::string_view projection, std::optional<bus::TenantId> tenant) const;
    // Of every generation that ever was started, those that are gone too: bases hold their rows.
    Origin origin(const GenerationName& name) const;

    // The fold of the facts. What does not fit any more changes nothing. `spec` holds what is taken
    // anew now, beside what was before.
    void start(const GenerationName& name, std::shared_ptr<const ReplaySpec> spec,
               bus::Timestamp at);
    // The live one with the same rows (all of them, if this one is of all tenants) retires; what
    // retired before is gone.
    void make_live(const std::vector<GenerationName>& names);
    void make_live(const GenerationName& name) { make_live(std::vector{name}); }
    void take_back(const GenerationName& name);  // a candidate again; what it retired is live
    void drop(const GenerationName& name);       // not a live one
    void set_version(std::string_view projection, std::uint64_t version);

private:
    struct Started {
        std::uint32_t number = 0;
        std::shared_ptr<const Origin> origin;  // shared by all copies of the table
    };
    struct Known {
        std::vector<Generation> generations;
        std::vector<Started> started;  // in the order of their numbers
        std::uint32_t last_number = 1;
        std::uint64_t version = 0;
    };
    void make_live(const GenerationName& name, std::uint64_t order);
    Known& known(std::string_view projection);
    Generation* held(const GenerationName& name);

    std::map<std::string, Known, std::less<>> projections_;
    std::uint64_t switches_ = 0;
};

std::string_view name(GenerationRole role);

// "call.*" fits "call.answered"; "*" fits all.
bool fits_pattern(std::string_view pattern, std::string_view type);

}  // namespace schemas
