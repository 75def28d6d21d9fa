#include "tools/platform.hpp"

#include "bus/logging.hpp"
#include "consumers/read_access.hpp"
#include "consumers/time_travel.hpp"
#include "producers/commands/authenticate.hpp"
#include "producers/commands/command_routes.hpp"
#include "producers/commands/control_writer.hpp"
#include "producers/commands/source_view.hpp"
#include "producers/door_routes.hpp"
#include "producers/import/import_routes.hpp"
#include "projections/api/api_context.hpp"
#include "projections/api/api_server.hpp"
#include "projections/api/watched_reads.hpp"
#include "projections/store/compaction_hold.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tools/backup/backup_routes.hpp"
#include "tools/dead_letter_routes.hpp"
#include "tools/erase/erase_routes.hpp"
#include "tools/export/export_routes.hpp"
#include "tools/export/kept_exports.hpp"
#include "tools/foundation.hpp"
#include "tools/intake.hpp"
#include "tools/jobs/job_routes.hpp"
#include "tools/migrate/migrate_routes.hpp"
#include "tools/operator_routes.hpp"
#include "tools/projection_list.hpp"
#include "tools/receiver.hpp"
#include "tools/record_routes.hpp"
#include "tools/replay/rebuild_watch.hpp"
#include "tools/replay/replay_routes.hpp"
#include "tools/retention/daily_retention.hpp"
#include "tools/retention/retention_routes.hpp"
#include "tools/serving_memory.hpp"
#include "tools/verify/verify_routes.hpp"

#include <unistd.h>

#include <thread>

