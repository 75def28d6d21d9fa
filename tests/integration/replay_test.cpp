// Replays through the product: what is built beside the live rows, compared, switched, taken back.
#include "projections/store/row_store.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/running_platform.hpp"

#include <array>
#include <atomic>
#include <regex>
#include <set>
#include <thread>

using namespace tests;

namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z

class ScriptClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return bus::Timestamp{bus::seconds{now_s_++}}; }

private:
    std::atomic<std::int64_t> now_s_{start_s};
};

class CountingIds final : public bus::IdSource {
public:
    bus::EventId next_event_id(bus::Timestamp) override {
        bus::EventId id;
        const std::uint64_t number = next_id64();
        for (std::size_t i = 0; i < 8; ++i)
            id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
        return id;
    }
    std::uint64_t next_id64() override { return ++last_; }

private:
    std::atomic<std::uint64_t> last_{0};
};

const std::string right_fields =
    R"("field_mapping":{"call_id":"uuid","caller":"caller_number","callee":"dialed_number","status":"call_state","start":"start_stamp","end":"end_stamp","duration":"total_s","talk":"talk_s","agent_name":"agent"},"status_mapping":{"ANSWER":"completed","NOANSWER":"missed"})";
// The talk time is read from the wrong place, and one word is not known.
const std::string wrong_fields =
    R"("field_mapping":{"call_id":"uuid","caller":"caller_number","callee":"dialed_number","status":"call_state","start":"start_stamp","end":"end_stamp","duration":"total_s","talk":"total_s","agent_name":"agent"},"status_mapping":{"ANSWER":"completed"})";
// The caller is read from the wrong place: nobody is named, and nothing fails.
const std::string no_caller =
    R"("field_mapping":{"call_id":"uuid","caller":"caller","callee":"dialed_number","status":"call_state","start":"start_stamp","end":"end_stamp","duration":"total_s","talk":"talk_s","agent_name":"agent"},"status_mapping":{"ANSWER":"completed","NOANSWER":"missed"})";
// Likewise, and somebody else is named.
const std::string other_caller =
    R"("field_mapping":{"call_id":"uuid","caller":"dialed_number","callee":"caller_number","status":"call_state","start":"start_stamp","end":"end_stamp","duration":"total_s","talk":"talk_s","agent_name":"agent"},"status_mapping":{"ANSWER":"completed","NOANSWER":"missed"})";
const std::string by_header = R"("verification":{"kind":"header","header":"x-ivr-secret"},)";

tools::ServeOptions two_partitions() {
    tools::ServeOptions options;
    options.partitions = 2;
    return options;
}

std::string only_data(const std::string& list) {
    const Document document(list);
    std::string out;
    document["data"].append_to(out);
    return out;
}

// What a program with other code for the projection finds at its start, whose stores these are.
void make_rows_of_other_code(const std::filesystem::path& data, const std::string& projection) {
    const std::regex fingerprint("(" + projection + " number=.* fingerprint=)");
    for (bus::PartitionId partition = 0; partition < two_partitions().partitions; ++partition) {
        auto store = projections::store::RowStore::open(
            {.directory = data / "stores" / fmt::format("partition-{}", partition),
             .partition = partition},
            projections::store::make_shared_resources(8 << 20, 64 << 20));
        REQUIRE_MESSAGE(store, store.error().message);
        const auto catalogue = (*store)->get_meta("generations");
        REQUIRE(catalogue);
        REQUIRE((*store)->put_meta(
            "generations", std::regex_replace(catalogue->value(), fingerprint, "$1other-")));
    }
}

// Two tenants with an IVR each; the second one's was always right.
struct Company {
    explicit Company(const std::string& fields)
        : running(two_partitions(), clock, ids), client(running.client()) {
        shop = client.create_tenant("shop");
        other = client.create_tenant("other");
        ivr.emplace(client,
                    client.create_source(shop, "ivr", "ivr-main", "s1", by_header + fields));
        other_ivr.emplace(client, client.create_source(other, "ivr", "ivr-other", "s2",
                                                       by_header + right_fields));
    }

