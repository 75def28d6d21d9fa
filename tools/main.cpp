// The `tributary` program: one file per subcommand.
#include "tools/command.hpp"
#include "tools/private_process.hpp"
#include "tools/version.hpp"
#include "tools/yaml_settings.hpp"

#include <sys/resource.h>
#include <cstdio>
#include <exception>

// Read by jemalloc (its manual, "TUNING"). One arena for each core in place of four: what threads
// free into arenas of their own is of no use to the others, 40 to 70 MiB after 150,000 events.
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas_ratio:1";

namespace tools {

int report(const bus::Error& error) {
    fmt::print(stderr, "error: {}: {}\n", bus::name(error.code), error.message);
    return 1;
}

namespace {

constexpr int wrong_usage = 2;

// Connections idle by the thousand, and a log may have as many segments; what a shell or systemd
// gives at first is 1,024 files.
void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
    CLI::App program{"Tributary: many channels, one stream", "tributary"};
    program.require_subcommand(1);
    program.set_version_flag("--version", std::string(version));
    program.set_config(
        "--config", "",
        "YAML file with settings, one section per subcommand (flags and TRIBUTARY_* win)");
    program.config_formatter(std::make_shared<YamlSettings>());
    program.footer(
        "Example: tributary serve --data /var/lib/tributary\nEach subcommand has --help with an "
        "example.");
    ExitCode exit_code = 0;
    add_serve_command(program, exit_code);
    add_tail_command(program, exit_code);
    add_get_command(program, exit_code);
    add_graph_command(program, exit_code);
    add_listen_command(program, exit_code);
    add_dead_letters_command(program, exit_code);
    add_dump_command(program, exit_code);
    add_list_commands(program, exit_code);
    add_doctor_command(program, exit_code);
    add_schema_command(program, exit_code);
    add_jobs_command(program, exit_code);
    add_backup_commands(program, exit_code);
    add_migrate_command(program, exit_code);
    add_verify_command(program, exit_code);
    add_replay_command(program, exit_code);
    add_import_command(program, exit_code);
    add_export_command(program, exit_code);
    add_erase_command(program, exit_code);
    add_retention_command(program, exit_code);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return program.exit(e) == 0 ? 0 : wrong_usage;
    }
    return exit_code;
}

}  // namespace
}  // namespace tools

int main(int argc, char** argv) {
    tools::keep_private();
    tools::raise_file_limit();
    try {
        return tools::run(argc, argv);
    } catch (const std::exception& e) {
        fmt::print(stderr, "error: {}\n", e.what());
        return 1;
    }
}
