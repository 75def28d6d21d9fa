// Kafka dies and comes back, and so does the program: what was answered 2xx meanwhile is in the log
// once, in the order of its source, with no step taken by hand.
#include "tests/support/child_platform.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t first_message_s = 1'772'359'200;
const std::string customer = "919811111111";
constexpr std::size_t long_text_bytes = 100'000;  // ten of these are more than a spool of 1 MiB
constexpr std::size_t shown_text_bytes_max = 8 * 1024;  // of a message
constexpr std::uint64_t mib = 1 << 20;

class Shop {
public:
    explicit Shop(const std::string& spool_mib = "64", std::size_t text_bytes = 0)
        : text_bytes_(text_bytes),
          child_(TRIBUTARY_PROGRAM, "kafka:" + broker_.bootstrap(),
                 {"--kafka-prefix", LocalBroker::fresh_prefix(), "--spool-mib", spool_mib}) {
        child_.start();
        ProductClient client(child_.addresses());
        tenant_ = client.create_tenant("shop");
        source_ = client.create_source(tenant_, "meta_cloud", "wa", "secret");
    }
    ~Shop() {
        child_.kill();
        if (broker_is_dead_) broker_.start();  // for the next test
    }

    // Sent one after the other; the first ones after Kafka went wait until it is known to be gone.
    void send(int count, int status, const std::string& durability) {
        for (int i = 0; i < count; ++i) {
            const Answer answer = send_next();
            REQUIRE_MESSAGE(answer.status == status, sent_, ": ", answer.body);
            CHECK_MESSAGE(answer.body.find(durability) != std::string::npos, answer.body);
            if (status != 503) ++sent_;
        }
    }
    // How many were kept before one was refused; that one is the next to be sent again.
    int send_until_refused(int at_most) {
        for (int kept = 0; kept < at_most; ++kept, ++sent_) {
            const Answer answer = send_next();
            if (answer.status == 503) {
                CHECK(header_of(answer, "retry-after") == "2");
                CHECK_MESSAGE(answer.body.find("the spool is full (1 MiB)") != std::string::npos,
                              answer.body);
                return kept;
            }
            REQUIRE_MESSAGE(answer.status == 202, answer.body);
        }
        FAIL("nothing was refused");
        return 0;
    }
    ProgramRun doctor() {
        return run_program({TRIBUTARY_PROGRAM, "doctor", "--data", child_.data().string()});
    }
    std::uint64_t metric(const std::string& name) {
        ProductClient client(child_.addresses());
        const std::string all = client.ingress("GET", "/metrics").body;
        const auto at = all.find("\n" + name + " ");
        REQUIRE_MESSAGE(at != std::string::npos, name);
        return std::stoull(all.substr(at + name.size() + 2));
    }
    std::string operate(const std::string& target) {
        ProductClient client(child_.addresses());
        return client
            .api("GET", target, {{"authorization", "Bearer " + child_.addresses().admin_key}})
            .body;
    }
    int ready_status(const std::string& port) {
        ProductClient client(child_.addresses());
        return (port == "api" ? client.api("GET", "/readyz") : client.ingress("GET", "/readyz"))
            .status;
    }
    void wait_until_forwarded() {
        for (int i = 0; i < 600; ++i) {
            if (operate("/v1/operator/checks").find("kafka accepts events") != std::string::npos)
                return;
            std::this_thread::sleep_for(100ms);
        }
        FAIL("the spool was not forwarded: ", operate("/v1/operator/checks"));
    }
    // Everything, once, in order; read with the position of one more.
    void check_all() {
        ProductClient client(child_.addresses());
        send(1, 200, "one_broker");
        const Webhook last = meta_message(fmt::format("wamid.last.{}", sent_), "919822222222",
                                          "the end", first_message_s + 100'000, "secret");
        const Answer answer = client.ingress("POST", source_.path, last.headers, last.body);
        const std::string position = header_of(answer, "x-position");
        std::vector<std::string> texts;
        const auto requests =
            client.list(tenant_, "/v1/conversations?customer=" + customer, position);
        REQUIRE(requests.size() == 1);
        const auto conversations = requests.data();
        const auto messages =
            client.list(tenant_, "/v1/conversations/" + std::string(conversations[0]["id"].text()) +
                                     "/messages?limit=200");
        CHECK(messages.size() == static_cast<std::size_t>(sent_));
        std::int64_t later_offset = std::numeric_limits<std::int64_t>::max();
        int number = sent_;
        for (const auto& message : messages.data()) {  // the newest first
            CHECK(message["text"].text() == text_of(--number).substr(0, shown_text_bytes_max));
            const std::string_view address = message["source_event"]["address"].text();
            const auto offset = std::stoll(std::string(address.substr(address.rfind('/') + 1)));
            CHECK(offset < later_offset);
            later_offset = offset;
        }
    }
    bool is_kept_on_disk(const std::string& text) const {
        return count_in_files(child_.data() / "spool", text) > 0;
    }

    void kill_broker() {
        broker_.kill();
        broker_is_dead_ = true;
    }
    void start_broker() {
        broker_.start();
        broker_is_dead_ = false;
    }
    ChildPlatform& child() { return child_; }

private:
    std::string text_of(int number) const {
        std::string text = fmt::format("text {};", number);
        if (text.size() < text_bytes_) text.resize(text_bytes_, 'x');
        return text;
    }
    Answer send_next() {
        ProductClient client(child_.addresses());
        const Webhook sent = meta_message(fmt::format("wamid.{}", sent_), customer, text_of(sent_),
                                          first_message_s + sent_, "secret");
        return client.ingress("POST", source_.path, sent.headers, sent.body);
    }

    const std::size_t text_bytes_;
    LocalBroker& broker_ = LocalBroker::instance();
    ChildPlatform child_;
    Tenant tenant_;
    Source source_;
    int sent_ = 0;
    bool broker_is_dead_ = false;
};

}  // namespace

