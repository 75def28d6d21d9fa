#include "projections/mails/thread_row.hpp"

#include "projections/cut_text.hpp"
#include "projections/stored_documents.hpp"

#include <algorithm>
#include <tuple>

namespace projections::mail {

using schemas::json::Value;
using schemas::json::Writer;

namespace {

bool by_mail(const Member& member, const MailKey& mail) {
    return member.mail < mail;
}

auto place_in_time(const Member& member) {
    return std::tuple{member.at, member.mail};
}

std::optional<bus::Timestamp> newest_stored(const std::vector<Member>& members,
                                            bool (*counts)(const Member&)) {
    std::optional<bus::Timestamp> newest;
    for (const Member& member : members) {
        if (counts(member) && (!newest || *newest < member.ingest_time))
            newest = member.ingest_time;
    }
    return newest;
}

}  // namespace

Member& ThreadRow::member(const MailKey& mail) {
    auto place = std::lower_bound(members.begin(), members.end(), mail, by_mail);
    if (place == members.end() || place->mail != mail) {
        place = members.insert(place, Member{});
        place->mail = mail;
    }
    return *place;
}

// A mail is member of one thread only, so the two sets have nothing in common.
void ThreadRow::join(const ThreadRow& other) {
    mailbox = other.mailbox;
    const auto middle = static_cast<std::ptrdiff_t>(members.size());
    members.insert(members.end(), other.members.begin(), other.members.end());
    std::inplace_merge(members.begin(), members.begin() + middle, members.end(),
                       [](const Member& a, const Member& b) { return a.mail < b.mail; });
    for (const std::string& address : other.participants) add_participant(address);
}

void ThreadRow::add_participant(std::string_view address) {
    if (address.empty()) return;
    participants.emplace(cut_at_code_point(address, participant_bytes_max));
    // Who stays must not depend on who came first.
    if (participants.size() > participants_max) participants.erase(std::prev(participants.end()));
}

const Member* ThreadRow::oldest_mail() const {
    const Member* oldest = nullptr;
    for (const Member& member : members) {
        if (member.kind == Member::Kind::placeholder) continue;
        if (!oldest || place_in_time(member) < place_in_time(*oldest)) oldest = &member;
    }
    return oldest;
}

const Member* ThreadRow::last_mail() const {
    const Member* last = nullptr;
    for (const Member& member : members) {
        if (member.kind == Member::Kind::placeholder) continue;
        if (!last || place_in_time(*last) < place_in_time(member)) last = &member;
    }
    return last;
}

std::optional<bus::Timestamp> ThreadRow::asked() const {
    return newest_stored(members, [](const Member& member) {
        return member.kind == Member::Kind::received && !member.automatic;
    });
}

std::optional<bus::Timestamp> ThreadRow::answered() const {
    return newest_stored(members, [](const Member& member) {
        return member.kind == Member::Kind::sent && !member.automatic;
    });
}

bool ThreadRow::awaits_us() const {
    const auto last_asked = asked();
    const auto last_answered = answered();
    return last_asked && (!last_answered || *last_asked >= *last_answered);
}

void ThreadRow::settle() {
    if (const Member* oldest = oldest_mail()) key = oldest->mail;
    const auto last_answered = answered();
    // On a tie the customer's mail wins: it is not answered.
    for (Member& member : members) {
        member.unread = member.kind == Member::Kind::received && !member.read &&
                        (!last_answered || member.ingest_time >= *last_answered);
    }
}

std::size_t ThreadRow::mail_count() const {
    return static_cast<std::size_t>(std::count_if(
        members.begin(), members.end(),
        [](const Member& member) { return member.kind != Member::Kind::placeholder; }));
}

std::size_t ThreadRow::unread_count() const {
    return static_cast<std::size_t>(std::count_if(
        members.begin(), members.end(), [](const Member& member) { return member.unread; }));
}

void ThreadRow::encode(std::string& out) const {
    Writer writer{out};
    const Member* first = oldest_mail();
    const Member* last = last_mail();
    writer.begin_object().member("id", thread_id(key)).member("mailbox", mailbox);
    writer.member("subject", subject).key("participants").begin_array();
    for (const std::string& address : participants) writer.text(address);
    writer.end_array();
    writer.member("message_count", static_cast<std::int64_t>(mail_count()));
    writer.member("unread_count", static_cast<std::int64_t>(unread_count()));
    if (first) writer.member("first_message_at", first->at);
    if (last) {
        const bool received = last->kind == Member::Kind::received;
        writer.member("last_message_at", last->at)
            .member("last_direction", received ? "in" : "out");
        writer.member("awaiting", awaits_us() ? "us" : "customer");
    }
    writer.end_object();
    out += '\n';
    Writer state{out};
    state.begin_array();
    for (const Member& member : members) {
        state.begin_array().text(bus::to_string(member.mail));
        state.integer(static_cast<std::int64_t>(member.kind));
        if (member.kind != Member::Kind::placeholder) {
            state.integer(member.at.time_since_epoch().count());
            state.integer(member.ingest_time.time_since_epoch().count());
            state.integer((member.read ? 1 : 0) + (member.unread ? 2 : 0) +
                          (member.automatic ? 4 : 0));
        }
        state.end_array();
    }
    state.end_array();
}

bus::Result<bus::Done> ThreadRow::decode(std::string_view stored) {
    const auto documents = read_stored(stored);
    if (!documents) return documents.error();
    const auto& [shown, state] = *documents;
    const auto parsed_key = parse_thread_id(shown["id"].text());
    if (!parsed_key) return bus::fail(bus::ErrorCode::corrupt, "a thread row without its id");
    key = *parsed_key;
    mailbox = text_of(shown["mailbox"]);
    subject = text_of(shown["subject"]);
    shown["participants"].each_element(
        [&](Value address) { participants.insert(text_of(address)); });
    state.each_element([&](Value stored_member) {
        Member member;
        std::size_t part = 0;
        std::int64_t flags = 0;
        stored_member.each_element([&](Value value) {
            const std::int64_t number = value.integer().value_or(0);
            switch (part++) {
                case 0:
                    member.mail = bus::parse_event_id(value.text()).value_or(bus::EventId{});
                    return;
                case 1:
                    member.kind = static_cast<Member::Kind>(number);
                    return;
                case 2:
                    member.at = bus::Timestamp{bus::microseconds{number}};
                    return;
                case 3:
                    member.ingest_time = bus::Timestamp{bus::microseconds{number}};
                    return;
                default:
                    flags = number;
            }
        });
        member.read = (flags & 1) != 0;
        member.unread = (flags & 2) != 0;
        member.automatic = (flags & 4) != 0;
        members.push_back(member);
    });
    return bus::Done{};
}

void ThreadRow::index_entries(IndexSink& sink) const {
    const Member* last = last_mail();
    if (!last) return;
    sink.entry(KeyWriter{}
                   .raw(index_prefix(IndexTag::threads))
                   .time_descending(last->at)
                   .id(key)
                   .raw(std::string(1, unread_count() > 0 ? 'u' : 'r') + mailbox)
                   .take());
}

}  // namespace projections::mail
