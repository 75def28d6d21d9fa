// An export does not wait for ever for a log that has gone away.
#include "bus/memory/memory_log.hpp"
#include "tests/support/fake_registry.hpp"
#include "tests/support/silent_log.hpp"
#include "tests/support/temp_directory.hpp"
#include "tools/export/export_work.hpp"

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;

class NoRows final : public projections::ReadPort {
public:
    bus::Result<std::unique_ptr<projections::ReadView>> view(bus::TenantId,
                                                             std::string_view) override {
        return bus::fail(bus::ErrorCode::corrupt, "nobody asks");
    }
    bus::Position position(bus::TenantId) override { return {}; }
    bus::Result<bool> wait_for(bus::TenantId, const bus::Position&, bus::milliseconds) override {
        return true;
    }
};

struct Unwatched final : tools::jobs::JobRun {
    void phase(std::string_view, std::uint64_t, std::string_view) override {}
    void advance(std::uint64_t) override {}
    bool go_on() override { return goes_on; }
    bool goes_on = true;
};

struct Exporting {
    Exporting() {
        bus::NewRecord record;
        record.key = bus::to_string(tenant);
        record.partition = bus::partition_of(record.key, log.partitions());
        REQUIRE(bus::append_and_wait(log, std::move(record), 10s));
    }
    bus::Result<std::string> run() {
        const tools::exports::ExportPorts ports{.log = silent,
                                                .registry = registry,
                                                .reads = rows,
                                                .clock = bus::system_clock(),
                                                .silence_max = 100ms};
        return run_export(ports, {.tenant = tenant, .out = out}, work);
    }
    tests::TempDirectory files;
    const std::filesystem::path out = files.path() / "all";
    tests::FakeRegistry registry;
    const bus::TenantId tenant = registry.add_tenant("shop");
    NoRows rows;
    Unwatched work;
    bus::memory::MemoryLog log{bus::memory::MemoryLogOptions{.partitions = 2}};
    tests::SilentLog silent{log};
};

}  // namespace

TEST_CASE("export: a log that gives nothing of what it holds ends it as unavailable") {
    Exporting exporting;
    const auto exported = exporting.run();
    REQUIRE_FALSE(exported);
    CHECK(exported.error().code == bus::ErrorCode::unavailable);
    CHECK_MESSAGE(exported.error().message.find("gave no record") != std::string::npos,
                  exported.error().message);
    CHECK(std::filesystem::is_empty(exporting.files.path()));
}

TEST_CASE("export: who is told not to go on waits no more for a log that gives nothing") {
    Exporting exporting;
    exporting.work.goes_on = false;
    const auto exported = exporting.run();
    REQUIRE_FALSE(exported);
    CHECK(exported.error().code == bus::ErrorCode::cancelled);
}
