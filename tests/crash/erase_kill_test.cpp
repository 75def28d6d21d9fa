// A client is erased beside neighbours in its partition, and the program is killed at every step of
// it: after the next start all of it is gone and the neighbours' answers are byte for byte the
// same.
#include "tests/support/files_holding.hpp"
#include "tests/support/operator_jobs.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>

using namespace tests;

namespace {

constexpr bus::PartitionId partitions = 4;  // of ChildPlatform
constexpr int messages = 8;
constexpr std::int64_t first_message_s = 1'772'359'200;

struct Client {
    Tenant tenant;
    Source source;
    std::string marker;  // in every body it sends
    std::string position{};
};

class World {
public:
    World() : child_(TRIBUTARY_PROGRAM, "embedded") {
        child_.start();
        for (const std::string name : {"left", "right"}) neighbours_.push_back(make_client(name));
        for (Client& one : neighbours_) send_all(one);
        for (const Client& one : neighbours_) answers_.push_back(answers_of(one));
    }

    Client make_victim(int number) {
        Client victim = make_client(fmt::format("victim{}", number));
        send_all(victim);
        (void)answers_of(victim);
        return victim;
    }

    ProductClient client() { return ProductClient(child_.addresses()); }
    Headers admin() const { return {{"authorization", "Bearer " + child_.addresses().admin_key}}; }

    Answer ask_to_erase(const Client& victim, bool dry_run = false) {
        return client().api(
            "POST", "/v1/erase", with(admin(), {{"content-type", "application/json"}}),
            fmt::format(R"({{"client":"{}","dry_run":{}}})", victim.tenant.code, dry_run));
    }

    std::string run_job(const Answer& started) { return report_of_job(child_, started); }
    std::string fail_job(const Answer& started) { return error_of_job(child_, started); }

    Answer ask_to_forget(const Client& client_of, const std::string& person, bool dry_run = false) {
        return client().api("POST", "/v1/erase",
                            with(admin(), {{"content-type", "application/json"}}),
                            person_request(client_of, person, dry_run));
    }
    static std::string person_request(const Client& client_of, const std::string& person,
                                      bool dry_run = false) {
        return fmt::format(R"({{"client":"{}","customer":"{}","dry_run":{}}})",
                           client_of.tenant.code, person, dry_run);
    }

    // The child dies at the crash point, wherever it comes to it.
    void erase_and_die(const Client& victim, const std::string& crash_at) {
        die(fmt::format(R"({{"client":"{}"}})", victim.tenant.code), crash_at);
    }
    void die(const std::string& body, const std::string& crash_at) {
        die_over(child_, "/v1/erase", body, crash_at);
        wait_for_resumed(child_);
    }

    void check_gone(const Client& victim) {
        ProductClient now = client();
        CHECK(now.api("GET", "/v1/conversations", victim.tenant.headers()).status == 401);
        Client stranger = victim;  // what is refused is kept too, so it must not say the marker
        stranger.marker = "late";
        const Webhook more = webhook(stranger, 99);
        CHECK(now.ingress("POST", victim.source.path, more.headers, more.body).status == 404);
        const Answer shown = now.api("GET", "/api/clients/" + victim.tenant.code, admin());
        CHECK(Document(shown).text("status") == "deleted");
        // Asked for again, there is nothing left to find.
        const std::string again = run_job(ask_to_erase(victim));
        CHECK_MESSAGE(again.find(R"("complete":true)") != std::string::npos, again);
        CHECK(count_in_files(victim.marker) == 0);
    }

    void check_neighbours() {
        for (std::size_t i = 0; i < neighbours_.size(); ++i) {
            const std::string now = answers_of(neighbours_[i]);
            const auto differs = static_cast<std::size_t>(
                std::mismatch(now.begin(), now.end(), answers_[i].begin(), answers_[i].end())
                    .first -
                now.begin());
            CHECK_MESSAGE(now == answers_[i], "now ", now.substr(differs, 80), " was ",
                          answers_[i].substr(std::min(differs, answers_[i].size()), 80));
            CHECK(count_in_files(neighbours_[i].marker) > 0);
        }
        const Answer started = client().api(
            "POST", "/v1/verify", with(admin(), {{"content-type", "application/json"}}), "{}");
        const std::string proof = run_job(started);
        CHECK_MESSAGE(proof.find(R"("proven":true)") != std::string::npos, proof);
    }

