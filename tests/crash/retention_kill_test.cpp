// Records expire beside others, and the program is killed at every step of it: answers stay byte
// for byte what they were, after a restart and after the rows were built anew, and the log proves.
#include "tests/support/eventually.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/operator_jobs.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <thread>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr bus::PartitionId partitions = 4;  // of ChildPlatform
constexpr std::int64_t first_message_s = 1'772'359'200;
constexpr auto limit = 4s;
constexpr std::string_view apply_now = R"({"commit":true,"topic":"chat","older_than":"4s"})";

constexpr auto slack = 6s;  // of a busy machine

// What came before that moment expires, if nothing takes longer than `slack`.
std::string not_since(std::chrono::steady_clock::time_point moment, bool commit) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now() - moment + slack);
    return fmt::format(R"({{"commit":{},"topic":"chat","older_than":"{}s"}})", commit, age.count());
}

struct Client {
    Tenant tenant;
    Source source;
    std::string marker;  // in every body it sends
    int sent = 0;
    std::string position{};
};

class World {
public:
    World() : child_(TRIBUTARY_PROGRAM, "embedded") {
        child_.start();
        for (const std::string name : {"left", "right"}) clients_.push_back(make_client(name));
    }

    ProductClient client() { return ProductClient(child_.addresses()); }
    std::filesystem::path data() const { return child_.data(); }
    Client& one() { return clients_.front(); }

    void send_some(int messages) {
        ProductClient product = client();
        for (Client& from : clients_) {
            for (int i = 0; i < messages; ++i) {
                const int number = from.sent++;
                const Webhook sent =
                    meta_message(fmt::format("wamid.{}.{}", from.tenant.code, number),
                                 fmt::format("9198{:08}", number % 3),
                                 fmt::format("{} {}{}", number, from.marker, std::string(900, 'x')),
                                 first_message_s + number, from.source.secret);
                const Answer answer =
                    product.ingress("POST", from.source.path, sent.headers, sent.body);
                REQUIRE_MESSAGE(answer.status / 100 == 2, answer.body);
                from.position = header_of(answer, "x-position");
            }
        }
    }

    std::string run_job(const std::string& target, std::string_view body) {
        return report_of_job(
            child_, client().api("POST", target, operator_headers(child_), std::string(body)));
    }

    // The child dies at the crash point while it applies retention.
    void die(const std::string& crash_at) {
        die_over(child_, "/v1/retention", std::string(apply_now), crash_at);
    }

    void restart() {
        child_.stop();
        child_.start();
    }
    void lose_stores() {
        child_.stop();
        std::filesystem::remove_all(child_.data() / "stores");
        child_.start();
    }

    // Kept in `rejected`.
    void send_refused() {
        Webhook refused = meta_message("wamid.refused", "919800000000", "refused", first_message_s,
                                       one().source.secret);
        refused.headers.back().second = "sha256=00";
        CHECK(client().ingress("POST", one().source.path, refused.headers, refused.body).status ==
              401);
    }
    // Of the topic, once the place given is among what has expired.
    std::string expire_all(const std::string& topic, const std::string& place) {
        const auto apply = [&](bool commit) {
            return run_job(
                "/v1/retention",
                fmt::format(R"({{"commit":{},"topic":"{}","older_than":"1s"}})", commit, topic));
        };
        CHECK(eventually([&] { return apply(false).find(place) != std::string::npos; }));
        return apply(true);
    }
    // Of a record with a body, in the first segment; the record itself can be read.
    void damage_a_frame() {
        child_.stop();
        const std::filesystem::path file = data() / "journal" / "000000000001.segment";
        std::fstream segment(file, std::ios::binary | std::ios::in | std::ios::out);
        const std::string bytes{std::istreambuf_iterator<char>(segment), {}};
        const std::size_t at = bytes.rfind("TJG1", bytes.find("0 " + one().marker));
        REQUIRE(at != std::string::npos);
        segment.seekp(static_cast<std::streamoff>(at)).put('X');
        segment.close();
        child_.start();
    }

    std::string answers() {
        ProductClient product = client();
        std::string all;
        for (const Client& of : clients_) {
            for (const std::string target : {"/v1/conversations", "/v1/ingest/requests?limit=50",
                                             "/v1/customer-timeline/+919800000001?limit=50"}) {
                const Answer answer = product.read(of.tenant, target, of.position);
                REQUIRE_MESSAGE(answer.status == 200, target, " ", answer.body);
                all += without_position(answer.body) + "\n";
            }
        }
        return all;
    }

