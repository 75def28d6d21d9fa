// What must come out of the real payloads, a table per provider.
#pragma once

#include <string_view>
#include <vector>

namespace tests {

// Of the files whose path holds `part`; the first row that fits counts.
struct Expected {
    std::string_view part;
    std::string_view types;         // of the events, separated by blanks
    std::string_view rows = {};     // what the projections show, by name; "lines" of the timeline
    std::string_view letters = {};  // dead letters, "path: reason; ..."
};
using ExpectedTable = std::vector<Expected>;

const Expected& expected_of(const ExpectedTable& table, std::string_view path);

extern const ExpectedTable whatsapp_expected;
extern const ExpectedTable interakt_expected;
extern const ExpectedTable netcore_expected;
extern const ExpectedTable exotel_expected;
extern const ExpectedTable ivr_expected;
extern const ExpectedTable kaleyra_expected;
extern const ExpectedTable stripe_expected;
extern const ExpectedTable chargebee_expected;

// All mails of a folder together, each "number what" by name.
struct ExpectedMails {
    std::string_view folder;
    std::string_view totals;
};
extern const std::vector<ExpectedMails> mails_expected;

// Folders of providers that have a file, and of those that have none yet.
extern const std::vector<std::string_view> described_folders;
extern const std::vector<std::string_view> kept_folders;
extern const std::string_view kept_expected;  // files by their ending

}  // namespace tests
