#include "tests/unit/door_fixture.hpp"

using namespace door_test;
using producers::PartsOutcome;

namespace {

bus::Result<bus::Appended> appended(bool duplicate, bus::Durability durability) {
    bus::Appended one;
    one.duplicate = duplicate;
    one.durability = durability;
    return one;
}

}  // namespace

TEST_CASE_FIXTURE(DoorTest, "door: a body of two tenants is a record for each, of its own alone") {
    bench.share_secret();
    const std::string of_acme = entry("acme", "marker-1"), of_globex = entry("globex", "marker-2");
    const std::string body = DoorBench::chat_body({of_acme, of_globex});
    for (const std::string& path : {fixed, fixed + "/tok-acme-chat", fixed + "/tok-globex-chat"}) {
        CAPTURE(path);
        auto records = parts(signed_chat(path, body));
        REQUIRE(records.size() == 2);
        if (path.find("globex") != std::string::npos) std::swap(records[0], records[1]);
        CHECK(records[0].value == DoorBench::chat_body({of_acme}));
        CHECK(records[1].value == DoorBench::chat_body({of_globex}));
        CHECK(records[0].key == to_string(bench.acme));
        CHECK(records[1].key == to_string(bench.globex));
        CHECK(records[0].headers.view().get(bus::header::verified) == "meta:sec_acme");
        CHECK(records[1].headers.view().get(bus::header::verified) == "meta:sec_shared");
        for (const bus::NewRecord& record : records) {
            const auto headers = record.headers.view();
            CHECK(record.partition == bus::partition_of(record.key, 8));
            CHECK(to_string(bus::read_envelope(headers)->tenant) == record.key);
            CHECK(headers.get(bus::header::value_is) == bus::value_is_part);
            CHECK(headers.get(bus::header::whole) == tests::FakeRegistry::hash_of(body));
            CHECK(headers.get("h_x-hub-signature-256").starts_with("sha256="));
        }
        CHECK(records[0].headers.view().get(bus::header::id) !=
              records[1].headers.view().get(bus::header::id));
    }
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: a change is whose number it names, then whose account is around") {
    auto globex = bench.share_secret();
    globex.account_ids.push_back("meta_like:waba-globex");
    bench.registry.put(globex);
    const auto change = [](std::string_view phone) { return DoorBench::chat_change(phone, phone); };
    const auto all = DoorBench::chat_entry(
        "waba-globex", {change("phone-acme"), change("phone-new"), change("phone-globex")});
    const auto none = DoorBench::chat_entry("waba-unknown", {change("phone-unknown")});
    const auto records =
        parts(signed_chat(fixed + "/tok-acme-chat", DoorBench::chat_body({all, none})));
    REQUIRE(records.size() == 2);
    CHECK(
        records[0].value ==
        DoorBench::chat_body({DoorBench::chat_entry("waba-globex", {change("phone-acme")}), none}));
    CHECK(records[1].value == DoorBench::chat_body({DoorBench::chat_entry(
                                  "waba-globex", {change("phone-new"), change("phone-globex")})}));

    // The account around says nothing where each change names a number of one client.
    const auto own = DoorBench::chat_entry("waba-globex", {change("phone-acme")});
    const auto whole = record(signed_chat(fixed + "/tok-acme-chat", DoorBench::chat_body({own})));
    CHECK(whole.value == DoorBench::chat_body({own}));
    CHECK(whole.headers.view().get(bus::header::whole).empty());
}

TEST_CASE_FIXTURE(DoorTest, "door: of a body for others alone, who admitted it keeps nothing") {
    auto third = bench.source(bench.registry.add_tenant("third"), "meta_like", "third", "scheme");
    third.secrets = {DoorBench::secret("sec_third", "acme-app-secret")};
    third.account_ids = {"meta_like:phone-third"};
    bench.registry.put(third);
    bench.share_secret();
    const auto records = parts(signed_chat(
        fixed + "/tok-acme-chat",
        DoorBench::chat_body({entry("globex", "marker-2"), entry("third", "marker-3")})));
    REQUIRE(records.size() == 2);
    CHECK(records[0].value == DoorBench::chat_body({entry("globex", "marker-2")}));
    CHECK(records[1].value == DoorBench::chat_body({entry("third", "marker-3")}));
}

TEST_CASE_FIXTURE(DoorTest, "door: parts of a repeated body are the same requests, of others not") {
    bench.share_secret();
    const auto keys = [&](std::string_view acme_id, std::string globex_entry) {
        const auto records =
            parts(signed_chat(fixed, DoorBench::chat_body({entry("acme", acme_id), globex_entry})));
        REQUIRE(records.size() == 2);
        return std::pair{*records[0].dedup, *records[1].dedup};
    };
    const auto first = keys("1", entry("globex", "2"));
    CHECK(first == keys("1", entry("globex", "2")));
    const auto other = keys("3", entry("globex", "2"));
    CHECK(first.first != other.first);
    CHECK(first.second == other.second);  // by its messages' ids, as if it had come alone

    const std::string without_id = DoorBench::chat_entry(
        "1", {R"({"value":{"metadata":{"phone_number_id":"phone-globex"}}})"});
    CHECK(keys("1", without_id) == keys("1", without_id));
    CHECK(keys("1", without_id).second != keys("3", without_id).second);
}

