// The objects of `.control` as JSON, as control_facts.hpp lays them out. Members with their default
// value are left out; unknown members are not read.
#pragma once

#include "schemas/generations.hpp"
#include "schemas/json/json.hpp"
#include "schemas/registry.hpp"

namespace schemas {

void write(json::Writer& out, const Tenant& tenant);
void write(json::Writer& out, const ApiKey& key);
void write(json::Writer& out, const Source& source);
void write(json::Writer& out, const SourceSettings& settings);
void write(json::Writer& out, const Verification& verification);
void write(json::Writer& out, const ReplaySpec& spec);
void write_list(json::Writer& out, std::string_view name, const std::vector<std::string>& items);
void write_map(json::Writer& out, std::string_view name,
               const std::map<std::string, std::string>& items);

// invalid_input when an id or a time does not parse.
bus::Result<Tenant> read_tenant(json::Value in);
bus::Result<ApiKey> read_api_key(json::Value in);
bus::Result<Source> read_source(json::Value in);
bus::Result<ReplaySpec> read_replay_spec(json::Value in);
SourceSettings read_settings(json::Value in);
Verification read_verification(json::Value in);
std::vector<std::string> read_list(json::Value in);
std::map<std::string, std::string> read_map(json::Value in);

}  // namespace schemas
