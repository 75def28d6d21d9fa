#include "schemas/json/json.hpp"
#include "schemas/mail/mail_reader.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace {

schemas::json::Value parsed(std::string_view mail, schemas::json::Parser& parser) {
    static std::string json;
    const auto read = schemas::mail::read_mail(mail, json);
    REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().message));
    auto value = parser.parse(json);
    REQUIRE(value.has_value());
    return *value;
}

}  // namespace

TEST_CASE("mail: addresses, ids and text are read") {
    schemas::json::Parser parser;
    const auto mail = parsed(
        "From: =?utf-8?q?J=C3=BCrgen?= <Juergen@Example.ORG>\r\nTo: help@example.com, a@b.in\r\n"
        "Message-ID: <m2@example.org>\r\nIn-Reply-To: <m1@example.org>\r\nReferences: "
        "<m0@example.org> <m1@example.org>\r\n"
        "Date: Sat, 21 Nov 2026 10:00:00 +0530\r\nSubject: =?utf-8?b?SGVsbG8=?=\r\n\r\nFirst  "
        "line\r\nsecond\r\n",
        parser);
    CHECK(mail["from"]["address"].text() == "juergen@example.org");
    CHECK(mail["from"]["name"].text() == "J\xC3\xBCrgen");
    CHECK(mail["message_id"].text() == "m2@example.org");
    CHECK(mail["identity"].text() == "m2@example.org");
    CHECK(mail["in_reply_to"].text() == "m1@example.org");
    CHECK(mail["references"].text() == "m0@example.org m1@example.org");
    CHECK(mail["subject"].text() == "Hello");
    CHECK(mail["date"].text() == "2026-11-21T10:00:00+05:30");
    CHECK(mail["recipients"].size() == 2);
    CHECK(mail["snippet"].text() == "First line second");
    CHECK(mail["auto_reply"].boolean() == false);
}

TEST_CASE("mail: without Message-ID the bytes name it") {
    schemas::json::Parser parser;
    const auto mail = parsed("From: a@b.in\n\nhi\n", parser);
    CHECK(mail["identity"].text().starts_with("sha256:"));
    CHECK(!mail["message_id"]);
}

TEST_CASE("mail: rubbish around an id is no part of it, and half an id is none") {
    schemas::json::Parser parser;
    const auto whole = parsed("From: a@b.in\nMessage-ID:\xa0 <m@b.in>\n\nhi\n", parser);
    CHECK(whole["message_id"].text() == "m@b.in");
    CHECK(whole["identity"].text() == "m@b.in");
    const auto half = parsed("From: a@b.in\nMessage-ID:\xa0 <m\n\nhi\n", parser);
    CHECK(!half["message_id"]);
    CHECK(half["identity"].text().starts_with("sha256:"));
}

TEST_CASE("mail: attachments are counted and automatic mails are told apart") {
    schemas::json::Parser parser;
    const auto mail = parsed(
        "From: a@b.in\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: "
        "multipart/mixed; boundary=x\r\n\r\n"
        "--x\r\nContent-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>\r\n"
        "--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
        "filename=a.pdf\r\n\r\nJVBE\r\n",
        parser);
    CHECK(mail["attachment_count"].integer() == 1);
    CHECK(mail["auto_reply"].boolean() == true);
    CHECK(mail["snippet"].text() == "Hello you");
    const auto automatic = [&](const std::string& header) {
        return parsed("From: a@b.in\n" + header + "\n\nhi\n", parser)["auto_reply"].boolean();
    };
    for (const char* header : {"Auto-Submitted: auto-generated", "Precedence: bulk",
                               "Precedence: auto_reply", "X-Autoreply: yes", "X-Autorespond: 1"})
        CHECK_MESSAGE(automatic(header) == true, header);
    for (const char* header : {"Auto-Submitted: no", "Precedence: list", "X-Autoreply: no"})
        CHECK_MESSAGE(automatic(header) == false, header);
}

