#include "tools/erase/customer_erasure.hpp"

#include "bus/crash_point.hpp"
#include "consumers/fresh_fold.hpp"
#include "projections/api/customer_text.hpp"
#include "projections/timeline/timeline_reads.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tools/erase/customer_records.hpp"
#include "tools/erase/other_copies.hpp"
#include "tools/erase/row_files.hpp"
#include "tools/erase/tenant_records.hpp"
#include "tools/erase/watched_sleep.hpp"
#include "tools/jobs/build_watch.hpp"

namespace tools::erase {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::size_t addresses_step = 512;
constexpr bus::milliseconds rest{200};

class CustomerErasure {
public:
    CustomerErasure(const ErasePorts& ports, const schemas::Tenant& tenant, jobs::JobRun& run)
        : ports_(ports), tenant_(tenant), run_(run) {
        report_.client = tenant.code;
        report_.partition = partition_of(ports.log, tenant.id);
    }

    Result<std::string> decide_and_carry_out(const CustomerRequest& request) {
        auto customer = resolve(request.customer);
        if (!customer) return customer.error();
        customer_ = *std::move(customer);
        report_.customer = request.customer;
        report_.dry_run = request.dry_run;
        schemas::TenantReadings readings(ports_.registry, tenant_.id, projections(),
                                         &schemas::mail::read_mail);
        auto found =
            find_customer_records(ports_.log, ports_.registry, readings, tenant_, customer_, run_);
        if (!found) return found.error();
        if (request.with_shared) {
            found->hers.insert(found->hers.end(), found->shared.begin(), found->shared.end());
            found->shared.clear();
        }
        note_shared(found->shared);
        for (const bus::Address& address : found->hers) {
            report_.topics[address.topic].records += 1;
            report_.topics[address.topic].kept += 1;
        }
        if (request.dry_run) return report();
        producers::commands::EraseDecisions decisions(ports_.writer, ports_.registry);
        schemas::Erasure erasure;
        erasure.id = decisions.new_id();
        erasure.tenant = tenant_.id;
        erasure.records = bus::ranges_of(std::move(found->hers));
        if (erasure.records.empty()) {
            report_.others.push_back({.place = "log", .remark = "no record tells of this person"});
            if (auto removed = remove_stores_set_aside(ports_, report_); !removed)
                return removed.error();
            if (auto noted = note_if_known(); !noted) return noted.error();
            note_under_way();
            return report();
        }
        auto decided = decisions.erase_records(erasure.id, tenant_.id, erasure.records);
        if (!decided) return decided.error();
        note_held(*decided);
        erasure.records = std::move(decided->erased);
        bus::crash_point("erase.decided");
        return carry_out(erasure);
    }

    Result<std::string> carry_out(const schemas::Erasure& erasure) {
        report_.erasure = erasure.id;
        report_.topics.clear();
        if (auto erased = erase_bodies(erasure); !erased) return erased.error();
        bus::crash_point("erase.bodies_erased");
        if (auto refolded = refold(); !refolded) return refolded.error();
        bus::crash_point("erase.rows_erased");
        ports_.forget_past();
        if (auto removed = remove_stores_set_aside(ports_, report_); !removed)
            return removed.error();
        if (auto noted = note_if_known(); !noted) return noted.error();
        producers::commands::EraseDecisions decisions(ports_.writer, ports_.registry);
        if (auto completed = decisions.completed(erasure); !completed) return completed.error();
        bus::crash_point("erase.completed");
        return report();
    }

    Result<Done> erase_bodies(const schemas::Erasure& erasure) {
        const std::vector<bus::Address> addresses = bus::addresses_of(erasure.records);
        run_.phase("erasing bodies", addresses.size(), "records");
        for (std::size_t i = 0; i < addresses.size(); i += addresses_step) {
            if (!run_.go_on()) return bus::fail(ErrorCode::cancelled, "stopped");
            const auto some =
                std::span(addresses).subspan(i, std::min(addresses_step, addresses.size() - i));
            const auto ours = without_foreign(some);
            if (!ours) return ours.error();
            const auto erased = ports_.log.erase(*ours);
            if (!erased) return erased.error();
            for (const bus::Address& address : *ours) {
                TopicCounts& counts = report_.topics[address.topic];
                counts.records += 1;
                (erased->kept > 0 ? counts.kept : counts.erased) += 1;
            }
            if (!erased->remark.empty()) remark_ = erased->remark;
            run_.advance(some.size());
            bus::crash_point("erase.some_bodies_erased");
        }
        return Done{};
    }

private:
    // Who that is, by the evidence of the rows: all keys that are known to be hers.
    Result<projections::Customer> resolve(const std::string& text) {
        const auto view = ports_.reads.view(tenant_.id, "identity");
        if (!view) return view.error();
        auto customer = projections::resolve_customer(
            **view, projections::api::customer_key_of_text(text, tenant_.country));
        if (const auto failure = (*view)->failure()) return *failure;
        return customer;
    }

