// A company's week as every built-in provider reports it, for tests that fold with the real
// mappings: the demo's samples, with a bound mapping per source.
#pragma once

#include "schemas/json/json.hpp"
#include "tests/support/registry_double.hpp"
#include "tools/demo/sample_traffic.hpp"

#include <map>
#include <string>
#include <vector>

namespace tests {

struct TrafficSource {
    bus::SourceId id;
    std::shared_ptr<const schemas::BoundMapping> mapping;
};

class ProviderTraffic {
public:
    // Reads and compiles once; lives as long as the process.
    static const ProviderTraffic& instance();

    const std::vector<tools::demo::SampleEvent>& events() const { return events_; }
    const TrafficSource& source(const std::string& slug) const { return sources_.at(slug); }
    const support::RegistryDouble& registry() const { return registry_; }

private:
    ProviderTraffic();
    void add_source(const std::string& slug, const std::string& kind, schemas::json::Value record);

    std::vector<tools::demo::SampleEvent> events_;
    std::map<std::string, TrafficSource> sources_;  // by slug; "" = the tenant's own programs
    support::RegistryDouble registry_;
};

}  // namespace tests
