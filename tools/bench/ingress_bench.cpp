// What a webhook costs from socket to acknowledgement: the door and the edge on a log, in this
// process; the load in another; optionally nginx `return 204` under the same load as the floor.
//
//   bench_ingress [--log embedded|memory] [--directory DIR] [--connections 128]
//                 [--requests 300000] [--rounds 3] [--nginx]
//
// Prints a line of key=value per round: CPU microseconds per request of the serving process,
// requests a second, latencies; at the end the sizes of the journal's commit groups.
#include "bus/crypto/digest.hpp"
#include "bus/embedded/journal.hpp"
#include "bus/memory/memory_log.hpp"
#include "bus/text.hpp"
#include "producers/edge/edge_server.hpp"
#include "schemas/control_facts.hpp"
#include "schemas/providers/built_in.hpp"
#include "schemas/providers/provider_file.hpp"
#include "tools/bench/ingress_load.hpp"
#include "tools/bench/process_use.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

namespace {

struct Settings {
    std::string log = "embedded";
    std::string directory = "/tmp/bench_ingress";
    std::size_t connections = 128;
    std::size_t requests = 300'000;
    int rounds = 3;
    bool nginx = false;
    std::uint16_t load_port = 0;  // set: this is the load process
    std::string run;
    std::string targets;  // of the load process, see ingress_load.hpp
    std::size_t rate = 0;
    std::string server;
};

// Secrets are "sealed" in clear here: opening happens once per source, not per request.
class PlainSecrets final : public producers::SecretOpener {
public:
    bus::Result<std::string> open(bus::TenantId, const schemas::SealedSecret& secret) override {
        return secret.sealed;
    }
};

std::string hash_of(std::string_view text) {
    return bus::to_hex(bus::crypto::view(bus::crypto::sha256(text)));
}

class Facts {
public:
    explicit Facts(schemas::Registry& registry) : registry_(registry) {}
    void apply(bus::TenantId tenant, schemas::ControlBody body) {
        schemas::ControlFact fact;
        fact.id = bus::random_ids().next_event_id(bus::system_clock().now());
        fact.tenant = tenant;
        fact.time = bus::system_clock().now();
        fact.body = std::move(body);
        bus::NewRecord record = schemas::encode(fact);
        record.value.reserve(record.value.size() + 64);
        const bus::RecordView view{
            {bus::Topic::control, 0, next_++}, record.key, record.headers, record.value};
        BUS_ASSERT(registry_.apply(view).has_value(), "the bench writes facts the registry takes");
    }

private:
    schemas::Registry& registry_;
    bus::Offset next_ = 0;
};

void fill(schemas::Registry& registry) {
    Facts facts(registry);
    for (std::size_t i = 0; i < bench::tenants; ++i) {
        schemas::Tenant tenant;
        tenant.id = bus::TenantId{0x1000 + i};
        tenant.code = fmt::format("bench{}", i);
        schemas::ApiKey key;
        key.id = fmt::format("key_{}", i);
        key.tenant = tenant.id;
        key.hash = hash_of(key.id);
        schemas::Source events;
        events.id = bus::SourceId{0x100000 + i};
        events.tenant = tenant.id;
        events.kind = "cloudevents";
        events.slug = fmt::format("bench-events-{}", i);
        facts.apply(tenant.id, schemas::TenantCreated{tenant, key, events});
        schemas::Source source;
        source.id = bus::SourceId{0x200000 + i};
        source.tenant = tenant.id;
        source.kind = "meta_cloud";
        source.topic = bus::Topic::chat;
        source.slug = fmt::format("bench-{}", i);
        source.token_hash = hash_of(bench::token_of(i));
        source.verification.own().kind = "scheme";
        source.account_ids = {fmt::format("meta_cloud:{}", i)};
        schemas::SealedSecret secret;
        secret.id = fmt::format("sec_{}", i);
        secret.sealed = bench::secret_of(i);
        source.secrets = {secret};
        facts.apply(tenant.id, schemas::SourceCreated{source});
    }
}

pid_t spawn(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = -1;
    return ::posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ) == 0
               ? pid
               : -1;
}

