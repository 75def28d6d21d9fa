#include "projections/identity/identity_row.hpp"

#include "projections/stored_documents.hpp"

#include <algorithm>
#include <tuple>

namespace projections {

using schemas::json::Value;
using schemas::json::Writer;

namespace {

std::int64_t hour_of(bus::Timestamp time) {
    return std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count();
}

bool is_better(const std::pair<const std::string, Evidence>& a,
               const std::pair<const std::string, Evidence>& b) {
    return std::tie(a.second, a.first) < std::tie(b.second, b.first);
}

}  // namespace

bool IdentityRow::would_change_link(const std::string& other, const Evidence& evidence) const {
    const auto found = links.find(other);
    if (found != links.end()) return evidence < found->second;
    if (links.size() < links_max || !shared) return true;
    const std::pair<const std::string, Evidence> candidate{other, evidence};
    return is_better(candidate, *std::max_element(links.begin(), links.end(), is_better));
}

void IdentityRow::link(const std::string& other, const Evidence& evidence) {
    const auto [found, is_new] = links.try_emplace(other, evidence);
    if (!is_new) found->second = std::min(found->second, evidence);
    if (links.size() <= links_max) return;
    shared = true;
    links.erase(std::max_element(links.begin(), links.end(), is_better));
}

bool IdentityRow::would_change_name(std::string_view given, bus::Timestamp at) const {
    return !given.empty() && (name.empty() || std::tuple{name_hour, std::string_view{name}} <
                                                  std::tuple{hour_of(at), given});
}

void IdentityRow::give_name(std::string_view given, bus::Timestamp at) {
    if (!would_change_name(given, at)) return;
    name = given;
    name_hour = hour_of(at);
}

void IdentityRow::encode(std::string& out) const {
    Writer writer{out};
    writer.begin_object().member("key", key);
    if (!name.empty()) writer.member("name", name).member("name_hour", name_hour);
    writer.member("shared", shared).key("links").begin_array();
    for (const auto& [other, evidence] : links) {
        writer.begin_object().member("key", other).member("verified", !evidence.unverified);
        writer.member("at", evidence.time).member("event_id", bus::to_string(evidence.event_id));
        writer.end_object();
    }
    writer.end_array().end_object();
}

bus::Result<bus::Done> IdentityRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const Value& shown = documents->shown;
    key = text_of(shown["key"]);
    name = text_of(shown["name"]);
    name_hour = shown["name_hour"].integer().value_or(0);
    shared = shown["shared"].boolean().value_or(false);
    shown["links"].each_element([&](Value link) {
        links[text_of(link["key"])] = {
            .unverified = !link["verified"].boolean().value_or(false),
            .time = time_of(link["at"]).value_or(bus::Timestamp{}),
            .event_id = bus::parse_event_id(link["event_id"].text()).value_or(bus::EventId{})};
    });
    return bus::Done{};
}

std::string identity_row_key(std::string_view customer_key) {
    return KeyWriter{}.byte('k').raw(customer_key).take();
}

}  // namespace projections