    // What the client's API says of one of its customers.
    std::string answers_about(const Client& one, const std::string& person) {
        ProductClient product = client();
        std::string all;
        for (const auto& target : {"/v1/conversations?customer=" + person,
                                   "/v1/customer-timeline/" + person + "?limit=50"}) {
            const Answer answer = product.read(one.tenant, target, one.position);
            REQUIRE_MESSAGE(answer.status == 200, target, " ", answer.body);
            all += without_position(answer.body) + "\n";
        }
        return all;
    }

    // Stopped once it has read something, and not wanted any more.
    void replay_and_drop() {
        const Answer started =
            client().api("POST", "/v1/replays",
                         with(admin(), {{"content-type", "application/json"}}), R"({"rate":1})");
        REQUIRE_MESSAGE(started.status == 202, started.body);
        const std::string job = "/v1/replays/" + Document(started).text("id");
        const auto shown = [&] { return Document(client().api("GET", job, admin())); };
        wait_until([&] { return shown()["done"].integer() > 0; });
        REQUIRE(client().api("POST", job + "/cancel", admin()).status == 200);
        wait_until([&] { return shown().text("state") == "cancelled"; });
        CHECK(std::filesystem::exists(store(".building")));
        const Answer dropped =
            client().api("POST", "/v1/projections/all/drop-old?candidates=true", admin());
        REQUIRE_MESSAGE(dropped.status == 200, dropped.body);
    }
    std::filesystem::path store(const std::string& ending) const {
        return child_.data() / "stores" / ("partition-1" + ending);  // of all clients here
    }

    // Orders by the number that the customer has in that shop.
    void sell_in_shop(Client& one) {
        ProductClient product = client();
        const Answer put =
            product.api("PUT", "/v1/mappings/orders", one.tenant.headers(),
                        "mapping: orders\nversion: 1\nchannel: web\nbody: [json]\n"
                        "fields:\n  object_id: {from: $body.customer, required: true}\n"
                        "  title: $body.text\n"
                        "identity: [{external: object_id, system: $source}]\n"
                        "emit:\n  - {type: order.made}\n");
        REQUIRE_MESSAGE(put.status / 100 == 2, put.body);
        one.source = product.create_source(
            one.tenant, "generic", "shop-in", "s1",
            R"("mapping":"orders","verification":{"kind":"header","header":"x-shop"})");
    }
    void order(Client& from, const std::string& customer, const std::string& text) {
        const std::string body =
            customer.empty() ? fmt::format(R"({{"text":"{}"}})", text)
                             : fmt::format(R"({{"customer":"{}","text":"{}"}})", customer, text);
        const Answer answer = client().ingress(
            "POST", from.source.path,
            {{"content-type", "application/json"}, {"x-shop", from.source.secret}}, body);
        REQUIRE_MESSAGE(answer.status / 100 == 2, answer.body);
        from.position = header_of(answer, "x-position");
    }

    std::filesystem::path exports() const { return child_.data() / "exports"; }
    std::string id_of(const Client& one) {
        return Document(client().api("GET", "/api/clients/" + one.tenant.code, admin())).text("id");
    }

    void kill_and_restart() {
        child_.kill();
        child_.start();
        wait_for_resumed(child_);
    }
    void restart() {
        child_.stop();
        child_.start();
    }
    // The rows are built anew from the log.
    void rebuild() {
        child_.stop();
        std::filesystem::remove_all(child_.data() / "stores");
        child_.start();
    }

    std::size_t count_in_files(std::string_view marker) const {
        return tests::count_in_files(child_.data(), marker);
    }

    // Of the one job that carried out what was decided before.
    std::string resumed_report() {
        const Answer answer = client().api("GET", "/v1/jobs", admin());
        const Document jobs(answer);
        std::string report;
        for (const auto& job : jobs.data())
            if (job["kind"].text() == "erase") job["report"].append_to(report);
        return report;
    }

