// serve, receive, project: all roles in one process, or one of them.
#include "bus/logging.hpp"
#include "tools/command.hpp"
#include "tools/demo/demo.hpp"
#include "tools/installation.hpp"
#include "tools/open_log.hpp"
#include "tools/platform.hpp"
#include "tools/unknown_settings.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace tools {
namespace {

constexpr unsigned end_seconds_max = 10;
constexpr int reopen_signal = SIGUSR1;  // to ourselves
constexpr int reopen_tries_max = 30;
constexpr std::chrono::seconds reopen_pause{2};

struct ServeFlags {
    ServeOptions options;
    std::string data = "data";
    std::string ingress = "127.0.0.1:8080";
    std::string api = "127.0.0.1:8081";
    std::string tls_certificate;
    std::string tls_key;
    std::vector<std::string> kafka;
    std::string kafka_properties;
    bool log_given = false;
    std::string log_level = "info";
    std::string log_format = "text";
};

// After a migration the folder knows best where its log is; a flag that says otherwise is refused
// when the folder is opened.
bus::Result<bus::Done> take_log_of_folder(const ServeFlags& flags, ServeOptions& options) {
    const auto description = read_description(options.data);
    if (!description && description.error().code == bus::ErrorCode::not_found) return bus::Done{};
    if (!description) return description.error();
    if (!flags.log_given && !description->log.empty()) options.log = description->log;
    if (options.kafka_prefix.empty()) options.kafka_prefix = description->kafka_prefix;
    return bus::Done{};
}

bus::Result<bus::Done> check_role(const ServeOptions& options) {
    if (options.role == Role::all) return bus::Done{};
    if (!names_kafka(options.log))
        return bus::fail(bus::ErrorCode::invalid_input,
                         "receive and project share a log, which the embedded one cannot be: give "
                         "--log kafka:HOST:PORT,..., or run tributary serve");
    if (options.role == Role::project && options.public_url.empty())
        return bus::fail(bus::ErrorCode::invalid_input,
                         "--public-url is needed: only it tells how providers reach the process "
                         "that receives, e.g. https://in.example.org");
    return bus::Done{};
}

bus::Result<ServeOptions> read_flags(const ServeFlags& flags) {
    ServeOptions options = flags.options;
    options.data = flags.data;
    auto ingress = parse_endpoint(flags.ingress);
    if (!ingress) return bus::fail(ingress.error().code, "--ingress: {}", ingress.error().message);
    auto api = parse_endpoint(flags.api);
    if (!api) return bus::fail(api.error().code, "--api: {}", api.error().message);
    options.ingress = *ingress;
    options.api = *api;
    options.tls = {.certificate = flags.tls_certificate, .key = flags.tls_key};
    if (options.tls.given() && options.demo)
        return bus::fail(bus::ErrorCode::invalid_input,
                         "--demo sends plain HTTP: leave out --tls-cert and --tls-key with it");
    auto properties = parse_properties(flags.kafka, flags.kafka_properties);
    if (!properties) return properties.error();
    options.kafka = *std::move(properties);
    if (auto taken = take_log_of_folder(flags, options); !taken) return taken.error();
    if (auto fits = check_role(options); !fits) return fits.error();
    return options;
}

void configure_logging(const ServeFlags& flags) {
    using bus::logging::Level;
    const Level level = flags.log_level == "debug"   ? Level::debug
                        : flags.log_level == "warn"  ? Level::warn
                        : flags.log_level == "error" ? Level::error
                                                     : Level::info;
    bus::logging::configure(level, flags.log_format == "json" ? bus::logging::Format::json
                                                              : bus::logging::Format::key_value);
}

// Blocked before any thread starts, so that only serve_until_stopped() sees them.
sigset_t block_signals(bool has_certificate) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, reopen_signal);
    if (has_certificate) sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return signals;
}

// What a job asked for: stop, and start with these options.
class Reopening {
public:
    void request(const ServeOptions& with) {
        {
            const std::lock_guard lock(mutex_);
            wanted_ = with;
        }
        ::kill(::getpid(), reopen_signal);
    }
    std::optional<ServeOptions> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(wanted_, std::nullopt);
    }

private:
    std::mutex mutex_;
    std::optional<ServeOptions> wanted_;  // guarded by mutex_
};

// A log that was open a moment ago may need one to open again.
bus::Result<std::unique_ptr<Platform>> start_again(const ServeOptions& options) {
    for (int tries = 1;; ++tries) {
        auto platform = Platform::start(options);
        if (platform || tries == reopen_tries_max ||
            platform.error().code != bus::ErrorCode::unavailable)
            return platform;
        bus::logging::warn("reopening_waits", {{"reason", platform.error().message}});
        std::this_thread::sleep_for(reopen_pause);
    }
}

