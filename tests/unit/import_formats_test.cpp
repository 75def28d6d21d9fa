#include "schemas/import_formats/csv_reader.hpp"
#include "schemas/import_formats/json_list_reader.hpp"
#include "schemas/import_formats/line_reader.hpp"
#include "schemas/import_formats/mbox_reader.hpp"
#include "schemas/json/json.hpp"

#include <doctest/doctest.h>

using namespace schemas::import_formats;

namespace {

struct Read {
    std::vector<std::string> records;  // of the undamaged items
    std::vector<std::string> damage;   // "place: reason"
    std::vector<std::string> originals;
};

Read read_all(ImportReader& reader) {
    Read out;
    ImportItem item;
    for (int i = 0; i < 100'000; ++i) {
        const auto more = reader.next(item);
        REQUIRE_MESSAGE(more, more.error().message);
        if (!*more) return out;
        if (item.damage) {
            out.damage.push_back(item.place + ": " + item.damage->message);
            out.originals.push_back(item.original);
        } else {
            out.records.push_back(item.record);
        }
    }
    FAIL("it does not end");
    return out;
}

Read read_lines(std::string text, LineKind kind = LineKind::body) {
    LineReader reader(ByteSource::of(std::move(text)), kind);
    return read_all(reader);
}
Read read_csv(std::string text, char delimiter = 0) {
    auto reader = CsvReader::open(ByteSource::of(std::move(text)), delimiter);
    REQUIRE_MESSAGE(reader, reader.error().message);
    return read_all(**reader);
}
std::string refused_csv(std::string text) {
    const auto reader = CsvReader::open(ByteSource::of(std::move(text)));
    return reader ? "" : reader.error().message;
}
Read read_mbox(std::string text) {
    MboxReader reader(ByteSource::of(std::move(text)));
    return read_all(reader);
}
Read read_list(std::string text, JsonListFormat format) {
    JsonListReader reader(ByteSource::of(std::move(text)), std::move(format));
    return read_all(reader);
}

std::string body_of(const std::string& record) {
    schemas::json::Parser parser;
    const auto json = parser.parse(record, {.bytes_max = record.size() + 1});
    REQUIRE_MESSAGE(json, record);
    return std::string((*json)["body"].text());
}
std::vector<std::string> bodies(const Read& read) {
    std::vector<std::string> out;
    for (const std::string& record : read.records) out.push_back(body_of(record));
    return out;
}
using Texts = std::vector<std::string>;

const std::string mail_a = "From: a@example.org\nSubject: one\n\nhello\n";
const std::string mail_b = "From: b@example.org\nSubject: two\n\nFrom here on\n";
const std::string separator = "From a@example.org Mon Mar  4 10:11:12 2024\n";

}  // namespace

TEST_CASE("import lines: each line is a body, byte for byte") {
    const Read read = read_lines("{\"a\":1}\r\n\n  {\"b\":\"\\u00e9\xC3\xA9\\n\"}\n{\"cut\":");
    CHECK(bodies(read) == Texts{"{\"a\":1}", "{\"b\":\"\\u00e9\xC3\xA9\\n\"}", "{\"cut\":"});
    CHECK(read.damage.empty());
}

TEST_CASE("import lines: too long and not UTF-8 are damage of that line alone") {
    const Read read =
        read_lines("{}\n" + std::string(3 << 20, 'x') + "\n{\"a\":\"\xFF\"}\n{\"b\":2}");
    CHECK(bodies(read) == Texts{"{}", "{\"b\":2}"});
    REQUIRE(read.damage.size() == 2);
    CHECK(read.damage[0].starts_with("line 2: a line of 3145729 bytes"));
    CHECK(read.originals[0].size() == shown_bytes_max);
    CHECK(read.damage[1].starts_with("line 3: not UTF-8"));
}

TEST_CASE("import lines: a record line stays as it is") {
    const std::string line = R"({"refused":{"code":"x"},"body":"{}","path":"/a"})";
    CHECK(read_lines(line + "\n", LineKind::record).records == Texts{line});
}

TEST_CASE("import csv: quotes, delimiters and line ends inside fields, any line end") {
    CHECK(bodies(read_csv("\xEF\xBB\xBFname,\"te\nxt\"\n1,2", ',')) ==
          Texts{R"({"name":"1","te\nxt":"2"})"});
    CHECK(bodies(read_csv("name,text\r\nA,\"x,\"\"y\"\"\nz\"\r\n,\"\"\nB,")) ==
          Texts{R"({"name":"A","text":"x,\"y\"\nz"})", R"({"name":"","text":""})",
                R"({"name":"B","text":""})"});
    CHECK(bodies(read_csv("a;b\n1,5;2\n\n3;4\n")) ==
          Texts{R"({"a":"1,5","b":"2"})", R"({"a":"3","b":"4"})"});
    CHECK(bodies(read_csv("a\tb\n1\t2")) == Texts{R"({"a":"1","b":"2"})"});
}

