#include "tools/erase/customer_records.hpp"

#include "bus/envelope.hpp"
#include "projections/identity/customer_keys.hpp"
#include "tools/erase/key_texts.hpp"
#include "tools/erase/tenant_records.hpp"

#include <algorithm>
#include <set>

namespace tools::erase {

using bus::Done;
using bus::Result;

namespace {

class CustomerSearch {
public:
    CustomerSearch(const schemas::Registry& registry, schemas::TenantReadings& readings,
                   const schemas::Tenant& tenant, const projections::Customer& customer)
        : registry_(registry),
          readings_(readings),
          keys_(customer.keys.begin(), customer.keys.end()),
          texts_(customer.keys, schemas::mapping::country(tenant.country)) {}

    Result<Done> look_at(const bus::RecordView& record, CustomerRecords& found) {
        if (record.erased) return Done{};
        const auto envelope = bus::read_envelope(record.headers);
        if (!envelope) return envelope.error();
        if (envelope->type != bus::raw_event_type) {  // refused at the door, or a fact
            if (texts_.found_in(record.value)) found.hers.push_back(record.address);
            return Done{};
        }
        const auto source = registry_.source(envelope->source);
        Verdict verdict;
        auto judged =
            readings_.visit(record, *envelope, source ? std::string_view(source->slug) : "",
                            [&](const auto& reading) { judge(record, reading, verdict); });
        if (judged && verdict.is_hers)
            (verdict.is_others ? found.shared : found.hers).push_back(record.address);
        return judged;
    }

private:
    struct Verdict {
        bool is_hers = false, is_others = false;
    };

    // Whose it is besides is what the rows say: a reading that was corrected takes it from nobody.
    void judge(const bus::RecordView& record, const schemas::TenantReadings::Reading& reading,
               Verdict& verdict) const {
        bool says_whose = !reading.mapped.events.empty() && reading.mapped.failures.empty();
        for (const schemas::Event& event : reading.mapped.events) {
            const std::vector<std::string> keys = projections::customer_keys(event);
            const bool names_her =
                std::any_of(keys.begin(), keys.end(),
                            [&](const std::string& key) { return keys_.contains(key); });
            if (keys.empty()) says_whose = false;
            if (names_her) verdict.is_hers = true;
            if (!names_her && !keys.empty() && reading.is_live) verdict.is_others = true;
        }
        if (!says_whose && !verdict.is_hers) verdict.is_hers = texts_.found_in(record.value);
    }

    const schemas::Registry& registry_;
    schemas::TenantReadings& readings_;
    const std::set<std::string> keys_;
    const KeyTexts texts_;
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
