// Raw records as the door would write them, of the mix that the fold benchmarks use: 40 % messages,
// 40 % receipts, 10 % call reports, 5 % billing events, 5 % mails, over 200 tenants.
#pragma once

#include "bus/log.hpp"
#include "schemas/registry.hpp"

#include <array>
#include <string>

namespace bench {

inline constexpr std::size_t fold_tenants = 200;

// A registry with the tenants and one source of each kind per tenant, all bound to the built-in
// mappings.
class FoldWorld {
public:
    FoldWorld();
    const schemas::Registry& registry() const { return *registry_; }
    // Record `number` of an endless, repeatable sequence.
    bus::NewRecord record(std::size_t number, bus::PartitionId partitions) const;
    // The same with messages only, for comparison with other systems' benchmarks.
    bus::NewRecord message(std::size_t number, bus::PartitionId partitions) const;

private:
    struct Kind {
        std::string name;
        bus::Topic topic = bus::Topic::web;
        std::string stamp;
        std::string content_type;
    };
    void apply(bus::TenantId tenant, const std::string& body_type, auto body);
    bus::NewRecord wrap(const Kind& kind, std::size_t number, std::string value,
                        bus::PartitionId partitions) const;

    std::unique_ptr<schemas::Registry> registry_;
    std::array<Kind, 4> kinds_;  // chat, voice, billing, mail
    bus::Offset control_next_ = 0;
};

}  // namespace bench
