// What the handlers of all commands share: the identity of a request, entity tags, lists.
#pragma once

#include "producers/commands/command_context.hpp"
#include "schemas/json/json.hpp"

#include <functional>

namespace producers::commands {

// From the Idempotency-Key, or random without one.
Command command_of(const CommandContext& context, const bus::http::Call& call);

// Status, body and ETag "<version>.<hash>" of one object.
bus::http::Response object_answer(int status, std::string body, std::uint64_t version);

// 412 when If-Match names another version.
std::optional<bus::http::Response> refuse_stale(const bus::http::Call& call, std::uint64_t version);

// {"data":[...],"page":{...}} of `?limit=&cursor=`; the cursor is the id of the last object shown.
template <class Object>
struct ListOf {
    const std::vector<Object>& objects;
    std::function<std::string(const Object&)> id;
    std::function<void(schemas::json::Writer&, const Object&)> show;
};
struct Page {
    std::size_t limit = 25;
    std::string cursor;
};
inline constexpr std::size_t page_limit_max = 200;
bus::Result<Page> page_of(const bus::http::Call& call);
std::vector<bus::http::Parameter> page_parameters();

template <class Object>
bus::http::Response list_answer(const bus::http::Call& call, const ListOf<Object>& list) {
    const auto page = page_of(call);
    if (!page) return bus::http::problem(page.error());
    std::string body;
    schemas::json::Writer out(body);
    out.begin_object().key("data").begin_array();
    bool started = page->cursor.empty();
    bool more = false;
    std::size_t shown = 0;
    std::string last;
    for (const Object& object : list.objects) {
        if (!started) {
            started = list.id(object) == page->cursor;
        } else if (shown == page->limit) {
            more = true;
            break;
        } else {
            list.show(out, object);
            last = list.id(object);
            ++shown;
        }
    }
    if (!started) {
        return bus::http::problem(400, "invalid_cursor",
                                  "the cursor names nothing in this list; start without it");
    }
    out.end_array().key("page").begin_object();
    out.key("limit").unsigned_integer(page->limit);
    out.key("total").unsigned_integer(list.objects.size()).member("total_exact", true);
    if (more) out.member("next_cursor", last);
    out.end_object().end_object();
    return {.status = 200, .body = std::move(body)};
}

}  // namespace producers::commands