bool run_load(const Settings& settings, std::string_view server, std::uint16_t port, int round) {
    std::fflush(stdout);
    const pid_t pid = spawn(
        {"/proc/self/exe", "--load-port", std::to_string(port), "--connections",
         std::to_string(settings.connections), "--requests", std::to_string(settings.requests),
         "--run", fmt::format("{}-{}", ::getpid(), round), "--server", std::string{server}});
    int status = 0;
    return pid > 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}

struct Serving {
    std::unique_ptr<schemas::Registry> registry;
    PlainSecrets secrets;
    std::unique_ptr<bus::Log> log;
    bus::embedded::Journal* journal = nullptr;
    std::unique_ptr<producers::Door> door;
    std::unique_ptr<producers::edge::EdgeServer> edge;
};

bus::Result<bus::Done> open_log(const Settings& settings, Serving& serving) {
    if (settings.log == "memory") {
        serving.log = std::make_unique<bus::memory::MemoryLog>();
        return bus::Done{};
    }
    std::filesystem::remove_all(settings.directory);
    std::filesystem::create_directories(settings.directory);
    bus::embedded::JournalOptions options;
    options.directory = settings.directory;
    auto journal = bus::embedded::Journal::open(options);
    if (!journal) return journal.error();
    serving.journal = journal->get();
    serving.log = *std::move(journal);
    return bus::Done{};
}

bus::Result<bus::Done> start(const Settings& settings, Serving& serving) {
    std::vector<schemas::ProviderKind> kinds;
    for (const schemas::EmbeddedFile& file : schemas::embedded_provider_files()) {
        if (file.name != "meta_cloud.yaml" && file.name != "cloudevents.yaml") continue;
        auto kind = schemas::parse_provider_file(file.text, file.name);
        if (!kind) return kind.error();
        kinds.push_back(*std::move(kind));
    }
    serving.registry = schemas::make_registry(std::move(kinds));
    fill(*serving.registry);
    if (auto opened = open_log(settings, serving); !opened) return opened.error();
    serving.door = std::make_unique<producers::Door>(
        producers::DoorPorts{.registry = *serving.registry,
                             .secrets = serving.secrets,
                             .catch_up = {},
                             .clock = bus::system_clock(),
                             .ids = bus::random_ids()},
        producers::DoorOptions{.installation_key = {}, .limits = {}});
    producers::edge::EdgeOptions options;
    options.port = 0;
    if (serving.journal) {
        options.active_callers = [journal = serving.journal](std::size_t count) {
            journal->set_active_callers(count);
        };
    }
    auto edge = producers::edge::EdgeServer::start(options, *serving.door, *serving.log, {});
    if (!edge) return edge.error();
    serving.edge = *std::move(edge);
    return bus::Done{};
}

// Nginx answers every POST with 204, one worker, no logs.
class Nginx {
public:
    bool start(std::uint16_t port) {
        std::filesystem::create_directories(folder_);
        std::ofstream(folder_ / "nginx.conf") << fmt::format(
            "daemon off; master_process off; pid {0}/pid; error_log /dev/null; worker_processes "
            "1;\n"
            "events {{ worker_connections 2048; }}\n"
            "http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {0};\n"
            "proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};\n"
            "server {{ listen 127.0.0.1:{1}; location / {{ return 204; }} }} }}\n",
            folder_.string(), port);
        pid_ = spawn({"nginx", "-c", (folder_ / "nginx.conf").string()});
        std::this_thread::sleep_for(std::chrono::milliseconds{500});
        return pid_ > 0 && ::kill(pid_, 0) == 0;
    }
    ~Nginx() {
        if (pid_ > 0) {
            ::kill(pid_, SIGTERM);
            ::waitpid(pid_, nullptr, 0);
        }
        std::filesystem::remove_all(folder_);
    }
    double cpu_us() const {
        std::ifstream file(fmt::format("/proc/{}/schedstat", pid_));
        double ns = 0;
        file >> ns;
        return ns / 1000;
    }

private:
    std::filesystem::path folder_ = fmt::format("/tmp/bench_ingress_nginx.{}", ::getpid());
    pid_t pid_ = -1;
};