namespace tools {
namespace {

constexpr bus::milliseconds stores_open_max{60'000};
constexpr bus::milliseconds drain_max{5'000};

std::size_t threads_of(const ServeOptions& options) {
    if (options.projector_threads > 0) return options.projector_threads;
    return std::max(1u, std::thread::hardware_concurrency());
}

consumers::OnChange on_change_of(const ServeOptions& options) {
    if (options.on_change == "refuse") return consumers::OnChange::refuse;
    if (options.on_change == "keep") return consumers::OnChange::keep;
    return consumers::OnChange::rebuild;
}

// Members stand in the order of their making; they go in the reverse order.
class RunningPlatform final : public Platform {
public:
    RunningPlatform(const ServeOptions& options, bus::Clock& clock, bus::IdSource& ids)
        : options_(options), clock_(clock), ids_(ids) {}
    ~RunningPlatform() override { stop(); }

    bus::Result<bus::Done> start() {
        for (const auto step :
             {&RunningPlatform::open_foundation, &RunningPlatform::start_projectors,
              &RunningPlatform::start_ports}) {
            if (auto done = (this->*step)(); !done) return done.error();
        }
        return tell_where_it_serves();
    }

    Endpoint ingress() const override {
        return intake_ ? Endpoint{options_.ingress.host, intake_->port()} : Endpoint{"", 0};
    }
    Endpoint api() const override { return {options_.api.host, api_->port()}; }
    const std::string& admin_key() const override { return base_->installation->admin_key; }

    bus::Result<bus::Done> ready() const override {
        if (auto ready = intake_ready(); !ready) return ready.error();
        if (!pool_->near_end(ready_lag_records)) {
            return bus::fail(bus::ErrorCode::unavailable,
                             "the rows are behind the log; GET /v1/operator/checks says where");
        }
        return bus::Done{};
    }

    bus::Result<bus::Done> reload_certificate() override {
        if (auto reloaded = base_->reload_certificate(); !reloaded) return reloaded.error();
        return tell_where_it_serves();
    }

    void stop() override {
        if (stopped_) return;
        stopped_ = true;
        serving_ = false;
        if (intake_) intake_->stop();
        rebuild_watch_.reset();
        daily_retention_.reset();
        jobs_.stop();
        if (time_travel_) time_travel_->stop();  // no request of the API waits for it any more
        if (api_) api_->stop(drain_max);
        if (pool_) pool_->stop();
        if (base_) base_->close();
    }

private:
    // Rows do not matter: a provider's webhook is taken however far they are behind.
    bus::Result<bus::Done> intake_ready() const {
        if (!serving_) return bus::fail(bus::ErrorCode::unavailable, "starting");
        return base_->ready();
    }

    bus::Result<bus::Done> open_foundation() {
        auto opened = Foundation::open(options_, clock_);
        if (!opened) return opened.error();
        base_ = *std::move(opened);
        return bus::Done{};
    }

    bus::Result<bus::Done> tell_where_it_serves() const {
        return base_->tell_where_it_serves(to_string(api()),
                                           intake_ ? to_string(ingress()) : std::string{});
    }

    bus::Result<bus::Done> start_projectors() {
        auto measures = projections::MeasureSet::compile(projections::built_in_measure_files());
        if (!measures) return measures.error();
        measures_ = *measures;
        consumers::ProjectorSetup setup{.log = *base_->log,
                                        .registry = *base_->registry,
                                        .projections = all_projections(),
                                        .measures = measures_.get(),
                                        .stores = options_.data / "stores",
                                        .shared = projections::store::make_shared_resources(
                                            options_.cache_mib << 20, memtable_budget_bytes)};
        setup.mail_reader = &schemas::mail::read_mail;
        setup.cached_rows_max = cached_rows_max / options_.partitions;
        setup.on_change = on_change_of(options_);
        setup.bases = options_.data / retention::bases_folder;
        const auto description = read_description(options_.data);
        if (!description) return description.error();
        setup.copies_before = description->copies_before;
        time_travel_ = std::make_unique<consumers::TimeTravel>(setup, clock_);
        const projections::store::CompactionHold hold(setup.shared);  // until they are open
        pool_ = std::make_unique<consumers::ProjectorPool>(std::move(setup), threads_of(options_));
        if (!pool_->wait_opened(stores_open_max)) {
            return bus::fail(bus::ErrorCode::unavailable, "the stores did not open within {} s",
                             stores_open_max.count() / 1000);
        }
        reads_ = std::make_unique<consumers::ReadAccess>(*pool_, options_.partitions);
        watched_reads_ = std::make_unique<projections::api::WatchedReads>(*reads_);
        return refuse_foreign_stores();
    }

    // A store of another format is stopped, not rebuilt: the operator decides. A partition that
    // stopped at a record is no reason: the others go on, and the doors stay open.
    bus::Result<bus::Done> refuse_foreign_stores() const {
        for (const auto& partition : pool_->status()) {
            if (partition.store_refused) {
                return bus::fail(bus::ErrorCode::conflict, "partition {}: {}", partition.partition,
                                 partition.reason);
            }
        }
        return bus::Done{};
    }

    bus::Result<bus::Done> start_ports() {
        writer_ = std::make_unique<producers::commands::ControlWriter>(
            *base_->log, *base_->registry, clock_, ids_);
        authenticator_ = std::make_unique<producers::commands::Authenticator>(
            base_->installation->admin_key, *base_->registry);
        generation_control_ =
            std::make_unique<replay::GenerationControl>(*pool_, *base_->registry, *writer_);
        replay_work_ = std::make_unique<replay::ReplayWork>(*pool_, *generation_control_);
        context_ = std::make_unique<projections::api::ApiContext>(projections::api::ApiContext{
            *watched_reads_, *base_->registry, *measures_, *base_->log});
        if (retention::can_expire(*base_->log))
            expiry_clock_ =
                std::make_unique<retention::ExpiryClock>(options_.data, clock_, *base_->log);
        operator_ports_ = std::make_unique<OperatorPorts>(
            OperatorPorts{*base_->log, *base_->registry, *pool_, clock_, *base_->follower, options_,
                          expiry_clock_.get()});
        record_ports_ = std::make_unique<RecordPorts>(
            RecordPorts{*base_->log, *base_->registry, *watched_reads_});
        dead_letter_ports_ = std::make_unique<DeadLetterPorts>(DeadLetterPorts{
            *base_->log, *base_->registry, *watched_reads_, clock_, ids_, replay_ports()});
        intake_health_ = std::make_unique<HealthPorts>(
            HealthPorts{*base_->log, [this] { return intake_ready(); }});
        api_health_ =
            std::make_unique<HealthPorts>(HealthPorts{*base_->log, [this] { return ready(); }});
        if (options_.role == Role::all) {
            if (auto started = start_intake(); !started) return started.error();
        }
        if (auto started = start_api(); !started) return started.error();
        replay::start_what_is_left(replay_ports());
        erase::resume_erasures(erase_ports());
        daily_retention_ = std::make_unique<retention::DailyRetention>(retention_ports());
        rebuild_watch_ = std::make_unique<replay::RebuildWatch>(
            replay::RebuildPorts{[this] { return pool_->stores_rebuilt(); },
                                 [this] { return replay::start_rebuild(replay_ports()); }});
        serving_ = true;
        return bus::Done{};
    }

    erase::ErasePorts erase_ports() {
        const auto forget_past = [this] { time_travel_->forget(); };
        return {options_.data, *base_->log, *base_->registry, *pool_, *writer_,
                *reads_,       jobs_,       forget_past};
    }

    retention::RetentionPorts retention_ports() {
        return {options_.data, *base_->log, *pool_, expiry_clock_.get(), jobs_};
    }

    bus::Result<bus::Done> start_intake() {
        auto intake = Intake::start(options_, base_->installation->master_key,
                                    {*base_->log, base_->journal, *base_->registry, *base_->vault,
                                     base_->tls.get(), clock_, ids_},
                                    health_routes(*intake_health_, true));
        if (!intake) return intake.error();
        intake_ = *std::move(intake);
        return bus::Done{};
    }

    bus::Result<bus::Done> start_api() {
        const std::string public_url =
            options_.public_url.empty()
                ? (base_->tls ? "https://" : "http://") + to_string(ingress())
                : options_.public_url;
        commands_ = std::make_unique<producers::commands::CommandContext>(
            producers::commands::CommandContext{*base_->registry, *writer_, *base_->vault,
                                                public_url});
        if (auto bound = producers::commands::rebind_sources(*commands_); !bound)
            return bound.error();
        std::vector<bus::http::Route> routes = projections::api::all_read_routes(*context_);
        const auto append = [&](std::vector<bus::http::Route> more) {
            routes.insert(routes.end(), std::make_move_iterator(more.begin()),
                          std::make_move_iterator(more.end()));
        };
        append(producers::commands::command_routes(*commands_));
        import_ports_ =
            std::make_unique<producers::import::ImportPorts>(producers::import::ImportPorts{
                .log = *base_->log,
                .registry = *base_->registry,
                .secrets = *base_->vault,
                .clock = clock_,
                .ids = ids_,
                .partitions = options_.partitions,
                .installation_key = installation_key(base_->installation->master_key),
                .mail_reader = &schemas::mail::read_mail});
        append(producers::import::import_routes(*import_ports_));
        append(operator_routes(*operator_ports_));
        append(record_routes(*record_ports_));
        append(dead_letter_routes(*dead_letter_ports_));
        append(jobs::job_routes(jobs_));
        append(migrate::migrate_routes({options_, *base_->log, jobs_}));
        export_ports_ = std::make_unique<exports::ExportPorts>(make_export_ports());
        append(
            exports::export_routes(*export_ports_, jobs_, options_.data / exports::exports_folder));
        append(
            backup::backup_routes({options_.data, *base_->log, *base_->registry, *pool_, jobs_}));
        append(verify::verify_routes({*base_->log, *pool_, jobs_}));
        append(replay::replay_routes(replay_ports()));
        append(replay::projection_routes(replay_ports()));
        append(erase::erase_routes(erase_ports()));
        append(retention::retention_routes(retention_ports()));
        append(health_routes(*api_health_, false));
        append(health_routes(*intake_health_, true));  // described here, served there
        append(producers::door_routes(base_->registry->providers()));
        projections::api::ApiOptions api_options;
        api_options.host = options_.api.host;
        api_options.port = options_.api.port;
        api_options.tls = base_->tls.get();
        auto api = projections::api::ApiServer::start(
            api_options,
            {.reads = watched_reads_.get(),
             .authenticate =
                 [this](const bus::http::Request& request) {
                     return authenticator_->authenticate(request);
                 },
             .past = time_travel_.get(),
             .clock = &clock_},
            std::move(routes));
        if (!api) return api.error();
        api_ = *std::move(api);
        return bus::Done{};
    }

    replay::ReplayPorts replay_ports() {
        return {*pool_, *generation_control_, *replay_work_, jobs_};
    }

    exports::ExportPorts make_export_ports() {
        exports::ExportPorts ports{.log = *base_->log,
                                   .registry = *base_->registry,
                                   .reads = *reads_,
                                   .clock = clock_,
                                   .mail_reader = &schemas::mail::read_mail};
        for (const auto* projection : all_projections())
            ports.projections.emplace_back(projection->name());
        ports.show_source = [this](const schemas::Source& source) {
            std::string text;
            schemas::json::Writer json(text);
            json.begin_object();
            producers::commands::show(json, *commands_, source);
            json.end_object();
            return text;
        };
        return ports;
    }

    const ServeOptions options_;
    bus::Clock& clock_;
    bus::IdSource& ids_;
    std::unique_ptr<Foundation> base_;
    std::shared_ptr<const projections::MeasureSet> measures_;
    std::unique_ptr<consumers::TimeTravel> time_travel_;
    std::unique_ptr<consumers::ProjectorPool> pool_;
    std::unique_ptr<consumers::ReadAccess> reads_;
    std::unique_ptr<projections::api::WatchedReads> watched_reads_;
    std::unique_ptr<producers::commands::ControlWriter> writer_;
    std::unique_ptr<producers::commands::CommandContext> commands_;
    std::unique_ptr<producers::commands::Authenticator> authenticator_;
    std::unique_ptr<projections::api::ApiContext> context_;
    std::unique_ptr<retention::ExpiryClock> expiry_clock_;  // null: the log keeps its retention
    std::unique_ptr<OperatorPorts> operator_ports_;
    std::unique_ptr<RecordPorts> record_ports_;
    std::unique_ptr<DeadLetterPorts> dead_letter_ports_;
    std::unique_ptr<producers::import::ImportPorts> import_ports_;
    std::unique_ptr<replay::GenerationControl> generation_control_;
    std::unique_ptr<replay::ReplayWork> replay_work_;
    std::unique_ptr<exports::ExportPorts> export_ports_;
    jobs::Jobs jobs_{clock_, ids_};  // work in progress uses what stands above
    std::unique_ptr<retention::DailyRetention> daily_retention_;  // starts jobs
    std::unique_ptr<replay::RebuildWatch> rebuild_watch_;         // so does this
    std::unique_ptr<HealthPorts> intake_health_, api_health_;
    std::unique_ptr<Intake> intake_;  // null: another process receives
    std::unique_ptr<projections::api::ApiServer> api_;
    std::atomic<bool> serving_{false};
    bool stopped_ = false;
};

}  // namespace

bus::Result<std::unique_ptr<Platform>> Platform::start(const ServeOptions& options,
                                                       bus::Clock& clock, bus::IdSource& ids) {
    if (options.role == Role::receive) return start_receiver(options, clock, ids);
    auto platform = std::make_unique<RunningPlatform>(options, clock, ids);
    if (auto started = platform->start(); !started) return started.error();
    return std::unique_ptr<Platform>(std::move(platform));
}

}  // namespace tools
