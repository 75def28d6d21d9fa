#include "schemas/mail/mail_reader.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "schemas/json/json.hpp"

#include <gmime/gmime.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace schemas::mail {
namespace {

struct Unref {
    void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

struct FreeText {
    void operator()(char* text) const { g_free(text); }
};
using OwnedText = std::unique_ptr<char, FreeText>;

void start_gmime() {
    static std::once_flag once;
    std::call_once(once, [] { g_mime_init(); });
}

std::string_view view(const char* text) {
    return text ? std::string_view(text) : std::string_view{};
}

struct Person {
    std::string address;
    std::string name;
};

void collect(InternetAddressList* list, std::vector<Person>& out) {
    const int count = list ? internet_address_list_length(list) : 0;
    for (int i = 0; i < count; ++i) {
        InternetAddress* address = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_GROUP(address)) {
            collect(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)), out);
        } else if (INTERNET_ADDRESS_IS_MAILBOX(address)) {
            out.push_back({bus::to_lower_ascii(view(internet_address_mailbox_get_addr(
                               INTERNET_ADDRESS_MAILBOX(address)))),
                           std::string(view(internet_address_get_name(address)))});
        }
    }
}

std::vector<Person> people(GMimeMessage* message, GMimeAddressType type) {
    std::vector<Person> out;
    collect(g_mime_message_get_addresses(message, type), out);
    return out;
}

std::string joined_addresses(const std::vector<Person>& all) {
    std::string out;
    for (const Person& person : all) {
        if (!out.empty()) out += ", ";
        out += person.address;
    }
    return out;
}

// Message ids of a header such as References: what stands between angle brackets.
std::string message_ids(std::string_view header) {
    std::string out;
    for (auto open = header.find('<'); open != std::string_view::npos; open = header.find('<')) {
        header.remove_prefix(open + 1);
        const auto close = header.find('>');
        if (close == std::string_view::npos) break;
        const auto id = bus::trim(header.substr(0, close));
        if (!id.empty() && id.find_first_of(" \t\r\n") == std::string_view::npos) {
            if (!out.empty()) out += ' ';
            out += id;
        }
        header.remove_prefix(close + 1);
    }
    return out;
}

std::string without_tags(std::string_view html) {
    std::string out;
    bool in_tag = false;
    for (const char c : html) {
        if (c == '<')
            in_tag = true;
        else if (c == '>')
            in_tag = false, out += ' ';
        else if (!in_tag)
            out += c;
    }
    return out;
}

// Cut at a code point boundary.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80)
        --bytes_max;
    return text.substr(0, bytes_max);
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
    std::string out;
    for (const char c : text) {
        const bool blank = static_cast<unsigned char>(c) <= ' ';
        if (blank && (out.empty() || out.back() == ' ')) continue;
        out += blank ? ' ' : c;
        if (out.size() > bytes_max + 8) break;
    }
    return std::string(bus::trim(cut(out, bytes_max)));
}

struct Parts {
    std::string plain;
    std::string html;
    std::string enclosed_id;  // of the first mail, or headers of one, inside
    std::int64_t attachments = 0;
};

void take_text(GMimeTextPart* part, std::string& out) {
    if (!out.empty()) return;
    const OwnedText text{g_mime_text_part_get_text(part)};
    // GMime gives bytes of unknown charsets as they are; the JSON writer repairs what is not UTF-8.
    if (text) out = cut(text.get(), text_bytes_max);
}

// Of a header with more in it than an id, what stands between brackets: two mails with the same
// rubbish before their ids are two.
std::string own_id(GMimeMessage* message) {
    const std::string_view told = view(g_mime_message_get_message_id(message));
    if (told.find_first_of(" \t\r\n<>") == told.npos) return std::string(told);
    const std::string ids =
        message_ids(view(g_mime_object_get_header(GMIME_OBJECT(message), "Message-ID")));
    return ids.substr(0, ids.find(' '));
}

// The next line of `rest`, which goes on behind it; without its end.
std::string_view next_line(std::string_view& rest) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool is_folded(std::string_view line) {
    return line.starts_with(' ') || line.starts_with('\t');
}

// The id in the header fields of a mail that stand as text (text/rfc822-headers). Other fields may
// speak of it: `h=to:message-id` of a signature.
std::string id_among(std::string_view fields) {
    constexpr std::string_view name = "message-id:";
    while (!fields.empty()) {
        const std::string_view line = next_line(fields);
        if (bus::to_lower_ascii(line.substr(0, name.size())) != name) continue;
        std::string field(line.substr(name.size()));
        while (is_folded(fields)) field += next_line(fields);
        const std::string ids = message_ids(field);
        return ids.substr(0, ids.find(' '));
    }
    return {};
}