TEST_CASE("spool: Kafka is killed and comes back, twice, while the program goes on") {
    Shop shop;
    shop.send(20, 200, "one_broker");
    for (int round = 0; round < 2; ++round) {
        shop.kill_broker();
        shop.send(40, 202, R"("durability":"local")");
        CHECK(shop.operate("/v1/operator/checks").find("wait in the spool") != std::string::npos);
        shop.start_broker();
        shop.send(10, 202, "local");  // behind those that wait
        shop.wait_until_forwarded();
        shop.check_all();
    }
}

TEST_CASE("spool: while Kafka is away the public port is ready, since it takes events") {
    Shop shop;
    shop.send(1, 200, "one_broker");
    shop.kill_broker();
    shop.send(2, 202, R"("durability":"local")");
    CHECK(eventually([&] { return shop.ready_status("api") == 503; }, 30s));
    CHECK(shop.ready_status("ingress") == 200);
    shop.send(1, 202, R"("durability":"local")");
}

TEST_CASE("spool: killed with Kafka, the program brings everything when both are back") {
    Shop shop;
    shop.send(20, 200, "one_broker");
    shop.kill_broker();
    shop.send(60, 202, R"("durability":"local")");
    CHECK(shop.is_kept_on_disk("text 79;"));
    shop.child().kill();
    shop.start_broker();
    for (const std::string point : {"spool.some_forwarded:30", "spool.fresh_one_made"}) {
        ::setenv("TRIBUTARY_CRASH_AT", point.c_str(), 1);
        shop.child().launch();  // it may come there before it serves
        ::unsetenv("TRIBUTARY_CRASH_AT");
        REQUIRE_MESSAGE(shop.child().ends_within(20s), "it never came to ", point);
    }
    shop.child().start();
    shop.wait_until_forwarded();
    shop.check_all();
    for (int i = 0; i < 100 && shop.is_kept_on_disk("text 79;"); ++i)
        std::this_thread::sleep_for(100ms);
    CHECK_FALSE(shop.is_kept_on_disk("text 79;"));
}

TEST_CASE("spool: a full one refuses until Kafka is back, and says how full it is") {
    Shop shop("1", long_text_bytes);
    shop.send(1, 200, "one_broker");
    shop.kill_broker();
    const int kept = shop.send_until_refused(20);
    CHECK(kept > 5);
    const std::string waiting = fmt::format("{} events wait in the spool", kept);
    CHECK(shop.operate("/v1/operator/checks").find(waiting) != std::string::npos);
    const ProgramRun doctor = shop.doctor();
    CHECK(doctor.exit_code == 1);
    CHECK_MESSAGE(doctor.out.find("broken log") != std::string::npos, doctor.out);
    CHECK_MESSAGE(doctor.out.find(waiting) != std::string::npos, doctor.out);
    const auto shows_waiting = [&](int count) {  // it is looked at now and then
        return eventually(
            [&] { return shop.metric("spool_records") == static_cast<std::uint64_t>(count); });
    };
    CHECK(shows_waiting(kept));
    CHECK(shop.metric("spool_kept_total") == static_cast<std::uint64_t>(kept));
    CHECK(shop.metric("spool_bytes") > kept * long_text_bytes);
    CHECK(shop.metric("spool_bytes") <= mib);
    CHECK(shop.ready_status("ingress") == 503);
    shop.start_broker();
    shop.wait_until_forwarded();
    CHECK(shows_waiting(0));
    shop.check_all();
}

TEST_CASE("spool: without one the provider is asked to come again") {
    Shop shop("0");
    shop.send(1, 200, "one_broker");
    shop.kill_broker();
    shop.send(2, 503, "send it again");
}
