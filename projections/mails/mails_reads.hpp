// Answers from the rows of the mails projection: E-09, E-16, D-04.
//
// Pure functions over one consistent view. Bodies are in the raw records that mails name.
#pragma once

#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projections {

struct MailQuery {
    std::string mailbox{};  // "" = any, as for all words here
    std::string thread{};   // id
    std::string direction{};
    std::optional<bool> is_read{};
    std::string sender{};                  // address
    std::string search{};                  // words of subject, sender, recipients or snippet
    std::optional<bus::Timestamp> from{};  // inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    bool oldest_first = false;
    std::size_t page = 1;  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

// invalid_input for a cursor that is none of ours. A thread that is not there has no mails.
bus::Result<ListPage> list_mails(const ReadView& view, const MailQuery& query);

// The object, with "previous_id" and "next_id" in its thread (null at the ends), or none.
std::optional<std::string> get_mail(const ReadView& view, std::string_view id);

// Of the query: mailbox, is_read (nothing unread in it), search (subject, participants), from, to
// (of the last mail), order and page.
bus::Result<ListPage> list_threads(const ReadView& view, const MailQuery& query);

// The object with "messages", newest first, at most page_limit_max, or none. An id that was given
// out before threads became one leads to the thread that holds them all.
std::optional<std::string> get_thread(const ReadView& view, std::string_view id);

// {"unread","oldest_at","by_mailbox":[{"mailbox_id","unread"}],"exact"}; "exact" is false when
// there were more than could be counted.
std::string count_unread(const ReadView& view, std::string_view mailbox);

}  // namespace projections