    void check_same(const std::string& before) {
        const std::string now = answers();
        const auto differs = static_cast<std::size_t>(
            std::mismatch(now.begin(), now.end(), before.begin(), before.end()).first -
            now.begin());
        CHECK_MESSAGE(now == before, "now ", now.substr(differs, 80), " was ",
                      before.substr(std::min(differs, before.size()), 80));
    }
    std::string check_proof() {
        std::string proof = run_job("/v1/verify", "{}");
        CHECK_MESSAGE(proof.find(R"("proven":true)") == 1, proof);
        return proof;
    }
    // The oldest request's body, by the API.
    int status_of_oldest_body() {
        const Client& of = one();
        ProductClient product = client();
        const Answer listed = product.read(of.tenant, "/v1/ingest/requests?limit=200", of.position);
        const Document requests(listed);
        std::string oldest;
        for (const auto& request : requests.data()) oldest = std::string(request["id"].text());
        return product.api("GET", "/v1/ingest/requests/" + oldest + "/raw", of.tenant.headers())
            .status;
    }
    // What was backed up takes the folder's place, without stores: rows begin with its base.
    void come_back_from_backup() {
        const std::filesystem::path kept = data().string() + ".backups";
        (void)run_job("/v1/operator/backups",
                      fmt::format(R"({{"to":"{}","with_keys":true}})", kept.string()));
        child_.stop();
        const std::filesystem::path restored = data().string() + ".restored";
        REQUIRE(std::system(fmt::format("{} restore --from {} --data {} >/dev/null 2>&1",
                                        TRIBUTARY_PROGRAM, kept.string(), restored.string())
                                .c_str()) == 0);
        std::filesystem::remove_all(data());
        std::filesystem::rename(restored, data());
        std::filesystem::remove_all(data() / "stores");
        std::filesystem::remove_all(kept);
        child_.start();
    }

    std::size_t bodies_in_log() const {
        std::size_t found = 0;
        for (const Client& from : clients_)
            found += count_in_files(child_.data() / "journal", from.marker);
        return found;
    }
    std::uint64_t first_segment_blocks() const {
        struct stat status {};
        REQUIRE(::stat((data() / "journal" / "000000000001.segment").c_str(), &status) == 0);
        return static_cast<std::uint64_t>(status.st_blocks);
    }
    void replay_and_switch() {
        const std::string built =
            run_job("/v1/replays", R"({"projections":["conversations"],"switch":true})");
        CHECK_MESSAGE(built.find(R"("switched":true)") != std::string::npos, built);
    }
    void wait_built() {
        ProductClient product = client();
        for (int i = 0; i < 400; ++i) {
            if (product.read(one().tenant, "/v1/conversations", one().position).status == 200)
                return;
            std::this_thread::sleep_for(50ms);
        }
        FAIL("the rows were not built anew");
    }
    void forget_first() { clients_.erase(clients_.begin()); }
    // Rows that have not seen what has expired, and no base.
    void check_stops_without_base() {
        child_.stop();
        std::filesystem::remove_all(data() / "stores");
        std::filesystem::remove_all(data() / "bases");
        const std::filesystem::path said = data() / "said";
        (void)std::system(fmt::format("timeout 10 {} serve --data {} --partitions {} --ingress "
                                      "127.0.0.1:0 --api 127.0.0.1:0 >{} 2>&1",
                                      TRIBUTARY_PROGRAM, data().string(), partitions, said.string())
                              .c_str());
        std::ifstream in(said);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        CHECK_MESSAGE(
            text.find("event=projector_stopped partition=1 code=gone") != std::string::npos, text);
        CHECK(text.find("record chat/1/0: retention has taken its body") != std::string::npos);
    }
    Headers admin() const { return {{"authorization", "Bearer " + child_.addresses().admin_key}}; }

private:
    // Both stand in one partition.
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

    static std::string without_position(std::string body) {
        static const std::regex position(R"("position":"[^"]*")");
        return std::regex_replace(body, position, "");
    }

    ChildPlatform child_;
    std::vector<Client> clients_;
};

}  // namespace

