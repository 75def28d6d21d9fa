// Headers of a request, one "name: value" a line, then an empty line and the body: every built-in
// way to prove who sends reads them, and none believes them, since the secret is not in the input.
#include "producers/verify/verifier.hpp"
#include "schemas/providers/built_in.hpp"

#include <cstdlib>

namespace {

using producers::FieldView;
using producers::verify::Verifier;

constexpr bus::Timestamp now{bus::seconds{1'700'000'000}};

std::vector<Verifier> verifiers() {
    std::vector<Verifier> all;
    const auto add = [&all](const schemas::Verification& verification) {
        if (auto verifier = Verifier::compile(verification))
            if (verifier->scheme() != "none") all.push_back(*std::move(verifier));
    };
    const auto kinds = schemas::built_in_providers();
    for (const auto& kind : *kinds) add(kind.verification);
    schemas::Verification listed;
    listed.kind = "hmac";
    listed.header = "x-list";
    listed.encoding = "base64";
    listed.signed_text = "{timestamp}.{body}";
    listed.key_value_list = true;
    listed.timestamp_unit = "iso";
    listed.tolerance_s = 300;
    add(listed);
    schemas::Verification basic;
    basic.kind = "basic";
    basic.user = "shop";
    add(basic);
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Verifier> all = verifiers();
    static const std::vector<producers::verify::OpenedSecret> secrets{
        {"sec_1", "a secret that no input holds 7f3a9c", {}},
        {"sec_2", "whsec_YSBzZWNyZXQgdGhhdCBubyBpbnB1dCBob2xkcw==", {}}};
    std::string_view text{reinterpret_cast<const char*>(data), size};
    std::vector<FieldView> fields;
    while (!text.empty() && text.front() != '\n') {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto colon = std::min(line.find(": "), line.size());
        fields.push_back({line.substr(0, colon), line.substr(std::min(line.size(), colon + 2))});
    }
    const producers::RequestView request{"POST", "/x", "key=a", fields, text};
    for (const Verifier& verifier : all)
        if (verifier.verify(request, secrets, now).verified) std::abort();
    return 0;
}