    void call(int number) {
        const std::string minute = fmt::format("{:02}", number % 60);
        const auto webhook = [&](std::string_view secret) {
            return ivr_call(fmt::format("call-{}", number), fmt::format("+9198{:08}", number % 17),
                            number % 3 == 0 ? "NOANSWER" : "ANSWER",
                            fmt::format("2026-03-01T10:{}:00Z", minute),
                            fmt::format("2026-03-01T10:{}:40Z", minute), secret);
        };
        ivr->send(webhook("s1"));
        other_ivr->send(webhook("s2"));
    }
    void correct_mapping() {
        const auto patched = client.api("PATCH", "/v1/sources/" + ivr->source().id, shop.headers(),
                                        "{" + right_fields + "}");
        REQUIRE_MESSAGE(patched.status == 200, patched.body);
    }
    Answer operate(const std::string& method, const std::string& target,
                   const std::string& body = {}) {
        // Its ports change with a restart.
        return running.client().api(
            method, target, {{"authorization", "Bearer " + running.addresses().admin_key}}, body);
    }
    // The report of a job that was started.
    std::string outcome_of(const Answer& started) {
        REQUIRE_MESSAGE(started.status == 202, started.body);
        const std::string id = Document(started).text("id");
        for (int i = 0; i < 1'000; ++i) {
            const Answer answer = operate("GET", "/v1/jobs/" + id);
            const Document job(answer);
            if (job.text("state") == "done" || job.text("state") == "failed") return answer.body;
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
        FAIL("the job does not end");
        return {};
    }
    std::string replayed(const std::string& request) {
        std::string body = outcome_of(operate("POST", "/v1/replays", request));
        CHECK_MESSAGE(Document(body).text("state") == "done", body);
        return body;
    }
    std::string calls(const Tenant& tenant) {
        const auto& sender = tenant.code == "shop" ? *ivr : *other_ivr;
        return only_data(
            running.client().read(tenant, "/v1/ivr-calls?limit=200", sender.position()).body);
    }
    bool reads_calls() {
        return running.client().api("GET", "/v1/ivr-calls", shop.headers()).status == 200;
    }
    std::string numbers(const Tenant& tenant) {
        const auto& sender = tenant.code == "shop" ? *ivr : *other_ivr;
        const Answer names = client.read(tenant, "/v1/measures", sender.position());
        std::string out;
        const Document document(names);
        for (const auto measure : document.data()) {
            if (measure["on"].text() != "call") continue;
            out += client
                       .read(tenant, fmt::format("/v1/measures/{}?from=2026-03-01&to=2026-03-02",
                                                 measure["name"].text()))
                       .body;
        }
        CHECK(out.size() > 100);
        return out;
    }
    std::uint64_t live_generation(const std::string& projection) {
        const Answer answer = operate("GET", "/v1/projections/" + projection);
        const Document document(answer);
        std::uint64_t number = 0;
        document.data().at(0)["generations"].each_element([&](schemas::json::Value one) {
            if (one["role"].text() == "live")
                number = static_cast<std::uint64_t>(one["number"].integer().value_or(0));
        });
        return number;
    }

    ScriptClock clock;
    CountingIds ids;
    RunningPlatform running;
    ProductClient client;
    Tenant shop, other;
    std::optional<Sender> ivr, other_ivr;
};

}  // namespace

