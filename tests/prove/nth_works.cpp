#include "tests/prove/nth_works.hpp"

#include "bus/record_range.hpp"
#include "tests/prove/world_jobs.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <fmt/format.h>

#include <set>

namespace tests::prove {
namespace {

namespace fs = std::filesystem;
using schemas::json::Value;

// --- a replay, and the switch to what it has built

Work replay(FaultWorld& world) {
    const Answer dropped =
        ask_as_admin(world, "POST", "/v1/projections/all/drop-old?candidates=true");
    const bool had_none = dropped.status == 409;
    if (dropped.status != 200 && !had_none) throw std::runtime_error("drop-old: " + dropped.body);
    return {.target = "/v1/replays",
            .body = R"({"switch":true})",
            .resume_body = R"({"switch":true,"resume":true})",
            .problem = [](FaultWorld&, const Document& job) {
                return job["report"]["switched"].boolean() == true ? "" : "has not switched; ";
            }};
}

// --- expiry

bool is_in(const std::string& address_text, const Value& ranges) {
    const auto address = bus::parse_address(address_text);
    for (std::size_t i = 0; address && i < ranges.size(); ++i) {
        const auto range = bus::parse_record_range(ranges.at(i).text());
        if (range && range->where == bus::TopicPartition{address->topic, address->partition} &&
            range->from <= address->offset && address->offset < range->before)
            return true;
    }
    return false;
}

std::string request_of(const std::string& event_id) {
    return "/v1/ingest/requests/" + event_id;
}

int status_of_body(FaultWorld& world, const std::string& event_id) {
    return world.client().read(world.load().tenants()[0], request_of(event_id) + "/raw").status;
}

// Of the first source, whose records are chat.
std::string oldest_with_body(FaultWorld& world) {
    for (const checker::Told& told : world.load().told())
        if (status_of_body(world, told.event_id) == 200) return told.event_id;
    throw std::runtime_error("no record has its body");
}

std::string address_of(FaultWorld& world, const std::string& event_id) {
    const Document shown(world.client().read(world.load().tenants()[0], request_of(event_id)));
    return shown.text("address");
}

void wait_until_expired(FaultWorld& world, const std::string& event_id) {
    const std::string address = address_of(world, event_id);
    const auto has_expired = [&] {
        const auto looked = ended(world, ask_as_admin(world, "POST", "/v1/retention",
                                                      R"({"topic":"chat","older_than":"1s"})"));
        return looked && is_in(address, (*looked)["report"]["ranges"]);
    };
    if (!eventually(has_expired)) throw std::runtime_error("nothing expires");
}

// --- a backup

std::set<std::string> folders_in(const fs::path& folder) {
    std::set<std::string> names;
    std::error_code ignored;  // what has never expired has no base
    for (const auto& entry : fs::directory_iterator(folder, ignored))
        if (entry.is_directory()) names.insert(entry.path().filename().string());
    return names;
}

std::string restoring_problem(const fs::path& data, const fs::path& backups) {
    const TempDirectory folder;
    const fs::path restored = folder.path() / "data";
    const ProgramRun restore = run_program(
        {TRIBUTARY_PROGRAM, "restore", "--from", backups.string(), "--data", restored.string()});
    if (restore.exit_code != 0) return "cannot be restored: " + restore.error + "; ";
    const std::set<std::string> kept = folders_in(restored / "bases"),
                                all = folders_in(data / "bases");
    return kept == all ? ""
                       : fmt::format("has bases {} instead of {}; ", fmt::join(kept, " "),
                                     fmt::join(all, " "));
}

// Beside the data folder, whose calls fail, and below its name.
Work backup(FaultWorld& world) {
    const fs::path to = world.data().string() + ".backups";
    return {.target = "/v1/operator/backups",
            .body = fmt::format(R"({{"to":"{}","with_keys":true,"keep":2}})", to.string()),
            .problem = [to](FaultWorld& later, const Document&) -> std::string {
                const ProgramRun verified =
                    run_program({TRIBUTARY_PROGRAM, "backup", "verify", to.string()});
                if (verified.exit_code != 0) return "does not verify: " + verified.error + "; ";
                return restoring_problem(later.data(), to);
            }};
}

// --- erasures

constexpr std::string_view forgotten_person = "919800000001", other_person = "919800000002";

// A client of its own with two customers.
struct Victim {
    Tenant tenant;
    std::string all_say() const { return tenant.code + "-says-"; }
    std::string forgotten_says() const { return all_say() + "one;"; }
    std::string other_says() const { return all_say() + "two;"; }
};

void tell(FaultWorld& world, const Source& source, std::string_view person,
          const std::string& text) {
    constexpr std::int64_t at_s = 1'772'359'200;
    const Webhook said =
        meta_message("wamid." + text, person, text + std::string(900, 'x'), at_s, source.secret);
    const Answer answer = world.client().ingress("POST", source.path, said.headers, said.body);
    if (answer.status / 100 != 2) throw std::runtime_error("of a victim: " + answer.body);
}

Victim make_victim(FaultWorld& world) {
    const auto number = world.load().told().size();  // grows from life to life
    ProductClient client = world.client();
    const Tenant tenant = client.create_tenant(fmt::format("victim-{}", number));
    const Victim victim{tenant};
    const Source source =
        client.create_source(tenant, "meta_cloud", "wa-" + tenant.code, "secret-" + tenant.code);
    tell(world, source, forgotten_person, victim.forgotten_says());
    tell(world, source, other_person, victim.other_says());
    return victim;
}

std::string files_problem(FaultWorld& world, const std::string& erased) {
    return count_in_files(world.data(), erased) == 0 ? "" : "stands in a file; ";
}

Work erasure(FaultWorld& world) {
    const Victim victim = make_victim(world);
    return {.target = "/v1/erase",
            .body = fmt::format(R"({{"client":"{}"}})", victim.tenant.code),
            .problem = [victim](FaultWorld& later, const Document& job) {
                const bool is_complete = job["report"]["complete"].boolean() == true;
                return (is_complete ? "" : "is not complete; ") +
                       files_problem(later, victim.all_say());
            }};
}

// In what has expired nobody can be searched for, so a person stays in a base.
std::string left_problem(const Value& places) {
    for (std::size_t i = 0; i < places.size(); ++i) {
        const Value place = places.at(i);
        if (place["place"].text() == "base") continue;
        if (place["left"].integer().value_or(0) != 0 || place["kept"].integer().value_or(0) != 0)
            return fmt::format("something is left in {}; ", place["place"].text());
    }
    return "";
}

std::string other_person_problem(FaultWorld& world, const Victim& victim) {
    const Answer shown = world.client().read(
        victim.tenant, fmt::format("/v1/conversations?customer={}", other_person));
    const bool is_kept = shown.body.find(victim.other_says()) != std::string::npos;
    return is_kept ? "" : "another person's conversation is gone; ";
}

Work forgetting(FaultWorld& world) {
    const Victim victim = make_victim(world);
    return {.target = "/v1/erase",
            .body = fmt::format(R"({{"client":"{}","customer":"{}"}})", victim.tenant.code,
                                forgotten_person),
            .problem = [victim](FaultWorld& later, const Document& job) {
                return left_problem(job["report"]["places"]) +
                       files_problem(later, victim.forgotten_says()) +
                       other_person_problem(later, victim);
            }};
}

}  // namespace

Work expiry(FaultWorld& world) {
    const std::string oldest = oldest_with_body(world);
    wait_until_expired(world, oldest);
    return {.target = "/v1/retention",
            .body = R"({"commit":true,"topic":"chat","older_than":"1s"})",
            .problem = [oldest](FaultWorld& later, const Document& job) -> std::string {
                if (job["report"]["damaged"].size() != 0) return "something is damaged; ";
                return status_of_body(later, oldest) == 410 ? "" : "a body has not expired; ";
            }};
}

std::vector<KindOfWork> kinds_of_work() {
    return {{"replay", true, replay},
            {"expiry", false, expiry},
            {"backup", false, backup},
            {"erase", false, erasure},
            {"forget", false, forgetting}};
}

}  // namespace tests::prove
