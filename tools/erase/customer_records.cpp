#include "tools/erase/customer_records.hpp"

#include "bus/envelope.hpp"
#include "projections/identity/customer_keys.hpp"
#include "schemas/mapping/phone_countries.hpp"
#include "tools/erase/key_texts.hpp"
#include "tools/erase/tenant_records.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tools::erase {

using bus::Done;
using bus::Result;

namespace {

// By which a client's national numbers may be read, whatever source has them.
class ClientCountries {
public:
    ClientCountries(const schemas::Registry& registry, const schemas::Tenant& tenant)
        : registry_(registry) {
        add(schemas::mapping::country(tenant.country));
        for (const auto& source : registry.sources(tenant.id)) add(*source);
    }
    void add(const schemas::Source& source) {
        add(schemas::mapping::country(source.settings->country));
        for (const std::string& stamp : registry_.stamps(source.id)) {
            if (!stamps_.insert(stamp).second) continue;
            const auto bound = registry_.bound_mapping(stamp);
            if (!bound) continue;  // a record that is read with it stops the search
            for (const auto& country : schemas::mapping::phone_countries(*bound)) add(country);
        }
    }
    const Countries& all() const { return countries_; }

private:
    void add(const schemas::mapping::Country& country) {
        const bool is_known =
            std::any_of(countries_.begin(), countries_.end(),
                        [&](const auto& one) { return one.code == country.code; });
        if (!is_known) countries_.push_back(country);
    }

    const schemas::Registry& registry_;
    std::set<std::string> stamps_;  // that were looked at
    Countries countries_;
};

class CustomerSearch {
public:
    CustomerSearch(const schemas::Registry& registry, schemas::TenantReadings& readings,
                   const schemas::Tenant& tenant, const projections::Customer& customer)
        : registry_(registry),
          readings_(readings),
          customer_(customer),
          keys_(customer.keys.begin(), customer.keys.end()),
          countries_(registry, tenant),
          texts_(customer.keys, countries_.all()) {}

    Result<Done> look_at(const bus::RecordView& record, CustomerRecords& found) {
        if (record.erased) return Done{};
        const auto envelope = bus::read_envelope(record.headers);
        if (!envelope) return envelope.error();
        const auto source = registry_.source(envelope->source);
        if (envelope->type != bus::raw_event_type) {  // refused at the door, or a fact
            if (texts_for(source.get()).found_in(record.value))
                found.hers.push_back(record.address);
            return Done{};
        }
        Verdict verdict;
        auto judged =
            readings_.visit(record, *envelope, source ? std::string_view(source->slug) : "",
                            [&](const auto& reading) { judge(reading, verdict); });
        if (!judged) return judged;
        if (verdict.is_hers ||
            (verdict.is_left_open && texts_for(source.get()).found_in(record.value)))
            (verdict.is_others ? found.shared : found.hers).push_back(record.address);
        return Done{};
    }

private:
    struct Verdict {
        bool is_hers = false, is_others = false;
        bool is_left_open = false;  // whose something in it is
    };

    // Whose it is besides is what the rows say: a reading that was corrected takes it from nobody.
    void judge(const schemas::TenantReadings::Reading& reading, Verdict& verdict) const {
        if (reading.mapped.events.empty() || !reading.mapped.failures.empty())
            verdict.is_left_open = true;
        for (const schemas::Event& event : reading.mapped.events) {
            const std::vector<std::string> keys = projections::customer_keys(event);
            const bool names_her =
                std::any_of(keys.begin(), keys.end(),
                            [&](const std::string& key) { return keys_.contains(key); });
            if (keys.empty()) verdict.is_left_open = true;
            if (names_her) verdict.is_hers = true;
            if (!names_her && !keys.empty() && reading.is_live) verdict.is_others = true;
        }
    }

    // A source that was deleted is not among the client's, yet its records are.
    const KeyTexts& texts_for(const schemas::Source* source) {
        if (!source || !source->deleted) return texts_;
        const auto known = texts_of_deleted_.find(source->id);
        if (known != texts_of_deleted_.end()) return known->second;
        ClientCountries countries = countries_;
        countries.add(*source);
        return texts_of_deleted_.emplace(source->id, KeyTexts(customer_.keys, countries.all()))
            .first->second;
    }

    const schemas::Registry& registry_;
    schemas::TenantReadings& readings_;
    const projections::Customer& customer_;
    const std::set<std::string> keys_;
    const ClientCountries countries_;
    const KeyTexts texts_;
    std::map<bus::SourceId, KeyTexts> texts_of_deleted_;
};

}  // namespace

Result<CustomerRecords> find_customer_records(bus::Log& log, const schemas::Registry& registry,
                                              schemas::TenantReadings& readings,
                                              const schemas::Tenant& tenant,
                                              const projections::Customer& customer,
                                              jobs::JobRun& run) {
    const auto total = records_to_read(log, tenant.id);
    if (!total) return total.error();
    run.phase("finding the person's records", *total, "records");
    CustomerRecords found;
    CustomerSearch search(registry, readings, tenant, customer);
    auto visited = visit_tenant_records(log, tenant.id, run, [&](const bus::RecordView& record) {
        return search.look_at(record, found);
    });
    if (!visited) return visited.error();
    return found;
}

}  // namespace tools::erase
