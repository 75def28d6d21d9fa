#include "schemas/import_formats/json_list_reader.hpp"

namespace schemas::import_formats {

using bus::ErrorCode;
using bus::Result;

namespace {
constexpr std::size_t kept_member_bytes_max = 64 * 1024;

bool is_named(std::string_view wrap, std::string_view name) {
    return name != "item" && wrap.find(fmt::format("{{{}}}", name)) != wrap.npos;
}
}  // namespace

Result<bool> JsonListReader::next(ImportItem& item) {
    item.clear();
    for (;;) {
        const Step step = lost_ ? Step::end : in_list_ ? next_element(item) : begin_document(item);
        if (step == Step::item) return true;
        if (step == Step::go_on) continue;
        if (source_.failure()) return *source_.failure();
        return false;
    }
}

JsonListReader::Step JsonListReader::begin_document(ImportItem& item) {
    const int first = scanner_.skip_blanks();
    document_line_ = scanner_.line();
    value_.clear();
    members_.clear();
    too_long_member_.clear();
    scanner_.begin();
    if (first == ByteSource::end) return Step::end;
    if (first == '{') return walk_object(item);
    (void)scanner_.take();
    if (first != '[') return damaged(item, "neither an object nor a list begins here");
    in_list_ = true;
    in_object_ = false;
    return Step::go_on;
}

// Kept from its first byte on: when no list comes, the document itself is the record.
JsonListReader::Step JsonListReader::walk_object(ImportItem& item) {
    scanner_.keep(value_, scanner_.take());
    for (;;) {
        int next = scanner_.skip_blanks();
        if (next == '}' || next == ',') {
            scanner_.keep(value_, scanner_.take());
            if (next == '}') return give(item, false);
            next = scanner_.skip_blanks();
        }
        std::string key;
        if (!scanner_.name(key) || scanner_.skip_blanks() != ':')
            return damaged(item, "the object is cut or a quote in it is broken");
        (void)scanner_.take();
        if (key == '"' + format_.list + '"' && scanner_.skip_blanks() == '[') {
            (void)scanner_.take();
            in_list_ = in_object_ = true;
            return Step::go_on;
        }
        for (const char byte : key) scanner_.keep(value_, byte);
        scanner_.keep(value_, ':');
        if (!take_member(std::string_view(key).substr(1, key.size() - 2)))
            return damaged(item, "the object is cut or a quote in it is broken");
    }
}

// However much stands before it: the document may be too long for a record, and its list is not.
bool JsonListReader::take_member(std::string_view name) {
    member_.clear();
    const bool is_whole = scanner_.value_apart(member_);
    value_.append(member_, 0, body_bytes_max - value_.size());
    if (!is_named(format_.wrap, name)) return is_whole;
    if (member_.size() <= kept_member_bytes_max)
        members_[std::string(name)] = member_;
    else
        too_long_member_ = name;
    return is_whole;
}

JsonListReader::Step JsonListReader::next_element(ImportItem& item) {
    int next = scanner_.skip_blanks();
    if (next == ',') {
        (void)scanner_.take();
        next = scanner_.skip_blanks();
    }
    value_.clear();
    scanner_.begin();
    if (next == ']') return end_list(item);
    if (!scanner_.value(value_)) return damaged(item, "the list is cut or a quote in it is broken");
    return give(item, true);
}

JsonListReader::Step JsonListReader::end_list(ImportItem& item) {
    (void)scanner_.take();
    in_list_ = false;
    if (in_object_ && !scanner_.rest_of_nesting(value_))
        return damaged(item, "the document is cut behind its list");
    return Step::go_on;
}

JsonListReader::Step JsonListReader::damaged(ImportItem& item, std::string_view why) {
    const bool one_line = scanner_.line() == document_line_;
    lost_ = !one_line || source_.peek() == ByteSource::end;
    in_list_ = false;
    ++number_;
    item.place = fmt::format("record {} (line {})", number_, scanner_.line());
    item.damage = bus::fail(ErrorCode::invalid_input, "{}{}", why,
                            one_line ? "" : "; what follows cannot be told apart and is not read");
    if (one_line) scanner_.pass_line();
    item.original = value_.substr(0, shown_bytes_max);
    return Step::item;
}

JsonListReader::Step JsonListReader::give(ImportItem& item, bool is_element) {
    ++number_;
    item.place = fmt::format("record {} (line {})", number_, scanner_.line());
    if (scanner_.too_long()) {
        item.damage = bus::fail(ErrorCode::too_large, "a record of {} bytes, {} are allowed",
                                scanner_.taken(), body_bytes_max);
        item.original = value_.substr(0, shown_bytes_max);
    } else if (is_element && !too_long_member_.empty()) {
        item.damage =
            bus::fail(ErrorCode::too_large,
                      "'{}' before the list, which belongs to it, is longer than {} bytes",
                      too_long_member_, kept_member_bytes_max);
        item.original = value_.substr(0, shown_bytes_max);
    } else {
        write(item, is_element);
    }
    return Step::item;
}

void JsonListReader::write(ImportItem& item, bool is_element) const {
    std::string inner;
    if (!format_.item.empty()) inner = json_member(value_, format_.item);
    const std::string& value = inner.empty() ? value_ : inner;
    if (is_element && !format_.wrap.empty())
        write_record(item.record, wrapped(value));
    else
        write_record(item.record, value);
}

std::string JsonListReader::wrapped(std::string_view element) const {
    std::string out;
    std::string_view rest = format_.wrap;
    while (!rest.empty()) {
        const auto open = std::min(rest.find('{'), rest.size());
        out += rest.substr(0, open);
        rest.remove_prefix(open);
        const auto name_end = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", 1);
        const bool is_name =
            name_end != std::string_view::npos && name_end > 1 && rest[name_end] == '}';
        if (!is_name) {
            out += rest.substr(0, 1);
            rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
            continue;
        }
        const std::string_view name = rest.substr(1, name_end - 1);
        const auto member = members_.find(name);
        out += name == "item"             ? element
               : member != members_.end() ? std::string_view(member->second)
                                          : std::string_view("null");
        rest.remove_prefix(name_end + 1);
    }
    return out;
}

}  // namespace schemas::import_formats