TEST_CASE("import csv: damage is named with its line and costs that line alone") {
    const Read read = read_csv("a,b\n1,2\n3,\"open\n4,5\n6\n7,8,9\n\"x\"y,1\nq\"r,1\n10,11\n");
    CHECK(bodies(read) ==
          Texts{R"({"a":"1","b":"2"})", R"({"a":"4","b":"5"})", R"({"a":"10","b":"11"})"});
    REQUIRE(read.damage.size() == 5);
    CHECK(read.damage[0].starts_with("line 3: broken quote"));
    CHECK(read.originals[0] == "3,\"open");
    CHECK(read.damage[1].starts_with("line 5: the row has 1 fields, the header row 2"));
    CHECK(read.damage[2].starts_with("line 6: the row has 3 fields"));
    CHECK(read.damage[3].starts_with("line 7: broken quote: text between"));
    CHECK(read.damage[4].starts_with("line 8: broken quote: a quote inside"));

    const Read encoding = read_csv("a,b\n1,Jos\xE9\n2,\xC3\xA9\n");
    CHECK(bodies(encoding) == Texts{"{\"a\":\"2\",\"b\":\"\xC3\xA9\"}"});
    CHECK(encoding.damage[0].starts_with("line 2: not UTF-8"));
    const Read open = read_csv("a,b\n1,\"" + std::string(3 << 20, 'x') + "\n5,6\n");
    CHECK(bodies(open) == Texts{R"({"a":"5","b":"6"})"});
    CHECK(open.damage.size() == 1);
}

TEST_CASE("import csv: a header row that cannot name fields is refused") {
    CHECK(refused_csv("") == "the file has no header row");
    CHECK(refused_csv("\nx") == "the file has no header row");
    CHECK(refused_csv("a,a\n") == "the header row names 'a' twice");
    CHECK(refused_csv("a,,b\n") == "the header row has a column without a name (number 2)");
    CHECK(refused_csv("a,\xE9\n").starts_with("line 1: the header row is not UTF-8"));
    CHECK(refused_csv("\"a,b\n").starts_with("the header row: broken quote"));
}

TEST_CASE("import mbox: mails without what separates and quotes them") {
    const std::string quoted = "From: c@example.org\n\n>From me\n>>From you\n > From\n";
    const Read read =
        read_mbox(separator + mail_a + "\n" + separator + mail_b + "\n" + separator + quoted);
    CHECK(bodies(read) ==
          Texts{mail_a, mail_b, "From: c@example.org\n\nFrom me\n>From you\n > From\n"});
    CHECK(read.records[0].ends_with(R"(,"content_type":"message/rfc822"})"));
    CHECK(
        bodies(read_mbox("\n\nFrom -\r\nSubject: x\r\n\r\ny\r\n\r\nFrom a Mon 1 10:11:12\r\nz")) ==
        Texts{"Subject: x\r\n\r\ny\r\n", "z"});
}

TEST_CASE("import mbox: the empty line behind the last mail is no part of it either") {
    CHECK(bodies(read_mbox(separator + mail_a + "\n" + separator + mail_b + "\n")) ==
          Texts{mail_a, mail_b});
    const std::string largest = "From: c@example.org\n\n" + std::string((1 << 20) - 22, 'x') + "\n";
    REQUIRE(largest.size() == 1 << 20);
    CHECK(bodies(read_mbox(separator + largest + "\n" + separator + mail_b)) ==
          Texts{largest, mail_b});
}

TEST_CASE("import mbox: a file without a From line is refused, a mail too long is damage") {
    MboxReader reader(ByteSource::of(mail_a));
    ImportItem item;
    const auto refused = reader.next(item);
    REQUIRE(!refused);
    // mail_a begins with "From:", which is a header and no separator.
    CHECK(refused.error().message.starts_with("no mbox"));
    const Read read =
        read_mbox(separator + std::string(3 << 20, 'x') + "\n\n" + separator + mail_b);
    CHECK(bodies(read) == Texts{mail_b});
    CHECK(read.damage[0].starts_with("mail 1: a mail of 314573"));
}

