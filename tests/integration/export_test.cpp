// `tributary export`: what a tenant has, as files that prove themselves.
#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "tests/support/import_bench.hpp"

using tests::Document;
using tests::ImportBench;
using tests::ProgramRun;
using tests::text_of_file;

namespace {

std::vector<std::string> lines_of(const std::filesystem::path& file) {
    std::vector<std::string> lines;
    std::ifstream in(file, std::ios::binary);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

struct ExportTest : ImportBench {
    ExportTest() {
        const auto file = files.path() / "chat.ndjson";
        tests::write_file(file, tests::numbered_messages(40));
        REQUIRE(import("shop-wa", {file}).exit_code == 0);
        // A neighbour, whose data is nobody else's.
        tests::ProductClient client(served.addresses());
        const auto other = client.create_tenant("other");
        tests::Sender sender(client,
                             client.create_source(other, "meta_cloud", "other-wa", "secret"));
        sender.send(tests::meta_message("of-other", "919900000001", "secret text", 1'709'600'400,
                                        "secret"));
    }
    ProgramRun export_to(const std::filesystem::path& out, std::vector<std::string> further = {},
                         const std::string& tenant = "shop") const {
        std::vector<std::string> arguments{TRIBUTARY_PROGRAM, "export", "--data", served.data(),
                                           "--tenant",        tenant,   "--out",  out};
        arguments.insert(arguments.end(), further.begin(), further.end());
        return tests::run_program(arguments);
    }
    // One invoice each: of the sender's own ids, for a person that only her account names.
    void bill(const std::vector<std::pair<std::string, std::string>>& invoices_of_customers) {
        tests::ProductClient(served.addresses())
            .create_source(shop, "stripe", "shop-bills", "", R"("verification":{"kind":"none"})");
        std::string lines;
        std::int64_t at = 1'709'600'400;
        const auto add = [&](const std::string& type, const std::string& object) {
            const std::string id = fmt::format("evt_{}", ++at);
            lines += tests::stripe_event(id, type, object, at, at, "s").body + "\n";
        };
        for (const auto& [invoice, phone] : invoices_of_customers) {
            add("customer.created",
                fmt::format(R"({{"id":"cus_{0}","object":"customer","phone":"+{0}"}})", phone));
            add("invoice.paid",
                fmt::format(
                    R"({{"id":"{}","object":"invoice","customer":"cus_{}","total":49900,"currency":"inr"}})",
                    invoice, phone));
        }
        const auto file = files.path() / "bills.ndjson";
        tests::write_file(file, lines);
        REQUIRE(import("shop-bills", {file}).exit_code == 0);
    }
    std::filesystem::path exported(const std::string& name,
                                   const std::vector<std::string>& further = {}) const {
        auto out = files.path() / name;
        const ProgramRun run = export_to(out, further);
        REQUIRE_MESSAGE(run.exit_code == 0, run.error);
        return out;
    }
};

void check_manifest(const std::filesystem::path& folder) {
    const Document manifest(text_of_file(folder / "manifest.json"));
    std::size_t files = 0;
    manifest["files"].each_element([&](schemas::json::Value file) {
        ++files;
        const std::string text = text_of_file(folder / std::string(file["name"].text()));
        CAPTURE(file["name"].text());
        CHECK(file["bytes"].integer() == static_cast<std::int64_t>(text.size()));
        CHECK(file["sha256"].text() == bus::to_hex(bus::crypto::view(bus::crypto::sha256(text))));
        CHECK(file["records"].integer() == std::count(text.begin(), text.end(), '\n'));
    });
    CHECK(files > 5);
    CHECK(!manifest.text("position").empty());
}

std::set<std::string> names_in(const std::filesystem::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.insert(entry.path().filename());
    return names;
}

// Every line of a file of rows says each of `members`.
void check_rows(const std::filesystem::path& file, std::size_t count,
                const std::vector<std::string>& members) {
    CAPTURE(file);
    const auto lines = lines_of(file);
    CHECK(lines.size() == count);
    for (const std::string& line : lines) {
        CAPTURE(line);
        const Document row(line);
        for (const std::string& member : members) CHECK_MESSAGE(row[member], member);
    }
}

}  // namespace

TEST_CASE_FIXTURE(ExportTest,
                  "export: every byte, event and row of the tenant, and nobody else's") {
    const auto out = exported("all");
    check_manifest(out);
    std::multiset<std::string> bodies, expected;
    for (const std::string& line : lines_of(out / "records.ndjson"))
        bodies.insert(Document(line).text("body"));
    for (int i = 0; i < 40; ++i) expected.insert(tests::numbered_message(i));
    CHECK(bodies == expected);
    CHECK(lines_of(out / "events.ndjson").size() == 40);
    CHECK(lines_of(out / "rows" / "conversations.cnv.ndjson").size() == 40);
    CHECK(lines_of(out / "rows" / "conversations.msg.ndjson").size() == 40);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
        if (!entry.is_regular_file()) continue;
        CAPTURE(entry.path());
        const std::string text = text_of_file(entry.path());
        CHECK(text.find("secret text") == std::string::npos);
        CHECK(text.find("of-other") == std::string::npos);
    }
    CHECK(!std::filesystem::exists(out.string() + ".part"));
}

