#include "tools/foundation.hpp"

#include "schemas/providers/built_in.hpp"
#include "tools/running_instance.hpp"

#include <unistd.h>

namespace tools {

bus::Result<std::unique_ptr<Foundation>> Foundation::open(const ServeOptions& options,
                                                          bus::Clock& clock) {
    auto foundation = std::unique_ptr<Foundation>(new Foundation(options.data));
    if (auto opened = foundation->open_all(options, clock); !opened) return opened.error();
    return foundation;
}

bus::Result<bus::Done> Foundation::open_all(const ServeOptions& options, bus::Clock& clock) {
    if (options.tls.given()) {
        auto opened = bus::tls::Context::open(options.tls);
        if (!opened) return opened.error();
        tls = *std::move(opened);
    }
    auto folder = open_installation(options);
    if (!folder) return folder.error();
    installation = std::make_unique<Installation>(*std::move(folder));
    auto opened_log = open_served_log(options, clock);
    if (!opened_log) return opened_log.error();
    log = std::move(opened_log->log);
    journal = opened_log->journal;
    auto providers = schemas::built_in_providers();
    if (!providers) return providers.error();
    registry = schemas::make_registry(*std::move(providers));
    auto following = schemas::ControlFollower::start(*log, *registry);
    if (!following) return following.error();
    follower = *std::move(following);
    vault = std::make_unique<producers::commands::SecretVault>(installation->master_key, *registry);
    return bus::Done{};
}

Foundation::~Foundation() {
    close();
}

bus::Result<bus::Done> Foundation::ready() const {
    if (const auto failure = follower->failure())
        return bus::fail(failure->code, "the registry stands still: {}", failure->message);
    const auto status = log->status();
    if (!status.accepting)
        return bus::fail(bus::ErrorCode::unavailable, "the log does not accept events: {}",
                         status.detail);
    return bus::Done{};
}

bus::Result<bus::Done> Foundation::reload_certificate() {
    return tls ? tls->reload() : bus::Done{};
}

bus::Result<bus::Done> Foundation::tell_where_it_serves(const std::string& api,
                                                        const std::string& ingress) const {
    return write_serving_note(
        data_, {.process = ::getpid(),
                .api = api,
                .ingress = ingress,
                .engine = std::string(log->engine()),
                .public_key_pin = tls ? tls->current().public_key_pin : std::string{}});
}

void Foundation::close() {
    if (std::exchange(closed_, true)) return;
    follower.reset();
    if (log) log->close();
    if (installation) remove_serving_note(data_);
}

}  // namespace tools
