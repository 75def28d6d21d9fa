#include "tools/erase/erase_work.hpp"

#include "bus/crash_point.hpp"
#include "bus/logging.hpp"
#include "bus/read_wait.hpp"
#include "tools/erase/customer_erasure.hpp"
#include "tools/erase/other_copies.hpp"
#include "tools/erase/row_files.hpp"
#include "tools/erase/tenant_records.hpp"
#include "tools/erase/watched_sleep.hpp"
#include "tools/installation.hpp"
#include "tools/retention/base_maker.hpp"

namespace tools::erase {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::size_t addresses_step = 512;
constexpr int passes_max = 10;
constexpr bus::milliseconds under_way_max{1'000};  // requests that were let in before the decision
constexpr bus::milliseconds rest{50};

class TenantErasure {
public:
    TenantErasure(const ErasePorts& ports, const schemas::Tenant& tenant, std::string erasure,
                  jobs::JobRun& run)
        : ports_(ports), tenant_(tenant), run_(run) {
        report_.erasure = std::move(erasure);
        report_.dry_run = report_.erasure.empty();
        report_.client = tenant.code;
        report_.partition = partition_of(ports.log, tenant.id);
    }

    Result<std::string> run() {
        const auto before =
            consumers::count_tenant_rows(ports_.pool, report_.partition, tenant_.id);
        if (!before) return before.error();
        report_.rows_before = report_.rows_left = *before;
        if (report_.erasure.empty()) return look();
        if (auto waited = sleep_while_watched(under_way_max, run_); !waited) return waited.error();
        for (const auto step : {&TenantErasure::erase_bodies, &TenantErasure::erase_rows,
                                &TenantErasure::remove_copies, &TenantErasure::shred_keys,
                                &TenantErasure::note_the_rest, &TenantErasure::complete})
            if (auto done = (this->*step)(); !done) return done.error();
        return report_.json();
    }

    // What an engine that cannot erase had to keep.
    Result<Done> run_for_bodies() {
        if (auto erased = erase_bodies(); !erased) return erased;
        return shred_keys();
    }

private:
    // What is there, and what would stay.
    Result<std::string> look() {
        if (auto counted = count_bodies(); !counted) return counted.error();
        if (auto noted = note_the_rest(); !noted) return noted.error();
        return report_.json();
    }

    Result<Done> count_bodies() {
        const auto total = records_to_read(ports_.log, tenant_.id);
        if (!total) return total.error();
        run_.phase("reading the log", *total, "records");
        for (auto& [topic, counts] : report_.topics) counts.records = counts.kept = 0;
        return visit_tenant_records(ports_.log, tenant_.id, run_,
                                    [&](const bus::RecordView& record) -> Result<Done> {
                                        TopicCounts& counts = report_.topics[record.address.topic];
                                        counts.records += 1;
                                        if (!record.erased) counts.kept += 1;
                                        return Done{};
                                    });
    }

    Result<Done> erase_bodies() {
        for (int pass = 0; pass < passes_max; ++pass) {
            const auto total = records_to_read(ports_.log, tenant_.id);
            if (!total) return total.error();
            run_.phase("erasing bodies", *total, "records");
            std::vector<bus::Address> found;
            auto visited = visit_tenant_records(
                ports_.log, tenant_.id, run_, [&](const bus::RecordView& record) -> Result<Done> {
                    // Marked ones too: a process may have ended between mark and zeros.
                    if (record.erased && pass > 0) return Done{};
                    found.push_back(record.address);
                    return found.size() < addresses_step ? Done{} : erase_in_log(found);
                });
            if (!visited) return visited;
            if (auto rest_of_it = erase_in_log(found); !rest_of_it) return rest_of_it;
            bus::crash_point("erase.bodies_erased");
            if (auto counted = count_bodies(); !counted) return counted;
            std::uint64_t kept = 0;
            for (const auto& [topic, counts] : report_.topics) kept += counts.kept;
            if (kept == 0 || !remark_.empty()) return Done{};
        }
        return bus::fail(ErrorCode::unavailable,
                         "records of '{}' still come in; the erasure goes on at the next start",
                         tenant_.code);
    }

    Result<Done> erase_in_log(std::vector<bus::Address>& addresses) {
        if (addresses.empty()) return Done{};
        const auto erased = ports_.log.erase(addresses);
        if (!erased) return erased.error();
        if (erased->kept == 0)
            for (const bus::Address& address : addresses) report_.topics[address.topic].erased += 1;
        if (!erased->remark.empty()) remark_ = erased->remark;
        addresses.clear();
        bus::crash_point("erase.some_bodies_erased");
        return Done{};
    }

    // A replay that is being built has rows of its own: they are erased with the others, after it.
    // The base is first: one that begins later begins without them.
    Result<Done> erase_rows() {
        if (auto erased = erase_base(); !erased) return erased;
        for (;;) {
            auto erased = consumers::erase_tenant_rows(ports_.pool, report_.partition, tenant_.id);
            if (erased) break;
            if (erased.error().code != ErrorCode::conflict) return erased;
            run_.phase("waiting for a replay to end or to be dropped", 0, "");
            if (auto waited = sleep_while_watched(under_way_max, run_); !waited) return waited;
        }
        bus::crash_point("erase.rows_erased");
        ports_.forget_past();
        if (auto out = take_out_of_files(ports_, report_.partition, run_); !out) return out;
        const auto left = consumers::count_tenant_rows(ports_.pool, report_.partition, tenant_.id);
        if (!left) return left.error();
        report_.rows_left = *left;
        return Done{};
    }

    // Rows of records that have expired, which rebuilding begins with.
    Result<Done> erase_base() {
        auto erased =
            retention::erase_from_base(ports_.pool.setup(), report_.partition, tenant_.id);
        while (!erased && erased.error().code == ErrorCode::conflict) {
            run_.phase("waiting for the base to be made", 0, "");
            if (auto waited = sleep_while_watched(under_way_max, run_); !waited) return waited;
            erased = retention::erase_from_base(ports_.pool.setup(), report_.partition, tenant_.id);
        }
        if (!erased) return erased.error();
        if (*erased > 0)
            report_.others.push_back({.place = "base", .found = *erased, .remark = "rows"});
        bus::crash_point("erase.base_erased");
        return Done{};
    }

    Result<Done> remove_copies() {
        if (auto removed = remove_stores_set_aside(ports_, report_); !removed) return removed;
        return remove_exports(ports_, tenant_.id, report_, run_);
    }

    // Without its data key nothing sealed for the client opens again, in no copy of `.control`.
    Result<Done> shred_keys() {
        OtherPlace keys{.place = "keys", .remark = "the client's data key"};
        std::vector<bus::Address> found;
        bool has_tombstone = false;
        const auto look = [&](const bus::RecordView& record) -> Result<Done> {
            if (record.key != tenant_.data_key_id) return Done{};
            has_tombstone = record.tombstone;
            if (record.tombstone) return Done{};
            found.push_back(record.address);
            return Done{};
        };
        auto read = bus::read_to_end(ports_.log, bus::Topic::keys, 0, look,
                                     {.go_on = [this] { return run_.go_on(); }});
        if (!read) return read;
        if (!has_tombstone && !found.empty())
            if (auto shredded = ports_.writer.shred_data_key(tenant_.data_key_id); !shredded)
                return shredded;
        bus::crash_point("erase.key_tombstoned");
        const auto erased = ports_.log.erase(found);
        if (!erased) return erased.error();
        keys.found = found.size();
        if (erased->kept > 0)
            keys.remark += "; a tombstone stands behind it, compaction takes it out of Kafka";
        report_.others.push_back(std::move(keys));
        return Done{};
    }

    Result<Done> note_the_rest() {
        const std::size_t sources = ports_.registry.sources(tenant_.id).size();
        report_.others.push_back(
            {.place = "control",
             .found = sources,
             .left = 0,
             .remark = "sources are closed and API keys revoked; the client's code and name, and "
                       "how its sources were set up, stay as facts"});
        report_.others.push_back(
            {.place = "memory",
             .remark = "decoded rows and cached records of the client are let go of; what an "
                       "answer that is being sent holds goes with it"});
        report_.others.push_back(
            {.place = "headers",
             .remark = "addresses, times, paths and dedup fingerprints of its records stay, so "
                       "that the log proves"});
        if (!remark_.empty()) report_.others.push_back({.place = "broker", .remark = remark_});
        return note_copies(ports_, tenant_.id, report_);
    }

    Result<Done> complete() {
        bus::crash_point("erase.before_completed");
        producers::commands::EraseDecisions decisions(ports_.writer, ports_.registry);
        schemas::Erasure erasure;
        erasure.id = report_.erasure;
        erasure.tenant = tenant_.id;
        auto done = decisions.completed(erasure);
        bus::crash_point("erase.completed");
        return done;
    }

    const ErasePorts& ports_;
    const schemas::Tenant tenant_;
    jobs::JobRun& run_;
    ProofReport report_;
    std::string remark_;  // of an engine that cannot erase
};

}  // namespace

Result<std::string> erase_tenant(const ErasePorts& ports, bus::TenantId tenant,
                                 const std::string& erasure, jobs::JobRun& run) {
    const auto found = ports.registry.tenant(tenant);
    if (!found)
        return bus::fail(ErrorCode::not_found, "there is no client {}", bus::to_string(tenant));
    return TenantErasure(ports, *found, erasure, run).run();
}

namespace {

// Leaves room for other jobs.
constexpr std::size_t resumed_at_once = jobs::running_jobs_max / 2;

std::size_t running_erasures(const jobs::Jobs& jobs) {
    std::size_t running = 0;
    for (const jobs::JobStatus& job : jobs.all())
        if (job.kind == "erase" && !job.ended()) ++running;
    return running;
}

Result<std::string> resume(const ErasePorts& ports, const schemas::Erasure& one) {
    auto started = ports.jobs.start("erase", one.id, [ports, one](jobs::JobRun& run) {
        return one.whole_tenant ? erase_tenant(ports, one.tenant, one.id, run)
                                : carry_out_customer(ports, one, run);
    });
    if (started)
        bus::logging::info("erasure_resumed", {{"erasure", one.id}, {"job", *started}});
    else if (started.error().code != ErrorCode::unavailable)
        bus::logging::error("erasure_not_resumed",
                            {{"erasure", one.id}, {"reason", started.error().message}});
    return started;
}

Result<Done> erase_bodies(const ErasePorts& ports, const schemas::Erasure& one, jobs::JobRun& run) {
    if (!one.whole_tenant) return erase_customer_bodies(ports, one, run);
    const auto tenant = ports.registry.tenant(one.tenant);
    if (!tenant)
        return bus::fail(ErrorCode::not_found, "there is no client {}", bus::to_string(one.tenant));
    return TenantErasure(ports, *tenant, one.id, run).run_for_bodies();
}

// Of what is completed; the rest is resumed as a whole.
Result<std::string> erase_copied_bodies(const ErasePorts& ports, Description description,
                                        jobs::JobRun& run) {
    std::uint64_t erasures = 0;
    for (const schemas::Erasure& one : ports.registry.erasures()) {
        if (!one.completed) continue;
        if (auto erased = erase_bodies(ports, one, run); !erased) return erased.error();
        ++erasures;
    }
    bus::crash_point("erase.copied_bodies_erased");
    description.erase_again = false;
    if (auto done = write_description(ports.data, description); !done) return done.error();
    bus::logging::info("erasures_repeated", {{"erasures", erasures}});
    return fmt::format(R"({{"erasures":{}}})", erasures);
}

void repeat_in_copied_log(const ErasePorts& ports) {
    const auto description = read_description(ports.data);
    if (!description || !description->erase_again) return;
    auto started = ports.jobs.start("erase", "what a migration copied",
                                    [ports, description = *description](jobs::JobRun& run) {
                                        return erase_copied_bodies(ports, description, run);
                                    });
    if (!started)
        bus::logging::error("erasures_not_repeated", {{"reason", started.error().message}});
}

Result<std::string> resume_in_turn(const ErasePorts& ports,
                                   const std::vector<schemas::Erasure>& erasures,
                                   jobs::JobRun& run) {
    run.phase("starting what was decided before", erasures.size(), "erasures");
    for (const schemas::Erasure& one : erasures) {
        for (;;) {
            if (running_erasures(ports.jobs) < resumed_at_once) {
                const auto started = resume(ports, one);
                if (started || started.error().code != ErrorCode::unavailable) break;
            }
            if (auto waited = sleep_while_watched(rest, run); !waited) return waited.error();
        }
        run.advance(1);
    }
    return fmt::format(R"({{"erasures":{}}})", erasures.size());
}

}  // namespace

void resume_erasures(const ErasePorts& ports) {
    repeat_in_copied_log(ports);
    std::vector<schemas::Erasure> left;
    for (const schemas::Erasure& one : ports.registry.erasures()) {
        if (one.completed) continue;
        if (running_erasures(ports.jobs) >= resumed_at_once || !resume(ports, one))
            left.push_back(one);
    }
    if (left.empty()) return;
    auto started =
        ports.jobs.start("resume", "erasures", [ports, left = std::move(left)](jobs::JobRun& run) {
            return resume_in_turn(ports, left, run);
        });
    if (!started)
        bus::logging::error("erasures_not_resumed", {{"reason", started.error().message}});
}

}  // namespace tools::erase