TEST_CASE("replay: a projection is built again beside the live one, and nothing differs") {
    Company company(right_fields);
    for (int i = 0; i < 60; ++i) company.call(i);
    const std::string before = company.calls(company.shop);
    const std::string report =
        company.outcome_of(company.operate("POST", "/v1/projections/calls/rebuild"));
    const Document job(report);
    CHECK(job.text("state") == "done");
    const auto difference = job["report"]["compared"]["difference"].at(0);
    CHECK(difference["projection"].text() == "calls");
    CHECK(difference["same"].boolean() == true);
    CHECK(difference["rows"]["same"].integer() > 100);
    CHECK(job["report"]["switched"].boolean() == false);
    CHECK(company.live_generation("calls") == 1);

    CHECK(company.operate("POST", "/v1/projections/calls/switch").status == 200);
    CHECK(company.live_generation("calls") == 2);
    CHECK(company.calls(company.shop) == before);
    company.call(60);
    const std::string after = company.calls(company.shop);
    CHECK(after != before);
    CHECK(company.operate("POST", "/v1/projections/calls/rollback").status == 200);
    CHECK(company.live_generation("calls") == 1);
    CHECK(company.calls(company.shop) == after);  // both were fed
    CHECK(company.operate("POST", "/v1/projections/calls/rollback").status == 409);
    CHECK(company.operate("POST", "/v1/projections/calls/drop-old?candidates=true").status == 200);
    CHECK(company.operate("POST", "/v1/projections/calls/switch").status == 409);
    CHECK(company.calls(company.shop) == after);
}

TEST_CASE("replay: a corrected mapping changes what it should, and only when switched to") {
    Company company(wrong_fields);
    Company right_world(right_fields);
    for (int i = 0; i < 40; ++i) {
        company.call(i);
        right_world.call(i);
    }
    company.correct_mapping();
    right_world.correct_mapping();  // changes nothing; the clocks stay alike
    for (int i = 40; i < 50; ++i) {
        company.call(i);
        right_world.call(i);
    }
    const std::string wrong = company.calls(company.shop);
    const std::string wrong_numbers = company.numbers(company.shop);
    const std::string untouched = company.calls(company.other);

    const std::string report =
        company.replayed(R"({"mapping":"latest","source":"ivr-main","projections":["calls"]})");
    const Document job(report);
    const auto difference = job["report"]["compared"]["difference"].at(0);
    CHECK(difference["rows"]["changed"].integer() == 40);
    CHECK(difference["rows"]["added"].integer() == 0);
    std::string fields;
    difference["fields"].each_element(
        [&](schemas::json::Value one) { fields += fmt::format("{} ", one["field"].text()); });
    CHECK_MESSAGE(fields.find("talk_s ") != std::string::npos, fields);
    CHECK_MESSAGE(fields.find("status ") != std::string::npos, fields);
    CHECK(job["report"]["spec"]["retakes"].at(0)["stamps"].size() == 1);

    CHECK(company.calls(company.shop) == wrong);  // nothing is live before the switch
    CHECK(company.numbers(company.shop) == wrong_numbers);
    company.replayed(R"({"resume":true,"switch":true,"projections":["calls"]})");
    const std::string mended = company.calls(company.shop);
    CHECK(mended != wrong);
    CHECK(mended == right_world.calls(right_world.shop));
    CHECK(company.numbers(company.shop) == right_world.numbers(right_world.shop));
    CHECK(company.calls(company.other) == untouched);

    // What comes now is folded by both; going back is at once, and takes nothing with it.
    company.call(50);
    right_world.call(50);
    CHECK(company.calls(company.shop) == right_world.calls(right_world.shop));
    CHECK(company.operate("POST", "/v1/projections/all/rollback").status == 200);
    CHECK(company.calls(company.shop).find("call-50") != std::string::npos);
    CHECK(company.numbers(company.shop) != right_world.numbers(right_world.shop));
}

TEST_CASE("replay: filters of time and type choose what is mapped anew") {
    Company company(wrong_fields);
    for (int i = 0; i < 30; ++i) company.call(i);
    company.correct_mapping();
    const auto changed = [&](const std::string& filter) {
        const std::string report = company.replayed(
            R"({"mapping":"latest","tenant":"shop","projections":["calls"],)" + filter + "}");
        const Document job(report);
        const auto count =
            job["report"]["compared"]["difference"].at(0)["rows"]["changed"].integer();
        CHECK(company.operate("POST", "/v1/projections/all/drop-old?candidates=true").status ==
              200);
        return count.value_or(-1);
    };
    CHECK(changed(R"("types":["ivr.*"])") == 30);
    CHECK(changed(R"("types":["whatsapp.*"])") == 0);
    CHECK(changed(R"("types":["ivr.call.missed"])") == 10);
    CHECK(changed(R"("to":"2026-03-01")") == 0);
    CHECK(changed(R"("from":"2026-03-01","to":"2027-01-01")") == 30);
}

