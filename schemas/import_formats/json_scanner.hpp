// Takes JSON values out of a stream by their nesting and quotes alone; whether they are correct is
// for a parser to say.
#pragma once

#include "schemas/import_formats/byte_source.hpp"

namespace schemas::import_formats {

class JsonScanner {
public:
    JsonScanner(ByteSource& source, std::size_t bytes_max)
        : source_(source), bytes_max_(bytes_max) {}

    int skip_blanks();  // and what comes next, not taken
    int take();
    // One value behind blanks, appended to `out`; false when there is none or the stream ends
    // inside. What is longer than bytes_max is taken, but not kept: too_long().
    bool value(std::string& out);
    // The same of one that is kept by itself: as if nothing had been taken before it.
    bool value_apart(std::string& out);
    bool text(std::string& out);  // the same, when it is a text; a line end inside breaks it
    // The same of a member's name, which does not count: whoever keeps it counts it.
    bool name(std::string& out);
    // Takes until the object or list that is open is closed.
    bool rest_of_nesting(std::string& out);
    void keep(std::string& out, int byte);

    void begin() { taken_ = 0; }
    bool too_long() const { return taken_ > bytes_max_; }
    std::uint64_t taken() const { return taken_; }  // bytes since begin()
    std::uint64_t line() const { return line_; }
    // To the beginning of the next line; false when the stream stood there already.
    void pass_line();

private:
    bool scalar(std::string& out);

    ByteSource& source_;
    std::size_t bytes_max_;
    std::uint64_t taken_ = 0;
    std::uint64_t line_ = 1;
    bool at_line_start_ = true;
};

// The bytes of a member of an object's text, as they stand there; "" when there is none.
std::string json_member(std::string_view object, std::string_view name);

}  // namespace schemas::import_formats