void take_enclosed_id(GMimeObject* object, Parts& parts) {
    if (!parts.enclosed_id.empty()) return;
    if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage* message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        if (message) parts.enclosed_id = own_id(message);
    } else if (GMIME_IS_TEXT_PART(object)) {
        const OwnedText text{g_mime_text_part_get_text(GMIME_TEXT_PART(object))};
        parts.enclosed_id = id_among(view(text.get()));
    }
}

bool is_type(GMimeObject* object, const char* type, const char* subtype) {
    return g_mime_content_type_is_type(g_mime_object_get_content_type(object), type, subtype);
}

constexpr int depth_max = 32;

void walk(GMimeObject* object, Parts& parts, int depth) {
    if (!object || depth > depth_max) return;
    if (GMIME_IS_MULTIPART(object)) {
        GMimeMultipart* multipart = GMIME_MULTIPART(object);
        for (int i = 0; i < g_mime_multipart_get_count(multipart); ++i) {
            walk(g_mime_multipart_get_part(multipart, i), parts, depth + 1);
        }
        return;
    }
    const auto disposition = bus::to_lower_ascii(view(g_mime_object_get_disposition(object)));
    const bool is_header_text = is_type(object, "text", "rfc822-headers");
    if (is_header_text || GMIME_IS_MESSAGE_PART(object)) take_enclosed_id(object, parts);
    if (GMIME_IS_TEXT_PART(object) && disposition != "attachment" && !is_header_text) {
        take_text(GMIME_TEXT_PART(object),
                  is_type(object, "text", "html") ? parts.html : parts.plain);
    } else {
        ++parts.attachments;
    }
}

bool has_any_field(GMimeObject* object) {
    return object && g_mime_header_list_get_count(g_mime_object_get_header_list(object)) > 0;
}

// GMime keeps the Content-* fields of a mail with its outermost part.
bool has_any_field(GMimeMessage* message) {
    return has_any_field(GMIME_OBJECT(message)) ||
           has_any_field(g_mime_message_get_mime_part(message));
}

bool is_bounce(GMimeMessage* message) {
    GMimeContentType* type = g_mime_object_get_content_type(g_mime_message_get_mime_part(message));
    return type && g_mime_content_type_is_type(type, "multipart", "report") &&
           bus::to_lower_ascii(view(g_mime_content_type_get_parameter(type, "report-type"))) ==
               "delivery-status";
}

bool is_auto_reply(GMimeMessage* message) {
    const auto header = [&](const char* name) {
        return bus::to_lower_ascii(
            bus::trim(view(g_mime_object_get_header(GMIME_OBJECT(message), name))));
    };
    const auto says_so = [&](const char* name) {
        const auto told = header(name);
        return !told.empty() && told != "no";
    };
    const auto precedence = header("Precedence");
    return says_so("Auto-Submitted") || says_so("X-Autoreply") || says_so("X-Autorespond") ||
           precedence == "bulk" || precedence == "auto_reply" || precedence == "junk" ||
           header("Return-Path") == "<>";
}

void write_person(json::Writer& out, std::string_view name, const std::vector<Person>& all) {
    if (all.empty()) return;
    out.key(name)
        .begin_object()
        .member("address", all[0].address)
        .member("name", all[0].name)
        .end_object();
}

void write_date(json::Writer& out, GMimeMessage* message) {
    GDateTime* date = g_mime_message_get_date(message);
    if (!date) return;
    const OwnedText text{g_date_time_format(date, "%Y-%m-%dT%H:%M:%S%:z")};
    if (text) out.member("date", view(text.get()));
}