    std::vector<std::string> projections() const {
        std::vector<std::string> names;
        for (const auto* projection : ports_.pool.setup().projections)
            names.emplace_back(projection->name());
        return names;
    }

    // Rows that still know the person stand on records that the search did not find.
    Result<Done> note_if_known() {
        if (customer_.keys.empty()) {
            note_nobody_looked();
            return Done{};
        }
        const auto known = keys_known();
        if (!known) return known.error();
        if (*known > 0)
            report_.others.push_back(
                {.place = "keys of the person",
                 .found = customer_.keys.size(),
                 .left = *known,
                 .remark = "rows still know them: by records that are shared, have expired or came "
                           "meanwhile. Erase again for what came"});
        return Done{};
    }

    // What an earlier one has hidden is found no more, though its bytes may still be there.
    void note_under_way() {
        for (const schemas::Erasure& one : ports_.registry.erasures())
            if (one.tenant == tenant_.id && !one.completed)
                report_.others.push_back(
                    {.place = "erasures",
                     .found = 1,
                     .left = 1,
                     .remark = one.id + " was decided before and has not ended, maybe hers: erase "
                                        "the person again once it has"});
    }

    // What a decision of before names is gone, whoever those keys are of by now: linking and
    // unlinking moves no record. Whom it is about it does not say.
    void note_nobody_looked() {
        report_.others.push_back(
            {.place = "keys of the person",
             .found = 1,
             .left = 1,
             .remark = "the records that were decided on are erased; whose they were no decision "
                       "says, so nobody looked for what came since or was not decided on yet. "
                       "Erase the person again, which says whether anything is left"});
    }

    Result<std::uint64_t> keys_known() {
        const auto identity = ports_.reads.view(tenant_.id, "identity");
        if (!identity) return identity.error();
        const auto timeline = ports_.reads.view(tenant_.id, "timeline");
        if (!timeline) return timeline.error();
        std::uint64_t known = 0;
        for (const std::string& key : customer_.keys) {
            const auto lines = projections::list_timeline(**timeline, {.keys = {key}, .limit = 1});
            if (!lines) return lines.error();
            if (lines->count > 0 || projections::knows_key(**identity, key)) ++known;
        }
        for (const auto* view : {&*identity, &*timeline})
            if (const auto failure = (**view).failure()) return *failure;
        return known;
    }

    static std::string places_of(const std::vector<bus::Address>& addresses) {
        std::string places;
        for (const bus::RecordRange& range : bus::ranges_of(addresses))
            places += (places.empty() ? "" : ", ") + bus::to_string(range);
        return places;
    }

    void note_shared(const std::vector<bus::Address>& shared) {
        if (shared.empty()) return;
        report_.others.push_back(
            {.place = "shared records",
             .found = shared.size(),
             .left = shared.size(),
             .remark = "they tell of others too and stay: " + places_of(shared) +
                       "; --with-shared takes them as well"});
    }

    void note_held(const producers::commands::DecidedRecords& decided) {
        if (decided.held.empty()) return;
        const std::size_t held = bus::addresses_of(decided.held).size();
        report_.others.push_back(
            {.place = "records not decided on",
             .found = held,
             .left = held,
             .remark = "they stay: " + decided.held_by + ". Erase the person again after that"});
    }