TEST_CASE_FIXTURE(ExportTest, "export: a row says what its key tells, as answers do") {
    bill({{"in_1", "919900000003"}});
    tests::ProductClient client(served.addresses());
    tests::Sender(client, client.create_source(shop, "meta_cloud", "shop-odd", "s"))
        .send(tests::meta_webhook(
            R"("messages":[{"from":"919811111111","timestamp":"1772359200","type":"text"}])", "s"));
    const auto rows = exported("all", {"--format", "csv"}) / "rows";
    check_rows(
        rows / "timeline.entries.tle.ndjson", 43,  // one under each key
        {"id", "at", "channel", "kind", "title", "actor", "type", "event_id", "customer_key"});
    check_rows(rows / "ingest.entries.ndjson", 43,
               {"id", "source", "received_at", "bytes", "status", "events", "address"});
    check_rows(rows / "dead_letters.entries.dead.ndjson", 1, {"id", "reason", "status"});
    check_rows(rows / "events.entries.ndjson", 42,
               {"id", "type", "time", "source", "address", "emit_index"});
    check_rows(rows / "billing.ndjson", 1, {"id", "kind", "customer_id", "at", "status"});
    check_rows(rows / "billing.entries.ndjson", 2, {"event_id", "at", "type", "system"});
    CHECK(text_of_file(rows / "timeline.entries.tle.csv").find(",customer_key") !=
          std::string::npos);
}

TEST_CASE_FIXTURE(ExportTest, "export: the ids of a sender make no files") {
    bill({{"in_1", "919900000001"},
          {"a_1", "919900000001"},
          {"cnv_1", "919900000001"},
          {"zzzz_1", "919900000001"}});
    const auto rows = exported("all") / "rows";
    CHECK(names_in(rows) ==
          std::set<std::string>{"billing.bcu.ndjson", "billing.entries.ndjson", "billing.ndjson",
                                "conversations.cnv.ndjson", "conversations.msg.ndjson",
                                "events.entries.ndjson", "identity.ndjson", "ingest.entries.ndjson",
                                "timeline.entries.tle.ndjson"});
    CHECK(lines_of(rows / "billing.ndjson").size() == 4);
}

TEST_CASE_FIXTURE(ExportTest, "export: a customer's lines and bills, though no text names her") {
    bill({{"in_hers", "919900000003"}, {"in_anothers", "919900000004"}});
    const auto rows = exported("one", {"--customer", "+919900000003"}) / "rows";
    const auto lines = lines_of(rows / "timeline.entries.tle.ndjson");
    REQUIRE(!lines.empty());
    for (const std::string& line : lines) {
        const std::string key = Document(line).text("customer_key");
        CHECK_MESSAGE((key == "phone:+919900000003" || key == "external:stripe:cus_919900000003"),
                      line);
    }
    CHECK(lines_of(rows / "billing.bcu.ndjson").size() == 1);
    REQUIRE(lines_of(rows / "billing.ndjson").size() == 1);
    CHECK(Document(lines_of(rows / "billing.ndjson").front()).text("id") == "in_hers");
    CHECK(!std::filesystem::exists(rows / "billing.entries.ndjson"));
}

TEST_CASE_FIXTURE(ExportTest, "export: no settings of another client whose source maps alike") {
    tests::ProductClient client(served.addresses());
    const auto first = client.create_tenant("first");
    const auto second = client.create_tenant("second");
    client.create_source(first, "interakt", "first-wa", "s", R"("department":"A-secret")");
    tests::Sender sender(client, client.create_source(second, "interakt", "second-wa", "s"));
    sender.send(tests::interakt_message("i1", "9900000009", "hi", "2024-03-05T01:00:00", "s"));
    const auto out = files.path() / "second";
    const ProgramRun run = export_to(out, {}, "second");
    REQUIRE_MESSAGE(run.exit_code == 0, run.error);
    CHECK(lines_of(out / "mappings.ndjson").size() == 1);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
        if (!entry.is_regular_file()) continue;
        CAPTURE(entry.path());
        CHECK(text_of_file(entry.path()).find("A-secret") == std::string::npos);
    }
}

