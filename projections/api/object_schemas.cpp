#include "projections/api/object_schemas.hpp"

#include "schemas/json/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace projections::api {
namespace {

using schemas::json::Writer;

// Fields are "name" (a text) or "name:type" with a type of text, int, bool, time, object, texts,
// objects, the name of another schema, or that name with [] for an array of it.
struct ObjectSchema {
    std::string_view name;
    std::string_view required;
    std::string_view fields;
};

constexpr std::array schemas_by_name = {
    ObjectSchema{"Problem", "title status code detail",
                 "type title status:int code detail fields:FieldProblem[]"},
    ObjectSchema{"FieldProblem", "path code message", "path code message"},
    ObjectSchema{"Page", "limit",
                 "page:int limit:int total:int total_exact:bool next_cursor previous_cursor"},
    ObjectSchema{"Meta", "version", "version:int position"},

    ObjectSchema{"Conversation", "id channel source customer_key",
                 "id channel source business_number customer_key customer_phone customer_name "
                 "status unread_count:int message_count:int last_message_preview "
                 "last_message_at:time last_direction last_inbound_at:time last_outbound_at:time "
                 "first_response_at:time waiting_since:time window_expires_at:time _meta:Meta"},
    ObjectSchema{"ConversationList", "data page", "data:Conversation[] page:Page position"},
    ObjectSchema{"Message", "id source provider_message_id status",
                 "id source provider_message_id conversation_id channel business_number direction "
                 "kind text media_id media_url media_type file_name template button_payload "
                 "reply_to sender at:time source_event:object status status_at:object error:object "
                 "reactions:objects edited:bool deleted:bool"},
    ObjectSchema{"MessageList", "data page", "data:Message[] page:Page position"},
    ObjectSchema{"TimelineEntry", "id at channel kind title",
                 "id at:time channel kind title body ref:object actor type source event_id"},
    ObjectSchema{"TimelineList", "data page", "data:TimelineEntry[] page:Page position"},
    ObjectSchema{"Call", "id provider status live at",
                 "id provider provider_call_id service direction caller callee customer_phone "
                 "customer_name business_number agent agent_name agent_number agent_status "
                 "customer_status department status raw_status live:bool at:time started_at:time "
                 "answered_at:time ended_at:time ring_s:int talk_s:int duration_s:int billed_s:int "
                 "hangup_by recording_url dtmf location operator custom_ref attempts:int "
                 "legs:objects _meta:Meta"},
    ObjectSchema{"CallList", "data page", "data:Call[] page:Page position"},

    ObjectSchema{"Request", "id source received_at status address",
                 "id source received_at:time method path query verified content_type bytes:int "
                 "status cause detail answered_status:int events:int failures:int address "
                 "_meta:Meta"},
    ObjectSchema{"RequestList", "data page", "data:Request[] page:Page position"},
    ObjectSchema{"Event", "id type time source address",
                 "id type time:time source address emit_index:int raw_id received_at:time "
                 "time_is_ingest:bool fields:object raw:object keys:objects warnings:objects "
                 "_meta:Meta"},
    ObjectSchema{"EventList", "data page", "data:Event[] page:Page position"},
    ObjectSchema{"GraphNode", "kind id label children",
                 "kind id label at:time address asked:bool more:bool children:GraphNode[]"},
    ObjectSchema{"EventGraph", "graph", "graph:GraphNode"},
    ObjectSchema{"DeadLetter", "id raw_id source at address path reason",
                 "id raw_id source at:time address emit_index:int path reason mapping status "
                 "discarded_at:time discarded_by _meta:Meta"},
    ObjectSchema{"DeadLetterList", "data page", "data:DeadLetter[] page:Page position"},
    ObjectSchema{"MeasureDescription", "name on dimensions values",
                 "name description unit on dimensions:texts values:texts kept"},
    ObjectSchema{"Measures", "data", "data:MeasureDescription[]"},
    ObjectSchema{"Measure", "measure range tz data",
                 "measure range:object tz bucket data:objects previous:objects"},

    ObjectSchema{"NewClient", "code name", "code name id events_source_id country time_zone"},
    ObjectSchema{"ClientPatch", "", "name country time_zone legal_hold"},
    ObjectSchema{"Client", "id code name status",
                 "id code name status country time_zone created_at:time legal_hold _meta:Meta"},
    ObjectSchema{"CreatedClient", "id code name api_key",
                 "id code name status country time_zone created_at:time api_key api_key_id "
                 "events_url _meta:Meta"},
    ObjectSchema{"ClientList", "data page", "data:Client[] page:Page"},
    ObjectSchema{"NewKey", "", "label"},
    ObjectSchema{"Key", "id label revoked", "id label revoked:bool created_at:time"},
    ObjectSchema{"CreatedKey", "id label api_key", "id label revoked:bool created_at:time api_key"},
    ObjectSchema{"KeyList", "data page", "data:Key[] page:Page"},
    ObjectSchema{"NewSource", "kind",
                 "id kind slug label enabled:bool verification:object secret verify_token "
                 "account_ids:texts default_paths:texts field_mapping:object "
                 "status_mapping:object time_format time_zone country address team department "
                 "mapping dedup:object"},
    ObjectSchema{"SourcePatch", "",
                 "slug label enabled:bool verification:object secret verify_token "
                 "account_ids:texts default_paths:texts field_mapping:object "
                 "status_mapping:object time_format time_zone country address team department "
                 "mapping dedup:object"},
    ObjectSchema{"Source", "id kind slug channel enabled url",
                 "id kind slug label channel enabled:bool url verification:object secret:object "
                 "verify_token:object account_ids:texts default_paths:texts methods:texts "
                 "field_mapping:object status_mapping:object time_format time_zone country "
                 "address team department mapping dedup:object created_at:time updated_at:time "
                 "new_secret _meta:Meta"},
    ObjectSchema{"SourceList", "data page", "data:Source[] page:Page"},
    ObjectSchema{"SecretRotation", "", "secret grace_s:int"},
    ObjectSchema{"RotatedSource", "id kind slug secret",
                 "id kind slug label channel enabled:bool url verification:object secret:object "
                 "created_at:time updated_at:time new_secret _meta:Meta"},
    ObjectSchema{"Mapping", "name version hash text", "name version:int hash text updated_at:time"},
    ObjectSchema{"MappingList", "data page", "data:Mapping[] page:Page"},
};

template <typename Visit>
void each_word(std::string_view text, Visit visit) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        visit(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void write_array(Writer& out, std::string_view key, std::string_view value) {
    out.member("type", "array").key("items").begin_object().member(key, value).end_object();
}

void write_type(Writer& out, std::string_view type) {
    const auto reference = [](std::string_view name) {
        return fmt::format("#/components/schemas/{}", name);
    };
    if (type == "text")
        out.member("type", "string");
    else if (type == "int")
        out.member("type", "integer");
    else if (type == "bool")
        out.member("type", "boolean");
    else if (type == "time")
        out.member("type", "string").member("format", "date-time");
    else if (type == "object")
        out.member("type", "object");
    else if (type == "texts")
        write_array(out, "type", "string");
    else if (type == "objects")
        write_array(out, "type", "object");
    else if (type.ends_with("[]"))
        write_array(out, "$ref", reference(type.substr(0, type.size() - 2)));
    else
        out.member("$ref", reference(type));
}

void write_schema(Writer& out, const ObjectSchema& schema) {
    out.begin_object().member("type", "object");
    if (!schema.required.empty()) {
        out.key("required").begin_array();
        each_word(schema.required, [&](std::string_view name) { out.text(name); });
        out.end_array();
    }
    out.key("properties").begin_object();
    each_word(schema.fields, [&](std::string_view field) {
        const std::size_t colon = field.find(':');
        out.key(field.substr(0, colon)).begin_object();
        write_type(out, colon == std::string_view::npos ? "text" : field.substr(colon + 1));
        out.end_object();
    });
    out.end_object().end_object();
}

}  // namespace

bool has_object_schema(std::string_view name) {
    return std::any_of(schemas_by_name.begin(), schemas_by_name.end(),
                       [&](const ObjectSchema& schema) { return schema.name == name; });
}

std::string object_schemas() {
    std::string text;
    Writer out(text);
    out.begin_object();
    for (const ObjectSchema& schema : schemas_by_name) write_schema(out.key(schema.name), schema);
    out.end_object();
    return text;
}

}  // namespace projections::api
