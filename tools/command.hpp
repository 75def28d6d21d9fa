// What each subcommand file gives: it adds itself to the program and, when chosen, runs.
//
// Exit codes: 0 done, 1 it did not work, 2 wrong usage.
#pragma once

#include "bus/result.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace tools {

// Set by the chosen subcommand's callback.
using ExitCode = int;

void add_serve_command(CLI::App& program, ExitCode& exit_code);
void add_tail_command(CLI::App& program, ExitCode& exit_code);
void add_get_command(CLI::App& program, ExitCode& exit_code);
void add_graph_command(CLI::App& program, ExitCode& exit_code);
void add_listen_command(CLI::App& program, ExitCode& exit_code);
void add_dead_letters_command(CLI::App& program, ExitCode& exit_code);
void add_dump_command(CLI::App& program, ExitCode& exit_code);
void add_list_commands(CLI::App& program, ExitCode& exit_code);  // topics, tenants, sources
void add_doctor_command(CLI::App& program, ExitCode& exit_code);
void add_schema_command(CLI::App& program, ExitCode& exit_code);
void add_jobs_command(CLI::App& program, ExitCode& exit_code);
void add_backup_commands(CLI::App& program, ExitCode& exit_code);  // backup, restore, compact
void add_migrate_command(CLI::App& program, ExitCode& exit_code);
void add_verify_command(CLI::App& program, ExitCode& exit_code);
void add_replay_command(CLI::App& program, ExitCode& exit_code);
void add_import_command(CLI::App& program, ExitCode& exit_code);
void add_export_command(CLI::App& program, ExitCode& exit_code);
void add_erase_command(CLI::App& program, ExitCode& exit_code);
void add_retention_command(CLI::App& program, ExitCode& exit_code);

// Prints the error for a person and gives 1.
int report(const bus::Error& error);

}  // namespace tools
