// The body of a record as one JSON value, whatever it was written in.
#pragma once

#include "schemas/json/json.hpp"
#include "schemas/mapping.hpp"
#include "schemas/mapping/program.hpp"

namespace schemas::mapping {

struct Document {
    json::Value root;
    bool is_flat = false;  // form or query: parameters, each a text
};

// One per thread; a document lives until the next one is read.
class DocumentReader {
public:
    explicit DocumentReader(BodyReader mail_reader) : mail_reader_(mail_reader) {}

    // invalid_input when the body is of a kind the program does not read, or malformed.
    bus::Result<Document> read(const bus::RecordView& record, std::string_view content_type,
                               const Program& program);
    bus::Result<json::Value> read_parameters(std::string_view query);

private:
    bus::Result<json::Value> parse_made();

    json::Parser parser_;
    std::string made_;  // JSON made of another kind of body
    BodyReader mail_reader_;
};

// How large a body may be; the door and the log bound it before.
inline constexpr json::Limits body_limits{.bytes_max = std::size_t{64} << 20};

}  // namespace schemas::mapping
