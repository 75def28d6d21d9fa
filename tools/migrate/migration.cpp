#include "tools/migrate/migration.hpp"

#include "bus/crash_point.hpp"
#include "bus/durable_file.hpp"
#include "bus/logging.hpp"
#include "schemas/json/json.hpp"
#include "tools/backup/durable_files.hpp"
#include "tools/installation.hpp"
#include "tools/migrate/log_copy.hpp"
#include "tools/open_log.hpp"

#include <thread>

namespace tools::migrate {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t near_records = 2'000;  // so few are left: then intake may pause
constexpr int approaches_max = 50;
// A broker that is away for a while must not cost a record its place.
constexpr bus::milliseconds copy_message_timeout{300'000};
constexpr bus::microseconds copy_linger{5'000};
constexpr bus::seconds open_max{60};
constexpr bus::milliseconds open_pause{500};

bus::milliseconds since(Steady::time_point start) {
    return std::chrono::duration_cast<bus::milliseconds>(Steady::now() - start);
}

Result<std::unique_ptr<bus::Log>> open_target(const ServeOptions& to) {
    if (!names_kafka(to.log)) {
        auto opened = open_log(to, bus::system_clock());
        if (!opened) return opened.error();
        return std::move(opened->log);
    }
    bus::kafka::KafkaOptions options = kafka_options(to);
    options.message_timeout = copy_message_timeout;
    options.close_wait_max =
        bus::milliseconds{0};  // what is on its way then, the copy has given up
    options.linger = copy_linger;
    options.dedup_rebuild_records_max = 0;
    auto opened = bus::kafka::KafkaLog::open(options);
    if (!opened) return opened.error();
    return std::unique_ptr<bus::Log>(*std::move(opened));
}

Result<std::unique_ptr<bus::Log>> open_target_soon(const ServeOptions& to, jobs::JobRun& run) {
    const auto deadline = Steady::now() + open_max;
    for (;;) {
        auto target = open_target(to);
        if (target || target.error().code != ErrorCode::unavailable || Steady::now() > deadline ||
            !run.go_on())
            return target;
        std::this_thread::sleep_for(open_pause);
    }
}

// A run that ends when the pause has lasted too long.
class BoundedRun final : public jobs::JobRun {
public:
    BoundedRun(jobs::JobRun& inner, Steady::time_point deadline)
        : inner_(inner), deadline_(deadline) {}
    void phase(std::string_view name, std::uint64_t total, std::string_view unit) override {
        inner_.phase(name, total, unit);
    }
    void advance(std::uint64_t count) override { inner_.advance(count); }
    bool go_on() override { return Steady::now() < deadline_ && inner_.go_on(); }

private:
    jobs::JobRun& inner_;
    const Steady::time_point deadline_;
};

class Migration {
public:
    Migration(const MigrationSource& source, const MigrationPlan& plan, jobs::JobRun& run,
              std::unique_ptr<bus::Log> target)
        : source_(source),
          plan_(plan),
          run_(run),
          target_(std::move(target)),
          copy_(source.log, *target_) {}

    Result<std::string> migrate() {
        for (const auto step :
             {&Migration::begin, &Migration::copy_most, &Migration::compare_most,
              &Migration::approach, &Migration::finish_copy, &Migration::switch_over}) {
            if (auto done = (this->*step)(); !done) return done.error();
        }
        return report();
    }

private:
    Result<Done> begin() {
        run_.phase("begin", 0, "topics");
        bus::crash_point("migrate.target_opened");
        // Topics that were made a moment ago may not be led yet.
        for (;;) {
            auto begun = copy_.begin();
            if (begun || begun.error().code != ErrorCode::unavailable ||
                since(started_) > open_max || !run_.go_on())
                return begun;
            std::this_thread::sleep_for(open_pause);
        }
    }

    Result<Done> copy_most() {
        const auto behind = copy_.behind();
        if (!behind) return behind.error();
        run_.phase("copy", *behind, "records");
        const auto start = Steady::now();
        if (auto copied = copy_.copy(run_); !copied) return copied;
        copy_took_ = since(start);
        most_ = copy_.copied();
        bus::crash_point("migrate.copied");
        return Done{};
    }

    Result<Done> compare_most() {
        run_.phase("compare", 0, "records");
        auto compared = copy_.compare(run_);
        bus::crash_point("migrate.compared");
        return compared;
    }

    // What came meanwhile, until a pause is enough for the rest.
    Result<Done> approach() {
        run_.phase("catch up", 0, "records");
        for (int i = 0; i < approaches_max; ++i) {
            const auto behind = copy_.behind();
            if (!behind) return behind.error();
            if (*behind <= near_records) break;
            if (auto copied = copy_.copy(run_); !copied) return copied;
        }
        return copy_.compare(run_);
    }

    Result<Done> finish_copy() {
        run_.phase("switch", 0, "records");
        paused_at_ = Steady::now();
        if (source_.pause && !plan_.copy_only) source_.pause();
        bus::crash_point("migrate.paused");
        if (source_.spool && source_.spool->waiting() > 0)
            return bus::fail(ErrorCode::unavailable,
                             "{} events wait in the spool of the old log; start the migration "
                             "again when they are forwarded",
                             source_.spool->waiting());
        BoundedRun bounded(run_, paused_at_ + pause_max);
        auto done = copy_.copy(bounded);
        if (done) done = copy_.compare(bounded);
        if (done && !plan_.copy_only) done = copy_.check_same_ends();
        if (!done && done.error().code == ErrorCode::cancelled && run_.go_on())
            return bus::fail(ErrorCode::unavailable,
                             "the last records took more than {} s; intake goes on on the old log",
                             pause_max.count() / 1000);
        return done;
    }

    Result<Done> switch_over() {
        const ServeOptions& to = plan_.to;
        auto described = names_kafka(to.log) ? of_kafka(to) : of_journal(to);
        if (!described) return described.error();
        auto id = id_of_target();
        if (!id) return id.error();
        described->id = *std::move(id);
        target_->close();
        bus::crash_point("migrate.before_switch");
        // A copy on Kafka has no folder of its own: this one is the installation's.
        const bool describes = !plan_.copy_only || !names_kafka(to.log);
        if (auto written =
                describes ? write_description(to.data, *described) : Result<Done>(Done{});
            !written)
            return written;
        bus::crash_point("migrate.switched");
        bus::logging::info("migrated", {{"from", source_.name},
                                        {"to", to.log},
                                        {"data", to.data.string()},
                                        {"copy_only", plan_.copy_only}});
        return Done{};
    }

    // The same records, going on as the same installation or by themselves.
    Result<std::string> id_of_target() const {
        if (plan_.copy_only) return new_installation_id();
        const auto described = read_description(source_.data);
        if (!described) return described.error();
        return described->id;
    }

    static Result<Description> of_kafka(const ServeOptions& to) {
        return Description{.engine = "kafka",
                           .partitions = to.partitions,
                           .log = to.log,
                           .kafka_prefix = to.kafka_prefix};
    }

    Result<Description> of_journal(const ServeOptions& to) const {
        auto before = copies_before(to.partitions);
        if (!before) return before.error();
        return Description{.engine = "embedded",
                           .partitions = to.partitions,
                           .erase_again = true,
                           .copies_before = *std::move(before)};
    }

    // What Kafka let in twice the folds left out, and go on leaving out once it is in a journal.
    Result<std::vector<bus::Position>> copies_before(bus::PartitionId partitions) const {
        if (source_.log.engine() != "kafka") {
            const auto described = read_description(source_.data);
            if (!described) return described.error();
            return described->copies_before;
        }
        std::vector<bus::Position> ends;
        for (bus::PartitionId partition = 0; partition < partitions; ++partition) {
            const auto end = target_->end_position(partition);
            if (!end) return end.error();
            ends.push_back(*end);
        }
        return ends;
    }

    std::string report() const {
        const auto took_ms = std::max<std::int64_t>(1, copy_took_.count());
        std::string text;
        schemas::json::Writer json(text);
        json.begin_object()
            .member("from", source_.name)
            .member("to", plan_.to.log)
            .member("data", plan_.to.data.string())
            .member("switched", !plan_.copy_only)
            .member("copied", static_cast<std::int64_t>(copy_.copied()))
            .member("copied_per_second", static_cast<std::int64_t>(most_ * 1000) / took_ms)
            .member("compared", static_cast<std::int64_t>(copy_.compared()))
            .member("paused_ms", static_cast<std::int64_t>(source_.pause && !plan_.copy_only
                                                               ? since(paused_at_).count()
                                                               : 0))
            .member("took_ms", static_cast<std::int64_t>(since(started_).count()))
            .member("old_log", plan_.copy_only ? "stays the log of the installation"
                                               : "left as it is; the same command the other way "
                                                 "round goes back")
            .end_object();
        return text;
    }

    const MigrationSource& source_;
    const MigrationPlan& plan_;
    jobs::JobRun& run_;
    const std::unique_ptr<bus::Log> target_;
    LogCopy copy_;
    const Steady::time_point started_ = Steady::now();
    Steady::time_point paused_at_{};
    bus::milliseconds copy_took_{0};
    std::uint64_t most_ = 0;
};

}  // namespace

Result<std::string> migrate(const MigrationSource& source, const MigrationPlan& plan,
                            jobs::JobRun& run) {
    if (source.name == plan.to.log && !plan.copy_only)
        return bus::fail(ErrorCode::invalid_input, "the log is on {} already", source.name);
    run.phase("open", 0, "topics");
    auto target = open_target_soon(plan.to, run);
    if (!target) return target.error();
    return Migration(source, plan, run, *std::move(target)).migrate();
}

Result<std::string> migrate_offline(const ServeOptions& from, const MigrationPlan& plan,
                                    jobs::JobRun& run) {
    const auto lock = FolderLock::take(from.data);
    if (!lock) return lock.error();
    auto source = open_served_log(from, bus::system_clock());
    if (!source) return source.error();
    return migrate(
        {.log = *source->log, .name = from.log, .data = from.data, .spool = source->spool}, plan,
        run);
}

Result<LogName> parse_log_name(std::string_view text) {
    constexpr std::string_view embedded = "embedded:";
    if (names_kafka(text) && text.find(':') + 1 < text.size())
        return LogName{.kafka = true, .log = std::string(text), .folder = {}};
    if (text.starts_with(embedded) && text.size() > embedded.size())
        return LogName{.kafka = false, .log = "embedded", .folder = text.substr(embedded.size())};
    return bus::fail(ErrorCode::invalid_input,
                     "a log is named embedded:FOLDER or kafka:HOST:PORT,..., not '{}'", text);
}

namespace {

fs::path outcome_file(const fs::path& data) {
    return data / "migration.json";
}

}  // namespace

Result<Done> write_outcome(const fs::path& data, const Result<std::string>& outcome) {
    std::string text;
    schemas::json::Writer json(text);
    json.begin_object().member("done", outcome.has_value());
    if (outcome)
        json.key("report").raw(*outcome);
    else
        json.member("error", outcome.error().message);
    json.end_object();
    return bus::write_durably(outcome_file(data), text + "\n");
}

void forget_outcome(const fs::path& data) {
    (void)remove_tree(outcome_file(data));
}

Result<std::string> read_outcome(const fs::path& data) {
    const auto text = read_whole(outcome_file(data));
    if (!text) return text.error();
    schemas::json::Parser parser;
    const auto json = parser.parse(*text);
    if (!json) return json.error();
    if (!(*json)["done"].boolean().value_or(false))
        return bus::fail(ErrorCode::unavailable, "{}", (*json)["error"].text());
    std::string report;
    (*json)["report"].append_to(report);
    return report;
}

}  // namespace tools::migrate