    Answer patch(const Client& one, const std::string& body) {
        return client().api("PATCH", "/api/clients/" + one.tenant.code,
                            with(admin(), {{"content-type", "application/json"}}), body);
    }

private:
    // All stand in one partition.
    Client make_client(const std::string& name) {
        ProductClient product = client();
        for (int attempt = 0;; ++attempt) {
            const Tenant tenant = product.create_tenant(fmt::format("{}-{}", name, attempt));
            const Answer shown = product.api("GET", "/api/clients/" + tenant.code, admin());
            if (bus::partition_of(Document(shown).text("id"), partitions) != 1) continue;
            Client made{.tenant = tenant, .source = {}, .marker = "marker-of-" + tenant.code + ";"};
            made.source = product.create_source(tenant, "meta_cloud", "wa-" + tenant.code, name);
            return made;
        }
    }

    static Webhook webhook(const Client& from, int number) {
        return meta_message(fmt::format("wamid.{}.{}", from.tenant.code, number),
                            fmt::format("9198{:08}", number % 3),
                            fmt::format("{} {}{};", number, from.marker, number % 3),
                            first_message_s + number, from.source.secret);
    }

    void send_all(Client& from) {
        ProductClient product = client();
        for (int number = 0; number < messages; ++number) {
            const Webhook sent = webhook(from, number);
            const Answer answer =
                product.ingress("POST", from.source.path, sent.headers, sent.body);
            REQUIRE_MESSAGE(answer.status / 100 == 2, answer.body);
            from.position = header_of(answer, "x-position");
        }
        Webhook refused = webhook(from, 50);  // kept in `rejected`
        refused.headers.back().second = "sha256=00";
        CHECK(product.ingress("POST", from.source.path, refused.headers, refused.body).status ==
              401);
    }

    std::string answers_of(const Client& one) {
        ProductClient product = client();
        std::string all;
        for (const std::string target :
             {"/v1/conversations", "/v1/ingest/requests?limit=50",
              "/v1/customer-timeline/+919800000001?limit=50", "/v1/events?limit=50"}) {
            const Answer answer = product.read(one.tenant, target, one.position);
            REQUIRE_MESSAGE(answer.status == 200, target, " ", answer.body);
            all += without_position(answer.body) + "\n";
        }
        return all;
    }

    // How far the partition has come says nothing of this client's rows.
    static std::string without_position(std::string body) {
        static const std::regex position(R"("position":"[^"]*")");
        return std::regex_replace(body, position, "");
    }

    ChildPlatform child_;
    std::vector<Client> neighbours_;
    std::vector<std::string> answers_;
};

void hold(const std::filesystem::path& folder, const std::string& text) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "rows") << text;
}

}  // namespace

TEST_CASE(
    "a client is erased, killed at any step: all of it is gone, its neighbours are untouched") {
    World world;
    int number = 0;
    for (const std::string crash_at :
         {"erase.decided", "journal.erase.marked", "journal.erase.zeroing",
          "erase.some_bodies_erased", "erase.bodies_erased", "erase.rows_of_a_generation",
          "erase.rows_erased", "erase.base_erased", "erase.key_tombstoned",
          "erase.before_completed", "erase.completed"}) {
        CAPTURE(crash_at);
        const Client victim = world.make_victim(number++);
        REQUIRE(world.count_in_files(victim.marker) > 0);
        world.erase_and_die(victim, crash_at);
        world.check_gone(victim);
        world.check_neighbours();
    }
    world.rebuild();
    world.check_neighbours();
}

TEST_CASE("more clients than jobs may run are being erased, killed: the next start ends them all") {
    World world;
    std::vector<Client> victims;
    for (int number = 0; number < 10; ++number) victims.push_back(world.make_victim(number));
    for (const Client& victim : victims) (void)world.ask_to_erase(victim);
    world.kill_and_restart();
    for (const Client& victim : victims) CHECK(world.count_in_files(victim.marker) == 0);
    world.check_neighbours();
}

