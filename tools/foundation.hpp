// What every serving process stands on: certificate, data folder, log, registry, secrets.
//
// Members stand in the order of their making; they go in the reverse order. Threads: opened and
// closed from one thread.
#pragma once

#include "bus/clock.hpp"
#include "bus/tls/tls_context.hpp"
#include "producers/commands/secret_vault.hpp"
#include "schemas/control_follower.hpp"
#include "tools/installation.hpp"
#include "tools/open_log.hpp"

#include <memory>

namespace tools {

class Foundation {
public:
    // `.control` has been read to its end when it returns.
    static bus::Result<std::unique_ptr<Foundation>> open(const ServeOptions& options,
                                                         bus::Clock& clock);
    ~Foundation();

    // The registry follows and the log takes events, else why not.
    bus::Result<bus::Done> ready() const;
    // As Platform::reload_certificate(); nothing to do without one.
    bus::Result<bus::Done> reload_certificate();
    // For the jobs of this folder: where the process serves; "" = not there.
    bus::Result<bus::Done> tell_where_it_serves(const std::string& api,
                                                const std::string& ingress) const;
    void close();

    std::unique_ptr<bus::tls::Context> tls;  // null: plain HTTP
    std::unique_ptr<Installation> installation;
    std::unique_ptr<bus::Log> log;
    bus::embedded::Journal* journal = nullptr;  // log, when it is one
    std::unique_ptr<schemas::Registry> registry;
    std::unique_ptr<schemas::ControlFollower> follower;
    std::unique_ptr<producers::commands::SecretVault> vault;

private:
    explicit Foundation(std::filesystem::path data) : data_(std::move(data)) {}
    bus::Result<bus::Done> open_all(const ServeOptions& options, bus::Clock& clock);

    const std::filesystem::path data_;
    bool closed_ = false;
};

}  // namespace tools
