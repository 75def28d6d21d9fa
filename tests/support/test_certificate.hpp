// A key and a certificate signed with it, as PEM files: made anew for each test.
#pragma once

#include <filesystem>
#include <string>

namespace tests {

enum class KeyKind { rsa, elliptic };

void write_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key,
                       const std::string& name, KeyKind kind = KeyKind::rsa);

}  // namespace tests