TEST_CASE_FIXTURE(DoorTest, "door: a body of more than can be split is kept and refused") {
    bench.share_secret();
    const Asked asked =
        signed_chat(fixed, DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")}));
    const auto check_kept = [&] {
        door = bench.open();
        const Decision decision = decide(asked);
        auto* rejected = std::get_if<Rejected>(&decision);
        REQUIRE(rejected);
        CHECK(rejected->response.status == 503);
        CHECK(rejected->must_keep);
        CHECK(rejected->record.key == "_platform");
        CHECK(rejected->record.value == asked.body);
        CHECK(rejected->record.headers.view().get(bus::header::cause) == "several_tenants");
    };
    bench.options.limits.body_parts_max = 1;
    check_kept();
    bench.options.limits = {};
    bench.options.limits.split_elements_max = 3;
    check_kept();
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: the part of a client that is suspended is kept for it, refused") {
    bench.share_secret();
    bench.registry.set_tenant_status(bench.globex, "suspended");
    const auto records =
        parts(signed_chat(fixed, DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")})));
    REQUIRE(records.size() == 2);
    CHECK(records[0].topic == bus::Topic::chat);
    CHECK(records[1].topic == bus::Topic::rejected);
    CHECK(records[1].key == to_string(bench.globex));
    CHECK(records[1].value == DoorBench::chat_body({entry("globex", "2")}));
    CHECK(records[1].headers.view().get(bus::header::cause) == "source_disabled");
    CHECK(records[1].headers.view().get(bus::header::value_is) == bus::value_is_part);
}

TEST_CASE_FIXTURE(DoorTest, "door: no part holds what proves another's") {
    auto acme = *bench.registry.source_by_account("meta_like:phone-acme");
    acme.verification.own() = {};
    acme.verification.own().kind = "query";
    acme.verification.own().parameter = "key";
    bench.registry.put(acme);
    bench.share_secret();
    Asked asked = signed_chat(fixed + "/tok-acme-chat",
                              DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")}));
    asked.query = "a=1&key=acme-app-secret";
    const auto records = parts(asked);
    REQUIRE(records.size() == 2);
    CHECK(records[0].headers.view().get(bus::header::query) == "a=1&key=sec_acme");
    CHECK(records[1].headers.view().get(bus::header::query) == "a=1&key=-");
}

TEST_CASE_FIXTURE(DoorTest, "door: while another's secret does not open, nobody gets its part") {
    auto globex = bench.share_secret();
    const Asked asked = signed_chat(
        fixed + "/tok-acme-chat", DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")}));
    CHECK(status(chat("acme", "0", fixed + "/tok-acme-chat")) == 200);  // its own is open
    bench.secrets.fails = bus::ErrorCode::unavailable;
    CHECK(status(asked) == 503);
    bench.secrets.fails.reset();
    bench.clock.at += bus::seconds{2};
    CHECK(parts(asked).size() == 2);
}

TEST_CASE_FIXTURE(DoorTest, "door: an account that changes hands is seen with the next body") {
    const Asked asked = signed_chat(
        fixed + "/tok-acme-chat", DoorBench::chat_body({entry("acme", "1"), entry("shared", "2")}));
    auto globex = bench.share_secret();
    for (int round = 0; round < 2; ++round) {
        for (int copy = 0; copy < 2; ++copy) CHECK(record(asked).key == to_string(bench.acme));
        globex.account_ids.push_back("meta_like:phone-shared");
        bench.registry.put(globex);
        CHECK(parts(asked).size() == 2);
        globex.account_ids.pop_back();
        bench.registry.put(globex);
    }
}

TEST_CASE_FIXTURE(DoorTest, "door: a source that changes while its accounts are looked up is one") {
    auto globex = bench.share_secret();
    globex.account_ids.push_back("meta_like:waba-globex");
    bench.registry.put(globex);
    const auto of_globex =
        DoorBench::chat_entry("waba-globex", {DoorBench::chat_change("phone-globex", "2")});
    const Asked asked = signed_chat(fixed + "/tok-acme-chat",
                                    DoorBench::chat_body({entry("acme", "1"), of_globex}));
    bench.registry.after_account_look_up = [&] { bench.registry.put(globex); };
    const auto records = parts(asked);
    REQUIRE(records.size() == 2);
    CHECK(records[1].key == to_string(bench.globex));
    CHECK(records[1].value == DoorBench::chat_body({of_globex}));
    CHECK(bench.secrets.opened == 2);  // acme's and globex's
}

TEST_CASE("door: the answer to a body of several tenants stands for all its parts") {
    using bus::Durability;
    PartsOutcome some{.left = 2};
    some.settle(1, appended(false, Durability::local));
    some.settle(0, appended(true, Durability::fsynced));
    CHECK(some.left == 0);
    CHECK_FALSE(some.result()->duplicate);
    CHECK(some.result()->durability == Durability::local);

    PartsOutcome copies{.left = 2};
    for (std::size_t part : {0, 1}) copies.settle(part, appended(true, Durability::fsynced));
    CHECK(copies.result()->duplicate);
    CHECK(copies.result()->durability == Durability::fsynced);

    PartsOutcome failed{.left = 3};
    failed.settle(0, bus::fail(bus::ErrorCode::too_large, "too large"));
    failed.settle(1, bus::fail(bus::ErrorCode::unavailable, "disk full"));
    failed.settle(2, appended(false, Durability::fsynced));
    REQUIRE_FALSE(failed.result());
    CHECK(failed.result().error().code == bus::ErrorCode::unavailable);
}
