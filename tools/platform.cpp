#include "tools/platform.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/kafka/kafka_log.hpp"
#include "bus/logging.hpp"
#include "consumers/read_access.hpp"
#include "consumers/time_travel.hpp"
#include "producers/commands/authenticate.hpp"
#include "producers/commands/command_routes.hpp"
#include "producers/commands/control_writer.hpp"
#include "producers/commands/source_view.hpp"
#include "producers/door_routes.hpp"
#include "producers/edge/edge_server.hpp"
#include "producers/import/import_routes.hpp"
#include "projections/api/api_context.hpp"
#include "projections/api/api_server.hpp"
#include "projections/api/watched_reads.hpp"
#include "schemas/control_follower.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "schemas/providers/built_in.hpp"
#include "tools/backup/backup_routes.hpp"
#include "tools/dead_letter_routes.hpp"
#include "tools/erase/erase_routes.hpp"
#include "tools/export/export_routes.hpp"
#include "tools/installation.hpp"
#include "tools/jobs/job_routes.hpp"
#include "tools/migrate/migrate_routes.hpp"
#include "tools/open_log.hpp"
#include "tools/operator_routes.hpp"
#include "tools/projection_list.hpp"
#include "tools/record_routes.hpp"
#include "tools/replay/replay_routes.hpp"
#include "tools/retention/daily_retention.hpp"
#include "tools/retention/retention_routes.hpp"
#include "tools/running_instance.hpp"
#include "tools/serving_memory.hpp"
#include "tools/verify/verify_routes.hpp"

#include <unistd.h>

#include <thread>

namespace tools {
namespace {

constexpr bus::milliseconds stores_open_max{60'000};
constexpr bus::milliseconds catch_up_max{5};  // the door's thread waits for it
constexpr bus::milliseconds drain_max{5'000};

// Dedup fingerprints must not be guessable from the log, and must stay the same: derived, not kept.
bus::crypto::Key256 installation_key(const bus::crypto::Key256& master_key) {
    const std::string_view master(reinterpret_cast<const char*>(master_key.data()),
                                  master_key.size());
    const std::string derived =
        bus::crypto::hmac(bus::crypto::Hash::sha256, master, {"dedup fingerprints"});
    bus::crypto::Key256 key;
    std::copy(derived.begin(), derived.end(), key.begin());
    return key;
}

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
             {&RunningPlatform::open_certificate, &RunningPlatform::open_folder_and_log,
              &RunningPlatform::start_registry, &RunningPlatform::start_projectors,
              &RunningPlatform::start_ports}) {
            if (auto done = (this->*step)(); !done) return done.error();
        }
        return tell_where_it_serves();
    }

    Endpoint ingress() const override { return {options_.ingress.host, edge_->port()}; }
    Endpoint api() const override { return {options_.api.host, api_->port()}; }
    const std::string& admin_key() const override { return installation_->admin_key; }

    bus::Result<bus::Done> ready() const override {
        if (!serving_) return bus::fail(bus::ErrorCode::unavailable, "starting");
        if (const auto failure = follower_->failure()) {
            return bus::fail(failure->code, "the registry stands still: {}", failure->message);
        }
        const auto log = log_->status();
        if (!log.accepting)
            return bus::fail(bus::ErrorCode::unavailable, "the log does not accept events: {}",
                             log.detail);
        if (!pool_->near_end(ready_lag_records)) {
            return bus::fail(bus::ErrorCode::unavailable,
                             "the rows are behind the log; GET /v1/operator/checks says where");
        }
        return bus::Done{};
    }

    bus::Result<bus::Done> reload_certificate() override {
        if (!tls_) return bus::Done{};
        if (auto reloaded = tls_->reload(); !reloaded) return reloaded.error();
        return tell_where_it_serves();
    }

    void stop() override {
        if (stopped_) return;
        stopped_ = true;
        serving_ = false;
        if (edge_) edge_->stop(drain_max);
        daily_retention_.reset();
        jobs_.stop();
        if (api_) api_->stop(drain_max);
        if (pool_) pool_->stop();
        follower_.reset();
        if (log_) log_->close();
        if (installation_) remove_serving_note(options_.data);
    }

private:
    bus::Result<bus::Done> tell_where_it_serves() const {
        return write_serving_note(
            options_.data,
            {.process = ::getpid(),
             .api = to_string(api()),
             .ingress = to_string(ingress()),
             .engine = std::string(log_->engine()),
             .public_key_pin = tls_ ? tls_->current().public_key_pin : std::string{}});
    }

    bus::Result<bus::Done> open_certificate() {
        if (!options_.tls.given()) return bus::Done{};
        auto tls = bus::tls::Context::open(options_.tls);
        if (!tls) return tls.error();
        tls_ = *std::move(tls);
        return bus::Done{};
    }

