// The public port over a log and a registry: the door and the server before it.
//
// Threads: start and stop from one thread.
#pragma once

#include "bus/clock.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/tls/tls_context.hpp"
#include "producers/commands/secret_vault.hpp"
#include "producers/door.hpp"
#include "producers/edge/edge_server.hpp"
#include "tools/installation.hpp"
#include "tools/options.hpp"

#include <memory>

namespace tools {

// Dedup fingerprints must not be guessable from the log, and must stay the same: derived, not kept.
bus::crypto::Key256 installation_key(const bus::crypto::Key256& master_key);

struct IntakePorts {
    bus::Log& log;
    bus::embedded::Journal* journal;  // log, when it is one
    schemas::Registry& registry;
    producers::commands::SecretVault& secrets;
    bus::tls::Context* tls;  // null: plain HTTP
    bus::Clock& clock;
    bus::IdSource& ids;
};

class Intake {
public:
    // Of the options: ingress, partitions, source_rate. `health` are routes of this port.
    static bus::Result<std::unique_ptr<Intake>> start(const ServeOptions& options,
                                                      const bus::crypto::Key256& master_key,
                                                      const IntakePorts& ports,
                                                      std::vector<bus::http::Route> health);

    std::uint16_t port() const { return edge_->port(); }
    void stop();  // what is under way is answered first, for some seconds

private:
    std::unique_ptr<producers::Door> door_;
    std::unique_ptr<producers::edge::EdgeServer> edge_;
};

}  // namespace tools
