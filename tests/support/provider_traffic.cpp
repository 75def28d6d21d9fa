#include "tests/support/provider_traffic.hpp"

#include "schemas/json/json.hpp"
#include "schemas/providers/built_in.hpp"

#include <algorithm>

namespace tests {
namespace {

namespace demo = tools::demo;

constexpr bus::Timestamp end_of_week{bus::seconds{1'700'000'000}};

std::map<std::string, std::string> words(schemas::json::Value object) {
    std::map<std::string, std::string> out;
    object.each_member([&out](std::string_view name, schemas::json::Value value) {
        out.emplace(name, value.scalar_text());
    });
    return out;
}

schemas::SourceSettings settings_of(schemas::json::Value record) {
    schemas::SourceSettings settings;
    settings.field_mapping = words(record["field_mapping"]);
    settings.status_mapping = words(record["status_mapping"]);
    settings.time_format = record["time_format"].text();
    settings.country = record["country"].text();
    if (record["time_zone"]) settings.time_zone = record["time_zone"].text();
    for (const char* name : {"address", "team", "department"})
        if (record[name]) settings.extra[name] = record[name].text();
    return settings;
}

std::string mapping_text(const std::string& kind) {
    if (kind == "generic") return demo::fill_sample("orders_mapping.yaml", {});
    const auto kinds = schemas::built_in_providers();
    BUS_ASSERT(kinds, "the built-in files parse");
    const auto found = std::find_if(kinds->begin(), kinds->end(),
                                    [&](const auto& known) { return known.kind == kind; });
    BUS_ASSERT(found != kinds->end(), "the demo's kinds are built in");
    return found->mapping_text;
}

}  // namespace

const ProviderTraffic& ProviderTraffic::instance() {
    static const ProviderTraffic traffic;
    return traffic;
}

ProviderTraffic::ProviderTraffic() : events_(demo::sample_traffic(end_of_week)) {
    schemas::json::Parser parser;
    const std::string text = demo::fill_sample("sources.json", {{"secret", "none"}});
    const auto list = parser.parse(text);
    BUS_ASSERT(list, "the demo's sources are JSON");
    for (std::size_t i = 0; i < list->size(); ++i) {
        const schemas::json::Value record = list->at(i);
        add_source(std::string(record["slug"].text()), std::string(record["kind"].text()), record);
    }
    add_source("", "cloudevents", {});
}

void ProviderTraffic::add_source(const std::string& slug, const std::string& kind,
                                 schemas::json::Value record) {
    auto mapping = schemas::Mapping::compile(mapping_text(kind), kind + ".yaml");
    BUS_ASSERT(mapping, "the built-in mappings compile");
    auto bound = schemas::BoundMapping::bind(*mapping, settings_of(record));
    BUS_ASSERT(bound, "the demo's sources bind");
    const bus::SourceId id{sources_.size() + 1};
    registry_.add_source(id, slug);
    registry_.add_mapping(*bound);
    sources_.emplace(slug, TrafficSource{id, *bound});
}

}  // namespace tests