void reload_certificate(Platform& platform) {
    if (auto done = platform.reload_certificate(); !done)
        bus::logging::error("tls_certificate_kept", {{"reason", done.error().message}});
    else
        bus::logging::info("tls_certificate_reloaded");
}

// Serves until a signal asks to stop, with other options whenever a job asks for that.
bus::Result<int> serve_until_stopped(std::unique_ptr<Platform>& platform, std::jthread& demo,
                                     Reopening& reopening, const sigset_t& signals) {
    for (;;) {
        int signal = 0;
        sigwait(&signals, &signal);
        if (signal == SIGHUP) {
            reload_certificate(*platform);
            continue;
        }
        if (signal != reopen_signal) return signal;
        auto with = reopening.take();
        if (!with) continue;
        demo = {};  // it works on the platform; ends early where it has not ended
        with->ingress = platform->ingress();  // the very ports, also where any was free
        with->api = platform->api();
        platform->stop();
        platform.reset();
        auto started = start_again(*with);
        if (!started) return started.error();
        platform = *std::move(started);
        bus::logging::info("serving_again", {{"log", with->log}});
    }
}

void tell(const ServeOptions& options, const Platform& platform) {
    bus::logging::info(
        "serving", {{"ingress", options.role == Role::project ? "" : to_string(platform.ingress())},
                    {"api", options.role == Role::receive ? "" : to_string(platform.api())},
                    {"log", options.log},
                    {"data", options.data.string()}});
}

// What was refused ends: a library's thread that does not would keep the service manager waiting
// beside the error, and nobody serves meanwhile. SIGALRM ends the process.
int report_and_end(const bus::Error& error) {
    ::alarm(end_seconds_max);
    return report(error);
}

int run_serve(const ServeFlags& flags, const CLI::App& program) {
    auto options = read_flags(flags);
    if (!options) return report(options.error()), 2;
    configure_logging(flags);
    for (const std::string& name : unknown_settings(program, environ))
        bus::logging::warn("setting_unknown", {{"name", name}});
    const sigset_t signals = block_signals(options->tls.given());
    Reopening reopening;
    if (options->role == Role::all)  // a move must hold the intake too
        options->reopen = [&reopening](const ServeOptions& with) { reopening.request(with); };
    auto platform = Platform::start(*options);
    if (!platform) return report_and_end(platform.error());
    tell(*options, **platform);
    std::jthread demo;
    if (options->demo) {
        demo = std::jthread([&](const std::stop_token& stop) {
            if (auto done = run_demo(**platform, options->data, stop); !done) report(done.error());
        });
    }
    const auto signal = serve_until_stopped(*platform, demo, reopening, signals);
    if (!signal) return report(signal.error());
    bus::logging::info("stopping", {{"signal", *signal == SIGINT ? "SIGINT" : "SIGTERM"}});
    demo.request_stop();
    if (demo.joinable()) demo.join();
    (*platform)->stop();
    bus::logging::info("stopped");
    return 0;
}

