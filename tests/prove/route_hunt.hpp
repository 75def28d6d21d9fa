// Random requests through every route of /openapi.json, filled with another tenant's words.
#pragma once

#include "tests/support/product_client.hpp"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tests::prove {

struct BodyMember {
    std::string name, type;  // as its schema calls it: "string", "array"
    bool required = false;
};

struct HuntedRoute {
    std::string method, path;  // "/v1/events/{id}"
    std::vector<std::string> parameters;
    std::vector<BodyMember> members;  // of a JSON body, where its schema tells them
    bool is_of_tenants = false;       // answered to a tenant's key, on the API's port

    std::string name() const { return method + " " + path; }
    bool is_by_id() const { return path.find('{') != std::string::npos; }
};

std::vector<HuntedRoute> routes_of(const std::string& openapi);

// What a tenant reads of itself: ids, cursors, positions, times; all of it, and by member.
struct HuntWords {
    std::set<std::string> all;
    std::map<std::string, std::set<std::string>> of_member;
};

// All short texts of a JSON answer but those that hold `without`.
void collect_words(const std::string& json, const std::string& without, HuntWords& words);

struct HuntRequest {
    std::string method, target, body;
    Headers headers;  // without credentials
    bool by_id;       // words stand for {...} in its path
};

// `headers` with `more` in the place of those of the same name: of two a server reads the first.
Headers replaced(Headers headers, const Headers& more);

class RouteHunt {
public:
    // `code`: the client whose words they are, named in every eighth request.
    RouteHunt(std::vector<HuntedRoute> routes, const HuntWords& words, std::string code,
              std::uint64_t seed)
        : routes_(std::move(routes)),
          words_(words.all.begin(), words.all.end()),
          of_member_(words.of_member),
          code_(std::move(code)),
          random_(seed) {}
    HuntRequest next();
    HuntRequest of(const HuntedRoute& route);  // the same for one route

private:
    std::string word();
    std::string word_of(const std::string& member);
    std::string body(const HuntedRoute& route);
    void write_value(schemas::json::Writer& out, const BodyMember& member);
    std::string filled(const std::string& path);
    std::string query(const HuntedRoute& route);
    Headers headers();

    const std::vector<HuntedRoute> routes_;
    const std::vector<std::string> words_;
    const std::map<std::string, std::set<std::string>> of_member_;
    const std::string code_;
    std::mt19937_64 random_;
};

}  // namespace tests::prove