TEST_CASE("bodies expire: their room comes back, answers stay, rows are built anew from the base") {
    World world;
    world.send_some(40);
    std::this_thread::sleep_for(2 * slack);
    const auto sent_at = std::chrono::steady_clock::now();
    world.send_some(2);
    const std::string before = world.answers();
    REQUIRE(world.bodies_in_log() == 84);

    const std::string looked = world.run_job("/v1/retention", not_since(sent_at, false));
    CHECK_MESSAGE(looked.find(R"("records":80,)") != std::string::npos, looked);
    CHECK(world.bodies_in_log() == 84);
    const std::uint64_t blocks = world.first_segment_blocks();

    const std::string report = world.run_job("/v1/retention", not_since(sent_at, true));
    CHECK_MESSAGE(report.find(R"("records":80,)") != std::string::npos, report);
    CHECK(world.bodies_in_log() == 4);
    CHECK(world.first_segment_blocks() * 100 < blocks);
    MESSAGE("512-byte blocks of the segment: ", blocks, " before, ", world.first_segment_blocks(),
            " after");
    world.check_same(before);
    const std::string proof = world.check_proof();
    CHECK_MESSAGE(proof.find("partition 1 from a base of ") != std::string::npos, proof);
    CHECK_MESSAGE(proof.find(R"("expired":80)") != std::string::npos, proof);

    CHECK(world.status_of_oldest_body() == 410);
    world.restart();
    world.check_same(before);
    world.lose_stores();
    world.check_same(before);
    world.check_proof();
    world.come_back_from_backup();
    world.check_same(before);
    world.check_proof();
    std::this_thread::sleep_for(limit);
    const std::string again = world.run_job("/v1/retention", apply_now);
    CHECK_MESSAGE(again.find(R"("records":4,)") != std::string::npos, again);
    world.send_some(1);
    const std::string later = world.answers();
    world.lose_stores();
    world.check_same(later);
    world.check_proof();
}

TEST_CASE("killed at any step of it: before or after, and applying it again ends it") {
    World world;
    for (const std::string crash_at :
         {"retention.base_folded", "retention.store_flushed", "retention.base_written",
          "retention.base_named", "retention.older_base_gone", "journal.expire.beside_made",
          "journal.expire.beside_written", "journal.expire.renamed", "journal.expire.segment_done",
          "retention.bodies_gone", "retention.noted"}) {
        CAPTURE(crash_at);
        world.send_some(3);
        std::this_thread::sleep_for(limit + 200ms);
        const std::string before = world.answers();
        world.die(crash_at);
        world.check_same(before);
        world.check_proof();
        (void)world.run_job("/v1/retention", apply_now);
        CHECK(world.bodies_in_log() == 0);
        world.check_same(before);
    }
    const std::string before = world.answers();
    world.lose_stores();
    world.check_same(before);
    world.check_proof();
}

TEST_CASE("a replay begins with the base and says so; without it the rows stop by name") {
    World world;
    world.send_some(5);
    std::this_thread::sleep_for(limit + 200ms);
    (void)world.run_job("/v1/retention", apply_now);
    world.send_some(2);
    const std::string before = world.answers();
    world.replay_and_switch();
    world.check_same(before);
    world.check_proof();
    world.lose_stores();
    world.wait_built();
    world.check_same(before);
    world.check_stops_without_base();
}

TEST_CASE("what a damaged segment keeps is tried again by each run, and nothing else with it") {
    World world;
    world.send_some(5);
    world.send_refused();
    (void)world.expire_all("rejected", "rejected/");  // ends the first segment
    world.damage_a_frame();
    const std::string ranges = R"("ranges":["chat/1/0-9)", damaged = "000000000001.segment";
    const std::string met = world.expire_all("chat", "chat/1/0-9");
    CHECK_MESSAGE(met.find(ranges + R"("])") != std::string::npos, met);
    CHECK(met.find(damaged) != std::string::npos);
    world.send_some(5);
    const std::string more = world.expire_all("chat", "chat/1/10-19");
    CHECK_MESSAGE(more.find(ranges + R"(","chat/1/10-19"])") != std::string::npos, more);
    CHECK(more.find(R"("records":10,)") != std::string::npos);
    const std::string again = world.expire_all("chat", "chat/1/0-9");
    CHECK_MESSAGE(again.find(ranges + R"("])") != std::string::npos, again);
    CHECK(again.find(damaged) != std::string::npos);
}

TEST_CASE("a client is erased from the base too") {
    World world;
    world.send_some(5);
    std::this_thread::sleep_for(limit + 200ms);
    (void)world.run_job("/v1/retention", apply_now);
    const std::string marker = world.one().marker;
    REQUIRE(count_in_files(world.data() / "bases", marker) > 0);
    const std::string proof =
        world.run_job("/v1/erase", fmt::format(R"({{"client":"{}"}})", world.one().tenant.code));
    CHECK_MESSAGE(proof.find(R"("complete":true)") != std::string::npos, proof);
    CHECK_MESSAGE(proof.find(R"("place":"base")") != std::string::npos, proof);
    CHECK(count_in_files(world.data(), marker) == 0);
    world.forget_first();
    const std::string neighbour = world.answers();
    world.lose_stores();
    world.check_same(neighbour);
    world.check_proof();
}