TEST_CASE("what a replay read of a client that is erased goes too, where the replay was dropped") {
    World world;
    const Client victim = world.make_victim(0);
    world.replay_and_drop();
    const std::string proof = world.run_job(world.ask_to_erase(victim));
    CHECK_MESSAGE(proof.find(R"("complete":true)") != std::string::npos, proof);
    CHECK_FALSE(std::filesystem::exists(world.store(".building")));
    world.check_gone(victim);
    world.check_neighbours();
}

TEST_CASE("a store that was set aside goes with what is erased, and a client's exports with it") {
    World world;
    const Client victim = world.make_victim(0);
    const auto exports = world.exports();
    const std::vector<std::filesystem::path> hers{exports / (world.id_of(victim) + "-1"),
                                                  exports / (world.id_of(victim) + "-2.part")};
    const std::filesystem::path of_another = exports / "00000000000000-1";
    for (const auto& one : hers) hold(one, victim.marker);
    hold(of_another, "of another");

    hold(world.store(".corrupt-1"), victim.marker + "1;");
    const std::string looked = world.run_job(world.ask_to_erase(victim, true));
    CHECK(looked.find("partition-1.corrupt-1 may hold rows of before") != std::string::npos);
    CHECK(std::filesystem::exists(world.store(".corrupt-1")));
    const std::string person = world.run_job(world.ask_to_forget(victim, "919800000001"));
    CHECK(person.find("partition-1.corrupt-1 was removed") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(world.store(".corrupt-1")));
    CHECK(person.find(hers[0].filename().string() + " may hold what was exported before") !=
          std::string::npos);
    CHECK(person.find(R"("complete":false)") != std::string::npos);

    for (const std::string name : {".corrupt-1", ".corrupt-2"})
        hold(world.store(name), victim.marker);
    world.erase_and_die(victim, "erase.copy_removed:2");
    for (const std::string name : {".corrupt-1", ".corrupt-2"})
        CHECK_FALSE(std::filesystem::exists(world.store(name)));
    for (const auto& one : hers) CHECK_FALSE(std::filesystem::exists(one));
    CHECK(std::filesystem::exists(of_another / "rows"));
    world.check_gone(victim);
}

TEST_CASE("exports that nobody can list may be the client's: the erasure waits for them") {
    World world;
    const Client victim = world.make_victim(0);
    const std::string hers = world.id_of(victim) + "-1";
    std::filesystem::create_symlink(world.exports(), world.exports());
    const std::string failed = world.fail_job(world.ask_to_erase(victim));
    CHECK_MESSAGE(failed.find(world.exports().string()) != std::string::npos, failed);
    std::filesystem::remove(world.exports());
    hold(world.exports() / hers, victim.marker);
    const std::string proof = world.run_job(world.ask_to_erase(victim));
    CHECK_MESSAGE(proof.find(R"("complete":true)") != std::string::npos, proof);
    world.check_gone(victim);
}

