// What a TLS port must agree to and what it must refuse, each with the answer it must get:
// versions, ciphers, protocols, renegotiation, resumption, and bytes that are no handshake.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tests {

struct TlsProbe {
    std::string name, expected;
    std::function<std::string(const std::string& address)> run;  // gives what was seen
};

// For a port whose certificate has an RSA key: then no cipher is out of reach for its lack.
std::vector<TlsProbe> tls_probes();

}  // namespace tests
