// What a signature header holds: one signature, "t=...,v1=...,v1=...", a bare list
// "<time>,<signature>,..." (Recurly), or "v1,<signature> v1,..." (Standard Webhooks). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace producers::verify {

struct SignatureList {
    static constexpr std::size_t signatures_max = 16;  // more than any rotation needs

    std::string_view timestamp;
    std::array<std::string_view, signatures_max> signatures{};
    std::size_t count = 0;

    void add(std::string_view signature) {
        if (count < signatures_max) signatures[count++] = signature;
    }
};

// `signature_name` "" = bare list. Entries of other names (a downgraded v0) are left out.
SignatureList parse_key_value_list(std::string_view header, std::string_view signature_name);
// Only entries of version v1 (symmetric).
SignatureList parse_standard_webhooks(std::string_view header);

}  // namespace producers::verify
