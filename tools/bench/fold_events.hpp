// Raw records as the door would write them, of the mix that the fold benchmarks use: 40 % messages,
// 40 % receipts, 10 % call reports, 5 % billing events, 5 % mails; over 200 tenants,
// or as many as asked for.
#pragma once

#include "bus/log.hpp"
#include "schemas/registry.hpp"

#include <array>
#include <string>

namespace bench {

struct FoldMix {
    std::size_t tenants = 200;
    double hot_share = 0;  // of the records: these are all the first tenant's
};

// A registry with the tenants and one source of each kind per tenant, all bound to the built-in
// mappings.
class FoldWorld {
public:
    explicit FoldWorld(FoldMix mix = {});
    const schemas::Registry& registry() const { return *registry_; }
    // The first receipts tell of messages before it; begin here.
    std::size_t first() const { return mix_.tenants; }
    bool is_message(std::size_t number) const;
    bus::TenantId tenant_of(std::size_t number) const;
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

    std::size_t turn_of(std::size_t number) const;
    std::size_t place_of(std::size_t number) const;  // of its tenant
    std::size_t customer_of(std::size_t number) const;
    bus::SourceId source_of(std::size_t number, std::size_t kind) const;
    std::string whatsapp(std::size_t number, std::string_view inner) const;
    std::string message_body(std::size_t number) const;
    std::string receipt_body(std::size_t number) const;
    std::string call_body(std::size_t number) const;
    std::string billing_body(std::size_t number) const;
    std::string mail_body(std::size_t number) const;

    const FoldMix mix_;
    const std::size_t hot_tenants_;  // so many of the tenants' turns are the first one's
    std::unique_ptr<schemas::Registry> registry_;
    std::array<Kind, 4> kinds_;  // chat, voice, billing, mail
    bus::Offset control_next_ = 0;
};

}  // namespace bench
