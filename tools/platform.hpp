// The whole product in one process: the only place where the parts are joined.
//
// Start order: folder, log, registry (`.control` read to its end), projectors, door, ports. Stop is
// the reverse: intake stops and drains, folds commit, the log closes. Used by `serve`, tests and
// benchmarks. Threads: start and stop from one thread.
#pragma once

#include "bus/clock.hpp"
#include "tools/options.hpp"

#include <memory>

namespace tools {

class Platform {
public:
    // `clock` and `ids` outlive the platform.
    static bus::Result<std::unique_ptr<Platform>> start(const ServeOptions& options,
                                                        bus::Clock& clock = bus::system_clock(),
                                                        bus::IdSource& ids = bus::random_ids());
    virtual ~Platform() = default;

    virtual Endpoint ingress() const = 0;  // with the ports that were taken
    virtual Endpoint api() const = 0;
    virtual const std::string& admin_key() const = 0;

    // Events are taken and every partition is within `ready_lag_records` of the end of the log;
    // else why not. As /readyz of the API; that of the ingress does not ask for rows.
    virtual bus::Result<bus::Done> ready() const = 0;
    // Shows the certificate that the files hold now, to connections from here on. An error leaves
    // the one that was in use. Any thread.
    virtual bus::Result<bus::Done> reload_certificate() = 0;
    virtual void stop() = 0;
};

inline constexpr std::uint64_t ready_lag_records = 1'000;

}  // namespace tools