TEST_CASE("import lists: pages of a list, a bare list, one record a line") {
    const JsonListFormat events{.name = "acme-events", .list = "data"};
    const std::string page =
        R"({"object": "list", "has_more": [], "data": [ {"id":"1","data":{"x":[1,"]}"]}},)"
        "\n"
        R"( {"id":"2"} ], "url":"/v1\"]}"})";
    CHECK(bodies(read_list(page + "\n" + page, events)) ==
          Texts{R"({"id":"1","data":{"x":[1,"]}"]}})", R"({"id":"2"})",
                R"({"id":"1","data":{"x":[1,"]}"]}})", R"({"id":"2"})"});
    CHECK(bodies(read_list("[{\"id\":\"1\"},{\"id\":\"2\"}]", events)).size() == 2);
    CHECK(bodies(read_list("{\"id\":\"1\",\"data\":{}}\n{\"id\":\"2\"}\n", events)) ==
          Texts{"{\"id\":\"1\",\"data\":{}}", "{\"id\":\"2\"}"});
    CHECK(read_list("{\"data\":[]}", events).records.empty());
}

TEST_CASE("import lists: the record inside an element, and the webhook around it") {
    CHECK(bodies(read_list(R"({"list":[{"event":{"id":"1"}},{"id":"2"}],"next_offset":"x"})",
                           {.name = "n", .list = "list", .item = "event"})) ==
          Texts{R"({"id":"1"})", R"({"id":"2"})"});
    const JsonListFormat history{
        .name = "h", .list = "messages", .wrap = R"({"m":{meta},"c":{contacts},"l":[{item}]})"};
    CHECK(bodies(read_list(R"({"meta":{"n":1},"messages":[{"id":"a"}]})", history)) ==
          Texts{R"({"m":{"n":1},"c":null,"l":[{"id":"a"}]})"});
    CHECK(bodies(read_list(R"({"entry":[]})", history)) == Texts{R"({"entry":[]})"});
}

TEST_CASE("import lists: a list is found behind a megabyte of other members") {
    const JsonListFormat history{.name = "h", .list = "messages"};
    const std::string before = R"({"contacts":")" + std::string(1'100'000, 'x') + '"';
    CHECK(bodies(read_list(before + R"(,"messages":[{"id":"a"}]})", history)) ==
          Texts{R"({"id":"a"})"});
    CHECK(read_list(before + R"(,"b":1})", history).damage.size() == 1);
    const std::string fits =
        R"({"long_name_of_a_member":")" + std::string((1 << 20) - 30, 'x') + "\"}";
    CHECK(bodies(read_list(fits, history)) == Texts{fits});
}

TEST_CASE("import lists: what the record repeats is found behind a megabyte, or its loss is told") {
    const JsonListFormat history{
        .name = "h", .list = "messages", .wrap = R"({"m":{meta},"l":[{item}]})"};
    const auto text = [](std::size_t bytes) { return '"' + std::string(bytes, 'x') + '"'; };
    const std::string list = R"(,"messages":[{"id":"a"},{"id":"b"}]})";
    const std::string other = R"({"other":)" + text(1'100'000);
    CHECK(bodies(read_list(other + R"(,"meta":{"n":1})" + list, history)) ==
          Texts{R"({"m":{"n":1},"l":[{"id":"a"}]})", R"({"m":{"n":1},"l":[{"id":"b"}]})"});
    for (const std::size_t bytes : {70'000, 1'100'000}) {
        CAPTURE(bytes);
        const Read read =
            read_list(R"({"meta":)" + text(bytes) + list + "{\"meta\":2" + list, history);
        REQUIRE(read.damage.size() == 2);
        CHECK(read.damage[1].starts_with("record 2 (line 1): 'meta' "));
        CHECK(read.originals[1] == R"({"id":"b"})");
        CHECK(bodies(read) == Texts{R"({"m":2,"l":[{"id":"a"}]})", R"({"m":2,"l":[{"id":"b"}]})"});
    }
    CHECK(bodies(read_list(R"({"meta":1,"item":)" + text(70'000) + list, history)).size() == 2);
}

TEST_CASE("import lists: damage is told and what can be told apart goes on") {
    const JsonListFormat events{.name = "n", .list = "data"};
    const Read lines = read_list("{\"id\":\"1\"}\n{\"id\":\"2\nx\n{\"id\":\"3\"}\n{\"id\"", events);
    CHECK(bodies(lines) == Texts{"{\"id\":\"1\"}", "{\"id\":\"3\"}"});
    CHECK(lines.damage.size() == 3);
    const Read cut = read_list("{\"data\":[\n{\"id\":\"1\"},\n{\"id\":\"2\"", events);
    CHECK(bodies(cut) == Texts{"{\"id\":\"1\"}"});
    REQUIRE(cut.damage.size() == 1);
    CHECK(cut.damage[0].find("what follows cannot be told apart") != std::string::npos);
    const Read huge = read_list(
        "{\"data\":[{\"a\":\"" + std::string(2 << 20, 'x') + "\"},{\"id\":\"2\"}]}", events);
    CHECK(bodies(huge) == Texts{"{\"id\":\"2\"}"});
    CHECK(huge.damage.size() == 1);
}