void print_groups(const bus::embedded::JournalStats& stats) {
    fmt::print("groups={} records_per_group={:.1f}", stats.groups,
               static_cast<double>(stats.records) /
                   static_cast<double>(std::max<std::uint64_t>(stats.groups, 1)));
    for (std::size_t i = 0; i < stats.groups_of.size(); ++i) {
        if (stats.groups_of[i] > 0) fmt::print(" from_{}={}", 1u << i, stats.groups_of[i]);
    }
    fmt::print("\n");
}

// Every request was told something else: so many records must stand there.
bool print_kept(const Settings& settings, const Serving& serving) {
    std::uint64_t records = 0;
    for (bus::PartitionId partition = 0; partition < serving.log->partitions(); ++partition)
        records += serving.log->end_offset({bus::Topic::chat, partition}).value_or(0);
    const bool kept = records == static_cast<std::uint64_t>(settings.requests) *
                                     static_cast<std::uint64_t>(settings.rounds);
    fmt::print("stored={} checker={}\n", records, kept ? "passed" : "FAILED");
    if (serving.journal) print_groups(serving.journal->stats());
    return kept;
}

int serve_and_measure(const Settings& settings) {
    Serving serving;
    if (auto started = start(settings, serving); !started) {
        fmt::print(stderr, "bench_ingress: {}\n", started.error().message);
        return 1;
    }
    const auto requests = static_cast<double>(settings.requests);
    for (int round = 0; round < settings.rounds; ++round) {
        const double before = bench::cpu_us();
        const std::uint64_t written = bench::bytes_written();
        if (!run_load(settings, "edge", serving.edge->port(), round)) return 1;
        fmt::print(
            "server=edge log={} connections={} cpu_us_per_request={:.2f} "
            "bytes_written_per_request={:.0f} rss_mib_max={}\n",
            settings.log, settings.connections, (bench::cpu_us() - before) / requests,
            static_cast<double>(bench::bytes_written() - written) / requests, bench::rss_mib_max());
        if (!settings.nginx) continue;
        Nginx nginx;
        const auto port = static_cast<std::uint16_t>(20'000 + ::getpid() % 20'000);
        if (!nginx.start(port)) return 1;
        const double floor_before = nginx.cpu_us();
        if (!run_load(settings, "nginx", port, round)) return 1;
        fmt::print("server=nginx connections={} cpu_us_per_request={:.2f}\n", settings.connections,
                   (nginx.cpu_us() - floor_before) / requests);
    }
    const bool kept = print_kept(settings, serving);
    serving.edge->stop(std::chrono::seconds{5});
    serving.edge.reset();
    serving.log->close();
    serving.log.reset();
    if (settings.log == "embedded") std::filesystem::remove_all(settings.directory);
    return kept ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app{"CPU microseconds per webhook, from socket to acknowledgement"};
    app.add_option("--log", settings.log)->check(CLI::IsMember({"embedded", "memory"}));
    app.add_option("--directory", settings.directory, "of the journal; emptied");
    app.add_option("--connections", settings.connections);
    app.add_option("--requests", settings.requests, "per round");
    app.add_option("--rounds", settings.rounds);
    app.add_flag("--nginx", settings.nginx, "also nginx return 204, under the same load");
    app.add_option("--load-port", settings.load_port)->group("");
    app.add_option("--run", settings.run)->group("");
    app.add_option("--targets", settings.targets)->group("");
    app.add_option("--rate", settings.rate)->group("");
    app.add_option("--server", settings.server)->group("");
    CLI11_PARSE(app, argc, argv);
    if (settings.load_port != 0)
        return bench::run_load({settings.load_port, settings.connections, settings.requests,
                                settings.run, settings.targets, settings.rate, settings.server});
    return serve_and_measure(settings);
}
