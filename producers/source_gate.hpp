// A source made ready to receive: its verification compiled, its secrets opened, the part of the
// envelope that never changes written once. Made again when the registry shows a new version.
#pragma once

#include "producers/door_limits.hpp"
#include "producers/json_path.hpp"
#include "producers/secret_opener.hpp"
#include "producers/verify/verifier.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace producers {

struct SourceGate {
    std::shared_ptr<const schemas::Source> source;
    const schemas::ProviderKind* kind = nullptr;
    std::optional<verify::Verifier> verifier;
    std::vector<verify::OpenedSecret> secrets;
    std::vector<JsonPath> dedup_paths;
    std::size_t dedup_values_max;
    std::vector<std::string> kept_headers;  // lower case, none of them a credential
    std::string tenant_text;
    std::string fixed_headers;  // encoded
    bus::PartitionId partition = 0;
    std::string fault;            // why nothing can be received: our side, 503
    bool fault_may_pass = false;  // a secret could not be opened yet: worth making the gate again
    bool has_closed_secret = false;  // what else it may prove cannot be told
    bus::Timestamp made_at{};
    // The accounts in the last body that was seen to name those of one tenant only, and
    // Registry::applied() then: the next body mostly names the same.
    std::vector<std::string> accounts_apart;
    bus::Offset accounts_apart_at = 0;
    TokenBucket rate;
    TokenBucket rejected_rate;

    explicit SourceGate(const DoorLimits& limits)
        : dedup_values_max(limits.dedup_values_max),
          rate(limits.source_rate),
          rejected_rate(limits.rejected_rate) {}
    bool accepts_method(std::string_view method) const;
    const std::vector<std::string>& methods() const {
        return source->methods->empty() ? kind->methods : *source->methods;
    }
};

// Never fails: what is wrong stands in `fault`.
std::unique_ptr<SourceGate> make_gate(std::shared_ptr<const schemas::Source> source,
                                      const schemas::ProviderKind* kind, SecretOpener& opener,
                                      bus::PartitionId partitions, const DoorLimits& limits);

}  // namespace producers
