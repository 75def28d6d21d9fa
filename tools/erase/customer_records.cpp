#include "tools/erase/customer_records.hpp"

#include "bus/envelope.hpp"
#include "projections/identity/customer_keys.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tools/erase/tenant_records.hpp"

#include <set>
#include <unordered_map>

namespace tools::erase {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::size_t word_bytes_min = 5;  // shorter ones would be found everywhere

class CustomerSearch {
public:
    CustomerSearch(const schemas::Registry& registry, const projections::Customer& customer)
        : registry_(registry), keys_(customer.keys.begin(), customer.keys.end()) {
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
        const auto bound = mapping(envelope->mapping);
        if (!bound) return bound.error();
        return judge(record, (*bound)->map(record, *envelope, "", scratch_), found);
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

    Result<Done> judge(const bus::RecordView& record, const schemas::Mapped& mapped,
                       CustomerRecords& found) const {
        bool is_hers = !mapped.failures.empty() && holds_a_word(record.value);
        bool is_others = false;
        for (const schemas::Event& event : mapped.events) {
            const std::vector<std::string> keys = projections::customer_keys(event);
            bool names_her = false;
            for (const std::string& key : keys) names_her = names_her || keys_.contains(key);
            is_hers = is_hers || names_her;
            is_others = is_others || (!keys.empty() && !names_her);
        }
        if (is_hers) (is_others ? found.shared : found.hers).push_back(record.address);
        return Done{};
    }

    Result<const schemas::BoundMapping*> mapping(std::string_view stamp) {
        auto known = mappings_.find(std::string(stamp));
        if (known == mappings_.end()) {
            auto bound = registry_.bound_mapping(stamp);
            if (!bound)
                return bus::fail(ErrorCode::corrupt,
                                 "a record is stamped with mapping '{}', which .control does not "
                                 "hold",
                                 stamp);
            known = mappings_.emplace(stamp, std::move(bound)).first;
        }
        return known->second.get();
    }

    const schemas::Registry& registry_;
    const std::set<std::string> keys_;
    std::vector<std::string> words_;
    schemas::Scratch scratch_{&schemas::mail::read_mail};
    std::unordered_map<std::string, std::shared_ptr<const schemas::BoundMapping>> mappings_;
};

}  // namespace

Result<CustomerRecords> find_customer_records(bus::Log& log, const schemas::Registry& registry,
                                              bus::TenantId tenant,
                                              const projections::Customer& customer,
                                              jobs::JobRun& run) {
    const auto total = records_to_read(log, tenant);
    if (!total) return total.error();
    run.phase("finding the person's records", *total, "records");
    CustomerRecords found;
    CustomerSearch search(registry, customer);
    auto visited = visit_tenant_records(log, tenant, run, [&](const bus::RecordView& record) {
        return search.look_at(record, found);
    });
    if (!visited) return visited.error();
    return found;
}

}  // namespace tools::erase
