// One line of POST /v1/imports/records: a record of the past, as JSON.
//
//   {"body": "text"}            the bytes as they were sent; "body_base64" for bytes that are no
//   text "content_type", "headers"   as they would come with the request; headers is {name: text}
//   "method", "path", "query"   default POST, the source's own path, none; a line with a query and
//                               no body is a record whose value is the query, which the body of a
//                               line stands for where the source takes nothing else
//   "key"                       what makes it the same record, instead of the source's dedup paths
//   "record"                    of another installation: {"id", "time", "received_at", "mapping",
//                               "address"} are kept; "source" is the slug of the source that takes
//                               it, unless the request names one
//   "refused"                   why it was refused before; not looked at, so that a file of refused
//                               lines can be imported once it is mended
// Any other member is an error: a misspelt one must not be lost.
#pragma once

#include "bus/http/http.hpp"
#include "bus/topic.hpp"
#include "schemas/json/json.hpp"

#include <optional>
#include <string>

namespace producers::import {

inline constexpr std::size_t parser_padding_bytes = 64;  // what simdjson may read past an end

struct KeptRecord {
    std::optional<bus::EventId> id;
    std::optional<bus::Timestamp> time, received_at;
    std::optional<bus::Address> address;
    std::string stamp;
    std::string source;  // slug
};

struct ImportLine {
    std::string body;  // readable for parser_padding_bytes past its end
    std::string method, path, query, key;
    std::vector<bus::http::NameValue> headers;  // lower case, content-type among them
    KeptRecord kept;
};

// invalid_input: what is wrong with it.
bus::Result<ImportLine> read_import_line(schemas::json::Value line);

}  // namespace producers::import
