// Random requests through every route of /openapi.json, filled with another tenant's words.
#pragma once

#include "tests/support/product_client.hpp"

#include <random>
#include <set>
#include <string>
#include <vector>

namespace tests::prove {

struct HuntedRoute {
    std::string method, path;  // "/v1/events/{id}"
    std::vector<std::string> parameters;
};

std::vector<HuntedRoute> routes_of(const std::string& openapi);

// All short texts of a JSON answer but those that hold `without`: ids, cursors, positions, times.
void collect_words(const std::string& json, const std::string& without,
                   std::set<std::string>& words);

struct HuntRequest {
    std::string method, target, body;
    Headers headers;  // without credentials
    bool by_id;       // a word stands for {id} in its path
};

// `headers` with `more` in the place of those of the same name: of two a server reads the first.
Headers replaced(Headers headers, const Headers& more);

class RouteHunt {
public:
    // `code`: the client whose words they are, named in every eighth request.
    RouteHunt(std::vector<HuntedRoute> routes, const std::set<std::string>& words, std::string code,
              std::uint64_t seed)
        : routes_(std::move(routes)),
          words_(words.begin(), words.end()),
          code_(std::move(code)),
          random_(seed) {}
    HuntRequest next();

private:
    std::string word();
    std::string filled(const std::string& path);
    std::string query(const HuntedRoute& route);
    Headers headers();

    const std::vector<HuntedRoute> routes_;
    const std::vector<std::string> words_;
    const std::string code_;
    std::mt19937_64 random_;
};

}  // namespace tests::prove
