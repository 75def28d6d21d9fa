// A proxy of Debian in front of a port, as in production: it reads requests in its own way, which
// is what smuggling needs. One process on a free loopback port, ended by its id.
#pragma once

#include "tests/support/temp_directory.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tests::prove {

// How one kind of proxy is run. Connections to the upstream are kept and shared, so that a request
// left over on one would be answered to somebody else. Its log has a line for each request that it
// read, by whom it was answered.
struct ProxyKind {
    std::string name, program;
    // Of its configuration: {folder}, {port} and {upstream} are filled in.
    std::string configuration;
    std::vector<std::string> flags;
    std::string answered_itself;  // stands in the lines of requests that were not passed on
};
std::vector<ProxyKind> proxy_kinds();  // nginx, HAProxy
bool is_installed(const ProxyKind& kind);

class FrontProxy {
public:
    // `upstream` is "http://HOST:PORT". Throws when it does not come up.
    FrontProxy(const ProxyKind& kind, const std::string& upstream);
    ~FrontProxy();
    FrontProxy(const FrontProxy&) = delete;
    FrontProxy& operator=(const FrontProxy&) = delete;

    const std::string& address() const { return address_; }
    std::size_t requests_passed_on() const;  // to the upstream, by its own account

private:
    void run(const std::string& folder) const;

    const ProxyKind kind_;
    TempDirectory directory_;
    std::string address_;
    pid_t pid_ = 0;
};

}  // namespace tests::prove
