// The door: from a request to what is to be stored and answered. Resolves the source, verifies,
// bounds, keys; never interprets, never blocks on the log. A body that names several tenants, each
// of whose secrets proves it, is split (door_parts.cpp).
//
// Errors are answers: 400 drop it, 401 fix the key, 404 unknown or disabled, 405/413/415 as named,
// 429 slow down, 503 our fault, send again. One thread.
#pragma once

#include "bus/clock.hpp"
#include "bus/crypto/sealing.hpp"
#include "producers/cloud_events.hpp"
#include "producers/decision.hpp"
#include "producers/door_probe.hpp"
#include "producers/raw_record.hpp"

#include <functional>
#include <unordered_map>

namespace producers {

// What the door needs from the program. All outlive it.
struct DoorPorts {
    const schemas::Registry& registry;
    SecretOpener& secrets;
    // Reads `.control` to its end before a 404; runs on the door's thread, so it must return soon
    // (50 ms), above all when the log hangs. Called at most once per DoorLimits::catch_up_interval.
    // May be empty.
    std::function<void()> catch_up;
    bus::Clock& clock;
    bus::IdSource& ids;
};

struct DoorOptions {
    bus::PartitionId partitions = 8;
    // Makes dedup fingerprints useless to who reads the log. Must stay the same for an
    // installation.
    bus::crypto::Key256 installation_key{};
    DoorLimits limits{};
};

class Door {
public:
    Door(DoorPorts ports, DoorOptions options);
    ~Door();

    Decision decide(const RequestView& request);
    // The head promised more than the bounds allow; the body was not read.
    Decision decide_too_large(const RequestView& head);

    const DoorLimits& limits() const { return options_.limits; }
    bool serves(std::string_view path) const;

private:
    using SourcePtr = std::shared_ptr<const schemas::Source>;
    // Which source a request is for, or why none is.
    struct Lookup {
        SourcePtr source;
        // Nothing in the address names the source: it holds an account in the body, or answers for
        // the path. Until its secret proves a body, that may be anybody's: one whose secret cannot
        // gets only what no other tenant claims.
        bool by_claim = false;
        std::optional<std::string_view> proved_by = {};  // id of its secret that proves the body
        std::string_view unfit =
            "no source answers here; check the address that POST /v1/sources gave";
    };

    Decision webhook(const RequestView& request, const PathMatch& match);
    Lookup look_up(const RequestView& request, const PathMatch& match);
    Lookup look_up_once(const RequestView& request, const PathMatch& match);
    Lookup look_up_fixed(const RequestView& request, const PathMatch& match);
    SourcePtr of_client(std::string_view code, const RequestView& request, const PathMatch& match);
    std::vector<SourcePtr> sources_at(const PathEntry& path, bus::TenantId tenant) const;
    Lookup by_claim(const RequestView& request, const PathMatch& match);
    SourcePtr in_place_of(const SourcePtr& disabled, const RequestView& request,
                          const PathEntry& path) const;
    SourcePtr default_source(const RequestView& request, const PathEntry& path,
                             const std::vector<SourcePtr>& claiming);
    // Those that receive something come first.
    std::vector<SourcePtr> claimants(const RequestView& request, const PathEntry& path);
    static bool usable(const SourcePtr& source);
    bool receives(const SourcePtr& source) const;
    static std::vector<std::string> named_accounts(const RequestView& request,
                                                   const PathEntry& path,
                                                   schemas::json::Value document);
    // The disabled among them too: what is theirs is nobody else's. Each source once.
    std::vector<SourcePtr> sources_of(const std::vector<std::string>& accounts) const;
    std::size_t proofs_max(const RequestView& request) const;
    static bool can_prove(const SourceGate& gate);

    // Whom a body is for beside the source that admitted it.
    struct Sharing {
        enum class State : std::uint8_t { one_tenant, several, too_many, unusable };
        struct Owner {
            SourceGate* gate;
            std::string_view secret_id;  // which of its own proved the body
            bool receives = true;
        };
        State state = State::one_tenant;
        std::vector<Owner> owners = {};  // the first is the source that admitted it

        std::optional<std::size_t> owner_of(const schemas::Source& source) const;
        void judge(bool names_own, std::size_t parts_max);
    };
    struct Part {
        std::string text;
        std::string_view whole;  // see bus::header::whole
    };
    Sharing sharing_of(const RequestView& request, const PathEntry& path, SourceGate& gate,
                       std::string_view secret_id, schemas::json::Value document);
    // None: all of it is for the source that admitted it.
    std::optional<Decision> share(const RequestView& request, const PathEntry& path,
                                  SourceGate& gate, const Sharing& sharing,
                                  schemas::json::Value document);
    bus::Result<bus::NewRecord> part_record(const RequestView& request, const PathEntry& path,
                                            const Sharing& sharing, std::size_t number,
                                            const Part& part);
    Decision refuse_several(const RequestView& request, const PathEntry& path);

    Decision admit(const RequestView& request, const PathEntry& path, SourceGate& gate,
                   bool by_claim = false);
    std::optional<Answered> refuse_method(const RequestView& request, const PathEntry& path);
    std::optional<Refusal> check_envelope(const RequestView& request, const SourceGate& gate) const;
    bus::Result<schemas::json::Value> check_body(const RequestView& request,
                                                 const SourceGate& gate);
    Decision refuse(const RequestView& request, const PathEntry& path, SourceGate* gate,
                    const Refusal& refusal);
    Decision refuse_unusable();
    bool tenant_active(bus::TenantId tenant) const;
    bool has_passed(bus::milliseconds interval, bus::Timestamp since) const;
    void catch_up();
    // Holds until it is asked for another version of the source: within a request use one.
    SourceGate& gate_of(const SourcePtr& source);
    // What a path led to when it was admitted before, while `.control` has not moved since: the
    // look-ups (by the token's hash, of the tenant) are then known to give the same.
    struct Remembered {
        const PathEntry* entry;
        SourceGate* gate;
    };
    const Remembered* remembered(std::string_view path);

    Decision handshake(const RequestView& request, const PathMatch& match);
    SourcePtr handshake_source(const RequestView& request, const PathMatch& match,
                               std::string_view token_hash);
    SourcePtr source_of_verify_token(const PathEntry& path, std::string_view token_hash) const;

    Decision events(const RequestView& request, bool batch);
    struct Publisher;
    bus::Result<Publisher> authenticate(const RequestView& request);
    EventItem event_item(const CloudEvent& event, const Publisher& publisher);
    Answered refuse_events(int status, std::string_view code, std::string_view detail) const;

    DoorPorts ports_;
    DoorOptions options_;
    PathTable paths_;
    DoorProbe probe_;
    schemas::json::Parser parser_;
    std::unordered_map<bus::SourceId, std::unique_ptr<SourceGate>> gates_;
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    // A path or two per source.
    std::unordered_map<std::string, Remembered, TextHash, std::equal_to<>> remembered_;
    bus::Offset remembered_at_ = 0;  // Registry::applied() when they were
    TokenBucket unknown_rejected_rate_;
    const bus::crypto::HmacKey dedup_key_;  // of the installation
    bus::Timestamp caught_up_at_{};
    bus::Timestamp now_{};  // of the request being decided
};

}  // namespace producers