    bus::Result<bus::Done> open_folder_and_log() {
        auto installation = open_installation(options_);
        if (!installation) return installation.error();
        installation_ = std::make_unique<Installation>(*std::move(installation));
        auto log = open_served_log(options_, clock_);
        if (!log) return log.error();
        log_ = std::move(log->log);
        journal_ = log->journal;
        return bus::Done{};
    }

    bus::Result<bus::Done> start_registry() {
        auto providers = schemas::built_in_providers();
        if (!providers) return providers.error();
        registry_ = schemas::make_registry(*std::move(providers));
        auto follower = schemas::ControlFollower::start(*log_, *registry_);
        if (!follower) return follower.error();
        follower_ = *std::move(follower);
        return bus::Done{};
    }

    bus::Result<bus::Done> start_projectors() {
        auto measures = projections::MeasureSet::compile(projections::built_in_measure_files());
        if (!measures) return measures.error();
        measures_ = *measures;
        consumers::ProjectorSetup setup{.log = *log_,
                                        .registry = *registry_,
                                        .projections = all_projections(),
                                        .measures = measures_.get(),
                                        .stores = options_.data / "stores",
                                        .shared = projections::store::make_shared_resources(
                                            block_cache_bytes, memtable_budget_bytes)};
        setup.mail_reader = &schemas::mail::read_mail;
        setup.cached_rows_max = cached_rows_max / options_.partitions;
        setup.on_change = on_change_of(options_);
        setup.bases = options_.data / retention::bases_folder;
        time_travel_ = std::make_unique<consumers::TimeTravel>(setup, clock_);
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
        vault_ = std::make_unique<producers::commands::SecretVault>(installation_->master_key,
                                                                    *registry_);
        writer_ =
            std::make_unique<producers::commands::ControlWriter>(*log_, *registry_, clock_, ids_);
        authenticator_ = std::make_unique<producers::commands::Authenticator>(
            installation_->admin_key, *registry_);
        generation_control_ =
            std::make_unique<replay::GenerationControl>(*pool_, *registry_, *writer_);
        replay_work_ = std::make_unique<replay::ReplayWork>(*pool_, *generation_control_);
        context_ = std::make_unique<projections::api::ApiContext>(
            projections::api::ApiContext{*watched_reads_, *registry_, *measures_, *log_, clock_});
        operator_ports_ = std::make_unique<OperatorPorts>(
            OperatorPorts{*log_, *registry_, *pool_, clock_, [this] { return ready(); }, options_});
        record_ports_ =
            std::make_unique<RecordPorts>(RecordPorts{*log_, *registry_, *watched_reads_});
        dead_letter_ports_ = std::make_unique<DeadLetterPorts>(
            DeadLetterPorts{*log_, *registry_, *watched_reads_, clock_, ids_, replay_ports()});
        if (auto started = start_edge(); !started) return started.error();
        if (auto started = start_api(); !started) return started.error();
        replay::start_what_is_left(replay_ports());
        erase::resume_erasures(erase_ports());
        daily_retention_ = std::make_unique<retention::DailyRetention>(retention_ports());
        serving_ = true;
        return bus::Done{};
    }

    erase::ErasePorts erase_ports() {
        return {options_.data, *log_, *registry_, *pool_, *writer_, *reads_, jobs_};
    }

    retention::RetentionPorts retention_ports() {
        return {options_.data, *log_, *pool_, clock_, jobs_};
    }

    bus::Result<bus::Done> start_edge() {
        producers::DoorOptions door_options{
            .partitions = options_.partitions,
            .installation_key = installation_key(installation_->master_key)};
        const double source_rate = options_.source_rate;
        door_options.limits.source_rate = {.per_second = source_rate, .burst = source_rate};
        door_ = std::make_unique<producers::Door>(
            producers::DoorPorts{.registry = *registry_,
                                 .secrets = *vault_,
                                 .catch_up =
                                     [this] {
                                         // A log that is away may take seconds to say so.
                                         if (!log_->status().accepting) return;
                                         (void)schemas::catch_up_with_control(*log_, *registry_,
                                                                              catch_up_max);
                                     },
                                 .clock = clock_,
                                 .ids = ids_},
            std::move(door_options));
        producers::edge::EdgeOptions edge_options;
        edge_options.host = options_.ingress.host;
        edge_options.port = options_.ingress.port;
        edge_options.tls = tls_.get();
        if (journal_)
            edge_options.active_callers = [this](std::size_t callers) {
                journal_->set_active_callers(callers);
            };
        auto edge = producers::edge::EdgeServer::start(edge_options, *door_, *log_,
                                                       health_routes(*operator_ports_, true));
        if (!edge) return edge.error();
        edge_ = *std::move(edge);
        return bus::Done{};
    }

