// Payloads as providers really sent them, read where they lie.
//
// They are no part of the project: the environment variable TRIBUTARY_FIXTURES names a folder with
// chat/, voice/, billing/, email/ and others, a folder per provider. Without it there is nothing
// to check and tests say so.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

// None, and said on the standard output, when the variable is not set.
std::optional<std::filesystem::path> fixtures_or_skip();

// All payloads below `folder`, by path; signature vectors and mappings are none.
std::vector<std::filesystem::path> fixture_files(const std::filesystem::path& folder);

std::string read_fixture(const std::filesystem::path& path);

// Recorded requests stand as {"headers", "body"}; the body is what was sent.
std::string unwrapped(const std::string& text);

// As the provider would send it: recorded requests unwrapped, bare data in the envelope of an
// event, names in braces filled.
std::string plain_body(const std::filesystem::path& path);
std::string stripe_body(const std::filesystem::path& path);
std::string chargebee_body(const std::filesystem::path& path);
std::string voice_body(const std::filesystem::path& path);

// The mails of a file: one, or all of an mbox without the "From " lines between them.
std::vector<std::string> mails_of(const std::filesystem::path& path);

}  // namespace tests
