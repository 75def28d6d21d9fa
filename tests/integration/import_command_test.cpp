// `tributary import` over files as people have them: whole, foreign and damaged.
#include "tests/support/fixture_files.hpp"
#include "tests/support/import_bench.hpp"

using namespace std::string_literals;
using tests::Document;
using tests::ImportBench;
using tests::ProgramRun;
using tests::write_file;

namespace {

struct ImportCommandTest : ImportBench {
    ImportCommandTest() {
        tests::ProductClient client(served.addresses());
        client.create_source(shop, "email", "shop-mail", "", R"("verification":{"kind":"none"})");
        client.create_source(shop, "stripe", "shop-stripe", "secret");
        client.create_source(shop, "chargebee", "shop-cb", "user:password");
        client.create_source(
            shop, "ivr", "shop-ivr", "",
            R"("verification":{"kind":"none"},"field_mapping":{"call_id":"id","caller":"from","callee":"to","status":"state","start":"at","duration":"secs"},"status_mapping":{"ANSWER":"completed","NOANSWER":"missed"})");
    }

    std::string imported(const std::string& source, const std::vector<std::string>& arguments) {
        const ProgramRun run = import(source, arguments);
        REQUIRE_MESSAGE(run.exit_code == 0, run.error, run.out);
        return counts(run);
    }
    std::string refusal(const std::string& source, const std::vector<std::string>& arguments) {
        const ProgramRun run = import(source, arguments);
        CHECK(run.exit_code != 0);
        return run.error;
    }
    std::string file(const std::string& name, std::string_view text) {
        write_file(files.path() / name, text);
        return files.path() / name;
    }
    std::size_t listed(const std::string& list, std::size_t expected) {
        tests::ProductClient client(served.addresses());
        std::size_t found = 0;
        for (int attempt = 0; attempt < 100; ++attempt) {
            found = client.list(shop, list).size();
            if (found == expected) break;
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
        return found;
    }
};

bool names(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE_FIXTURE(ImportCommandTest, "import: a call log, once; a dry run changes nothing") {
    const std::string calls = file("calls.csv",
                                   "id,from,to,state,at,secs\n"
                                   "c1,919900000001,911140000000,ANSWER,2024-03-05 10:00:00,65\n"
                                   "c2,919900000002,911140000000,NOANSWER,2024-03-05 10:05:00,0\n"
                                   "c3,919900000004,\"911140000000,ANSWER,2024-03-05 10:07:00,5\n"
                                   "c4,919900000003,911140000000,ANSWER,2024-03-05 10:06:00,5\n");
    CHECK(imported("shop-ivr", {"--dry-run", calls}) == "4=3+0-1");
    CHECK(listed("/v1/events", 0) == 0);
    CHECK(imported("shop-ivr", {calls}) == "4=3+0-1");
    CHECK(imported("shop-ivr", {calls}) == "4=0+3-1");
    CHECK(listed("/v1/ivr-calls", 3) == 3);
    CHECK(names(tests::text_of_file(calls + ".refused.ndjson"),
                "\"place\":\"line 4\",\"code\":\"damaged\",\"reason\":\"broken quote"));
}

TEST_CASE_FIXTURE(ImportCommandTest,
                  "import: refused lines are mended in their file and imported") {
    std::string nobody = tests::numbered_message(7);
    const std::string from = R"("from":"919900000007",)";
    for (const std::string& part : {from, std::string(R"("wa_id":"919900000007",)")})
        nobody.erase(nobody.find(part), part.size());
    const std::string chat = file("chat.ndjson", nobody + "\n" + tests::numbered_message(8));
    CHECK(imported("shop-wa", {chat}) == "2=1+0-1");

    const std::string refused = chat + ".refused.ndjson";
    std::string text = tests::text_of_file(refused);
    CHECK(names(text, R"({"refused":{"place":"line 1","code":"unmappable","path":")"));
    text.insert(text.find(R"(\"timestamp\")"), R"(\"from\":\"919900000007\",)");
    write_file(refused, text);
    CHECK(imported("shop-wa", {refused}) == "1=1+0-0");
    CHECK(imported("shop-wa", {refused}) == "1=0+1-0");
    CHECK(imported("shop-wa", {chat}) == "2=0+1-1");
    CHECK(std::filesystem::exists(chat + ".refused-2.ndjson"));
    CHECK(listed("/v1/events", 2) == 2);
}

TEST_CASE_FIXTURE(ImportCommandTest,
                  "import: providers' lists, whole and cut; a mended run adds the rest") {
    const std::string first =
        R"({"id":"evt_1","object":"event","created":1709600400,"type":"customer.created","data":{"object":{"id":"cus_1","object":"customer","email":"a@example.org"}}})";
    const std::string second =
        R"({"id":"evt_2","object":"event","created":1709600500,"type":"invoice.paid","data":{"object":{"id":"in_1","object":"invoice","customer":"cus_1","amount_paid":500,"currency":"usd"}}})";
    const std::string page = R"({"object":"list","url":"/v1/events","has_more":false,"data":[)";
    CHECK(imported("shop-stripe", {file("cut.json", page + first + "," + second.substr(0, 90))}) ==
          "2=1+0-1");
    CHECK(imported("shop-stripe", {file("page.json", page + first + ",\n" + second + "]}")}) ==
          "2=1+1-0");
    CHECK(imported("shop-stripe", {file("events.ndjson", first + "\n" + second + "\n")}) ==
          "2=0+2-0");
    CHECK(listed("/v1/events", 2) == 2);

    const std::string event =
        R"({"id":"ev_1","occurred_at":1709600400,"event_type":"customer_created","content":{"customer":{"id":"cb_1","email":"b@example.org"}}})";
    CHECK(imported("shop-cb", {file("cb.json", R"({"list":[{"event":)" + event +
                                                   R"(}],"next_offset":"1"})")}) == "1=1+0-0");

    const std::string history =
        R"({"metadata":{"display_phone_number":"918000000001","phone_number_id":"5"},"contacts":[{"wa_id":"919900000001","profile":{"name":"A"}}],"messages":[{"id":"w1","from":"919900000001","timestamp":"1709600400","type":"text","text":{"body":"hi"}},{"id":"w2","from":"919900000001","timestamp":"1709600460","type":"text","text":{"body":"ho"}}]})";
    CHECK(imported("shop-wa", {file("history.json", history)}) == "2=2+0-0");
    CHECK(listed("/v1/conversations", 1) == 1);
}

TEST_CASE_FIXTURE(ImportCommandTest, "import: foreign and damaged files say what to do") {
    CHECK(names(refusal("shop-wa", {file("a.gz", "\x1F\x8B\x08")}), "gunzip it first"));
    CHECK(names(refusal("shop-wa", {file("a.ndjson", "")}), "the file is empty"));
    CHECK(names(refusal("shop-wa", {file("a.txt", "hello")}), "its format cannot be told"));
    CHECK(names(refusal("shop-wa", {file("u.json", "\xFF\xFE{")}), "UTF-16"));
    CHECK(names(refusal("shop-wa", {files.path() / "missing"}), "there is no such file"));
    CHECK(names(refusal("shop-wa", {files.path()}), "neither a maildir"));
    CHECK(names(refusal("shop-mail", {file("m.mbox", "Subject: x\n\ny\n")}), "no mbox"));
    CHECK(names(refusal("nobody", {file("b.ndjson", "{}")}), "no source 'nobody'"));
    CHECK(names(refusal("shop-wa", {"--format", "xls", file("b.ndjson", "{}")}), "known are auto"));
    CHECK(imported("shop-wa",
                   {file("odd.ndjson",
                         "{\"a\":\"\0\"}\n{\"b\":\"\xFF\"}\n"s + std::string(100 << 20, 'x') +
                             "\n" + tests::numbered_message(1) + "\n{\"cut\":")}) == "5=1+0-4");
    // One file that cannot be read does not keep the others out.
    const ProgramRun mixed = import(
        "shop-wa", {file("a.gz", "\x1F\x8B\x08"), file("c.ndjson", tests::numbered_message(2))});
    CHECK(mixed.exit_code == 1);
    CHECK(counts(mixed) == "1=1+0-0");
}

TEST_CASE_FIXTURE(ImportCommandTest, "import: a maildir, with a file that cannot be read") {
    const auto maildir = files.path() / "box";
    for (const char* part : {"cur", "new", "tmp"})
        std::filesystem::create_directories(maildir / part);
    const auto mail = [](int number) {
        return fmt::format(
            "Message-ID: <{0}@example.org>\nFrom: a@example.org\nTo: shop@example.org\n"
            "Date: Tue, 05 Mar 2024 01:00:0{0} +0000\nSubject: s{0}\n\nbody\n",
            number);
    };
    write_file(maildir / "cur" / "1.a:2,S", mail(1));
    write_file(maildir / "new" / "2.b", mail(2));
    write_file(maildir / "tmp" / "3.c", mail(3));
    std::filesystem::create_symlink(maildir / "gone", maildir / "new" / "4.d");
    CHECK(imported("shop-mail", {maildir}) == "3=2+0-1");
    CHECK(imported("shop-mail", {maildir.string() + "/"}) == "3=0+2-1");
    CHECK(names(tests::text_of_file(maildir.string() + ".refused.ndjson"), "file new/4.d"));
    CHECK(imported("shop-mail", {file("one.eml", mail(5))}) == "1=1+0-0");
    CHECK(listed("/v1/events", 3) == 3);
}

TEST_CASE_FIXTURE(ImportCommandTest, "import: real mails, each once however often they come") {
    const auto fixtures = tests::fixtures_or_skip();
    if (!fixtures) return;
    std::set<std::string> mails;
    std::string mbox;
    for (const auto& path : tests::fixture_files(*fixtures / "email")) {
        if (path.extension() != ".eml") continue;
        const std::string mail = tests::read_fixture(path);
        if (mail.size() > 1 << 20 || mail.find("From ") == 0) continue;
        if (mail.find("\nFrom ") != std::string::npos || mail.empty()) continue;
        mails.insert(mail);
        mbox += "From someone Tue Mar  5 01:00:00 2024\n" + mail + "\n";
        if (mail.back() != '\n') mbox += '\n';
    }
    REQUIRE(mails.size() > 200);
    const std::string archive = file("archive.mbox", mbox);
    const ProgramRun first = import("shop-mail", {"--keep-all", archive});
    REQUIRE_MESSAGE(first.exit_code == 0, first.error);
    const Document report(first.out);
    const auto accepted = static_cast<std::size_t>(report["accepted"].integer().value_or(0));
    CHECK(report["refused"].integer() == 0);
    CHECK(accepted + 20 > mails.size());  // a line end more makes some the same
    const auto again = Document(import("shop-mail", {"--keep-all", archive}).out);
    CHECK(again["accepted"].integer() == 0);
    CHECK(again["duplicates"].integer() == again["read"].integer());
    const auto bodies = this->bodies(accepted);
    CHECK(bodies.size() == accepted);
    std::size_t found = 0;
    for (const std::string& mail : mails) found += bodies.count(mail);
    CHECK(found > mails.size() / 2);  // byte for byte; the others lack a last line end
}
