// What the handlers of all commands share: the identity of a request, entity tags, lists.
#pragma once

#include "bus/http/query_parameters.hpp"
#include "producers/commands/command_context.hpp"
#include "schemas/json/json.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace producers::commands {

// From the Idempotency-Key, or random without one.
Command command_of(const CommandContext& context, const bus::http::Call& call);

// Status, body and ETag "<version>.<hash>" of one object.
bus::http::Response object_answer(int status, std::string body, std::uint64_t version);

// 412 when If-Match names another version.
std::optional<bus::http::Response> refuse_stale(const bus::http::Call& call, std::uint64_t version);

// {"data":[...],"page":{...}} of `?limit=` and `page=` or `cursor=`; the cursor is the id of the
// last object shown.
template <class Object>
struct ListOf {
    const std::vector<Object>& objects;
    std::function<std::string(const Object&)> id;
    std::function<void(schemas::json::Writer&, const Object&)> show;
    // How many stand before one that has left the list, by its id; none: it never was in it. Empty
    // where none leaves.
    std::function<std::optional<std::size_t>(const std::string& id)> place_of_gone{};

    // Where the page behind the object begins.
    std::optional<std::size_t> behind(const std::string& cursor) const {
        const auto at = std::find_if(objects.begin(), objects.end(),
                                     [&](const Object& object) { return id(object) == cursor; });
        if (at != objects.end()) return at - objects.begin() + 1;
        return place_of_gone ? place_of_gone(cursor) : std::nullopt;
    }
};
std::vector<bus::http::Parameter> page_parameters();

// The headers that command_of() reads, and those that refuse_stale() reads besides.
std::vector<bus::http::Parameter> command_headers();
std::vector<bus::http::Parameter> versioned_command_headers();

// 422: a client has all that it may have (ClientLimits); the message says what to do.
bus::http::Response too_many(std::string_view field, const std::string& message);

template <class Object>
bus::http::Response list_answer(const bus::http::Call& call, const ListOf<Object>& list) {
    const auto page = bus::http::page_request(bus::http::QueryParameters(call));
    if (!page) return bus::http::problem(page.error());
    const auto first = page->cursor.empty() ? std::optional((page->page - 1) * page->limit)
                                            : list.behind(page->cursor);
    if (!first) {
        return bus::http::problem(400, "invalid_cursor",
                                  "the cursor names nothing in this list; start without it");
    }
    const std::size_t begin = std::min(*first, list.objects.size());
    const std::size_t end = std::min(begin + page->limit, list.objects.size());
    std::string body;
    schemas::json::Writer out(body);
    out.begin_object().key("data").begin_array();
    for (std::size_t i = begin; i < end; ++i) list.show(out, list.objects[i]);
    out.end_array().key("page").begin_object();
    if (page->cursor.empty()) out.key("page").unsigned_integer(page->page);
    out.key("limit").unsigned_integer(page->limit);
    out.key("total").unsigned_integer(list.objects.size()).member("total_exact", true);
    if (end < list.objects.size()) out.member("next_cursor", list.id(list.objects[end - 1]));
    out.end_object().end_object();
    return {.status = 200, .body = std::move(body)};
}

}  // namespace producers::commands
