// Reads a provider file: two YAML documents, first how its requests arrive, then what they mean.
//
//   source: meta_cloud                 # the kind, [a-z0-9_]
//   label: Meta WhatsApp Cloud API
//   channel: chat                      # topic of its records
//   paths: [/api/whatsapp/webhook]     # fixed paths it answers; may hold :slug or :token
//   url: /api/whatsapp/webhook/{token} # of a new source; {slug} or {token}
//   methods: [POST]
//   verification: {kind: meta}         # of the kind; without it a source must say its own
//   kept_headers: [x-hub-signature-256]
//   dedup: {paths: [entry[0].id]}
//   account_ids: ["entry[].changes[].value.metadata.phone_number_id"]
//   handshake: meta                    # answers the GET that proves the address
//   value: query                       # the query string is the record's value (default body)
//   response: {content_type: text/plain, body: OK}
//   exports:                           # downloads of this provider that can be imported
//     - {name: meta-history, list: messages, wrap: '{"entry":[{"messages":[{item}]}]}'}
//   mapping: required                  # the tenant brings its own; then there is no second
//   document
//   ---
//   mapping: meta_cloud                # schemas/MAPPING.md
//   ...
#pragma once

#include "schemas/registry.hpp"

namespace schemas {

// invalid_input: "file:line:column: reason", lines counted over both documents.
bus::Result<ProviderKind> parse_provider_file(std::string_view text, std::string_view file);

}  // namespace schemas
