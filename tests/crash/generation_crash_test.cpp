// The program killed at every named step of building, handing over, switching, going back and
// dropping a generation: a start later it is before or after that step, never between, and goes on.
#include "tests/support/operator_jobs.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <regex>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr int calls_count = 60;
const std::string by_header = R"("verification":{"kind":"header","header":"x-ivr-secret"},)";
const std::string right_fields =
    R"("field_mapping":{"call_id":"uuid","caller":"caller_number","callee":"dialed_number","status":"call_state","start":"start_stamp","end":"end_stamp","duration":"total_s","talk":"talk_s","agent_name":"agent"},"status_mapping":{"ANSWER":"completed","NOANSWER":"missed"})";
const std::string wrong_fields =
    std::regex_replace(right_fields, std::regex("\"talk_s\""), "\"total_s\"");

// One data folder; the source's mapping was wrong for all of its calls and is right now.
class Killed {
public:
    Killed() : child_(TRIBUTARY_PROGRAM, "embedded") {
        child_.start();
        ProductClient client(child_.addresses());
        tenant_ = client.create_tenant("shop");
        Sender ivr(client, client.create_source(tenant_, "ivr", "ivr-main", "s1",
                                                by_header + wrong_fields));
        for (int i = 0; i < calls_count; ++i)
            ivr.send(ivr_call(fmt::format("call-{}", i), fmt::format("+9198{:08}", i), "ANSWER",
                              "2026-03-01T10:00:00Z", "2026-03-01T10:01:05Z", "s1"));
        position_ = ivr.position();
        const Answer patched = client.api("PATCH", "/v1/sources/" + ivr.source().id,
                                          tenant_.headers(), "{" + right_fields + "}");
        REQUIRE_MESSAGE(patched.status == 200, patched.body);
    }

    // Comes to the point while `act` goes on, dies there, and starts again.
    template <class Act>
    void die_at(const std::string& point, const Act& act) {
        CAPTURE(point);
        wait_until_erased();  // else the next start may come to the point by itself
        restart_with(point);
        act(*this);
        REQUIRE_MESSAGE(child_.ends_within(30s), "it did not come to ", point);
        restart_with("");
    }
    void restart_with(const std::string& point) {
        child_.kill();
        if (point.empty())
            ::unsetenv("TRIBUTARY_CRASH_AT");
        else
            ::setenv("TRIBUTARY_CRASH_AT", point.c_str(), 1);
        child_.start();
        ::unsetenv("TRIBUTARY_CRASH_AT");
    }

    // The answer, or none when the process died over it.
    std::optional<Answer> operate(const std::string& method, const std::string& target,
                                  const std::string& body = {}) {
        bus::net::HttpClient client;
        bus::net::ClientRequest request;
        request.method = method;
        request.url = child_.addresses().api + target;
        request.headers = {{"authorization", "Bearer " + child_.addresses().admin_key},
                           {"content-type", "application/json"}};
        request.body = body;
        auto answer = client.call(request);
        if (!answer) return std::nullopt;
        return *answer;
    }
    void replay(const std::string& more = {}) {
        (void)operate(
            "POST", "/v1/replays",
            R"({"mapping":"latest","source":"ivr-main","projections":["calls"])" + more + "}");
    }
    void change(const std::string& verb) { (void)operate("POST", "/v1/projections/calls/" + verb); }
    // A replay that is not disturbed; its report.
    std::string finish(const std::string& more) {
        const auto started = operate(
            "POST", "/v1/replays",
            R"({"mapping":"latest","source":"ivr-main","projections":["calls"])" + more + "}");
        REQUIRE(started);
        return report_of_job(child_, *started);
    }
    void drop_all() {
        const auto dropped = operate("POST", "/v1/projections/calls/drop-old?candidates=true");
        REQUIRE(dropped);
        REQUIRE_MESSAGE((dropped->status == 200 || dropped->status == 409), dropped->body);
    }

    // How long each call was talked, as a reader sees it: one number if all rows are of one
    // generation.
    std::string talked() {
        ProductClient client(child_.addresses());
        const Answer answer = client.read(tenant_, "/v1/ivr-calls?limit=200", position_);
        const Document calls(answer);
        REQUIRE_MESSAGE(calls.size() == calls_count, answer.body);
        std::string all;
        for (const auto call : calls.data()) {
            const std::string talk = call["talk_s"].scalar_text();
            if (all.find(talk) == std::string::npos) all += (all.empty() ? "" : ",") + talk;
        }
        return all;
    }

private:
    void wait_until_erased() {
        CHECK(eventually([&] {
            const auto answer = operate("GET", "/v1/projections/all");
            REQUIRE(answer);
            return answer->body.find("\"dropped\"") == std::string::npos;
        }));
    }

    ChildPlatform child_;
    Tenant tenant_;
    std::string position_;
};

constexpr const char* wrong = "65";
constexpr const char* right = "40";

}  // namespace

TEST_CASE("generation: killed at any step of a build, nothing live changes and it goes on") {
    Killed killed;
    REQUIRE(killed.talked() == wrong);
    for (const char* point :
         {"generations.decided", "generations.partition_reconciled",
          "generations.partition_reconciled:3", "generations.reconciled", "build.opened",
          "build.stepped", "build.filled", "build.sorted", "build.moved", "build.marked",
          "build.caught_up", "build.unmarked", "build.handed_over", "build.handed_over:4"}) {
        CAPTURE(point);
        killed.die_at(point, [](Killed& one) { one.replay(); });
        CHECK(killed.talked() == wrong);
        const std::string text = killed.finish(R"(,"resume":true)");
        const Document report(text);
        const auto difference = report["compared"]["difference"].at(0);
        CHECK_MESSAGE(difference["rows"]["changed"].integer() == calls_count, text);
        CHECK(difference["rows"]["added"].integer() == 0);
        CHECK(difference["rows"]["gone"].integer() == 0);
        CHECK(killed.talked() == wrong);
        killed.drop_all();
    }
    // What was left of all these is no harm to one that is switched to.
    (void)killed.finish(R"(,"switch":true)");
    CHECK(killed.talked() == right);
}

TEST_CASE("generation: killed at any step of a switch, a rollback or a drop, it is after it") {
    Killed killed;
    (void)killed.finish("");
    for (const char* point : {"generations.decided", "generations.partition_reconciled",
                              "generations.partition_reconciled:3", "generations.reconciled"}) {
        CAPTURE(point);
        killed.die_at(point, [](Killed& one) { one.change("switch"); });
        CHECK(killed.talked() == right);
        killed.die_at(point, [](Killed& one) { one.change("rollback"); });
        CHECK(killed.talked() == wrong);
    }
    for (const char* point : {"generations.decided", "generations.partition_reconciled:2",
                              "generations.erased", "generations.erased:2"}) {
        CAPTURE(point);
        killed.die_at(point, [](Killed& one) { one.change("drop-old?candidates=true"); });
        CHECK(killed.talked() == wrong);
        const Document report(killed.finish(""));  // from nothing again
        CHECK(report["compared"]["difference"].at(0)["rows"]["changed"].integer() == calls_count);
    }
}
