#include "bus/memory/memory_log.hpp"
#include "projections/api/api_context.hpp"
#include "projections/measures/measure_filter.hpp"
#include "projections/memory_rows.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/registry_double.hpp"
#include "tests/support/route_call.hpp"

#include <doctest/doctest.h>

using namespace projections;
using bus::http::Response;

namespace {

constexpr bus::TenantId tenant{5};
constexpr InstanceId instance = 1;
const std::string march = "from=2026-03-01&to=2026-04-01";

// A call or a mail with only what these tests count.
struct Counted : RowOf<Counted> {
    std::string kind;
    std::vector<std::pair<std::string, std::string>> words;

    void encode(std::string& out) const override { out += kind; }
    bus::Result<bus::Done> decode(std::string_view) override { return bus::Done{}; }
    std::string_view measure_kind() const override { return kind; }
    void measure_values(std::vector<MeasureValue>& out) const override {
        const RowKind& fields = *find_row_kind(kind);
        out.assign(fields.fields.size(), {});
        const auto at = bus::from_iso("2026-03-02T10:00:00Z")->time_since_epoch().count();
        out[*field_number(fields, "at")] = {MeasureValue::Kind::time, {}, at};
        for (const auto& [field, word] : words)
            out[*field_number(fields, field)] = {MeasureValue::Kind::text, word, 0};
    }
};

class Product final : public ReadPort {
public:
    // As many as said, all with these words.
    void count(const std::string& kind,
               const std::vector<std::pair<std::string, std::string>>& words, int times = 1) {
        for (int i = 0; i < times; ++i) {
            Counted& row = batch_.rows(instance, tenant)
                               .edit<Counted>(Table::rows, std::to_string(++rows_made_));
            row.kind = kind;
            row.words = words;
        }
    }

    Response get(const std::string& pattern, const std::string& query,
                 const std::string& measure = "") {
        rows_.apply(*batch_.finish());
        bus::http::Request request;
        request.query = query;
        const bus::http::Call call{.request = request,
                                   .caller = {.tenant = tenant, .admin = false, .key_id = {}},
                                   .path_parameters = {{"name", measure}},
                                   .request_id = "r"};
        return tests::call_route(context_, pattern, call);
    }

    bus::Result<std::unique_ptr<ReadView>> view(bus::TenantId, std::string_view) override {
        return std::unique_ptr<ReadView>(std::make_unique<MemoryReadView>(rows_, instance, tenant));
    }
    bus::Position position(bus::TenantId) override { return {}; }
    bus::Result<bool> wait_for(bus::TenantId, const bus::Position&, bus::milliseconds) override {
        return true;
    }

private:
    const std::shared_ptr<const MeasureSet> measures_ =
        *MeasureSet::compile(built_in_measure_files());
    MemoryRows rows_;
    Batch batch_{rows_, measures_.get()};
    int rows_made_ = 0;
    bus::memory::MemoryLog log_;
    support::RegistryDouble registry_;
    api::ApiContext context_{*this, registry_, *measures_, log_};
};

// "name=number" of each object of a list.
std::vector<std::string> figures(const Response& response, const std::string& list,
                                 const std::string& name, const std::string& number) {
    REQUIRE_MESSAGE(response.status == 200, response.body);
    schemas::json::Parser parser;
    const auto parsed = parser.parse(
        response.body, {.bytes_max = 16 << 20, .depth_max = 64, .keys_max = 1'000'000});
    REQUIRE(parsed);
    std::vector<std::string> out;
    (*parsed)[list].each_element([&](schemas::json::Value element) {
        out.push_back(std::string(element[name].scalar_text()) + '=' +
                      std::string(element[number].scalar_text()));
    });
    return out;
}

using Figures = std::vector<std::string>;

constexpr int too_many = 1100;

}  // namespace

TEST_CASE("call dashboard: of more agents and departments than it shows, the busiest are shown") {
    Product product;
    for (int i = 0; i < too_many; ++i)
        product.count("call", {{"agent", "a" + std::to_string(i)},
                               {"department", "d" + std::to_string(i)},
                               {"location", "l" + std::to_string(i)}});
    product.count("call", {{"agent", "zoe"}, {"department", "zoo"}}, 3);
    product.count("call", {{"agent", "yan"}}, 2);
    const Response overview = product.get("/v1/calls/dashboard/overview", march);
    const Figures agents = figures(overview, "agents", "agent", "volume");
    REQUIRE(agents.size() == 1000);
    CHECK(Figures(agents.begin(), agents.begin() + 3) == Figures{"zoe=3", "yan=2", "a0=1"});
    CHECK(figures(overview, "departments", "department", "volume")[0] == "zoo=3");
    const Figures stats =
        figures(product.get("/v1/calls/dashboard/agent-stats", march), "data", "agent", "volume");
    CHECK(stats == agents);
}