TEST_CASE("replay: what was mended stays mended by the next replay, until it is taken as stamped") {
    Company company(wrong_fields);
    for (int i = 0; i < 10; ++i) company.call(i);
    const std::string as_stamped = company.calls(company.shop);
    company.correct_mapping();
    company.replayed(R"({"mapping":"latest","source":"ivr-main","switch":true})");
    const std::string mended = company.calls(company.shop);
    CHECK(mended != as_stamped);
    company.replayed(R"({"switch":true,"projections":["calls"]})");
    CHECK(company.calls(company.shop) == mended);
    company.replayed(R"({"mapping":"stamped","switch":true,"projections":["calls"]})");
    CHECK(company.calls(company.shop) == as_stamped);
}

TEST_CASE("replay: a reader goes on paging over a switch, a rollback and a drop") {
    Company company(wrong_fields);
    constexpr int calls = 40;
    for (int i = 0; i < calls; ++i) company.call(i);
    company.correct_mapping();
    company.replayed(R"({"mapping":"latest","source":"ivr-main","projections":["calls"]})");
    const std::array<std::string, 3> changes = {"switch", "rollback", "drop-old?candidates=true"};
    std::set<std::string> seen;
    std::string cursor;
    std::size_t pages = 0;
    do {
        const Answer page = company.client.read(company.shop, "/v1/ivr-calls?limit=7" + cursor,
                                                company.ivr->position());
        REQUIRE_MESSAGE(page.status == 200, page.body);
        const Document document(page);
        for (const auto& call : document.data())
            CHECK(seen.insert(std::string(call["id"].text())).second);
        const auto next = document["page"]["next_cursor"].text();
        cursor = next.empty() ? "" : "&cursor=" + std::string(next);
        if (pages < changes.size()) {
            const Answer changed =
                company.operate("POST", "/v1/projections/calls/" + changes[pages]);
            CHECK_MESSAGE(changed.status == 200, changed.body);
        }
        ++pages;
    } while (!cursor.empty());
    CHECK(seen.size() == calls);
    CHECK(pages == 6);
}

TEST_CASE("replay: generations survive a restart, and a lost store brings back the live one") {
    Company company(wrong_fields);
    for (int i = 0; i < 30; ++i) company.call(i);
    company.correct_mapping();
    company.replayed(R"({"mapping":"latest","source":"ivr-main","switch":true})");
    const std::string mended = company.calls(company.shop);
    CHECK(company.live_generation("calls") == 2);
    company.running.stop();
    company.running.start();
    CHECK(company.calls(company.shop) == mended);
    company.running.stop();
    std::filesystem::remove_all(company.running.data() / "stores");
    company.running.start();
    CHECK(company.calls(company.shop) == mended);
    CHECK(company.live_generation("calls") == 2);
    const Answer back = company.operate("POST", "/v1/projections/all/rollback");
    CHECK_MESSAGE(back.status == 200, back.body);
    CHECK(company.calls(company.shop) != mended);
}

TEST_CASE("replay: nobody goes back to rows that an upgrade has taken away") {
    Company company(wrong_fields);
    for (int i = 0; i < 5; ++i) company.call(i);
    company.correct_mapping();
    company.replayed(R"({"mapping":"latest","switch":true,"projections":["calls"]})");
    const std::string mended = company.calls(company.shop);
    company.running.stop();
    make_rows_of_other_code(company.running.data(), "calls");
    company.running.start();
    const Answer refused = company.operate("POST", "/v1/projections/calls/rollback");
    CHECK(refused.status == 409);
    CHECK_MESSAGE(refused.body.find("the rows of generation 1 of calls are gone from partition") !=
                      std::string::npos,
                  refused.body);
    CHECK_MESSAGE(refused.body.find("replay instead") != std::string::npos, refused.body);
    CHECK(company.live_generation("calls") == 2);
    CHECK(eventually([&] { return company.reads_calls(); }));
    CHECK(company.calls(company.shop) == mended);
}

