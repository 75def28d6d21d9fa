// A log in memory whose records say a text each, and projections that count them.
#pragma once

#include "bus/memory/memory_log.hpp"
#include "consumers/projector_setup.hpp"
#include "tests/support/registry_double.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>

namespace tests {

using consumers::ProjectorSetup;
using projections::Rows;
using projections::Table;
namespace fs = std::filesystem;

inline constexpr bus::SourceId shop{5};
inline const std::string stamp = "0123456789abcdef0123456789abcdef";
inline constexpr bus::milliseconds enough{30'000};

// How often a text was said. Counts each time it is applied, so that twice would be seen.
struct Said final : projections::RowOf<Said> {
    std::string text;
    int times = 0;
    std::string last_id;

    void encode(std::string& out) const override {
        out += fmt::format("{}\n{} {}", text, times, last_id);
    }
    bus::Result<bus::Done> decode(std::string_view bytes) override {
        const std::size_t line = bytes.find('\n');
        if (line == std::string_view::npos) return bus::fail(bus::ErrorCode::corrupt, "one line");
        text = bytes.substr(0, line);
        const std::string rest{bytes.substr(line + 1)};
        times = std::atoi(rest.c_str());
        last_id = rest.substr(rest.find(' ') + 1);
        return bus::Done{};
    }
    void index_entries(projections::IndexSink& sink) const override {
        sink.entry(projections::KeyWriter{}.byte('t').number(times).raw(text).str());
    }
};

class SaidProjection final : public projections::Projection {
public:
    explicit SaidProjection(std::uint32_t version = 1) : version_(version) {}
    std::string_view name() const override { return "said"; }
    std::uint32_t version() const override { return version_; }
    void fold(const schemas::Event& event, Rows& rows) const override {
        const std::string_view text = event.text(schemas::Field::text);
        Said& said = rows.edit<Said>(Table::rows, text);
        said.text = text;
        said.times += 1;
        said.last_id = to_string(event.id);
    }

private:
    const std::uint32_t version_;
};

class SeenProjection final : public projections::Projection {
public:
    std::string_view name() const override { return "seen"; }
    std::uint32_t version() const override { return 1; }
    void seen(const projections::SeenRecord& record, Rows& rows) const override {
        rows.put(Table::entries, to_string(record.address),
                 fmt::format("{} {} {}+{}", record.type, record.source_slug, record.event_count,
                             record.failure_count));
    }
    void failed(const projections::FailedRecord& record, Rows& rows) const override {
        rows.put(Table::rows, to_string(record.address),
                 fmt::format("{}: {}", record.path, record.reason));
    }
};

// Tenants of the first two partitions; another one than those up to `after`.
inline bus::TenantId tenant_in(bus::PartitionId partition, bus::PartitionId partitions,
                               bus::TenantId after = bus::TenantId{0}) {
    for (std::uint64_t value = after.value + 1;; ++value)
        if (bus::partition_of(to_string(bus::TenantId{value}), partitions) == partition)
            return bus::TenantId{value};
}

struct World {
    fs::path folder;
    std::unique_ptr<bus::memory::MemoryLog> log;
    support::RegistryDouble registry;
    SaidProjection said;
    SeenProjection seen;
    bus::Signal more;
    std::uint8_t records = 0;

    World() {
        std::string name = "/tmp/projector_test_XXXXXX";
        folder = ::mkdtemp(name.data());
        empty_log();
        registry.add_source(shop, "shop");
        registry.add_mapping(stamp);
    }
    ~World() { fs::remove_all(folder); }

    void empty_log() {
        log = std::make_unique<bus::memory::MemoryLog>(
            bus::memory::MemoryLogOptions{.partitions = 2});
    }
    ProjectorSetup setup() const { return setup_on(*log); }
    ProjectorSetup setup_on(bus::Log& log_read) const {
        return {.log = log_read,
                .registry = registry,
                .projections = {&said, &seen},
                .stores = folder,
                .shared = projections::store::make_shared_resources(8 << 20, 64 << 20),
                .memtable_bytes = 1 << 20};
    }
    struct Dedup {
        std::string_view key, kind, window_s;
    };
    bus::Position say(std::string_view text, bus::PartitionId partition = 0,
                      bus::Topic topic = bus::Topic::chat, std::string_view mapping = stamp,
                      std::string_view type = bus::raw_event_type, std::optional<Dedup> dedup = {},
                      std::optional<bus::TenantId> by = {}) {
        const bus::TenantId tenant = by.value_or(tenant_in(partition, 2));
        bus::NewRecord record;
        record.topic = topic;
        record.partition = partition;
        record.key = to_string(tenant);
        bus::Envelope envelope;
        envelope.tenant = tenant;
        envelope.source = shop;
        envelope.type = type;
        envelope.time = bus::Timestamp{bus::seconds{records}};
        envelope.ingest_time = envelope.time;
        envelope.mapping = mapping;
        envelope.id.bytes[0] = ++records;
        bus::write_envelope(envelope, record.headers);
        if (dedup) {
            record.headers.add(bus::header::dedup, dedup->key);
            record.headers.add(bus::header::dedup_kind, dedup->kind);
            record.headers.add(bus::header::dedup_window, dedup->window_s);
        }
        record.value = text;
        auto appended = bus::append_and_wait(*log, std::move(record), enough);
        REQUIRE(appended);
        bus::Position position{.partition = partition};
        position.advance(appended->address);
        return position;
    }
};

}  // namespace tests