TEST_CASE("call dashboard: of an asked service's calls those are forwarded whose service says so") {
    Product product;
    product.count("call", {{"service", "ivr"}});
    product.count("call", {{"service", "CallForward"}}, 2);
    product.count("call", {{"service", "call_forward"}}, 3);
    product.count("call", {{"service", "forwarded"}}, 4);
    const auto day = [&](const std::string& service) {
        const Response daily = product.get("/v1/calls/dashboard/daily-volume", march + service);
        return figures(daily, "data", "volume", "forwarded").at(1);
    };
    CHECK(day("") == "10=9");
    CHECK(day("&service=ivr") == "1=0");
    CHECK(day("&service=call_forward") == "3=3");
    CHECK(day("&service=nothing") == "0=0");
    const Response overview = product.get("/v1/calls/dashboard/overview", march + "&service=ivr");
    CHECK(figures(overview, "daily", "volume", "forwarded").at(1) == "1=0");
}

TEST_CASE("ranges: the quarter-hours that were read are told, and the range before ends there") {
    Product product;
    product.count("call", {{"service", "ivr"}});  // at 10:00
    product.count("mail", {{"direction", "in"}});
    const auto check = [&](const std::string& pattern, const std::string& now,
                           const std::string& before) {
        const Response response = product.get(
            pattern, "from=2026-03-02T10:05:00Z&to=2026-03-02T10:20:00Z&tz=UTC&compare=previous",
            "calls");
        for (const std::string& part :
             {std::string(R"("from":"2026-03-02T10:00:00Z","to":"2026-03-02T10:30:00Z")"), now,
              before})
            CHECK_MESSAGE(response.body.find(part) != std::string::npos, part, response.body);
    };
    check("/v1/measures/:name", R"("data":[{"volume":1,)", R"("previous":[{"volume":0,)");
    check("/v1/admin/dashboard/email-volume", R"("received":1,)", R"("previous":{"received":0,)");
    const std::string to = "&to=2026-03-02T10:05:00Z";
    CHECK(product.get("/v1/measures/:name", "from=2026-03-02T10:05:00Z" + to, "calls").status ==
          400);
    const Response by_default = product.get("/v1/measures/:name", to, "calls");
    CHECK(by_default.body.find(R"("from":"2026-01-31T10:15:00Z","to":"2026-03-02T10:15:00Z")") !=
          std::string::npos);
}

TEST_CASE("mail dashboard: more senders and mailboxes than it shows") {
    Product product;
    for (int i = 0; i < too_many; ++i)
        product.count("mail", {{"direction", "in"},
                               {"team", "t" + std::to_string(i)},
                               {"mailbox", "m" + std::to_string(i)},
                               {"from", "f" + std::to_string(i)}});
    product.count("mail", {{"direction", "in"}, {"team", "zoo"}, {"mailbox", "z"}, {"from", "zoe"}},
                  1100);
    const auto top = [&](const std::string& path, const std::string& name,
                         const std::string& number, const std::string& query = march) {
        return figures(product.get("/v1/admin/dashboard/" + path, query), "data", name, number);
    };
    CHECK(top("top-senders", "email", "count", march + "&limit=2") == Figures{"zoe=1100", "f0=1"});
    CHECK(top("emails-by-mailbox", "mailbox_id", "received").front() == "z=1100");
    CHECK(top("emails-by-team", "team", "share").front() == "zoo=50");
}

TEST_CASE("measures: a limit leaves the largest groups, largest first") {
    Product product;
    product.count("call", {{"agent", "ann"}});
    product.count("call", {{"agent", "bob"}}, 3);
    product.count("call", {{"agent", "cat"}}, 2);
    const auto asked = [&](const std::string& query) {
        return product.get("/v1/measures/:name", march + query, "calls");
    };
    const auto agents = [&](const std::string& query) {
        return figures(asked(query), "data", "agent", "volume");
    };
    CHECK(agents("&by=agent") == Figures{"ann=1", "bob=3", "cat=2"});
    CHECK(agents("&by=agent&limit=2") == Figures{"bob=3", "cat=2"});
    CHECK(agents("&by=agent&limit=3") == Figures{"bob=3", "cat=2", "ann=1"});
    CHECK(figures(asked("&bucket=day&limit=1"), "data", "bucket", "volume") ==
          Figures{"2026-03-02T00:00:00Z=6"});
    CHECK(asked("&by=agent&limit=0").status == 400);
}