TEST_CASE("replay: a dry run plans, a second replay and wrong requests are refused") {
    Company company(right_fields);
    for (int i = 0; i < 5; ++i) company.call(i);
    // A plan counts what is in the rows.
    CHECK(company.calls(company.shop) != "[]");
    CHECK(company.calls(company.other) != "[]");
    const Document plan(company.replayed(R"({"dry_run":true,"projections":["calls"]})"));
    CHECK(plan["report"]["plan"]["records"].integer() == 10);
    const Document shown(company.operate("GET", "/v1/projections/calls"));
    CHECK(shown.data().at(0)["generations"].size() == 1);
    const auto refused = [&](const std::string& body) {
        return company.operate("POST", "/v1/replays", body).status;
    };
    CHECK(refused(R"({"projections":["cals"]})") == 404);
    CHECK(refused(R"({"tenant":"nobody"})") == 404);
    CHECK(refused(R"({"source":"nothing"})") == 404);
    CHECK(refused(R"({"tenant":"other","source":"ivr-main"})") == 404);
    CHECK(refused(R"({"mapping":"newest"})") == 400);
    CHECK(refused(R"({"from":"yesterday"})") == 400);
    CHECK(refused(R"({"from":"2026-03-02","to":"2026-03-01"})") == 400);
    CHECK(refused(R"({"projection":"calls"})") == 400);
    CHECK(refused("{") == 400);
    CHECK(company.operate("POST", "/v1/projections/cals/rebuild").status == 404);
    company.replayed(R"({"projections":["calls"]})");
    const std::string second =
        company.outcome_of(company.operate("POST", "/v1/projections/calls/rebuild"));
    CHECK(Document(second).text("state") == "failed");
    CHECK_MESSAGE(second.find("--resume") != std::string::npos, second);
    const Answer foreign = company.client.api("GET", "/v1/projections", company.shop.headers());
    CHECK(foreign.status == 403);
}

TEST_CASE("replay: who is known only by the corrected mapping is exported and erased by it") {
    std::string wrong;
    SUBCASE("nobody was named") {
        wrong = no_caller;
    }
    SUBCASE("somebody else was named") {
        wrong = other_caller;
    }
    Company company(wrong);
    for (int i = 0; i < 6; ++i) company.call(i);
    company.correct_mapping();
    for (int i = 6; i < 20; ++i) company.call(i);  // 1 and 18 are of one caller
    const std::string hers = "+919800000001", others = "+919800000002";
    company.replayed(R"({"mapping":"latest","source":"ivr-main","switch":true})");
    const auto timeline = [&](const std::string& of) {
        return only_data(company.running.client()
                             .read(company.shop, "/v1/customer-timeline/" + of + "?limit=50",
                                   company.ivr->position())
                             .body);
    };
    for (const char* call : {"call-1\"", "call-18\""})
        REQUIRE_MESSAGE(timeline(hers).find(call) != std::string::npos, timeline(hers));
    const std::string others_before = timeline(others);

    const Document exported(company.outcome_of(company.running.client().api(
        "POST", "/v1/customers/" + hers + "/export",
        {{"authorization", "Bearer " + company.running.addresses().admin_key},
         {"x-client-code", company.shop.code}},
        "{}")));
    CHECK(exported["report"]["records"].integer() == 2);
    CHECK(exported["report"]["events"].integer() == 4);
    std::filesystem::remove_all(company.running.data() / "exports");  // it was handed out

    const std::string report = company.outcome_of(
        company.operate("POST", "/v1/erase", R"({"client":"shop","customer":"+919800000001"})"));
    CHECK_MESSAGE(Document(report)["report"]["complete"].boolean() == true, report);
    CHECK(timeline(hers) == "[]");
    CHECK(timeline(others) == others_before);
    CHECK(count_in_files(company.running.data() / "journal", R"("uuid":"call-1")") == 1);
    CHECK(count_in_files(company.running.data() / "journal", R"("uuid":"call-2")") == 2);
}
