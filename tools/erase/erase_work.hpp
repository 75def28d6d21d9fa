// Carries out what was decided to be erased (schemas/erasures.hpp): bodies in the log, rows, keys;
// then says in `.control` that it is done. Work that can be watched; done again from the start
// after a crash.
#pragma once

#include "consumers/projector_pool.hpp"
#include "producers/commands/erase_decisions.hpp"
#include "projections/read_port.hpp"
#include "tools/erase/proof_report.hpp"
#include "tools/jobs/jobs.hpp"

#include <filesystem>
#include <functional>

namespace tools::erase {

// All outlive the jobs.
struct ErasePorts {
    std::filesystem::path data;
    bus::Log& log;
    const schemas::Registry& registry;
    consumers::ProjectorPool& pool;
    producers::commands::ControlWriter& writer;
    projections::ReadPort& reads;
    jobs::Jobs& jobs;
    std::function<void()> forget_past;  // kept answers of earlier moments, once rows are gone
};

// Everything of a client. Without `erasure` ("") it only counts.
bus::Result<std::string> erase_tenant(const ErasePorts& ports, bus::TenantId tenant,
                                      const std::string& erasure, jobs::JobRun& run);

// What an earlier process did not end, as jobs: some at a time, however many there are. In a
// journal that a migration filled the bodies of what was completed before go as well, once.
void resume_erasures(const ErasePorts& ports);

}  // namespace tools::erase
