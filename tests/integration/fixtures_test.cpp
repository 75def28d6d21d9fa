// Payloads as providers really sent them, damaged: cut off anywhere. What they give when whole is
// fixtures_ingress_test's.
#include "schemas/mail/mail_reader.hpp"
#include "schemas/providers/built_in.hpp"
#include "tests/support/fixture_files.hpp"
#include "tests/unit/schemas_mapping_support.hpp"

#include <algorithm>

namespace schemas::testing {
namespace {

Mapper mapper_of(std::string_view kind) {
    const auto kinds = built_in_providers();
    REQUIRE_MESSAGE(kinds, (kinds ? "" : kinds.error().message));
    const auto found = std::find_if(kinds->begin(), kinds->end(),
                                    [&](const auto& known) { return known.kind == kind; });
    REQUIRE(found != kinds->end());
    return Mapper(found->mapping_text, {}, mail::read_mail);
}

// Every file of the folder, cut at each eighth: the failures.
std::size_t failures_of_cuts(const std::filesystem::path& folder, std::string_view kind,
                             const std::string& content_type, std::size_t cuts) {
    Mapper mapper = mapper_of(kind);
    std::size_t failed = 0;
    for (const auto& path : tests::fixture_files(folder)) {
        const std::string whole = tests::read_fixture(path);
        for (std::size_t i = 0; i < cuts; ++i) {
            const Request request{.body = whole.substr(0, whole.size() * i / cuts),
                                  .content_type = content_type};
            failed += mapper.map(request).failures.size();
        }
    }
    return failed;
}

TEST_CASE("real payloads cut off anywhere are failures or less, never a crash") {
    const auto root = tests::fixtures_or_skip();
    if (!root) return;
    constexpr std::size_t cuts = 8;
    const auto chat = *root / "chat/whatsapp-cloud";
    CHECK(failures_of_cuts(chat, "meta_cloud", "application/json", cuts) ==
          tests::fixture_files(chat).size() * cuts);
    CHECK(failures_of_cuts(*root / "email", "email", "message/rfc822", cuts) > 0);
}

}  // namespace
}  // namespace schemas::testing