TEST_CASE_FIXTURE(ExportTest, "export: one customer, a range, and CSV") {
    const auto one = exported("one", {"--customer", "+919900000003"});
    CHECK(lines_of(one / "records.ndjson").size() == 1);
    CHECK(lines_of(one / "events.ndjson").size() == 1);
    CHECK(lines_of(one / "rows" / "conversations.cnv.ndjson").size() == 1);
    CHECK(lines_of(one / "rows" / "conversations.msg.ndjson").size() == 1);
    CHECK(lines_of(one / "rows" / "identity.ndjson").size() == 1);
    CHECK(text_of_file(one / "events.ndjson").find("text number 3\"") != std::string::npos);

    const auto range =
        exported("range", {"--from", "2024-03-05T01:00:10Z", "--to", "2024-03-05T01:00:15Z"});
    CHECK(lines_of(range / "records.ndjson").size() == 5);

    const auto csv = exported("csv", {"--format", "csv"});
    check_manifest(csv);
    const auto table = lines_of(csv / "events.csv");
    REQUIRE(table.size() == 41);
    CHECK(table[0].starts_with("id,type,time,"));
    CHECK(table[1].find(",whatsapp.message.received,2024-03-05T01:00:00Z,") != std::string::npos);
    CHECK(table[1].find(",'+9199") != std::string::npos);  // no spreadsheet takes it for a formula
}

TEST_CASE_FIXTURE(ExportTest, "export: nothing is overwritten, and a cut one is begun anew") {
    const auto out = exported("all");
    const ProgramRun again = export_to(out);
    CHECK(again.exit_code == 1);
    CHECK(again.error.find("holds something already") != std::string::npos);
    CHECK(export_to(files.path() / "none", {}, "nobody").error.find("no tenant 'nobody'") !=
          std::string::npos);

    served.stop();
    ::setenv("TRIBUTARY_CRASH_AT", "export.files_written", 1);
    served.start();
    ::unsetenv("TRIBUTARY_CRASH_AT");
    CHECK(export_to(files.path() / "cut").exit_code == 1);
    CHECK(!std::filesystem::exists(files.path() / "cut"));
    served.kill();
    served.start();
    CHECK(export_to(files.path() / "cut").error.find("--continue begins it anew") !=
          std::string::npos);
    check_manifest(exported("cut", {"--continue"}));
}

TEST_CASE_FIXTURE(ExportTest, "export: an empty installation takes it and has the same events") {
    tests::ProductClient client(served.addresses());
    client.create_source(shop, "email", "shop-mail", "", R"("verification":{"kind":"none"})");
    const auto odd = files.path() / "odd.eml";
    tests::write_file(odd,
                      "From: a@example.org\nDate: Tue, 05 Mar 2024 01:00:00 +0000\n\nno id \xFF\n");
    REQUIRE(import("shop-mail", {odd}).exit_code == 0);
    const auto out = exported("all");
    CHECK(text_of_file(out / "sources.ndjson").find("\"url\"") == std::string::npos);

    tests::ChildPlatform fresh{TRIBUTARY_PROGRAM, "embedded"};
    fresh.start();
    const auto import_there = [&] {
        return tests::run_program({TRIBUTARY_PROGRAM, "import", "--data", fresh.data(), "--tenant",
                                   "shop", "--format", "tributary", out});
    };
    const ProgramRun first = import_there();
    REQUIRE_MESSAGE(first.exit_code == 0, first.error);
    const Document report(first.out);
    CHECK(report["records"]["accepted"].integer() == 41);
    CHECK(report["ids_kept"].boolean() == true);
    CHECK(report["secrets_needed"].at(0).text() == "shop-wa");
    const Document second(import_there().out);
    CHECK(second["records"]["duplicates"].integer() == 41);
    CHECK(second["records"]["accepted"].integer() == 0);

    const auto back = files.path() / "back";
    const ProgramRun exported_back = tests::run_program(
        {TRIBUTARY_PROGRAM, "export", "--data", fresh.data(), "--tenant", "shop", "--out", back});
    REQUIRE_MESSAGE(exported_back.exit_code == 0, exported_back.error);
    CHECK(lines_of(back / "events.ndjson") == lines_of(out / "events.ndjson"));
    for (const char* rows : {"conversations.cnv.ndjson", "conversations.msg.ndjson"})
        CHECK(lines_of(back / "rows" / rows) == lines_of(out / "rows" / rows));
    // Brought back to where it came from, nothing is added.
    const ProgramRun home = tests::run_program(
        {TRIBUTARY_PROGRAM, "import", "--data", served.data(), "--tenant", "shop", out});
    REQUIRE_MESSAGE(home.exit_code == 0, home.error);
    CHECK(Document(home.out)["records"]["duplicates"].integer() == 41);

    std::string changed = text_of_file(out / "records.ndjson");
    changed[changed.find("text number")] = 'T';
    tests::write_file(out / "records.ndjson", changed);
    const ProgramRun refused = import_there();
    CHECK(refused.exit_code == 1);
    CHECK(refused.error.find("records.ndjson is not what the manifest says") != std::string::npos);
}
