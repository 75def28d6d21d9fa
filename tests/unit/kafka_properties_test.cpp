#include "tests/support/temp_directory.hpp"
#include "tools/options.hpp"

#include <doctest/doctest.h>

#include <fstream>

using tools::parse_properties;

namespace {

std::string error_of(const std::string& text) {
    tests::TempDirectory directory;
    const auto file = directory.path() / "kafka.properties";
    std::ofstream(file) << text;
    const auto read = parse_properties({}, file);
    return read ? "" : read.error().message;
}

}  // namespace

TEST_CASE("kafka properties: a file has one a line, and a flag wins") {
    tests::TempDirectory directory;
    const auto file = directory.path() / "kafka.properties";
    std::ofstream(file) << "# ours\n\n sasl.username = me \r\nsasl.password=a=b#c\nx=1\n";
    const auto read = parse_properties({"x=2"}, file);
    REQUIRE(read);
    CHECK(*read == std::map<std::string, std::string>{
                       {"sasl.username", "me"}, {"sasl.password", "a=b#c"}, {"x", "2"}});
}

TEST_CASE("kafka properties: what cannot be read is named by its line, without its text") {
    const std::string error = error_of("x=1\nsecret word\n");
    CHECK(error.find("line 2") != std::string::npos);
    CHECK(error.find("secret word") == std::string::npos);
    CHECK(error_of("=secret").find("line 1") != std::string::npos);
    CHECK_FALSE(parse_properties({}, "/nowhere/at/all"));
    const auto flag = parse_properties({"secret word"}, {});
    REQUIRE_FALSE(flag);
    CHECK(flag.error().message.find("secret word") == std::string::npos);
}
