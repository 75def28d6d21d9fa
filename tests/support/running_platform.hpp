// The whole product in this process, on free ports and a folder of its own.
#pragma once

#include "tests/support/sample_webhooks.hpp"
#include "tests/support/temp_directory.hpp"
#include "tools/platform.hpp"

#include <doctest/doctest.h>

namespace tests {

class RunningPlatform {
public:
    explicit RunningPlatform(tools::ServeOptions options = {},
                             bus::Clock& clock = bus::system_clock(),
                             bus::IdSource& ids = bus::random_ids())
        : options_(std::move(options)), clock_(clock), ids_(ids) {
        options_.data = directory_.path() / "data";
        options_.ingress = options_.api = {"127.0.0.1", 0};
        start();
    }
    ~RunningPlatform() { stop(); }

    void start() {
        auto started = tools::Platform::start(options_, clock_, ids_);
        REQUIRE_MESSAGE(started, started.error().message);
        platform_ = *std::move(started);
    }
    void stop() { platform_.reset(); }

    Addresses addresses() const {
        return {.api = "http://" + tools::to_string(platform_->api()),
                .ingress = "http://" + tools::to_string(platform_->ingress()),
                .admin_key = platform_->admin_key()};
    }
    ProductClient client() const { return ProductClient(addresses()); }
    const std::filesystem::path& data() const { return options_.data; }
    const tools::Platform& platform() const { return *platform_; }

private:
    TempDirectory directory_;
    tools::ServeOptions options_;
    bus::Clock& clock_;
    bus::IdSource& ids_;
    std::unique_ptr<tools::Platform> platform_;
};

// A running platform with one tenant and a client.
struct Shop {
    Shop() : tenant(client.create_tenant("shop")) {}
    Sender sender(const std::string& kind, const std::string& slug, const std::string& secret,
                  const std::string& further = {}) {
        return {client, client.create_source(tenant, kind, slug, secret, further)};
    }
    RunningPlatform running;
    ProductClient client = running.client();
    Tenant tenant;
};

}  // namespace tests