TEST_CASE("mail: a bounce answers the mail that is named at the beginning of a line") {
    schemas::json::Parser parser;
    const auto answered = [&](const std::string& fields, const std::string& type) {
        return std::string(
            parsed("From: a@b.in\r\nContent-Type: multipart/report; report-type=delivery-status; "
                   "boundary=x\r\n\r\n--x\r\nContent-Type: " +
                       type + "\r\n\r\n" + fields + "\r\n\r\n--x--\r\n",
                   parser)["in_reply_to"]
                .text());
    };
    const std::string headers = "text/rfc822-headers", mail = "message/rfc822";
    CHECK(answered("DKIM-Signature: v=1; h=to:message-id:date\r\nFrom: H <help@b.in>\r\n"
                   "Message-ID:\r\n <m-10@b.in>",
                   headers) == "m-10@b.in");
    CHECK(answered("X-Original-Message-ID: <old@b.in>\r\nMessage-Id: <m-11@b.in>", headers) ==
          "m-11@b.in");
    CHECK(answered("Message-ID:\r\nReferences: <old@b.in>", headers).empty());
    CHECK(answered("Message-ID: rubbish <m-12@b.in>\r\nFrom: c@b.in", mail) == "m-12@b.in");
}

TEST_CASE("mail: what is attached is so in any letter case") {
    schemas::json::Parser parser;
    const auto mail = parsed(
        "From: a@b.in\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        "--x\r\nContent-Type: text/csv\r\nContent-Disposition: ATTACHMENT; filename=a.csv\r\n\r\n"
        "1,2\r\n--x--\r\n",
        parser);
    CHECK(mail["attachment_count"].integer() == 1);
    CHECK(mail["text"].text().empty());
}

TEST_CASE("mail: bytes without a header are refused") {
    std::string json;
    CHECK(!schemas::mail::read_mail("", json));
}

TEST_CASE("mail: every shared sample gives a valid document") {
    const char* fixtures = std::getenv("TRIBUTARY_FIXTURES");
    if (!fixtures) return;  // the folder is not part of the project
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(fixtures) / "email")) {
        if (entry.path().extension() != ".eml") continue;
        std::ifstream in(entry.path(), std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        const std::string bytes = text.str();
        std::string json;
        if (!schemas::mail::read_mail(bytes, json)) continue;
        schemas::json::Parser parser;
        const auto value = parser.parse(json);
        CHECK_MESSAGE(value.has_value(), entry.path().filename().string());
        ++count;
    }
    CHECK(count >= 290);
}

TEST_CASE(
    "mail: groups without end and addresses without number are refused, wherever they stand") {
    const auto many = [](std::string_view piece, int times) {
        std::string text;
        for (int i = 0; i < times; ++i) text += piece;
        return text;
    };
    const auto refused = [](const std::string& mail) {
        std::string json;
        const auto read = schemas::mail::read_mail(mail, json);
        return !read && read.error().code == bus::ErrorCode::invalid_input;
    };
    for (const std::string name : {"To", "from", "CC", "Reply-To", "Resent-Bcc", "Sender "}) {
        CAPTURE(name);
        CHECK(refused(name + ": " + many("a:", 100'000) + "\r\n\r\nx"));
        CHECK(refused(name + ": " + many("a@b.in,", 200'000) + "\r\n\r\nx"));
        CHECK(refused(name + ": " + many("a:\r\n ", 100'000) + "\r\n\r\nx"));
        CHECK(refused("Content-Type: message/rfc822\r\n\r\n" + name + ": " + many("a:", 100'000) +
                      "\r\n\r\nx"));
    }
    schemas::json::Parser parser;
    const auto large = parsed("To: " + many("a@b.in, ", 2'000) + "z@b.in\r\n\r\nhello", parser);
    CHECK(large["recipients"].size() == 2'001);
    CHECK(parsed("To: a@b.in\r\n\r\n" + many(" a:", 100'000), parser)["to"].text() == "a@b.in");
    CHECK(refused("To: " + many("a " + std::string(200, 'b') + ",", 4'900) + "\r\n\r\nx"));
    CHECK(parsed("To: " + many("Doe, John <a@b.in>, ", 2'000) + "z@b.in\r\n\r\nhello",
                 parser)["recipients"]
              .size() > 2'000);
    for (const std::string name : {"Content-Type:", "content-type :", "CONTENT-TYPE\t:"}) {
        CAPTURE(name);
        std::string nested;
        for (int i = 0; i < 1'000; ++i)
            nested += fmt::format("{0} multipart/mixed; boundary=b{1}\r\n\r\n--b{1}\r\n", name, i);
        CHECK(refused("From: a@b.in\r\n" + nested + many("--\r\n", 100'000)));
    }
    CHECK(
        parsed("From: a@b.in\r\n\r\n" + many("-----\r\n", 100'000), parser)["text"].text().size() >
        0);
}
