// The export of a tenant or of one customer as a long work of the serving process (S-14).
//
// Everything up to the position at which it began: raw records and the events in them from the log,
// then the rows of every projection (shown_rows.hpp), each at one moment. Beside live work: it
// reads, and holds nothing that others wait for.
//
// Left out are what only serves to find and count rows, indexes and measures. A customer's export
// has the rows that are kept under one of her keys or name one; not the indexes of requests and
// events, which name nobody: records.ndjson and events.ndjson hold hers.
#pragma once

#include "bus/clock.hpp"
#include "bus/read_wait.hpp"
#include "projections/read_port.hpp"
#include "schemas/registry.hpp"
#include "tools/jobs/job_run.hpp"

#include <filesystem>

namespace tools::exports {

struct ExportPorts {
    bus::Log& log;
    const schemas::Registry& registry;
    projections::ReadPort& reads;
    bus::Clock& clock;
    std::vector<std::string> projections{};  // by name
    schemas::BodyReader mail_reader = nullptr;
    // A source as the API shows it, for the one who sets it up again.
    std::function<std::string(const schemas::Source&)> show_source{};
    bus::milliseconds silence_max = bus::ReadPatience{}.silence_max;  // of the log
};

enum class ExportFormat : std::uint8_t { ndjson, csv };

struct ExportWish {
    bus::TenantId tenant;
    std::string customer{};                // a key as a person writes it; "" = everything
    std::optional<bus::Timestamp> from{};  // of the records by ingest time; inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    ExportFormat format = ExportFormat::ndjson;
    std::filesystem::path out;
    bool restart = false;  // see ExportFolder::begin()
};

// unavailable: the log gave nothing of what it holds for `silence_max`, or the rows stay behind it.
bus::Result<std::string> run_export(const ExportPorts& ports, const ExportWish& wish,
                                    jobs::JobRun& run);

}  // namespace tools::exports
