#include "projections/dead_letters/dead_letters_fold.hpp"

#include "bus/crypto/digest.hpp"
#include "projections/cut_text.hpp"
#include "projections/stored_documents.hpp"

namespace projections {

namespace {

constexpr std::size_t reason_bytes_max = 512;

}  // namespace

void DeadLettersFold::failed(const FailedRecord& record, Rows& rows) const {
    const std::string_view emit_index{reinterpret_cast<const char*>(&record.emit_index),
                                      sizeof record.emit_index};
    const bus::EventId key =
        bus::crypto::hash_id({"dead letter", record.raw_id.view(), emit_index, record.path});
    std::string shown;
    schemas::json::Writer writer{shown};
    writer.begin_object().member("id", prefixed_id("dead", key));
    writer.member("raw_id", bus::to_string(record.raw_id)).member("source", record.source_slug);
    writer.member("at", record.ingest_time).member("address", bus::to_string(record.address));
    writer.member("emit_index", static_cast<std::int64_t>(record.emit_index));
    writer.member("path", record.path);
    writer.member("reason", cut_at_code_point(record.reason, reason_bytes_max));
    writer.member("mapping", record.mapping).end_object();
    rows.put(Table::entries,
             KeyWriter{}
                 .byte(dead_letter_tag)
                 .time_descending(record.ingest_time)
                 .id(key)
                 .text(record.source_slug)
                 .str(),
             shown);
}

}  // namespace projections
