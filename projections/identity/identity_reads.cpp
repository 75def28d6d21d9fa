#include "projections/identity/identity_reads.hpp"

#include "bus/crypto/digest.hpp"
#include "projections/identity/customer_keys.hpp"
#include "projections/identity/identity_row.hpp"
#include "projections/stored_documents.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace projections {

namespace {

// Far more than a customer may have: links that are left out still have to be seen.
constexpr std::size_t rows_visited_max = 4 * customer_keys_max;

struct Link {
    Evidence evidence;
    std::string key;
    std::string other;
    auto operator<=>(const Link&) const = default;
};

// All that is reachable, contradictions included; shared keys are not walked through.
std::map<std::string, IdentityRow> reachable_rows(const ReadView& identity, std::string_view from) {
    std::map<std::string, IdentityRow> rows;
    std::vector<std::string> waiting{std::string{from}};
    while (!waiting.empty() && rows.size() < rows_visited_max) {
        std::string key = std::move(waiting.back());
        waiting.pop_back();
        if (rows.contains(key)) continue;
        IdentityRow row;
        const auto stored = identity.get(Table::rows, identity_row_key(key));
        if (stored && !row.decode(*stored)) row = {};
        if (!row.shared) {
            for (const auto& [other, evidence] : row.links) waiting.push_back(other);
        }
        rows.emplace(std::move(key), std::move(row));
    }
    return rows;
}

std::vector<Link> links_between(const std::map<std::string, IdentityRow>& rows) {
    std::set<Link> links;
    for (const auto& [key, row] : rows) {
        for (const auto& [other, evidence] : row.links) {
            const auto known = rows.find(other);
            if (known == rows.end() || row.shared || known->second.shared) continue;
            links.insert({evidence, std::min(key, other), std::max(key, other)});
        }
    }
    return {links.begin(), links.end()};
}

// "external:shop:cus_1" -> "external:shop"; "" for other kinds.
std::string_view external_system(std::string_view key) {
    if (!key.starts_with("external:")) return {};
    return key.substr(0, key.find(':', std::string_view{"external:"}.size()));
}

bool contradicts(const std::vector<std::string>& keys, const std::vector<std::string>& others) {
    for (const std::string& key : keys) {
        const std::string_view system = external_system(key);
        if (system.empty()) continue;
        for (const std::string& other : others) {
            if (external_system(other) == system) return true;
        }
    }
    return false;
}

class Components {
public:
    void join(const std::string& key, const std::string& other) {
        const std::size_t a = component_of(key);
        const std::size_t b = component_of(other);
        if (a == b || keys_[a].size() + keys_[b].size() > customer_keys_max ||
            contradicts(keys_[a], keys_[b]))
            return;
        for (const std::string& moved : keys_[b]) component_[moved] = a;
        keys_[a].insert(keys_[a].end(), keys_[b].begin(), keys_[b].end());
        keys_[b].clear();
    }
    const std::vector<std::string>& of(const std::string& key) { return keys_[component_of(key)]; }

private:
    std::size_t component_of(const std::string& key) {
        const auto [found, is_new] = component_.try_emplace(key, keys_.size());
        if (is_new) keys_.push_back({key});
        return found->second;
    }
    std::map<std::string, std::size_t> component_;
    std::vector<std::vector<std::string>> keys_;
};

std::vector<std::string> names_of(const std::vector<std::string>& keys,
                                  const std::map<std::string, IdentityRow>& rows) {
    std::vector<std::pair<std::int64_t, std::string>> given;
    for (const std::string& key : keys) {
        const auto row = rows.find(key);
        if (row != rows.end() && !row->second.name.empty())
            given.emplace_back(row->second.name_hour, row->second.name);
    }
    std::sort(given.rbegin(), given.rend());
    std::vector<std::string> names;
    for (auto& [hour, name] : given) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(std::move(name));
    }
    return names;
}

}  // namespace

Customer resolve_customer(const ReadView& identity, std::string_view customer_key) {
    const auto rows = reachable_rows(identity, customer_key);
    Components components;
    for (const Link& link : links_between(rows)) components.join(link.key, link.other);

    Customer customer;
    customer.keys = components.of(std::string{customer_key});
    std::sort(customer.keys.begin(), customer.keys.end(), comes_before);
    customer.id = prefixed_id("cus", bus::crypto::hash_id({"customer", customer.keys.front()}));
    customer.names = names_of(customer.keys, rows);
    return customer;
}

bool knows_key(const ReadView& identity, std::string_view customer_key) {
    return identity.get(Table::rows, identity_row_key(customer_key)).has_value();
}

std::string to_json(const Customer& customer) {
    std::string out;
    schemas::json::Writer writer{out};
    writer.begin_object().member("id", customer.id).key("keys").begin_array();
    for (const std::string& key : customer.keys) {
        const std::size_t colon = key.find(':');
        writer.begin_object().member("kind", std::string_view{key}.substr(0, colon));
        writer.member("key", std::string_view{key}.substr(colon + 1)).end_object();
    }
    writer.end_array();
    if (!customer.names.empty()) writer.member("name", customer.names.front());
    writer.key("names").begin_array();
    for (const std::string& name : customer.names) writer.text(name);
    writer.end_array().end_object();
    return out;
}

}  // namespace projections
