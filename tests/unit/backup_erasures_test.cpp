#include "tools/backup/make_backup.hpp"
#include "tools/backup/newer_erasures.hpp"

#include "bus/embedded/journal.hpp"
#include "bus/memory/memory_log.hpp"
#include "schemas/control_facts.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

constexpr bus::TenantId acme{7};
const std::string acme_object = bus::to_string(acme);

schemas::ControlFact fact_of(std::uint8_t number, std::string command, schemas::ControlBody body,
                             std::map<std::string, std::uint64_t> versions) {
    schemas::ControlFact fact;
    fact.id.bytes[15] = number;
    fact.tenant = acme;
    fact.command = std::move(command);
    fact.requirements.versions = std::move(versions);
    fact.body = std::move(body);
    return fact;
}

schemas::Tenant tenant(std::string hold) {
    schemas::Tenant tenant;
    tenant.id = acme;
    tenant.code = "acme";
    tenant.name = "Acme";
    tenant.country = "IN";
    tenant.data_key_id = "dk_1";
    tenant.legal_hold = std::move(hold);
    return tenant;
}

schemas::ControlFact created() {
    schemas::TenantCreated body;
    body.tenant = tenant("");
    body.api_key = {.id = "key_1", .tenant = acme, .hash = "h1", .label = {}, .created_at = {}};
    body.source.id = bus::SourceId{1};
    body.source.tenant = acme;
    body.source.slug = "events";
    body.source.kind = "ivr";
    body.source.topic = bus::Topic::voice;
    body.source.verification.own().kind = "none";
    return fact_of(1, "create", body, {});
}

void append(bus::Log& log, const schemas::ControlFact& fact) {
    const auto appended = bus::append_and_wait(log, schemas::encode(fact), 5s);
    REQUIRE_MESSAGE(appended, (appended ? "" : appended.error().message));
}

// Of a copy that only knows the client, and a newer log that went on with `facts`.
std::vector<std::string> taken_over(const std::vector<schemas::ControlFact>& facts) {
    bus::memory::MemoryLog restored;
    append(restored, created());
    const tests::TempDirectory directory;
    {
        const auto newer = bus::embedded::Journal::open(
            {.directory = directory.path(), .segment_bytes = 1 << 20, .reserve_bytes = 0});
        REQUIRE(newer);
        append(**newer, created());
        for (const auto& fact : facts) append(**newer, fact);
    }
    const auto taken = tools::backup::take_over_erasures(restored, directory.path());
    REQUIRE_MESSAGE(taken, (taken ? "" : taken.error().message));
    CHECK(*restored.end_offset({bus::Topic::control, 0}) == 1 + taken->size());
    return *taken;
}

}  // namespace

TEST_CASE("newer erasures: what was decided there is taken over") {
    CHECK(taken_over({fact_of(2, "era_1", schemas::TenantErased{"era_1"}, {{acme_object, 1}})}) ==
          std::vector<std::string>{"era_1"});
}

TEST_CASE("newer erasures: what a legal hold had refused is not") {
    CHECK(taken_over(
              {fact_of(2, "hold", schemas::TenantUpdated{tenant("case 4711")}, {{acme_object, 1}}),
               fact_of(3, "era_1", schemas::TenantErased{"era_1"}, {{acme_object, 1}})})
              .empty());
}

namespace {

class Run final : public tools::jobs::JobRun {
public:
    void phase(std::string_view, std::uint64_t, std::string_view) override {}
    void advance(std::uint64_t) override {}
    bool go_on() override { return true; }
};

}  // namespace

TEST_CASE("backup: stores beside which an erasure ended are copied again, three times at most") {
    const tests::TempDirectory data, to;
    {
        const auto journal = bus::embedded::Journal::open({.directory = data.path() / "journal",
                                                           .partitions = 1,
                                                           .segment_bytes = 1 << 20,
                                                           .reserve_bytes = 0});
        REQUIRE(journal);
        append(**journal, created());
    }
    std::size_t completed = 0, meanwhile = 3;
    const tools::backup::BackupSource source{
        .data = data.path(),
        .engine = "embedded",
        .partitions = 1,
        .store =
            [&](bus::PartitionId) -> bus::Result<std::unique_ptr<projections::store::StoreUpkeep>> {
            if (meanwhile > 0) {
                --meanwhile;
                ++completed;
            }
            return bus::fail(bus::ErrorCode::unavailable, "it is not open");
        },
        .erasures_completed = [&](bus::Offset control_end) -> bus::Result<std::size_t> {
            return control_end <= 1 ? completed : 100;
        }};
    Run run;
    const auto make = [&] {
        return tools::backup::make_backup(source, {.to = to.path() / "backups"}, run);
    };
    const auto refused = make();
    REQUIRE_FALSE(refused);
    CHECK_MESSAGE(refused.error().code == bus::ErrorCode::conflict, refused.error().message);
    meanwhile = 2;
    const auto made = make();
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    CHECK(made->find("partition 0 are not in it") == made->rfind("partition 0 are not in it"));
}
