#include "tools/erase/customer_records.hpp"

#include "bus/envelope.hpp"
#include "projections/identity/customer_keys.hpp"
#include "tools/erase/tenant_records.hpp"

#include <algorithm>
#include <set>

namespace tools::erase {

using bus::Done;
using bus::Result;

namespace {

constexpr std::size_t word_bytes_min = 5;  // shorter ones would be found everywhere

class CustomerSearch {
public:
    CustomerSearch(schemas::TenantReadings& readings, const projections::Customer& customer)
        : readings_(readings), keys_(customer.keys.begin(), customer.keys.end()) {
        for (const std::string& key : customer.keys) add_words(key.substr(key.rfind(':') + 1));
    }

    Result<Done> look_at(const bus::RecordView& record, CustomerRecords& found) {
        if (record.erased) return Done{};
        const auto envelope = bus::read_envelope(record.headers);
        if (!envelope) return envelope.error();
        if (envelope->type != bus::raw_event_type) {  // refused at the door, or a fact
            if (holds_a_word(record.value)) found.hers.push_back(record.address);
            return Done{};
        }
        Verdict verdict;
        auto judged = readings_.visit(
            record, *envelope, "", [&](const auto& reading) { judge(record, reading, verdict); });
        if (judged && verdict.is_hers)
            (verdict.is_others ? found.shared : found.hers).push_back(record.address);
        return judged;
    }

private:
    void add_words(std::string word) {
        if (word.starts_with('+')) word.erase(0, 1);  // providers leave it out
        if (word.size() >= word_bytes_min) words_.push_back(std::move(word));
    }
    bool holds_a_word(std::string_view body) const {
        for (const std::string& word : words_)
            if (body.find(word) != std::string_view::npos) return true;
        return false;
    }

    struct Verdict {
        bool is_hers = false, is_others = false;
    };

    // Whose it is besides is what the rows say: a reading that was corrected takes it from nobody.
    void judge(const bus::RecordView& record, const schemas::TenantReadings::Reading& reading,
               Verdict& verdict) const {
        if (!reading.mapped.failures.empty() && holds_a_word(record.value)) verdict.is_hers = true;
        for (const schemas::Event& event : reading.mapped.events) {
            const std::vector<std::string> keys = projections::customer_keys(event);
            const bool names_her =
                std::any_of(keys.begin(), keys.end(),
                            [&](const std::string& key) { return keys_.contains(key); });
            if (names_her) verdict.is_hers = true;
            if (!names_her && !keys.empty() && reading.is_live) verdict.is_others = true;
        }
    }

    schemas::TenantReadings& readings_;
    const std::set<std::string> keys_;
    std::vector<std::string> words_;
};

}  // namespace

Result<CustomerRecords> find_customer_records(bus::Log& log, schemas::TenantReadings& readings,
                                              bus::TenantId tenant,
                                              const projections::Customer& customer,
                                              jobs::JobRun& run) {
    const auto total = records_to_read(log, tenant);
    if (!total) return total.error();
    run.phase("finding the person's records", *total, "records");
    CustomerRecords found;
    CustomerSearch search(readings, customer);
    auto visited = visit_tenant_records(log, tenant, run, [&](const bus::RecordView& record) {
        return search.look_at(record, found);
    });
    if (!visited) return visited.error();
    return found;
}

}  // namespace tools::erase
