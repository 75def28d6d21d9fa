// Debian's nginx in front of a port, as in production: it reads requests in its own way, which is
// what smuggling needs. One process on a free loopback port, ended by its id.
#pragma once

#include "tests/support/temp_directory.hpp"

#include <sys/types.h>

#include <string>

namespace tests::prove {

class NginxProxy {
public:
    static bool is_installed();
    // `upstream` is "http://HOST:PORT". Throws when it does not come up.
    explicit NginxProxy(const std::string& upstream);
    ~NginxProxy();
    NginxProxy(const NginxProxy&) = delete;
    NginxProxy& operator=(const NginxProxy&) = delete;

    const std::string& address() const { return address_; }
    std::size_t requests_passed_on() const;  // to the upstream, by its own account

private:
    TempDirectory directory_;
    std::string address_;
    pid_t pid_ = 0;
};

}  // namespace tests::prove