    // A decision that was made for another copy of the log may name places that are somebody
    // else's in this one. Where bodies stay in any case it does not matter.
    Result<std::vector<bus::Address>> without_foreign(std::span<const bus::Address> addresses) {
        std::vector<bus::Address> ours(addresses.begin(), addresses.end());
        if (ports_.log.engine() == "kafka") return ours;
        const std::string key = bus::to_string(tenant_.id);
        ours.clear();
        for (const bus::Address& address : addresses) {
            const auto record = ports_.log.read_at(address);
            const bool is_lost = !record && (record.error().code == ErrorCode::gone ||
                                             record.error().code == ErrorCode::corrupt);
            if (!record && !is_lost) return record.error();
            (!record || record->key == key ? ours : foreign_).push_back(address);
        }
        return ours;
    }

    void note_foreign() {
        if (foreign_.empty()) return;
        report_.others.push_back(
            {.place = "records of other clients",
             .found = foreign_.size(),
             .left = 0,
             .remark = "the decision names them, and they stay: " + places_of(foreign_)});
    }

    Result<Done> refold() {
        jobs::WatchedBuild watch(run_);
        for (;;) {
            const auto total = records_to_read(ports_.log, tenant_.id);
            if (!total) return total.error();
            run_.phase("folding the client's rows anew", *total, "records");
            const auto changed =
                consumers::refold_tenant(ports_.pool, report_.partition, tenant_.id, watch);
            if (changed) {
                report_.rows_before = *changed;
                break;
            }
            if (changed.error().code != ErrorCode::conflict) return changed.error();
            run_.phase("waiting for a replay or another erasure to end", 0, "");
            if (auto waited = sleep_while_watched(rest, run_); !waited) return waited;
        }
        return take_out_of_files(ports_, report_.partition, run_);
    }

    // Without their bodies, expired records tell neither of whom they were nor what is to go.
    Result<Done> note_base() {
        const auto base = consumers::find_base(ports_.pool.setup(), report_.partition);
        if (!base) return base.error();
        if (!*base) return Done{};
        report_.others.push_back(
            {.place = "base",
             .found = 1,
             .left = 1,
             .remark = "records have expired, and cannot be searched; what they meant stays in "
                       "rows that begin with " +
                       to_string(**base) + ". Erasing the whole client takes them too"});
        return Done{};
    }

    Result<std::string> report() {
        if (!remark_.empty()) report_.others.push_back({.place = "broker", .remark = remark_});
        note_foreign();
        if (auto noted = note_base(); !noted) return noted.error();
        report_.others.push_back(
            {.place = "headers",
             .remark =
                 "addresses, times, paths and dedup fingerprints of the records stay, so that "
                 "the log proves"});
        if (auto noted = note_copies(ports_, tenant_.id, report_); !noted) return noted.error();
        return report_.json();
    }

    const ErasePorts& ports_;
    const schemas::Tenant tenant_;
    jobs::JobRun& run_;
    ProofReport report_;
    projections::Customer customer_;  // without keys where only the decision is known
    std::string remark_;
    std::vector<bus::Address> foreign_;  // named by the decision
};

Result<std::shared_ptr<const schemas::Tenant>> tenant_of(const ErasePorts& ports,
                                                         const schemas::Erasure& erasure) {
    auto tenant = ports.registry.tenant(erasure.tenant);
    if (tenant) return tenant;
    return bus::fail(ErrorCode::not_found, "there is no client {}", bus::to_string(erasure.tenant));
}

}  // namespace

Result<std::string> erase_customer(const ErasePorts& ports, const CustomerRequest& request,
                                   jobs::JobRun& run) {
    const auto tenant = producers::commands::erasable_tenant(ports.registry, request.tenant);
    if (!tenant) return tenant.error();
    return CustomerErasure(ports, **tenant, run).decide_and_carry_out(request);
}

Result<std::string> carry_out_customer(const ErasePorts& ports, const schemas::Erasure& erasure,
                                       jobs::JobRun& run) {
    const auto tenant = tenant_of(ports, erasure);
    if (!tenant) return tenant.error();
    return CustomerErasure(ports, **tenant, run).carry_out(erasure);
}

Result<Done> erase_customer_bodies(const ErasePorts& ports, const schemas::Erasure& erasure,
                                   jobs::JobRun& run) {
    const auto tenant = tenant_of(ports, erasure);
    if (!tenant) return tenant.error();
    return CustomerErasure(ports, **tenant, run).erase_bodies(erasure);
}

}  // namespace tools::erase