    bus::Result<bus::Done> start_api() {
        const std::string public_url = options_.public_url.empty()
                                           ? (tls_ ? "https://" : "http://") + to_string(ingress())
                                           : options_.public_url;
        commands_ = std::make_unique<producers::commands::CommandContext>(
            producers::commands::CommandContext{*registry_, *writer_, *vault_, public_url});
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
                .log = *log_,
                .registry = *registry_,
                .secrets = *vault_,
                .clock = clock_,
                .ids = ids_,
                .partitions = options_.partitions,
                .installation_key = installation_key(installation_->master_key),
                .mail_reader = &schemas::mail::read_mail});
        append(producers::import::import_routes(*import_ports_));
        append(operator_routes(*operator_ports_));
        append(record_routes(*record_ports_));
        append(dead_letter_routes(*dead_letter_ports_));
        append(jobs::job_routes(jobs_));
        append(migrate::migrate_routes({options_, *log_, jobs_}));
        export_ports_ = std::make_unique<exports::ExportPorts>(make_export_ports());
        append(exports::export_routes(*export_ports_, jobs_, options_.data / "exports"));
        append(backup::backup_routes({options_.data, *log_, *pool_, jobs_}));
        append(verify::verify_routes({*log_, *pool_, jobs_}));
        append(replay::replay_routes(replay_ports()));
        append(replay::projection_routes(replay_ports()));
        append(erase::erase_routes(erase_ports()));
        append(retention::retention_routes(retention_ports()));
        append(health_routes(*operator_ports_, false));
        append(health_routes(*operator_ports_, true));
        append(producers::door_routes(registry_->providers()));
        projections::api::ApiOptions api_options;
        api_options.host = options_.api.host;
        api_options.port = options_.api.port;
        api_options.tls = tls_.get();
        auto api = projections::api::ApiServer::start(
            api_options,
            {.reads = watched_reads_.get(),
             .authenticate =
                 [this](const bus::http::Request& request) {
                     return authenticator_->authenticate(request);
                 },
             .past = time_travel_.get()},
            std::move(routes));
        if (!api) return api.error();
        api_ = *std::move(api);
        return bus::Done{};
    }

    replay::ReplayPorts replay_ports() {
        return {*pool_, *generation_control_, *replay_work_, jobs_};
    }

    exports::ExportPorts make_export_ports() {
        exports::ExportPorts ports{.log = *log_,
                                   .registry = *registry_,
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
    std::unique_ptr<bus::tls::Context> tls_;  // null: plain HTTP
    std::unique_ptr<Installation> installation_;
    std::unique_ptr<bus::Log> log_;
    bus::embedded::Journal* journal_ = nullptr;  // log_, when it is one
    std::unique_ptr<schemas::Registry> registry_;
    std::unique_ptr<schemas::ControlFollower> follower_;
    std::shared_ptr<const projections::MeasureSet> measures_;
    std::unique_ptr<consumers::TimeTravel> time_travel_;
    std::unique_ptr<consumers::ProjectorPool> pool_;
    std::unique_ptr<consumers::ReadAccess> reads_;
    std::unique_ptr<projections::api::WatchedReads> watched_reads_;
    std::unique_ptr<producers::commands::SecretVault> vault_;
    std::unique_ptr<producers::commands::ControlWriter> writer_;
    std::unique_ptr<producers::commands::CommandContext> commands_;
    std::unique_ptr<producers::commands::Authenticator> authenticator_;
    std::unique_ptr<projections::api::ApiContext> context_;
    std::unique_ptr<OperatorPorts> operator_ports_;
    std::unique_ptr<RecordPorts> record_ports_;
    std::unique_ptr<DeadLetterPorts> dead_letter_ports_;
    std::unique_ptr<producers::import::ImportPorts> import_ports_;
    std::unique_ptr<replay::GenerationControl> generation_control_;
    std::unique_ptr<replay::ReplayWork> replay_work_;
    std::unique_ptr<exports::ExportPorts> export_ports_;
    jobs::Jobs jobs_{clock_, ids_};  // work in progress uses what stands above
    std::unique_ptr<retention::DailyRetention> daily_retention_;  // starts jobs
    std::unique_ptr<producers::Door> door_;
    std::unique_ptr<producers::edge::EdgeServer> edge_;
    std::unique_ptr<projections::api::ApiServer> api_;
    std::atomic<bool> serving_{false};
    bool stopped_ = false;
};

}  // namespace

bus::Result<std::unique_ptr<Platform>> Platform::start(const ServeOptions& options,
                                                       bus::Clock& clock, bus::IdSource& ids) {
    auto platform = std::make_unique<RunningPlatform>(options, clock, ids);
    if (auto started = platform->start(); !started) return started.error();
    return std::unique_ptr<Platform>(std::move(platform));
}

}  // namespace tools