TEST_CASE("a look changes nothing, a legal hold refuses with its reason, the proof lists places") {
    World world;
    Client victim = world.make_victim(0);
    const std::string looked = world.run_job(world.ask_to_erase(victim, true));
    CHECK(looked.find(R"("dry_run":true)") != std::string::npos);
    CHECK(looked.find(R"("topic":"chat","records":8,"erased":0,"gone":0,"kept":8)") !=
          std::string::npos);
    REQUIRE(world.patch(victim, R"({"legal_hold":"case 4711"})").status == 200);
    const Answer held = world.ask_to_erase(victim);
    CHECK(held.status == 409);
    CHECK(held.body.find("case 4711") != std::string::npos);
    world.restart();
    CHECK(world.ask_to_erase(victim).status == 409);
    CHECK(world.count_in_files(victim.marker) > 0);
    REQUIRE(world.patch(victim, R"({"legal_hold":null})").status == 200);

    const std::string proof = world.run_job(world.ask_to_erase(victim));
    CHECK_MESSAGE(proof.find(R"("complete":true)") != std::string::npos, proof);
    CHECK(proof.find(R"("topic":"chat","records":8,"erased":8,"gone":0,"kept":0)") !=
          std::string::npos);
    CHECK(proof.find(R"("topic":"rejected","records":1,"erased":1)") != std::string::npos);
    for (const std::string place : {"rows", "keys", "control", "memory", "headers"})
        CHECK(proof.find(R"("place":")" + place) != std::string::npos);
    world.check_gone(victim);
    world.check_neighbours();
    CHECK(world.patch(victim, R"({"name":"again"})").status == 409);
}

TEST_CASE("a person's records go that name the source, and those that no mapping could read") {
    World world;
    Client shop = world.make_victim(0);
    world.sell_in_shop(shop);
    world.order(shop, "4711", "the parcel;");
    world.order(shop, "", "Phone: 098765-43210;");  // without what the mapping asks for
    world.order(shop, "", "somebody@else.in;");
    for (const auto& [person, hers] : {std::pair{"external:shop-in:4711", "the parcel;"},
                                       std::pair{"phone:098765 43210", "098765-43210;"}}) {
        CAPTURE(person);
        REQUIRE(world.count_in_files(hers) > 0);
        const std::string proof = world.run_job(world.ask_to_forget(shop, person));
        CHECK_MESSAGE(proof.find(R"("complete":true)") != std::string::npos, proof);
        CHECK(world.count_in_files(hers) == 0);
    }
    CHECK(world.count_in_files("somebody@else.in;") > 0);
}

TEST_CASE("a person's erasure that was cut off is done, and asking again proves it") {
    World world;
    const std::string person = "919800000001";
    const Client one = world.make_victim(0);
    world.die(World::person_request(one, person), "erase.decided");
    const std::string resumed = world.resumed_report();
    CHECK_MESSAGE(resumed.find(R"("topic":"chat","records":3,"erased":3)") != std::string::npos,
                  resumed);
    CHECK(resumed.find(R"("dry_run":false,"complete":false)") != std::string::npos);
    CHECK(resumed.find("Erase the person again") != std::string::npos);
    CHECK(world.count_in_files(one.marker + "1;") == 0);
    const std::string again = world.run_job(world.ask_to_forget(one, person));
    CHECK_MESSAGE(again.find(R"("dry_run":false,"complete":true)") != std::string::npos, again);
    CHECK(again.find("no record tells of this person") != std::string::npos);
}

TEST_CASE(
    "a person is forgotten, killed at any step: other people of the client stay as they were") {
    World world;
    const std::string person = "919800000001", other = "919800000002";
    int number = 0;
    for (const std::string crash_at :
         {"", "erase.decided", "journal.erase.marked", "erase.bodies_erased", "refold.before_write",
          "refold.written", "erase.rows_erased", "erase.completed"}) {
        CAPTURE(crash_at);
        const Client one = world.make_victim(number++);
        const std::string hers = one.marker + "1;", others = one.marker + "2;";
        REQUIRE(world.count_in_files(hers) > 0);
        const std::size_t kept = world.count_in_files(others);
        const std::string before = world.answers_about(one, other);
        REQUIRE(world.answers_about(one, person).find(hers) != std::string::npos);

        const std::string looked = world.run_job(world.ask_to_forget(one, person, true));
        CHECK_MESSAGE(looked.find(R"("topic":"chat","records":3)") != std::string::npos, looked);
        if (crash_at.empty()) {
            const std::string proof = world.run_job(world.ask_to_forget(one, person));
            CHECK_MESSAGE(proof.find(R"("complete":true)") != std::string::npos, proof);
        } else {
            world.die(World::person_request(one, person), crash_at);
        }
        CHECK(world.answers_about(one, person).find(hers) == std::string::npos);
        CHECK(world.answers_about(one, other) == before);
        CHECK(world.count_in_files(hers) == 0);
        CHECK(world.count_in_files(others) > 0);
        CHECK(kept > 0);
        world.check_neighbours();  // and that rows follow from the log, byte for byte
    }
    world.rebuild();
    world.check_neighbours();
}
