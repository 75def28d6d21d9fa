// From a validated command to a decided fact: publish to `.control`, wait until it is durable and
// until this process's registry has applied it, answer from what became of it.
#pragma once

#include "bus/clock.hpp"
#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "producers/commands/secret_vault.hpp"
#include "schemas/control_facts.hpp"

#include <functional>
#include <variant>

namespace producers::commands {

// One request's will. The same id is decided once, however often it is published; without an
// Idempotency-Key the id is random.
struct Command {
    std::string id;
    std::string request_hash;

    // The same for the same command: what a retry creates has the same ids.
    std::uint64_t derived_id64(std::string_view purpose) const;
};

// The fact that decided, as the log holds it: of an earlier try when the command was repeated.
struct Decided {
    schemas::ControlFact fact;
    std::uint64_t version = 0;  // of the object, right after the fact
};

// What the command becomes against current rows, or the answer that refuses it.
struct Proposal {
    schemas::ControlBody body;
    schemas::Requirements requirements;
};
using Propose = std::function<std::variant<Proposal, bus::http::Response>()>;

// Threads: any. Blocks up to `wait_max` for the log and again for the registry.
class ControlWriter {
public:
    static constexpr bus::milliseconds wait_max{10'000};

    ControlWriter(bus::Log& log, schemas::Registry& registry, bus::Clock& clock, bus::IdSource& ids)
        : log_(log), registry_(registry), clock_(clock), ids_(ids) {}

    // `propose` is called again once when someone else was first, then 409. A command decided
    // before is answered as it was then; with another request behind it, 409.
    std::variant<Decided, bus::http::Response> decide(const Command& command, bus::TenantId tenant,
                                                      const Propose& propose);

    // Makes the bound mapping durable and applied; nothing to do when it is. Its stamp.
    bus::Result<std::string> ensure_bound(const std::shared_ptr<const schemas::Mapping>& mapping,
                                          const schemas::SourceSettings& settings);

    bus::Result<bus::Done> store_data_key(std::string_view data_key_id, std::string wrapped);
    bus::Result<bus::Done> shred_data_key(std::string_view data_key_id);  // a tombstone
    // The data key travels in its own topic, so it may arrive after its tenant.
    bus::Result<bus::Done> wait_for_data_key(bus::TenantId tenant) const;

    bus::Timestamp now() { return clock_.now(); }
    bus::IdSource& ids() { return ids_; }

private:
    bus::Result<bus::Done> put_data_key(std::string_view data_key_id, std::string_view type,
                                        std::optional<std::string> wrapped);
    bus::Result<bus::Offset> publish(const schemas::ControlFact& fact);
    std::variant<Decided, bus::http::Response> answer(const schemas::Registry::Outcome& outcome);

    bus::Log& log_;
    schemas::Registry& registry_;
    bus::Clock& clock_;
    bus::IdSource& ids_;
};

}  // namespace producers::commands
