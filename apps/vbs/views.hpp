// Volumes, snapshots, operations and the rest as people see them. Pure: values in, text out.
#pragma once
#include <rapidjson/document.h>

#include <ostream>
#include <string>

namespace vbs::cli {

// The record keeps life cycle, attachments and running operation apart; a person wants one word:
// "available", "in-use (rw)", "in-use (2 ro)", "in-use (rw, 2 ro)", "failed", "available; extend-volume 40%".
std::string volume_state(const rapidjson::Value& volume);

void print_volumes(std::ostream& out, const rapidjson::Value& volumes);
void print_volume(std::ostream& out, const rapidjson::Value& volume);
void print_snapshots(std::ostream& out, const rapidjson::Value& snapshots);
void print_snapshot(std::ostream& out, const rapidjson::Value& snapshot);
void print_attachments(std::ostream& out, const rapidjson::Value& attachments, const std::string& indent = {});
void print_operations(std::ostream& out, const rapidjson::Value& operations);
void print_operation(std::ostream& out, const rapidjson::Value& operation);

std::string reason_text(const rapidjson::Value& error);    // {code, message} -> "message (code)"
std::string size_text(const rapidjson::Value& object);     // of size_bytes: "10 GiB (10737418240 bytes)"
std::string display_name(const rapidjson::Value& object);  // "ID (name)" or "ID"

}  // namespace vbs::cli