void add_common_options(CLI::App& command, ServeFlags& flags) {
    command.add_option("--data", flags.data, "data folder, made when it is not there")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command
        .add_option("--tls-cert", flags.tls_certificate,
                    "PEM file: the ports speak TLS 1.2 and 1.3 with this certificate and its "
                    "chain; SIGHUP reads it again")
        ->envname("TRIBUTARY_TLS_CERT");
    command.add_option("--tls-key", flags.tls_key, "PEM file: the certificate's key")
        ->envname("TRIBUTARY_TLS_KEY");
    command.add_option("--partitions", flags.options.partitions, "fixed at the first start")
        ->envname("TRIBUTARY_PARTITIONS")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    command.add_option("--log-level", flags.log_level, "debug, info, warn or error")
        ->envname("TRIBUTARY_LOG_LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
        ->capture_default_str();
    command.add_option("--log-format", flags.log_format, "text or json")
        ->envname("TRIBUTARY_LOG_FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
}

const CLI::Option* add_log_options(CLI::App& command, ServeFlags& flags) {
    command
        .add_option("--kafka", flags.kafka,
                    "librdkafka property NAME=VALUE, may be repeated (ssl.ca.location=...)")
        ->envname("TRIBUTARY_KAFKA");
    command
        .add_option("--kafka-properties", flags.kafka_properties,
                    "file with such properties, one a line; for user and password "
                    "(security.protocol, sasl.mechanisms, sasl.username, sasl.password)")
        ->envname("TRIBUTARY_KAFKA_PROPERTIES");
    command
        .add_option("--spool-mib", flags.options.spool_mib_max,
                    "kept on this disk while Kafka is away, then 503; 0 = nothing is kept")
        ->envname("TRIBUTARY_SPOOL_MIB")
        ->capture_default_str();
    command
        .add_option("--kafka-replication", flags.options.kafka_replication,
                    "replication factor of new topics")
        ->envname("TRIBUTARY_KAFKA_REPLICATION")
        ->check(CLI::Range(1, 9))
        ->capture_default_str();
    command
        .add_option("--kafka-prefix", flags.options.kafka_prefix,
                    "put before each topic's name, where installations share a cluster")
        ->envname("TRIBUTARY_KAFKA_PREFIX");
    const bool apart = flags.options.role != Role::all;
    return command
        .add_option("--log", flags.options.log,
                    apart ? "kafka:HOST:PORT,..."
                          : "embedded, or kafka:HOST:PORT,...; after a migration what it moved to")
        ->envname("TRIBUTARY_LOG")
        ->capture_default_str();
}

void add_receiving_options(CLI::App& command, ServeFlags& flags) {
    command
        .add_option("--ingress", flags.ingress,
                    "HOST:PORT of the public port: webhooks and /v1/events")
        ->envname("TRIBUTARY_INGRESS")
        ->capture_default_str();
    command
        .add_option("--source-rate", flags.options.source_rate,
                    "requests a second that one source may send, a tenth of them at once, "
                    "then 429 with Retry-After")
        ->envname("TRIBUTARY_SOURCE_RATE")
        ->check(CLI::Range(1u, 1'000'000u))
        ->capture_default_str();
}

void add_projecting_options(CLI::App& command, ServeFlags& flags) {
    command.add_option("--api", flags.api, "HOST:PORT of the private port: queries and commands")
        ->envname("TRIBUTARY_API")
        ->capture_default_str();
    command
        .add_option("--public-url", flags.options.public_url,
                    "how providers reach the ingress, e.g. https://in.example.org")
        ->envname("TRIBUTARY_PUBLIC_URL");
    command.add_option("--projector-threads", flags.options.projector_threads, "0 = one per core")
        ->envname("TRIBUTARY_PROJECTOR_THREADS")
        ->capture_default_str();
    command
        .add_option("--cache-mib", flags.options.cache_mib,
                    "memory for rows read from disk; more of it where customers are many")
        ->envname("TRIBUTARY_CACHE_MIB")
        ->check(CLI::Range(16u, 1'048'576u))
        ->capture_default_str();
    command
        .add_option("--on-change", flags.options.on_change,
                    "when this program makes other rows than the stores hold: rebuild them beside "
                    "everything else, refuse to start, or keep showing what is live as it is (a "
                    "replay that is not switched to begins anew in any case)")
        ->envname("TRIBUTARY_ON_CHANGE")
        ->check(CLI::IsMember({"rebuild", "refuse", "keep"}))
        ->capture_default_str();
}

void add_role(CLI::App& program, ExitCode& exit_code, Role role, const char* name,
              const char* description, const char* example) {
    auto flags = std::make_shared<ServeFlags>();
    flags->options.role = role;
    if (role != Role::all) flags->options.log.clear();
    CLI::App* command = program.add_subcommand(name, description);
    add_common_options(*command, *flags);
    const CLI::Option* log = add_log_options(*command, *flags);
    if (role != Role::project) add_receiving_options(*command, *flags);
    if (role != Role::receive) add_projecting_options(*command, *flags);
    if (role == Role::all)
        command
            ->add_flag("--demo", flags->options.demo,
                       "make a tenant with sample sources and send sample traffic once")
            ->envname("TRIBUTARY_DEMO");
    command->footer(example);
    command->callback([flags, log, &program, &exit_code] {
        flags->log_given = log->count() > 0;
        exit_code = run_serve(*flags, program);
    });
}

}  // namespace

void add_serve_command(CLI::App& program, ExitCode& exit_code) {
    add_role(program, exit_code, Role::all, "serve", "run the whole product in this process",
             "Example: tributary serve --data /var/lib/tributary --ingress 0.0.0.0:8080\n"
             "     or: tributary serve --ingress 0.0.0.0:443 --tls-cert fullchain.pem --tls-key "
             "privkey.pem");
    add_role(program, exit_code, Role::project, "project",
             "fold records into rows and serve the private port; another process receives",
             "Example: tributary project --data /var/lib/tributary --log kafka:127.0.0.1:9092 "
             "--public-url https://in.example.org");
    add_role(program, exit_code, Role::receive, "receive",
             "serve the public port alone: requests become records on Kafka",
             "Example: install -d -m 700 receive && cp /var/lib/tributary/*.key receive/\n"
             "         tributary receive --data receive --log kafka:127.0.0.1:9092 --ingress "
             "0.0.0.0:8080");
}

}  // namespace tools