void write_mail(json::Writer& out, GMimeMessage* message, std::string_view bytes) {
    const auto header = [&](const char* name) {
        return view(g_mime_object_get_header(GMIME_OBJECT(message), name));
    };
    const std::string message_id = own_id(message);
    const auto to = people(message, GMIME_ADDRESS_TYPE_TO);
    const auto cc = people(message, GMIME_ADDRESS_TYPE_CC);
    Parts parts;
    walk(g_mime_message_get_mime_part(message), parts, 0);
    const std::string text = parts.plain.empty() ? without_tags(parts.html) : parts.plain;
    out.begin_object();
    if (!message_id.empty()) out.member("message_id", message_id);
    out.member("identity",
               message_id.empty()
                   ? "sha256:" + bus::to_hex(bus::crypto::view(bus::crypto::sha256(bytes)))
                   : message_id);
    const bool bounce = is_bounce(message);
    std::string parents = message_ids(header("In-Reply-To"));
    if (parents.empty() && bounce) parents = parts.enclosed_id;
    out.member("in_reply_to", std::string_view(parents).substr(0, parents.find(' ')));
    out.member("references", message_ids(header("References")));
    out.member("subject", view(g_mime_message_get_subject(message)));
    write_date(out, message);
    write_person(out, "from", people(message, GMIME_ADDRESS_TYPE_FROM));
    write_person(out, "reply_to", people(message, GMIME_ADDRESS_TYPE_REPLY_TO));
    out.key("recipients").begin_array();
    for (const auto* list : {&to, &cc}) {
        for (const Person& person : *list) {
            out.begin_object()
                .member("address", person.address)
                .member("name", person.name)
                .end_object();
        }
    }
    out.end_array();
    out.member("to", joined_addresses(to)).member("cc", joined_addresses(cc));
    out.member("text", text).member("snippet", one_line(text, snippet_bytes_max));
    out.member("attachment_count", parts.attachments)
        .member("size_bytes", static_cast<std::int64_t>(bytes.size()));
    out.member("auto_reply", is_auto_reply(message)).member("bounce", bounce);
    out.end_object();
}

bool is_address_field(std::string_view name) {
    constexpr std::string_view resent = "resent-";
    constexpr std::string_view names[] = {"from", "sender", "reply-to", "to", "cc", "bcc"};
    if (name.size() > resent.size() + 8) return false;
    const std::string lower = bus::to_lower_ascii(name);
    const std::string_view plain =
        std::string_view(lower).substr(lower.starts_with(resent) ? resent.size() : 0);
    return std::find(std::begin(names), std::end(names), plain) != std::end(names);
}

// What GMime takes out of proportion: for an address field a stack frame for each ':', which is a
// group inside a group, time with the square of the addresses, and for each ',' behind what is no
// address all that follows without one; for a line that looks like a boundary all open multiparts.
// Anywhere in the bytes: mails inside the mail have such fields too.
class Cost {
public:
    // Why the mail is not read, or nothing.
    std::optional<std::string> look_at(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::string_view line = next_line(bytes);
            if (!is_folded(line)) begin_field(line);
            if (in_addresses_) std::for_each(line.begin(), line.end(), [&](char c) { take(c); });
            if (separators_ > addresses_max)
                return fmt::format("a From, To, Cc or the like has more than {} addresses",
                                   addresses_max);
            if (address_looks_ > looks_max)
                return "a From, To, Cc or the like has too many names without an address";
            if (boundaries_ * parts_ > looks_max) return "it has too many parts";
        }
        return std::nullopt;
    }

private:
    static constexpr std::int64_t looks_max = 50'000'000;  // some 0.1 s

    void begin_field(std::string_view line) {
        const std::string_view name = bus::trim(line.substr(0, line.find(':')));
        in_addresses_ = is_address_field(name);
        separators_ = unaddressed_ = 0;
        if (line.starts_with("--")) ++boundaries_;
        constexpr std::string_view content = "content-type";
        if (name.size() == content.size() && bus::to_lower_ascii(name) == content) ++parts_;
    }
    void take(char c) {
        unaddressed_ = c == '@' ? 0 : unaddressed_ + 1;
        if (c != ':' && c != ',' && c != ';') return;
        ++separators_;
        address_looks_ += unaddressed_;
    }

    bool in_addresses_ = false;
    std::int64_t separators_ = 0, unaddressed_ = 0;  // of the field; bytes since its last '@'
    std::int64_t address_looks_ = 0, boundaries_ = 0, parts_ = 0;
};

}  // namespace

bus::Result<bus::Done> read_mail(std::string_view bytes, std::string& json) {
    start_gmime();
    const auto start = std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size());
    if (const auto why = Cost().look_at(bytes.substr(start)))
        return bus::fail(bus::ErrorCode::invalid_input, "the mail is not read: {}", *why);
    const Owned<GMimeStream> stream{
        g_mime_stream_mem_new_with_buffer(bytes.data() + start, bytes.size() - start)};
    const Owned<GMimeParser> parser{g_mime_parser_new_with_stream(stream.get())};
    const Owned<GMimeMessage> message{g_mime_parser_construct_message(parser.get(), nullptr)};
    if (!message || !has_any_field(message.get())) {
        return bus::fail(bus::ErrorCode::invalid_input,
                         "the bytes are no mail: there is no header field");
    }
    json.clear();
    json::Writer out(json);
    write_mail(out, message.get(), bytes);
    return bus::Done{};
}

}  // namespace schemas::mail
